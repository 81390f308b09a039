//! Who gets which address, without a clock, a store or a socket.

mod answer;
mod bitmap;
mod commit;
mod config;
mod declines;
mod discover;
mod event;
mod giving_back;
mod probing;
mod request;
mod room;
mod slot;
mod table;
#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;
use std::collections::VecDeque;

pub use self::answer::{
    Answer, Batch, BatchId, CommitId, Discovered, Granted, Ignored, NakReason, Offer, Probe,
    ProbeResult, Refused, RequestKind, Requested, Silence,
};
use self::commit::Commits;
pub use self::config::AllocatorConfig;
use self::declines::Declines;
pub use self::event::Event;
use self::event::Events;
use self::probing::Probes;
pub use self::room::Usage;
use self::table::Table;
use crate::client::{Client, OwnerRef};
use crate::record::LeaseRecord;
use crate::time::UnixSeconds;
use crate::topology::{NetworkId, Position, ReservedFor, Topology};

/// Gives out addresses, and knows who has which.
///
/// It is filled from the store with [`handle_record`](Self::handle_record). Then each message of a client is one call
/// ([`discover`](Self::discover), [`request`](Self::request), [`release`](Self::release), [`decline`](Self::decline)),
/// after which the caller drains [`poll_answer`](Self::poll_answer) and [`poll_event`](Self::poll_event), and hands
/// the records of [`poll_commit`](Self::poll_commit) to the store. The [crate's documentation](crate) shows the loop.
///
/// What is in memory is a copy of what is durable. It may be out of date where servers share a store; a record is
/// only ever replaced by the one that follows its version, so an old copy costs a try and never gives an address
/// twice.
#[derive(Clone, Debug)]
pub struct Allocator {
    config: AllocatorConfig,
    table: Table,
    commits: Commits,
    declines: Declines,
    probes: Probes,
    answers: VecDeque<Answer>,
    events: Events,
    /// Networks without a free address, and when that was said last.
    exhausted: Vec<room::Exhaustion>,
}

impl Allocator {
    /// An allocator that knows of no lease.
    #[must_use]
    pub fn new(topology: Topology, config: AllocatorConfig) -> Self {
        let exhausted = topology.networks().map(|_| room::Exhaustion::default()).collect();
        Self {
            table: Table::new(topology, u64::from(config.rest_seconds)),
            config,
            commits: Commits::default(),
            declines: Declines::default(),
            probes: Probes::default(),
            answers: VecDeque::new(),
            events: Events::default(),
            exhausted,
        }
    }

    /// The networks it gives addresses on.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.table.topology
    }

    /// Takes a new configuration. Leases, offers and commits on their way are kept, as far as their addresses are in
    /// the new one too.
    ///
    /// Returns whether it has addresses that the old one had not. Their leases of earlier days are in the store alone:
    /// load it again, and hand over its records.
    #[must_use = "the store may know leases of the new addresses"]
    pub fn reconfigure(&mut self, topology: Topology, config: AllocatorConfig) -> bool {
        let has_more = !self.table.topology.covers(&topology);
        let mut table = Table::new(topology, u64::from(config.rest_seconds));
        table.set_own(self.table.own().collect());
        for (position, slot) in self.table.slots() {
            let address = self.table.topology.address(position);
            if let Some(position) = table.topology.position(address) {
                table.update(position, |new| *new = slot.clone());
            } else if let Some(pending) = &slot.pending {
                self.answers.extend(commit::give_up(pending, Refused::Superseded));
            }
        }
        self.exhausted = table.topology.networks().map(|_| room::Exhaustion::default()).collect();
        self.table = table;
        self.config = config;
        has_more
    }

    /// The addresses of this machine, which nobody gets. They may change at any time.
    pub fn set_own_addresses(&mut self, own: impl IntoIterator<Item = Ipv4Addr>) {
        self.table.set_own(own.into_iter().collect());
    }

    /// Takes a record from the store: when it is loaded, and when another server changed it. Returns whether the
    /// address is one of ours; leases of other addresses stay in the store, for a configuration that has them again
    /// ([`reconfigure`](Self::reconfigure)).
    pub fn handle_record(&mut self, record: LeaseRecord) -> bool {
        let Some(position) = self.table.topology.position(record.address) else { return false };
        self.adopt(position, record);
        true
    }

    /// Makes a record that the store has known, if it is newer than what is.
    fn adopt(&mut self, position: Position, record: LeaseRecord) {
        let known = self.table.slot(position).and_then(|slot| slot.record.as_ref());
        if known.is_some_and(|known| known.version >= record.version) {
            return;
        }
        self.set_record(position, record);
    }

    fn set_record(&mut self, position: Position, record: LeaseRecord) {
        self.table.update(position, |slot| {
            // An offer of ours to somebody else came too late.
            let theirs = OwnerRef::of_record(&record);
            slot.hold = slot.hold.take().filter(|hold| hold.owner.as_ref() == theirs);
            slot.record = Some(record);
            slot.unsure = false;
        });
    }

    /// How a commit ended.
    pub fn poll_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// What people should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Every address that has a record, in no particular order.
    pub fn records(&self) -> impl Iterator<Item = &LeaseRecord> {
        self.table.slots().filter_map(|(_, slot)| slot.record.as_ref())
    }

    /// The record of an address.
    #[must_use]
    pub fn record(&self, address: Ipv4Addr) -> Option<&LeaseRecord> {
        self.table.slot(self.table.topology.position(address)?)?.record.as_ref()
    }

    /// Whether the client may be given the address, were it free: not our own, and not another's.
    fn is_for(&self, position: Position, network: NetworkId, client: &Client<'_>) -> bool {
        if self.table.is_own(position) {
            return false;
        }
        if self.table.topology.is_dynamic(position) {
            return true;
        }
        let address = self.table.topology.address(position);
        self.table.topology.reserved_for(network, client) == Some(address)
    }

    /// Whether the address is reserved for anybody.
    fn holder(&self, position: Position) -> Option<&ReservedFor> {
        self.table.topology.holder(position)
    }

    /// Whether the address is free, or this client's already.
    fn can_have(&self, now: UnixSeconds, position: Position, client: &Client<'_>) -> bool {
        let Some(slot) = self.table.slot(position) else { return true };
        match slot.standing(now, self.table.rest_seconds) {
            slot::Standing::Available => true,
            slot::Standing::Taken(owner) => owner.is(client, self.identify_by(position)),
            slot::Standing::Quarantined => false,
        }
    }

    fn identify_by(&self, position: Position) -> crate::topology::IdentifyBy {
        let network = self.table.topology.network_at(position);
        network.map(|network| self.table.topology.identify_by(network)).unwrap_or_default()
    }
}
