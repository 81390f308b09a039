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

/// The address itself.
pub(super) fn parse(value: &[u8]) -> Option<[u8; 6]> {
    let digits: Vec<u8> = match value.len() {
        12 => value.to_vec(),
        17 => {
            let separator = value[2];
            let is_right = |(index, byte): (usize, &u8)| index % 3 != 2 || *byte == separator;
            if !matches!(separator, b':' | b'-') || !value.iter().enumerate().all(is_right) {
                return None;
            }
            value.iter().copied().filter(|byte| *byte != separator).collect()
        }
        _ => return None,
    };
    let mut mac = [0; 6];
    for (byte, digits) in mac.iter_mut().zip(digits.chunks(2)) {
        let [high, low] = [digits.first(), digits.get(1)]
            .map(|digit| char::from(*digit.unwrap_or(&b' ')).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
    }
    Some(mac)
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
