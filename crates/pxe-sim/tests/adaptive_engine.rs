//! The whole engine and firmware that overlooks its first offers: what the story says of it, and
//! what is known the next time, of the machine and of its maker's others.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use common::{LOADERS, Lab, Place, US, loader, policy};
use pxe_dhcp::respond::{ProxyConfig, ProxyStyles};
use pxe_select::Firmware;
use pxe_server::engine::{Engine, EngineConfig, Shared};
use pxe_sim::engine::{EngineServer, MemoryFiles};
use pxe_sim::fetch::{Fetching, TftpHabit};
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::picky::{Picky, Taste, WithoutProxy};
use pxe_sim::firmware::{Machine, Outcome};
use pxe_sim::foreign::Habit;
use pxe_sim::network::{Arrival, HostId, Impairment, Node, Outbox};
use pxe_sim::server::{BootServer, Meta, Outgoing};

fn engine_of(shared: &std::sync::Arc<Shared>, has_dhcp: bool) -> EngineServer {
    let mut proxy = ProxyConfig::default();
    proxy.styles = ProxyStyles::Adaptive;
    let config = EngineConfig { proxy: has_dhcp.then_some(proxy), ..EngineConfig::default() };
    let files = MemoryFiles::new(LOADERS.iter().map(|(_, name)| (*name, 20_001)));
    EngineServer::new(Engine::new(config, std::sync::Arc::clone(shared)), files)
}

fn lab(server: impl BootServer + 'static) -> Lab {
    let habit = Habit::PointsAtItself;
    Lab::with_server(3, Impairment::default(), Place::SameLan, habit, server)
}

fn one_loop() -> Lab {
    lab(engine_of(&Shared::new(policy(false)), true))
}

fn picky(machine: Machine, taste: Taste, start: Instant) -> Fetching<Picky> {
    let model = Picky::new(machine, taste, WithoutProxy::Waits, start);
    Fetching::new(model, TftpHabit::EDK2)
}

/// Boots a new UEFI machine with this taste; how long it took.
fn boot(lab: &mut Lab, taste: Taste) -> Duration {
    let (machine, start) = (lab.machine(7), lab.world.now());
    let client = lab.attach("UEFI", machine.mac, picky(machine, taste, start));
    finish(lab, client, start)
}

fn boot_edk2(lab: &mut Lab) -> Duration {
    let (machine, start) = (lab.machine(7), lab.world.now());
    let model = Edk2Pxe::new(machine, Era::Years2010To2017, start);
    let client = lab.attach("EDK2", machine.mac, Fetching::new(model, TftpHabit::EDK2));
    finish(lab, client, start)
}

fn finish(lab: &mut Lab, client: HostId, start: Instant) -> Duration {
    lab.expect_boot(client, US, &loader(Firmware::X64Uefi));
    lab.world.now() - start
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_story_says_what_is_tried_and_what_worked() {
    let mut lab = one_loop();
    boot(&mut lab, Taste::JustBoot);
    let report = lab.world.report();
    let told: Vec<&str> = report
        .lines()
        .filter_map(|line| line.split_once("our server: "))
        .map(|(_, told)| told)
        .filter(|told| told.contains('{') && !told.contains("OFFER"))
        .collect();
    let place = |what: &str| {
        told.iter()
            .position(|told| told.contains(what))
            .unwrap_or_else(|| panic!("{what}\n{report}"))
    };
    let trying =
        place("Phrased { style: JustBoot, reason: Ignored { previous: Binl, rounds: 2 } }");
    let settled = place("Phrased { style: JustBoot, reason: Worked }");
    assert!(place("Offered") < trying && trying < settled, "{report}");
    assert!(settled <= place("Requested") + 1, "{report}");
    let phrased = told.iter().filter(|told| told.contains("Phrased")).count();
    assert_eq!(phrased, 2, "each thing once\n{report}");
}

/// One machine that is switched on again and again, an hour apart.
struct PowerCycled {
    machine: Machine,
    taste: Taste,
    boot: Fetching<Picky>,
    began: Instant,
    again: Option<Instant>,
    left: usize,
    took: Rc<RefCell<Vec<Duration>>>,
}

impl PowerCycled {
    fn follow(&mut self, now: Instant) {
        if self.again.is_none() && self.boot.outcome().is_some() {
            self.took.borrow_mut().push(now - self.began);
            if self.left > 0 {
                self.left -= 1;
                self.again = Some(now + seconds(3600));
            }
        }
    }
}

impl Node for PowerCycled {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if self.again.is_none() {
            self.boot.handle_datagram(now, arrival, out);
            self.follow(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.again.or_else(|| self.boot.poll_timeout())
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        if self.again.take().is_some() {
            self.machine.transaction_id += 0x100;
            self.boot = picky(self.machine, self.taste, now);
            self.began = now;
        } else {
            self.boot.handle_timeout(now, out);
            self.follow(now);
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        self.boot.outcome().filter(|_| self.left == 0 && self.again.is_none())
    }
}

#[test]
fn a_machine_waits_once_and_never_again() {
    let mut lab = one_loop();
    let (machine, began) = (lab.machine(7), lab.world.now());
    let took = Rc::new(RefCell::new(Vec::new()));
    let taste = Taste::JustBoot;
    let boot = picky(machine, taste, began);
    let cycled =
        PowerCycled { machine, taste, boot, began, again: None, left: 3, took: Rc::clone(&took) };
    let client = lab.attach("UEFI", machine.mac, cycled);
    lab.world.run(&[client], seconds(5 * 3600));
    let took = took.borrow();
    assert_eq!(took.len(), 4, "{}", lab.world.report());
    assert!(took[0] > seconds(12) && took[0] < seconds(30), "{took:?}");
    assert!(took[1..].iter().all(|took| *took < seconds(5)), "{took:?}");
}

#[test]
fn the_makers_other_machines_need_not_wait_and_a_different_one_hardly() {
    let mut lab = one_loop();
    for _ in 0..2 {
        let took = boot(&mut lab, Taste::JustBoot);
        assert!(took > seconds(12), "{took:?}: {}", lab.world.report());
    }
    for _ in 0..3 {
        let took = boot(&mut lab, Taste::JustBoot);
        assert!(took < seconds(5), "{took:?}: {}", lab.world.report());
    }
    assert!(lab.world.report().contains("SameMaker { machines: 2 }"), "{}", lab.world.report());
    // Old EDK2 discards what the others like: it loses a round, once.
    let took = boot_edk2(&mut lab);
    assert!(took > seconds(5) && took < seconds(15), "{took:?}: {}", lab.world.report());
    for _ in 0..2 {
        let took = boot_edk2(&mut lab);
        assert!(took < seconds(6), "{took:?}: {}", lab.world.report());
    }
}

/// A server whose second loop serves the files; what they share is all they have in common.
struct TwoLoops {
    dhcp: EngineServer,
    files: EngineServer,
}

impl BootServer for TwoLoops {
    fn handle_datagram(&mut self, now: Instant, meta: &Meta, datagram: &[u8]) {
        let engine = if matches!(meta.port, 67 | 4011) { &mut self.dhcp } else { &mut self.files };
        engine.handle_datagram(now, meta, datagram);
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        self.dhcp.poll_transmit(now).or_else(|| self.files.poll_transmit(now))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.dhcp.poll_timeout().into_iter().chain(self.files.poll_timeout()).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.dhcp.handle_timeout(now);
        self.files.handle_timeout(now);
    }

    fn poll_note(&mut self) -> Option<String> {
        self.dhcp.poll_note().or_else(|| self.files.poll_note())
    }
}

#[test]
fn a_fetch_from_another_loop_counts_too() {
    let shared = Shared::new(policy(false));
    let loops = TwoLoops { dhcp: engine_of(&shared, true), files: engine_of(&shared, false) };
    let mut lab = lab(loops);
    for _ in 0..2 {
        let took = boot(&mut lab, Taste::JustBoot);
        assert!(took > seconds(12), "{took:?}: {}", lab.world.report());
    }
    let took = boot(&mut lab, Taste::JustBoot);
    assert!(took < seconds(5), "{took:?}: {}", lab.world.report());
}
