//! Which file a URL stands for: the decision of TFTP, by other spellings.

use std::os::unix::fs::symlink;

use crate::common::{Client, Fetched, Folder, Server, fetch};
use crate::wire::{ask, connect, get};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

#[test]
fn no_url_yields_a_byte_from_outside_the_root() {
    let folder = Folder::new("http-escape");
    folder.write("boot/inside", b"inside");
    folder.write("boot/sub/file", b"inside");
    folder.write("outside", b"outside");
    folder.write("boot-private/outside", b"outside");
    for (target, link) in [("../outside", "link"), ("..", "up"), ("/etc/passwd", "absolute")] {
        symlink(target, folder.0.join("boot").join(link)).expect("link");
    }
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    for name in [
        "../outside",
        "..%2foutside",
        "%2e%2e/outside",
        "%2E%2E%2Foutside",
        "%252e%252e/outside",
        "..%5coutside",
        "..\\outside",
        "%2e%2e%5coutside",
        "sub/../../outside",
        "sub/%2e%2e/%2e%2e/outside",
        "./../outside",
        "inside/../../outside",
        "..%00/outside",
        "../outside%00",
        "../outside%00.efi",
        "..%c0%afoutside",
        "%c0%ae%c0%ae/outside",
        "..;/outside",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "C:%5cetc%5cpasswd",
        "link",
        "absolute",
        "up/outside",
        "up/boot-private/outside",
        "../boot-private/outside",
        "sub",
        "sub/",
        ".",
        "..",
        "%2e",
        "",
        "inside%0d%0aX:%20y",
        "inside%00.efi",
    ] {
        for place in ["/boot/", "/", "//", "/boot//", "/boot/./", "/x/../boot/"] {
            let reply = wire.ask("GET", &format!("{place}{name}"), "");
            assert!(
                matches!(reply.status(), 403 | 404),
                "{place}{name} gave {} {:?}",
                reply.head,
                reply.body.escape_ascii().to_string()
            );
        }
    }
    for target in ["/boot/inside", "/boot//inside", "//boot//inside", "/boot/%69nside", "/inside"] {
        assert_eq!(get(server.http, target).text(), "inside", "{target}");
    }
    // Cleaned as by TFTP.
    for target in ["/boot/./inside", "/boot/%5cinside", "/boot/inside%00", "/boot/inside%ff"] {
        assert_eq!(get(server.http, target).text(), "inside", "{target}");
    }
    for target in ["/boot/%", "/boot/%4", "/boot/%zz"] {
        assert_eq!(get(server.http, target).status(), 400, "{target}");
    }
}

#[test]
fn what_is_not_there_yet_is_not_found() {
    let folder = Folder::new("http-elsewhere");
    folder.write("boot/images/x.iso", b"beneath the root");
    let server = Server::start(&folder, "");
    for target in ["/images/x.iso", "/", "/boot/missing", "/favicon.ico", "/booted/x"] {
        assert_eq!(get(server.http, target).status(), 404, "{target}");
    }
    assert_eq!(get(server.http, "/boot/images/x.iso").text(), "beneath the root");
}

#[test]
fn rules_folders_and_rewriting_are_those_of_tftp() {
    let folder = Folder::new("http-decision");
    folder.write("boot/config.txt", b"everybody's");
    folder.write("boot/node1/config.txt", b"its own");
    let extra = "\
[[tftp.rewrite]]
prefix = \"tftpboot/\"
replace = \"\"
[[host]]
mac = \"52:54:00:aa:00:01\"
folder = \"node1\"
";
    let mut server = Server::start(&folder, extra);
    let urls = ["/boot/config.txt", "/boot/tftpboot/config.txt"];
    for url in urls {
        assert_eq!(get(server.http, url).text(), "everybody's", "{url}");
    }
    Client::new(&server, MAC, 7).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:01 acknowledged");
    for url in urls {
        assert_eq!(get(server.http, url).text(), "its own", "{url}");
    }
    server.expect("52:54:00:aa:00:01 requested node1/config.txt (7 bytes), asked as");
    server.expect("52:54:00:aa:00:01 delivered node1/config.txt (7 bytes in");
    assert_eq!(fetch(server.tftp, b"config.txt"), Fetched::Whole(b"its own".to_vec()));
}

#[test]
fn a_denied_machine_gets_nothing_by_http_either() {
    let folder = Folder::new("http-denied");
    folder.write("boot/ipxe.efi", b"loader");
    let extra = "[[host]]\nmac = \"52:54:00:aa:00:01\"\nboot = false\n";
    let mut server = Server::start(&folder, extra);
    assert_eq!(get(server.http, "/boot/ipxe.efi").status(), 200);
    Client::new(&server, MAC, 7).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:01 denied");
    for method in ["GET", "HEAD"] {
        assert_eq!(ask(server.http, method, "/boot/ipxe.efi", "").status(), 403);
    }
    assert_eq!(get(server.http, "/boot/menu.ipxe").status(), 403);
}

#[test]
fn misses_in_a_row_are_one_line() {
    let folder = Folder::new("http-search");
    let mut server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    for name in ["command.lst", "fs.lst", "crypto.lst"] {
        assert_eq!(wire.ask("GET", &format!("/grub/x86_64-efi/{name}"), "").status(), 404);
    }
    let line = server.expect("missing");
    assert!(
        line.contains(
            "grub/x86_64-efi/crypto.lst, and 2 names before it from grub/x86_64-efi/command"
        ),
        "{line}"
    );
}
