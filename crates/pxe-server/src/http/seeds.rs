//! `/seed/<mac>/<file>` and `/seed/<mac>/<token>/<file>`: what is made for one machine, and given to no other.

use std::sync::Arc;
use std::time::Instant;

use hyper::{Response, StatusCode};

use super::answers::{Asked, Service, plain};
use super::body::Answer;
use super::done;
use super::files::{Found, found_answer};
use super::slots::Work;
use crate::content::{Content, SeedError, SeedFacts, host};
use crate::engine::{self, Detail, Stage, printable};

/// Answers for what is behind `/seed/`.
pub(super) async fn answer(
    service: &Arc<Service>,
    asked: &Asked<'_>,
    path: &[u8],
    work: Work,
) -> Response<Answer> {
    let Some(wish) = Wish::of(path) else {
        let text = "a seed is /seed/52-54-00-aa-00-01/FILE\n";
        return plain(StatusCode::NOT_FOUND, text, work);
    };
    let (story, peer, now) = (&service.story, asked.peer.address, Instant::now());
    // A token in the story would be one for whoever reads it.
    let name = format!("seed/{}/{}", wish.machine, printable(wish.file.as_bytes()));
    let shared = &story.shared;
    let client = match engine::may_have(shared, now, peer, wish.mac, wish.token, &name) {
        Ok(client) => client,
        Err((client, stage)) => {
            story.tell(client, stage);
            return plain(StatusCode::FORBIDDEN, "denied\n", work);
        }
    };
    let tokens = (service.token(now, wish.mac), done::token(service, wish.mac));
    let (Some(token), Some(done)) = tokens else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "try again later\n", work);
    };
    let server = host(service.advertise.unwrap_or(asked.peer.local));
    let origin = service.config.url(&server).trim_end_matches("/boot/").to_owned();
    let facts = SeedFacts { mac: wish.mac, address: peer, server, origin, token, done };
    let finder = Arc::clone(&service.finder);
    let file = wish.file.to_owned();
    let made = tokio::task::spawn_blocking(move || finder.seeds().make(&file, &facts)).await;
    let (status, text, stage) = match made {
        Ok(Ok(text)) => {
            let content = Content::generated(text.into_bytes().into());
            let found = Found {
                content,
                name: name.into_bytes(),
                why: String::new(),
                machine: None,
                last_piece: None,
                detail: Detail::default(),
            };
            return found_answer(service, asked, client, found, work);
        }
        // cloud-init and installers ask for more than there has to be.
        Ok(Err(SeedError::NotFound(why))) => {
            let stage = Stage::Tried { file: format!("{name} ({why})") };
            (StatusCode::NOT_FOUND, "there is no such file\n", stage)
        }
        Ok(Err(error)) => {
            let stage = Stage::Failed { file: name, reason: error.to_string() };
            (StatusCode::INTERNAL_SERVER_ERROR, "the template has a fault\n", stage)
        }
        Err(error) => {
            let stage = Stage::Failed { file: name, reason: error.to_string() };
            (StatusCode::SERVICE_UNAVAILABLE, "try again later\n", stage)
        }
    };
    story.tell(client, stage);
    plain(status, text, work)
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wish<'p> {
    mac: [u8; 6],
    /// The address as it was written.
    machine: String,
    token: Option<engine::BootToken>,
    file: &'p str,
}

impl<'p> Wish<'p> {
    fn of(path: &'p [u8]) -> Option<Self> {
        let path = core::str::from_utf8(path).ok()?.trim_start_matches('/');
        let (machine, rest) = path.split_once('/')?;
        let mac = pxe_select::parse_mac(machine)?;
        let (token, file) = match rest.split_once('/') {
            Some((word, file)) => match engine::parse_token(word.as_bytes()) {
                Some(token) => (Some(token), file),
                None => (None, rest),
            },
            None => (None, rest),
        };
        let machine = engine::hyphenated(mac);
        (!file.is_empty()).then_some(Self { mac, machine, token, file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_has_a_machine_perhaps_a_token_and_a_file() {
        let wish = |path: &'static str| Wish::of(path.as_bytes());
        let plain = wish("/52:54:00:AA:00:01/user-data").expect("a wish");
        assert_eq!(
            (&*plain.machine, plain.token, plain.file),
            ("52-54-00-aa-00-01", None, "user-data")
        );
        let token = wish("525400aa0001/00112233445566778899aabbccddeeff/a/b").expect("a wish");
        assert_eq!((token.token.map(|token| token[1]), token.file), (Some(0x11), "a/b"));
        let deep = wish("525400aa0001/late/step.sh").expect("a wish");
        assert_eq!((deep.token, deep.file), (None, "late/step.sh"));
        for broken in ["", "52:54:00:aa:00:01", "52:54:00:aa:00:01/", "node1/user-data"] {
            assert_eq!(wish(broken), None, "{broken}");
        }
    }
}
