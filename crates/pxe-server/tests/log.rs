//! What is logged, how, and where to besides.
#![cfg(feature = "http")]

mod common;

use std::net::{Ipv4Addr, UdpSocket};

use common::{Fetched, Folder, PATIENCE, Server, fetch};

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("boot/ipxe.efi", &b"loader".repeat(100));
    folder
}

#[test]
fn programs_get_an_object_a_line() {
    let folder = folder("log-json");
    let mut server = Server::start(&folder, "[log]\nformat = \"json\"\nlevel = \"debug\"\n");
    let ready: serde_json::Value = serde_json::from_str(&server.expect("ready: ")).expect("JSON");
    assert!(ready["message"].as_str().is_some_and(|text| text.starts_with("ready: ")), "{ready}");
    assert!(matches!(fetch(server.tftp, b"ipxe.efi"), Fetched::Whole(_)));
    let line: serde_json::Value =
        serde_json::from_str(&server.expect("\"delivered\"")).expect("JSON");
    assert_eq!((&line["stage"], &line["level"]), (&"delivered".into(), &"info".into()), "{line}");
    assert_eq!((&line["address"], &line["file"]), (&"127.0.0.1".into(), &"ipxe.efi".into()));
    for line in server.log().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn the_flag_wins_over_the_file() {
    let folder = folder("log-flag");
    let mut server = Server::start_with(
        &folder,
        "[log]\nformat = \"json\"\nlevel = \"warn\"\n",
        &["--log-format", "text", "-v"],
    );
    assert!(matches!(fetch(server.tftp, b"ipxe.efi"), Fetched::Whole(_)));
    let line = server.expect("delivered ipxe.efi");
    assert!(!line.starts_with('{'), "{line}");
}

#[test]
fn a_syslog_server_gets_every_line() {
    let syslog = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    syslog.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let port = syslog.local_addr().expect("an address").port();
    let folder = folder("log-syslog");
    let mut server = Server::start(&folder, &format!("[log]\nsyslog = \"udp:127.0.0.1:{port}\"\n"));
    assert!(matches!(fetch(server.tftp, b"ipxe.efi"), Fetched::Whole(_)));
    server.expect("delivered ipxe.efi");
    let mut buffer = [0; 4096];
    let message = loop {
        let length = syslog.recv(&mut buffer).expect("a message");
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if message.contains("stage=\"delivered\"") {
            break message;
        }
    };
    let pid = server.pid().to_string();
    let words: Vec<&str> = message.split(' ').collect();
    assert_eq!(
        (words[0], words[3], words[4], words[5]),
        ("<30>1", "pxe-server", &*pid, "delivered")
    );
    assert!(message.contains("file=\"ipxe.efi\"] 127.0.0.1 delivered ipxe.efi"), "{message}");
}
