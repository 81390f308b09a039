//! The engine that gives addresses, with a disk that takes its time, and a machine that crashes.
//!
//! It watches itself: an ACK whose lease is not on the disk at that moment, or whose address another client was
//! promised, is a broken promise, and ends the test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use pxe_lease::store::MemoryStore;
use pxe_lease::{Batch, LeaseRecord, LeaseState, LeaseStore, StoreError, UnixSeconds};
use pxe_server::engine::{Engine, PROBE_PATIENCE};

use crate::engine::{EngineServer, MemoryFiles};
use crate::random::Random;
use crate::server::{BootServer, Meta, Outgoing};
use crate::wire::{ACK, DISCOVER, OFFER, Reader};

const RELEASE: u8 = 7;
const DECLINE: u8 = 4;
/// How long a host that is asked for its address takes to answer, at most.
const ANSWER_MS_MAX: u64 = 20;
/// UNIX time when the simulation begins.
const BEGINNING_MS: u64 = 1_700_000_000_000;

/// How bad a life the server has.
#[derive(Clone, Copy, Debug)]
pub struct Hardship {
    /// How long a batch takes to become durable.
    pub commit: Duration,
    /// Batches that fail, of a thousand.
    pub failing_permille: u16,
    /// Between two crashes; `None` for a machine that never crashes.
    pub crash_every: Option<Duration>,
    /// How long a crash lasts.
    pub down: Duration,
}

impl Default for Hardship {
    fn default() -> Self {
        Self {
            commit: Duration::from_millis(5),
            failing_permille: 0,
            crash_every: None,
            down: Duration::from_millis(300),
        }
    }
}

/// Makes the engine of a life, which begins at this instant and UNIX time in milliseconds.
type Begin = Box<dyn Fn(Instant, u64) -> Engine>;

/// A DHCP server that may crash at any time, and whose disk stays.
pub struct LeaseServer {
    begin: Begin,
    files: fn() -> MemoryFiles,
    hardship: Hardship,
    random: Random,
    disk: MemoryStore,
    /// `None` while it is down.
    life: Option<Life>,
    started: Option<Instant>,
    next_crash: Option<Instant>,
    back: Option<Instant>,
    /// Who was promised an address, and until when.
    promises: BTreeMap<Ipv4Addr, (Vec<u8>, UnixSeconds)>,
    /// Addresses that hosts have without having been given them.
    squatters: BTreeSet<Ipv4Addr>,
    notes: VecDeque<String>,
}

struct Life {
    server: EngineServer,
    writing: Option<(Instant, Batch)>,
    /// What each client was offered in this life.
    offers: BTreeMap<Vec<u8>, Ipv4Addr>,
    /// Since when each client waits for an offer.
    asked: BTreeMap<Vec<u8>, Instant>,
    /// Squatters that will answer a probe, and when.
    answers: Vec<(Instant, Ipv4Addr)>,
}

impl Life {
    fn new(server: EngineServer) -> Self {
        let (offers, asked, answers) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { server, writing: None, offers, asked, answers }
    }
}

impl LeaseServer {
    /// A server whose lives `begin` makes.
    #[must_use]
    pub fn new(
        seed: u64,
        hardship: Hardship,
        files: fn() -> MemoryFiles,
        begin: impl Fn(Instant, u64) -> Engine + 'static,
    ) -> Self {
        Self {
            begin: Box::new(begin),
            files,
            hardship,
            random: Random::new(seed ^ 0x1ea5_e5e7),
            disk: MemoryStore::default(),
            life: None,
            started: None,
            next_crash: None,
            back: None,
            promises: BTreeMap::new(),
            squatters: BTreeSet::new(),
            notes: VecDeque::new(),
        }
    }

    /// The same on a network where hosts have these addresses by their own configuration. The engine has to probe:
    /// an offer of one of them ends the test, and so does one that is late.
    #[must_use]
    pub fn beside(self, squatters: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        Self { squatters: squatters.into_iter().collect(), ..self }
    }

    fn unix_ms(&self, now: Instant) -> u64 {
        let since = self.started.map_or(Duration::ZERO, |started| now - started);
        BEGINNING_MS + since.as_millis() as u64
    }

    fn unix(&self, now: Instant) -> UnixSeconds {
        UnixSeconds(self.unix_ms(now) / 1000)
    }

    fn come_to_life(&mut self, now: Instant) {
        if self.life.is_some() || self.back.is_some_and(|back| now < back) {
            return;
        }
        self.started.get_or_insert(now);
        let mut engine = (self.begin)(now, self.unix_ms(now));
        self.disk.load(&mut |record| engine.handle_record(record)).expect("memory");
        engine.handle_loaded();
        let server = EngineServer::new(engine, (self.files)());
        self.life = Some(Life::new(server));
        self.back = None;
        self.next_crash = self.hardship.crash_every.map(|every| {
            let whole = every.as_millis() as u64;
            now + Duration::from_millis(1 + self.random.below(2 * whole))
        });
    }

    /// What was being written is on the disk or not, as chance will have it.
    fn crash(&mut self, now: Instant) {
        let Some(life) = self.life.take() else { return };
        if let Some((_, batch)) = life.writing
            && self.random.chance(500)
        {
            self.disk.apply(&batch.records).expect("memory");
        }
        self.back = Some(now + self.hardship.down);
        self.notes.push_back("crashes".to_owned());
    }

    fn write(&mut self, now: Instant) {
        let Some(life) = &mut self.life else { return };
        if let Some((due, _)) = &life.writing
            && *due <= now
            && let Some((_, batch)) = life.writing.take()
        {
            let result = if self.random.chance(self.hardship.failing_permille) {
                let (place, detail) = ("the disk".to_owned(), "it is full".to_owned());
                Err(StoreError::Io { place, detail })
            } else {
                self.disk.apply(&batch.records)
            };
            life.server.engine_mut().handle_committed(now, batch.id, result);
        }
        if life.writing.is_none()
            && let Some(batch) = life.server.engine_mut().poll_commit(now)
        {
            life.writing = Some((now + self.hardship.commit, batch));
        }
    }

    /// What the wire has to say to the engine's probes.
    fn probe(&mut self, now: Instant) {
        let Some(life) = &mut self.life else { return };
        life.answers.retain(|(due, address)| {
            if *due <= now {
                life.server.engine_mut().handle_in_use(now, *address, None);
            }
            *due > now
        });
        while let Some(probe) = life.server.engine_mut().poll_probe() {
            if self.squatters.contains(&probe.address) {
                let after = Duration::from_millis(1 + self.random.below(ANSWER_MS_MAX));
                life.answers.push((now + after, probe.address));
            }
        }
    }

    fn check_offer(&mut self, now: Instant, client: Vec<u8>, address: Ipv4Addr) {
        let Some(life) = &mut self.life else { return };
        let before = life.offers.insert(client.clone(), address);
        assert!(before.is_none_or(|it| it == address), "{client:02x?}: {before:?}, {address}");
        assert!(!self.squatters.contains(&address), "{address} is in use, and is offered");
        let waited = life.asked.remove(&client).map_or(Duration::ZERO, |asked| now - asked);
        assert!(waited <= PROBE_PATIENCE, "{client:02x?} waited {waited:?} for its offer");
    }

    /// Holds what is sent against what is durable.
    fn check(&mut self, now: Instant, outgoing: &Outgoing) {
        if outgoing.source.port() != 67 {
            return;
        }
        let Some(reply) = Reader::new(&outgoing.payload) else { return };
        let address = reply.your_address();
        let client = reply.hardware_address().to_vec();
        match reply.message_type() {
            Some(OFFER) => self.check_offer(now, client, address),
            Some(ACK) if !address.is_unspecified() => self.check_ack(now, &reply, address, client),
            _ => {}
        }
    }

    fn check_ack(&mut self, now: Instant, reply: &Reader<'_>, address: Ipv4Addr, client: Vec<u8>) {
        let time = self.unix(now);
        let seconds = reply.option(51).and_then(|value| <[u8; 4]>::try_from(value).ok());
        let until = time.lease_end(u32::from_be_bytes(seconds.expect("a lease time")));
        let record = self.on_disk(address).expect("an ACK before its lease is durable");
        assert_eq!(record.state, LeaseState::Leased, "{address}");
        assert_eq!(record.hardware.as_bytes(), client, "{address} is another's");
        assert!(record.expires >= until, "{address}: {until} is promised, {} kept", record.expires);
        let before = self.promises.insert(address, (client.clone(), until));
        let is_broken = before.is_some_and(|(owner, end)| owner != client && end > time);
        assert!(!is_broken, "{address} has two owners");
    }

    fn on_disk(&mut self, address: Ipv4Addr) -> Option<LeaseRecord> {
        let mut found = None;
        let mut keep = |record: LeaseRecord| {
            if record.address == address {
                found = Some(record);
            }
        };
        self.disk.load(&mut keep).expect("memory");
        found
    }

    /// What a client gives back is not promised any more, whether we hear it or not.
    fn forget_promise(&mut self, datagram: &[u8]) {
        let Some(message) = Reader::new(datagram) else { return };
        if matches!(message.message_type(), Some(RELEASE | DECLINE)) {
            let client = message.hardware_address();
            self.promises.retain(|_, (owner, _)| owner != client);
            if let Some(life) = &mut self.life {
                life.offers.remove(client);
            }
        }
    }
}

impl BootServer for LeaseServer {
    fn handle_datagram(&mut self, now: Instant, meta: &Meta, datagram: &[u8]) {
        self.come_to_life(now);
        self.forget_promise(datagram);
        if let Some(life) = &mut self.life {
            if let Some(message) = Reader::new(datagram)
                && message.message_type() == Some(DISCOVER)
            {
                let client = message.hardware_address().to_vec();
                life.asked.entry(client).or_insert(now);
            }
            life.server.handle_datagram(now, meta, datagram);
        }
        self.probe(now);
        self.write(now);
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        let outgoing = self.life.as_mut()?.server.poll_transmit(now)?;
        self.check(now, &outgoing);
        Some(outgoing)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let Some(life) = &self.life else { return self.back };
        let writing = life.writing.as_ref().map(|(due, _)| *due);
        let answer = life.answers.iter().map(|(due, _)| *due).min();
        [writing, answer, life.server.poll_timeout(), self.next_crash].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.next_crash.is_some_and(|crash| crash <= now) {
            self.next_crash = None;
            return self.crash(now);
        }
        self.come_to_life(now);
        if let Some(life) = &mut self.life {
            life.server.handle_timeout(now);
        }
        self.probe(now);
        self.write(now);
    }

    fn poll_note(&mut self) -> Option<String> {
        let of_life = self.life.as_mut().and_then(|life| life.server.poll_note());
        of_life.or_else(|| self.notes.pop_front())
    }
}
