//! The firmware matrix: which machine must end with which boot file, and how that is proven.

mod given;
mod permits;
mod rows;
mod run;
mod story;
mod systems;
mod topologies;

use std::path::{Path, PathBuf};

use crate::lab::firmware::Machine;
use crate::lab::proof::Seat;
use crate::lab::server::Subject;
use crate::lab::stage::Scene;
use crate::lab::topology::{Presence, Topology};
use crate::packages::{self, Need};

pub(crate) use rows::{ONE_OF_EACH, PXELINUX_FOR_BIOS};
pub(crate) use run::run;
pub(crate) use systems::{LINUX, LINUX_SCENE, Systems, linux_needs, make_discs};

/// At a time in one row.
const MACHINES_IN_ROW: usize = 2;
/// Boots that a system takes as long as: it has a kernel and an initrd to fetch, and is started.
const BOOTS_OF_SYSTEM: usize = 4;

/// What happens in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Its machines boot.
    Boot,
    /// A stranger does his worst, then its machines boot.
    BootAfterStranger,
    /// A server waits for clients that do not come.
    Idle,
    /// The server is started where it cannot run.
    Refuse,
    /// Machines boot until their system runs.
    Run(&'static Systems),
}

/// What the rows run with.
#[derive(Debug, Clone)]
pub(crate) struct Lab {
    pub(crate) subject: Subject,
    /// The repository, for its corpora.
    pub(crate) repository: PathBuf,
    /// Where captures and logs go.
    pub(crate) folder: PathBuf,
}

/// One row of the matrix.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    act: Act,
    seats: &'static [Seat],
    scene: Scene<'static>,
    needs: &'static [&'static Need],
}

/// Every row.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    let booting = topologies::ROWS.iter().chain(given::ROWS).chain(rows::ROWS);
    systems::ROWS.iter().chain(booting)
}

impl Row {
    /// Whether the row says something about the lab: what it asks of a server's manners is asked of
    /// ours only, and so is HTTP, which dnsmasq does not speak.
    pub(crate) fn takes_stand_in(&self) -> bool {
        let by_http = self.seats.iter().any(|seat| seat.machine == Machine::X64UefiHttp);
        matches!(self.act, Act::Boot | Act::Idle)
            && self.scene.style.is_none()
            && self.scene.topology == Topology::PROXY
            && !by_http
    }

    /// How many of its machines run at a time.
    fn at_once(&self) -> usize {
        match self.scene.topology.presence {
            Presence::Always => self.seats.len().clamp(1, MACHINES_IN_ROW),
            // A server that is away for one is away for every other.
            Presence::FromFirstRequest { .. } | Presence::BackForSecondRequest => 1,
        }
    }

    /// About how long it takes, in boots that follow one another.
    fn length(&self) -> usize {
        let systems = match self.act {
            Act::Run(systems) => systems.machines.len() * BOOTS_OF_SYSTEM,
            _ => 0,
        };
        (self.seats.len() + systems).div_ceil(self.at_once())
    }

    /// Everything that this row and its wire need from the system.
    pub(crate) fn needs(&self) -> Vec<&'static Need> {
        [packages::LAB, self.needs].concat()
    }
}

/// Where the lab writes: beside the build, so that it is ignored and cleaned with it.
pub(crate) fn folder(target: &Path) -> PathBuf {
    target.join("lab").join(std::process::id().to_string())
}

#[cfg(test)]
mod tests {
    use super::run::MACHINES_PER_PROCESSOR;
    use super::*;

    #[test]
    fn rows_have_different_names_and_fit_on_the_machine() {
        let mut names: Vec<_> = rows().map(|row| row.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        // On one processor too.
        assert!(rows().all(|row| row.at_once() <= MACHINES_PER_PROCESSOR));
    }

    #[test]
    fn every_machine_and_the_required_scenes_are_in_the_matrix() {
        for machine in Machine::ALL {
            assert!(rows().any(|row| row.seats.iter().any(|seat| seat.machine == machine)));
        }
        assert!(rows().any(|row| row.scene.loss_percent == 5));
        assert!(rows().any(|row| row.seats.len() == 2));
    }

    #[test]
    fn every_machine_boots_in_every_topology() {
        let topologies = [
            Topology::OBSERVE,
            Topology::RELAYED,
            Topology::SUFFIXES,
            Topology::LATE,
            Topology::SAME_HOST,
            Topology::SERVER,
        ];
        assert!(rows().any(|row| row.scene.topology == Topology::RESTARTED));
        // A bait is a name for TFTP.
        let by_tftp = |machine: &Machine| *machine != Machine::X64UefiHttp;
        for topology in topologies {
            for machine in Machine::ALL.into_iter().filter(by_tftp) {
                let boots = |row: &Row| {
                    row.act == Act::Boot
                        && row.scene.topology == topology
                        && row.seats.iter().any(|seat| seat.machine == machine)
                };
                assert!(rows().any(boots), "{} in {topology:?}", machine.name());
            }
        }
    }

    #[test]
    fn the_page_on_topologies_names_the_rows_that_prove_it() {
        let page = include_str!("../../../docs/topologies.md");
        let proofs: Vec<&str> = page
            .split("**Proven by** row")
            .skip(1)
            .map(|rest| rest.split("\n|").next().unwrap_or_default())
            .collect();
        assert_eq!(proofs.len(), 5);
        let is_named = |name: &str| proofs.iter().any(|proof| proof.contains(&format!("`{name}`")));
        for row in topologies::ROWS {
            assert!(is_named(row.name), "{} is proven and not on the page", row.name);
        }
        for row in given::ROWS {
            assert!(page.contains(&format!("`{}`", row.name)), "{} is not on the page", row.name);
        }
        let proxied = ["bios-pxelinux", "bios-menu", "x64-uefi", "x86-uefi", "arm64-uefi"];
        for name in proxied.into_iter().chain(["two-at-once", "x64-uefi-loss"]) {
            assert!(is_named(name) && rows().any(|row| row.name == name), "{name}");
        }
    }

    #[test]
    fn every_row_names_what_its_machines_need() {
        for row in rows() {
            let systems = match row.act {
                Act::Run(systems) => systems.machines,
                _ => &[],
            };
            let machines = row.seats.iter().map(|seat| seat.machine);
            let machines = machines.chain(systems.iter().map(|system| system.machine));
            for need in machines.flat_map(Machine::needs) {
                assert!(row.needs().iter().any(|known| known.what == need.what), "{}", row.name);
            }
        }
    }
}
