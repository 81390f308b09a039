//! Files beneath the root: the decision asked, the file opened, the answer with its parts.

use core::ops::Range;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED,
    RANGE, USER_AGENT,
};
use hyper::{Response, StatusCode};
use pxe_select::Asker;

use super::answers::{Asked, Service, plain};
use super::body::{Answer, Part, Source};
use super::media;
use super::ranges::{self, Wish};
use super::said;
use super::slots::Work;
use super::story::{Delivery, File, Story};
use super::validators::{Validators, Verdict};
use crate::content::{Content, Made};
use crate::engine::{
    self, Choice, ClientId, ContentError, Detail, Introduction, LastPiece, Stage, Wanted, printable,
};

/// A file that was found.
pub(super) struct Found {
    pub(super) content: Content,
    pub(super) name: Vec<u8>,
    /// How it differs from what was asked for; empty if it does not.
    pub(super) why: String,
    /// Whose boot it is, if it stands for a bait and that is certain.
    pub(super) machine: Option<ClientId>,
    /// With it an order is spent.
    pub(super) last_piece: Option<LastPiece>,
    /// What the story tells of the request.
    pub(super) detail: Detail,
}

/// Where a name is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Where {
    /// Beneath the root, then everywhere else.
    Root,
    /// In the folder of images alone.
    Images,
}

/// Answers for a name beneath the root, which is as the client wrote it.
pub(super) async fn answer(
    service: &Arc<Service>,
    asked: &Asked<'_>,
    name: &[u8],
    place: Where,
    work: Work,
) -> Response<Answer> {
    let story = &service.story;
    let (mut said, unlock) = said::read(asked.request.uri().query().unwrap_or_default());
    let work = match unlock {
        false => work,
        true => match said::unlock(service, asked, work).await {
            Ok(work) => work,
            Err(answer) => return answer,
        },
    };
    said.unlocked = unlock;
    let (client, choice, detail) = decide(story, asked, name, said);
    let (status, stage) = match choice {
        Choice::Open(wanted, baited) => {
            let looked_for = wanted.looked_for();
            let is_bait = baited.is_some();
            let detail = detail.clone().with_reasons(wanted.reasons());
            let machine = baited.and_then(|baited| {
                story.tell_with(client, baited.stage, detail.clone());
                baited.machine
            });
            match find(service, asked, wanted, (machine, detail), place).await {
                Ok(found) => return found_answer(service, asked, client, found, work),
                // Of a bait the loader that is missing is worth telling.
                Err(ContentError::NotFound) if !is_bait => {
                    story.tell_missing(client, looked_for);
                    return plain(StatusCode::NOT_FOUND, "there is no such file\n", work);
                }
                Err(error) => {
                    let status = match error {
                        ContentError::NotFound => StatusCode::NOT_FOUND,
                        ContentError::Refused(_) => StatusCode::FORBIDDEN,
                        _ => StatusCode::SERVICE_UNAVAILABLE,
                    };
                    let file = if is_bait { looked_for } else { printable(name) };
                    (status, Stage::Failed { file, reason: error.to_string() })
                }
            }
        }
        Choice::Refuse(stage) => (StatusCode::FORBIDDEN, stage),
        Choice::Missing(stage) => (StatusCode::NOT_FOUND, stage),
        // More may be known of it when it asks again.
        Choice::Silence(stage) => (StatusCode::SERVICE_UNAVAILABLE, stage),
    };
    story.tell_with(client, stage, detail);
    // The client is told a fixed text: paths and system errors stay here.
    let text = match status {
        StatusCode::FORBIDDEN => "denied\n",
        StatusCode::NOT_FOUND => "not served\n",
        _ => "try again later\n",
    };
    plain(status, text, work)
}

/// Asks the one decision; who asks is told by the address, what asks by the name it gives itself.
pub(super) fn decide(
    story: &Story,
    asked: &Asked<'_>,
    name: &[u8],
    said: Introduction,
) -> (ClientId, Choice, Detail) {
    let agent = asked.request.headers().get(USER_AGENT).map(HeaderValue::as_bytes);
    let asker = Asker::of_user_agent(agent.unwrap_or_default());
    let question = pxe_select::Asked::Name(name);
    let (shared, peer) = (&story.shared, asked.peer.address);
    let (client, choice) = engine::decide(shared, Instant::now(), peer, asker, question, said);
    shared.note_fetch(client);
    let method = if asked.head_only { "HEAD" } else { "GET" };
    (client, choice, Detail::of_asker(peer, asker, method, name))
}

/// Opens the first name that is there, on a thread that may wait for a disk.
async fn find(
    service: &Arc<Service>,
    asked: &Asked<'_>,
    wanted: Box<Wanted>,
    (machine, detail): (Option<ClientId>, Detail),
    place: Where,
) -> Result<Found, ContentError> {
    let finder = Arc::clone(&service.finder);
    let links = service.links(&asked.peer);
    let opened = tokio::task::spawn_blocking(move || {
        let open = |tried: &engine::Try| {
            let (goes_first, recipient) = (tried.goes_first, &wanted.recipient);
            let made = tried.generated.map(|generated| Made { generated, goes_first, recipient });
            match (&tried.text, place) {
                (Some(text), _) => Ok(Content::generated(Arc::clone(text))),
                (None, Where::Root) => finder.find(&tried.name, made, &links),
                (None, Where::Images) => finder.find_image(&tried.name, &links),
            }
        };
        let (content, tried) = wanted.open(open)?;
        let (name, why) = (tried.name.clone(), wanted.why(tried));
        let last_piece = wanted.last_piece.clone();
        Ok(Found { content, name, why, machine, last_piece, detail })
    });
    opened.await.unwrap_or_else(|error| Err(ContentError::Unavailable(error.to_string())))
}

pub(super) fn found_answer(
    service: &Arc<Service>,
    asked: &Asked<'_>,
    client: ClientId,
    found: Found,
    work: Work,
) -> Response<Answer> {
    let size = found.content.size();
    let headers = asked.request.headers();
    let validators = Validators::of(&found.content, SystemTime::now());
    let mut answer = match validators.verdict(headers) {
        Verdict::NotModified => {
            let mut answer = plain(StatusCode::NOT_MODIFIED, "", work);
            answer.headers_mut().remove(CONTENT_TYPE);
            answer.headers_mut().remove(CONTENT_LENGTH);
            answer
        }
        Verdict::Failed => {
            return plain(StatusCode::PRECONDITION_FAILED, "the file has changed\n", work);
        }
        Verdict::Go => {
            // Ranges are defined for GET alone (RFC 9110 section 14.2).
            let range = headers.get(RANGE).filter(|_| !asked.head_only);
            let range = range.filter(|_| validators.ranges_count(headers));
            let wish = range.map_or(Wish::Whole, |range| ranges::parse(range.as_bytes(), size));
            serve(service, asked, client, found, wish, work)
        }
    };
    let headers = answer.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(etag) = HeaderValue::try_from(validators.etag) {
        headers.insert(ETAG, etag);
    }
    let modified = validators.modified.map(httpdate::fmt_http_date);
    if let Some(modified) = modified.and_then(|date| HeaderValue::try_from(date).ok()) {
        headers.insert(LAST_MODIFIED, modified);
    }
    answer
}

/// The file, or what is wanted of it.
fn serve(
    service: &Arc<Service>,
    asked: &Asked<'_>,
    client: ClientId,
    found: Found,
    wish: Wish,
    work: Work,
) -> Response<Answer> {
    let Found { content, name, why, machine, last_piece, detail } = found;
    let size = content.size();
    let media = media::of(&name);
    let file = printable(&name);
    let (status, layout, from) = match wish {
        Wish::Unsatisfiable => {
            let text = "the file has no such bytes\n";
            let mut answer = plain(StatusCode::RANGE_NOT_SATISFIABLE, text, work);
            insert(&mut answer, CONTENT_RANGE, format!("bytes */{size}"));
            return answer;
        }
        Wish::Whole => (StatusCode::OK, Layout::whole(size, media), None),
        Wish::Parts(parts) => {
            let from = parts.first().map(|part| part.start);
            (StatusCode::PARTIAL_CONTENT, Layout::parts(parts, size, media), from)
        }
    };
    let bytes = layout.bytes();
    service.story.shared.found(client);
    if asked.head_only {
        service.story.tell_with(client, Stage::Probed { file }, detail);
        let mut answer = plain(status, "", work);
        layout.describe(&mut answer, bytes);
        return answer;
    }
    let shortfall = content.shortfall().cloned();
    if from.is_none() {
        let why = match &shortfall {
            Some(shortfall) => shortfall.beside(why),
            None => why,
        };
        let stage = Stage::Requested { file: file.clone(), bytes: size, why };
        service.story.tell_with(client, stage, detail);
    }
    let story = Arc::clone(&service.story);
    let mut file = File::new(story, client, file, bytes, from);
    file.baited = machine.map(|machine| (asked.peer.address, machine));
    file.last_piece = last_piece;
    file.shortfall = shortfall;
    let delivery = Delivery::new(work, Some(file));
    let head = (layout.media.clone(), layout.range.clone());
    let blocks = Arc::clone(&service.blocks);
    let content = Arc::new(content);
    let source = Source { content, blocks, lane: asked.peer.lane.clone() };
    let mut answer = Response::new(Answer::file(source, layout.parts, delivery));
    *answer.status_mut() = status;
    describe(&mut answer, head, bytes);
    answer
}

/// What an answer consists of.
struct Layout {
    parts: Vec<Part>,
    media: String,
    range: Option<String>,
}

impl Layout {
    fn whole(size: u64, media: &str) -> Self {
        Self { parts: file_part(0..size), media: media.to_owned(), range: None }
    }

    /// One part as it is; several with heads between them (RFC 9110 section 14.6).
    fn parts(parts: Vec<Range<u64>>, size: u64, media: &str) -> Self {
        let range = |part: &Range<u64>| format!("bytes {}-{}/{size}", part.start, part.end - 1);
        if let [part] = &parts[..] {
            let range = Some(range(part));
            return Self { parts: file_part(part.clone()), media: media.to_owned(), range };
        }
        // Random, since it must not stand in the file.
        let [one, other] = [0, 1].map(|number: u8| RandomState::new().hash_one(number));
        let boundary = format!("{one:016x}{other:016x}");
        let mut all = Vec::with_capacity(2 * parts.len() + 1);
        for part in parts {
            let head = format!(
                "\r\n--{boundary}\r\nContent-Type: {media}\r\nContent-Range: {}\r\n\r\n",
                range(&part)
            );
            all.push(Part::Text(Bytes::from(head)));
            all.extend(file_part(part));
        }
        all.push(Part::Text(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
        let media = format!("multipart/byteranges; boundary={boundary}");
        Self { parts: all, media, range: None }
    }

    fn bytes(&self) -> u64 {
        self.parts.iter().map(Part::len).sum()
    }

    fn describe(self, answer: &mut Response<Answer>, bytes: u64) {
        describe(answer, (self.media, self.range), bytes);
    }
}

/// An empty part would be one too many: a body ends where its last part does.
fn file_part(range: Range<u64>) -> Vec<Part> {
    if range.is_empty() { Vec::new() } else { vec![Part::File(range)] }
}

fn describe(answer: &mut Response<Answer>, (media, range): (String, Option<String>), bytes: u64) {
    insert(answer, CONTENT_TYPE, media);
    insert(answer, CONTENT_LENGTH, bytes.to_string());
    if let Some(range) = range {
        insert(answer, CONTENT_RANGE, range);
    }
}

fn insert(answer: &mut Response<Answer>, name: hyper::header::HeaderName, value: String) {
    // Numbers and our own words: every byte of them may stand in a header.
    if let Ok(value) = HeaderValue::try_from(value) {
        answer.headers_mut().insert(name, value);
    }
}
