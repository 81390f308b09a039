//! The DHCP server: a message becomes a question to the allocator, and its answer, once it is durable, a reply.
//!
//! Sans-IO like the rest of the engine. Besides datagrams and time there is the store: the driver takes a batch by
//! `poll_commit` whenever the store is idle, and gives back what became of it by `handle_committed`. Nothing is
//! acknowledged before.

mod answer;
mod clock;
mod inbound;
mod notice;
mod plan;
mod probing;
mod story;

use core::net::Ipv4Addr;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use pxe_dhcp::respond::{HeldId, Received, ServerConfig, ServerEvent, ServerResponder};
use pxe_lease::{
    Allocator, Answer, Batch, BatchId, Client, CommitId, LeaseRecord, Outcome, StoreError,
};

use self::clock::Clock;
pub(super) use self::inbound::Taken;
use super::event::Event;
use super::leasing::{OwnAddress, PoolUse};
use super::shared::Shared;
pub use notice::Notice;
pub use plan::{AddressPlan, ClassPlan, SubnetPlan};
use probing::Probing;
pub use probing::{AddressProbe, PROBE_PATIENCE};

/// Requests that wait for one commit: a client that asks again and again, each time as if it were the first. The
/// oldest makes room, which that client has given up by then.
const WAITERS_PER_COMMIT_MAX: usize = 4;

/// Requests that wait for the store while new clients are still made offers. More are kept for those who have one.
pub const HELD_BEFORE_OFFERS_MAX: usize = 4_096;

/// What a DHCP server is told at its start.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Ports, our names, what is believed.
    pub responder: ServerConfig,
    /// Who gets what.
    pub plan: AddressPlan,
    /// The time of `now`, in milliseconds of UNIX time.
    pub unix_ms: u64,
    /// The same instant.
    pub now: Instant,
}

/// See the module's documentation.
pub(super) struct DhcpServer {
    shared: Arc<Shared>,
    responder: ServerResponder,
    allocator: Allocator,
    plan: AddressPlan,
    clock: Clock,
    /// Requests that wait for a commit.
    waiting: HashMap<CommitId, Vec<HeldId>>,
    /// DISCOVERs that wait for probes.
    probing: Probing,
    /// Whether the store's leases are known; before that nobody is answered.
    is_loaded: bool,
    is_store_away: bool,
    /// The driver cannot keep up.
    is_behind: bool,
    own: Vec<OwnAddress>,
    advertise: Option<Ipv4Addr>,
    tftp_port: u16,
    events: VecDeque<Event>,
    notices: VecDeque<Notice>,
    /// Requests that waited too long for the store, and replies that nobody took in time.
    lost: u64,
}

impl DhcpServer {
    pub(super) fn new(
        settings: ServerSettings,
        advertise: Option<Ipv4Addr>,
        tftp_port: u16,
        shared: Arc<Shared>,
    ) -> Self {
        let ServerSettings { responder, plan, unix_ms, now } = settings;
        Self {
            shared,
            responder: ServerResponder::new(responder),
            allocator: Allocator::new(plan.topology.clone(), plan.allocator.clone()),
            plan,
            clock: Clock::new(now, unix_ms),
            waiting: HashMap::new(),
            probing: Probing::default(),
            is_loaded: false,
            is_store_away: false,
            is_behind: false,
            own: Vec::new(),
            advertise,
            tftp_port,
            events: VecDeque::new(),
            notices: VecDeque::new(),
            lost: 0,
        }
    }

    /// The civil time, which may jump.
    pub(super) fn set_time(&mut self, now: Instant, unix_ms: u64) {
        self.clock = Clock::new(now, unix_ms);
    }

    /// Our addresses, which nobody gets and by which clients know us.
    pub(super) fn set_own_addresses(&mut self, own: Vec<OwnAddress>) {
        if own == self.own {
            return;
        }
        let addresses = own.iter().map(|own| own.address).chain(self.advertise);
        let mut config = self.responder.config().clone();
        config.server_identifiers = addresses.clone().collect();
        self.responder.reconfigure(config);
        self.allocator.set_own_addresses(addresses);
        self.own = own;
    }

    /// Where a message came to. An interface may have addresses of several networks, of which the kernel names the first
    /// for a broadcast: then it is the one whose subnet we serve.
    fn at_home(&self, received: &Received) -> Received {
        let mut received = *received;
        let is_served = |address| self.plan.topology.scope_of(address).is_some();
        if received.unicast != Some(true) && !is_served(received.local_address) {
            let here = self.own.iter().filter(|own| own.interface == received.interface);
            let served = here.map(|own| own.address).find(|address| is_served(*address));
            received.local_address = served.unwrap_or(received.local_address);
        }
        received
    }

    /// Gives addresses by another plan from now on. Leases, offers and commits on their way are kept. Whether the store
    /// is to be read again, for what it knows of addresses that were not ours before.
    pub(super) fn reconfigure(&mut self, plan: AddressPlan) -> bool {
        let has_more = self.allocator.reconfigure(plan.topology.clone(), plan.allocator.clone());
        self.plan = plan;
        has_more
    }

    /// A record of the store: at the start, and whenever another server changed one.
    pub(super) fn handle_record(&mut self, record: LeaseRecord) {
        self.allocator.handle_record(record);
    }

    /// All records of the store are known: clients are answered from now on.
    pub(super) fn loaded(&mut self) {
        self.is_loaded = true;
    }

    pub(super) fn poll_commit(&mut self, now: Instant) -> Option<Batch> {
        if !self.is_loaded {
            return None;
        }
        self.allocator.poll_commit(self.clock.seconds(now))
    }

    pub(super) fn handle_committed(
        &mut self,
        now: Instant,
        batch: BatchId,
        result: Result<Vec<Outcome>, StoreError>,
    ) {
        self.allocator.handle_committed(self.clock.seconds(now), batch, result);
        self.note_events();
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &LeaseRecord> {
        self.allocator.records()
    }

    pub(super) fn pools(&self, now: Instant) -> Vec<PoolUse> {
        let (time, topology) = (self.clock.seconds(now), &self.plan.topology);
        let of = |id| PoolUse {
            network: notice::network(topology, id),
            usage: self.allocator.usage(time, id),
        };
        topology.networks().map(of).collect()
    }

    /// The lease ends by somebody's order.
    pub(super) fn release(&mut self, now: Instant, address: Ipv4Addr) -> Result<(), String> {
        let time = self.clock.seconds(now);
        let record = self.allocator.record(address).filter(|record| record.is_active(time));
        let nobody = || format!("nobody has {address}");
        let record = record.cloned().ok_or_else(nobody)?;
        let mut client = Client::new(record.hardware);
        client.identifier = record.identifier.as_deref();
        // One that is given back already is on its way into the store.
        self.allocator.release(time, &client, address).map_err(|_| nobody())
    }

    pub(super) fn is_store_away(&self) -> bool {
        self.is_store_away || !self.is_loaded
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.responder.handle_timeout(now);
        self.allocator.handle_timeout(self.clock.seconds(now));
        self.end_silent_probes(now);
        self.note_events();
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let allocator = self.allocator.poll_timeout().and_then(|at| self.clock.instant_of(at));
        let probing = self.probing.next_end();
        [allocator, probing, self.responder.poll_timeout()].into_iter().flatten().min()
    }

    /// The next reply. What a commit answers is turned into replies one by one, so that a large batch needs no room
    /// for all of them at once.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Option<pxe_dhcp::respond::Transmit> {
        loop {
            if let Some(transmit) = self.responder.poll_transmit(now, out) {
                self.read_responder();
                return Some(transmit);
            }
            let answer = self.allocator.poll_answer()?;
            self.answer_commit(now, &answer);
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Whether messages come faster than they can be read.
    pub(super) fn set_behind(&mut self, is_behind: bool) {
        self.is_behind = is_behind;
    }

    /// Whether new clients have to wait until others have their leases.
    fn is_pressed(&self) -> bool {
        self.is_behind || self.responder.held() >= HELD_BEFORE_OFFERS_MAX
    }

    /// What was lost since the last call.
    pub(super) fn take_lost(&mut self) -> u64 {
        core::mem::take(&mut self.lost)
    }

    fn answer_commit(&mut self, now: Instant, answer: &Answer) {
        for held in self.waiting.remove(&answer.commit).unwrap_or_default() {
            if let Some(held) = self.responder.take_held(held) {
                self.finish(now, held.request(), &answer.result);
            }
        }
        self.note_events();
    }

    fn wait(&mut self, commit: CommitId, held: HeldId) {
        let waiters = self.waiting.entry(commit).or_default();
        waiters.push(held);
        if waiters.len() > WAITERS_PER_COMMIT_MAX {
            let oldest = waiters.remove(0);
            drop(self.responder.take_held(oldest));
        }
    }

    fn read_responder(&mut self) {
        while let Some(event) = self.responder.poll_event() {
            if matches!(event, ServerEvent::Discarded(_) | ServerEvent::Abandoned(_)) {
                self.lost += 1;
            }
        }
    }

    fn note_events(&mut self) {
        self.read_responder();
        while let Some(event) = self.allocator.poll_event() {
            match &event {
                pxe_lease::Event::StoreAway { .. } => self.is_store_away = true,
                pxe_lease::Event::StoreBack => self.is_store_away = false,
                _ => {}
            }
            self.notices.push_back(Notice::of(&event, &self.plan.topology));
        }
    }
}
