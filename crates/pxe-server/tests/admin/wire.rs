//! A client of plain sockets.

use core::sync::atomic::{AtomicU16, Ordering};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Folder, PATIENCE, Server, program};

/// A server, and where its page is.
pub struct Site {
    pub server: Server,
    pub page: SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A port of 127.0.0.1 nobody holds, of this process's share.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 33_000 + (std::process::id() % 90) as u16 * 100;
    loop {
        let port = base + NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Site {
    /// A server over `folder` whose page is on the loopback; `extra` is the rest of its configuration.
    pub fn start(folder: &Folder, extra: &str) -> Self {
        let page = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let admin = format!("[admin]\nlisten = \"{page}\"\n{extra}");
        Self { server: Server::start(folder, &admin), page }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "", "")
    }

    /// Sends JSON.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(method, path, "Content-Type: application/json\r\n", &body.to_string())
    }

    /// Sends whatever.
    pub fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        ask(self.page, method, path, headers, body)
    }
}

pub fn ask(page: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(page).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let host = if headers.contains("Host:") { String::new() } else { format!("Host: {page}\r\n") };
    let length =
        if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!(
        "{method} {path} HTTP/1.1\r\n{host}{headers}{length}Connection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).expect("an answer");
    let text = String::from_utf8(text).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

/// `token add`, over the configuration of `folder`; the token.
pub fn token(folder: &Folder, name: &str, role: &str) -> String {
    if !folder.0.join("pxe.toml").exists() {
        folder.write("pxe.toml", b"");
    }
    let mut add = program();
    add.arg("--config").arg(folder.0.join("pxe.toml")).args(["token", "add", name, "--role", role]);
    let made = add.output().expect("it runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("text").trim().to_owned()
}

/// Looks until there is something to see.
pub fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
