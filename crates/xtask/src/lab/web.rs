//! Files that came to a machine by HTTP, read from the frames on its tap.
//!
//! A second reading, like [`super::evidence`]'s: TCP is put together by sequence numbers, and of HTTP only what a proof
//! needs is read. What is missing or broken is left out.

use core::net::SocketAddrV4;
use core::time::Duration;
use std::collections::BTreeMap;

use crate::lab::capture::Frame;
use crate::lab::evidence::Transfer;
use crate::lab::packets::internet;

/// Where the server under test listens.
pub(crate) const PORT: u16 = 8080;

const TCP: u8 = 6;
const SYN: u8 = 0x02;

struct Segment<'f> {
    at: Duration,
    source: SocketAddrV4,
    destination: SocketAddrV4,
    sequence: u32,
    begins: bool,
    payload: &'f [u8],
}

/// One direction of a connection.
#[derive(Default)]
struct Stream<'f> {
    first: Option<u32>,
    /// By their distance from the beginning.
    pieces: BTreeMap<u32, (Duration, &'f [u8])>,
}

/// A connection of the machine.
struct Connection<'f> {
    client: SocketAddrV4,
    server: SocketAddrV4,
    asked: Stream<'f>,
    answered: Stream<'f>,
}

/// The bytes of a stream as far as there is no gap, and when each of its pieces had come.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    times: Vec<(usize, Duration)>,
}

/// Everything the machine with this hardware address asked for, in the order of its connections.
pub(crate) fn transfers(frames: &[Frame], machine: [u8; 6]) -> Vec<Transfer> {
    let mut connections: Vec<Connection<'_>> = Vec::new();
    for frame in frames {
        let is_ours = frame.bytes.starts_with(&machine)
            || frame.bytes.get(6..).is_some_and(|rest| rest.starts_with(&machine));
        if let Some(segment) = segment(frame).filter(|_| is_ours) {
            note(&mut connections, &segment);
        }
    }
    connections.iter().flat_map(exchanges).collect()
}

fn segment(frame: &Frame) -> Option<Segment<'_>> {
    let (source, destination, tcp) = internet(frame, TCP)?;
    let number = |at: usize| -> Option<u16> {
        tcp.get(at..)?.first_chunk::<2>().map(|octets| u16::from_be_bytes(*octets))
    };
    let header_bytes = usize::from(*tcp.get(12)? >> 4) * 4;
    Some(Segment {
        at: frame.at,
        source: SocketAddrV4::new(source, number(0)?),
        destination: SocketAddrV4::new(destination, number(2)?),
        sequence: u32::from_be_bytes(*tcp.get(4..)?.first_chunk()?),
        begins: *tcp.get(13)? & SYN != 0,
        payload: tcp.get(header_bytes..)?,
    })
}

fn note<'f>(connections: &mut Vec<Connection<'f>>, segment: &Segment<'f>) {
    let asks = segment.destination.port() == PORT;
    if !asks && segment.source.port() != PORT {
        return;
    }
    let (client, server) = match asks {
        true => (segment.source, segment.destination),
        false => (segment.destination, segment.source),
    };
    if asks && segment.begins {
        let known = connections.iter().rev().find(|known| known.client == client);
        // The same beginning may come twice.
        if known.is_none_or(|known| known.asked.first != Some(segment.sequence.wrapping_add(1))) {
            let (asked, answered) = Default::default();
            connections.push(Connection { client, server, asked, answered });
        }
    }
    let ends = |known: &&mut Connection<'_>| known.client == client && known.server == server;
    let Some(connection) = connections.iter_mut().rev().find(ends) else { return };
    let stream = if asks { &mut connection.asked } else { &mut connection.answered };
    if segment.begins {
        stream.first = Some(segment.sequence.wrapping_add(1));
    } else if let Some(first) = stream.first
        && !segment.payload.is_empty()
    {
        let piece = stream.pieces.entry(segment.sequence.wrapping_sub(first));
        let known = piece.or_insert((segment.at, segment.payload));
        if known.1.len() < segment.payload.len() {
            *known = (segment.at, segment.payload);
        }
    }
}

impl Stream<'_> {
    fn text(&self) -> Text {
        let mut text = Text::default();
        for (&offset, &(at, payload)) in &self.pieces {
            let Some(known) = text.bytes.len().checked_sub(offset as usize) else { break };
            if let Some(new) = payload.get(known..) {
                text.bytes.extend_from_slice(new);
                text.times.push((text.bytes.len(), at));
            }
        }
        text
    }
}

impl Text {
    /// When the first `bytes` of it were there.
    fn had(&self, bytes: usize) -> Option<Duration> {
        let until = self.times.iter().position(|(end, _)| *end >= bytes)?;
        self.times[..=until].iter().map(|(_, at)| *at).max()
    }
}

/// Requests and their answers, in their order.
fn exchanges(connection: &Connection<'_>) -> Vec<Transfer> {
    let (asked, answered) = (connection.asked.text(), connection.answered.text());
    let (mut asked_to, mut answered_to) = (0, 0);
    let mut found = Vec::new();
    while let Some((request, end)) = head(&asked.bytes, asked_to) {
        asked_to = end;
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let Some(at) = asked.had(end) else { break };
        let mut content = Vec::new();
        let mut completed = None;
        if let Some((answer, end)) = head(&answered.bytes, answered_to) {
            let has_body = method != "HEAD";
            let length = if has_body { length(answer).unwrap_or(0) } else { 0 };
            answered_to = end + length;
            content = answered.bytes.get(end..answered_to).unwrap_or_default().to_vec();
            if has_body && answer.split(' ').nth(1) == Some("200") {
                completed = answered.had(answered_to);
            }
        }
        if method == "GET" {
            let name = target.as_bytes().to_vec();
            let server = *connection.server.ip();
            found.push(Transfer::by_http(
                (at, completed),
                connection.client,
                server,
                name,
                content,
            ));
        }
    }
    found
}

/// The head that begins at `from`, and where it ends.
fn head(bytes: &[u8], from: usize) -> Option<(&str, usize)> {
    let rest = bytes.get(from..)?;
    let length = rest.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    Some((core::str::from_utf8(&rest[..length]).ok()?, from + length))
}

fn length(head: &str) -> Option<usize> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 5];

    /// A segment, with two bytes of padding behind it.
    fn frame(seconds: u64, asks: bool, sequence: u32, flags: u8, payload: &[u8]) -> Frame {
        let mut bytes = [0; 12].to_vec();
        bytes[6..].copy_from_slice(&MACHINE);
        let total = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
        bytes.extend([8, 0, 0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 6, 0, 0]);
        let (client, server) = ([10, 77, 0, 100], [10, 77, 0, 2]);
        let ports = [1025_u16.to_be_bytes(), PORT.to_be_bytes()];
        bytes.extend(if asks { [client, server] } else { [server, client] }.concat());
        bytes.extend(if asks { ports } else { [ports[1], ports[0]] }.concat());
        bytes.extend(sequence.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        bytes.extend(payload);
        bytes.extend([0xee, 0xee]);
        Frame { at: Duration::from_secs(seconds), bytes }
    }

    #[test]
    fn files_are_put_together_despite_order_repeats_and_wrapping_numbers() {
        let first = u32::MAX - 20;
        let seen = [
            frame(1, true, 99, SYN, b""),
            frame(1, true, 99, SYN, b""),
            frame(1, false, first.wrapping_sub(1), SYN, b""),
            frame(2, true, 100, 0, b"HEAD /boot/a.efi HTTP/1.1\r\n\r\n"),
            frame(3, false, first, 0, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"),
            frame(4, true, 129, 0, b"GET /boot/a.efi HTTP/1.1\r\n\r\n"),
            frame(6, false, first.wrapping_add(79), 0, b"def"),
            frame(
                5,
                false,
                first.wrapping_add(38),
                0,
                b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc",
            ),
            frame(7, false, first.wrapping_add(79), 0, b"def"),
            frame(8, true, 157, 0, b"GET /boot/b.cfg HTTP/1.1\r\n\r\n"),
            frame(
                9,
                false,
                first.wrapping_add(82),
                0,
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx",
            ),
        ];
        let found = transfers(&seen, MACHINE);
        let [file, missing] = &found[..] else { panic!("{found:?}") };
        assert_eq!((file.base_name(), &*file.content), (&b"a.efi"[..], &b"abcdef"[..]));
        assert_eq!(
            (file.at, file.completed),
            (Duration::from_secs(4), Some(Duration::from_secs(6)))
        );
        assert_eq!((missing.base_name(), missing.completed), (&b"b.cfg"[..], None));
        assert!(transfers(&seen, [9; 6]).is_empty());
    }

    #[test]
    fn half_a_file_is_not_complete() {
        let seen = [
            frame(1, true, 99, SYN, b""),
            frame(1, false, 199, SYN, b""),
            frame(2, true, 100, 0, b"GET /boot/a.efi HTTP/1.1\r\n\r\n"),
            frame(3, false, 200, 0, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"),
            frame(4, false, 300, 0, b"behind a gap"),
        ];
        assert_eq!(transfers(&seen, MACHINE)[0].completed, None);
        for frame in seen {
            for cut in 0..frame.bytes.len() {
                let cut = Frame { at: frame.at, bytes: frame.bytes[..cut].to_vec() };
                assert!(transfers(&[cut], MACHINE).is_empty());
            }
        }
    }
}
