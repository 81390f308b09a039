//! Every order of messages, commits, failures and time between two clients, three addresses, and another server with
//! the same store, as far as [`STEPS`] reach from
//! where nobody has anything, and from where both have a lease. States that differ in nothing that matters are visited once.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::*;
use crate::hardware::HardwareAddress;
use crate::record::LeaseState;
use crate::store::{Outcome, StoreError};
use crate::topology::{AddressRange, Scope, SubnetConfig};

/// Length of the longest order that is tried, from where nobody has anything.
const STEPS: usize = 7;
/// Unit of all times: an offer is kept for one, an address rests for one, a lease lasts two.
const TICK: u64 = 100;
const LEASE_SECONDS: u32 = 200;
const STRANGER: u8 = 9;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Discover(usize),
    Select(usize),
    Reboot(usize),
    Renew(usize),
    Release(usize),
    Decline(usize),
    /// A client releases the other's address.
    Forge(usize),
    /// A batch goes to the store.
    Send,
    StoreAnswers,
    StoreFails,
    /// The store takes the batch, but its answer is lost.
    AnswerIsLost,
    /// Another server leases an address to somebody else.
    RivalLeases(usize),
    /// We hear what is in the store.
    Hear,
    Tick,
}

#[derive(Clone, Debug, Default)]
struct Belief {
    offered: Option<Ipv4Addr>,
    /// The address it uses, and until when.
    has: Option<(Ipv4Addr, UnixSeconds)>,
    last: Option<Ipv4Addr>,
    /// The address that every offer must name, and until when.
    stable: Option<(Ipv4Addr, UnixSeconds)>,
    waits_for: Option<CommitId>,
}

#[derive(Clone)]
struct World {
    now: UnixSeconds,
    allocator: Allocator,
    truth: BTreeMap<Ipv4Addr, LeaseRecord>,
    batch: Option<Batch>,
    clients: [Belief; 2],
    /// What other servers' clients use, and until when.
    strangers: BTreeMap<Ipv4Addr, UnixSeconds>,
}

fn client(index: usize) -> Client<'static> {
    Client::new(HardwareAddress::ethernet([2, 0, 0, 0, 0, index as u8]))
}

fn scope() -> Scope {
    let id = crate::topology::SubnetId(0);
    Scope { network: NetworkId(0), subnet: id }
}

fn address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 10 + index as u8)
}

impl World {
    fn new() -> Self {
        let mut subnet = SubnetConfig::new("192.0.2.0/24".parse().unwrap());
        subnet.pools.push(AddressRange::new(address(0), address(2)).unwrap());
        let config = AllocatorConfig {
            offer_hold_seconds: TICK as u32,
            rest_seconds: TICK as u32,
            decline_seconds: 2 * TICK as u32,
            shared_store: true,
            ..AllocatorConfig::default()
        };
        Self {
            now: UnixSeconds(1_000_000),
            allocator: Allocator::new(Topology::new(&[subnet]).unwrap(), config),
            truth: BTreeMap::new(),
            batch: None,
            clients: Default::default(),
            strangers: BTreeMap::new(),
        }
    }

    /// What can happen now.
    fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Tick, Step::Hear];
        for (index, belief) in self.clients.iter().enumerate() {
            steps.push(Step::Discover(index));
            if belief.offered.is_some() {
                steps.push(Step::Select(index));
            }
            match belief.has {
                Some(_) => steps.extend([
                    Step::Renew(index),
                    Step::Release(index),
                    Step::Decline(index),
                    Step::Forge(1 - index),
                ]),
                None if belief.last.is_some() => steps.push(Step::Reboot(index)),
                None => {}
            }
        }
        steps.extend((0..3).filter(|it| self.is_free(address(*it))).map(Step::RivalLeases));
        match self.batch {
            Some(_) => steps.extend([Step::StoreAnswers, Step::StoreFails, Step::AnswerIsLost]),
            None => steps.push(Step::Send),
        }
        steps
    }

    /// Whether another server may lease an address, by what is in the store.
    fn is_free(&self, address: Ipv4Addr) -> bool {
        let held = self.truth.get(&address);
        held.is_none_or(|held| slot::available_from(held, TICK) <= self.now)
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Discover(index) => self.discover(index),
            Step::Select(index) => {
                let address = self.clients[index].offered.take().unwrap();
                self.request(index, address, RequestKind::Selecting);
            }
            Step::Reboot(index) => {
                let address = self.clients[index].last.unwrap();
                self.request(index, address, RequestKind::InitReboot);
            }
            Step::Renew(index) => {
                let (address, _) = self.clients[index].has.unwrap();
                self.request(index, address, RequestKind::Renewing);
            }
            Step::Release(index) => {
                let (address, _) = self.clients[index].has.take().unwrap();
                self.clients[index].stable = None;
                let _ = self.allocator.release(self.now, &client(index), address);
            }
            Step::Decline(index) => {
                let (address, _) = self.clients[index].has.take().unwrap();
                self.clients[index].stable = None;
                self.clients[index].last = None;
                let _ = self.allocator.decline(self.now, &client(index), address);
            }
            Step::Forge(index) => {
                let (address, _) = self.clients[1 - index].has.unwrap();
                let before = self.fingerprint();
                let released = self.allocator.release(self.now, &client(index), address);
                let declined = self.allocator.decline(self.now, &client(index), address);
                assert_eq!(released, Err(Ignored::NotTheirs));
                assert_eq!(declined, Err(Ignored::NotTheirs));
                assert_eq!(self.fingerprint(), before, "a forged message changed something");
            }
            Step::Send => self.batch = self.allocator.poll_commit(self.now),
            Step::StoreAnswers => {
                let batch = self.batch.take().unwrap();
                let outcomes = self.store(&batch.records);
                self.allocator.handle_committed(self.now, batch.id, Ok(outcomes));
            }
            Step::StoreFails => self.fail(false),
            Step::AnswerIsLost => self.fail(true),
            Step::RivalLeases(index) => self.rival(address(index)),
            Step::Hear => {
                let heard: Vec<_> = self.truth.values().cloned().collect();
                heard.into_iter().for_each(|record| {
                    self.allocator.handle_record(record);
                });
            }
            Step::Tick => {
                self.now = self.now.plus(TICK);
                self.allocator.handle_timeout(self.now);
            }
        }
        self.hear_answers();
        self.forget_what_is_over();
        self.check();
    }

    fn discover(&mut self, index: usize) {
        let discovered = self.allocator.discover(self.now, scope(), &client(index), None);
        let again = self.allocator.discover(self.now, scope(), &client(index), None);
        assert_eq!(discovered, again, "the second offer is another one");
        let Discovered::Offer(offer) = discovered else {
            self.clients[index].offered = None;
            return;
        };
        let belief = &mut self.clients[index];
        if let Some((address, _)) = belief.stable {
            assert_eq!(offer.address, address, "the offer is not stable");
        }
        belief.offered = Some(offer.address);
        let kept = self.now.plus(TICK);
        let until = belief.stable.map_or(kept, |(_, until)| until.max(kept));
        belief.stable = Some((offer.address, until));
        let other = &self.clients[1 - index];
        let theirs = other.has.is_some_and(|(address, _)| address == offer.address);
        assert!(!theirs, "the other client has what is offered");
    }

    fn request(&mut self, index: usize, address: Ipv4Addr, kind: RequestKind) {
        let asker = client(index);
        match self.allocator.request(self.now, scope(), &asker, address, kind, LEASE_SECONDS) {
            Requested::Commit(commit) => self.clients[index].waits_for = Some(commit),
            Requested::Ack(granted) => self.acknowledge(index, &granted),
            Requested::Nak(_) => self.lose(index),
            Requested::Silent(_) => {}
        }
    }

    fn lose(&mut self, index: usize) {
        self.clients[index] = Belief::default();
    }

    fn acknowledge(&mut self, index: usize, granted: &Granted) {
        let until = self.now.plus(u64::from(granted.lease_seconds));
        let held = self.truth.get(&granted.address).expect("an ACK before anything is durable");
        assert_eq!(held.state, LeaseState::Leased, "an ACK of what is not leased");
        assert_eq!(held.hardware, client(index).hardware, "an ACK of what is another's");
        assert!(held.expires >= until, "an ACK promises more than is durable");
        let belief = &mut self.clients[index];
        belief.has = Some((granted.address, until));
        belief.last = Some(granted.address);
        // An offer of another address still stands.
        if belief.stable.is_none_or(|(address, _)| address == granted.address) {
            belief.stable = Some((granted.address, until));
        }
    }

    fn hear_answers(&mut self) {
        while let Some(Answer { commit, result }) = self.allocator.poll_answer() {
            let waiting = self.clients.iter().position(|it| it.waits_for == Some(commit));
            let Some(index) = waiting else { continue };
            self.clients[index].waits_for = None;
            match result {
                Ok(granted) => self.acknowledge(index, &granted),
                Err(Refused::Taken) => self.lose(index),
                Err(_) => {}
            }
        }
    }

    fn store(&mut self, records: &[LeaseRecord]) -> Vec<Outcome> {
        let store = |record: &LeaseRecord| match self.truth.get(&record.address) {
            Some(held) if !record.follows(held) => Outcome::Conflict(held.clone()),
            _ => {
                self.truth.insert(record.address, record.clone());
                Outcome::Stored
            }
        };
        records.iter().map(store).collect()
    }

    fn fail(&mut self, stored: bool) {
        let batch = self.batch.take().unwrap();
        if stored {
            self.store(&batch.records);
        }
        let (place, detail) = ("here".to_owned(), "away".to_owned());
        let error = StoreError::Unreachable { place, detail };
        self.allocator.handle_committed(self.now, batch.id, Err(error));
    }

    fn rival(&mut self, address: Ipv4Addr) {
        let hardware = HardwareAddress::ethernet([2, 0, 0, 0, 0, STRANGER]);
        let expires = self.now.plus(2 * TICK);
        let mut record = LeaseRecord::new(address, hardware, self.now, expires);
        record.version = self.truth.get(&address).map_or(0, |held| held.version) + 1;
        self.truth.insert(address, record);
        self.strangers.insert(address, expires);
    }

    fn forget_what_is_over(&mut self) {
        let now = self.now;
        for belief in &mut self.clients {
            belief.has = belief.has.filter(|(_, until)| *until > now);
            // An offer is void once we hear that another server was faster.
            let strangers = |address: &Ipv4Addr| {
                self.truth
                    .get(address)
                    .is_some_and(|it| it.hardware.as_bytes().last() == Some(&STRANGER))
            };
            belief.stable =
                belief.stable.filter(|(address, until)| *until > now && !strangers(address));
        }
    }

    fn check(&self) {
        for index in 0..3 {
            let address = address(index);
            let users =
                self.clients.iter().filter(|it| it.has.is_some_and(|(has, _)| has == address));
            let stranger = self.strangers.get(&address).is_some_and(|until| *until > self.now);
            let users = users.count() + usize::from(stranger);
            assert!(users <= 1, "{users} machines use {address}");
        }
    }

    /// What matters of the state: times as they are from now on, versions as they are to one another.
    fn fingerprint(&self) -> u128 {
        let mut text = String::new();
        let left = |time: UnixSeconds| time.0.saturating_sub(self.now.0) / TICK;
        let resting = |time: UnixSeconds| left(time.plus(TICK));
        let who = |hardware: HardwareAddress| hardware.as_bytes().last().copied();
        use core::fmt::Write as _;
        for index in 0..3 {
            let address = address(index);
            let truth = self.truth.get(&address);
            let newest = truth.map_or(0, |it| it.version);
            let put = |text: &mut String, label: &str, record: &LeaseRecord| {
                let behind = i128::from(newest) - i128::from(record.version);
                let (state, hardware) = (record.state, who(record.hardware));
                let ends = (left(record.expires), resting(record.expires));
                write!(text, "{label}{state:?}{hardware:?}{ends:?}{behind};").unwrap();
            };
            truth.iter().for_each(|record| put(&mut text, "truth", record));
            write!(text, "{:?}", self.strangers.get(&address).map(|until| left(*until))).unwrap();
            let position = self.allocator.table.topology.position(address).unwrap();
            let Some(slot) = self.allocator.table.slot(position) else { continue };
            slot.record.iter().for_each(|record| put(&mut text, "record", record));
            let chain = slot.pending.iter().flat_map(|it| [Some(&**it), it.next.as_deref()]);
            for pending in chain.flatten() {
                put(&mut text, "pending", &pending.record);
                let waits = self.clients.iter().position(|it| it.waits_for == Some(pending.commit));
                let flags = (pending.in_flight, pending.awaited, pending.extends, pending.retries);
                write!(text, "{flags:?}{waits:?}").unwrap();
            }
            if let Some(hold) = &slot.hold {
                write!(text, "hold{:?}{}", who(hold.owner.hardware), left(hold.until)).unwrap();
            }
        }
        for belief in &self.clients {
            let has = belief.has.map(|(address, until)| (address, left(until)));
            let stable = belief.stable.map(|(address, until)| (address, left(until)));
            let waits = belief.waits_for.is_some();
            write!(text, "{:?}{has:?}{:?}{stable:?}{waits}", belief.offered, belief.last).unwrap();
        }
        let batch = self.batch.as_ref().map(|batch| &batch.records);
        let sent = batch.map(|it| it.iter().map(|it| (it.address, it.state)).collect::<Vec<_>>());
        let resting = self.allocator.commits.is_resting(self.now);
        let failed = self.allocator.commits.next_try().is_some();
        write!(text, "{sent:?}{resting}{failed}").unwrap();
        let hash = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &text).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        hash(0) << 64 | hash(1)
    }
}

#[test]
fn every_order_of_small_cases_keeps_the_promises() {
    use Step::{Discover, Select, Send, StoreAnswers};
    let both_lease = [Discover(0), Select(0), Discover(1), Select(1), Send, StoreAnswers];
    let mut seen = HashSet::new();
    let mut front = Vec::new();
    let start = |path: &[Step]| {
        let mut world = World::new();
        path.iter().for_each(|step| world.take(*step));
        (world, path.to_vec())
    };
    front.push(start(&[]));
    let mut acknowledged = 0_usize;
    for round in 0..STEPS {
        if round == 1 {
            // One step fewer, since there is more to do in each.
            front.push(start(&both_lease));
        }
        let mut next = Vec::new();
        for (world, path) in front {
            for step in world.steps() {
                let mut after = world.clone();
                let path = [&path[..], &[step]].concat();
                let taken =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| after.take(step)));
                if let Err(why) = taken {
                    println!("the order that breaks a promise: {path:?}");
                    std::panic::resume_unwind(why);
                }
                if seen.insert(after.fingerprint()) {
                    acknowledged += after.clients.iter().filter(|it| it.has.is_some()).count();
                    next.push((after, path));
                }
            }
        }
        front = next;
    }
    println!("{} states within {STEPS} steps, {acknowledged} leases in use", seen.len());
    assert!(seen.len() > 10_000 && acknowledged > 1_000, "{} {acknowledged}", seen.len());
}
