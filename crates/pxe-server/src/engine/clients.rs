//! The clients we have heard of, so that a file request can be told whose it is.

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use super::event::{ClientId, Stage};
use super::facts::KnownFacts;

/// Clients remembered; the one unheard for longest makes room. About 600 bytes each, 10 MB in all
/// when full.
pub const CLIENTS_MAX: usize = 16_384;
/// Clients that came for the file they were offered, not yet told to the loop that offered it. Beyond
/// this the oldest is lost: its offer counts as ignored if it asks again soon.
pub const FETCHES_MAX: usize = 256;
/// A step reported again within this time is a repetition.
const REPEATED_WITHIN: Duration = Duration::from_secs(60);
/// Steps remembered per client for telling repetitions.
const STAGES_REMEMBERED: usize = 4;

/// One machine.
pub(super) struct Client {
    pub(super) facts: KnownFacts,
    /// It was offered a file, and has not asked for one since.
    is_expected: bool,
    heard: u64,
    recent: [Option<(Instant, u64)>; STAGES_REMEMBERED],
    next: usize,
}

/// All machines, bounded by [`CLIENTS_MAX`].
#[derive(Default)]
pub(super) struct Clients {
    by_id: HashMap<ClientId, Client>,
    by_address: HashMap<IpAddr, ClientId>,
    /// Who was heard when, oldest first.
    order: BTreeMap<u64, ClientId>,
    clock: u64,
    fetched: VecDeque<ClientId>,
}

impl Clients {
    /// Notes what a client said of itself. An address it did not say stays known.
    pub(super) fn learn(&mut self, id: ClientId, mut facts: KnownFacts) {
        self.clock += 1;
        let heard = self.clock;
        if !self.by_id.contains_key(&id) && self.by_id.len() >= CLIENTS_MAX {
            self.forget_oldest();
        }
        let said = facts.address.take();
        match self.by_id.entry(id) {
            Entry::Occupied(entry) => {
                let client = entry.into_mut();
                self.order.remove(&client.heard);
                facts.address = client.facts.address;
                client.facts = facts;
                client.heard = heard;
            }
            Entry::Vacant(entry) => {
                let recent = Default::default();
                entry.insert(Client { facts, is_expected: false, heard, recent, next: 0 });
            }
        }
        self.order.insert(heard, id);
        if let Some(address) = said {
            self.learn_address(id, address);
        }
    }

    /// Notes the address a client uses or is about to use.
    pub(super) fn learn_address(&mut self, id: ClientId, address: Ipv4Addr) {
        let Some(client) = self.by_id.get_mut(&id) else { return };
        if let Some(old) = client.facts.address.replace(address)
            && old != address
        {
            self.by_address.remove(&IpAddr::V4(old));
        }
        self.by_address.insert(IpAddr::V4(address), id);
    }

    /// Notes that a client was offered a file, and will ask for it if it took the offer.
    pub(super) fn expect_fetch(&mut self, id: ClientId) {
        if let Some(client) = self.by_id.get_mut(&id) {
            client.is_expected = true;
        }
    }

    /// Notes that a client asks for a file; only the first after an offer is news.
    pub(super) fn note_fetch(&mut self, id: ClientId) {
        let Some(client) = self.by_id.get_mut(&id) else { return };
        if core::mem::take(&mut client.is_expected) {
            if self.fetched.len() >= FETCHES_MAX {
                self.fetched.pop_front();
            }
            self.fetched.push_back(id);
        }
    }

    /// The next client that came for what it was offered.
    pub(super) fn next_fetch(&mut self) -> Option<ClientId> {
        self.fetched.pop_front()
    }

    /// Who uses this address, if anybody told us.
    pub(super) fn at_address(&self, address: IpAddr) -> Option<(ClientId, &Client)> {
        let id = *self.by_address.get(&address)?;
        self.by_id.get(&id).map(|client| (id, client))
    }

    /// Whether this step was reported for this client a moment ago; notes it as reported.
    pub(super) fn is_repeated(&mut self, now: Instant, id: ClientId, stage: &Stage) -> bool {
        let Some(client) = self.by_id.get_mut(&id) else { return false };
        let digest = digest(stage);
        let seen = client.recent.iter_mut().flatten().find(|(_, known)| *known == digest);
        if let Some((when, _)) = seen {
            let repeated = now.saturating_duration_since(*when) < REPEATED_WITHIN;
            *when = now;
            return repeated;
        }
        client.recent[client.next] = Some((now, digest));
        client.next = (client.next + 1) % STAGES_REMEMBERED;
        false
    }

    fn forget_oldest(&mut self) {
        let Some((_, id)) = self.order.pop_first() else { return };
        let Some(client) = self.by_id.remove(&id) else { return };
        if let Some(address) = client.facts.address
            && self.by_address.get(&IpAddr::V4(address)) == Some(&id)
        {
            self.by_address.remove(&IpAddr::V4(address));
        }
    }
}

/// Equal steps have equal digests. The time a transfer took is not part of the step.
fn digest(stage: &Stage) -> u64 {
    let mut hasher = DefaultHasher::new();
    stage.word().hash(&mut hasher);
    match stage {
        Stage::Discovered { reasons, .. } | Stage::Held { reasons } | Stage::Denied { reasons } => {
            reasons.hash(&mut hasher);
        }
        Stage::Offered { file }
        | Stage::Acknowledged { file }
        | Stage::Requested { file, .. }
        | Stage::Probed { file }
        | Stage::Closed { file, .. }
        | Stage::Delivered { file, .. }
        | Stage::Tried { file }
        | Stage::Missing { file, .. }
        | Stage::Uploading { file, .. }
        | Stage::Stored { file, .. } => file.hash(&mut hasher),
        Stage::Progress { file, bytes, .. } => (file, bytes).hash(&mut hasher),
        Stage::Failed { file, reason } => (file, reason).hash(&mut hasher),
        Stage::Phrased { style, reason } => (style, reason).hash(&mut hasher),
    }
    hasher.finish()
}
