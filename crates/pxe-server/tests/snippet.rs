//! `pxe-server snippet` as a person types it.

mod common;

use std::process::Output;

use common::{Folder, program};

fn run(words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        program().args(words).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn without_a_dialect_all_are_listed() {
    let (code, said, complaints) = run(&["snippet"]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    for dialect in pxe_select::snippet::Dialect::all() {
        let line = said.lines().find(|line| line.starts_with(dialect.name()));
        assert!(line.is_some_and(|line| line.ends_with(dialect.summary())), "{dialect}: {said}");
    }
}

#[test]
fn a_snippet_has_the_address_and_nothing_else_on_standard_output() {
    let (code, said, complaints) = run(&["snippet", "dnsmasq", "--address", "198.51.100.9"]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    assert!(said.ends_with("\ndhcp-boot=pxe-loader,,198.51.100.9\n"), "{said}");
    assert!(said.lines().all(|line| line.is_empty() || line.starts_with(['#', 'd'])), "{said}");
    let (_, said, _) = run(&["snippet", "kea", "--per-arch", "--address", "198.51.100.9"]);
    assert!(said.contains("\"boot-file-name\": \"pxe-loader_aa64\""), "{said}");
}

#[test]
fn the_advertised_address_is_the_one_named() {
    let folder = Folder::new("snippet");
    folder.write("pxe.toml", b"advertise = \"203.0.113.4\"\n[tftp]\nport = 6969\n");
    let config = folder.0.join("pxe.toml").to_string_lossy().into_owned();
    let (code, said, complaints) = run(&["--config", &config, "snippet", "cisco-ios"]);
    assert_eq!(code, Some(0), "{complaints}");
    assert!(said.contains("\n next-server 203.0.113.4\n bootfile pxe-loader\n"), "{said}");
    assert!(complaints.starts_with("warning: tftp.port = 6969"), "{complaints}");
}

#[test]
fn an_address_that_only_this_machine_reaches_is_refused() {
    let (code, said, complaints) = run(&["-i", "lo", "snippet", "dnsmasq"]);
    assert_eq!((code, said.as_str()), (Some(2), ""));
    assert!(complaints.contains("127.0.0.1 is not an address") && complaints.contains("--address"));
}

#[test]
fn a_mistyped_dialect_is_answered_with_the_right_ones() {
    let (code, _, complaints) = run(&["snippet", "isc-dhcp"]);
    assert_eq!(code, Some(2));
    assert!(complaints.contains("isc-dhcpd") && complaints.contains("technitium"), "{complaints}");
}
