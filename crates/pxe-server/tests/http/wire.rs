//! A client that writes what a test says and shows what came back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use crate::common::PATIENCE;

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    /// The head, with its lines as they were sent.
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn status(&self) -> u16 {
        let word = self.head.split(' ').nth(1).expect("a status");
        word.parse().expect("a number")
    }

    /// The value of a header, its name exactly as given; the last if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").skip(1);
        lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).last()
    }

    pub fn text(&self) -> &str {
        core::str::from_utf8(&self.body).expect("a text")
    }
}

/// One part of a body with several.
pub struct Part<'r> {
    /// Its lines of headers, before them an empty one.
    pub head: &'r str,
    /// Its range, as `bytes 0-9/100`.
    pub range: &'r str,
    pub bytes: &'r [u8],
}

/// The parts of a `multipart/byteranges`, which has to be well formed.
pub fn parts<'r>(body: &'r [u8], boundary: &str) -> Vec<Part<'r>> {
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body;
    let mut found = Vec::new();
    loop {
        rest = rest.strip_prefix(delimiter.as_bytes()).expect("a delimiter");
        if rest == b"--\r\n" {
            return found;
        }
        let end = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
        let head = core::str::from_utf8(&rest[..end]).expect("text");
        let range = head.lines().find_map(|line| line.strip_prefix("Content-Range: "));
        let range = range.expect("a range");
        let ends = range.trim_start_matches("bytes ").split_once('/').expect("a size").0;
        let (first, last) = ends.split_once('-').expect("two ends");
        let [first, last] = [first, last].map(|end| end.parse::<usize>().expect("a number"));
        let (bytes, after) = rest[end + 4..].split_at(last + 1 - first);
        found.push(Part { head, range, bytes });
        rest = after;
    }
}

/// A connection.
pub struct Wire<S> {
    pub stream: S,
    received: Vec<u8>,
}

pub fn connect(port: u16) -> Wire<TcpStream> {
    connect_from(Ipv4Addr::LOCALHOST, port)
}

/// From another address of the loopback network.
pub fn connect_from(address: Ipv4Addr, port: u16) -> Wire<TcpStream> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((address, 0)).into()).expect("bind");
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()).expect("connect");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    Wire::new(stream)
}

impl<S: Read + Write> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("send");
    }

    /// Asks with these headers, each with its CRLF.
    pub fn ask(&mut self, method: &str, target: &str, headers: &str) -> Reply {
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n"));
        self.reply(method == "HEAD")
    }

    /// The next answer; its body has the length that its head says.
    pub fn reply(&mut self, head_only: bool) -> Reply {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            assert!(self.receive() > 0, "closed: {:?}", self.received.escape_ascii().to_string());
        };
        let head = String::from_utf8(self.received.drain(..end + 4).collect()).expect("text");
        let mut reply = Reply { head: head.trim_end().to_owned(), body: Vec::new() };
        let has_body = !head_only && reply.status() != 304;
        if has_body {
            let length = reply.header("Content-Length").expect("a length");
            let length: usize = length.parse().expect("a number");
            while self.received.len() < length {
                assert!(self.receive() > 0, "closed after {} of {length}", self.received.len());
            }
            reply.body = self.received.drain(..length).collect();
        }
        reply
    }

    /// The answer that has begun to come, its head with it.
    pub fn reply_of_started(&mut self) -> Vec<u8> {
        let reply = self.reply(false);
        [reply.head.as_bytes(), &reply.body].concat()
    }

    /// Takes what comes next; 0 at the end.
    pub fn receive(&mut self) -> usize {
        let mut bytes = [0; 65_536];
        let count = self.stream.read(&mut bytes).unwrap_or(0);
        self.received.extend_from_slice(&bytes[..count]);
        count
    }

    /// Everything until the other side closes.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.receive() > 0 {}
        core::mem::take(&mut self.received)
    }
}

/// One request on a connection of its own.
pub fn ask(port: u16, method: &str, target: &str, headers: &str) -> Reply {
    connect(port).ask(method, target, headers)
}

pub fn get(port: u16, target: &str) -> Reply {
    ask(port, "GET", target, "")
}

/// Bytes that differ at every place that a mistake would mix up: noise, with a number in each block of it.
pub fn pattern(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    let noise: Vec<u8> = core::iter::repeat_with(next).take(4_096).flatten().collect();
    let mut pattern = Vec::with_capacity(bytes + noise.len());
    for number in 0_u64.. {
        if pattern.len() >= bytes {
            break;
        }
        pattern.extend_from_slice(&number.to_le_bytes());
        pattern.extend_from_slice(&noise);
    }
    pattern.truncate(bytes);
    pattern
}
