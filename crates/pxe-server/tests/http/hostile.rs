//! Clients that mean no good, and clients that are only unlucky, beside one that wants its file.

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::common::{Folder, Server};
use crate::wire::{Wire, connect, connect_from, get, pattern};

/// More than all buffers between a server and a client that does not read.
const LARGE: usize = 24 << 20;
/// A client that is kept waiting gives up after this long.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn slow_heads_from_five_hundred_sockets_leave_others_served() {
    let folder = Folder::new("slow-heads");
    folder.write("boot/ipxe.efi", &pattern(100_000));
    let server = Server::start(&folder, "");
    let mut download = connect(server.http);
    assert_eq!(download.ask("HEAD", "/boot/ipxe.efi", "").status(), 200);
    let mut attackers: Vec<Wire<_>> = Vec::new();
    for number in 0..500_u16 {
        // Half of them from the very address of the others.
        let [_, last] = number.to_be_bytes();
        let address = match number % 2 {
            0 => Ipv4Addr::LOCALHOST,
            _ => Ipv4Addr::new(127, 0, 1, last),
        };
        let mut attacker = connect_from(address, server.http);
        attacker.send("GET /boot/ipxe.efi HTTP/1.1\r\nHo");
        attackers.push(attacker);
    }
    for round in 0..10 {
        for attacker in &mut attackers {
            // Those that had to make room cannot write any more.
            let _ = attacker.stream.write_all(b"s");
        }
        let began = Instant::now();
        let reply = get(server.http, "/boot/ipxe.efi");
        assert!(reply.status() == 200 && reply.body == pattern(100_000), "round {round}");
        assert!(began.elapsed() < SOON, "round {round} took {:?}", began.elapsed());
    }
}

#[test]
fn one_address_has_its_share_and_waiting_connections_make_room() {
    let folder = Folder::new("share");
    folder.write("boot/large", &pattern(LARGE));
    let lines = "connections_max = 8\nconnections_per_address_max = 4\n";
    let mut server = Server::start_http(&folder, lines, "", &[]);
    // Three downloads that nobody reads, and one connection that waits.
    let greedy = Ipv4Addr::new(127, 0, 0, 2);
    let mut unread: Vec<_> = (0..3).map(|_| connect_from(greedy, server.http)).collect();
    for wire in &mut unread {
        wire.send("GET /boot/large HTTP/1.1\r\n\r\n");
        assert!(wire.receive() > 0, "the download begins");
    }
    let mut waiting = connect_from(greedy, server.http);
    let mut next = connect_from(greedy, server.http);
    assert_eq!(next.ask("HEAD", "/boot/large", "").status(), 200);
    assert_eq!(waiting.receive(), 0, "it had to make room");
    next.send("GET /boot/large HTTP/1.1\r\n\r\n");
    assert!(next.receive() > 0);
    // Now all four of this address are being served.
    let mut refused = connect_from(greedy, server.http);
    let _ = refused.stream.write_all(b"HEAD /boot/large HTTP/1.1\r\n\r\n");
    assert_eq!(refused.rest(), b"");
    server.expect("turned away 1 HTTP connections");
    // Others do not notice.
    let other = get(server.http, "/boot/large");
    assert!(other.body == pattern(LARGE));
    for mut wire in unread {
        assert!(wire.reply_of_started().ends_with(&pattern(LARGE)), "an unread download is whole");
    }
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let folder = Folder::new("heads");
    folder.write("boot/a", b"a");
    let server = Server::start(&folder, "");
    let long = format!("X: {}\r\n", "x".repeat(20_000));
    let many = "X: y\r\n".repeat(100);
    for headers in [long, many] {
        let mut wire = connect(server.http);
        let _ = wire.stream.write_all(format!("GET /boot/a HTTP/1.1\r\n{headers}\r\n").as_bytes());
        let said = wire.rest();
        assert!(said.starts_with(b"HTTP/1.1 431 "), "{:?}", said.escape_ascii().to_string());
    }
    let mut wire = connect(server.http);
    let target = format!("/boot/{}", "x".repeat(5_000));
    assert_eq!(wire.ask("GET", &target, "").status(), 403);
    for garbage in
        [&b"\x16\x03\x01\x02\0\x01"[..], b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"\r\n\r\n\r\n"]
    {
        let mut wire = connect(server.http);
        let _ = wire.stream.write_all(garbage);
        let _ = wire.stream.shutdown(std::net::Shutdown::Write);
        let said = wire.rest();
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 400 "), "{said:?}");
    }
    assert_eq!(get(server.http, "/boot/a").text(), "a");
}

#[test]
fn a_file_that_is_replaced_meanwhile_is_never_mixed() {
    let folder = Folder::new("replaced");
    let (old, new) = (pattern(LARGE), vec![7; LARGE]);
    folder.write("boot/image", &old);
    let mut server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    wire.send("GET /boot/image HTTP/1.1\r\n\r\n");
    assert!(wire.receive() > 0);
    folder.write("boot/image.new", &new);
    fs::rename(folder.0.join("boot/image.new"), folder.0.join("boot/image")).expect("replaced");
    assert!(wire.reply_of_started().ends_with(&old), "the old file, whole");
    assert!(get(server.http, "/boot/image").body == new);
    server.expect("delivered image (25165824 bytes");

    // Written to in place: what was sent is of the old file, and the rest does not come.
    wire.send("GET /boot/image HTTP/1.1\r\n\r\n");
    assert!(wire.receive() > 0);
    std::thread::sleep(Duration::from_millis(50));
    folder.write("boot/image", &old);
    let said = wire.rest();
    let body = &said[said.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4..];
    assert!(body.len() < new.len() && body.iter().all(|byte| *byte == 7), "{} bytes", body.len());
    server.expect("failed image: the file changed during the transfer");
}

#[test]
fn an_aborted_download_costs_nothing() {
    let folder = Folder::new("aborted");
    folder.write("boot/image", &pattern(LARGE));
    let server = Server::start(&folder, "");
    for _ in 0..200 {
        let mut wire = connect(server.http);
        wire.send("GET /boot/image HTTP/1.1\r\nRange: bytes=1000-\r\n\r\n");
        assert!(wire.receive() > 0);
    }
    let open = || fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("descriptors").count();
    let deadline = Instant::now() + SOON;
    while open() > 60 {
        assert!(Instant::now() < deadline, "{} descriptors are open", open());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(get(server.http, "/boot/image").body == pattern(LARGE));
}
