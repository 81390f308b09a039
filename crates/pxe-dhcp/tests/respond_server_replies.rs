//! Golden replies of the DHCP server: to every DISCOVER and REQUEST that was captured from real firmware, to those
//! derived for the proxy (`vectors/replies/README.md`), and to renewals, INFORM, NAK and BOOTP, the exact bytes and
//! where they go. `UPDATE_VECTORS=1` writes the replies and their renderings anew.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Instant;

use pxe_dhcp::options::OptionSet;
use pxe_dhcp::respond::{
    BootAnswer, ClientClass, Denial, Lease, Received, Refused, RequestState, ServerAnswer,
    ServerConfig, ServerInbound, ServerPort, ServerRequest, ServerRequestKind, ServerResponder,
};
use pxe_dhcp::{
    HardwareType, Message, MessageKind, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

/// The server of the captures, so that the captured REQUESTs are ours.
const US: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
const OFFERED: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 150);
const RELAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// A request by name, and how it reached us.
struct Asked {
    name: String,
    datagram: Vec<u8>,
    source: SocketAddrV4,
    unicast: bool,
    denial: Option<Denial>,
}

fn broadcast(name: impl Into<String>, datagram: Vec<u8>) -> Asked {
    let source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    Asked { name: name.into(), datagram, source, unicast: false, denial: None }
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// The captured requests, and the derived ones that are meant for a DHCP server.
fn captured() -> Vec<Asked> {
    let mut requests = Vec::new();
    for (folder, endings) in [
        ("", ["-discover.bin", "-request.bin"]),
        ("replies", ["-discover.request.bin", "-discover.request.bin"]),
    ] {
        for entry in vectors().join(folder).read_dir().expect("a folder of vectors") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            // A choice from a menu is the boot server's.
            if endings.iter().any(|ending| name.ends_with(ending)) && !name.starts_with("built-") {
                let stem = name.trim_end_matches(".bin").trim_end_matches(".request");
                requests.push(broadcast(stem, fs::read(&path).expect("a readable vector")));
            }
        }
    }
    for asked in &mut requests {
        let view = MessageView::parse(&asked.datagram).expect("a message");
        if !view.relay_address().is_unspecified() {
            let port = if asked.name.contains("source-port") { 6767 } else { 67 };
            asked.source = SocketAddrV4::new(view.relay_address(), port);
        }
    }
    requests.sort_by(|one, other| one.name.cmp(&other.name));
    requests
}

fn built(change: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut message = Message::new(Operation::BootRequest);
    message.set_transaction_id(0x1234_5678);
    message.set_hardware(HardwareType::ETHERNET, &[0x52, 0x54, 0, 0xaa, 0, 1]).expect("six bytes");
    change(&mut message);
    let mut bytes = Vec::new();
    message.encode(SizeBudget::default(), &mut bytes).expect("a message that fits");
    bytes
}

fn dhclient(message_type: MessageType, change: impl FnOnce(&mut Message)) -> Vec<u8> {
    built(|message| {
        message
            .push_octet(OptionCode::MESSAGE_TYPE, message_type.0)
            .push(OptionCode::HOST_NAME, b"node1")
            .push(OptionCode::CLIENT_IDENTIFIER, &[255, 0, 0, 0, 1, 0, 1, 2, 3])
            .push(
                OptionCode::PARAMETER_REQUEST_LIST,
                &[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42],
            );
        change(message);
    })
}

/// What no firmware sends, but every operating system and some old machines.
fn ordinary() -> Vec<Asked> {
    let from_client = |name, datagram| Asked {
        source: SocketAddrV4::new(OFFERED, 68),
        unicast: true,
        ..broadcast(name, datagram)
    };
    let renewing = dhclient(MessageType::REQUEST, |message| {
        message.set_client_address(OFFERED);
    });
    let inform = dhclient(MessageType::INFORM, |message| {
        message.set_client_address(OFFERED);
    });
    let reboot = |circuit: &'static [u8]| {
        dhclient(MessageType::REQUEST, |message| {
            message.push(OptionCode::REQUESTED_ADDRESS, &[192, 168, 1, 7]);
            if !circuit.is_empty() {
                message.set_relay_address(RELAY).push(OptionCode::RELAY_AGENT_INFORMATION, circuit);
            }
        })
    };
    let without_cookie = || {
        let mut bytes = built(|_| {});
        bytes[236..].fill(0);
        bytes
    };
    vec![
        broadcast("dhclient-discover", dhclient(MessageType::DISCOVER, |_| {})),
        from_client("dhclient-renewing", renewing.clone()),
        broadcast("dhclient-rebinding", renewing),
        from_client("dhclient-inform", inform),
        Asked {
            denial: Some(Denial::WrongNetwork),
            ..broadcast("dhclient-reboot-nak", reboot(b""))
        },
        Asked {
            source: SocketAddrV4::new(RELAY, 67),
            denial: Some(Denial::WrongNetwork),
            ..broadcast("dhclient-reboot-relayed-nak", reboot(b"\x01\x04eth1\x02\x02ab"))
        },
        broadcast("bootp-with-cookie", built(|_| {})),
        broadcast("bootp-without-cookie", without_cookie()),
    ]
}

fn file_for(request: &ServerRequest<'_>) -> Option<&'static [u8]> {
    let message = request.message();
    Some(match (message.class(), message.facts().archs.first()) {
        (Some(ClientClass::Http), _) => b"http://10.77.0.1:8080/boot/ipxe.efi",
        (Some(ClientClass::Pxe), _) if message.is_ipxe() => b"http://10.77.0.1:8080/menu.ipxe",
        (Some(ClientClass::UBoot), _) => b"boot.scr.uimg",
        (Some(_), Some(0)) => b"undionly.kpxe",
        (Some(_), _) => b"ipxe.efi",
        (None, Some(_)) => b"pxelinux.cfg/default",
        (None, None) if message.view().kind() != MessageKind::Dhcp => b"kernel.img",
        (None, None) => return None,
    })
}

fn options() -> OptionSet {
    let mut options = OptionSet::new();
    for (option, text) in [
        ("routers", "10.77.0.1"),
        ("domain-name-servers", "10.77.0.1, 10.77.0.2"),
        ("domain-name", "lab.example"),
        ("domain-search", "lab.example, example.com"),
        ("ntp-servers", "10.77.0.1"),
        ("interface-mtu", "1450"),
        ("classless-static-route", "10.0.0.0/8 via 10.77.0.1, default via 10.77.0.1"),
        ("bootfile-name", "nobody-boots-this"),
        ("vendor-specific-information", "01:02:03"),
    ] {
        options.set(option, text).unwrap_or_else(|fault| panic!("{fault}"));
    }
    options
}

fn reply(asked: &Asked) -> (Vec<u8>, String) {
    let mut config = ServerConfig::default();
    config.reach_by_hardware_address = true;
    let mut responder = ServerResponder::new(config);
    let now = Instant::now();
    let received =
        Received::new(asked.source, ServerPort::Dhcp, US, 3).sent_as_unicast(asked.unicast);
    let inbound = responder.handle_datagram(now, &received, &asked.datagram).expect("a message");
    let ServerInbound::Request(request) = inbound else { panic!("{}: {inbound:?}", asked.name) };
    let message = request.message();
    let mut text = format!(
        "{} as {:?} of a {:?} client on {:?}\n",
        asked.name,
        request.kind(),
        message.class(),
        message.link()
    );
    if let Some(denial) = asked.denial {
        let refused = responder.refuse(now, request, US, denial, false).expect("a NAK that fits");
        assert_eq!(refused, Refused::Nak, "{}", asked.name);
    } else {
        let address = match request.kind() {
            ServerRequestKind::Discover | ServerRequestKind::Bootp => OFFERED,
            _ => message.address().expect("an address to give"),
        };
        let file = file_for(&request);
        let host = {
            let mut host = OptionSet::new();
            host.set("host-name", "reserved1").expect("a name");
            host
        };
        let subnet = options();
        let layers = [&subnet, &host];
        let mut answer = match request.kind() {
            ServerRequestKind::Inform => ServerAnswer::inform(US, MASK),
            _ => ServerAnswer::new(US, MASK, Lease::new(address, 43_200).with_spread(17)),
        };
        answer = answer.with_options(&layers);
        if let Some(file) = file {
            answer = answer.with_boot(BootAnswer::new(file));
        }
        responder.accept(now, request, &answer).expect("an answer that fits");
    }
    let mut bytes = Vec::new();
    let transmit = responder.poll_transmit(now, &mut bytes).expect("a reply");
    let from = (transmit.port, transmit.source_address, transmit.interface);
    assert_eq!(from, (ServerPort::Dhcp, US, 3));
    writeln!(text, "to {} by {:02x?}", transmit.destination, transmit.link).expect("a string");
    assert_eq!(responder.poll_transmit(now, &mut Vec::new()), None, "{}", asked.name);
    let view =
        MessageView::parse_strict(&bytes).unwrap_or_else(|error| panic!("{}: {error}", asked.name));
    write!(text, "{view}").expect("a string");
    (bytes, text)
}

fn all() -> Vec<Asked> {
    let all: Vec<_> = captured().into_iter().chain(ordinary()).collect();
    assert!(all.len() > 30, "only {} requests", all.len());
    all
}

#[test]
fn every_request_gets_its_golden_reply() {
    let update = std::env::var_os("UPDATE_VECTORS").is_some();
    for asked in all() {
        let (bytes, text) = reply(&asked);
        let stem = vectors().join("server-replies").join(&asked.name);
        if update {
            fs::write(stem.with_extension("bin"), &bytes).expect("a writable folder");
            fs::write(stem.with_extension("txt"), &text).expect("a writable folder");
            continue;
        }
        let golden = fs::read_to_string(stem.with_extension("txt")).expect("a golden rendering");
        assert_eq!(text, golden, "{}", asked.name);
        let golden = fs::read(stem.with_extension("bin")).expect("a golden reply");
        assert_eq!(bytes, golden, "{}", asked.name);
    }
}

/// What holds for each of them, said once more and independently of the golden files.
#[test]
fn every_reply_keeps_the_rules() {
    for asked in all() {
        let (bytes, _) = reply(&asked);
        assert_eq!(bytes, reply(&asked).0, "{}: a repetition differs", asked.name);
        let request = MessageView::parse(&asked.datagram).expect("a message");
        let sent = MessageView::parse_strict(&bytes).expect("a sound reply");
        let value = |code| sent.first(code);
        assert!(bytes.len() >= 300, "{}", asked.name);
        let budget = SizeBudget::for_request(request.boot_facts().max_message_size);
        assert!(bytes.len() <= budget.payload_bytes(), "{}", asked.name);
        assert_eq!(value(OptionCode::OVERLOAD), None);
        let relay = OptionCode::RELAY_AGENT_INFORMATION;
        assert_eq!(sent.option(relay), request.option(relay), "{}", asked.name);
        if sent.option(relay).is_some() {
            assert_eq!(sent.options().last().map(|option| option.code), Some(relay));
        }
        if request.kind() != MessageKind::Dhcp {
            assert_eq!(bytes.len(), 300);
            assert_eq!(value(OptionCode::LEASE_TIME), None);
            assert_eq!(sent.message_type(), None);
            assert_eq!(sent.kind(), request.kind());
            continue;
        }
        let first = sent.options().next().map(|option| option.code);
        assert_eq!(first, Some(OptionCode::MESSAGE_TYPE), "{}", asked.name);
        assert_eq!(value(OptionCode::SERVER_IDENTIFIER), Some(&US.octets()[..]));
        let claims_pxe = value(OptionCode::VENDOR_CLASS) == Some(b"PXEClient");
        let explains = value(OptionCode::VENDOR_SPECIFIC).is_some();
        assert_eq!(claims_pxe, explains, "{}: option 60 without 43 or 43 without 60", asked.name);
        if sent.message_type() == Some(MessageType::NAK) {
            assert!(sent.your_address().is_unspecified() && sent.server_address().is_unspecified());
            assert!(sent.boot_file().is_empty() && value(OptionCode::SUBNET_MASK).is_none());
            assert!(sent.flags().broadcast(), "{}", asked.name);
            continue;
        }
        assert_eq!(value(OptionCode::SUBNET_MASK), Some(&MASK.octets()[..]), "{}", asked.name);
    }
}

/// OFFER and ACK of one client say the same about booting: firmware takes some of it from either.
#[test]
fn offer_and_acknowledgement_agree_about_booting() {
    let mut pairs = 0;
    let all = all();
    for acknowledged in all.iter().filter(|asked| asked.name.ends_with("-request")) {
        let request = MessageView::parse(&acknowledged.datagram).expect("a message");
        let discover = all.iter().find(|asked| {
            let view = MessageView::parse(&asked.datagram).expect("a message");
            view.message_type() == Some(MessageType::DISCOVER)
                && view.first(OptionCode::VENDOR_CLASS).is_some()
                && view.hardware_address() == request.hardware_address()
                && view.first(OptionCode::VENDOR_CLASS) == request.first(OptionCode::VENDOR_CLASS)
                && view.first(OptionCode::USER_CLASS) == request.first(OptionCode::USER_CLASS)
        });
        let Some(discover) = discover else { continue };
        pairs += 1;
        let (offer, _) = reply(discover);
        let (ack, _) = reply(acknowledged);
        let [offer, ack] = [&offer, &ack].map(|bytes| MessageView::parse(bytes).expect("a reply"));
        assert_eq!(offer.boot_file(), ack.boot_file());
        assert_eq!(offer.server_address(), ack.server_address());
        for code in [OptionCode::VENDOR_CLASS, OptionCode::VENDOR_SPECIFIC] {
            assert_eq!(offer.first(code), ack.first(code), "{}", acknowledged.name);
        }
    }
    assert!(pairs >= 6, "only {pairs} pairs of DISCOVER and REQUEST");
}

#[test]
fn captured_requests_are_selecting() {
    let requests = captured();
    let requests = requests.iter().filter(|asked| asked.name.ends_with("-request"));
    let mut seen = 0;
    for asked in requests {
        let received = Received::new(asked.source, ServerPort::Dhcp, US, 3);
        let mut responder = ServerResponder::new(ServerConfig::default());
        let inbound = responder.handle_datagram(Instant::now(), &received, &asked.datagram);
        let Ok(ServerInbound::Request(request)) = inbound else { panic!("{inbound:?}") };
        assert_eq!(request.kind(), ServerRequestKind::Request(RequestState::Selecting));
        seen += 1;
    }
    assert!(seen >= 8, "only {seen} REQUESTs");
}
