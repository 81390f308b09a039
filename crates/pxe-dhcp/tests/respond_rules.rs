//! Who is answered and who is not, what an answer may say, and what becomes of replies that nobody
//! sends. The exact bytes of replies are in `respond_replies.rs`.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use pxe_dhcp::options::{BootItem, BootServerType};
use pxe_dhcp::respond::{
    BOOT_FILE_BYTES_MAX, ClientClass, Dropped, EVENTS_QUEUED_MAX, Inbound, ProxyAnswer,
    ProxyConfig, ProxyEvent, ProxyResponder, ProxyStyle, REPLIES_QUEUED_MAX, Received, RequestKind,
    ServerPort, Silence,
};
use pxe_dhcp::{
    EncodeError, HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const ADVERTISED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 6);
const FOREIGN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const PXE: &[u8] = b"PXEClient:Arch:00007:UNDI:003016";
const MENU_CHOICE: &[u8] = &[71, 4, 0x80, 0, 0, 1, 255];

fn message(message_type: MessageType) -> Message {
    let mut message = Message::new(Operation::BootRequest);
    message.set_transaction_id(0x1234_5678);
    message.set_hardware(HardwareType::ETHERNET, &[0x52, 0x54, 0, 0xaa, 0, 1]).expect("6 bytes");
    message.push(OptionCode::MESSAGE_TYPE, &[message_type.0]);
    message
}

fn pxe(message_type: MessageType) -> Message {
    let mut message = message(message_type);
    message.push(OptionCode::VENDOR_CLASS, PXE).push(OptionCode::CLIENT_ARCHITECTURE, &[0, 7]);
    message
}

fn bytes(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(SizeBudget::of_payload(1472), &mut bytes).expect("a message that fits");
    bytes
}

fn config() -> ProxyConfig {
    let mut config = ProxyConfig::default();
    config.server_identifiers.push(ADVERTISED);
    config
}

fn received(port: ServerPort) -> Received {
    Received::new(SocketAddrV4::new(CLIENT, 68), port, US, 2)
}

fn verdict(port: ServerPort, message: &Message) -> Result<(RequestKind, ClientClass), Silence> {
    let datagram = bytes(message);
    let mut responder = ProxyResponder::new(config());
    match responder.handle_datagram(Instant::now(), &received(port), &datagram) {
        Ok(Inbound::Request(request)) => Ok((request.kind(), request.class())),
        Ok(Inbound::Overheard(_, silence)) => Err(silence),
        Err(dropped) => panic!("{dropped}"),
    }
}

#[test]
fn discovers_are_answered_by_class() {
    let discover = |class: &[u8], extra: &[(OptionCode, &[u8])]| {
        let mut message = message(MessageType::DISCOVER);
        if !class.is_empty() {
            message.push(OptionCode::VENDOR_CLASS, class);
        }
        for (code, value) in extra {
            message.push(*code, value);
        }
        verdict(ServerPort::Dhcp, &message)
    };
    let offer = |class| Ok((RequestKind::Discover, class));
    let arch: (OptionCode, &[u8]) = (OptionCode::CLIENT_ARCHITECTURE, &[0, 0x16]);
    assert_eq!(discover(PXE, &[]), offer(ClientClass::Pxe));
    assert_eq!(discover(b"PXEClient", &[]), offer(ClientClass::Pxe));
    assert_eq!(discover(b"HTTPClient:Arch:00016:UNDI:003001", &[]), offer(ClientClass::Http));
    assert_eq!(discover(b"", &[(OptionCode::USER_CLASS, b"iPXE")]), offer(ClientClass::Pxe));
    assert_eq!(discover(b"", &[(OptionCode::USER_CLASS, b"\x04iPXE")]), offer(ClientClass::Pxe));
    assert_eq!(discover(b"", &[(OptionCode::IPXE, &[0x15, 1, 1])]), offer(ClientClass::Pxe));
    assert_eq!(discover(b"U-Boot.armv8", &[arch]), offer(ClientClass::UBoot));

    let silent = Err(Silence::OrdinaryClient);
    assert_eq!(discover(b"", &[]), silent);
    assert_eq!(discover(b"", &[arch]), silent);
    assert_eq!(discover(b"MSFT 5.0", &[]), silent);
    assert_eq!(discover(b"pxeclient", &[]), silent);
    assert_eq!(discover(b"U-Boot.armv8", &[]), silent);
    assert_eq!(discover(b"AAPLBSDPC/i386/Mac", &[]), silent);
    assert_eq!(discover(b"", &[(OptionCode::USER_CLASS, b"gPXE-not")]), silent);
}

#[test]
fn u_boot_is_left_alone_if_so_configured() {
    let mut message = message(MessageType::DISCOVER);
    message.push(OptionCode::VENDOR_CLASS, b"U-Boot.armv8");
    message.push(OptionCode::CLIENT_ARCHITECTURE, &[0, 0x16]);
    let datagram = bytes(&message);
    let mut config = config();
    config.answer_u_boot = false;
    let mut responder = ProxyResponder::new(config);
    let inbound = responder
        .handle_datagram(Instant::now(), &received(ServerPort::Dhcp), &datagram)
        .expect("a message");
    assert!(matches!(inbound, Inbound::Overheard(_, Silence::OrdinaryClient)));
}

#[test]
fn messages_about_addresses_are_the_dhcp_servers() {
    for (message_type, silence) in [
        (MessageType::REQUEST, Silence::RequestToDhcpServer),
        (MessageType::INFORM, Silence::Inform),
        (MessageType::DECLINE, Silence::Decline),
        (MessageType::RELEASE, Silence::Release),
        (MessageType::OFFER, Silence::OtherMessage(MessageType::OFFER)),
        (MessageType::NAK, Silence::OtherMessage(MessageType::NAK)),
        (MessageType::LEASE_QUERY, Silence::OtherMessage(MessageType::LEASE_QUERY)),
        (MessageType(200), Silence::OtherMessage(MessageType(200))),
    ] {
        assert_eq!(verdict(ServerPort::Dhcp, &pxe(message_type)), Err(silence));
    }
    let mut reply = pxe(MessageType::DISCOVER);
    reply = Message::from_view(&MessageView::parse(&bytes(&reply)).expect("a message"));
    let mut datagram = bytes(&reply);
    datagram[0] = 2;
    let mut responder = ProxyResponder::new(config());
    let inbound = responder
        .handle_datagram(Instant::now(), &received(ServerPort::Dhcp), &datagram)
        .expect("a message");
    assert!(matches!(inbound, Inbound::Overheard(_, Silence::ServerReply)));

    let mut bootp = Message::new(Operation::BootRequest);
    bootp.push(OptionCode::VENDOR_SPECIFIC, &[1]);
    assert_eq!(verdict(ServerPort::Dhcp, &bootp), Err(Silence::Bootp));
}

#[test]
fn menu_choices_on_port_67_are_ours_unless_a_dhcp_server_is_meant() {
    let choice = |change: fn(&mut Message)| {
        let mut message = pxe(MessageType::REQUEST);
        message.set_client_address(CLIENT).push(OptionCode::VENDOR_SPECIFIC, MENU_CHOICE);
        change(&mut message);
        verdict(ServerPort::Dhcp, &message)
    };
    let item = BootItem { server_type: BootServerType(0x8000), layer: 1, credentials: false };
    let ours = Ok((RequestKind::BootItem(item), ClientClass::Pxe));
    let silent = Err(Silence::RequestToDhcpServer);
    assert_eq!(choice(|_| {}), ours);
    let named = choice(|m| {
        m.push_addresses(OptionCode::SERVER_IDENTIFIER, &[US]);
    });
    assert_eq!(named, ours);
    let advertised = choice(|m| {
        m.push_addresses(OptionCode::SERVER_IDENTIFIER, &[ADVERTISED]);
    });
    assert_eq!(advertised, ours);
    let foreign = choice(|m| {
        m.push_addresses(OptionCode::SERVER_IDENTIFIER, &[FOREIGN]);
    });
    assert_eq!(foreign, silent);
    let selecting = choice(|m| {
        m.push_addresses(OptionCode::REQUESTED_ADDRESS, &[CLIENT]);
    });
    assert_eq!(selecting, silent);
    let other_class = choice(|m| {
        m.push(OptionCode::VENDOR_CLASS, b"MSFT 5.0");
    });
    assert_eq!(other_class, silent);
    let no_choice = choice(|m| {
        m.push(OptionCode::VENDOR_SPECIFIC, &[6, 1, 8, 255]);
    });
    assert_eq!(no_choice, silent);
    let short_choice = choice(|m| {
        m.push(OptionCode::VENDOR_SPECIFIC, &[71, 2, 0x80, 0, 255]);
    });
    assert_eq!(short_choice, silent);
}

#[test]
fn port_4011_is_for_requests_to_us() {
    let ask = |change: fn(&mut Message)| {
        let mut message = pxe(MessageType::REQUEST);
        message.set_client_address(CLIENT);
        change(&mut message);
        verdict(ServerPort::BootServer, &message)
    };
    let ours = Ok((RequestKind::BootServer, ClientClass::Pxe));
    assert_eq!(ask(|_| {}), ours);
    let without_class = ask(|m| {
        m.remove(OptionCode::VENDOR_CLASS);
    });
    assert_eq!(without_class, ours);
    let named = ask(|m| {
        m.push_addresses(OptionCode::SERVER_IDENTIFIER, &[ADVERTISED]);
    });
    assert_eq!(named, ours);
    let other_server = ask(|m| {
        m.push_addresses(OptionCode::SERVER_IDENTIFIER, &[FOREIGN]);
    });
    assert_eq!(other_server, Err(Silence::OtherBootServer));
    let ordinary = ask(|m| {
        m.push(OptionCode::VENDOR_CLASS, b"MSFT 5.0");
    });
    assert_eq!(ordinary, Err(Silence::OrdinaryClient));
    let http = ask(|m| {
        m.push(OptionCode::VENDOR_CLASS, b"HTTPClient:Arch:00016:UNDI:003001");
    });
    assert_eq!(http, Err(Silence::NotForBootServer));
    for message_type in [MessageType::DISCOVER, MessageType::INFORM] {
        assert!(verdict(ServerPort::BootServer, &pxe(message_type)).is_err());
    }
}

#[test]
fn what_cannot_be_answered_is_dropped() {
    let mut responder = ProxyResponder::new(config());
    let now = Instant::now();
    let datagram = bytes(&pxe(MessageType::DISCOVER));
    let from_port_zero = Received::new(SocketAddrV4::new(CLIENT, 0), ServerPort::BootServer, US, 2);
    let dropped = responder.handle_datagram(now, &from_port_zero, &datagram).err();
    assert_eq!(dropped, Some(Dropped::SourcePortZero));
    let cut_off = responder.handle_datagram(now, &received(ServerPort::Dhcp), &datagram[..200]);
    assert!(matches!(cut_off.err(), Some(Dropped::Malformed(_))));
}

/// The reply to a DISCOVER, or why there is none.
fn answer(discover: &Message, answer: &ProxyAnswer<'_>) -> Result<Vec<u8>, EncodeError> {
    let datagram = bytes(discover);
    let mut responder = ProxyResponder::new(config());
    let now = Instant::now();
    let inbound = responder.handle_datagram(now, &received(ServerPort::Dhcp), &datagram);
    let Ok(Inbound::Request(request)) = inbound else { panic!("{inbound:?}") };
    let result = responder.accept(now, request, answer);
    let mut reply = Vec::new();
    let transmit = responder.poll_transmit(now, &mut reply);
    assert_eq!(transmit.is_some(), result.is_ok(), "an error must queue nothing");
    result.map(|()| reply)
}

#[test]
fn names_that_cannot_be_said_are_refused() {
    let discover = pxe(MessageType::DISCOVER);
    let long = [b'x'; BOOT_FILE_BYTES_MAX + 1];
    let empty = answer(&discover, &ProxyAnswer::new(US, b""));
    assert!(matches!(empty, Err(EncodeError::ValueLength { bytes: 0, .. })), "{empty:?}");
    let too_long = answer(&discover, &ProxyAnswer::new(US, &long));
    assert!(matches!(too_long, Err(EncodeError::ValueTooLong { .. })), "{too_long:?}");
    let nul = answer(&discover, &ProxyAnswer::new(US, b"a\0b"));
    assert!(matches!(nul, Err(EncodeError::Name { .. })), "{nul:?}");
}

#[test]
fn names_go_where_clients_look() {
    let mut discover = pxe(MessageType::DISCOVER);
    discover.push_short(OptionCode::MAX_MESSAGE_SIZE, 1472);
    for length in [1, 127, 128, BOOT_FILE_BYTES_MAX] {
        let name = vec![b'n'; length];
        let reply = answer(&discover, &ProxyAnswer::new(US, &name)).expect("an offer");
        let reply = MessageView::parse_strict(&reply).expect("a sound offer");
        let mut terminated = name.clone();
        terminated.push(0);
        if length <= 127 {
            assert_eq!(reply.boot_file(), name);
            assert_eq!(reply.first(OptionCode::BOOT_FILE_NAME), None);
        } else {
            assert_eq!(reply.boot_file(), b"");
            assert_eq!(reply.first(OptionCode::BOOT_FILE_NAME), Some(&terminated[..]));
        }
    }
}

#[test]
fn http_boot_gets_its_class_with_a_pad_behind_it() {
    let mut discover = message(MessageType::DISCOVER);
    discover.push(OptionCode::VENDOR_CLASS, b"HTTPClient:Arch:00016:UNDI:003001");
    let reply = answer(&discover, &ProxyAnswer::new(US, b"http://192.0.2.5/a.efi")).expect("a URL");
    let class = b"\x3c\x0aHTTPClient\0";
    assert!(reply.windows(class.len()).any(|window| window == class));
    let view = MessageView::parse_strict(&reply).expect("a sound offer");
    assert_eq!(view.first(OptionCode::VENDOR_SPECIFIC), None);
}

#[test]
fn a_style_is_the_callers_choice() {
    let discover = pxe(MessageType::DISCOVER);
    let mut decision = ProxyAnswer::new(US, b"ipxe.efi");
    for (style, vendor) in [
        (None, None),
        (Some(ProxyStyle::Binl), None),
        (Some(ProxyStyle::JustBoot), Some(&[6, 1, 8, 255][..])),
    ] {
        decision.style = style;
        let reply = answer(&discover, &decision).expect("an offer");
        let view = MessageView::parse_strict(&reply).expect("a sound offer");
        assert_eq!(view.first(OptionCode::VENDOR_SPECIFIC), vendor, "{style:?}");
    }
    decision.style = Some(ProxyStyle::RaspberryPi);
    decision.file = b"";
    let reply = answer(&discover, &decision).expect("a Raspberry Pi needs no name");
    let text = b"Raspberry Pi Boot   \xff";
    assert!(reply.windows(text.len()).any(|window| window == text));
}

#[test]
fn a_reply_keeps_to_the_clients_size() {
    let mut discover = pxe(MessageType::DISCOVER);
    discover
        .push(OptionCode::CLIENT_IDENTIFIER, &[7; 200])
        .push(OptionCode::MACHINE_ID, &[0; 17])
        .push(OptionCode::RELAY_AGENT_INFORMATION, &[&[1, 178][..], &[9; 178]].concat());
    let name = [b'n'; 127];
    let reply = answer(&discover, &ProxyAnswer::new(US, &name)).expect("an offer");
    assert!(reply.len() <= 548, "{} bytes", reply.len());
    let view = MessageView::parse_strict(&reply).expect("a sound offer");
    assert_eq!(view.boot_file(), name);
    assert_eq!(view.first(OptionCode::CLIENT_IDENTIFIER), None, "what is left out first");
    assert!(view.first(OptionCode::MACHINE_ID).is_some());
    assert_eq!(view.options().last().expect("options").code, OptionCode::RELAY_AGENT_INFORMATION);

    discover.push_short(OptionCode::MAX_MESSAGE_SIZE, 0xff00);
    let reply = answer(&discover, &ProxyAnswer::new(US, &name)).expect("an offer");
    assert!(reply.len() > 548 && reply.len() <= 1472, "{} bytes", reply.len());
}

#[test]
fn long_relay_information_comes_back_byte_for_byte() {
    let mut discover = pxe(MessageType::DISCOVER);
    discover.push_short(OptionCode::MAX_MESSAGE_SIZE, 1500);
    let value = [&[1, 200][..], &[3; 200], &[2, 100], &[4; 100]].concat();
    discover.push(OptionCode::RELAY_AGENT_INFORMATION, &value);
    let reply = answer(&discover, &ProxyAnswer::new(US, b"ipxe.efi")).expect("an offer");
    let view = MessageView::parse_strict(&reply).expect("a sound offer");
    assert_eq!(view.option(OptionCode::RELAY_AGENT_INFORMATION).as_deref(), Some(&value[..]));
}

fn accept_one(responder: &mut ProxyResponder, now: Instant, transaction_id: u32) {
    let mut discover = pxe(MessageType::DISCOVER);
    discover.set_transaction_id(transaction_id);
    let datagram = bytes(&discover);
    let inbound = responder.handle_datagram(now, &received(ServerPort::Dhcp), &datagram);
    let Ok(Inbound::Request(request)) = inbound else { panic!("{inbound:?}") };
    responder.accept(now, request, &ProxyAnswer::new(US, b"ipxe.efi")).expect("an offer");
}

#[test]
fn a_full_queue_discards_the_oldest_and_says_so() {
    let mut responder = ProxyResponder::new(config());
    let now = Instant::now();
    for number in 0..=REPLIES_QUEUED_MAX as u32 {
        accept_one(&mut responder, now, number);
    }
    let Some(ProxyEvent::Discarded(lost)) = responder.poll_event() else { panic!("no event") };
    assert_eq!(lost.transaction_id, 0);
    let mut sent = 0;
    let mut reply = Vec::new();
    while responder.poll_transmit(now, &mut reply).is_some() {
        sent += 1;
        let view = MessageView::parse(&reply).expect("our own reply");
        assert_eq!(view.transaction_id(), sent);
    }
    assert_eq!(sent as usize, REPLIES_QUEUED_MAX);
}

#[test]
fn old_replies_lose_their_worth() {
    let mut responder = ProxyResponder::new(config());
    let start = Instant::now();
    assert_eq!(responder.poll_timeout(), None);
    accept_one(&mut responder, start, 1);
    let expiry = responder.poll_timeout().expect("a reply is waiting");
    responder.handle_timeout(expiry - Duration::from_millis(1));
    assert_eq!(responder.poll_timeout(), Some(expiry), "a spurious call does no harm");
    responder.handle_timeout(expiry);
    assert_eq!(responder.poll_timeout(), None);
    assert_eq!(responder.poll_transmit(expiry, &mut Vec::new()), None);
    assert!(matches!(responder.poll_event(), Some(ProxyEvent::Discarded(_))));
}

#[test]
fn unread_events_are_bounded() {
    let mut responder = ProxyResponder::new(config());
    let now = Instant::now();
    let mut reply = Vec::new();
    for number in 0..EVENTS_QUEUED_MAX as u32 + 10 {
        accept_one(&mut responder, now, number);
        assert!(responder.poll_transmit(now, &mut reply).is_some());
    }
    let mut events = Vec::new();
    while let Some(event) = responder.poll_event() {
        events.push(event);
    }
    assert_eq!(events.len(), EVENTS_QUEUED_MAX);
    let Some(ProxyEvent::Offered(newest)) = events.last() else { panic!("no offer") };
    assert_eq!(newest.transaction_id, EVENTS_QUEUED_MAX as u32 + 9);
    assert_eq!(newest.client.to_string(), "52:54:00:aa:00:01");
}

#[test]
fn ignoring_is_an_answer_of_nothing() {
    let mut responder = ProxyResponder::new(config());
    let now = Instant::now();
    let datagram = bytes(&pxe(MessageType::DISCOVER));
    let inbound = responder.handle_datagram(now, &received(ServerPort::Dhcp), &datagram);
    let Ok(Inbound::Request(request)) = inbound else { panic!("{inbound:?}") };
    responder.ignore(request);
    assert_eq!(responder.poll_transmit(now, &mut Vec::new()), None);
    assert_eq!(responder.poll_event(), None);
}
