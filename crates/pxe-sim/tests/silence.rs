//! What we never do: answer an ordinary client, say anything a DHCP server says, send anything that
//! was not asked for.

mod common;

use std::time::Duration;

use common::{Lab, Place};
use pxe_sim::firmware::edk2_http::Edk2Http;
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::intel_rom::IntelRom;
use pxe_sim::firmware::ipxe::{Build, Ipxe};
use pxe_sim::firmware::raspberry_pi::{Generation, RaspberryPi};
use pxe_sim::firmware::uboot::{ProxySupport, UBoot};
use pxe_sim::foreign::Habit;
use pxe_sim::network::{Captured, HostId, Impairment};
use pxe_sim::ordinary::Ordinary;
use pxe_sim::wire::{ACK, DISCOVER, OFFER, REQUEST, Reader};

const CLASSES: [&[u8]; 5] =
    [b"", b"MSFT 5.0", b"android-dhcp-14", b"dhcpcd-9.4.1:Linux", b"udhcp 1.36.1"];

fn attach_ordinary(lab: &mut Lab) -> Vec<HostId> {
    let mut clients = Vec::new();
    for class in CLASSES {
        let (machine, start) = (lab.machine(0), lab.world.now());
        clients.push(lab.attach("laptop", machine.mac, Ordinary::new(machine, class, start)));
    }
    clients
}

#[test]
fn ordinary_clients_hear_nothing_of_us() {
    for place in [Place::SameLan, Place::Relayed] {
        for seed in 0..20 {
            let mut lab = Lab::new(seed, Impairment::bad(20), place, Habit::PointsAtItself);
            let clients = attach_ordinary(&mut lab);
            lab.world.run(&clients, common::PATIENCE);
            lab.world.run_for(Duration::from_secs(10));
            for client in clients {
                let outcome = lab.world.outcome(client);
                let fine = outcome.is_some_and(|outcome| outcome.boot().is_some());
                assert!(fine, "{outcome:?}\n{}", lab.world.report());
            }
            let ours = lab.world.capture().iter().filter(|sent| sent.sender == lab.server).count();
            assert_eq!(ours, 0, "\n{}", lab.world.report());
        }
    }
}

/// A room full of machines, all at once.
fn attach_swarm(lab: &mut Lab) -> Vec<HostId> {
    let start = lab.world.now();
    let mut clients = attach_ordinary(lab);
    for arch in [6, 7, 11, 27] {
        let machine = lab.machine(arch);
        let era = if arch == 7 { Era::Years2010To2017 } else { Era::Current };
        clients.push(lab.attach("EDK2", machine.mac, Edk2Pxe::new(machine, era, start)));
        let machine = lab.machine(arch);
        clients.push(lab.attach("iPXE", machine.mac, Ipxe::new(machine, Build::Chained, start)));
    }
    for arch in [16, 19] {
        let machine = lab.machine(arch);
        clients.push(lab.attach("HTTP Boot", machine.mac, Edk2Http::new(machine, start)));
    }
    let machine = lab.machine(0);
    clients.push(lab.attach("BIOS ROM", machine.mac, IntelRom::new(machine, start)));
    let machine = lab.machine(0);
    let board = RaspberryPi::new(machine, Generation::Four, start);
    clients.push(lab.attach("Raspberry Pi", board.mac(), board));
    let machine = lab.machine(0x16);
    let board = UBoot::new(machine, "U-Boot.armv8", ProxySupport::Built, start);
    clients.push(lab.attach("U-Boot", machine.mac, board));
    clients
}

#[test]
fn a_swarm_sees_only_what_a_proxy_may_say() {
    for place in [Place::SameLan, Place::Relayed] {
        for seed in 0..20 {
            let mut lab = Lab::new(seed, Impairment::bad(20), place, Habit::PointsAtItself);
            let clients = attach_swarm(&mut lab);
            lab.world.run(&clients, common::PATIENCE);
            let report = lab.world.report();
            let (ours, others): (Vec<_>, Vec<_>) =
                lab.world.capture().iter().partition(|sent| sent.sender == lab.server);
            // A copy of each request can reach us twice: doubled on the way, and relayed.
            assert!(ours.len() <= 2 * others.len(), "{report}");
            assert!(!ours.is_empty(), "{report}");
            for sent in ours {
                let reply = Reader::new(&sent.datagram.payload).expect("our own message");
                let kind = reply.message_type();
                assert_eq!(reply.operation(), 2, "{report}");
                assert!(reply.your_address().is_unspecified(), "we give no addresses: {report}");
                assert!(reply.option(51).is_none(), "nor leases: {report}");
                let expected = if sent.datagram.source.port() == 4011 { ACK } else { OFFER };
                assert_eq!(kind, Some(expected), "{report}");
                let asked = others.iter().any(|request| {
                    let request = Reader::new(&request.datagram.payload);
                    request.is_some_and(|request| {
                        request.operation() == 1
                            && request.transaction_id() == reply.transaction_id()
                            && request.hardware_address() == reply.hardware_address()
                            && (request.has_class(b"PXEClient")
                                || request.has_class(b"HTTPClient")
                                || request.has_class(b"U-Boot"))
                    })
                });
                assert!(asked, "nobody asked for this: {report}");
            }
        }
    }
}

/// Without accidents, exactly one reply to each DISCOVER of a machine that boots and to each request
/// on port 4011, and none to anything else.
#[test]
fn one_answer_for_each_question() {
    let habit = Habit::PointsAtItself;
    let mut lab = Lab::new(4, Impairment::default(), Place::SameLan, habit);
    let clients = attach_swarm(&mut lab);
    lab.world.run(&clients, common::PATIENCE);
    let (ours, others): (Vec<_>, Vec<_>) =
        lab.world.capture().iter().partition(|sent| sent.sender == lab.server);
    let questions = |port: u16| {
        let question = |sent: &&&Captured| {
            let message = Reader::new(&sent.datagram.payload).expect("DHCP is all there is");
            let boots = [&b"PXEClient"[..], b"HTTPClient", b"U-Boot"];
            let kind = if port == 67 { DISCOVER } else { REQUEST };
            sent.datagram.destination.port() == port
                && message.message_type() == Some(kind)
                && boots.iter().any(|class| message.has_class(class))
        };
        others.iter().filter(question).count()
    };
    let answers = |port| ours.iter().filter(|sent| sent.datagram.source.port() == port).count();
    assert!(answers(67) > 0 && answers(4011) > 0);
    assert_eq!(answers(67), questions(67), "\n{}", lab.world.report());
    assert_eq!(answers(4011), questions(4011), "\n{}", lab.world.report());
}
