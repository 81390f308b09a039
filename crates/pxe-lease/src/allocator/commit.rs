//! What is on its way into the store: queued, in batches, and back.

use core::mem;
use core::net::Ipv4Addr;
use std::collections::{BTreeMap, VecDeque};

use super::answer::{Answer, Batch, BatchId, CommitId, Granted, Refused};
use super::slot::Pending;
use super::{Allocator, Event};
use crate::client::OwnerRef;
use crate::limits::{
    BATCH_CHANGES_MAX, BATCHES_IN_FLIGHT_MAX, COMMIT_RETRIES_MAX, RENEWAL_SECONDS_MIN,
    STORE_RETRY_SECONDS,
};
use crate::record::{LeaseRecord, LeaseState};
use crate::store::{Outcome, StoreError};
use crate::time::UnixSeconds;
use crate::topology::Position;

#[derive(Clone, Debug, Default)]
pub(super) struct Commits {
    /// Addresses with a pending record that is not in flight.
    queue: VecDeque<Ipv4Addr>,
    /// The addresses of each batch in flight, in the order of its records.
    batches: BTreeMap<BatchId, Vec<Ipv4Addr>>,
    next_commit: u64,
    next_batch: u64,
    /// When the store is tried again, if it failed.
    retry_at: Option<UnixSeconds>,
}

impl Commits {
    /// Whether the store failed, and it is not yet time to try it again.
    pub(super) fn is_resting(&self, now: UnixSeconds) -> bool {
        self.retry_at.is_some_and(|at| now < at || !self.batches.is_empty())
    }

    pub(super) fn next_try(&self) -> Option<UnixSeconds> {
        self.retry_at.filter(|_| self.batches.is_empty())
    }

    fn new_commit(&mut self) -> CommitId {
        self.next_commit = self.next_commit.wrapping_add(1);
        CommitId(self.next_commit)
    }
}

/// Whether the client released or declined the address since.
fn gives_back(next: Option<&Pending>) -> bool {
    next.is_some_and(|next| next.record.state != LeaseState::Leased)
}

/// The answers to those who wait for a record that is given up.
pub(super) fn give_up(pending: &Pending, refused: Refused) -> Vec<Answer> {
    let chain = [Some(pending), pending.next.as_deref()];
    let awaited = chain.into_iter().flatten().filter(|pending| pending.awaited);
    awaited.map(|pending| Answer { commit: pending.commit, result: Err(refused) }).collect()
}

impl Allocator {
    pub(super) fn queue_awaited(
        &mut self,
        position: Position,
        record: LeaseRecord,
        extends: bool,
        promised: UnixSeconds,
    ) -> CommitId {
        self.queue(position, record, Some((extends, promised)))
    }

    pub(super) fn queue_unawaited(&mut self, position: Position, record: LeaseRecord) {
        self.queue(position, record, None);
    }

    fn queue(
        &mut self,
        position: Position,
        mut record: LeaseRecord,
        awaited: Option<(bool, UnixSeconds)>,
    ) -> CommitId {
        let commit = self.commits.new_commit();
        let address = record.address;
        let known = self.table.slot(position).and_then(|slot| slot.record.as_ref());
        record.version = known.map_or(0, |known| known.version).saturating_add(1);
        let (extends, promised) = awaited.unwrap_or((false, UnixSeconds(0)));
        let new = Pending {
            commit,
            record,
            retries: 0,
            in_flight: false,
            awaited: awaited.is_some(),
            extends,
            promised,
            next: None,
        };
        let replaced = self.table.update(position, |slot| match &mut slot.pending {
            None => {
                slot.pending = Some(Box::new(new));
                None
            }
            Some(pending) if pending.in_flight => pending.next.replace(Box::new(new)),
            Some(pending) => Some(Box::new(mem::replace(&mut **pending, new))),
        });
        match replaced.flatten() {
            Some(old) => self.answers.extend(give_up(&old, Refused::Superseded)),
            None => self.enqueue(position, address),
        }
        commit
    }

    /// Puts the address into the queue, unless its record is behind one in flight.
    fn enqueue(&mut self, position: Position, address: Ipv4Addr) {
        let pending = self.table.slot(position).and_then(|slot| slot.pending.as_ref());
        if pending.is_some_and(|pending| !pending.in_flight) {
            self.commits.queue.push_back(address);
        }
    }

    /// The next records for the store: all that wait, up to [`BATCH_CHANGES_MAX`]. Ask again when the store has time,
    /// so that each batch is as large as the load makes it.
    ///
    /// After the store failed there is a batch once a second, empty if nothing waits, by which it shows whether it
    /// works again.
    pub fn poll_commit(&mut self, now: UnixSeconds) -> Option<Batch> {
        let full = self.commits.batches.len() >= BATCHES_IN_FLIGHT_MAX;
        if full || self.commits.is_resting(now) {
            return None;
        }
        let mut records = Vec::new();
        while records.len() < BATCH_CHANGES_MAX {
            let Some(address) = self.commits.queue.pop_front() else { break };
            let Some(position) = self.table.topology.position(address) else { continue };
            let record = self.table.update(position, |slot| {
                let pending = slot.pending.as_mut().filter(|pending| !pending.in_flight)?;
                pending.in_flight = true;
                Some(pending.record.clone())
            });
            records.extend(record.flatten());
        }
        if records.is_empty() && self.commits.retry_at.is_none() {
            return None;
        }
        self.commits.next_batch = self.commits.next_batch.wrapping_add(1);
        let id = BatchId(self.commits.next_batch);
        let addresses = records.iter().map(|record| record.address).collect();
        self.commits.batches.insert(id, addresses);
        Some(Batch { id, records })
    }

    /// Takes what the store said about a batch. Then drain [`poll_answer`](Self::poll_answer).
    pub fn handle_committed(
        &mut self,
        now: UnixSeconds,
        batch: BatchId,
        result: Result<Vec<Outcome>, StoreError>,
    ) {
        let Some(addresses) = self.commits.batches.remove(&batch) else { return };
        match result {
            Ok(outcomes) if outcomes.len() == addresses.len() => {
                if self.commits.retry_at.take().is_some() {
                    self.events.push(Event::StoreBack);
                }
                for (address, outcome) in addresses.into_iter().zip(outcomes) {
                    self.finish(now, address, outcome);
                }
            }
            Ok(outcomes) => {
                let (said, asked) = (outcomes.len(), addresses.len());
                let reason = format!("it answered {said} records of {asked}");
                self.fail(now, addresses, reason);
            }
            Err(error) => self.fail(now, addresses, error.to_string()),
        }
    }

    fn finish(&mut self, now: UnixSeconds, address: Ipv4Addr, outcome: Outcome) {
        let Some(position) = self.table.topology.position(address) else { return };
        let taken = self.table.update(position, |slot| slot.pending.take());
        let Some(pending) = taken.flatten() else { return };
        match outcome {
            Outcome::Stored => self.stored(now, position, *pending),
            // An earlier try of the same record was stored, though it seemed to fail.
            Outcome::Conflict(current) if current == pending.record => {
                self.stored(now, position, *pending);
            }
            Outcome::Conflict(current) => self.conflict(now, position, *pending, current),
        }
    }

    fn stored(&mut self, now: UnixSeconds, position: Position, pending: Pending) {
        let Pending { commit, record, awaited, promised, next, .. } = pending;
        if awaited {
            let granted = self.granted(position, &record, promised.seconds_left(now), false);
            // A store may take so long that the lease is over.
            let in_time = granted.lease_seconds > 0;
            let result = match (in_time, gives_back(next.as_deref())) {
                (_, true) => Err(Refused::Superseded),
                (false, false) => Err(Refused::StoreAway),
                (true, false) => Ok(granted),
            };
            self.answers.push_back(Answer { commit, result });
        }
        let address = record.address;
        self.table.update(position, |slot| {
            if record.state == LeaseState::Leased {
                slot.hold = None;
            }
            slot.pending = next.map(|mut next| {
                next.record.version = record.version.saturating_add(1);
                next
            });
            slot.record = Some(record);
            slot.unsure = false;
        });
        self.enqueue(position, address);
    }

    /// The store has a record that we did not know of.
    fn conflict(
        &mut self,
        now: UnixSeconds,
        position: Position,
        mut pending: Pending,
        current: LeaseRecord,
    ) {
        let address = current.address;
        let (version, promised) = (current.version, current.expires);
        let leased_to_same = {
            let theirs = OwnerRef::of_record(&current).is_exactly(&pending.record.client());
            theirs && current.is_active(now)
        };
        let active = current.is_active(now);
        // What the store says counts, even where its versions began anew.
        self.set_record(position, current);
        let fits = match pending.record.state {
            LeaseState::Leased => self.can_have(now, position, &pending.record.client()),
            // The client may have been given the address again, by another server: that lease ends by itself.
            LeaseState::Released => false,
            LeaseState::Declined | LeaseState::InUse => !active,
        };
        if fits && pending.retries < COMMIT_RETRIES_MAX {
            pending.retries = pending.retries.saturating_add(1);
            pending.in_flight = false;
            pending.record.version = version.saturating_add(1);
            if leased_to_same && pending.record.state == LeaseState::Leased {
                // Another server may have promised the client more at the same moment.
                pending.record.expires = pending.record.expires.max(promised);
            }
            // What came behind it is newer.
            if let Some(mut next) = pending.next.take() {
                next.record.version = pending.record.version;
                self.answers.extend(give_up(&pending, Refused::Superseded));
                pending = *next;
            }
            self.table.update(position, |slot| slot.pending = Some(Box::new(pending)));
            self.enqueue(position, address);
            return;
        }
        self.answers.extend(give_up(&pending, Refused::Taken));
        // So that the client gets another offer.
        self.table.update(position, |slot| slot.hold = None);
    }

    /// The store failed: nobody who waits gets a lease, and what nobody waits for is kept for the next try.
    fn fail(&mut self, now: UnixSeconds, in_flight: Vec<Ipv4Addr>, reason: String) {
        if self.commits.retry_at.replace(now.plus(STORE_RETRY_SECONDS)).is_none() {
            self.events.push(Event::StoreAway { reason });
        }
        let queued = mem::take(&mut self.commits.queue);
        for address in in_flight.into_iter().chain(queued) {
            let Some(position) = self.table.topology.position(address) else { continue };
            let taken = self.table.update(position, |slot| {
                let pending = slot.pending.take()?;
                slot.unsure |= pending.in_flight && slot.may_shorten(&pending.record);
                Some(pending)
            });
            let Some(pending) = taken.flatten() else { continue };
            let kept = self.fail_one(now, position, *pending);
            self.table.update(position, |slot| slot.pending = kept.map(Box::new));
            self.enqueue(position, address);
        }
    }

    /// Answers who waits, and returns what is still to be stored.
    fn fail_one(
        &mut self,
        now: UnixSeconds,
        position: Position,
        mut pending: Pending,
    ) -> Option<Pending> {
        let next = pending.next.take().map(|next| *next);
        pending.in_flight = false;
        let mut kept = None;
        let given_back = gives_back(next.as_ref());
        for one in [Some(pending), next].into_iter().flatten() {
            if !one.awaited {
                kept = Some(one);
                continue;
            }
            let result = if given_back {
                Err(Refused::Superseded)
            } else {
                let rest = one.extends.then(|| self.rest_after_failure(now, position, &one));
                rest.flatten().ok_or(Refused::StoreAway)
            };
            self.answers.push_back(Answer { commit: one.commit, result });
        }
        kept
    }

    /// What a client that has the address can still be promised: what was durable before.
    fn rest_after_failure(
        &self,
        now: UnixSeconds,
        position: Position,
        wanted: &Pending,
    ) -> Option<Granted> {
        let by = self.identify_by(position);
        let lease = self.table.slot(position)?.durable_lease(now, &wanted.record.client(), by)?;
        let end = lease.expires.min(wanted.promised);
        let granted = self.granted(position, lease, end.seconds_left(now), true);
        (granted.lease_seconds >= RENEWAL_SECONDS_MIN).then_some(granted)
    }

    pub(super) fn granted(
        &self,
        position: Position,
        record: &LeaseRecord,
        lease_seconds: u32,
        unwritten: bool,
    ) -> Granted {
        let subnet = self.table.topology.scope_at(position).map(|scope| scope.subnet);
        Granted {
            address: record.address,
            subnet: subnet.unwrap_or(crate::topology::SubnetId(0)),
            lease_seconds,
            unwritten,
        }
    }
}
