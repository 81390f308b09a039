//! DHCPDISCOVER: which address to offer (RFC 2131 section 4.3.1).

use core::net::Ipv4Addr;

use super::answer::{Discovered, Offer, Probe, Silence};
use super::slot::{Hold, Slot, Standing};
use super::{Allocator, Event};
use crate::client::{Anchor, Client};
use crate::limits::{ADDRESSES_PER_HARDWARE_MAX, LAPSED_PER_CALL_MAX};
use crate::time::UnixSeconds;
use crate::topology::{IdentifyBy, Position, Scope};

/// An address that was found for a client.
struct Choice {
    position: Position,
    /// Whether the client never had it.
    new: bool,
}

impl Allocator {
    /// Finds an address for a client: the one reserved for it, the one it has or was offered, the one it had, the one
    /// it asks for (`requested`, option 50) if that is free, or another of the pools, in this order. The same client
    /// gets the same offer as often as it asks.
    ///
    /// BOOTP clients are served by this and [`request`](Self::request) with
    /// [`RequestKind::Selecting`](super::RequestKind::Selecting), one after the other.
    pub fn discover(
        &mut self,
        now: UnixSeconds,
        scope: Scope,
        client: &Client<'_>,
        requested: Option<Ipv4Addr>,
    ) -> Discovered {
        let Some(anchor) = client.anchor() else {
            return Discovered::Silent(Silence::NoIdentity);
        };
        let choice = match self.choose(now, scope, client, &anchor, requested) {
            Ok(choice) => choice,
            Err(silence) => {
                if silence == Silence::Exhausted {
                    self.note_exhausted(now, scope.network);
                }
                return Discovered::Silent(silence);
            }
        };
        self.offer(now, scope, client, &choice)
    }

    fn choose(
        &mut self,
        now: UnixSeconds,
        scope: Scope,
        client: &Client<'_>,
        anchor: &Anchor,
        requested: Option<Ipv4Addr>,
    ) -> Result<Choice, Silence> {
        let known = |position| Choice { position, new: false };
        if let Some(position) = self.reserved(now, scope, client) {
            return Ok(known(position));
        }
        if let Some(position) = self.known(now, scope, client, anchor) {
            return Ok(known(position));
        }
        if self.table.places(anchor).len() >= ADDRESSES_PER_HARDWARE_MAX {
            return Err(Silence::TooMany);
        }
        let new = |position| Choice { position, new: true };
        let asked = requested.and_then(|address| self.asked_for(now, scope, client, address));
        asked
            .or_else(|| self.search_pools(now, scope, client, anchor))
            .map(new)
            .ok_or_else(|| self.nothing_left(scope))
    }

    /// The client's reservation, unless another machine has it.
    fn reserved(
        &mut self,
        now: UnixSeconds,
        scope: Scope,
        client: &Client<'_>,
    ) -> Option<Position> {
        let address = self.table.topology.reserved_for(scope.network, client)?;
        let position = self.table.topology.position(address)?;
        if self.table.is_own(position) {
            return None;
        }
        if self.can_have(now, position, client) {
            return Some(position);
        }
        let record = self.table.slot(position).and_then(|slot| slot.record.as_ref());
        if let Some(holder) = record.filter(|it| it.is_active(now)).map(|record| record.hardware) {
            self.events.push(Event::ReservationHeld { address, holder });
        }
        None
    }

    /// The address the client has, was offered, or had: the best of them on this network.
    pub(super) fn known(
        &self,
        now: UnixSeconds,
        scope: Scope,
        client: &Client<'_>,
        anchor: &Anchor,
    ) -> Option<Position> {
        let by = self.table.topology.identify_by(scope.network);
        let candidates = self.table.places(anchor).iter().filter_map(|position| {
            let slot = self.table.slot(*position)?;
            let fits = self.table.topology.network_at(*position) == Some(scope.network)
                && slot.knows(client, by)
                && self.is_for(*position, scope.network, client)
                && self.can_have(now, *position, client);
            fits.then(|| (rank(slot, now, client, by), *position))
        });
        candidates.max().map(|(_, position)| position)
    }

    /// The address in option 50, if it is one of the pools' and free.
    fn asked_for(
        &self,
        now: UnixSeconds,
        scope: Scope,
        client: &Client<'_>,
        address: Ipv4Addr,
    ) -> Option<Position> {
        let position = self.table.topology.position(address)?;
        let fits = self.table.topology.network_at(position) == Some(scope.network)
            && self.table.is_dynamic(position)
            && self.can_have(now, position, client);
        fits.then_some(position)
    }

    /// An address nobody ever had, found from a place that is always the same for this client; or else the one that
    /// has been free for longest.
    fn search_pools(
        &mut self,
        now: UnixSeconds,
        scope: Scope,
        client: &Client<'_>,
        anchor: &Anchor,
    ) -> Option<Position> {
        self.put_back_lapsed(now, scope);
        let also = match self.table.topology.identify_by(scope.network) {
            IdentifyBy::HardwareAddress => None,
            IdentifyBy::ClientIdentifier => client.known_identifier(),
        };
        let hash = anchor.hash(also);
        let fresh =
            self.table.topology.pools(scope).find_map(|pool| self.table.fresh_in(pool, hash));
        fresh.or_else(|| self.table.longest_free(scope.network, now))
    }

    /// Addresses that were offered and never taken are as good as new.
    fn put_back_lapsed(&mut self, now: UnixSeconds, scope: Scope) {
        for _ in 0..LAPSED_PER_CALL_MAX {
            let Some(position) = self.table.longest_free(scope.network, now) else { return };
            let never_leased = self.table.slot(position).is_some_and(|slot| slot.record.is_none());
            if !never_leased {
                return;
            }
            self.table.update(position, |slot| slot.hold = None);
        }
    }

    fn offer(
        &mut self,
        now: UnixSeconds,
        scope: Scope,
        client: &Client<'_>,
        choice: &Choice,
    ) -> Discovered {
        let position = choice.position;
        let address = self.table.topology.address(position);
        let subnet = self.table.topology.scope_at(position).map_or(scope.subnet, |at| at.subnet);
        let by = self.table.topology.identify_by(scope.network);
        let slot = self.table.slot(position);
        let lease = slot.and_then(|slot| slot.durable_lease(now, client, by));
        let lease_seconds_left = lease.map(|record| record.expires.seconds_left(now));
        let reserved = self.holder(position).is_some();

        let until = now.plus(u64::from(self.config.offer_hold_seconds));
        let owner = client.owner();
        self.table.update(position, |slot| slot.hold = Some(Hold { owner, until }));
        if choice.new {
            self.note_room(scope.network);
        }
        if self.probes.is_waited_for(now, address) {
            return Discovered::Probing(Probe { address, subnet });
        }
        if self.config.probe && choice.new && self.probes.begin(now, address) {
            return Discovered::Probe(Probe { address, subnet });
        }
        Discovered::Offer(Offer { address, subnet, reserved, lease_seconds_left })
    }

    fn nothing_left(&self, scope: Scope) -> Silence {
        if self.pool_addresses(scope.network) == 0 { Silence::NoPool } else { Silence::Exhausted }
    }
}

/// Which of its addresses a client gets: the one it was just offered, the one it has, the one it had last; of several
/// the one it had in this boot stage.
fn rank(
    slot: &Slot,
    now: UnixSeconds,
    client: &Client<'_>,
    by: IdentifyBy,
) -> (u8, bool, UnixSeconds) {
    let held = slot.hold.as_ref().is_some_and(|hold| hold.until > now);
    let level = match slot.standing(now, 0) {
        Standing::Taken(_) if held || slot.pending.is_some() => 2,
        _ if slot.durable_lease(now, client, by).is_some() => 1,
        _ => 0,
    };
    let last = slot.record.as_ref().map_or(UnixSeconds(0), |record| record.granted);
    (level, slot.knows_exactly(client), last)
}
