//! What we answer, held against what nginx answers: boot programs have been tried with nginx.
//!
//! One file beneath both; every form of `Range` with every condition, by GET and HEAD. Statuses, lengths, ranges and bytes
//! are the same but for these, on purpose:
//!
//! * HEAD with `Range`: RFC 9110 section 14.2 defines ranges for GET alone, so we tell of the whole file. nginx answers 206.
//! * `If-None-Match` with `If-Modified-Since`: the first alone counts (section 13.1.3). For nginx both have to hold.
//! * Texts of errors, tags, boundaries and the order of headers are each server's own.
//!
//! Two settings make nginx do what the RFC says where it does otherwise by default: `if_modified_since before` (a copy
//! that is younger than the file is good), and `max_ranges 64` (by default it has no limit).

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::common::{Folder, PATIENCE, Server};
use crate::wire::{Reply, Wire, connect, parts, pattern};

/// Above what we keep in memory.
const LARGE: usize = (8 << 20) + 12_345;
const SIZES: [usize; 4] = [0, 1, 1000, LARGE];

const RANGES: &[&str] = &[
    "",
    "bytes=0-0",
    "bytes=0-",
    "bytes=1-",
    "bytes=5-9",
    "bytes=5-4",
    "bytes=-1",
    "bytes=-10",
    "bytes=-0",
    "bytes=-999999999",
    "bytes=999-",
    "bytes=999-999",
    "bytes=999-5000",
    "bytes=1000-",
    "bytes=1000-1001",
    "bytes=999999999-",
    "bytes=0-999999999",
    "bytes=8388608-8388609",
    "bytes=8400952-8400953",
    "bytes=0-0,-1",
    "bytes=0-1, 3-4",
    "bytes=0-1 , 3-4",
    "bytes=3-4,0-1",
    "bytes=0-5,3-8",
    "bytes=0-0,0-0",
    "bytes=0-,0-",
    "bytes=-5,-5",
    "bytes=0-1,5000-",
    "bytes=5000-,0-1",
    "bytes=0-1,",
    "bytes=,0-1",
    "bytes=",
    "bytes= 0-1",
    "bytes=0 - 1",
    "bytes=0- 1",
    "bytes=a-b",
    "bytes=0-x",
    "bytes=x",
    "bytes=-",
    "bytes=0",
    "bytes=0--1",
    "bytes=1-0-2",
    "Bytes=0-1",
    "bytes =0-1",
    "lines=0-1",
    "0-1",
    "bytes=00-01",
    "bytes=+0-1",
    "bytes=18446744073709551615-",
    "bytes=18446744073709551616-",
    "bytes=0-9223372036854775807",
    "bytes=0-99999999999999999999",
    "bytes=-99999999999999999999",
];

/// The difference of the second kind.
const TAG_OF_A_COPY_WITH_AN_OLD_DATE: &str =
    "If-None-Match: TAG\r\nIf-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT";

/// Conditions; `TAG` and `DATE` stand for what the server said of the file.
const CONDITIONS: &[&str] = &[
    "",
    "If-Range: TAG",
    "If-Range: DATE",
    "If-Range: \"other\"",
    "If-Range: W/\"other\"",
    "If-Range: Thu, 01 Jan 1970 00:00:00 GMT",
    "If-Range: yesterday",
    "If-None-Match: TAG",
    "If-None-Match: \"a\", TAG",
    "If-None-Match: W/TAG",
    "If-None-Match: *",
    "If-None-Match: \"other\"",
    "If-Modified-Since: DATE",
    "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT",
    "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
    "If-Match: TAG",
    "If-Match: *",
    "If-Match: \"other\"",
    "If-Unmodified-Since: DATE",
    "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT",
    "If-Unmodified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
    "If-None-Match: \"other\"\r\nIf-Modified-Since: DATE",
    TAG_OF_A_COPY_WITH_AN_OLD_DATE,
    "If-Match: TAG\r\nIf-Range: \"other\"",
    "If-None-Match: TAG\r\nIf-Range: TAG",
];

/// nginx, until it is dropped.
pub struct Nginx {
    child: Child,
    pub port: u16,
}

impl Nginx {
    /// Serves `boot` in the folder. `None` if this system has none; in CI that is a fault.
    fn start(folder: &Folder) -> Option<Self> {
        let root = folder.0.join("boot");
        let serve = format!("listen 127.0.0.1:PORT; root {root:?};");
        Self::start_with(
            folder,
            &format!("if_modified_since before;\nmax_ranges 64;\nserver {{ {serve} }}\n"),
        )
    }

    /// The same with what is in its `http` block; `PORT` stands for its port.
    pub fn start_with(folder: &Folder, http: &str) -> Option<Self> {
        let programs = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
        let Some(program) = programs.into_iter().find(|path| Path::new(path).exists()) else {
            assert!(std::env::var_os("CI").is_none(), "nginx is not installed");
            eprintln!("skipped: nginx is not installed (cargo xtask test installs it)");
            return None;
        };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
        let port = port.expect("a port").port();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|what| format!("{what}_temp_path {what};\n"))
            .collect();
        let config = format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n\
             sendfile on;\nkeepalive_requests 1000000;\n{temporary}{}\n}}\n",
            http.replace("PORT", &port.to_string())
        );
        fs::write(folder.0.join("nginx.conf"), config).expect("a configuration");
        let mut command = Command::new(program);
        command.arg("-p").arg(&folder.0).args(["-c", "nginx.conf", "-e", "stderr"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("nginx");
        let nginx = Self { child, port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "nginx does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of the two, and how it names a file.
struct Side {
    wire: Wire<TcpStream>,
    port: u16,
    prefix: &'static str,
    tag: String,
    date: String,
}

impl Side {
    fn new(port: u16, prefix: &'static str) -> Self {
        Self { wire: connect(port), port, prefix, tag: String::new(), date: String::new() }
    }

    fn ask(&mut self, method: &str, size: usize, headers: &str) -> Reply {
        let reply = self.wire.ask(method, &format!("{}{size}", self.prefix), headers);
        if reply.status() >= 400 {
            // After some refusals nginx closes the connection, and does not always say so.
            self.wire = connect(self.port);
        }
        reply
    }

    fn learn(&mut self, size: usize) {
        let reply = self.ask("HEAD", size, "");
        // nginx writes `ETag`, hyper `Etag`: header names have no case.
        let tag = reply.header("Etag").or_else(|| reply.header("ETag")).expect("a tag");
        (self.tag, self.date) =
            (tag.to_owned(), reply.header("Last-Modified").expect("a date").to_owned());
    }

    fn answer(&mut self, method: &str, size: usize, range: &str, condition: &str) -> Answer {
        let mut headers = String::new();
        if !range.is_empty() {
            headers += &format!("Range: {range}\r\n");
        }
        if !condition.is_empty() {
            let condition = condition.replace("TAG", &self.tag).replace("DATE", &self.date);
            headers += &format!("{condition}\r\n");
        }
        Answer::of(&self.ask(method, size, &headers), method)
    }
}

/// What counts of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    range: Option<String>,
    /// Not of errors, whose texts are each server's own, nor of several parts.
    length: Option<String>,
    /// Ranges and bytes.
    parts: Vec<(String, Vec<u8>)>,
}

impl Answer {
    fn of(reply: &Reply, method: &str) -> Self {
        let status = reply.status();
        let owned = |name| reply.header(name).map(ToOwned::to_owned);
        let media = reply.header("Content-Type").unwrap_or_default();
        let boundary = media.strip_prefix("multipart/byteranges; boundary=");
        let is_file = matches!(status, 200 | 206);
        let parts = match boundary {
            Some(boundary) => parts(&reply.body, boundary)
                .iter()
                .map(|part| (part.range.to_owned(), part.bytes.to_vec()))
                .collect(),
            None if is_file && method == "GET" => vec![(String::new(), reply.body.clone())],
            None => Vec::new(),
        };
        let length = owned("Content-Length").filter(|_| is_file && boundary.is_none());
        Self { status, range: owned("Content-Range"), length, parts }
    }

    /// For a person: no bodies.
    fn line(&self) -> String {
        let parts: Vec<_> =
            self.parts.iter().map(|(range, bytes)| format!("{range} {}", bytes.len())).collect();
        format!("{} {:?} {:?} {parts:?}", self.status, self.range, self.length)
    }
}

#[test]
fn every_form_of_range_and_condition_is_answered_as_nginx_does() {
    let folder = Folder::new("beside-nginx");
    for size in SIZES {
        folder.write(&format!("boot/{size}"), &pattern(size));
        // A whole number of seconds, which both tell.
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let file = fs::File::options().write(true).open(folder.0.join(format!("boot/{size}")));
        file.and_then(|file| file.set_modified(time)).expect("a time");
    }
    let Some(nginx) = Nginx::start(&folder) else { return };
    let server = Server::start(&folder, "");
    let mut ours = Side::new(server.http, "/boot/");
    let mut theirs = Side::new(nginx.port, "/");
    let (mut asked, mut differences) = (0, Vec::new());
    for size in SIZES {
        ours.learn(size);
        theirs.learn(size);
        assert_eq!(ours.date, theirs.date);
        for (range, condition) in
            RANGES.iter().flat_map(|range| CONDITIONS.iter().map(move |it| (*range, *it)))
        {
            // The whole of a large file takes long, and shows nothing that a small one does not.
            if size == LARGE && !(condition.is_empty() || range.starts_with("bytes=8")) {
                continue;
            }
            for method in ["GET", "HEAD"] {
                asked += 1;
                if condition == TAG_OF_A_COPY_WITH_AN_OLD_DATE {
                    let status = ours.answer(method, size, range, condition).status;
                    assert_eq!(status, 304, "{method} {size} {range:?}");
                    continue;
                }
                // The difference of the first kind.
                let range_of_theirs = if method == "HEAD" { "" } else { range };
                let one = ours.answer(method, size, range, condition);
                let other = theirs.answer(method, size, range_of_theirs, condition);
                if one != other {
                    differences.push(format!(
                        "{method} {size} {range:?} {condition:?}:\n  ours  {}\n  nginx {}",
                        one.line(),
                        other.line()
                    ));
                }
            }
        }
    }
    assert!(asked > 7_000, "only {asked} requests");
    assert!(
        differences.is_empty(),
        "{} of {asked}:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
