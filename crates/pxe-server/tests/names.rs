//! Requested names, and the files they stand for, with the real program.

mod common;

use std::net::{Ipv6Addr, SocketAddr};

use common::{Client, Fetched, Folder, Server, fetch, fetch_from};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

/// A root in which every file holds its own name.
fn folder(name: &str, files: &[&str]) -> Folder {
    let folder = Folder::new(name);
    for file in files {
        folder.write(&format!("boot/{file}"), file.as_bytes());
    }
    folder
}

fn whole(text: &str) -> Fetched {
    Fetched::Whole(text.as_bytes().to_vec())
}

#[track_caller]
fn expect_each(server: &Server, table: &[(&str, Fetched)]) {
    for (name, expected) in table {
        assert_eq!(fetch(server.tftp, name.as_bytes()), *expected, "{name}");
    }
}

#[test]
fn names_are_rewritten_by_rules_in_their_order() {
    let folder = folder("rewrite", &["a.efi", "menus/default", "x/keep", "gone"]);
    let mut server = Server::start(
        &folder,
        r#"
[[tftp.rewrite]]
prefix = "/tftpboot/"
replace = ""
[[tftp.rewrite]]
prefix = "x/"
replace = "x/"
stop = true
[[tftp.rewrite]]
regex = '^pxelinux\.cfg/(.+)$'
replace = "menus/$1"
[[tftp.rewrite]]
suffix = "keep"
replace = "gone"
[[tftp.rewrite]]
prefix = "up"
replace = "."
"#,
    );
    expect_each(
        &server,
        &[
            ("a.efi", whole("a.efi")),
            ("/tftpboot/a.efi", whole("a.efi")),
            ("\\tftpboot\\pxelinux.cfg\\default", whole("menus/default")),
            ("x/keep", whole("x/keep")),
            ("keep", whole("gone")),
            // What a rule makes is checked like what is asked for.
            ("up./pxe.toml", Fetched::Error(2)),
            ("pxelinux.cfg/other", Fetched::Error(1)),
        ],
    );
    server.expect("requested menus/default (13 bytes), asked as \\\\tftpboot\\\\pxelinux.cfg");
    server.expect("rewriting rule 1 made it this name; rewriting rule 3 made it this name");
}

#[test]
fn a_machine_looks_into_its_own_folder_first() {
    let files = ["config.txt", "node1/config.txt", "start.elf", "node1/sub/menu.ipxe"];
    let folder = folder("folder", &files);
    std::os::unix::fs::symlink("../..", folder.0.join("boot/node1/up")).expect("link");
    let host = "[[host]]\nmac = \"52:54:00:aa:00:01\"\nfolder = \"node1\"\n";
    let mut server = Server::start(&folder, host);
    let [own, common] = ["node1/config.txt", "config.txt"].map(whole);
    assert_eq!(fetch(server.tftp, b"config.txt"), common, "nobody knows who that is");
    Client::new(&server, MAC, 7).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:01");
    expect_each(
        &server,
        &[
            ("config.txt", own),
            ("/config.txt", whole("node1/config.txt")),
            ("start.elf", whole("start.elf")),
            ("sub/menu.ipxe", whole("node1/sub/menu.ipxe")),
            ("missing", Fetched::Error(1)),
            ("up/pxe.toml", Fetched::Error(2)),
            ("../pxe.toml", Fetched::Error(2)),
        ],
    );
    server.expect(
        "52:54:00:aa:00:01 requested node1/config.txt (16 bytes), asked as config.txt: \
         host entry 1 names a folder, looked into first",
    );
    // A generated text comes last: behind both folders.
    let Fetched::Whole(menu) = fetch(server.tftp, b"menu.ipxe") else { panic!("no menu") };
    assert!(menu.starts_with(b"#!ipxe"));
    folder.write("boot/node1/menu.ipxe", b"own menu");
    assert_eq!(fetch(server.tftp, b"menu.ipxe"), whole("own menu"));
}

#[test]
fn folders_may_be_named_by_addresses() {
    let folder = folder("by", &["a", "127.0.0.1/a", "52-54-00-aa-00-01/a"]);
    let server = Server::start(&folder, "folder_by = \"address\"\n");
    assert_eq!(fetch(server.tftp, b"a"), whole("127.0.0.1/a"));
    // There are none for IPv6 addresses: colons and scopes make no good names.
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, server.tftp));
    assert_eq!(fetch_from(six, b"a"), whole("a"));
    drop(server);
    let mut server = Server::start(&folder, "folder_by = \"mac\"\n");
    assert_eq!(fetch(server.tftp, b"a"), whole("a"));
    Client::new(&server, MAC, 7).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:01");
    assert_eq!(fetch(server.tftp, b"a"), whole("52-54-00-aa-00-01/a"));
}

#[test]
fn windows_finds_its_files_in_any_spelling_if_that_is_wanted() {
    let files = ["boot/bcd", "boot/fonts/wgl4_boot.ttf", "sources/Boot.wim", "two/A", "two/a"];
    let folder = folder("windows", &files);
    let names =
        ["\\Boot\\BCD", "boot\\Fonts\\WGL4_Boot.ttf", "/SOURCES/BOOT.WIM", "two/A", "TWO/a"];
    let server = Server::start(&folder, "");
    for name in &names[..3] {
        assert_eq!(fetch(server.tftp, name.as_bytes()), Fetched::Error(1), "off by default");
    }
    drop(server);
    let mut server = Server::start(&folder, "ignore_case = true\n");
    for (name, file) in names.iter().zip(files) {
        assert_eq!(fetch(server.tftp, name.as_bytes()), whole(file), "{name}");
    }
    folder.write("boot/sources/BOOT.WIM", b"another");
    assert_eq!(fetch(server.tftp, b"Sources/boot.wim"), Fetched::Error(2));
    server.expect("BOOT.WIM and Boot.wim differ in upper and lower case alone");
    assert_eq!(fetch(server.tftp, b"sources/BOOT.WIM"), whole("another"), "the exact one wins");
}

/// What PXELINUX asks for on a machine with this MAC and the address 127.0.0.1.
const PXELINUX: [&str; 11] = [
    "pxelinux.cfg/564d2d0a-8d2a-4c32-9f6e-3c1a1d5e7f90",
    "pxelinux.cfg/01-52-54-00-aa-00-01",
    "pxelinux.cfg/7F000001",
    "pxelinux.cfg/7F00000",
    "pxelinux.cfg/7F0000",
    "pxelinux.cfg/7F000",
    "pxelinux.cfg/7F00",
    "pxelinux.cfg/7F0",
    "pxelinux.cfg/7F",
    "pxelinux.cfg/7",
    "pxelinux.cfg/default",
];

/// What GRUB asks for before `grub.cfg`, and modules it can do without.
const GRUB: [&str; 12] = [
    "grub/x86_64-efi/command.lst",
    "grub/x86_64-efi/fs.lst",
    "grub/x86_64-efi/crypto.lst",
    "grub/x86_64-efi/terminal.lst",
    "grub/grub.cfg-01-52-54-00-aa-00-01",
    "grub/grub.cfg-7F000001",
    "grub/grub.cfg-7F00000",
    "grub/grub.cfg-7F0000",
    "grub/grub.cfg-7F000",
    "grub/grub.cfg-7F00",
    "grub/grub.cfg-7F0",
    "grub/grub.cfg-7F",
];

#[test]
fn searches_are_answered_at_once_and_are_one_line_at_most() {
    let folder = folder("search", &["grub/grub.cfg"]);
    let mut server = Server::start(&folder, "");
    // Each has to be answered within what `fetch` waits: a client waits longer for one that is not.
    for name in GRUB {
        assert_eq!(fetch(server.tftp, name.as_bytes()), Fetched::Error(1), "{name}");
    }
    assert_eq!(fetch(server.tftp, b"grub/grub.cfg"), whole("grub/grub.cfg"));
    for name in PXELINUX {
        assert_eq!(fetch(server.tftp, name.as_bytes()), Fetched::Error(1), "{name}");
    }
    server.expect(
        "127.0.0.1 missing pxelinux.cfg/default, and 10 names before it from \
         pxelinux.cfg/564d2d0a-8d2a-4c32-9f6e-3c1a1d5e7f90 on",
    );
    let log = server.log();
    assert_eq!(log.matches("missing").count(), 1, "a search that found something is none:\n{log}");
    assert!(!log.contains("tried") && !log.contains("command.lst"), "{log}");
}
