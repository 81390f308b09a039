//! Requests that wait for their lease to be stored, repetitions of them, and what becomes of what nobody takes.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use pxe_dhcp::respond::{
    HELD_AGE_MAX, HELD_REQUESTS_MAX, HeldId, Lease, Received, SERVER_REPLIES_QUEUED_MAX,
    ServerAnswer, ServerConfig, ServerEvent, ServerInbound, ServerPort, ServerResponder,
    ServerSilence,
};
use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);

fn request(client: u32, change: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut message = Message::new(Operation::BootRequest);
    let [a, b, c, d] = client.to_be_bytes();
    message.set_transaction_id(7);
    message.set_hardware(HardwareType::ETHERNET, &[2, 0, a, b, c, d]).expect("6 bytes");
    message
        .push_octet(OptionCode::MESSAGE_TYPE, MessageType::REQUEST.0)
        .push_addresses(OptionCode::SERVER_IDENTIFIER, &[US])
        .push_addresses(OptionCode::REQUESTED_ADDRESS, &[CLIENT]);
    change(&mut message);
    let mut bytes = Vec::new();
    message.encode(SizeBudget::default(), &mut bytes).expect("it fits");
    bytes
}

fn received() -> Received {
    Received::new(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68), ServerPort::Dhcp, US, 2)
}

fn hold(responder: &mut ServerResponder, now: Instant, datagram: &[u8]) -> HeldId {
    match responder.handle_datagram(now, &received(), datagram) {
        Ok(ServerInbound::Request(request)) => responder.hold(now, request),
        other => panic!("{other:?}"),
    }
}

fn is_duplicate(responder: &mut ServerResponder, now: Instant, datagram: &[u8]) -> bool {
    matches!(
        responder.handle_datagram(now, &received(), datagram),
        Ok(ServerInbound::Overheard(_, ServerSilence::Duplicate))
    )
}

fn accept(responder: &mut ServerResponder, now: Instant, id: HeldId) -> bool {
    let Some(held) = responder.take_held(id) else { return false };
    let answer = ServerAnswer::new(US, MASK, Lease::new(CLIENT, 3600));
    responder.accept(now, held.request(), &answer).expect("an answer that fits");
    true
}

#[test]
fn nothing_leaves_before_the_caller_says_so_and_then_the_same_as_at_once() {
    let now = Instant::now();
    let datagram = request(1, |_| {});
    let mut responder = ServerResponder::new(ServerConfig::default());
    let id = hold(&mut responder, now, &datagram);
    let mut late = Vec::new();
    assert_eq!(responder.poll_transmit(now, &mut late), None);
    assert_eq!(responder.held(), 1);
    assert!(accept(&mut responder, now, id));
    let transmit = responder.poll_transmit(now, &mut late).expect("an ACK");
    assert_eq!(responder.held(), 0);
    assert!(!accept(&mut responder, now, id), "taken twice");

    let mut responder = ServerResponder::new(ServerConfig::default());
    let inbound = responder.handle_datagram(now, &received(), &datagram).expect("a message");
    let ServerInbound::Request(request) = inbound else { panic!("{inbound:?}") };
    let answer = ServerAnswer::new(US, MASK, Lease::new(CLIENT, 3600));
    responder.accept(now, request, &answer).expect("an answer that fits");
    let mut at_once = Vec::new();
    assert_eq!(responder.poll_transmit(now, &mut at_once), Some(transmit));
    assert_eq!(late, at_once);
}

#[test]
fn a_repetition_is_dropped_while_the_first_is_held() {
    let now = Instant::now();
    let mut responder = ServerResponder::new(ServerConfig::default());
    let datagram = request(1, |_| {});
    let id = hold(&mut responder, now, &datagram);
    assert!(is_duplicate(&mut responder, now, &datagram));
    assert!(is_duplicate(
        &mut responder,
        now,
        &request(1, |message| {
            message.set_seconds(4);
        })
    ));
    assert_eq!(responder.duplicates_dropped(), 2);
    // Not the same: another client with the same xid, another exchange, another message.
    assert!(!is_duplicate(&mut responder, now, &request(2, |_| {})));
    assert!(!is_duplicate(
        &mut responder,
        now,
        &request(1, |m| {
            m.set_transaction_id(8);
        })
    ));
    let discover = request(1, |m| {
        m.push_octet(OptionCode::MESSAGE_TYPE, MessageType::DISCOVER.0);
    });
    assert!(!is_duplicate(&mut responder, now, &discover));
    assert!(accept(&mut responder, now, id));
    assert!(!is_duplicate(&mut responder, now, &datagram), "answered, and asked again");
}

#[test]
fn clients_without_hardware_address_are_told_apart_by_their_identifier() {
    let now = Instant::now();
    let mut responder = ServerResponder::new(ServerConfig::default());
    let infiniband = |number: u8| {
        request(1, |message| {
            message.set_hardware(HardwareType::INFINIBAND, &[]).expect("no bytes");
            message.push(OptionCode::CLIENT_IDENTIFIER, &[255, 0, 0, 0, number]);
        })
    };
    hold(&mut responder, now, &infiniband(1));
    assert!(is_duplicate(&mut responder, now, &infiniband(1)));
    assert!(!is_duplicate(&mut responder, now, &infiniband(2)));
}

#[test]
fn when_too_many_are_held_the_oldest_is_given_up() {
    let now = Instant::now();
    let mut responder = ServerResponder::new(ServerConfig::default());
    let most = u32::try_from(HELD_REQUESTS_MAX).expect("a small number");
    let ids: Vec<_> =
        (0..most).map(|client| hold(&mut responder, now, &request(client, |_| {}))).collect();
    assert_eq!(responder.poll_event(), None);
    hold(&mut responder, now, &request(most, |_| {}));
    assert_eq!(responder.held(), HELD_REQUESTS_MAX);
    let Some(ServerEvent::Abandoned(lost)) = responder.poll_event() else { panic!("no event") };
    assert_eq!(lost.client.as_bytes(), [2, 0, 0, 0, 0, 0]);
    assert!(!accept(&mut responder, now, ids[0]));
    assert!(accept(&mut responder, now, ids[1]));
    assert!(!is_duplicate(&mut responder, now, &request(0, |_| {})), "it may ask again");
}

#[test]
fn a_request_is_not_held_for_ever() {
    let start = Instant::now();
    let mut responder = ServerResponder::new(ServerConfig::default());
    let first = hold(&mut responder, start, &request(1, |_| {}));
    let later = start + Duration::from_secs(1);
    let second = hold(&mut responder, later, &request(2, |_| {}));
    assert_eq!(responder.poll_timeout(), Some(start + HELD_AGE_MAX));
    responder.handle_timeout(start + HELD_AGE_MAX);
    assert!(matches!(responder.poll_event(), Some(ServerEvent::Abandoned(_))));
    assert_eq!(responder.poll_timeout(), Some(later + HELD_AGE_MAX));
    assert!(!accept(&mut responder, later, first));
    assert!(accept(&mut responder, later, second));
    // The order of being taken does not matter.
    assert_eq!(responder.held(), 0);
}

#[test]
fn replies_that_nobody_takes_are_discarded() {
    let now = Instant::now();
    let mut responder = ServerResponder::new(ServerConfig::default());
    let most = u32::try_from(SERVER_REPLIES_QUEUED_MAX).expect("a small number");
    for client in 0..=most {
        let id = hold(&mut responder, now, &request(client, |_| {}));
        assert!(accept(&mut responder, now, id));
    }
    let Some(ServerEvent::Discarded(lost)) = responder.poll_event() else { panic!("no event") };
    assert_eq!(lost.client.as_bytes(), [2, 0, 0, 0, 0, 0]);
    let mut bytes = Vec::new();
    responder.poll_transmit(now, &mut bytes).expect("the second reply");
    let view = MessageView::parse(&bytes).expect("a reply");
    assert_eq!(view.hardware_address(), [2, 0, 0, 0, 0, 1]);
    assert!(matches!(responder.poll_event(), Some(ServerEvent::Acknowledged(_))));

    let old = now + Duration::from_secs(4);
    assert_eq!(responder.poll_timeout(), Some(old));
    assert_eq!(responder.poll_transmit(old, &mut bytes), None);
    let mut discarded = 0;
    while let Some(event) = responder.poll_event() {
        assert!(matches!(event, ServerEvent::Discarded(_)));
        discarded += 1;
    }
    assert_eq!(discarded, SERVER_REPLIES_QUEUED_MAX - 1);
}
