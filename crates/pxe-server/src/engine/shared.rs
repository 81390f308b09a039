//! What all loops of one server know together: the policy that decides, and who the clients are.
//! It is asked once for a request, never for a block of a transfer.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pxe_select::Policy;

use super::clients::Clients;
use super::event::{ClientId, Stage};
use super::facts::KnownFacts;
use super::searches::Searches;

/// The decision and the story, shared by every [`Engine`](super::Engine) of a server.
pub struct Shared {
    state: Mutex<State>,
}

struct State {
    policy: Arc<Policy>,
    clients: Clients,
    searches: Searches,
}

impl Shared {
    /// For engines that decide by `policy`.
    pub fn new(policy: Policy) -> Arc<Self> {
        let policy = Arc::new(policy);
        let (clients, searches) = (Clients::default(), Searches::default());
        Arc::new(Self { state: Mutex::new(State { policy, clients, searches }) })
    }

    /// Decides by another policy from now on; transfers under way go on.
    pub fn set_policy(&self, policy: Policy) {
        self.lock().policy = Arc::new(policy);
    }

    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.lock().policy)
    }

    pub(super) fn learn(&self, id: ClientId, facts: KnownFacts) {
        self.lock().clients.learn(id, facts);
    }

    pub(super) fn learn_address(&self, id: ClientId, address: core::net::Ipv4Addr) {
        self.lock().clients.learn_address(id, address);
    }

    /// Who uses this address, with a copy of what is known.
    pub(super) fn at_address(&self, address: IpAddr) -> Option<(ClientId, KnownFacts)> {
        self.lock().clients.at_address(address).map(|(id, client)| (id, client.facts.clone()))
    }

    /// The client was offered a file by the loop that has the DHCP ports.
    pub(super) fn expect_fetch(&self, id: ClientId) {
        self.lock().clients.expect_fetch(id);
    }

    /// The client asks this loop, or another, for a file.
    pub(super) fn note_fetch(&self, id: ClientId) {
        self.lock().clients.note_fetch(id);
    }

    /// For the loop that made the offers: the next client that came for what it was offered.
    pub(super) fn next_fetch(&self) -> Option<ClientId> {
        self.lock().clients.next_fetch()
    }

    pub(super) fn is_repeated(&self, now: Instant, id: ClientId, stage: &Stage) -> bool {
        self.lock().clients.is_repeated(now, id, stage)
    }

    pub(super) fn missed(&self, now: Instant, id: ClientId, file: &str) {
        self.lock().searches.missed(now, id, file);
    }

    pub(super) fn found(&self, id: ClientId) {
        self.lock().searches.found(id);
    }

    pub(super) fn ended_searches(&self, now: Instant) -> (Vec<(ClientId, Stage)>, Option<Instant>) {
        self.lock().searches.ended(now)
    }

    /// A panic elsewhere leaves nothing half-done here: every change is one call.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
