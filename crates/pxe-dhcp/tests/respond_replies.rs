//! Golden replies: each recipe of the proxy responder, from a request of real firmware (or one
//! derived from it, see `vectors/replies/README.md`) to the exact bytes and where they go.
//! `UPDATE_VECTORS=1` writes the replies and their renderings anew.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Instant;

use pxe_dhcp::MessageView;
use pxe_dhcp::respond::{
    Inbound, ProxyAnswer, ProxyConfig, ProxyResponder, Received, ServerPort, Silence,
};

const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const TFTP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const LONG_URL: &str = "http://boot.example.test:8080/boot/menu.ipxe?mac=52-54-00-aa-00-01&uuid=\
                        a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf&serial=0123456789ABCDEF&bus=0000-1af4&x=1";

/// One recipe: its name is that of the reply's files, `request` names the vector it answers.
struct Recipe {
    name: &'static str,
    request: &'static str,
    port: ServerPort,
    source: SocketAddrV4,
    file: &'static str,
    next_server: Option<Ipv4Addr>,
}

const fn on_67(name: &'static str, request: &'static str, file: &'static str) -> Recipe {
    let source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    Recipe { name, request, port: ServerPort::Dhcp, source, file, next_server: None }
}

const fn on_4011(
    name: &'static str,
    request: &'static str,
    port: u16,
    file: &'static str,
) -> Recipe {
    let source = SocketAddrV4::new(CLIENT, port);
    Recipe { name, request, port: ServerPort::BootServer, source, file, next_server: None }
}

const RECIPES: &[Recipe] = &[
    on_67("uefi-x64-offer", "ipxe-bios-and-ovmf-x64-chain-025-discover", "ipxe.efi"),
    on_67("uefi-ia32-offer", "ovmf-ia32-grub-001-discover", "ipxe32.efi"),
    on_67("uefi-arm64-offer", "aavmf-arm64-shim-then-http-001-discover", "debian/bootnetaa64.efi"),
    on_67("ipxe-rom-offer", "ipxe-bios-and-ovmf-x64-chain-001-discover", "menu.ipxe"),
    on_67("ipxe-efi-long-url-offer", "ipxe-bios-and-ovmf-x64-chain-050-discover", LONG_URL),
    on_67("http-x64-offer", "ovmf-x64-http-001-discover", "http://192.0.2.5:8080/boot/ipxe.efi"),
    on_67(
        "http-arm64-offer",
        "aavmf-arm64-shim-then-http-037-discover",
        "http://192.0.2.5:8080/boot/bootaa64.efi",
    ),
    on_67("uboot-offer", "uboot-arm64-002-discover", "boot.scr.uimg"),
    on_67("uboot-pxe-class-offer", "uboot-arm64-027-discover", "grubaa64.efi"),
    on_67("bios-offer", "replies/bios-rom-discover.request", "undionly.kpxe"),
    on_67("guid-in-chaddr-offer", "replies/edk2-x64-send-guid-discover.request", "ipxe.efi"),
    on_67("raspberry-pi-4-offer", "replies/raspberry-pi-4-discover.request", ""),
    on_67("raspberry-pi-3-offer", "replies/raspberry-pi-3-discover.request", "bootcode.bin"),
    on_67("boot-item-on-67-ack", "replies/ipxe-boot-item.request", "pxelinux.0"),
    on_4011("uefi-x64-ack", "replies/edk2-x64-boot-server.request", 4011, "ipxe.efi"),
    on_4011("ipxe-ack", "replies/ipxe-boot-server.request", 68, "menu.ipxe"),
    on_4011("bios-ack", "replies/bios-rom-boot-server.request", 68, "undionly.kpxe"),
    on_4011("boot-item-on-4011-ack", "replies/ipxe-boot-item.request", 68, "pxelinux.0"),
    Recipe {
        source: SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1), 67),
        ..on_67("uefi-x64-relayed-offer", "replies/ovmf-x64-relayed-discover.request", "ipxe.efi")
    },
    Recipe {
        source: SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1), 6767),
        ..on_67(
            "ipxe-relayed-source-port-offer",
            "replies/ipxe-relayed-source-port-discover.request",
            "menu.ipxe",
        )
    },
    // The offer must keep the client coming back to us, the ACK may send it elsewhere.
    Recipe {
        next_server: Some(TFTP),
        ..on_67(
            "uefi-x64-other-tftp-offer",
            "ipxe-bios-and-ovmf-x64-chain-025-discover",
            "ipxe.efi",
        )
    },
    Recipe {
        next_server: Some(TFTP),
        ..on_4011(
            "uefi-x64-other-tftp-ack",
            "replies/edk2-x64-boot-server.request",
            4011,
            "ipxe.efi",
        )
    },
];

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn request(name: &str) -> Vec<u8> {
    let path = vectors().join(format!("{name}.bin"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn reply(recipe: &Recipe) -> (Vec<u8>, String) {
    let datagram = request(recipe.request);
    let mut responder = ProxyResponder::new(ProxyConfig::default());
    let now = Instant::now();
    let received = Received::new(recipe.source, recipe.port, US, 3);
    let inbound = responder.handle_datagram(now, &received, &datagram).expect("a BOOTP message");
    let Inbound::Request(request) = inbound else { panic!("{}: {inbound:?}", recipe.name) };
    let mut text = format!(
        "{} as {:?} of a {:?} client, style {:?}\n",
        recipe.request,
        request.kind(),
        request.class(),
        request.default_style()
    );
    let mut answer = ProxyAnswer::new(US, recipe.file.as_bytes());
    answer.next_server = recipe.next_server;
    responder.accept(now, request, &answer).expect("an answer that fits");
    let mut bytes = Vec::new();
    let transmit = responder.poll_transmit(now, &mut bytes).expect("a reply");
    writeln!(text, "from {:?} of {}", transmit.port, transmit.source_address).expect("a string");
    writeln!(text, "to {}", transmit.destination).expect("a string");
    assert_eq!(responder.poll_transmit(now, &mut Vec::new()), None, "{}", recipe.name);
    let view = MessageView::parse_strict(&bytes)
        .unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
    write!(text, "{view}").expect("a string");
    (bytes, text)
}

#[test]
fn every_recipe_gives_its_golden_reply() {
    let update = std::env::var_os("UPDATE_VECTORS").is_some();
    for recipe in RECIPES {
        let (bytes, text) = reply(recipe);
        let stem = vectors().join("replies").join(recipe.name);
        if update {
            fs::write(stem.with_extension("bin"), &bytes).expect("a writable folder");
            fs::write(stem.with_extension("txt"), &text).expect("a writable folder");
            continue;
        }
        let golden = fs::read_to_string(stem.with_extension("txt")).expect("a golden rendering");
        assert_eq!(text, golden, "{}", recipe.name);
        let golden = fs::read(stem.with_extension("bin")).expect("a golden reply");
        assert_eq!(bytes, golden, "{}", recipe.name);
    }
}

#[test]
fn a_retransmission_is_answered_with_the_same_bytes() {
    for recipe in RECIPES {
        assert_eq!(reply(recipe), reply(recipe), "{}", recipe.name);
    }
}

#[test]
fn what_is_not_ours_is_overheard() {
    use ServerPort::{BootServer, Dhcp};
    use Silence::{NotForBootServer, OrdinaryClient, RequestToDhcpServer, ServerReply};
    let cases = [
        ("ipxe-bios-and-ovmf-x64-chain-008-request", Dhcp, RequestToDhcpServer),
        ("ipxe-bios-and-ovmf-x64-chain-030-request", Dhcp, RequestToDhcpServer),
        ("ovmf-x64-http-004-request", Dhcp, RequestToDhcpServer),
        ("uboot-arm64-004-request", Dhcp, RequestToDhcpServer),
        ("s390-netboot-003-request", Dhcp, RequestToDhcpServer),
        // It selects an address of the other server; the menu choice in it changes nothing.
        ("replies/selecting-with-boot-item.request", Dhcp, RequestToDhcpServer),
        ("s390-netboot-001-discover", Dhcp, OrdinaryClient),
        ("slof-ppc64-003-discover", Dhcp, OrdinaryClient),
        ("ipxe-bios-and-ovmf-x64-chain-006-offer", Dhcp, ServerReply),
        ("ipxe-bios-and-ovmf-x64-chain-009-ack", Dhcp, ServerReply),
        ("ipxe-bios-and-ovmf-x64-chain-025-discover", BootServer, NotForBootServer),
        ("ovmf-x64-http-004-request", BootServer, NotForBootServer),
        ("ipxe-bios-and-ovmf-x64-chain-008-request", BootServer, Silence::OtherBootServer),
    ];
    for (name, port, silence) in cases {
        let datagram = request(name);
        let mut responder = ProxyResponder::new(ProxyConfig::default());
        let now = Instant::now();
        let received = Received::new(SocketAddrV4::new(CLIENT, 68), port, US, 3);
        match responder.handle_datagram(now, &received, &datagram) {
            Ok(Inbound::Overheard(_, why)) => assert_eq!(why, silence, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(responder.poll_transmit(now, &mut Vec::new()), None, "{name}");
        assert_eq!(responder.poll_timeout(), None, "{name}");
    }
}
