//! Our own DHCP server: every model of boot firmware gets its address and its file from it, on one LAN and behind a
//! relay, on a good network and on a bad one, and ordinary machines get what they ask for.

mod common;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use common::cases::{Case, cases};
use common::{Lab, Place, US, policy};
use pxe_dhcp::respond::ServerMessage;
use pxe_sim::dhcp_server::DhcpServer;
use pxe_sim::firmware::Outcome;
use pxe_sim::firmware::uboot::{ProxySupport, UBoot};
use pxe_sim::network::Impairment;
use pxe_sim::ordinary::Ordinary;
use pxe_sim::policy as decision;
use pxe_sim::wire::{ACK, NAK, OFFER, Reader};

/// A network whose only DHCP server is ours.
fn lab(seed: u64, impairment: Impairment, place: Place, by_hardware: bool) -> Lab {
    let policy = policy(true);
    let decide = move |message: &ServerMessage<'_>| {
        decision::decide_for(&policy, US, message.view(), message.facts())
    };
    Lab::alone(seed, impairment, place, DhcpServer::new(by_hardware, decide))
}

/// Addresses of the clients' segment.
fn is_from_our_pool(place: Place, address: Ipv4Addr) -> bool {
    let segment = match place {
        Place::SameLan => [192, 0, 2],
        Place::Relayed => [198, 51, 100],
    };
    address.octets().starts_with(&segment) && address.octets()[3] >= 100
}

/// Whether the machine boots; never the wrong thing, and never with an address that is not ours.
#[track_caller]
fn booted(lab: &Lab, case: &Case, place: Place, outcome: &Outcome) -> bool {
    let Some(boot) = outcome.boot() else { return false };
    let got = (boot.server, String::from_utf8_lossy(&boot.file));
    let story = || format!("{}, {place:?}, {}", case.name, lab.world.report());
    assert_eq!(got, (case.server, case.file.as_str().into()), "{}", story());
    assert!(is_from_our_pool(place, boot.address), "{}: {}", boot.address, story());
    true
}

fn all_boot(impairment: Impairment, place: Place) {
    for by_hardware in [false, true] {
        for case in cases() {
            let mut lab = lab(1, impairment, place, by_hardware);
            let client = (case.attach)(&mut lab);
            let outcome = lab.run(client);
            let fine = booted(&lab, &case, place, &outcome);
            assert!(fine, "{}, {place:?}, {outcome:?}: {}", case.name, lab.world.report());
        }
    }
}

#[test]
fn every_model_boots_from_our_own_addresses() {
    all_boot(Impairment::default(), Place::SameLan);
}

#[test]
fn every_model_boots_from_our_own_addresses_behind_a_relay() {
    all_boot(Impairment::default(), Place::Relayed);
}

#[test]
fn duplicates_and_reordering_harm_nobody() {
    all_boot(Impairment::bad(0), Place::SameLan);
    all_boot(Impairment::bad(0), Place::Relayed);
}

/// Losses can end an attempt, as in life; then a machine is switched on again. It never boots anything else.
#[test]
fn every_model_boots_on_a_lossy_network_at_last() {
    let (mut attempts, mut failures) = (0_u64, 0_u64);
    for place in [Place::SameLan, Place::Relayed] {
        for case in cases() {
            for seed in 0..20 {
                let mut last = String::new();
                let at_last = (0..5).any(|attempt| {
                    let mut lab = lab(seed << 8 | attempt, Impairment::bad(20), place, true);
                    let client = (case.attach)(&mut lab);
                    let outcome = lab.run(client);
                    attempts += 1;
                    let fine = booted(&lab, &case, place, &outcome);
                    failures += u64::from(!fine);
                    last = format!("{}, {outcome:?}: {}", case.name, lab.world.report());
                    fine
                });
                assert!(at_last, "{last}");
            }
        }
    }
    assert!(failures * 100 <= attempts * 3, "{failures} of {attempts} failed");
}

/// Builds that read no proxy offers, as most are: they need a DHCP server that names their file.
#[test]
fn u_boot_without_proxy_support_boots() {
    let mut lab = lab(3, Impairment::default(), Place::SameLan, true);
    let (machine, start) = (lab.machine(0x16), lab.world.now());
    let board = UBoot::new(machine, "U-Boot.armv8", ProxySupport::Absent, start);
    let client = lab.attach("U-Boot", machine.mac, board);
    lab.expect_boot(client, US, "boot.scr.uimg");
}

/// A room full of machines at once: one owner for each address, and the same one in OFFER and ACK.
#[test]
fn no_two_machines_share_an_address() {
    for seed in 0..5 {
        for place in [Place::SameLan, Place::Relayed] {
            let mut lab = lab(seed, Impairment::bad(20), place, seed % 2 == 0);
            let mut clients: Vec<_> = cases().iter().map(|case| (case.attach)(&mut lab)).collect();
            for class in [&b""[..], b"MSFT 5.0", b"udhcp 1.36.1"] {
                let (machine, start) = (lab.machine(0), lab.world.now());
                clients.push(lab.attach(
                    "laptop",
                    machine.mac,
                    Ordinary::new(machine, class, start),
                ));
            }
            lab.world.run(&clients, common::PATIENCE);
            lab.world.run_for(Duration::from_secs(10));
            let mut owners = BTreeMap::new();
            for sent in lab.world.capture().iter().filter(|sent| sent.sender == lab.server) {
                let reply = Reader::new(&sent.datagram.payload).expect("a reply");
                match reply.message_type() {
                    Some(OFFER) => {}
                    Some(ACK) if reply.your_address().is_unspecified() => continue,
                    Some(ACK) => {}
                    Some(NAK) => panic!("refused a client\n{}", lab.world.report()),
                    other => panic!("sent {other:?}\n{}", lab.world.report()),
                }
                let owner = reply.hardware_address().to_vec();
                let known = owners.entry(reply.your_address()).or_insert_with(|| owner.clone());
                assert_eq!(*known, owner, "\n{}", lab.world.report());
            }
            assert!(owners.len() >= clients.len(), "{} of {}", owners.len(), clients.len());
        }
    }
}

/// An ordinary machine gets its lease, and an answer to its INFORM if it sends that from its own address.
#[test]
fn ordinary_machines_get_their_address_and_nothing_to_boot() {
    for place in [Place::SameLan, Place::Relayed] {
        let mut lab = lab(7, Impairment::default(), place, true);
        let (machine, start) = (lab.machine(0), lab.world.now());
        let client = lab.attach("laptop", machine.mac, Ordinary::new(machine, b"MSFT 5.0", start));
        let outcome = lab.run(client);
        let boot = outcome.boot().unwrap_or_else(|| panic!("{outcome:?}"));
        assert!(is_from_our_pool(place, boot.address));
        for sent in lab.world.capture().iter().filter(|sent| sent.sender == lab.server) {
            let reply = Reader::new(&sent.datagram.payload).expect("a reply");
            assert!(reply.boot_file().is_empty() && reply.server_address().is_unspecified());
            assert_eq!((reply.option(60), reply.option(43), reply.option(67)), (None, None, None));
            assert_eq!(reply.option(15), Some(&b"lab.example"[..]), "asked for");
        }
    }
}
