//! A server in miniature: an allocator, a store, and a clock that is set by hand.
#![allow(dead_code, unreachable_pub, reason = "every test uses its own part")]

pub mod postgres;

use std::net::Ipv4Addr;

use pxe_lease::store::MemoryStore;
use pxe_lease::{
    Allocator, AllocatorConfig, Answer, Client, Discovered, Event, Granted, HardwareAddress,
    LeaseStore, Offer, Refused, RequestKind, Requested, Scope, SubnetConfig, Topology, UnixSeconds,
};

pub const LEASE_SECONDS: u32 = 3600;

pub fn address(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

/// A hardware address with this number at its end.
pub fn mac(number: u32) -> HardwareAddress {
    let [.., a, b, c] = number.to_be_bytes();
    HardwareAddress::ethernet([2, 0, 0, a, b, c])
}

pub fn client(number: u32) -> Client<'static> {
    Client::new(mac(number))
}

/// A subnet with one pool.
pub fn subnet(prefix: &str, pool: &str) -> SubnetConfig {
    let mut subnet = SubnetConfig::new(prefix.parse().expect("a prefix"));
    subnet.pools.push(pool.parse().expect("a range"));
    subnet
}

pub struct Server<S = MemoryStore> {
    pub allocator: Allocator,
    pub store: S,
    pub now: UnixSeconds,
    pub scope: Scope,
}

impl Server {
    pub fn new(subnets: &[SubnetConfig]) -> Self {
        Self::with(subnets, AllocatorConfig::default(), MemoryStore::default())
    }

    pub fn configured(subnets: &[SubnetConfig], change: impl FnOnce(&mut AllocatorConfig)) -> Self {
        let mut config = AllocatorConfig::default();
        change(&mut config);
        Self::with(subnets, config, MemoryStore::default())
    }
}

impl<S: LeaseStore> Server<S> {
    pub fn with(subnets: &[SubnetConfig], config: AllocatorConfig, mut store: S) -> Self {
        let topology = Topology::new(subnets).expect("a topology");
        let inside = subnets[0].prefix.hosts().first();
        let scope = topology.scope_of(inside).expect("a scope");
        let mut allocator = Allocator::new(topology, config);
        store
            .load(&mut |record| {
                allocator.handle_record(record);
            })
            .expect("a store");
        Self { allocator, store, now: UnixSeconds(1_700_000_000), scope }
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(seconds);
        self.allocator.handle_timeout(self.now);
    }

    pub fn discover(&mut self, client: &Client<'_>) -> Discovered {
        self.allocator.discover(self.now, self.scope, client, None)
    }

    pub fn offer(&mut self, client: &Client<'_>) -> Offer {
        match self.discover(client) {
            Discovered::Offer(offer) => offer,
            other => panic!("{other:?} for {client:?}"),
        }
    }

    pub fn ask(&mut self, client: &Client<'_>, address: Ipv4Addr, kind: RequestKind) -> Requested {
        self.allocator.request(self.now, self.scope, client, address, kind, LEASE_SECONDS)
    }

    /// Writes everything that waits.
    pub fn commit(&mut self) {
        while let Some(batch) = self.allocator.poll_commit(self.now) {
            let result = self.store.apply(&batch.records);
            self.allocator.handle_committed(self.now, batch.id, result);
        }
    }

    /// Asks, and waits until it is durable.
    pub fn request(
        &mut self,
        client: &Client<'_>,
        address: Ipv4Addr,
        kind: RequestKind,
    ) -> Result<Granted, Refused> {
        match self.ask(client, address, kind) {
            Requested::Ack(granted) => Ok(granted),
            Requested::Commit(commit) => {
                self.commit();
                let answers: Vec<Answer> = self.answers();
                answers.into_iter().find(|it| it.commit == commit).expect("an answer").result
            }
            other => panic!("{other:?} for {client:?}"),
        }
    }

    /// DISCOVER and REQUEST.
    pub fn lease(&mut self, client: &Client<'_>) -> Ipv4Addr {
        let offer = self.offer(client);
        self.request(client, offer.address, RequestKind::Selecting).expect("a lease").address
    }

    pub fn answers(&mut self) -> Vec<Answer> {
        std::iter::from_fn(|| self.allocator.poll_answer()).collect()
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.allocator.poll_event()).collect()
    }
}

/// A small generator of numbers, the same for the same seed (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}
