//! For every architecture and class, every model ends with the intended file: on one LAN and behind
//! a relay, on a good network and on a bad one.

mod common;

use common::cases::{Case, cases};
use common::{Lab, Place};
use pxe_sim::firmware::Outcome;
use pxe_sim::foreign::Habit;
use pxe_sim::network::Impairment;

/// One power-on: what it ended with, and the story.
fn boot_once(case: &Case, seed: u64, impairment: Impairment, place: Place, habit: Habit) -> Ended {
    let mut lab = Lab::new(seed, impairment, place, habit);
    let client = (case.attach)(&mut lab);
    let outcome = lab.run(client);
    let story = format!("{}, {place:?}, {habit:?}, {}", case.name, lab.world.report());
    Ended { outcome, story }
}

struct Ended {
    outcome: Outcome,
    story: String,
}

impl Ended {
    /// Whether the machine boots; never the wrong thing.
    #[track_caller]
    fn booted(&self, case: &Case) -> bool {
        let Some(boot) = self.outcome.boot() else { return false };
        let got = (boot.server, String::from_utf8_lossy(&boot.file));
        assert_eq!(got, (case.server, case.file.as_str().into()), "{}", self.story);
        true
    }
}

/// Each model, once, on a network that loses nothing.
fn all_boot(impairment: Impairment, place: Place) {
    for habit in [Habit::AddressesOnly, Habit::PointsAtItself] {
        for case in cases() {
            let ended = boot_once(&case, 1, impairment, place, habit);
            assert!(ended.booted(&case), "{:?}: {}", ended.outcome, ended.story);
        }
    }
}

/// Each model on a network that loses `loss_permille` of 1000 datagrams a hop, doubles and reorders
/// others. iPXE and U-Boot wait for proxies for a moment only, and a ROM has four tries for each
/// step: a lost datagram too many and the attempt is over, as in life. So a machine may be switched
/// on again, rarely; it must never boot anything else.
fn all_boot_at_last(loss_permille: u16, place: Place, seeds: u64) {
    let impairment = Impairment::bad(loss_permille);
    let (mut attempts, mut failures) = (0_u64, 0_u64);
    for case in cases() {
        for seed in 0..seeds {
            let booted = (0..ATTEMPTS_MAX).find(|attempt| {
                let seed = seed << 8 | attempt;
                let ended = boot_once(&case, seed, impairment, place, Habit::PointsAtItself);
                attempts += 1;
                let booted = ended.booted(&case);
                failures += u64::from(!booted);
                if !booted && attempt + 1 == ATTEMPTS_MAX {
                    panic!("{:?}: {}", ended.outcome, ended.story);
                }
                booted
            });
            assert!(booted.is_some());
        }
    }
    assert!(failures * 100 <= attempts * FAILED_PERCENT_MAX, "{failures} of {attempts} failed");
}

/// Power-ons until a machine must have booted.
const ATTEMPTS_MAX: u64 = 5;
/// Attempts that may fail on the networks below.
const FAILED_PERCENT_MAX: u64 = 3;

#[test]
fn every_model_boots_on_a_good_network() {
    all_boot(Impairment::default(), Place::SameLan);
}

#[test]
fn every_model_boots_behind_a_relay() {
    all_boot(Impairment::default(), Place::Relayed);
}

#[test]
fn duplicates_and_reordering_alone_harm_nobody() {
    all_boot(Impairment::bad(0), Place::SameLan);
    all_boot(Impairment::bad(0), Place::Relayed);
}

#[test]
fn every_model_boots_on_a_lossy_network() {
    all_boot_at_last(20, Place::SameLan, 60);
}

#[test]
fn every_model_boots_behind_a_relay_on_a_lossy_network() {
    all_boot_at_last(20, Place::Relayed, 60);
}
