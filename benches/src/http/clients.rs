//! HTTP clients that throw away what they get: one thread and epoll, as many connections as are wanted.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, recv};

use crate::tftp::files::Wanted;
use crate::tftp::machine::own_seconds;

/// Bytes that one call throws away at most.
const GULP_BYTES: usize = 4 << 20;
/// An answer's head is taken with at most so many bytes of its body.
const HEAD_BYTES: usize = 4096;
/// After this long without a byte a run has failed.
const PATIENCE_MILLISECONDS: u16 = 10_000;
/// How often the server is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where a file is.
#[derive(Clone, Debug)]
pub struct Url {
    /// The server.
    pub address: SocketAddr,
    /// The path, with its slash.
    pub path: String,
}

/// What came.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Bytes of files.
    pub bytes: u64,
    /// From the first request to the last byte.
    pub elapsed: Duration,
    /// Share of that time in which the clients had the processor.
    pub busy: f64,
}

impl Outcome {
    /// Throughput in 10⁶ bytes a second.
    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64()
    }
}

/// One connection, and what is due on it.
struct Client {
    stream: TcpStream,
    head: Vec<u8>,
    /// Bytes of the body that are still to come, once its head is there.
    left: Option<u64>,
    /// Answers that are still to come.
    due: usize,
}

/// Fetches a file of `bytes` `each` times by each of `clients` connections; `look` is called now and then.
///
/// # Errors
/// If a connection fails, or an answer is not the whole file.
pub fn fetch(
    url: &Url,
    bytes: u64,
    clients: usize,
    each: usize,
    look: &mut dyn FnMut(),
) -> io::Result<Outcome> {
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    let mut all = Vec::with_capacity(clients);
    for number in 0..clients {
        let stream = TcpStream::connect(url.address)?;
        epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, number as u64))?;
        all.push(Client { stream, head: Vec::new(), left: None, due: each });
    }
    let (started, busy) = (Instant::now(), own_seconds());
    for client in &mut all {
        client.ask(url)?;
    }
    let mut gulp = vec![0; GULP_BYTES];
    let mut events = vec![EpollEvent::empty(); clients];
    let (mut open, mut looked) = (clients, started);
    while open > 0 {
        let count = match epoll.wait(&mut events, EpollTimeout::from(PATIENCE_MILLISECONDS)) {
            Err(Errno::EINTR) => continue,
            waited => waited?,
        };
        if count == 0 {
            return Err(io::Error::other(format!("{open} of {clients} clients get nothing more")));
        }
        for event in &events[..count] {
            let client = &mut all[event.data() as usize];
            if client.take(url, bytes, &mut gulp)? {
                epoll.delete(&client.stream)?;
                open -= 1;
            }
        }
        if looked.elapsed() >= LOOK_EVERY {
            look();
            looked = Instant::now();
        }
    }
    let elapsed = started.elapsed();
    let busy = (own_seconds() - busy) / elapsed.as_secs_f64();
    Ok(Outcome { bytes: bytes * (clients * each) as u64, elapsed, busy })
}

impl Client {
    fn ask(&mut self, url: &Url) -> io::Result<()> {
        let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", url.path, url.address);
        self.stream.write_all(request.as_bytes())
    }

    /// Takes what is there; whether that was the last byte.
    fn take(&mut self, url: &Url, bytes: u64, gulp: &mut [u8]) -> io::Result<bool> {
        let closed = || io::Error::other(format!("{} closed the connection", url.address));
        let Some(left) = &mut self.left else {
            let mut some = [0; HEAD_BYTES];
            match self.stream.read(&mut some)? {
                0 => return Err(closed()),
                count => self.head.extend_from_slice(&some[..count]),
            }
            let Some(end) = self.head.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                return Ok(false);
            };
            check(&self.head[..end], bytes)?;
            self.left = Some(bytes - (self.head.len() - end - 4) as u64);
            return Ok(false);
        };
        let most = gulp.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let flags = MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT;
        match recv(self.stream.as_raw_fd(), &mut gulp[..most], flags) {
            Ok(0) => return Err(closed()),
            Ok(count) => *left -= count as u64,
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        if *left > 0 {
            return Ok(false);
        }
        self.due -= 1;
        self.left = None;
        self.head.clear();
        if self.due > 0 {
            self.ask(url)?;
        }
        Ok(self.due == 0)
    }
}

/// That an answer is the whole file.
fn check(head: &[u8], bytes: u64) -> io::Result<()> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    if head.starts_with("http/1.1 200 ") && length == Some(&bytes.to_string()) {
        return Ok(());
    }
    Err(io::Error::other(format!("not the whole file: {head}")))
}

/// Fetches the file once and looks at every byte.
///
/// # Errors
/// If it is not the file.
pub fn verify(url: &Url, file: &Wanted) -> io::Result<()> {
    let mut stream = TcpStream::connect(url.address)?;
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", url.path);
    stream.write_all(request.as_bytes())?;
    let (mut head, mut body) = (Vec::new(), None);
    let mut some = vec![0; 1 << 20];
    let (mut bytes, mut hash) = (0, crc32fast::Hasher::new());
    loop {
        let count = stream.read(&mut some)?;
        if count == 0 {
            break;
        }
        let mut came = &some[..count];
        if body.is_none() {
            head.extend_from_slice(came);
            let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                continue;
            };
            check(&head[..end], file.bytes)?;
            body = Some(end + 4);
            came = &head[end + 4..];
        }
        bytes += came.len() as u64;
        hash.update(came);
    }
    if (bytes, hash.finalize()) == (file.bytes, file.crc) {
        return Ok(());
    }
    Err(io::Error::other(format!("{} bytes of {} came, or others", bytes, file.bytes)))
}

/// Connections that each have asked once, and now wait.
///
/// # Errors
/// If one fails.
pub fn idle(url: &Url, count: usize) -> io::Result<Vec<TcpStream>> {
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(url.address)?;
        let request = format!("HEAD {} HTTP/1.1\r\nHost: {}\r\n\r\n", url.path, url.address);
        stream.write_all(request.as_bytes())?;
        let mut head = [0; HEAD_BYTES];
        if stream.read(&mut head)? == 0 {
            return Err(io::Error::other("a connection was closed"));
        }
        all.push(stream);
    }
    Ok(all)
}
