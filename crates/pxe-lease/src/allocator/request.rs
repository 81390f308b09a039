//! DHCPREQUEST: whether a client gets the address it names (RFC 2131 section 4.3.2).

use core::net::Ipv4Addr;

use super::Allocator;
use super::answer::{Granted, NakReason, RequestKind, Requested, Silence};
use super::slot::Standing;
use crate::client::{Anchor, Client, OwnerRef};
use crate::limits::{ADDRESSES_PER_HARDWARE_MAX, RENEWAL_SECONDS_MIN};
use crate::record::{LeaseRecord, LeaseState};
use crate::time::UnixSeconds;
use crate::topology::{Position, Scope};

/// A request, as its parts are handed around.
struct Asked<'r, 'c> {
    now: UnixSeconds,
    scope: Scope,
    client: &'r Client<'c>,
    kind: RequestKind,
    lease_seconds: u32,
}

/// What is known of the client and the address.
enum Tie {
    /// It is the client's, or was its last.
    Theirs,
    /// It is free, and nothing ties it to the client.
    Free,
    No(NakReason),
}

impl Allocator {
    /// Answers a request for an address: option 50, or `ciaddr` from a client that extends its lease.
    ///
    /// A request whose server identifier names another server is not for us: call
    /// [`handle_other_chosen`](Self::handle_other_chosen) instead.
    pub fn request(
        &mut self,
        now: UnixSeconds,
        scope: Scope,
        client: &Client<'_>,
        address: Ipv4Addr,
        kind: RequestKind,
        lease_seconds: u32,
    ) -> Requested {
        let Some(anchor) = client.anchor() else {
            return Requested::Silent(Silence::NoIdentity);
        };
        let asked = Asked { now, scope, client, kind, lease_seconds };
        let position = match self.place_on(scope, address) {
            Ok(position) => position,
            Err(reason) => return self.refuse(&asked, &anchor, reason),
        };
        match self.tie(&asked, position) {
            Tie::Theirs => self.grant(&asked, position),
            Tie::No(reason) => self.refuse(&asked, &anchor, reason),
            Tie::Free => {
                let knows_better = match kind {
                    RequestKind::Selecting => true,
                    // Its lease was lost with our store, or never ours. Where we alone decide, it is.
                    RequestKind::InitReboot | RequestKind::Renewing => {
                        self.table.topology.is_authoritative(scope.network)
                    }
                    RequestKind::Rebinding => false,
                };
                if !knows_better {
                    return Requested::Silent(Silence::Unknown);
                }
                if self.table.places(&anchor).len() >= ADDRESSES_PER_HARDWARE_MAX {
                    return Requested::Silent(Silence::TooMany);
                }
                self.grant(&asked, position)
            }
        }
    }

    /// The client chose another server's offer: what we offered it is free again.
    pub fn handle_other_chosen(&mut self, client: &Client<'_>) {
        let Some(anchor) = client.anchor() else { return };
        for position in self.table.places(&anchor).to_vec() {
            let by = self.identify_by(position);
            let held = self.table.slot(position).and_then(|slot| slot.hold.as_ref());
            if held.is_some_and(|hold| hold.owner.as_ref().is(client, by)) {
                self.table.update(position, |slot| slot.hold = None);
            }
        }
    }

    fn place_on(&self, scope: Scope, address: Ipv4Addr) -> Result<Position, NakReason> {
        let on_link = self.table.topology.scope_of(address);
        if on_link.is_none_or(|at| at.network != scope.network) {
            return Err(NakReason::WrongNetwork);
        }
        self.table.topology.position(address).ok_or(NakReason::NotForClient)
    }

    fn tie(&self, asked: &Asked<'_, '_>, position: Position) -> Tie {
        let (scope, client, now) = (asked.scope, asked.client, asked.now);
        if !self.is_for(position, scope.network, client) {
            return Tie::No(NakReason::NotForClient);
        }
        if self.has_better(asked, position) {
            return Tie::No(NakReason::ReservedOther);
        }
        let Some(slot) = self.table.slot(position) else { return Tie::Free };
        let by = self.table.topology.identify_by(scope.network);
        match slot.standing(now, self.table.rest_seconds) {
            Standing::Quarantined => Tie::No(NakReason::Quarantined),
            Standing::Taken(owner) if owner.is(client, by) => Tie::Theirs,
            Standing::Taken(_) => Tie::No(NakReason::Taken),
            Standing::Available if slot.knows(client, by) => Tie::Theirs,
            Standing::Available => Tie::Free,
        }
    }

    /// Whether another address is reserved for the client, and free for it.
    fn has_better(&self, asked: &Asked<'_, '_>, position: Position) -> bool {
        let reserved = self.table.topology.reserved_for(asked.scope.network, asked.client);
        let better = reserved.and_then(|address| self.table.topology.position(address));
        better.is_some_and(|better| {
            better != position
                && !self.table.is_own(better)
                && self.can_have(asked.now, better, asked.client)
        })
    }

    /// DHCPNAK where we are sure, silence where another server may know better.
    fn refuse(&self, asked: &Asked<'_, '_>, anchor: &Anchor, reason: NakReason) -> Requested {
        let known = || self.known(asked.now, asked.scope, asked.client, anchor).is_some();
        let sure = match (asked.kind, reason) {
            (RequestKind::Selecting, _) | (_, NakReason::ReservedOther) => true,
            (RequestKind::InitReboot, NakReason::WrongNetwork) => true,
            // Its lease here is another one.
            (RequestKind::InitReboot, _) => known(),
            (RequestKind::Renewing | RequestKind::Rebinding, _) => false,
        };
        if sure || self.table.topology.is_authoritative(asked.scope.network) {
            return Requested::Nak(reason);
        }
        Requested::Silent(Silence::NotAuthoritative(reason))
    }

    fn grant(&mut self, asked: &Asked<'_, '_>, position: Position) -> Requested {
        if let Some(commit) = self.repeated(asked, position) {
            return Requested::Commit(commit);
        }
        if self.commits.is_resting(asked.now) {
            return match self.durable_rest(asked, position) {
                Some(granted) => Requested::Ack(granted),
                None => Requested::Silent(Silence::StoreAway),
            };
        }
        if let Some(granted) = self.cached(asked, position) {
            return Requested::Ack(granted);
        }
        let Asked { now, client, lease_seconds, .. } = *asked;
        let promised = now.lease_end(lease_seconds);
        let expires = promised.max(self.promised_before(asked, position));
        let record = LeaseRecord {
            identifier: client.known_identifier().map(Into::into),
            host_name: client.known_host_name().map(Into::into),
            netboot: client.netboot,
            ..LeaseRecord::new(self.table.topology.address(position), client.hardware, now, expires)
        };
        Requested::Commit(self.queue_awaited(position, record, asked.kind.extends(), promised))
    }

    /// Until when the client may believe that it has the address, should it miss our answer. A shorter lease takes
    /// nothing of that; but one without end, as BOOTP clients get, may come to one.
    fn promised_before(&self, asked: &Asked<'_, '_>, position: Position) -> UnixSeconds {
        let by = self.table.topology.identify_by(asked.scope.network);
        let Some(slot) = self.table.slot(position) else { return asked.now };
        let durable = slot.durable_lease(asked.now, asked.client, by);
        let on_its_way = slot.pending.as_ref().map(|pending| &pending.last().record);
        let theirs = |record: &&LeaseRecord| {
            record.is_active(asked.now) && OwnerRef::of_record(record).is(asked.client, by)
        };
        let leases = durable.into_iter().chain(on_its_way.filter(theirs));
        let ends = leases.map(|lease| lease.expires).filter(|end| *end != UnixSeconds::NEVER);
        ends.max().unwrap_or(asked.now)
    }

    /// The commit that the client waits for already.
    fn repeated(&mut self, asked: &Asked<'_, '_>, position: Position) -> Option<super::CommitId> {
        let last = self.table.slot(position)?.pending.as_ref()?.last();
        let same = last.awaited
            && last.record.state == LeaseState::Leased
            && OwnerRef::of_record(&last.record).is_exactly(asked.client);
        let commit = same.then_some(last.commit)?;
        if !asked.kind.extends() {
            // It began anew meanwhile, and may have given the address back to another server.
            self.table.update(position, |slot| {
                if let Some(pending) = &mut slot.pending {
                    pending.last_mut().extends = false;
                }
            });
        }
        Some(commit)
    }

    /// What can be promised without the store: the rest of a lease that is durable, to a client that has the address
    /// at this moment. Nobody else gets the address before that lease ends, whatever other servers do.
    fn durable_rest(&self, asked: &Asked<'_, '_>, position: Position) -> Option<Granted> {
        if !asked.kind.extends() {
            return None;
        }
        let mut granted = self.rest_of_lease(asked, position)?;
        granted.lease_seconds = granted.lease_seconds.min(asked.lease_seconds);
        (granted.lease_seconds >= RENEWAL_SECONDS_MIN).then_some(granted)
    }

    /// A young lease, if the configuration spares the store.
    fn cached(&self, asked: &Asked<'_, '_>, position: Position) -> Option<Granted> {
        let percent = u64::from(self.config.cache_threshold_percent);
        if percent == 0 || self.config.shared_store && !asked.kind.extends() {
            return None;
        }
        let slot = self.table.slot(position)?;
        let by = self.table.topology.identify_by(asked.scope.network);
        let record = slot.durable_lease(asked.now, asked.client, by)?;
        // A later boot stage has another identifier, and releases by that.
        if !OwnerRef::of_record(record).is_exactly(asked.client) {
            return None;
        }
        let whole = record.expires.since(record.granted);
        let passed = asked.now.since(record.granted).saturating_mul(100);
        let young = passed < whole.saturating_mul(percent);
        let granted = self.rest_of_lease(asked, position)?;
        (young && granted.lease_seconds <= asked.lease_seconds).then_some(granted)
    }

    fn rest_of_lease(&self, asked: &Asked<'_, '_>, position: Position) -> Option<Granted> {
        let by = self.table.topology.identify_by(asked.scope.network);
        // A release on its way will end it.
        let slot = self.table.slot(position).filter(|slot| slot.pending.is_none())?;
        let record = slot.durable_lease(asked.now, asked.client, by)?;
        Some(self.granted(position, record, record.expires.seconds_left(asked.now), true))
    }
}
