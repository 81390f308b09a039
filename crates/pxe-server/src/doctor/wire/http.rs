//! The beginning of a file by HTTP: one request, one answer, and the connection is closed.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::doctor::facts::Outcome;

/// How long connecting, and each part of the answer, may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

/// Fetches up to `wanted` bytes of `path`; what came of it, and they.
pub(super) fn head(
    server: SocketAddr,
    host: &str,
    path: &str,
    wanted: usize,
) -> (Outcome, Vec<u8>) {
    match get(server, host, path, wanted) {
        Ok(done) => done,
        Err(error) => {
            let outcome = match error.kind() {
                io::ErrorKind::ConnectionRefused => Outcome::Closed,
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Outcome::Silent,
                _ => Outcome::NotTried(error.to_string()),
            };
            (outcome, Vec::new())
        }
    }
}

/// Whether somebody listens, where nothing more can be said: the encrypted server's certificate is the firmware's to judge.
pub(super) fn listens(server: SocketAddr) -> Outcome {
    match TcpStream::connect_timeout(&server, PATIENCE) {
        Ok(_) => Outcome::Delivered { size: None },
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Outcome::Closed,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Outcome::Silent,
        Err(error) => Outcome::NotTried(error.to_string()),
    }
}

fn get(
    server: SocketAddr,
    host: &str,
    path: &str,
    wanted: usize,
) -> io::Result<(Outcome, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let last = wanted.saturating_sub(1);
    // As firmware names itself, so that the story tells it from a browser.
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: pxe-server doctor\r\nRange: bytes=0-{last}\r\n\
         Connection: close\r\n\r\n"
    )?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        if let Some(answer) = parse(&bytes)? {
            let body = bytes.split_off(answer.body_at);
            return Ok(finish(&mut stream, answer, body, wanted));
        }
        let read = stream.read(&mut buffer)?;
        if read == 0 || bytes.len() > HEAD_BYTES_MAX {
            return Err(io::Error::other("what listens there does not speak HTTP"));
        }
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
}

struct Answer {
    status: u16,
    words: String,
    size: Option<u64>,
    body_at: usize,
}

fn parse(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes);
    let parsed = parsed.map_err(|_| io::Error::other("what listens there does not speak HTTP"))?;
    let httparse::Status::Complete(body_at) = parsed else { return Ok(None) };
    let value = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| core::str::from_utf8(header.value).ok())
    };
    let whole = value("content-range").and_then(|range| range.rsplit('/').next());
    let size = whole.or_else(|| value("content-length")).and_then(|text| text.parse().ok());
    let (status, words) = (response.code.unwrap_or_default(), response.reason.unwrap_or_default());
    Ok(Some(Answer { status, words: words.to_owned(), size, body_at }))
}

fn finish(
    stream: &mut TcpStream,
    answer: Answer,
    mut body: Vec<u8>,
    wanted: usize,
) -> (Outcome, Vec<u8>) {
    if !(200..300).contains(&answer.status) {
        return (Outcome::Refused(answer.status, answer.words), Vec::new());
    }
    let room = wanted.saturating_sub(body.len()) as u64;
    // What is there is enough to say what it is.
    let _ = stream.take(room).read_to_end(&mut body);
    (Outcome::Delivered { size: answer.size }, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_far_as_they_came() {
        let whole = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\nContent-Range: bytes 0-3/99\r\n\r\nMZ..";
        for end in 0..whole.len() - 4 {
            assert!(parse(&whole[..end]).expect("a beginning").is_none(), "{end} bytes");
        }
        let answer = parse(whole).expect("HTTP").expect("whole");
        assert_eq!((answer.status, answer.size), (206, Some(99)));
        assert_eq!(&whole[answer.body_at..], b"MZ..");
        assert!(parse(b"SSH-2.0-OpenSSH_9\r\n").is_err());
    }
}
