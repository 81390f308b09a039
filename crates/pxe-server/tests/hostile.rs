//! Broken and hostile input against the real program, and a normal boot after it.

mod common;

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;

use common::{Client, Fetched, Folder, Server, fetch, files_below, loopback};
use pxe_dhcp::MessageType;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 9];

/// The fuzzers' corpora and the codecs' vectors, as datagrams.
fn hostile_datagrams() -> Vec<Vec<u8>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates");
    let mut datagrams: Vec<Vec<u8>> = [
        "pxe-dhcp/tests/corpus",
        "pxe-tftp/tests/corpus",
        "pxe-dhcp/tests/vectors",
        "pxe-tftp/tests/vectors",
    ]
    .iter()
    .flat_map(|folder| files_below(&crates.join(folder)))
    .map(|file| fs::read(file).expect("file"))
    .filter(|bytes| bytes.len() <= 1472)
    .collect();
    datagrams.push(Vec::new());
    datagrams.extend((0..=255).map(|byte| vec![byte; 300]));
    datagrams
}

#[test]
fn a_boot_works_after_every_hostile_datagram() {
    let datagrams = hostile_datagrams();
    assert!(datagrams.len() > 300, "the corpora are missing");
    let folder = Folder::new("hostile");
    folder.write("boot/ipxe.efi", &[7; 5000]);
    let server = Server::start(&folder, "");
    let attacker = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("socket");
    for (index, datagram) in datagrams.iter().enumerate() {
        for port in [server.dhcp, server.boot_server, server.tftp] {
            attacker.send_to(datagram, loopback(port)).expect("send");
        }
        // Room for the server to read: a dropped datagram would test nothing.
        if index % 16 == 0 {
            std::thread::sleep(core::time::Duration::from_millis(2));
        }
    }
    let client = Client::new(&server, MAC, 7);
    // Replies to hostile requests may wait in the client port's queue; this boot asks anew.
    client.socket.set_nonblocking(true).expect("nonblocking");
    while client.socket.recv_from(&mut [0; 2048]).is_ok() {}
    client.socket.set_nonblocking(false).expect("blocking");
    assert_eq!(client.boot_file(MessageType::DISCOVER, server.dhcp), "ipxe.efi");
    assert_eq!(client.boot_file(MessageType::REQUEST, server.boot_server), "ipxe.efi");
    assert_eq!(fetch(server.tftp, b"ipxe.efi"), Fetched::Whole(vec![7; 5000]));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn no_path_yields_a_byte_from_outside_the_root() {
    let folder = Folder::new("escape");
    folder.write("boot/inside", b"inside");
    folder.write("outside", b"outside");
    folder.write("boot-private/outside", b"outside");
    std::os::unix::fs::symlink("../outside", folder.0.join("boot/link")).expect("link");
    std::os::unix::fs::symlink("..", folder.0.join("boot/up")).expect("link");
    std::os::unix::fs::symlink("/etc/passwd", folder.0.join("boot/absolute")).expect("link");
    let server = Server::start(&folder, "");
    for name in [
        "../outside",
        "..\\outside",
        "a/../../outside",
        "/../outside",
        "//../outside",
        "./../outside",
        "link",
        "absolute",
        "up/outside",
        "up/boot-private/outside",
        "../boot-private/outside",
        "/etc/passwd",
        "\\etc\\passwd",
        "C:\\etc\\passwd",
        "inside/../../outside",
        "%2e%2e/outside",
        "..",
        ".",
        "/",
        "",
    ] {
        let got = fetch(server.tftp, name.as_bytes());
        assert!(!matches!(got, Fetched::Whole(_)), "{name:?} gave {got:?}");
    }
    for name in ["inside", "/inside", "\\inside", "//inside"] {
        assert_eq!(fetch(server.tftp, name.as_bytes()), Fetched::Whole(b"inside".to_vec()));
    }
}

#[test]
fn an_ordinary_client_hears_nothing_from_us() {
    let folder = Folder::new("silence");
    folder.write("boot/ipxe.efi", b"loader");
    let server = Server::start(&folder, "");
    let client = Client::new(&server, MAC, 7);
    // A laptop's DISCOVER, and every other message type of a network-boot client on port 67.
    let mut laptop = pxe_dhcp::Message::new(pxe_dhcp::Operation::BootRequest);
    laptop.set_hardware(pxe_dhcp::HardwareType::ETHERNET, &MAC).expect("address");
    laptop.push(pxe_dhcp::OptionCode::MESSAGE_TYPE, &[1]);
    laptop.push(pxe_dhcp::OptionCode::HOST_NAME, b"laptop");
    let mut bytes = Vec::new();
    laptop.encode(pxe_dhcp::SizeBudget::for_request(None), &mut bytes).expect("encodes");
    client.socket.send_to(&bytes, loopback(server.dhcp)).expect("send");
    for kind in [2, 3, 4, 5, 6, 7, 8, 13] {
        let request = client.request(MessageType(kind), Ipv4Addr::UNSPECIFIED);
        client.socket.send_to(&request, loopback(server.dhcp)).expect("send");
    }
    // The first thing that comes back is the answer to this DISCOVER: nothing came before it.
    assert_eq!(client.boot_file(MessageType::DISCOVER, server.dhcp), "ipxe.efi");
    client.socket.set_nonblocking(true).expect("nonblocking");
    assert!(client.socket.recv_from(&mut [0; 2048]).is_err(), "more than one reply");
}
