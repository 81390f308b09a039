//! What a client says of itself in the query of a URL, and with which password.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use super::answers::{Asked, Service, plain};
use super::body::Answer;
use super::booted;
use super::path::decode;
use super::slots::Work;
use crate::content::Unlock;
use crate::engine::Introduction;

/// Longest name and password that are looked at, in bytes of Base64.
const CREDENTIALS_BYTES: usize = 512;

/// What the query says; the password is not yet looked at.
pub(super) fn read(query: &str) -> (Introduction, bool) {
    let pairs = || query.split('&').filter_map(|pair| pair.split_once('='));
    let said = Introduction::of_pairs(pairs(), |value| booted::parse(&decode(value)?));
    (said, pairs().any(|(name, value)| name == "unlock" && value == "1"))
}

/// Checks the password; else the answer that asks for it.
pub(super) async fn unlock(
    service: &Arc<Service>,
    asked: &Asked<'_>,
    work: Work,
) -> Result<Work, Response<Answer>> {
    let given = asked.request.headers().get(AUTHORIZATION).and_then(password);
    let outcome = match given {
        None => Unlock::No,
        Some(password) => {
            let finder = Arc::clone(&service.finder);
            let checked = tokio::task::spawn_blocking(move || finder.unlock(&password)).await;
            checked.unwrap_or(Unlock::Busy)
        }
    };
    match outcome {
        Unlock::Yes => Ok(work),
        Unlock::Busy => Err(plain(StatusCode::SERVICE_UNAVAILABLE, "try again later\n", work)),
        Unlock::No => {
            let mut answer = plain(StatusCode::UNAUTHORIZED, "name and password\n", work);
            let realm = HeaderValue::from_static("Basic realm=\"menu\"");
            answer.headers_mut().insert(WWW_AUTHENTICATE, realm);
            Err(answer)
        }
    }
}

/// The password of `Basic`, whatever the name (RFC 7617).
fn password(header: &HeaderValue) -> Option<Vec<u8>> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > CREDENTIALS_BYTES {
        return None;
    }
    let credentials = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let colon = credentials.iter().position(|byte| *byte == b':')?;
    Some(credentials[colon + 1..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_ipxe_writes_them() {
        let query = "mac=52:54:00:aa:00:01&platform=pcbios&buildarch=i386&memsize=2047&unlock=1";
        let (said, unlock) = read(query);
        assert_eq!(said.mac, Some([0x52, 0x54, 0, 0xaa, 0, 1]));
        assert_eq!((said.memory_mib, said.unlocked, unlock), (Some(2047), false, true));
        assert!(!read("mac=%zz&unlock=0&unlock").1);
        assert_eq!(read("").0, Introduction::default());
    }

    #[test]
    fn the_password_is_what_comes_behind_the_first_colon() {
        let of = |text: &str| password(&HeaderValue::from_str(text).expect("a header"));
        assert_eq!(of("Basic bWVudTpuZXQ6d29yaw==").as_deref(), Some(&b"net:work"[..]));
        assert_eq!(of("basic OngK").as_deref(), Some(&b"x\n"[..]));
        for odd in ["", "Basic", "Basic ***", "Bearer bWVudTpuZXQ=", "Basic bWVudQ=="] {
            assert_eq!(of(odd), None, "{odd}");
        }
        assert_eq!(of(&format!("Basic {}", "A".repeat(CREDENTIALS_BYTES + 4))), None);
    }
}
