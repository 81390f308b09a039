//! Bodies of the fuzz targets. Each takes any bytes and asserts properties.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "these are tests"
)]

use core::net::Ipv4Addr;
use std::collections::HashMap;

use crate::allocator::{
    Allocator, AllocatorConfig, Discovered, ProbeResult, RequestKind, Requested,
};
use crate::client::Client;
use crate::exchange::{self, Format};
use crate::hardware::HardwareAddress;
use crate::limits::IMPORT_FAULTS_MAX;
use crate::record::LeaseRecord;
use crate::store::{LeaseStore, MemoryStore, StoreError};
use crate::time::UnixSeconds;
use crate::topology::{IdentifyBy, Reservation, ReservedFor, SubnetConfig, Topology};

/// Decoding never panics, and what was decoded encodes to the same bytes.
pub fn record(data: &[u8]) {
    let address = Ipv4Addr::new(192, 0, 2, 1);
    let Ok(record) = LeaseRecord::decode(address, data) else { return };
    let mut encoded = Vec::new();
    record.encode(&mut encoded);
    assert_eq!(encoded, data);
}

/// Any text in any format is read without a panic, and what was read is the same after writing and reading it.
pub fn import(data: &[u8]) {
    let Some((format, text)) = data.split_first() else { return };
    let format = match format % 5 {
        0 => Format::Csv,
        1 => Format::Json,
        2 => Format::Dnsmasq,
        3 => Format::IscDhcpd,
        _ => Format::KeaMemfile,
    };
    let read = exchange::import(format, text, UnixSeconds(1_700_000_000));
    assert!(read.faults.len() <= IMPORT_FAULTS_MAX.min(read.faults_count));
    assert!(read.records.is_sorted_by_key(|record| record.address));
    for (format, text) in [
        (Format::Csv, exchange::to_csv(&read.records)),
        (Format::Json, exchange::to_json(&read.records)),
    ] {
        let again = exchange::import(format, text.as_bytes(), UnixSeconds(0));
        assert_eq!(again.faults, [], "{text}");
        assert_eq!(again.records, read.records, "{text}");
    }
}

/// A topology with a bit of everything.
fn topology(by: IdentifyBy) -> Topology {
    let mut first = SubnetConfig::new("192.0.2.0/28".parse().expect("a prefix"));
    first.pools.push("192.0.2.0-192.0.2.9".parse().expect("a range"));
    first.exclusions.push("192.0.2.4".parse().expect("a range"));
    first.identify_by = by;
    first.shared_network = Some("link".to_owned());
    first.authoritative = true;
    let mut second = first.clone();
    second.prefix = "198.51.100.0/30".parse().expect("a prefix");
    second.pools = vec!["198.51.100.0/30".parse().expect("a range")];
    second.exclusions.clear();
    let holder = ReservedFor::Hardware(HardwareAddress::ethernet([2, 0, 0, 0, 0, 1]));
    first.reservations.push(Reservation::new(Ipv4Addr::new(192, 0, 2, 3), holder));
    let holder = ReservedFor::Circuit { circuit_id: Some(b"port".to_vec()), remote_id: None };
    first.reservations.push(Reservation::new(Ipv4Addr::new(192, 0, 2, 12), holder));
    Topology::new(&[first, second]).expect("a topology")
}

/// What the script says next.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }
}

/// The allocator as a whole machine: any messages of a few clients in any order, with a store that fails at times.
/// Whoever is acknowledged is the only one for as long as its lease lasts.
pub fn allocator(data: &[u8]) {
    let mut script = Script(data);
    let by = match script.byte().unwrap_or(0) % 2 {
        0 => IdentifyBy::HardwareAddress,
        _ => IdentifyBy::ClientIdentifier,
    };
    let config =
        AllocatorConfig { probe: true, cache_threshold_percent: 25, ..AllocatorConfig::default() };
    let mut allocator = Allocator::new(topology(by), config);
    allocator.set_own_addresses([Ipv4Addr::new(192, 0, 2, 1)]);
    let mut users = Users::default();
    let mut store = MemoryStore::default();
    let mut now = UnixSeconds(1_700_000_000);
    while let (Some(verb), Some(who), Some(what)) = (script.byte(), script.byte(), script.byte()) {
        step(&mut allocator, &mut users, &mut store, &mut now, [verb, who, what]);
        while let Some(answer) = allocator.poll_answer() {
            if let (Ok(granted), Some(user)) = (answer.result, users.waiting.remove(&answer.commit))
            {
                users.acknowledge(now, user, granted.address, granted.lease_seconds);
            }
        }
        while allocator.poll_event().is_some() {}
    }
}

/// Who uses what, as the clients see it.
#[derive(Default)]
struct Users {
    holders: HashMap<Ipv4Addr, (u8, UnixSeconds)>,
    waiting: HashMap<crate::CommitId, u8>,
}

impl Users {
    fn acknowledge(&mut self, now: UnixSeconds, user: u8, address: Ipv4Addr, seconds: u32) {
        assert!(seconds > 0);
        assert_ne!(address, Ipv4Addr::new(192, 0, 2, 1), "our own address");
        assert_ne!(address.octets()[3] % 16, 0, "a network address");
        if let Some((holder, until)) = self.holders.get(&address) {
            assert!(*holder == user || *until <= now, "{address} has two users");
        }
        self.holders.insert(address, (user, now.lease_end(seconds)));
    }
}

fn step(
    allocator: &mut Allocator,
    users: &mut Users,
    store: &mut MemoryStore,
    now: &mut UnixSeconds,
    [verb, who, what]: [u8; 3],
) {
    // Four hardware addresses, each with and without identifier, in and out of firmware.
    let user = who % 4;
    let identifier = [who >> 2 & 3];
    let mut client = Client::new(HardwareAddress::ethernet([2, 0, 0, 0, 0, user]));
    client.identifier = (who & 0x10 != 0).then_some(&identifier[..]);
    client.netboot = who & 0x20 != 0;
    client.circuit_id = (who & 0x40 != 0).then_some(&b"port"[..]);
    // Guests behind one hardware address count as one user, which asks for less.
    let machine = user;
    let address = match what % 20 {
        low @ 0..16 => Ipv4Addr::new(192, 0, 2, low),
        high => Ipv4Addr::new(198, 51, 100, high - 16),
    };
    let scope = allocator.topology().scope_of(Ipv4Addr::new(192, 0, 2, 1)).expect("a scope");
    let lease_seconds = 60 + u32::from(what);
    match verb % 8 {
        0 => match allocator.discover(*now, scope, &client, Some(address)) {
            Discovered::Probe(probe) => {
                let result = if what & 0x40 == 0 { ProbeResult::Free } else { ProbeResult::InUse };
                allocator.handle_probed(*now, probe.address, result);
            }
            Discovered::Offer(offer) => {
                let again = allocator.discover(*now, scope, &client, Some(address));
                let same = matches!(again, Discovered::Offer(it) if it.address == offer.address);
                assert!(same, "an offer that is not stable: {offer:?}, {again:?}");
            }
            Discovered::Probing(_) | Discovered::Silent(_) => {}
        },
        1..=3 => {
            let kinds = [RequestKind::Selecting, RequestKind::InitReboot, RequestKind::Renewing];
            let kind = kinds[usize::from(verb % 8) - 1];
            match allocator.request(*now, scope, &client, address, kind, lease_seconds) {
                Requested::Commit(commit) => {
                    users.waiting.insert(commit, machine);
                }
                Requested::Ack(granted) => {
                    users.acknowledge(*now, machine, granted.address, granted.lease_seconds);
                }
                Requested::Nak(_) | Requested::Silent(_) => {}
            }
        }
        4 => {
            if allocator.release(*now, &client, address).is_ok() {
                users.holders.remove(&address);
            }
        }
        5 => {
            if allocator.decline(*now, &client, address).is_ok() {
                users.holders.remove(&address);
            }
        }
        6 => commit(allocator, store, *now, what),
        _ => {
            *now = now.plus(u64::from(what));
            allocator.handle_timeout(*now);
        }
    }
}

fn commit(allocator: &mut Allocator, store: &mut MemoryStore, now: UnixSeconds, what: u8) {
    let Some(batch) = allocator.poll_commit(now) else { return };
    let result = match what % 4 {
        0 => {
            let detail = "away".to_owned();
            Err(StoreError::Io { place: "here".to_owned(), detail })
        }
        1 => {
            let _ = store.apply(&batch.records);
            Ok(Vec::new())
        }
        _ => store.apply(&batch.records),
    };
    allocator.handle_committed(now, batch.id, result);
}
