//! How full the networks are.

use super::slot::Standing;
use super::{Allocator, Event};
use crate::limits::EXHAUSTED_SECONDS_MIN;
use crate::record::LeaseState;
use crate::time::UnixSeconds;
use crate::topology::{NetworkId, Position, Scope, SubnetId};

/// How the addresses of one network are used. Those reserved outside of the pools are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Addresses in the pools, without exclusions and reservations.
    pub addresses: u64,
    /// Of these, leased or on their way to it.
    pub leased: u64,
    /// Of these, offered.
    pub offered: u64,
    /// Of these, set aside because another machine uses them.
    pub quarantined: u64,
    /// Of these, free for new clients. What is missing rests behind the end of a lease.
    pub free: u64,
}

/// Whether a network has no free address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exhaustion {
    is: bool,
    said: Option<UnixSeconds>,
    /// Whether what was said still stands.
    open: bool,
}

impl Allocator {
    /// Counts the addresses of a network; takes time with their number.
    #[must_use]
    pub fn usage(&self, now: UnixSeconds, network: NetworkId) -> Usage {
        let mut usage = Usage::default();
        for position in self.pool_positions(network) {
            usage.addresses = usage.addresses.saturating_add(1);
            let Some(slot) = self.table.slot(position) else {
                usage.free = usage.free.saturating_add(1);
                continue;
            };
            let active = slot.record.as_ref().is_some_and(|record| record.is_active(now));
            let leasing = slot
                .pending
                .as_ref()
                .is_some_and(|pending| pending.last().record.state == LeaseState::Leased);
            let count = match slot.standing(now, self.table.rest_seconds) {
                Standing::Available => &mut usage.free,
                Standing::Quarantined => &mut usage.quarantined,
                Standing::Taken(_) if active || leasing => &mut usage.leased,
                Standing::Taken(_) if slot.hold.as_ref().is_some_and(|hold| hold.until > now) => {
                    &mut usage.offered
                }
                Standing::Taken(_) => continue,
            };
            *count = count.saturating_add(1);
        }
        usage
    }

    fn pool_positions(&self, network: NetworkId) -> impl Iterator<Item = Position> {
        let positions = self.table.topology.positions_of(network);
        positions.filter(|position| self.table.is_dynamic(*position))
    }

    /// Addresses in the pools of a network, reserved or not.
    pub(super) fn pool_addresses(&self, network: NetworkId) -> u64 {
        let subnet = SubnetId(u16::MAX);
        let pools = self.table.topology.pools(Scope { network, subnet });
        pools.map(|pool| u64::from(pool.end.saturating_sub(pool.start))).sum()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do, without any message.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<UnixSeconds> {
        let exhausted = self.table.topology.networks().zip(&self.exhausted);
        let free = exhausted
            .filter(|(_, exhaustion)| exhaustion.open)
            .filter_map(|(network, _)| self.table.next_free(network));
        free.chain(self.commits.next_try()).min()
    }

    /// Notes that addresses became free. Then ask [`poll_commit`](Self::poll_commit) too.
    pub fn handle_timeout(&mut self, now: UnixSeconds) {
        for network in self.table.topology.networks() {
            if self.table.next_free(network).is_some_and(|free| free <= now) {
                self.note_room(network);
            }
        }
    }

    pub(super) fn note_exhausted(&mut self, now: UnixSeconds, network: NetworkId) {
        let addresses = self.pool_addresses(network);
        let Some(exhaustion) = self.exhausted.get_mut(usize::from(network.0)) else { return };
        if exhaustion.is {
            return;
        }
        exhaustion.is = true;
        // A network that is full but for an address now and then is one trouble, not many.
        if exhaustion.said.is_none_or(|said| now.since(said) >= EXHAUSTED_SECONDS_MIN) {
            exhaustion.said = Some(now);
            exhaustion.open = true;
            self.events.push(Event::Exhausted { network, addresses });
        }
    }

    /// An address was found, or became free.
    pub(super) fn note_room(&mut self, network: NetworkId) {
        let Some(exhaustion) = self.exhausted.get_mut(usize::from(network.0)) else { return };
        exhaustion.is = false;
        if exhaustion.open {
            exhaustion.open = false;
            self.events.push(Event::Recovered { network });
        }
    }
}
