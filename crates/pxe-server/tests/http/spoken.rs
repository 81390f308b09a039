//! How HTTP is spoken: what firmware compares byte for byte.

use crate::common::{Folder, Server};
use crate::wire::{ask, connect, get, pattern};

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("boot/ipxe.efi", &pattern(20_000));
    folder.write("boot/empty.bin", b"");
    folder.write("boot/tool.img", b"image");
    folder.write("boot/disk.iso", b"iso");
    folder.write("boot/own.ipxe", b"#!ipxe\n");
    folder.write("boot/vmlinuz", b"kernel");
    folder
}

#[test]
fn headers_are_in_title_case_and_plain() {
    let folder = folder("title");
    let server = Server::start(&folder, "");
    let reply = get(server.http, "/boot/ipxe.efi");
    assert!(reply.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", reply.head);
    assert_eq!(reply.header("Content-Length"), Some("20000"));
    assert_eq!(reply.header("Content-Type"), Some("application/efi"));
    assert_eq!(reply.header("Accept-Ranges"), Some("bytes"));
    for name in ["Last-Modified", "Date", "Etag"] {
        assert!(reply.header(name).is_some(), "{name} is missing: {}", reply.head);
    }
    for line in reply.head.split("\r\n").skip(1) {
        let name = line.split(':').next().expect("a name");
        assert!(
            name.split('-')
                .all(|part| part.starts_with(|letter: char| letter.is_ascii_uppercase())),
            "{line}"
        );
    }
    assert!(!reply.head.contains("Transfer-Encoding"), "{}", reply.head);
    assert_eq!(reply.body, pattern(20_000));
}

#[test]
fn types_are_exact() {
    let folder = folder("types");
    let server = Server::start(&folder, "");
    for (name, media) in [
        ("ipxe.efi", "application/efi"),
        ("tool.img", "application/vnd.efi-img"),
        ("disk.iso", "application/vnd.efi-iso"),
        ("own.ipxe", "text/plain"),
        ("menu.ipxe", "text/plain"),
        ("vmlinuz", "application/octet-stream"),
        ("missing", "text/plain"),
    ] {
        let reply = get(server.http, &format!("/boot/{name}"));
        assert_eq!(reply.header("Content-Type"), Some(media), "{name}");
    }
}

#[test]
fn head_tells_what_get_would() {
    let folder = folder("head");
    let server = Server::start(&folder, "");
    // hyper puts the length of an empty body last.
    let lines = |head: &str| {
        let lines = head.split("\r\n").filter(|line| !line.starts_with("Date"));
        lines.map(ToOwned::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    for name in ["ipxe.efi", "empty.bin", "menu.ipxe", "missing", "../x"] {
        let target = format!("/boot/{name}");
        let mut wire = connect(server.http);
        let head = wire.ask("HEAD", &target, "");
        // No body came, or it would be taken for the next answer.
        let got = wire.ask("GET", &target, "");
        assert_eq!(lines(&head.head), lines(&got.head));
        assert_eq!(head.header("Content-Length"), Some(&*got.body.len().to_string()), "{name}");
    }
}

#[test]
fn every_form_of_a_request_is_answered() {
    let folder = folder("forms");
    let server = Server::start(&folder, "");
    let wrong_port =
        "GET /boot/vmlinuz HTTP/1.1\r\nHost: elsewhere:99\r\nConnection: close\r\n\r\n";
    let absolute = "GET http://192.0.2.5/boot/vmlinuz HTTP/1.1\r\nConnection: close\r\n\r\n";
    for request in [
        "GET /boot/vmlinuz HTTP/1.0\r\n\r\n",
        "GET /boot/vmlinuz HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /boot/vmlinuz?x=%zz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        "GET /boot/vmlinuz HTTP/1.1\r\nhost:127.0.0.1\r\nconnection:close\r\n\r\n",
        wrong_port,
        absolute,
    ] {
        let mut wire = connect(server.http);
        wire.send(request);
        let reply = wire.reply(false);
        assert_eq!((reply.status(), &*reply.body), (200, &b"kernel"[..]), "{request}");
        assert_eq!(wire.rest(), b"", "{request}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let reply = ask(server.http, method, "/boot/vmlinuz", "Content-Length: 0\r\n");
        assert_eq!((reply.status(), reply.header("Allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn connections_are_kept_and_requests_may_come_all_at_once() {
    let folder = folder("pipeline");
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    let requests: String = (0..20)
        .map(|number| {
            let (method, name) = [
                ("GET", "ipxe.efi"),
                ("HEAD", "ipxe.efi"),
                ("GET", "missing"),
                ("GET", "empty.bin"),
                ("GET", "vmlinuz"),
            ][number % 5];
            format!("{method} /boot/{name} HTTP/1.1\r\nHost: x\r\n\r\n")
        })
        .collect();
    wire.send(requests);
    for number in 0..20 {
        let reply = wire.reply(number % 5 == 1);
        let expected = [
            (200, pattern(20_000)),
            (200, Vec::new()),
            (404, b"there is no such file\n".to_vec()),
            (200, Vec::new()),
            (200, b"kernel".to_vec()),
        ];
        assert!((reply.status(), reply.body) == expected[number % 5], "answer {number}");
    }
    // And one more, after everything.
    assert_eq!(wire.ask("GET", "/boot/vmlinuz", "").body, b"kernel");
}
