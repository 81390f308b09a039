//! Large files, whose bytes the kernel moves: byte for byte, whatever is asked for around them.

use std::fs::File;
use std::time::Duration;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::common::{Folder, Server};
use crate::wire::{connect, pattern};

/// Above what is kept in memory, and no round number of pages.
const LARGE: usize = (24 << 20) + 12_345;
/// What the kernel is asked to move at once.
const STRETCH: usize = 4 << 20;

#[test]
fn ranges_around_every_stretch() {
    let folder = Folder::new("stretches");
    let content = pattern(LARGE);
    folder.write("boot/image", &content);
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    for edge in [STRETCH, 2 * STRETCH, 6 * STRETCH, LARGE] {
        for first in [edge - STRETCH, edge - STRETCH + 1, edge - 4097, edge - 1] {
            for end in [edge - 1, edge, edge + 1, edge + STRETCH + 1] {
                let end = end.min(LARGE);
                if first >= end {
                    continue;
                }
                let header = format!("Range: bytes={first}-{}\r\n", end - 1);
                let reply = wire.ask("GET", "/boot/image", &header);
                assert_eq!(reply.status(), 206, "{header}");
                assert!(reply.body == content[first..end], "{header}");
            }
        }
    }
    let list = format!("Range: bytes=5-{},0-0,{}-\r\n", STRETCH + 9, LARGE - 9_000);
    let reply = wire.ask("GET", "/boot/image", &list);
    let has = |part: &[u8]| {
        let (start, end) = (&part[..4096], &part[part.len() - 4096..]);
        [start, end].iter().all(|bytes| reply.body.windows(4096).any(|it| it == *bytes))
    };
    assert!(reply.status() == 206 && has(&content[5..STRETCH + 10]));
    assert!(has(&content[LARGE - 9_000..]));
    assert!(!reply.body.windows(4096).any(|bytes| bytes.iter().all(|byte| *byte == 0)));
}

#[test]
fn many_requests_sent_at_once_are_answered_in_their_order() {
    let folder = Folder::new("pipelined");
    let content = pattern(LARGE);
    folder.write("boot/image", &content);
    folder.write("boot/small", b"small");
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    let parts = [0..STRETCH, 7..LARGE, LARGE - 3..LARGE, 100..3 * STRETCH + 1];
    let mut requests = String::new();
    for part in &parts {
        let range = format!("bytes={}-{}", part.start, part.end - 1);
        requests += &format!("GET /boot/image HTTP/1.1\r\nRange: {range}\r\n\r\n");
        requests += "HEAD /boot/image HTTP/1.1\r\n\r\n";
        requests += "GET /boot/small HTTP/1.1\r\n\r\nGET /boot/missing HTTP/1.1\r\n\r\n";
    }
    wire.send(requests);
    for part in parts {
        let reply = wire.reply(false);
        assert!(reply.status() == 206 && reply.body == content[part.clone()], "{part:?}");
        assert_eq!(wire.reply(true).header("Content-Length"), Some(&*LARGE.to_string()));
        assert_eq!(wire.reply(false).body, b"small");
        assert_eq!(wire.reply(false).status(), 404);
    }
}

#[test]
fn what_the_disk_has_to_be_read_for_comes_in_its_place() {
    let folder = Folder::new("cold");
    let content = pattern(LARGE);
    folder.write("boot/image", &content);
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    let file = File::open(folder.0.join("boot/image")).expect("the file");
    file.sync_all().expect("on the disk");
    for holes in [&[(0, 0)][..], &[(STRETCH + 5000, 700_000), (3 * STRETCH, 2 * STRETCH)]] {
        for (offset, bytes) in holes {
            let [offset, bytes] = [offset, bytes].map(|it| i64::try_from(*it).expect("small"));
            posix_fadvise(&file, offset, bytes, PosixFadviseAdvice::POSIX_FADV_DONTNEED)
                .expect("dropped from the cache");
        }
        let reply = wire.ask("GET", "/boot/image", "");
        assert!(reply.body == content, "{holes:?}");
    }
}

#[test]
fn a_file_cut_off_meanwhile_ends_the_connection_and_is_not_filled_up() {
    let folder = Folder::new("cut");
    let content = pattern(LARGE);
    folder.write("boot/image", &content);
    let mut server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    wire.send("GET /boot/image HTTP/1.1\r\n\r\n");
    assert!(wire.receive() > 0);
    std::thread::sleep(Duration::from_millis(50));
    let file = File::options().write(true).open(folder.0.join("boot/image")).expect("the file");
    file.set_len(20 << 20).expect("cut off");
    let said = wire.rest();
    let body = &said[said.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4..];
    assert!(body.len() < LARGE && *body == content[..body.len()], "{} bytes", body.len());
    server.expect("failed image: the file changed during the transfer");
}
