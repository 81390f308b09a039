//! Never wrong: a swarm of machines of every kind, heard badly by a server that only listens. Evidence is lost, late,
//! doubled, out of order or comes by relays; addresses are used again by other machines, some by two at once. Not one
//! machine may get another's loader; those that are held are few, and boot on a retry.
//!
//! One thing nobody can know: which of two machines asks, when both use one address at the same time and one of them
//! was never heard to take it. Machines that share an address are therefore heard when they take it.

mod machine;
mod network;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use machine::{Kind, Machine, Seen};
use network::{Network, Reply};
use pxe_sim::random::Random;

/// Machines of one run.
const MACHINES: usize = 5_000;
/// They come within this time, in milliseconds.
const SPREAD_MS: u64 = 3 * 3_600_000;
/// Boots that a machine which was held tries again.
const TRIES_MAX: usize = 6;
/// How often firmware repeats a request that is not answered, and after which time, in milliseconds.
const REPEATS: u64 = 6;
const REPEATED_AFTER_MS: u64 = 4_000;

/// What happens to one machine at one time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    /// It takes an address and begins to boot.
    Boots,
    /// A message of it reaches us, as bytes and the relay's or client's address it comes from.
    IsHeard(Seen),
    /// Its address is its own from now on, for neighbours to see.
    Owns,
    /// Its firmware asks for the bait: the size first, or at once, and for the how many-th time.
    Asks(u64),
    /// The iPXE that it got asks.
    IpxeAsks,
    /// The boot is over.
    Ends,
}

struct Swarm {
    seed: u64,
    random: Random,
    network: Network,
    machines: Vec<Machine>,
    queue: BinaryHeap<Reverse<(u64, u64, usize, Happens)>>,
    queued: u64,
    boots: usize,
    held: usize,
    wrong: Vec<String>,
    loaders: BTreeMap<String, usize>,
}

impl Swarm {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let machines: Vec<Machine> =
            (0..MACHINES).map(|number| Machine::new(number, &mut random)).collect();
        let mut swarm = Self {
            seed,
            network: Network::new(&mut random),
            random,
            machines,
            queue: BinaryHeap::new(),
            queued: 0,
            boots: 0,
            held: 0,
            wrong: Vec::new(),
            loaders: BTreeMap::new(),
        };
        for number in 0..MACHINES {
            // Those that share an address boot within a minute or two of each other.
            let at = match swarm.machines[number].shares_with {
                Some(other) => swarm.machines[other].first_at + swarm.random.below(90_000),
                None => swarm.random.below(SPREAD_MS),
            };
            swarm.machines[number].first_at = at;
            swarm.push(at, number, Happens::Boots);
        }
        swarm
    }

    fn push(&mut self, at: u64, number: usize, happens: Happens) {
        self.queued += 1;
        self.queue.push(Reverse((at, self.queued, number, happens)));
    }

    fn run(&mut self) {
        while let Some(Reverse((at, _, number, happens))) = self.queue.pop() {
            match happens {
                Happens::Boots => self.boot(at, number),
                Happens::IsHeard(seen) => self.network.hear(at, &seen),
                Happens::Owns => self.network.owns(&self.machines[number]),
                Happens::Asks(repeat) => self.ask(at, number, repeat),
                Happens::IpxeAsks => self.ipxe_asks(at, number),
                Happens::Ends => self.network.give_back(&self.machines[number]),
            }
        }
    }

    /// DHCP as the firmware does it; what we hear of it is another matter.
    fn boot(&mut self, at: u64, number: usize) {
        let shared =
            self.machines[number].shares_with.and_then(|other| self.machines[other].address);
        let address = self.network.take_address(at, &self.machines[number], shared);
        let machine = &mut self.machines[number];
        machine.address = Some(address);
        machine.boots += 1;
        self.boots += 1;
        let begun = at + 200;
        let repeats = self.random.below(3);
        for repeat in 0..=repeats {
            self.send(begun + repeat * 4_000, number, false);
        }
        let request = begun + repeats * 4_000 + 3_500;
        self.send(request, number, true);
        self.push(request + 5, number, Happens::Owns);
        let wait = self.machines[number].kind.wait_ms();
        self.push(request + 20 + wait, number, Happens::Asks(0));
    }

    /// A DISCOVER, or the REQUEST, on its way to us.
    fn send(&mut self, at: u64, number: usize, request: bool) {
        let machine = &self.machines[number];
        let seen = machine.message(request);
        let certain = request && machine.is_shared;
        for _ in 0..if self.random.chance(20) { 2 } else { 1 } {
            if self.random.chance(15) && !certain {
                continue;
            }
            let delay = match seen.relay {
                None => self.random.below(40),
                Some(_) if self.random.chance(30) && !certain => self.random.below(20_000),
                Some(_) => self.random.below(18),
            };
            self.push(at + delay, number, Happens::IsHeard(seen.clone()));
        }
    }

    fn ask(&mut self, at: u64, number: usize, repeat: u64) {
        let machine = &self.machines[number];
        let reply = self.network.fetch(at, machine, machine.kind.shape(), &machine.bait);
        match reply {
            Reply::File(name) => self.loaded(at, number, &name),
            Reply::Silence if repeat < REPEATS => {
                self.push(at + REPEATED_AFTER_MS, number, Happens::Asks(repeat + 1));
            }
            Reply::Silence => {
                self.held += 1;
                self.again(at, number);
            }
            Reply::Error(error) => {
                let line = format!("at {at} ms {error}: {machine:?}");
                self.wrong.push(line);
            }
        }
    }

    fn loaded(&mut self, at: u64, number: usize, name: &str) {
        *self.loaders.entry(name.to_owned()).or_default() += 1;
        let machine = &self.machines[number];
        let expected = machine.kind.loader();
        if name != expected {
            self.wrong.push(format!("at {at} ms {name} instead of {expected}: {machine:?}"));
        }
        if let Some((companion, beside)) = machine.kind.companion() {
            let shape = Kind::SHIM;
            let found = self.network.fetch(at + 300, machine, shape, companion);
            if found != Reply::File(beside.to_owned()) {
                self.wrong.push(format!("at {at} ms {found:?} instead of {beside}: {machine:?}"));
            }
        } else if machine.kind.chains() {
            if !self.random.chance(20) {
                let seen = self.machines[number].ipxe_message();
                self.push(at + 3_000, number, Happens::IsHeard(seen));
            }
            self.push(at + 16_000, number, Happens::IpxeAsks);
        }
        self.machines[number].booted += 1;
        let ends = at + 20_000 + self.random.below(100_000);
        self.push(ends, number, Happens::Ends);
        if self.machines[number].boots_again() {
            let later = at + 150_000 + self.random.below(3_600_000);
            self.machines[number].change(&mut self.random);
            self.push(later, number, Happens::Boots);
        }
    }

    fn ipxe_asks(&mut self, at: u64, number: usize) {
        let machine = &self.machines[number];
        let reply = self.network.fetch(at, machine, Kind::IPXE, &machine.bait);
        if reply != Reply::File("menu.ipxe".to_owned()) {
            self.wrong.push(format!("at {at} ms iPXE gets {reply:?}: {machine:?}"));
        }
    }

    fn again(&mut self, at: u64, number: usize) {
        self.network.give_back(&self.machines[number]);
        self.machines[number].tries += 1;
        if self.machines[number].tries < TRIES_MAX {
            let pause = 20_000 + self.random.below(40_000);
            self.push(at + pause, number, Happens::Boots);
        }
    }

    #[track_caller]
    fn check(&self) {
        let seed = self.seed;
        println!(
            "seed {seed:#x}: {} boots, {} held ({} times again at most), {:?}",
            self.boots,
            self.held,
            self.machines.iter().map(|machine| machine.tries).max().unwrap_or(0),
            self.loaders
        );
        assert!(self.wrong.is_empty(), "seed {seed:#x}:\n{}", self.wrong.join("\n"));
        let never = self.machines.iter().filter(|machine| machine.booted == 0).count();
        assert_eq!(never, 0, "seed {seed:#x}: {never} machines never boot");
        assert!(self.held * 100 < self.boots, "seed {seed:#x}: {} of {}", self.held, self.boots);
        assert!(self.held > 0, "seed {seed:#x}: nothing was hard about it");
        assert!(self.loaders.len() >= 6, "{:?}", self.loaders);
    }
}

/// `SWARM_SEEDS=100` runs so many, `SWARM_FIRST=100` others.
#[test]
fn five_thousand_machines_get_no_loader_but_their_own() {
    let more = std::env::var("SWARM_SEEDS").ok().and_then(|text| text.parse().ok());
    let first = std::env::var("SWARM_FIRST").ok().and_then(|text| text.parse().ok());
    let first = 0x5eed_0001 + first.unwrap_or(0_u64);
    for seed in first..first + more.unwrap_or(2_u64) {
        let mut swarm = Swarm::new(seed);
        swarm.run();
        swarm.check();
    }
}
