//! All machines, bounded. Who makes room for whom:
//!
//! A *stranger* never fetched a file. Anybody on the wire can make up a hundred thousand of them, so they make room
//! first, the one unheard for longest before the others; but none that was heard within [`TENURE_MS`], since it may be
//! booting. If there is no other, the newcomer finds no room, unless it fetches a file. Machines that did fetch files
//! make room for one another alone, the one unheard for longest first.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::machine::{Machine, proves};
use super::record::Record;
use super::story::{Changes, Counts, Filter, MachineStory, MachineSummary};
use super::{GONE_TOLD_MAX, JOURNAL_BYTES_MAX, RELAYS_TOLD_MAX, STORIES_MAX, STRANGERS_MAX};
use crate::engine::{ClientId, Stage};

/// A stranger keeps its place for so long after it was heard: longer than any firmware waits between two tries, in
/// milliseconds.
const TENURE_MS: u64 = 90_000;
/// An address and a machine that had it are one for so long, in milliseconds.
const SAME_WITHIN_MS: u64 = 10 * 60_000;

/// Whether the machine of a step has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Has,
    /// No step of a boot: it needs none.
    Needless,
    /// There are more strangers than can have one.
    Full,
}

#[derive(Default)]
pub(super) struct Book {
    machines: HashMap<ClientId, Machine>,
    /// By the number of their last change, oldest first.
    strangers: BTreeMap<u64, ClientId>,
    proven: BTreeMap<u64, ClientId>,
    /// Which machine had an address last, as far as it has a story.
    addresses: HashMap<IpAddr, ClientId>,
    /// Whose stories ended or became another's, and which change that was, oldest first.
    gone: VecDeque<(u64, ClientId)>,
    /// The last one that is no longer among them.
    gone_untold: u64,
    sequence: u64,
    bytes: usize,
    evicted: u64,
    left_out: u64,
}

impl Book {
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn firmware(&self, client: ClientId) -> Option<Arc<str>> {
        self.machines.get(&client)?.firmware.clone()
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            machines: self.machines.len(),
            strangers: self.strangers.len(),
            bytes: self.bytes,
            evicted: self.evicted,
            left_out: self.left_out,
        }
    }

    /// A step that was told a moment ago; whether its entry is still there.
    pub(super) fn repeat(&mut self, at: u64, client: ClientId, stage: &Stage) -> bool {
        let client = self.resolve(at, client);
        let Some(machine) = self.machines.get_mut(&client) else { return false };
        if !machine.repeat(at, stage.word(), stage.file()) {
            return false;
        }
        self.touch(client, at);
        true
    }

    /// Whether the machine of a step has a place here; a new one gets it, if there is one.
    pub(super) fn place(
        &mut self,
        at: u64,
        client: ClientId,
        stage: &str,
        file: Option<&str>,
    ) -> Place {
        let client = self.resolve(at, client);
        match self.machines.contains_key(&client) {
            true => Place::Has,
            false => self.admit(at, client, stage, file),
        }
    }

    /// Whether the machine has a place here, or would get it for this step of a boot.
    pub(super) fn may_have_place(&self, at: u64, client: ClientId, stage: &str) -> bool {
        let is_full = self.machines.len() >= STORIES_MAX || self.strangers.len() >= STRANGERS_MAX;
        !is_full
            || proves(stage)
            || self.is_oldest_over(at)
            || self.machines.contains_key(&self.resolve(at, client))
    }

    /// A step of a machine that has a place here.
    pub(super) fn apply(&mut self, client: ClientId, record: &Arc<Record>) {
        let client = self.resolve(record.at, client);
        self.sequence += 1;
        let sequence = self.sequence;
        let Some(machine) = self.machines.get_mut(&client) else { return };
        let (before, was_proven, was_at) = (machine.bytes, machine.is_proven, machine.sequence());
        let old_address = machine.address;
        machine.apply(sequence, record);
        self.bytes = self.bytes + machine.bytes - before;
        let (address, is_proven) = (machine.address, machine.is_proven);
        self.order(was_proven).remove(&was_at);
        self.order(is_proven).insert(sequence, client);
        if let (Some(address), false) = (address, matches!(client, ClientId::Address(_))) {
            if let Some(old) = old_address.filter(|old| *old != address)
                && self.addresses.get(&old) == Some(&client)
            {
                self.addresses.remove(&old);
            }
            self.addresses.insert(address, client);
            self.merge(client, address, record.at);
        }
        self.shrink(client, record.at);
    }

    /// An address that a machine has is that machine.
    pub(super) fn resolve(&self, at: u64, client: ClientId) -> ClientId {
        let ClientId::Address(address) = client else { return client };
        let Some(known) = self.addresses.get(&address) else { return client };
        let heard = self.machines.get(known).map_or(0, |machine| machine.last_seen);
        if at.saturating_sub(heard) <= SAME_WITHIN_MS { *known } else { client }
    }

    /// What was told of an address before it was known whose it is.
    fn merge(&mut self, client: ClientId, address: IpAddr, at: u64) {
        let nameless = ClientId::Address(address);
        let Some(other) = self.machines.get(&nameless) else { return };
        let is_same = at.saturating_sub(other.last_seen) <= SAME_WITHIN_MS;
        let Some(other) = self.remove(nameless) else { return };
        let Some(machine) = self.machines.get_mut(&client) else { return };
        if is_same {
            let (before, was_proven, sequence) =
                (machine.bytes, machine.is_proven, machine.sequence());
            machine.absorb(other);
            self.bytes = self.bytes + machine.bytes - before;
            let is_proven = machine.is_proven;
            self.order(was_proven).remove(&sequence);
            self.order(is_proven).insert(sequence, client);
        }
    }

    /// Makes a place for a machine that is new; whether there is one.
    fn admit(&mut self, at: u64, client: ClientId, stage: &str, file: Option<&str>) -> Place {
        // Machines that only want an address have their place among the leases.
        if matches!(stage, "renewed" | "released")
            || file.is_none() && matches!(stage, "acknowledged" | "addressed" | "offered")
        {
            return Place::Needless;
        }
        let is_proven = proves(stage) && !matches!(client, ClientId::Address(_));
        let is_full = self.machines.len() >= STORIES_MAX
            || !is_proven && self.strangers.len() >= STRANGERS_MAX;
        if is_full && !self.make_room(at, is_proven) {
            self.left_out += 1;
            return Place::Full;
        }
        let mut machine = Machine::new(client, at);
        machine.is_proven = is_proven;
        self.bytes += machine.bytes;
        self.sequence += 1;
        machine.touch(self.sequence, at);
        let sequence = self.sequence;
        self.order(is_proven).insert(sequence, client);
        self.machines.insert(client, machine);
        Place::Has
    }

    /// One story goes, if one may.
    fn make_room(&mut self, at: u64, for_proven: bool) -> bool {
        let oldest = self.strangers.first_key_value().map(|(_, client)| *client);
        let goes = match oldest {
            Some(stranger) if for_proven || self.is_oldest_over(at) => Some(stranger),
            _ if for_proven => self.proven.first_key_value().map(|(_, client)| *client),
            _ => None,
        };
        goes.is_some_and(|client| {
            self.evicted += 1;
            self.remove(client).is_some()
        })
    }

    /// Whether the stranger unheard for longest has had its time.
    fn is_oldest_over(&self, at: u64) -> bool {
        let oldest = self.strangers.first_key_value();
        let oldest = oldest.and_then(|(_, client)| self.machines.get(client));
        oldest.is_some_and(|it| at.saturating_sub(it.last_seen) > TENURE_MS)
    }

    /// Stories go until the rest fits; the one that grew goes last, and shrinks then.
    fn shrink(&mut self, grown: ClientId, at: u64) {
        while self.bytes > JOURNAL_BYTES_MAX {
            let other = |order: &BTreeMap<u64, ClientId>| {
                order.values().copied().find(|client| *client != grown)
            };
            let is_old = |client: &ClientId| {
                let machine = self.machines.get(client);
                machine.is_some_and(|it| at.saturating_sub(it.last_seen) > TENURE_MS)
            };
            let (stranger, proven) = (other(&self.strangers), other(&self.proven));
            let old = stranger.filter(is_old).or_else(|| proven.filter(is_old));
            let goes = old.or(stranger).or(proven);
            if let Some(client) = goes {
                self.evicted += 1;
                self.remove(client);
                continue;
            }
            let Some(machine) = self.machines.get_mut(&grown) else { return };
            let before = machine.bytes;
            let shrunk = machine.drop_oldest();
            self.bytes -= before - machine.bytes;
            if !shrunk {
                return;
            }
        }
    }

    fn remove(&mut self, client: ClientId) -> Option<Machine> {
        let machine = self.machines.remove(&client)?;
        self.bytes -= machine.bytes;
        let sequence = machine.sequence();
        self.order(machine.is_proven).remove(&sequence);
        self.sequence += 1;
        if self.gone.len() >= GONE_TOLD_MAX
            && let Some((untold, _)) = self.gone.pop_front()
        {
            self.gone_untold = untold;
        }
        self.gone.push_back((self.sequence, client));
        if let Some(address) = machine.address
            && self.addresses.get(&address) == Some(&client)
        {
            self.addresses.remove(&address);
        }
        Some(machine)
    }

    fn touch(&mut self, client: ClientId, at: u64) {
        self.sequence += 1;
        let sequence = self.sequence;
        let Some(machine) = self.machines.get_mut(&client) else { return };
        let (was_at, is_proven) = (machine.sequence(), machine.is_proven);
        machine.touch(sequence, at);
        self.order(is_proven).remove(&was_at);
        self.order(is_proven).insert(sequence, client);
    }

    fn order(&mut self, is_proven: bool) -> &mut BTreeMap<u64, ClientId> {
        if is_proven { &mut self.proven } else { &mut self.strangers }
    }

    /// All machines with changes after `sequence`, oldest change first.
    fn since(&self, sequence: u64) -> Vec<&Machine> {
        let from = sequence.saturating_add(1);
        let changed = self.strangers.range(from..).chain(self.proven.range(from..));
        let mut changed: Vec<_> = changed.collect();
        changed.sort_unstable_by_key(|(sequence, _)| **sequence);
        changed.into_iter().filter_map(|(_, client)| self.machines.get(client)).collect()
    }

    pub(super) fn changes_since(&self, sequence: u64) -> Changes {
        let from = if sequence > self.sequence { 0 } else { sequence };
        let begin = self.gone.partition_point(|(sequence, _)| *sequence <= from);
        // One that came back is there.
        let gone = self.gone.range(begin..).map(|(_, client)| client);
        let gone = gone.filter(|client| from > 0 && !self.machines.contains_key(client));
        Changes {
            sequence: self.sequence,
            machines: self.since(from).into_iter().map(Machine::summary).collect(),
            gone: gone.map(ClientId::to_string).collect(),
            is_whole: from == 0 || from >= self.gone_untold,
        }
    }

    pub(super) fn machines(&self, filter: &Filter) -> Vec<MachineSummary> {
        let all = self.since(0).into_iter().rev().map(Machine::summary);
        let list = all.filter(|machine| filter.takes(machine)).skip(filter.offset);
        list.take(filter.limit.unwrap_or(usize::MAX)).collect()
    }

    pub(super) fn relays(&self) -> Vec<IpAddr> {
        let relays: BTreeSet<IpAddr> =
            self.machines.values().filter_map(|machine| machine.relay).collect();
        relays.into_iter().take(RELAYS_TOLD_MAX).collect()
    }

    pub(super) fn story(&self, client: ClientId) -> Option<MachineStory> {
        let machine = self.machines.get(&client).or_else(|| match client {
            ClientId::Address(address) => self.machines.get(self.addresses.get(&address)?),
            _ => None,
        });
        machine.map(Machine::story)
    }
}
