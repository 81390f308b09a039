//! The firmware matrix: which machine must end with which boot file, and how that is proven.

mod given;
mod rows;
mod systems;
mod topologies;

use core::cmp::Reverse;
use core::num::NonZero;
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::firmware::Machine;
use crate::lab::proof::{Proof, Seat};
use crate::lab::refusals;
use crate::lab::server::{Memory, Subject, message};
use crate::lab::stage::systems::System;
use crate::lab::stage::{Boot, Scene, Stage};
use crate::lab::topology::{Presence, Topology};
use crate::lab::vm::mac_text;
use crate::packages::{self, Need};
use crate::report::Outcome;

pub(crate) use rows::{ONE_OF_EACH, PXELINUX_FOR_BIOS};
pub(crate) use systems::{LINUX, LINUX_SCENE, Systems, linux_needs, make_discs};

/// Emulated machines at a time, for each processor: an EDK2 that boots keeps one busy for a third of its time, and waits
/// for timers and answers otherwise.
const MACHINES_PER_PROCESSOR: usize = 2;
/// At a time in all: each has half a gigabyte of memory or a whole one.
const MACHINES_MAX: usize = 8;
/// At a time in one row.
const MACHINES_IN_ROW: usize = 2;
/// Boots that a system takes as long as: it has a kernel and an initrd to fetch, and is started.
const BOOTS_OF_SYSTEM: usize = 4;
/// What an idle server may keep of its own.
const IDLE_SERVER_OWN_KIB_MAX: u64 = 5_000;
/// And with what the kernel maps of the files it runs from.
const IDLE_SERVER_RESIDENT_KIB_MAX: u64 = 20_000;

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

/// Runs rows, several at a time, and reports each as it ends.
pub(crate) fn run(
    lab: &Lab,
    rows: &[&'static Row],
    report: &(dyn Fn(&'static Row, &Outcome, Duration) + Sync),
) {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let machines = Permits::new((processors * MACHINES_PER_PROCESSOR).min(MACHINES_MAX));
    let mut rows = rows.to_vec();
    // The long ones first, so that none is left alone at the end.
    rows.sort_by_key(|row| Reverse((row.length(), row.at_once())));
    thread::scope(|scope| {
        for row in rows {
            // Acquired here, in order, so that a row for two machines is not overtaken for ever.
            let permit = machines.acquire(row.at_once());
            scope.spawn(move || {
                let _permit = permit;
                let started = Instant::now();
                let outcome = match run_row(lab, row) {
                    Ok(text) => Outcome::Passed(text),
                    Err(why) => Outcome::Failed(why.to_string()),
                };
                report(row, &outcome, started.elapsed());
            });
        }
    });
}

/// Runs one row and returns a line about what was proven. Its folder stays only if it failed.
fn run_row(lab: &Lab, row: &Row) -> Result<String> {
    interrupt::check()?;
    let folder = lab.folder.join(row.name);
    // What an earlier run left there would be taken for this run's.
    let _ = fs::remove_dir_all(&folder);
    let text = match (row.act, &lab.subject) {
        (Act::Refuse, Subject::Ours(binary)) => refusals::try_all(binary, &folder)?,
        (Act::Run(systems), _) => run_systems(lab, row, systems, &folder)?,
        _ => run_on_stage(lab, row, &folder)?,
    };
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))?;
    Ok(text)
}

fn run_on_stage(lab: &Lab, row: &Row, folder: &Path) -> Result<String> {
    let mut stage = Stage::build(&lab.subject, row.scene, folder)?;
    let mut text = String::new();
    if row.act == Act::Idle {
        text = idle_memory(&stage)?;
    }
    if row.act == Act::BootAfterStranger {
        text = stage.let_stranger_in(&lab.repository)? + "; ";
    }
    if !row.seats.is_empty() {
        let boots = stage.play(row.seats, row.at_once(), &mut |_| {})?;
        if stage.server.is_ours() {
            check_story(&stage.server.story(), &row.scene.topology, row.seats)?;
        }
        text += &summary(row.seats, &boots);
        text += &losses(&stage, row.scene.loss_percent)?;
        if let Some(silence) = stage.silence()? {
            text += &format!("; {silence}");
        }
    }
    stage.server.stop()?;
    Ok(text)
}

fn run_systems(lab: &Lab, row: &Row, systems: &Systems, folder: &Path) -> Result<String> {
    make_discs(systems.machines, folder)?;
    let mut stage = Stage::build(&lab.subject, row.scene, folder)?;
    let took = stage.run_systems(systems.machines, row.at_once(), &mut |_| {})?;
    stage.server.stop()?;
    let each = systems.machines.iter().zip(took).map(|(System { title, says, .. }, took)| {
        format!("{title}: `{says}` after {:.1} s", took.as_secs_f32())
    });
    Ok(each.collect::<Vec<_>>().join("; "))
}

/// On a wire that was to lose frames, how many it lost; none would make the row worthless.
fn losses(stage: &Stage, percent: u8) -> Result<String> {
    if percent == 0 {
        return Ok(String::new());
    }
    match stage.frames_lost()? {
        0 => fail("the wire has lost no frame"),
        count => Ok(format!(" ({count} frames lost)")),
    }
}

fn idle_memory(stage: &Stage) -> Result<String> {
    interrupt::pause(Duration::from_secs(2))?;
    let Memory { own, resident } = stage.server.memory()?;
    let told = format!("{own} KiB of its own, {resident} KiB resident");
    if own > IDLE_SERVER_OWN_KIB_MAX || resident > IDLE_SERVER_RESIDENT_KIB_MAX {
        return fail(format!(
            "{told}; the limits are {IDLE_SERVER_OWN_KIB_MAX} and {IDLE_SERVER_RESIDENT_KIB_MAX}"
        ));
    }
    Ok(told)
}

/// The server's log must tell each machine's boot, in order.
fn check_story(story: &[String], topology: &Topology, seats: &[Seat]) -> Result<()> {
    for seat in seats {
        let mac = mac_text(seat.machine.hardware_address());
        let naming = topology.naming(seat.machine);
        let named = match naming.bait {
            None => format!("{mac} offered "),
            Some(bait) => format!("{mac} asked {bait}: "),
        };
        let given = naming.gives.map(|_| format!("{mac} acknowledged "));
        let fetched = [format!("{mac} requested "), format!("{mac} delivered ")];
        let mut lines = story.iter().map(|line| message(line));
        for wanted in [named].into_iter().chain(given).chain(fetched) {
            let told =
                lines.any(|line| line.starts_with(&wanted) && line.contains(seat.loader.name));
            if !told {
                let log = story.join("\n    ");
                let name = seat.loader.name;
                return fail(format!("the log does not tell `{wanted}{name}`:\n    {log}"));
            }
        }
    }
    Ok(())
}

fn summary(seats: &[Seat], boots: &[Boot]) -> String {
    let each = seats.iter().zip(boots).map(|(seat, boot)| {
        let Boot { proof, took, power_cycles } = boot;
        let machine = seat.machine.name();
        let seconds = took.as_secs_f32();
        let again = match power_cycles {
            0 => String::new(),
            count => format!(" of power-on {}", count + 1),
        };
        let Proof { file, bytes, .. } = proof;
        format!("{machine}: {file}, {bytes} bytes, ran after {seconds:.1} s{again}")
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Where the lab writes: beside the build, so that it is ignored and cleaned with it.
pub(crate) fn folder(target: &Path) -> PathBuf {
    target.join("lab").join(std::process::id().to_string())
}

/// A counter that threads wait for.
struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

struct Permit<'a> {
    permits: &'a Permits,
    count: usize,
}

impl Permits {
    fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), freed: Condvar::new() }
    }

    fn acquire(&self, count: usize) -> Permit<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = self.freed.wait_while(free, |free| *free < count);
        *enough.unwrap_or_else(PoisonError::into_inner) -= count;
        Permit { permits: self, count }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut free = self.permits.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free += self.count;
        self.permits.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::rows::X64_SEAT;
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

    #[test]
    fn a_story_out_of_order_or_for_somebody_else_is_not_told() {
        let seat = [X64_SEAT];
        let line = |mac: &str, what: &str| format!("52:54:00:aa:00:{mac} {what} ipxe.efi");
        let order = |mac, words: [&str; 3]| words.map(|word| line(mac, word)).to_vec();
        let told = |story: Vec<String>| check_story(&story, &Topology::PROXY, &seat).is_ok();
        assert!(told(order("02", ["offered", "requested", "delivered"])));
        assert!(!told(order("02", ["requested", "offered", "delivered"])));
        assert!(!told(order("03", ["offered", "requested", "delivered"])));
        let baited = order("02", ["asked pxe-loader:", "requested", "delivered"]);
        assert!(check_story(&baited, &Topology::OBSERVE, &seat).is_ok());
        assert!(check_story(&baited, &Topology::SUFFIXES, &seat).is_err(), "another bait");
        let given = order("02", ["offered 10.77.0.100 and", "requested", "delivered"]);
        assert!(check_story(&given, &Topology::SERVER, &seat).is_err(), "never acknowledged");
        let acknowledged = line("02", "acknowledged 10.77.0.100 for 12 h, and");
        let given = [&given[..1], &[acknowledged], &given[1..]].concat();
        assert!(check_story(&given, &Topology::SERVER, &seat).is_ok());
    }
}
