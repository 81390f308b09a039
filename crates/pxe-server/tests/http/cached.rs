//! nginx as a cache in front of us, with the configuration that docs/scale.md shows: what it has kept never reaches us
//! again, ranges cut out of it are right, and what is too old is asked for with a condition.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::common::{Folder, Server};
use crate::nginx::Nginx;
use crate::wire::{ask, connect, pattern};

/// Three slices, the last one not full.
const SIZE: usize = (9 << 20) + 12_345;
const SLICE: usize = 4 << 20;

/// The page's configuration, for these ports, with answers that tell what the cache did.
fn config(upstream: u16, valid: &str) -> String {
    let page = include_str!("../../../../docs/scale.md");
    let (_, config) = page.split_once("```nginx\n").expect("a configuration");
    let (config, _) = config.split_once("```").expect("its end");
    let told = "add_header X-Cache $upstream_cache_status; add_header X-Upstream $upstream_status;";
    [
        ("/var/cache/nginx/pxe", "cache"),
        ("listen 80;", "listen 127.0.0.1:PORT;"),
        ("http://192.0.2.5:8080", &format!("http://127.0.0.1:{upstream}")),
        ("200 206 10m;", &format!("200 206 {valid}; {told}")),
    ]
    .iter()
    .fold(config.to_owned(), |config, (shown, used)| {
        assert!(config.contains(shown), "the page has no {shown}");
        config.replace(shown, used)
    })
}

fn image(folder: &Folder, content: &[u8], age: u64) {
    folder.write("images/a.img", content);
    let time = SystemTime::now() - Duration::from_secs(age);
    let file = File::options().write(true).open(folder.0.join("images/a.img"));
    file.and_then(|file| file.set_modified(time)).expect("a time");
}

const PATH: &str = "/images/a.img";

#[test]
fn what_a_cache_has_does_not_reach_us_again() {
    let folder = Folder::new("cached");
    let content = pattern(SIZE);
    image(&folder, &content, 3600);
    let server = Server::start(&folder, "");
    let Some(nginx) = Nginx::start_with(&folder, &config(server.http, "10m")) else { return };
    let ours = ask(server.http, "HEAD", PATH, "");
    let mut wire = connect(nginx.port);
    let first = wire.ask("GET", PATH, "");
    assert_eq!((first.status(), first.header("X-Cache")), (200, Some("MISS")));
    assert!(first.body == content);
    let tag = ours.header("Etag").expect("a tag").to_owned();
    assert_eq!(
        first.header("ETag").or_else(|| first.header("Etag")),
        Some(&*tag),
        "the tag is ours"
    );
    assert_eq!(first.header("Last-Modified"), ours.header("Last-Modified"));
    // Whoever is not there cannot be asked.
    server.stop();
    let second = wire.ask("GET", PATH, "");
    assert_eq!((second.status(), second.header("X-Cache")), (200, Some("HIT")));
    assert!(second.body == content, "the same bytes");
    let size = wire.ask("HEAD", PATH, "");
    assert_eq!(size.header("Content-Length"), Some(&*SIZE.to_string()));
    for (first, end) in [
        (0, 1),
        (0, SIZE),
        (SLICE - 1, SLICE),
        (SLICE - 1, SLICE + 1),
        (SLICE, 2 * SLICE + 7),
        (5, SIZE - 5),
        (SIZE - 1, SIZE),
    ] {
        let range = format!("Range: bytes={first}-{}\r\n", end - 1);
        let part = wire.ask("GET", PATH, &range);
        assert_eq!((part.status(), part.header("X-Cache")), (206, Some("HIT")), "{range}");
        let told = format!("bytes {first}-{}/{SIZE}", end - 1);
        assert_eq!(part.header("Content-Range"), Some(&*told));
        assert!(part.body == content[first..end], "{range}");
    }
    let last = wire.ask("GET", PATH, "Range: bytes=-10\r\n");
    assert!(last.status() == 206 && last.body == content[SIZE - 10..]);
    // EDK2 goes on with a download only if it is still the same file.
    let range = "Range: bytes=100-199\r\n";
    for (condition, status) in [
        (format!("{range}If-Range: {tag}\r\n"), 206),
        (format!("{range}If-Range: \"other\"\r\n"), 200),
        (format!("{range}If-Match: {tag}\r\n"), 206),
        ("If-Match: \"other\"\r\n".to_owned(), 412),
        (format!("If-None-Match: {tag}\r\n"), 304),
    ] {
        let reply = connect(nginx.port).ask("GET", PATH, &condition);
        assert_eq!(reply.status(), status, "{condition}");
    }
}

#[test]
fn a_cache_asks_with_a_condition_and_gets_what_is_new() {
    let folder = Folder::new("revalidated");
    let content = pattern(SIZE);
    image(&folder, &content, 3600);
    let server = Server::start(&folder, "");
    let Some(nginx) = Nginx::start_with(&folder, &config(server.http, "1s")) else { return };
    let mut wire = connect(nginx.port);
    let age = || std::thread::sleep(Duration::from_millis(2_100));
    assert!(wire.ask("GET", PATH, "").body == content);
    age();
    let again = wire.ask("GET", PATH, "");
    let said = (again.header("X-Cache"), again.header("X-Upstream"));
    assert_eq!(said, (Some("REVALIDATED"), Some("304")), "only the head came from us");
    assert!(again.body == content);
    age();
    // Another image under this name.
    let mut other = content;
    other.rotate_left(1);
    fs::remove_file(folder.0.join("images/a.img")).expect("removed");
    image(&folder, &other, 60);
    let new = wire.ask("GET", PATH, "");
    assert_eq!((new.header("X-Cache"), new.header("X-Upstream")), (Some("EXPIRED"), Some("206")));
    assert!(new.body == other, "nothing of the old one");
    // What is made for one machine is not kept.
    for path in ["/menu.ipxe", "/images/"] {
        let reply = wire.ask("GET", path, "");
        assert_eq!((reply.status(), reply.header("X-Cache")), (200, None), "{path}");
    }
}
