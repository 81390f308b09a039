//! Another DHCP server is found, a proxy is none, and silence is waited for long enough.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use pxe_dhcp::respond::{ForeignProbe, ForeignServer, Ports, ProbeVerdict};
use pxe_dhcp::{Message, MessageType, MessageView, OptionCode, SizeBudget};

const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const FOREIGN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

fn probe(now: Instant) -> ForeignProbe {
    ForeignProbe::new(now, Ports::default(), 0x1234_5678, MAC, vec![US])
}

fn question(probe: &mut ForeignProbe, now: Instant) -> Vec<u8> {
    let mut out = Vec::new();
    let transmit = probe.poll_transmit(now, &mut out).expect("a small message");
    let transmit = transmit.expect("a DISCOVER");
    assert_eq!(transmit.source_port, 68);
    assert_eq!(transmit.destination, SocketAddrV4::new(Ipv4Addr::BROADCAST, 67));
    out
}

fn answer(question: &[u8], server: Ipv4Addr, change: impl FnOnce(&mut Message)) -> Vec<u8> {
    let view = MessageView::parse_strict(question).expect("a sound DISCOVER");
    let mut reply = Message::reply_to(&view, MessageType::OFFER);
    reply.set_your_address(CLIENT).push(OptionCode::SERVER_IDENTIFIER, &server.octets());
    change(&mut reply);
    let mut bytes = Vec::new();
    reply.encode(SizeBudget::default(), &mut bytes).expect("a small message");
    bytes
}

fn verdict_on(source: Ipv4Addr, datagram: impl FnOnce(&[u8]) -> Vec<u8>) -> Option<ProbeVerdict> {
    let now = Instant::now();
    let mut probe = probe(now);
    let asked = question(&mut probe, now);
    probe.handle_datagram(SocketAddrV4::new(source, 67), &datagram(&asked));
    probe.verdict()
}

#[test]
fn another_server_is_found_by_its_first_answer() {
    let found = verdict_on(FOREIGN, |asked| answer(asked, FOREIGN, |_| {}));
    let Some(ProbeVerdict::Found(server)) = found else { panic!("{found:?}") };
    assert_eq!((server.server, server.address), (FOREIGN, CLIENT));
    assert_eq!(server.message_type, MessageType::OFFER);
    // Without option 54 it is known by where it came from.
    let found = verdict_on(FOREIGN, |asked| {
        answer(asked, FOREIGN, |reply| {
            reply.remove(OptionCode::SERVER_IDENTIFIER);
        })
    });
    assert!(matches!(found, Some(ProbeVerdict::Found(found)) if found.server == FOREIGN));
}

#[test]
fn what_is_no_other_server_is_not_found() {
    assert_eq!(verdict_on(US, |asked| answer(asked, US, |_| {})), None);
    let proxy = |asked: &[u8]| {
        answer(asked, FOREIGN, |reply| {
            reply.set_your_address(Ipv4Addr::UNSPECIFIED);
        })
    };
    assert_eq!(verdict_on(FOREIGN, proxy), None);
    let other_question = |asked: &[u8]| {
        answer(asked, FOREIGN, |reply| {
            reply.set_transaction_id(7);
        })
    };
    assert_eq!(verdict_on(FOREIGN, other_question), None);
    assert_eq!(verdict_on(FOREIGN, <[u8]>::to_vec), None);
    assert_eq!(verdict_on(FOREIGN, |_| b"noise".to_vec()), None);
}

#[test]
fn silence_is_waited_for_five_seconds() {
    let start = Instant::now();
    let mut probe = probe(start);
    let mut sent = Vec::new();
    let mut now = start;
    while let Some(due) = probe.poll_timeout() {
        now = due;
        probe.handle_timeout(now);
        let mut out = Vec::new();
        if probe.poll_transmit(now, &mut out).expect("a small message").is_some() {
            sent.push(now - start);
            assert_eq!(probe.poll_transmit(now, &mut out), Ok(None), "once is enough");
        }
    }
    assert_eq!(sent, [0, 1, 2].map(Duration::from_secs));
    assert_eq!(probe.verdict(), Some(ProbeVerdict::Alone));
    assert_eq!(now - start, Duration::from_secs(5));
}

#[test]
fn a_server_is_heard_in_passing() {
    let now = Instant::now();
    let asked = question(&mut probe(now), now);
    let nak = answer(&asked, FOREIGN, |reply| {
        reply.set_your_address(Ipv4Addr::UNSPECIFIED);
        reply.push(OptionCode::MESSAGE_TYPE, &[MessageType::NAK.0]);
    });
    let view = MessageView::parse(&nak).expect("a message");
    let heard = ForeignServer::of_reply(&view, FOREIGN, &[US]).expect("a server");
    assert_eq!((heard.server, heard.message_type), (FOREIGN, MessageType::NAK));
    assert_eq!(ForeignServer::of_reply(&view, FOREIGN, &[US, FOREIGN]), None);
}
