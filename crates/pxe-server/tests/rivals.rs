//! What other servers offer beside our proxy: captured packets and changed ones put to the engine, and the real program
//! that hears them on the loopback.

mod common;

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::net::UdpSocket;
use std::path::Path;
use std::time::Instant;

use common::{Client, Folder, Server, program};
use pxe_dhcp::respond::ProxyConfig;
use pxe_dhcp::{MessageType, OptionCode};
use pxe_select::{Firmware, Policy};
use pxe_server::content::{Files, Loaders, Shared as Contents};
use pxe_server::engine::{
    Arrival, Engine, EngineConfig, Event, Output, OwnAddress, RIVALS_PER_BOOT_MAX, Shared, SocketId,
};

const US: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const ANOTHER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);

/// A message that real firmware or dnsmasq sent.
fn captured(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pxe-dhcp/tests/vectors");
    let name = format!("ipxe-bios-and-ovmf-x64-chain-{name}.bin");
    std::fs::read(folder.join(name)).expect("a vector")
}

fn discover() -> Vec<u8> {
    captured("025-discover")
}

/// What dnsmasq said to it: an address, and `ipxe.efi` in option 67.
fn offer() -> Vec<u8> {
    captured("029-offer")
}

/// With one more option.
fn with(mut datagram: Vec<u8>, code: OptionCode, value: &[u8]) -> Vec<u8> {
    let end = datagram.iter().rposition(|byte| *byte != 0).expect("an END");
    assert_eq!(datagram[end], 255);
    datagram.truncate(end);
    datagram.extend([code.0, value.len() as u8]);
    datagram.extend(value);
    datagram.push(255);
    datagram
}

/// With another file in option 67, as long as `ipxe.efi`.
fn naming(mut datagram: Vec<u8>, file: &[u8; 8]) -> Vec<u8> {
    let at = datagram.windows(8).position(|it| it == b"ipxe.efi").expect("a file");
    datagram[at..at + 8].copy_from_slice(file);
    datagram
}

fn from_server(mut datagram: Vec<u8>, server: Ipv4Addr) -> Vec<u8> {
    let at = datagram.windows(3).position(|it| it == [54, 4, 10]).expect("option 54");
    datagram[at + 2..at + 6].copy_from_slice(&server.octets());
    datagram
}

/// The same as a proxy says it: no address, and a class.
fn as_proxy(datagram: Vec<u8>, server: Ipv4Addr) -> Vec<u8> {
    let mut datagram = from_server(with(datagram, OptionCode::VENDOR_CLASS, b"PXEClient"), server);
    datagram[16..20].fill(0);
    datagram
}

struct Bench {
    now: Instant,
    engine: Engine,
    files: Files,
}

impl Bench {
    /// A proxy that has made this machine of EDK2 its offer.
    fn new() -> Self {
        let mut policy = Policy::builder();
        policy.loader(Firmware::X64Uefi, "ipxe.efi");
        policy.loader(Firmware::Bios, "undionly.kpxe");
        let shared = Shared::new(policy.build().expect("a sound policy"));
        let config = EngineConfig {
            proxy: Some(ProxyConfig::default()),
            server: None,
            tftp: pxe_tftp::ServerConfig::default(),
            advertise: None,
            tftp_port: 69,
        };
        let mut engine = Engine::new(config, shared);
        let second = Ipv4Addr::new(192, 0, 2, 2);
        engine.set_own_addresses(vec![
            OwnAddress { interface: 1, address: US },
            OwnAddress { interface: 2, address: second },
        ]);
        let contents = std::sync::Arc::new(Contents::new(Loaders::default()));
        let mut bench = Self {
            now: Instant::now(),
            engine,
            files: Files::new("/nowhere".into(), contents, 69),
        };
        let told = bench.take(SocketId::Dhcp, (Ipv4Addr::UNSPECIFIED, 68), &discover());
        assert_eq!(words(&told), ["discovered", "offered"]);
        bench
    }

    fn take(&mut self, socket: SocketId, from: (Ipv4Addr, u16), datagram: &[u8]) -> Vec<Event> {
        let arrival = Arrival {
            source: SocketAddr::V4(SocketAddrV4::new(from.0, from.1)),
            local: US.into(),
            interface: 1,
            mtu: None,
            unicast: None,
        };
        let Self { now, engine, files } = self;
        engine.handle_datagram(*now, socket, &arrival, datagram, files);
        let mut out = Vec::new();
        while engine.poll_transmit(*now, files, &mut out).is_some() {
            assert_ne!(socket, SocketId::Observer, "what is heard is never answered");
        }
        let outputs = core::iter::from_fn(|| engine.poll_output());
        let event = |output| if let Output::Event(event) = output { Some(event) } else { None };
        outputs.filter_map(event).collect()
    }

    fn hear(&mut self, from: Ipv4Addr, datagram: &[u8]) -> Vec<String> {
        let told = self.take(SocketId::Observer, (from, 67), datagram);
        told.iter().map(|event| event.stage.to_string()).collect()
    }
}

fn words(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.stage.word()).collect()
}

#[test]
fn what_competes_with_our_offer_is_told_once() {
    let trap = with(offer(), OptionCode::VENDOR_CLASS, b"PXEClient");
    for (from, heard, parts) in [
        (ROUTER, trap, &["rival: 10.77.0.1 sends option 60", "Remove option 60"][..]),
        (
            ANOTHER,
            as_proxy(naming(offer(), b"grub.efi"), ANOTHER),
            &["rival: 2 proxies answer it: 10.77.0.2 and 10.77.0.3; firmware takes one"],
        ),
        (
            ANOTHER,
            as_proxy(offer(), ANOTHER),
            &["10.77.0.2 and 10.77.0.3; all of them name ipxe.efi", "Nothing needs to be done"],
        ),
        (
            ROUTER,
            naming(offer(), b"grldr.0\0"),
            &["rival: 10.77.0.1 names grldr.0 to x64-uefi, and that is a program for BIOS"],
        ),
    ] {
        let mut bench = Bench::new();
        let told = bench.take(SocketId::Observer, (from, 67), &heard);
        assert_eq!(words(&told), ["rival"], "{parts:?}");
        let text = told[0].stage.to_string();
        for part in parts {
            assert!(text.contains(part), "{text}");
        }
        let detail = told[0].detail.as_ref().expect("the packet");
        assert_eq!(detail.address, None, "it may take another one");
        let field = |name: &str| detail.fields.iter().find(|field| field.name == name);
        assert_eq!(field("message").expect("a field").value, "OFFER");
        assert_eq!(field("from").expect("a field").value, format!("{from}:67"));
        assert!(field("server identifier (54)").is_some(), "{detail:?}");
        // Again, and in the ACK, and after the next DISCOVER of the same boot.
        assert_eq!(bench.hear(from, &heard), [""; 0]);
        bench.take(SocketId::Dhcp, (Ipv4Addr::UNSPECIFIED, 68), &discover());
        assert_eq!(bench.hear(from, &heard), [""; 0]);
    }
}

#[test]
fn what_is_no_rival_is_not_told() {
    let trap = || with(offer(), OptionCode::VENDOR_CLASS, b"PXEClient");
    let changed = |at: usize, to: &[u8]| {
        let mut datagram = trap();
        datagram[at..at + to.len()].copy_from_slice(to);
        datagram
    };
    let mut nak = trap();
    let kind = nak.windows(3).position(|it| it == [53, 1, 2]).expect("option 53");
    nak[kind + 2] = MessageType::NAK.0;
    let second = Ipv4Addr::new(192, 0, 2, 2);
    for (what, from, heard) in [
        ("a plain DHCP server that names the right file", ROUTER, offer()),
        ("ours, by a relay", RELAY, from_server(trap(), US)),
        ("ours, from our other interface", second, from_server(trap(), ROUTER)),
        ("another transaction", ROUTER, changed(4, &[1, 2, 3, 4])),
        ("another machine", ROUTER, changed(28, &[2, 0, 0, 0, 0, 9])),
        ("a question of doctor", ROUTER, changed(28, &[0x02, 0x70, 0x78, 0, 0, 9])),
        ("a request", ROUTER, changed(0, &[1])),
        ("a refusal", ROUTER, nak),
        ("the machine's own", Ipv4Addr::UNSPECIFIED, discover()),
    ] {
        assert_eq!(Bench::new().hear(from, &heard), [""; 0], "{what}");
    }
    // Whatever is torn or broken.
    let mut bench = Bench::new();
    let whole = trap();
    for end in 0..240 {
        assert_eq!(bench.hear(ROUTER, &whole[..end]), [""; 0], "{end} bytes");
    }
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0xff;
        bench.hear(ROUTER, &broken);
    }
}

#[test]
fn made_up_servers_fill_nobodys_story() {
    let mut bench = Bench::new();
    let mut told = 0;
    for number in 0..=255 {
        let server = Ipv4Addr::new(10, 99, 0, number);
        told += bench.hear(server, &as_proxy(naming(offer(), b"grub.efi"), server)).len();
    }
    assert_eq!(told, RIVALS_PER_BOOT_MAX);
}

/// Says something to everybody on the loopback, as a server at 127.0.0.3.
fn broadcast(datagram: &[u8], port: u16) {
    let socket = UdpSocket::bind("127.0.0.3:0").expect("a socket");
    socket.set_broadcast(true).expect("a socket");
    socket2::SockRef::from(&socket).bind_device(Some(b"lo")).expect("the loopback");
    socket.send_to(datagram, (Ipv4Addr::BROADCAST, port)).expect("send");
}

#[test]
fn the_program_hears_it_and_explain_tells_it() {
    let folder = Folder::new("rivals");
    folder.write("boot/ipxe.efi", b"ipxe.efi");
    let top = format!("state = {:?}\n", folder.0.join("state").to_string_lossy());
    let mut server = Server::start_top(&folder, &top, "[loaders]\nx64-uefi = \"ipxe.efi\"\n");
    if server.log().contains("what other servers offer is not heard") {
        assert!(!nix::unistd::geteuid().is_root(), "root may hear it");
        return eprintln!("without the right to a packet socket nothing can be heard");
    }
    let client = Client::new(&server, [0x52, 0x54, 0, 0xaa, 0, 2], 7);
    assert_eq!(client.boot_file(MessageType::DISCOVER, server.dhcp), "ipxe.efi");
    let mut heard = with(offer(), OptionCode::VENDOR_CLASS, b"PXEClient");
    heard[4..8].copy_from_slice(&0x1234_5678_u32.to_be_bytes());
    broadcast(&from_server(heard, Ipv4Addr::new(127, 0, 0, 3)), server.dhcp + 1);
    let said = "rival: 127.0.0.3 sends option 60 \"PXEClient\" with its addresses";
    server.expect(&format!("warning: 52:54:00:aa:00:02 {said}").replace("warning", "warn"));
    let config = folder.0.join("pxe.toml");
    let config = config.to_string_lossy();
    let deadline = Instant::now() + common::PATIENCE;
    loop {
        let explained = program()
            .args(["--config", &config, "explain", "52:54:00:aa:00:02"])
            .output()
            .expect("it runs");
        let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
        if explained.contains(said) {
            assert!(explained.contains("=> Remove option 60 from the DHCP server"), "{explained}");
            assert!(explained.contains("class (60) PXEClient"), "{explained}");
            break;
        }
        assert!(Instant::now() < deadline, "{explained}");
        std::thread::sleep(core::time::Duration::from_millis(100));
    }
}

/// It serves as before, and says so.
#[test]
fn without_the_right_it_serves_all_the_same() {
    let folder = Folder::new("rivals-deaf");
    folder.write("pxe.toml", b"");
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let (dhcp, boot_server, tftp) = common::free_ports();
    let text = format!(
        "interfaces = [\"lo\"]\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n[tftp]\nport = {tftp}\n\
         [http]\nenabled = false\n[admin]\nenabled = false\n"
    );
    folder.write("pxe.toml", text.as_bytes());
    let mut child = std::process::Command::new("setpriv")
        .args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_pxe-server")])
        .args(["--config", &folder.0.join("pxe.toml").to_string_lossy()])
        .env_remove("RUST_LOG")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().expect("log")));
    let told: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.starts_with("ready")).collect();
    let _ = child.kill();
    let _ = child.wait();
    let deaf = |line: &&String| line.contains("what other servers offer is not heard");
    assert_eq!(told.iter().filter(deaf).count(), 1, "{told:?}");
}
