//! Counts allocations where there must be none: reading a message, writing one into a buffer that was used before,
//! and a responder that has answered a few clients.

use core::hint::black_box;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::fs;
use std::path::Path;
use std::time::Instant;

use allocation_counter::measure;
use pxe_benches::codec::{READERS, ours};
use pxe_benches::messages::samples;
use pxe_dhcp::options::OptionSet;
use pxe_dhcp::respond::{
    BootAnswer, Inbound, Lease, ProxyAnswer, ProxyConfig, ProxyEvent, ProxyResponder, ProxyStyle,
    ProxyStyles, Received, ServerAnswer, ServerConfig, ServerInbound, ServerPort,
    ServerRequestKind, ServerResponder,
};
use pxe_dhcp::{Message, MessageType, MessageView, Operation, OptionCode, SizeBudget};

/// Every golden vector that is a whole message.
fn vectors() -> Vec<(String, Vec<u8>)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/pxe-dhcp/tests/vectors");
    let mut found = Vec::new();
    for folder in [tests.clone(), tests.join("replies")] {
        for entry in fs::read_dir(folder).expect("the folder of the vectors") {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            if name.ends_with(".bin") && !name.contains(".option") {
                found.push((name, fs::read(&path).expect("a vector")));
            }
        }
    }
    assert!(found.len() > 40, "only {} vectors", found.len());
    found
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(black_box(Vec::<u8>::with_capacity(1)))).count_total, 1);
    let (_, dhcproto) = READERS[1];
    let sample = &samples()[0];
    assert!(measure(|| dhcproto(&sample.datagram)).count_total > 0, "an owned decoder allocates");
}

#[test]
fn reading_allocates_nothing() {
    for (name, datagram) in vectors() {
        let counted = measure(|| {
            let view = MessageView::parse(&datagram).expect("a vector");
            black_box(MessageView::parse_strict(&datagram).is_ok());
            black_box(view.anomalies().count());
            let facts = view.boot_facts();
            black_box(facts.requested().iter().count());
            black_box(facts.class().map(|class| (class.arch(), class.undi(), class.space())));
            black_box(facts.client_id().map(|id| (id.hardware(), id.duid())));
            black_box(facts.user_classes().map(|classes| classes.items().count()));
            black_box(facts.relay_agent().map(|relay| relay.sub_options().count()));
            black_box(facts.machine().map(|machine| machine.guid()));
            black_box(facts.ipxe_options().map(|ipxe| ipxe.features()));
            black_box(facts.vendor_options());
            black_box(facts.archs.iter().count());
            for option in view.options() {
                black_box(view.first(option.code));
            }
            black_box((view.boot_file(), view.server_name(), view.hardware_address()));
        });
        assert_eq!(counted.count_total, 0, "{name}");
    }
    for sample in samples() {
        assert_eq!(measure(|| ours(&sample.datagram)).count_total, 0, "{}", sample.name);
    }
}

#[test]
fn writing_into_used_buffers_allocates_nothing() {
    let mut reply = Message::new(Operation::BootReply);
    let mut out = Vec::new();
    let mut answer = |datagram: &[u8]| {
        let view = MessageView::parse(datagram).expect("a sample");
        reply.reset_reply_to(&view, MessageType::OFFER);
        reply
            .set_server_address(SERVER)
            .push(OptionCode::SERVER_IDENTIFIER, &SERVER.octets())
            .push(OptionCode::VENDOR_CLASS, b"PXEClient")
            .push_from(&view, OptionCode::MACHINE_ID);
        reply.set_boot_file(b"ipxe.efi").expect("a short name");
        out.clear();
        let budget = SizeBudget::for_request(view.boot_facts().max_message_size);
        reply.encode(budget, &mut out).expect("it fits");
        out.len()
    };
    let samples = samples();
    samples.iter().for_each(|sample| assert!(answer(&sample.datagram) >= 300));
    for sample in &samples {
        let counted = measure(|| {
            black_box(answer(&sample.datagram));
        });
        assert_eq!(counted.count_total, 0, "{}", sample.name);
    }
}

#[test]
fn a_responder_that_has_warmed_up_allocates_nothing() {
    let mut responder = ProxyResponder::new(ProxyConfig::default());
    let mut now = Instant::now();
    let mut out = Vec::new();
    // Some DISCOVERs are of clients that get no answer; those must not allocate either.
    let samples = samples();
    let mut round = |responder: &mut ProxyResponder| {
        let mut answered = 0;
        for sample in &samples {
            now += Duration::from_millis(10);
            answered += usize::from(answer(responder, now, &sample.datagram));
        }
        while responder.poll_transmit(now, &mut out).is_some() {}
        while responder.poll_event().is_some() {}
        answered
    };
    let answered = round(&mut responder);
    assert!(answered >= 8, "only {answered} were answered");
    let counted = measure(|| assert_eq!(round(&mut responder), answered));
    assert_eq!(counted.count_total, 0);
}

/// Firmware that takes no offer is offered every style in turn; the second time around nothing is new.
#[test]
fn an_adaptive_responder_that_knows_its_clients_allocates_nothing() {
    let mut config = ProxyConfig::default();
    config.styles = ProxyStyles::Adaptive;
    let mut responder = ProxyResponder::new(config);
    let mut now = Instant::now();
    let mut out = Vec::new();
    let samples = samples();
    let firmware = "ipxe-bios-and-ovmf-x64-chain-025-discover";
    let discover = samples.iter().find(|sample| sample.name == firmware).expect("the sample");
    let mut last = ProxyStyle::Binl;
    let mut cycle = |responder: &mut ProxyResponder| {
        let mut changes = 0;
        for _ in 0..16 {
            now += Duration::from_secs(4);
            assert!(answer(responder, now, &discover.datagram));
            while responder.poll_transmit(now, &mut out).is_some() {}
            while let Some(event) = responder.poll_event() {
                if let ProxyEvent::Offered(offered) = event {
                    changes += usize::from(offered.style != last);
                    last = offered.style;
                }
            }
        }
        changes
    };
    assert!(cycle(&mut responder) >= 7, "two rounds of each style, twice");
    let counted = measure(|| assert!(cycle(&mut responder) >= 7));
    assert_eq!(counted.count_total, 0);
}

/// A DHCP server's offers and acknowledgements cost nothing; holding a request until its lease is stored costs the copy
/// of its bytes, and now and then a node of a map.
#[test]
fn a_server_that_has_warmed_up_allocates_for_held_requests_only() {
    let mut options = OptionSet::new();
    for (option, text) in
        [("routers", "192.0.2.1"), ("dns", "192.0.2.1"), ("domain", "lab.example")]
    {
        options.set(option, text).expect("a sound option");
    }
    let mut config = ServerConfig::default();
    config.server_identifiers.push(Ipv4Addr::new(10, 77, 0, 1));
    let mut responder = ServerResponder::new(config);
    let now = Instant::now();
    let samples = samples();
    let mut out = Vec::new();
    let mut round = |responder: &mut ServerResponder, hold: bool| {
        let mut answered = 0;
        for sample in &samples {
            let client = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
            let received = Received::new(client, ServerPort::Dhcp, SERVER, 1);
            let inbound = responder.handle_datagram(now, &received, &sample.datagram);
            let Ok(ServerInbound::Request(request)) = inbound else { continue };
            let address = match request.kind() {
                ServerRequestKind::Request(_) => request.message().address(),
                _ => None,
            };
            let lease = Lease::new(address.unwrap_or(Ipv4Addr::new(10, 77, 0, 99)), 3600);
            let layers = [&options];
            let answer = ServerAnswer::new(SERVER, Ipv4Addr::new(255, 255, 255, 0), lease)
                .with_options(&layers)
                .with_boot(BootAnswer::new(b"ipxe.efi"));
            if hold {
                let id = responder.hold(now, request);
                let held = responder.take_held(id).expect("what was just held");
                responder.accept(now, held.request(), &answer).expect("an answer that fits");
            } else {
                responder.accept(now, request, &answer).expect("an answer that fits");
            }
            answered += 1;
        }
        while responder.poll_transmit(now, &mut out).is_some() {}
        while responder.poll_event().is_some() {}
        answered
    };
    let answered = round(&mut responder, false);
    assert!(answered >= 8, "only {answered} were answered");
    let counted = measure(|| assert_eq!(round(&mut responder, false), answered));
    assert_eq!(counted.count_total, 0);
    round(&mut responder, true);
    let counted = measure(|| assert_eq!(round(&mut responder, true), answered));
    assert!(counted.count_total <= 2 * answered, "{counted:?} for {answered}");
}

fn answer(responder: &mut ProxyResponder, now: Instant, datagram: &[u8]) -> bool {
    let client = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    let received = Received::new(client, ServerPort::Dhcp, SERVER, 1);
    match responder.handle_datagram(now, &received, datagram) {
        Ok(Inbound::Request(request)) => {
            let answer = ProxyAnswer::new(SERVER, b"ipxe.efi");
            responder.accept(now, request, &answer).expect("a short name");
            true
        }
        Ok(Inbound::Overheard(..)) => false,
        Err(dropped) => panic!("{dropped}"),
    }
}

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
