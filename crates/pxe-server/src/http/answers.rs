//! Requests and their answers: which place a path names, and what is said where there is no file.

use core::convert::Infallible;
use core::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};

use super::body::{Answer, Blocks};
use super::files::Where;
use super::lane::Lane;
use super::path::{Place, decode};
use super::slots::Work;
use super::story::{Delivery, Story};
use super::{booted, catalogue, done, files, seeds};
use crate::config::HttpConfig;
use crate::content::{Finder, Links, host};
use crate::engine;
use crate::next_boot::DoneTokens;

/// Seconds after which a client may try again what could not be opened. iPXE waits so long.
const RETRY_AFTER_SECONDS: &str = "5";

/// What every answer needs.
pub(super) struct Service {
    pub(super) finder: Arc<Finder>,
    pub(super) story: Arc<Story>,
    pub(super) blocks: Arc<Blocks>,
    pub(super) config: HttpConfig,
    /// Address that clients are told instead of the one that they reached.
    pub(super) advertise: Option<IpAddr>,
    /// By which machines say that they are done.
    pub(super) done: DoneTokens,
}

/// Whom an answer is for.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// Our address that it reached.
    pub(super) local: IpAddr,
    /// Where the kernel can move a file's bytes to this client; not where they are encrypted.
    pub(super) lane: Option<Arc<Lane>>,
}

/// A request as the rest of this module needs it.
pub(super) struct Asked<'r> {
    pub(super) request: &'r Request<Incoming>,
    pub(super) peer: Peer,
    /// HEAD: how it would be answered, without the body.
    pub(super) head_only: bool,
}

impl Service {
    /// Answers a request. There is always an answer.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Peer,
        work: Work,
    ) -> Result<Response<Answer>, Infallible> {
        let head_only = request.method() == Method::HEAD;
        // What changes nothing by being asked for twice: a machine says that it is done.
        let is_done = request.method() == Method::POST && request.uri().path() == "/done";
        if !head_only && !is_done && request.method() != Method::GET {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n", work);
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Ok(answer);
        }
        let asked = Asked { request: &request, peer, head_only };
        let Some(path) = decode(request.uri().path()) else {
            let text = "a % in the path has no two hexadecimal digits behind it\n";
            return Ok(plain(StatusCode::BAD_REQUEST, text, work));
        };
        let answer = match Place::of(&path) {
            Place::Root(name) => files::answer(&self, &asked, name, Where::Root, work).await,
            Place::Images(name) => files::answer(&self, &asked, name, Where::Images, work).await,
            Place::Catalogue => catalogue::answer(&self, &asked, work).await,
            Place::Seed(path) => seeds::answer(&self, &asked, path, work).await,
            Place::Done => done::answer(&self, &asked, work).await,
            Place::Booted => booted::answer(&self, &asked, work),
            Place::Nowhere => plain(StatusCode::NOT_FOUND, "files are below /boot/\n", work),
        };
        Ok(if head_only { without_body(answer) } else { answer })
    }

    /// The token of a machine's boot; none if the system has no random numbers.
    pub(super) fn token(&self, now: Instant, mac: [u8; 6]) -> Option<String> {
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).ok()?;
        Some(engine::token_text(self.story.shared.boot_token(now, mac, fresh)))
    }

    /// Where links lead that this client can follow.
    pub(super) fn links(&self, peer: &Peer) -> Links {
        let server = host(self.advertise.unwrap_or(peer.local));
        Links { base: self.config.url(&server), server, over_http: true }
    }
}

/// A short text for people. Programs look at the status.
pub(super) fn plain(status: StatusCode, text: &'static str, work: Work) -> Response<Answer> {
    let body = Answer::text(Bytes::from_static(text.as_bytes()), Delivery::new(work, None));
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    answer
}

/// The head of an answer alone: hyper sends no body to HEAD, and so nothing is to be read for one.
fn without_body(answer: Response<Answer>) -> Response<Answer> {
    answer.map(Answer::emptied)
}
