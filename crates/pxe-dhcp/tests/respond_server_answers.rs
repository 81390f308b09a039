//! What stands in a server's answers: leases and their times, options in layers and by what the client asks for, boot
//! fields, echoes, and what answers are refused.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use pxe_dhcp::options::{OptionSet, RelayAgentInformationBuilder, RelayOption};
use pxe_dhcp::respond::{
    BootAnswer, Denial, LEASE_SECONDS_INFINITE, Lease, LeaseTimes, LeaseTimesFault, ProxyStyle,
    Received, RefusalSilence, Refused, ServerAnswer, ServerAnswerError, ServerConfig, ServerEvent,
    ServerInbound, ServerPort, ServerRequestKind, ServerResponder, Transmit,
};
use pxe_dhcp::{
    EncodeError, HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

const ZERO: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const TFTP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const RELAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const UEFI: &[u8] = b"PXEClient:Arch:00007:UNDI:003016";
const BIOS: &[u8] = b"PXEClient:Arch:00000:UNDI:002001";

fn discover(change: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut message = Message::new(Operation::BootRequest);
    message.set_transaction_id(0x1234_5678);
    message.set_hardware(HardwareType::ETHERNET, &MAC).expect("6 bytes");
    message.push_octet(OptionCode::MESSAGE_TYPE, MessageType::DISCOVER.0);
    change(&mut message);
    let mut bytes = Vec::new();
    message.encode(SizeBudget::of_payload(1472), &mut bytes).expect("it fits");
    bytes
}

fn answer() -> ServerAnswer<'static> {
    ServerAnswer::new(US, MASK, Lease::new(CLIENT, 43_200))
}

struct Answered {
    bytes: Vec<u8>,
    transmit: Transmit,
    event: ServerEvent,
}

impl Answered {
    fn view(&self) -> MessageView<'_> {
        MessageView::parse_strict(&self.bytes).expect("a sound reply")
    }

    fn codes(&self) -> Vec<u8> {
        self.view().options().map(|option| option.code.0).collect()
    }
}

fn try_accept(
    config: ServerConfig,
    datagram: &[u8],
    answer: &ServerAnswer<'_>,
) -> Result<Answered, ServerAnswerError> {
    let mut responder = ServerResponder::new(config);
    let now = Instant::now();
    let received = Received::new(SocketAddrV4::new(ZERO, 68), ServerPort::Dhcp, US, 2);
    let inbound = responder.handle_datagram(now, &received, datagram).expect("a message");
    let ServerInbound::Request(request) = inbound else { panic!("{inbound:?}") };
    responder.accept(now, request, answer)?;
    let mut bytes = Vec::new();
    let transmit = responder.poll_transmit(now, &mut bytes).expect("a reply");
    let event = responder.poll_event().expect("an event");
    Ok(Answered { bytes, transmit, event })
}

#[track_caller]
fn accept(datagram: &[u8], answer: &ServerAnswer<'_>) -> Answered {
    try_accept(ServerConfig::default(), datagram, answer).expect("an answer that fits")
}

fn set(options: &[(&str, &str)]) -> OptionSet {
    let mut set = OptionSet::new();
    for (option, text) in options {
        set.set(option, text).unwrap_or_else(|fault| panic!("{fault}"));
    }
    set
}

#[test]
fn lease_times_keep_to_their_bounds() {
    let times = LeaseTimes::new(600, 43_200, 86_400).expect("sound bounds");
    assert_eq!(times.choose(None, false), 43_200);
    assert_eq!(times.choose(Some(3600), false), 3600);
    assert_eq!(times.choose(Some(0), false), 600);
    assert_eq!(times.choose(Some(1_000_000), false), 86_400);
    assert_eq!(times.choose(Some(LEASE_SECONDS_INFINITE), false), 86_400);
    assert_eq!(times.choose(Some(LEASE_SECONDS_INFINITE), true), LEASE_SECONDS_INFINITE);
    assert_eq!(times.choose(None, true), 43_200);
    assert_eq!(LeaseTimes::new(0, 1, 2), Err(LeaseTimesFault::Zero));
    assert_eq!(LeaseTimes::new(1, 2, LEASE_SECONDS_INFINITE), Err(LeaseTimesFault::Endless));
    for (least, usual, most) in [(3, 2, 4), (1, 5, 4)] {
        assert_eq!(
            LeaseTimes::new(least, usual, most),
            Err(LeaseTimesFault::Order { least, usual, most })
        );
    }
}

#[test]
fn renewal_comes_before_rebinding_and_both_before_the_end() {
    for seconds in [1, 2, 3, 7, 60, 3600, 43_200, u32::MAX - 1] {
        for spread in [0, 1, 17, 128, 255] {
            let lease = Lease::new(CLIENT, seconds).with_spread(spread);
            let (renewal, rebinding) = lease.times().expect("an end");
            assert!(renewal <= rebinding && rebinding <= seconds, "{lease:?}");
            assert!(renewal < rebinding || seconds < 3, "{lease:?}");
        }
    }
    let times = |spread| Lease::new(CLIENT, 16_000).with_spread(spread).times();
    assert_eq!(times(0), Some((8000, 14_000)));
    assert_eq!(times(255), Some((7000, 13_000)));
    assert_eq!(Lease::new(CLIENT, LEASE_SECONDS_INFINITE).times(), None);

    let endless = ServerAnswer::new(US, MASK, Lease::new(CLIENT, LEASE_SECONDS_INFINITE));
    assert_eq!(accept(&discover(|_| {}), &endless).codes(), [53, 54, 51, 1]);
}

#[test]
fn the_special_wins_over_the_general() {
    let subnet =
        set(&[("domain-name", "subnet.example"), ("mtu", "1500"), ("routers", "192.0.2.1")]);
    let class = set(&[("domain-name", "class.example"), ("mtu", "1400")]);
    let host = set(&[("domain-name", "host.example")]);
    let layers = [&subnet, &class, &host];
    let reply = accept(&discover(|_| {}), &answer().with_options(&layers));
    let view = reply.view();
    assert_eq!(view.first(OptionCode::DOMAIN_NAME), Some(&b"host.example"[..]));
    assert_eq!(view.first(OptionCode::INTERFACE_MTU), Some(&1400_u16.to_be_bytes()[..]));
    assert_eq!(view.first(OptionCode::ROUTERS), Some(&[192, 0, 2, 1][..]));
}

#[test]
fn clients_get_what_they_ask_for_and_what_is_forced() {
    let mut subnet =
        set(&[("routers", "192.0.2.1"), ("ntp-servers", "192.0.2.1"), ("mtu", "1400")]);
    let layers = |subnet: &OptionSet| {
        let asked = discover(|message| {
            message.push(OptionCode::PARAMETER_REQUEST_LIST, &[1, 42, 0, 255, 200]);
        });
        accept(&asked, &answer().with_options(&[subnet])).codes()
    };
    assert_eq!(layers(&subnet), [53, 54, 51, 58, 59, 1, 42]);
    subnet.force(OptionCode::INTERFACE_MTU, true);
    assert_eq!(layers(&subnet), [53, 54, 51, 58, 59, 1, 26, 42]);
    // The host's value goes in place of the forced one.
    let asked = discover(|message| {
        message.push(OptionCode::PARAMETER_REQUEST_LIST, &[1]);
    });
    let host = set(&[("mtu", "1300"), ("domain-name", "not-asked-for.example")]);
    let reply = accept(&asked, &answer().with_options(&[&subnet, &host]));
    let mtu = reply.view().first(OptionCode::INTERFACE_MTU).map(<[u8]>::to_vec);
    assert_eq!(mtu, Some(1300_u16.to_be_bytes().to_vec()));
    assert_eq!(reply.codes(), [53, 54, 51, 58, 59, 1, 26]);
    let everything = accept(&discover(|_| {}), &answer().with_options(&[&subnet])).codes();
    assert_eq!(everything, [53, 54, 51, 58, 59, 1, 3, 26, 42]);
}

#[test]
fn when_room_is_short_the_clients_order_decides() {
    let long = "x".repeat(120);
    let subnet = set(&[
        ("host-name", &long),
        ("domain-name", &long),
        ("root-path", &long),
        ("ntp-servers", "192.0.2.1"),
    ]);
    let relayed = |list: &'static [u8]| {
        let mut information = RelayAgentInformationBuilder::new();
        information.push(RelayOption::CIRCUIT_ID, &[b'c'; 60]);
        let asked = discover(|message| {
            message
                .set_relay_address(RELAY)
                .push(OptionCode::PARAMETER_REQUEST_LIST, list)
                .push(OptionCode::RELAY_AGENT_INFORMATION, information.finish().expect("it fits"));
        });
        let reply = accept(&asked, &answer().with_options(&[&subnet]));
        assert!(reply.bytes.len() <= 548, "no option 57, no more than 576 bytes of datagram");
        let view = reply.view();
        assert_eq!(
            view.option(OptionCode::RELAY_AGENT_INFORMATION).as_deref(),
            Some(information.finish().expect("it fits"))
        );
        reply.codes()
    };
    assert_eq!(relayed(&[17, 15, 12, 42]), [53, 54, 51, 58, 59, 1, 17, 42, 82]);
    assert_eq!(relayed(&[42, 12, 17, 15]), [53, 54, 51, 58, 59, 1, 12, 42, 82]);
}

#[test]
fn long_routes_are_split_and_what_firmware_reads_is_not() {
    let routes: Vec<String> =
        (0..40).map(|number| format!("10.{number}.0.0/16 via 192.0.2.1")).collect();
    let subnet = set(&[("121", &routes.join(", "))]);
    let asked = discover(|message| {
        message.push_short(OptionCode::MAX_MESSAGE_SIZE, 1500);
    });
    let reply = accept(&asked, &answer().with_options(&[&subnet]));
    let view = reply.view();
    assert_eq!(view.parts(OptionCode::CLASSLESS_ROUTES).count(), 2);
    assert_eq!(
        view.option(OptionCode::CLASSLESS_ROUTES).as_deref(),
        subnet.value(OptionCode::CLASSLESS_ROUTES)
    );
}

/// Option 60 of the answer, option 43, header file, option 67, siaddr.
type Boot = (Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>, Option<Vec<u8>>, Ipv4Addr);

fn boot(class: &[u8], arch: u16, boot: Option<BootAnswer<'_>>) -> Boot {
    let asked = discover(|message| {
        message
            .push(OptionCode::VENDOR_CLASS, class)
            .push_short(OptionCode::CLIENT_ARCHITECTURE, arch)
            .push(OptionCode::PARAMETER_REQUEST_LIST, &[1, 3, 43, 60, 66, 67])
            .push_short(OptionCode::MAX_MESSAGE_SIZE, 1472);
    });
    // What a configuration says of booting never reaches those whose booting is decided.
    let subnet = set(&[("43", "01:02"), ("66", "elsewhere"), ("67", "other"), ("13", "17")]);
    let layers = [&subnet];
    let mut answer = answer().with_options(&layers);
    if let Some(boot) = boot {
        answer = answer.with_boot(boot);
    }
    let reply = accept(&asked, &answer);
    let view = reply.view();
    assert_eq!(view.first(OptionCode::TFTP_SERVER_NAME), None);
    assert_eq!(view.first(OptionCode::BOOT_FILE_SIZE), None);
    let value = |code| view.first(code).map(<[u8]>::to_vec);
    (
        value(OptionCode::VENDOR_CLASS),
        value(OptionCode::VENDOR_SPECIFIC),
        view.boot_file().to_vec(),
        value(OptionCode::BOOT_FILE_NAME),
        view.server_address(),
    )
}

#[test]
fn each_firmware_is_told_what_to_boot_in_its_own_way() {
    let file = |name: &'static str| Some(BootAnswer::new(name.as_bytes()));
    let pxe = || Some(b"PXEClient".to_vec());
    let just_boot = Some(vec![6, 1, 8, 255]);
    // UEFI: server and file and no word more, else it waits for port 4011.
    let told = boot(UEFI, 7, file("ipxe.efi"));
    assert_eq!(told, (None, None, b"ipxe.efi".to_vec(), None, US));
    let told = boot(BIOS, 0, file("undionly.kpxe"));
    assert_eq!(told, (pxe(), just_boot.clone(), b"undionly.kpxe".to_vec(), None, US));
    let url = "http://192.0.2.5/ipxe.efi";
    let (class, vendor, header, option, _) =
        boot(b"HTTPClient:Arch:00016:UNDI:003001", 16, file(url));
    assert_eq!((class, vendor), (Some(b"HTTPClient".to_vec()), None));
    assert_eq!(header, url.as_bytes());
    assert_eq!(option, Some([url.as_bytes(), b"\0"].concat()));
    let told = boot(b"U-Boot.armv8", 0x16, file("boot.scr.uimg"));
    assert_eq!(told, (None, None, b"boot.scr.uimg".to_vec(), None, US));
    // Petitboot and its like read the option too, and take a NUL for part of the name.
    let told = boot(b"petitboot", 14, file("pxelinux.cfg"));
    assert_eq!(told, (None, None, b"pxelinux.cfg".to_vec(), Some(b"pxelinux.cfg".to_vec()), US));
    // An address and no more.
    for class in [UEFI, BIOS, b"HTTPClient:Arch:00016:UNDI:003001"] {
        assert_eq!(boot(class, 7, None), (None, None, Vec::new(), None, ZERO));
    }
}

#[test]
fn the_caller_may_choose_the_phrase_the_server_and_a_long_name() {
    let mut elsewhere = BootAnswer::new(b"ipxe.efi");
    elsewhere.next_server = Some(TFTP);
    elsewhere.style = Some(ProxyStyle::JustBoot);
    let (class, vendor, _, _, server) = boot(UEFI, 7, Some(elsewhere));
    assert_eq!((class, vendor), (Some(b"PXEClient".to_vec()), Some(vec![6, 1, 8, 255])));
    assert_eq!(server, TFTP);

    let name = "n".repeat(200);
    let (_, _, header, option, _) = boot(UEFI, 7, Some(BootAnswer::new(name.as_bytes())));
    assert_eq!((header, option), (Vec::new(), Some([name.as_bytes(), b"\0"].concat())));

    let mut pi = BootAnswer::new(b"");
    pi.style = Some(ProxyStyle::RaspberryPi);
    let (class, vendor, header, ..) = boot(BIOS, 0, Some(pi));
    assert_eq!((class, header), (Some(b"PXEClient".to_vec()), Vec::new()));
    assert!(vendor.is_some_and(|menu| menu.windows(12).any(|part| part == b"Raspberry Pi")));
}

#[test]
fn answers_that_do_not_fit_the_question_are_errors() {
    let refused = |datagram: &[u8], answer: &ServerAnswer<'_>| {
        try_accept(ServerConfig::default(), datagram, answer).err().expect("an error")
    };
    let asked = discover(|_| {});
    assert_eq!(refused(&asked, &ServerAnswer::inform(US, MASK)), ServerAnswerError::LeaseMissing);
    let empty = ServerAnswer::new(US, MASK, Lease::new(CLIENT, 0));
    assert_eq!(refused(&asked, &empty), ServerAnswerError::LeaseEmpty);
    let request = discover(|message| {
        message
            .push_octet(OptionCode::MESSAGE_TYPE, MessageType::REQUEST.0)
            .push_addresses(OptionCode::REQUESTED_ADDRESS, &[TFTP]);
    });
    assert_eq!(
        refused(&request, &answer()),
        ServerAnswerError::OtherAddress { asked: TFTP, given: CLIENT }
    );
    let pxe = discover(|message| {
        message.push(OptionCode::VENDOR_CLASS, BIOS);
    });
    let nameless = answer().with_boot(BootAnswer::new(b""));
    assert!(matches!(
        refused(&pxe, &nameless),
        ServerAnswerError::Encode(EncodeError::ValueLength { .. })
    ));
    let with_nul = answer().with_boot(BootAnswer::new(b"a\0b"));
    assert!(matches!(
        refused(&pxe, &with_nul),
        ServerAnswerError::Encode(EncodeError::Name { .. })
    ));
}

#[test]
fn what_relays_and_clients_want_back_comes_back() {
    let mut information = RelayAgentInformationBuilder::new();
    information.push(RelayOption::SERVER_IDENTIFIER_OVERRIDE, &RELAY.octets());
    information.push(RelayOption::CIRCUIT_ID, b"e1");
    let asked = discover(|message| {
        message
            .set_relay_address(RELAY)
            .push(OptionCode::SUBNET_SELECTION, &[203, 0, 113, 0])
            .push(OptionCode::CLIENT_IDENTIFIER, &[0, 1, 2, 3])
            .push(OptionCode::MACHINE_ID, &[0; 17])
            .push(OptionCode::RELAY_AGENT_INFORMATION, information.finish().expect("it fits"));
    });
    let reply = accept(&asked, &answer());
    let view = reply.view();
    assert_eq!(view.first(OptionCode::SERVER_IDENTIFIER), Some(&RELAY.octets()[..]));
    assert_eq!(view.first(OptionCode::SUBNET_SELECTION), Some(&[203, 0, 113, 0][..]));
    assert_eq!(view.first(OptionCode::CLIENT_IDENTIFIER), Some(&[0, 1, 2, 3][..]));
    assert_eq!(reply.codes(), [53, 54, 51, 58, 59, 1, 118, 97, 61, 82]);
    assert_eq!(reply.transmit.destination, SocketAddrV4::new(RELAY, 67));
    // Where 118 chose nothing, it is not echoed: the client would think it did.
    let mut config = ServerConfig::default();
    config.honour_subnet_selection = false;
    let reply = try_accept(config, &asked, &answer()).expect("an answer");
    assert_eq!(reply.view().first(OptionCode::SUBNET_SELECTION), None);
}

#[test]
fn clients_without_an_address_are_reached_as_the_driver_can() {
    let asked = discover(|_| {});
    let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, 68);
    let reply = accept(&asked, &answer());
    assert_eq!((reply.transmit.destination, reply.transmit.link), (everybody, None));
    let mut config = ServerConfig::default();
    config.reach_by_hardware_address = true;
    let reply = try_accept(config.clone(), &asked, &answer()).expect("an answer");
    assert_eq!(reply.transmit.destination, SocketAddrV4::new(CLIENT, 68));
    assert_eq!(reply.transmit.link, Some(MAC));
    let deaf = discover(|message| {
        message.set_flags(pxe_dhcp::Flags::BROADCAST);
    });
    let reply = try_accept(config, &deaf, &answer()).expect("an answer");
    assert_eq!((reply.transmit.destination, reply.transmit.link), (everybody, None));
}

#[test]
fn events_tell_what_was_given_to_whom() {
    let reply = accept(&discover(|_| {}), &answer());
    let ServerEvent::Offered(offered) = reply.event else { panic!("{:?}", reply.event) };
    assert_eq!(offered.client.as_bytes(), MAC);
    assert_eq!((offered.address, offered.lease_seconds), (CLIENT, 43_200));
    assert_eq!((offered.kind, offered.class), (ServerRequestKind::Discover, None));
    assert_eq!((offered.bytes, offered.relay), (reply.bytes.len(), None));
}

#[test]
fn a_refusal_is_sent_or_is_silence() {
    let asked = discover(|message| {
        message
            .push_octet(OptionCode::MESSAGE_TYPE, MessageType::REQUEST.0)
            .push_addresses(OptionCode::REQUESTED_ADDRESS, &[CLIENT]);
    });
    let refuse = |authoritative| {
        let mut responder = ServerResponder::new(ServerConfig::default());
        let now = Instant::now();
        let received = Received::new(SocketAddrV4::new(ZERO, 68), ServerPort::Dhcp, US, 2);
        let inbound = responder.handle_datagram(now, &received, &asked).expect("a message");
        let ServerInbound::Request(request) = inbound else { panic!("{inbound:?}") };
        let refused = responder.refuse(now, request, US, Denial::Unknown, authoritative);
        let mut bytes = Vec::new();
        let sent = responder.poll_transmit(now, &mut bytes).map(|_| bytes);
        (refused.expect("a NAK that fits"), sent, responder.poll_event())
    };
    let silence = Refused::Silent(RefusalSilence::NotAuthoritative);
    assert_eq!(refuse(false), (silence, None, None));
    let (refused, sent, event) = refuse(true);
    assert_eq!(refused, Refused::Nak);
    let sent = sent.expect("a NAK");
    let view = MessageView::parse_strict(&sent).expect("a sound NAK");
    assert_eq!(view.message_type(), Some(MessageType::NAK));
    let codes: Vec<_> = view.options().map(|option| option.code.0).collect();
    assert_eq!(codes, [53, 54, 56]);
    assert!(matches!(event, Some(ServerEvent::Refused(refused)) if refused.address == CLIENT));
}

#[test]
fn bootp_gets_300_bytes_and_what_fits_into_59() {
    let long = "x".repeat(40);
    let subnet = set(&[
        ("routers", "192.0.2.1"),
        ("domain-name-servers", "192.0.2.1"),
        ("host-name", &long),
        ("domain-name", "lab.example"),
    ]);
    let layers = [&subnet];
    let asked = discover(|message| {
        message.remove(OptionCode::MESSAGE_TYPE);
    });
    let endless = ServerAnswer::new(US, MASK, Lease::new(CLIENT, LEASE_SECONDS_INFINITE));
    let answer = endless.with_options(&layers).with_boot(BootAnswer::new(b"kernel.img"));
    let reply = accept(&asked, &answer);
    assert_eq!(reply.bytes.len(), 300);
    assert_eq!(
        reply.codes(),
        [1, 3, 6, 15],
        "the name of the host is too long, what follows it is not"
    );
    assert_eq!(reply.view().boot_file(), b"kernel.img");
    let ServerEvent::Acknowledged(given) = reply.event else { panic!("{:?}", reply.event) };
    assert_eq!(
        (given.kind, given.lease_seconds),
        (ServerRequestKind::Bootp, LEASE_SECONDS_INFINITE)
    );
    // It reads no name but the header's: silence, told as such, instead of a reply that boots nothing.
    let name = [b'n'; 128];
    let too_long = EncodeError::Name { bytes: 128, field_bytes: 128 };
    let answer = endless.with_boot(BootAnswer::new(&name));
    let refused = try_accept(ServerConfig::default(), &asked, &answer);
    assert_eq!(refused.err(), Some(ServerAnswerError::Encode(too_long)));
}
