//! Segments, hosts and what happens to a datagram on its way. One queue of events, one clock, one
//! generator: a run is a function of its seed.

mod impairment;
mod node;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

pub use self::impairment::{Accidents, Impairment};
pub use self::node::{Arrival, Datagram, Mac, Node, Outbox};
use crate::firmware::Outcome;
use crate::random::Random;
use crate::transcript;

/// A segment of the network: a broadcast domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentId(usize);

/// A node in its [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostId(usize);

/// One interface of a host.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// The segment it is plugged into.
    pub segment: SegmentId,
    /// Its Ethernet address.
    pub mac: Mac,
    /// Its address; unspecified for a client that has yet to get one.
    pub address: Ipv4Addr,
}

struct Host {
    name: String,
    node: Box<dyn Node>,
    interfaces: Vec<Interface>,
}

/// Events run at most, so that two nodes that answer each other for ever fail the test.
const EVENTS_MAX: usize = 200_000;
/// IPv4 and UDP headers.
const IP_UDP_BYTES: usize = 28;

/// The network, the clock and everyone on it.
pub struct World {
    seed: u64,
    random: Random,
    epoch: Instant,
    now: Instant,
    impairment: Impairment,
    segments: usize,
    hosts: Vec<Host>,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    sent: u64,
    accidents: Accidents,
    quiet: bool,
    transcript: String,
    capture: Vec<Captured>,
}

/// A datagram that a host sent, lost or not.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Who sent it.
    pub sender: HostId,
    /// When, since the start.
    pub at: Duration,
    /// The datagram.
    pub datagram: Datagram,
}

#[derive(Debug)]
struct InFlight {
    at: Instant,
    /// Breaks ties in the order of sending.
    number: u64,
    host: usize,
    interface: usize,
    datagram: Datagram,
}

impl PartialEq for InFlight {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for InFlight {}

impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InFlight {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl World {
    /// An empty network whose every accident follows from `seed`.
    #[must_use]
    pub fn new(seed: u64, impairment: Impairment) -> Self {
        // The only clock reading: an origin. Everything after it is arithmetic.
        let epoch = Instant::now();
        Self {
            seed,
            random: Random::new(seed),
            epoch,
            now: epoch,
            impairment,
            segments: 0,
            hosts: Vec::new(),
            in_flight: BinaryHeap::new(),
            sent: 0,
            accidents: Accidents::default(),
            quiet: false,
            transcript: String::new(),
            capture: Vec::new(),
        }
    }

    /// Keeps no transcript and no capture, for runs of many datagrams. The run is the same.
    pub fn be_quiet(&mut self) {
        self.quiet = true;
    }

    /// Adds a segment.
    pub fn segment(&mut self) -> SegmentId {
        self.segments += 1;
        SegmentId(self.segments - 1)
    }

    /// The first segment, made if there is none.
    pub fn only_segment(&mut self) -> SegmentId {
        self.segments = self.segments.max(1);
        SegmentId(0)
    }

    /// Attaches a node by its interfaces.
    pub fn attach(
        &mut self,
        name: impl Into<String>,
        interfaces: Vec<Interface>,
        node: impl Node + 'static,
    ) -> HostId {
        self.hosts.push(Host { name: name.into(), node: Box::new(node), interfaces });
        HostId(self.hosts.len() - 1)
    }

    /// The current time: what a node that is attached now should take as its start.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A number from the world's own sequence, for transaction ids and the like.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// How the boot of `host` ended.
    #[must_use]
    pub fn outcome(&self, host: HostId) -> Option<&Outcome> {
        self.hosts[host.0].node.outcome()
    }

    /// Every datagram sent so far.
    #[must_use]
    pub fn capture(&self) -> &[Captured] {
        &self.capture
    }

    /// What the network has done to datagrams so far.
    #[must_use]
    pub fn accidents(&self) -> Accidents {
        self.accidents
    }

    /// Since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now - self.epoch
    }

    /// The seed and the story so far, for the message of a failing test.
    #[must_use]
    pub fn report(&self) -> String {
        format!("seed {:#x}\n{}", self.seed, self.transcript)
    }

    /// Runs until every one of `clients` has an outcome or `patience` has passed.
    ///
    /// # Panics
    /// After 200 000 events: two nodes answer each other.
    pub fn run(&mut self, clients: &[HostId], patience: Duration) {
        let all_done = |world: &Self| {
            !clients.is_empty() && clients.iter().all(|client| world.outcome(*client).is_some())
        };
        if !self.run_until(patience, EVENTS_MAX, all_done) {
            panic!("the network does not come to rest\n{}", self.report());
        }
    }

    /// Runs until `done` says so, `patience` has passed or nothing is left to happen. False if `events_max`
    /// events were not enough for that.
    pub fn run_until(
        &mut self,
        patience: Duration,
        events_max: usize,
        done: impl Fn(&Self) -> bool,
    ) -> bool {
        let deadline = self.now + patience;
        (0..events_max).any(|_| done(self) || !self.step(deadline))
    }

    /// Lets `duration` pass whatever happens.
    ///
    /// # Panics
    /// After 200 000 events: two nodes answer each other.
    pub fn run_for(&mut self, duration: Duration) {
        self.run(&[], duration);
    }

    /// One event, unless the next is after `deadline`.
    fn step(&mut self, deadline: Instant) -> bool {
        let arrival = self.in_flight.peek().map(|Reverse(next)| next.at);
        let timeout = self
            .hosts
            .iter()
            .enumerate()
            .filter_map(|(host, known)| Some((known.node.poll_timeout()?.max(self.now), host)))
            .min();
        let next = match (arrival, timeout) {
            (Some(arrival), Some((timeout, _))) => arrival.min(timeout),
            (Some(at), None) | (None, Some((at, _))) => at,
            (None, None) => return false,
        };
        if next > deadline {
            self.now = deadline;
            return false;
        }
        self.now = next;
        if arrival == Some(next) {
            if let Some(Reverse(frame)) = self.in_flight.pop() {
                self.deliver(&frame);
            }
        } else if let Some((_, host)) = timeout {
            let mut out = Outbox::default();
            self.hosts[host].node.handle_timeout(self.now, &mut out);
            self.perform(host, out);
        }
        true
    }

    fn deliver(&mut self, frame: &InFlight) {
        let host = &mut self.hosts[frame.host];
        let arrival = Arrival {
            interface: frame.interface,
            local_address: host.interfaces[frame.interface].address,
            source: frame.datagram.source,
            destination: frame.datagram.destination,
            payload: &frame.datagram.payload,
        };
        let mut out = Outbox::default();
        host.node.handle_datagram(self.now, &arrival, &mut out);
        self.perform(frame.host, out);
    }

    fn perform(&mut self, host: usize, out: Outbox) {
        for line in out.notes.into_iter().filter(|_| !self.quiet) {
            let name = &self.hosts[host].name;
            let _ = writeln!(self.transcript, "{} {name}: {line}", self.clock());
        }
        for (interface, address) in out.addresses {
            self.hosts[host].interfaces[interface].address = address;
        }
        for (interface, datagram) in out.sends {
            self.transmit(host, interface, datagram);
        }
    }

    fn transmit(&mut self, host: usize, interface: usize, datagram: Datagram) {
        let mut line = String::new();
        if !self.quiet {
            let (clock, name) = (self.clock(), &self.hosts[host].name);
            line = format!("{clock} {name}: {}", transcript::render(&datagram));
            self.capture.push(Captured {
                sender: HostId(host),
                at: self.now - self.epoch,
                datagram: datagram.clone(),
            });
        }
        let receivers = self.receivers(host, interface, &datagram);
        if receivers.is_empty() {
            line.push_str("  [nobody there]");
        }
        if datagram.payload.len() + IP_UDP_BYTES > self.impairment.mtu {
            line.push_str("  [too long for the link]");
        } else {
            for (host, interface) in receivers {
                self.launch(host, interface, &datagram, &mut line);
            }
        }
        if !self.quiet {
            self.transcript.push_str(&line);
            self.transcript.push('\n');
        }
    }

    /// Sends one copy on its way, with what the impairment makes of it.
    fn launch(&mut self, host: usize, interface: usize, datagram: &Datagram, line: &mut String) {
        let Impairment { loss_permille, duplicate_permille, reorder_permille, .. } =
            self.impairment;
        if self.random.chance(loss_permille) {
            self.accidents.lost += 1;
            let _ = write!(line, "  [lost before {}]", self.hosts[host].name);
            return;
        }
        let copies = if self.random.chance(duplicate_permille) { 2 } else { 1 };
        self.accidents.doubled += copies - 1;
        let mut soonest = self.now + self.impairment.delay_min;
        // Asked only where it can happen: a seed means the same run as before there was such a thing.
        if reorder_permille > 0 && self.random.chance(reorder_permille) {
            self.accidents.overtaken += 1;
            soonest += self.impairment.detour;
            line.push_str("  [late]");
        }
        if copies > 1 {
            line.push_str("  [twice]");
        }
        let spread = (self.impairment.delay_max - self.impairment.delay_min).as_micros() as u64;
        for _ in 0..copies {
            let delay = Duration::from_micros(self.random.below(spread + 1));
            self.sent += 1;
            self.in_flight.push(Reverse(InFlight {
                at: soonest + delay,
                number: self.sent,
                host,
                interface,
                datagram: datagram.clone(),
            }));
        }
    }

    /// Who gets a datagram: everybody else on the segment for a broadcast, one station for a frame
    /// addressed to it, else the owner of the address, on this segment or behind a router.
    fn receivers(
        &self,
        sender: usize,
        interface: usize,
        datagram: &Datagram,
    ) -> Vec<(usize, usize)> {
        let from = self.hosts[sender].interfaces[interface];
        let to = *datagram.destination.ip();
        let everyone = self.hosts.iter().enumerate().flat_map(|(host, known)| {
            known.interfaces.iter().enumerate().map(move |(number, known)| (host, number, *known))
        });
        let wanted = |known: &Interface| match datagram.link {
            Some(mac) => known.segment == from.segment && known.mac == mac,
            None if to.is_broadcast() => known.segment == from.segment,
            None => known.address == to && !to.is_unspecified(),
        };
        everyone
            .filter(|(host, _, known)| *host != sender && wanted(known))
            .map(|(host, number, _)| (host, number))
            .collect()
    }

    fn clock(&self) -> String {
        format!("{:>9.4}", (self.now - self.epoch).as_secs_f64())
    }
}
