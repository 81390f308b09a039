//! `/booted?mac=52:54:00:aa:00:01`: a machine, or a script on it, says that it has booted.
//!
//! Anybody can say so; it is a line in a story and nothing else.

use hyper::{Response, StatusCode};

use super::answers::{Asked, Service, plain};
use super::body::Answer;
use super::path::decode;
use super::slots::Work;
use crate::engine::{ClientId, Stage};

pub(super) fn answer(service: &Service, asked: &Asked<'_>, work: Work) -> Response<Answer> {
    let Some(mac) = mac(asked.request.uri().query().unwrap_or_default()) else {
        let text = "which machine? /booted?mac=52:54:00:aa:00:01\n";
        return plain(StatusCode::BAD_REQUEST, text, work);
    };
    if !asked.head_only {
        let client = ClientId::Mac(mac);
        let known = service.story.shared.knows(client);
        service.story.tell(client, Stage::Booted { from: asked.peer.address, known });
    }
    plain(StatusCode::OK, "told\n", work)
}

/// The value of `mac`: six bytes in hexadecimal, with `:` or `-` between them or nothing, as iPXE, GRUB and Linux
/// write them.
pub(super) fn mac(query: &str) -> Option<[u8; 6]> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("mac="))?;
    parse(&decode(value)?)
}

/// The address itself. Points between fours of digits, as a configuration may have them, no boot program writes.
pub(super) fn parse(value: &[u8]) -> Option<[u8; 6]> {
    let text = core::str::from_utf8(value).ok().filter(|text| !text.contains('.'))?;
    pxe_select::parse_mac(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_read() {
        let expected = Some([0x52, 0x54, 0, 0xaa, 0, 1]);
        for query in [
            "mac=52:54:00:aa:00:01",
            "mac=52-54-00-AA-00-01",
            "mac=525400aa0001",
            "mac=52%3A54%3a00:aa:00:01",
            "uuid=1&mac=52:54:00:aa:00:01&x",
        ] {
            assert_eq!(mac(query), expected, "{query}");
        }
        for query in [
            "",
            "mac=",
            "mac",
            "xmac=52:54:00:aa:00:01",
            "mac=52:54:00:aa:00",
            "mac=52:54-00:aa:00:01",
            "mac=52:54:00:aa:00:0g",
            "mac=52:54:00:aa:00:01:02",
            "mac=5:254:00:aa:00:01",
            "mac=%52",
            "mac=52 54 00 aa 00 01",
            "mac=++++++++++++",
        ] {
            assert_eq!(mac(query), None, "{query}");
        }
    }
}
