//! TFTP bytes as firmware reads and writes them. Deliberately not built on `pxe-tftp`, for the reason that
//! [`crate::wire`] gives.

use std::fmt::Write as _;

/// A packet other than a request, from the side that receives it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packet<'a> {
    /// A request, read or write: everything behind the opcode.
    Request(&'a [u8]),
    /// A block, by its number on the wire.
    Data(u16, &'a [u8]),
    Ack(u16),
    /// Code and text, without its NUL.
    Error(u16, &'a [u8]),
    /// The options.
    OptionAck(&'a [u8]),
}

/// Reads a datagram; `None` if it is no TFTP.
pub(crate) fn read(datagram: &[u8]) -> Option<Packet<'_>> {
    let (opcode, rest) = datagram.split_first_chunk()?;
    let number =
        || rest.split_first_chunk().map(|(number, rest)| (u16::from_be_bytes(*number), rest));
    Some(match u16::from_be_bytes(*opcode) {
        1 | 2 => Packet::Request(rest),
        3 => number().map(|(block, payload)| Packet::Data(block, payload))?,
        4 => number().map(|(block, _)| Packet::Ack(block))?,
        5 => number()
            .map(|(code, text)| Packet::Error(code, text.strip_suffix(&[0]).unwrap_or(text)))?,
        6 => Packet::OptionAck(rest),
        _ => return None,
    })
}

/// Names and values of options.
pub(crate) fn options(bytes: &[u8]) -> impl Iterator<Item = (&[u8], Option<u64>)> {
    let mut words = bytes.split(|&byte| byte == 0);
    core::iter::from_fn(move || {
        let name = words.next().filter(|name| !name.is_empty())?;
        let value = words.next()?;
        Some((name, core::str::from_utf8(value).ok().and_then(|value| value.parse().ok())))
    })
}

/// A request for `file` in octet mode; `write` to send it.
pub(crate) fn request(write: bool, options: &[(&str, u64)]) -> Vec<u8> {
    let mut datagram = vec![0, if write { 2 } else { 1 }];
    datagram.extend(b"file\0octet\0");
    for (name, value) in options {
        datagram.extend(format!("{name}\0{value}\0").bytes());
    }
    datagram
}

/// The lower 16 bits of a block's number.
pub(crate) fn number(block: u64) -> u16 {
    (block % 65_536) as u16
}

pub(crate) fn ack(block: u64) -> Vec<u8> {
    [[0, 4], number(block).to_be_bytes()].concat()
}

pub(crate) fn data(block: u64, payload: &[u8]) -> Vec<u8> {
    [&[0, 3][..], &number(block).to_be_bytes(), payload].concat()
}

/// `DATA 5 (512 bytes)`, for a transcript.
pub(crate) fn render(datagram: &[u8]) -> Option<String> {
    Some(match read(datagram)? {
        Packet::Request(words) => {
            let kind = if datagram[1] == 1 { "RRQ" } else { "WRQ" };
            format!("{kind} {}", printable(words))
        }
        Packet::Data(block, payload) => format!("DATA {block} ({} bytes)", payload.len()),
        Packet::Ack(block) => format!("ACK {block}"),
        Packet::Error(code, text) => format!("ERROR {code} {}", printable(text)),
        Packet::OptionAck(options) => format!("OACK {}", printable(options)),
    })
}

fn printable(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, &byte| {
        match byte {
            0 => text.push('|'),
            byte => {
                let _ = write!(text, "{}", byte.escape_ascii());
            }
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_shown_in_one_line() {
        let shown = |datagram: &[u8]| render(datagram).unwrap_or_default();
        assert_eq!(shown(&request(false, &[("tsize", 0)])), "RRQ file|octet|tsize|0|");
        assert_eq!(shown(&data(65_537, b"abc")), "DATA 1 (3 bytes)");
        assert_eq!(shown(&ack(7)), "ACK 7");
        assert_eq!(shown(b"\0\x05\0\x01no\0"), "ERROR 1 no");
        assert_eq!(render(b"\0\x09"), None);
    }

    #[test]
    fn options_are_read_in_order() {
        let found: Vec<_> = options(b"blksize\08\0tsize\0x\0").collect();
        assert_eq!(found, [(&b"blksize"[..], Some(8)), (b"tsize", None)]);
    }
}
