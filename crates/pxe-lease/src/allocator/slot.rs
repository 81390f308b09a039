//! What is known of one address.

use super::answer::CommitId;
use crate::client::{Anchor, Client, Owner, OwnerRef};
use crate::record::{LeaseRecord, LeaseState};
use crate::time::UnixSeconds;
use crate::topology::IdentifyBy;

/// An address with a past, a present or a future.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// What is durable, as far as we know.
    pub(super) record: Option<LeaseRecord>,
    /// Whether the store may have something that ends earlier than the record says: it failed while it was given that.
    pub(super) unsure: bool,
    /// Kept for a client that was offered it.
    pub(super) hold: Option<Hold>,
    /// On its way into the store.
    pub(super) pending: Option<Box<Pending>>,
}

#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) owner: Owner,
    pub(super) until: UnixSeconds,
}

/// A record on its way into the store.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) commit: CommitId,
    /// Its version is that of the record it replaces, plus one.
    pub(super) record: LeaseRecord,
    pub(super) retries: u8,
    pub(super) in_flight: bool,
    /// Whether a client waits for its answer.
    pub(super) awaited: bool,
    /// Whether that client has the address at this moment.
    pub(super) extends: bool,
    /// Until when it may use the address; the record may end later, where more was promised before.
    pub(super) promised: UnixSeconds,
    /// What comes behind it, while it is in flight.
    pub(super) next: Option<Box<Self>>,
}

impl Pending {
    /// The last record of the chain.
    pub(super) fn last(&self) -> &Self {
        self.next.as_deref().unwrap_or(self)
    }

    pub(super) fn last_mut(&mut self) -> &mut Self {
        match self.next {
            Some(ref mut next) => next,
            None => self,
        }
    }
}

/// Who may have an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// Anybody.
    Available,
    /// This client alone.
    Taken(OwnerRef<'a>),
    /// Nobody.
    Quarantined,
}

/// From when on anybody may have the address of a record.
pub(super) fn available_from(record: &LeaseRecord, rest_seconds: u64) -> UnixSeconds {
    let rest = if record.state == LeaseState::Leased { rest_seconds } else { 0 };
    record.expires.plus(rest)
}

impl Slot {
    pub(super) fn is_empty(&self) -> bool {
        self.record.is_none() && self.hold.is_none() && self.pending.is_none()
    }

    pub(super) fn standing(&self, now: UnixSeconds, rest_seconds: u64) -> Standing<'_> {
        if let Some(pending) = &self.pending {
            let record = &pending.last().record;
            return if record.state.is_quarantine() {
                Standing::Quarantined
            } else {
                Standing::Taken(OwnerRef::of_record(record))
            };
        }
        // A lease goes before an offer: another server may have given the address away since it was offered here.
        if let Some(record) = &self.record
            && available_from(record, rest_seconds) > now
        {
            return if record.state.is_quarantine() {
                Standing::Quarantined
            } else {
                Standing::Taken(OwnerRef::of_record(record))
            };
        }
        match self.hold.as_ref().filter(|hold| hold.until > now) {
            Some(hold) => Standing::Taken(hold.owner.as_ref()),
            None => Standing::Available,
        }
    }

    /// Whether the client has, had, or was offered the address.
    pub(super) fn knows(&self, client: &Client<'_>, by: IdentifyBy) -> bool {
        self.owners().any(|owner| owner.is(client, by))
    }

    /// Whether exactly this client, in this boot stage, was the last.
    pub(super) fn knows_exactly(&self, client: &Client<'_>) -> bool {
        self.owners().any(|owner| owner.is_exactly(client))
    }

    fn owners(&self) -> impl Iterator<Item = OwnerRef<'_>> {
        let pending = self.pending.iter().map(|pending| &pending.last().record);
        let records = pending.chain(&self.record).filter(|record| !record.state.is_quarantine());
        let holds = self.hold.iter().map(|hold| hold.owner.as_ref());
        records.map(OwnerRef::of_record).chain(holds)
    }

    /// Whether a record would leave the client less than it has now.
    pub(super) fn may_shorten(&self, next: &LeaseRecord) -> bool {
        let earlier = self.record.as_ref().is_some_and(|record| next.expires < record.expires);
        earlier || next.state != LeaseState::Leased
    }

    /// Under what the slot is found.
    pub(super) fn anchors(&self) -> Vec<Anchor> {
        let pending = self.pending.iter().map(|pending| &pending.last().record);
        let records = pending.chain(&self.record).filter(|record| !record.state.is_quarantine());
        let anchor =
            |record: &LeaseRecord| Anchor::of(record.hardware, record.identifier.as_deref());
        let holds = self.hold.iter().filter_map(|hold| hold.owner.anchor());
        let mut anchors: Vec<Anchor> = records.filter_map(anchor).chain(holds).collect();
        anchors.sort_unstable();
        anchors.dedup();
        anchors
    }

    /// The lease of the client that is durable for certain, and not over.
    pub(super) fn durable_lease(
        &self,
        now: UnixSeconds,
        client: &Client<'_>,
        by: IdentifyBy,
    ) -> Option<&LeaseRecord> {
        let theirs = |record: &&LeaseRecord| OwnerRef::of_record(record).is(client, by);
        self.record
            .as_ref()
            .filter(|_| !self.unsure)
            .filter(|record| record.is_active(now))
            .filter(theirs)
    }
}
