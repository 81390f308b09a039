//! The real program that only listens: beside a DHCP server on its own host, it hears, gives baits their loaders, keeps
//! what it heard, and sends no DHCP.

mod common;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::net::UdpSocket;

use common::{Client, Fetched, Folder, Server, fetch, loopback};
use pxe_dhcp::{HardwareType, Message, MessageType, Operation, OptionCode, SizeBudget};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const EDK2: &[u8] = b"tsize\x000\0blksize\x001468\0windowsize\x004\0";

const ARM64: &str = "[loaders]\narm64-uefi = \"shim/shimaa64.efi\"\n";

fn observe(folder: &Folder, extra: &str) -> Server {
    for name in
        ["undionly.kpxe", "ipxe.efi", "ipxe32.efi", "shim/shimaa64.efi", "shim/grubaa64.efi"]
    {
        folder.write(&format!("boot/{name}"), name.as_bytes());
    }
    // Ports stand in [dhcp] and [tftp] already; flags win over the file.
    Server::start_with(folder, extra, &["--mode", "observe"])
}

/// A REQUEST to the DHCP server of somebody else, for the address that the tests ask from.
fn request(mac: &[u8; 6], arch: u16) -> Vec<u8> {
    let mut message = Message::new(Operation::BootRequest);
    message.set_hardware(HardwareType::ETHERNET, mac).expect("address");
    message.set_transaction_id(0x1234_0000 | u32::from(arch));
    message.push(OptionCode::MESSAGE_TYPE, &[MessageType::REQUEST.0]);
    message.push(OptionCode::REQUESTED_ADDRESS, &Ipv4Addr::LOCALHOST.octets());
    message.push(OptionCode::SERVER_IDENTIFIER, &[192, 0, 2, 1]);
    message.push(OptionCode::CLIENT_ARCHITECTURE, &arch.to_be_bytes());
    let class = format!("PXEClient:Arch:{arch:05}:UNDI:003000");
    message.push(OptionCode::VENDOR_CLASS, class.as_bytes());
    let mut out = Vec::new();
    message.encode(SizeBudget::for_request(None), &mut out).expect("encodes");
    out
}

fn say(server: &Server, datagram: &[u8]) {
    // Evidence is kept by the millisecond: what is said now is younger than what ended before.
    std::thread::sleep(Duration::from_millis(2));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.send_to(datagram, loopback(server.dhcp)).expect("send");
}

/// The first datagram that answers a request with these options, if one comes soon.
fn ask(server: &Server, name: &str, options: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(700))).expect("timeout");
    let request = [b"\0\x01", name.as_bytes(), b"\0octet\0", options].concat();
    socket.send_to(&request, loopback(server.tftp)).expect("send");
    let mut buffer = [0; 2048];
    let (bytes, from) = socket.recv_from(&mut buffer).ok()?;
    let _ = socket.send_to(b"\0\x05\0\x08User aborted the transfer\0", from);
    Some(buffer[..bytes].to_vec())
}

#[test]
fn one_name_is_each_machines_own_loader() {
    let folder = Folder::new("observe");
    let mut server = observe(&folder, ARM64);
    let ready = server.expect("ready: observe mode on lo");
    assert!(ready.contains("sending none"), "{ready}");
    say(&server, &request(&MAC, 7));
    server.expect("52:54:00:aa:00:01 heard x64-uefi (REQUEST, broadcast)");
    let answer = ask(&server, "PXE-Loader.efi", EDK2).expect("an answer");
    assert!(answer.starts_with(b"\0\x06tsize\x008\0"), "{}", answer.escape_ascii());
    assert_eq!(fetch(server.tftp, b"/pxe-loader"), Fetched::Whole(b"ipxe.efi".to_vec()));
    server.expect("52:54:00:aa:00:01 asked PXE-Loader.efi: ipxe.efi because ");
    server.expect("52:54:00:aa:00:01 delivered ipxe.efi");
    // Another machine has the address now.
    say(&server, &request(&[0x52, 0x54, 0, 0xaa, 0, 2], 0));
    server.expect("52:54:00:aa:00:02 heard bios");
    assert_eq!(
        fetch(server.tftp, b"iventoy_loader_16000"),
        Fetched::Whole(b"undionly.kpxe".to_vec())
    );
    // What runs asks beside the bait and gets what lies beside its loader.
    say(&server, &request(&[0x52, 0x54, 0, 0xaa, 0, 3], 11));
    server.expect("52:54:00:aa:00:03 heard arm64-uefi");
    assert_eq!(fetch(server.tftp, b"x/pxe-loader"), Fetched::Whole(b"shim/shimaa64.efi".to_vec()));
    assert_eq!(
        fetch(server.tftp, b"x//grubaa64.efi"),
        Fetched::Whole(b"shim/grubaa64.efi".to_vec())
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_not_known_is_held_and_what_is_wrong_is_refused() {
    let folder = Folder::new("held");
    let mut server = observe(&folder, "");
    assert_eq!(ask(&server, "pxe-loader", EDK2), None, "silence, so that the machine asks again");
    let line = server.expect("127.0.0.1 held: pxe-loader: ");
    assert!(line.contains("too little is known") && line.contains("next: "), "{line}");
    let refused = ask(&server, "pxe-loader_bios", EDK2).expect("an error");
    assert_eq!(refused[..4], [0, 5, 0, 2]);
    server.expect("the DHCP server names the bait ending in _bios to a UEFI machine");
    // The machine is heard while it asks.
    say(&server, &request(&MAC, 6));
    server.expect("52:54:00:aa:00:01 heard x86-uefi");
    let answer = ask(&server, "pxe-loader", EDK2).expect("an answer");
    assert!(answer.starts_with(b"\0\x06tsize\x0010\0"), "{}", answer.escape_ascii());
}

#[test]
fn off_mode_goes_by_suffixes_alone() {
    let folder = Folder::new("suffix");
    for name in ["undionly.kpxe", "ipxe.efi"] {
        folder.write(&format!("boot/{name}"), name.as_bytes());
    }
    let mut server = Server::start_with(&folder, "", &["--mode", "off"]);
    assert_eq!(fetch(server.tftp, b"pxe-loader_uefi.efi"), Fetched::Whole(b"ipxe.efi".to_vec()));
    assert_eq!(fetch(server.tftp, b"pxe-loader-bios.0"), Fetched::Whole(b"undionly.kpxe".to_vec()));
    let refused = ask(&server, "pxe-loader_bios", EDK2).expect("an error");
    assert_eq!(refused[..4], [0, 5, 0, 2]);
    server.expect("for architectures 7 and 9 to the one ending in _uefi");
}

#[test]
fn what_was_heard_survives_a_restart() {
    let folder = Folder::new("restart");
    let mut server = observe(&folder, "");
    say(&server, &request(&MAC, 7));
    server.expect("heard x64-uefi");
    assert_eq!(server.stop(), Some(0));
    let kept = std::fs::read_to_string(folder.0.join("state/evidence")).expect("a file");
    assert!(kept.starts_with("pxe-evidence 1\nm 525400aa0001 "), "{kept}");
    let mut server = observe(&folder, "");
    server.expect("1 machines known from ");
    assert_eq!(fetch(server.tftp, b"pxe-loader"), Fetched::Whole(b"ipxe.efi".to_vec()));
    assert_eq!(server.stop(), Some(0));
    // A broken file is no obstacle.
    folder.write("state/evidence", b"\xff\xfe nonsense");
    let mut server = observe(&folder, "");
    server.expect("machines are learned anew");
}

#[test]
fn a_dhcp_server_on_this_host_is_not_disturbed() {
    let folder = Folder::new("same-host");
    let mut server = observe(&folder, ARM64);
    if server.log().contains("packet socket is refused") {
        assert!(!nix::unistd::geteuid().is_root(), "root may have one");
        return eprintln!("without the right to a packet socket port 67 has to be ours");
    }
    // It may start before us or after us.
    let foreign = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, server.dhcp)).expect("its port is free");
    foreign.set_read_timeout(Some(common::PATIENCE)).expect("timeout");
    say(&server, &request(&MAC, 7));
    let mut buffer = [0; 2048];
    let (bytes, _) = foreign.recv_from(&mut buffer).expect("it hears what it always heard");
    assert_eq!(buffer[..bytes], request(&MAC, 7));
    server.expect("heard x64-uefi");
    // Its reply to the client port is heard too: with the machine's own messages lost it is enough.
    let other = [0x52, 0x54, 0, 0xaa, 0, 9];
    let mut discover = request(&other, 11);
    let kind = discover.windows(3).position(|option| option == [53, 1, 3]).expect("option 53");
    discover[kind + 2] = 1;
    foreign.send_to(&discover, loopback(server.dhcp)).expect("send");
    server.expect("52:54:00:aa:00:09 heard arm64-uefi (DISCOVER");
    let mut ack = Message::new(Operation::BootReply);
    ack.set_hardware(HardwareType::ETHERNET, &other).expect("address");
    ack.set_your_address(Ipv4Addr::LOCALHOST);
    ack.push(OptionCode::MESSAGE_TYPE, &[MessageType::ACK.0]);
    let mut out = Vec::new();
    ack.encode(SizeBudget::for_request(None), &mut out).expect("encodes");
    foreign.send_to(&out, loopback(server.dhcp + 1)).expect("send");
    let deadline = std::time::Instant::now() + common::PATIENCE;
    while ask(&server, "pxe-loader_aa64", EDK2).is_none_or(|answer| answer[1] != 6) {
        assert!(std::time::Instant::now() < deadline, "{}", server.log());
    }
    server.expect("52:54:00:aa:00:09 asked pxe-loader_aa64: ");
}

#[test]
fn no_dhcp_leaves_whatever_comes_in() {
    let folder = Folder::new("silent");
    let mut server = observe(&folder, "");
    let client = Client::new(&server, MAC, 7);
    client.socket.set_nonblocking(true).expect("a socket");
    let boot_server =
        UdpSocket::bind((Ipv4Addr::LOCALHOST, server.boot_server)).expect("4011 is free");
    boot_server.set_nonblocking(true).expect("a socket");
    let vectors = common::files_below(
        &std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../pxe-dhcp/tests"),
    );
    let mut sent = 0;
    for path in vectors.iter().filter(|path| path.extension().is_none_or(|kind| kind != "rs")) {
        let datagram = std::fs::read(path).expect("a vector");
        if datagram.len() < 9_000 {
            client.socket.send_to(&datagram, loopback(server.dhcp)).expect("send");
            sent += 1;
            if sent % 16 == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
    assert!(sent > 400, "{sent}");
    // All of it has been taken when what came last is told.
    say(&server, &request(&[0x52, 0x54, 0, 0xaa, 0, 0x77], 7));
    server.expect("52:54:00:aa:00:77 heard x64-uefi");
    for socket in [&client.socket, &boot_server] {
        let answer = socket.recv_from(&mut [0; 2048]);
        assert!(answer.is_err(), "{answer:?}");
    }
}
