//! Machines that end in a running operating system.
//!
//! Two witnesses: words on the serial line that nothing before the running system prints, and the server's log, which
//! must tell of everything that the system came from. What went over the wire is not recorded: a recording of a
//! hundred megabytes would be read twice a second.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use super::{LOOK_EVERY, Stage, indented};
use crate::error::{Result, fail};
use crate::interrupt;
use crate::lab::disc::Disc;
use crate::lab::firmware::Machine;
use crate::lab::server::message;
use crate::lab::vm::{Vm, mac_text};
use crate::process::tail;

/// How long a machine may take until its system runs. GRUB on an emulated ARM64 machine takes some minutes for 74 MB.
const SYSTEM_PATIENCE: Duration = Duration::from_secs(900);
/// How long the server may take to look at the discs.
const LOOK_PATIENCE: Duration = Duration::from_secs(120);

/// A machine, and the system that it must end in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct System {
    pub(crate) machine: Machine,
    /// The disc that it is in.
    pub(crate) disc: Option<Disc>,
    /// Memory of the machine: what the system needs, and no more.
    pub(crate) memory_mib: u32,
    /// What it is, for a person.
    pub(crate) title: &'static str,
    /// What only the running system writes on the serial line.
    pub(crate) says: &'static str,
    /// What the server's log tells of the machine, in this order: parts of lines.
    pub(crate) story: &'static [&'static str],
}

/// What happens, for whoever watches.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    SwitchedOn(&'a System),
    /// A line of the server's log, without time and level.
    Said(&'a str),
    /// Nobody said anything for a while, and this is the last line on its screen.
    Shows(&'a System, &'a str),
    /// It runs, after so long.
    Runs(&'a System, Duration),
}

/// After so long without a word, people want to see that something still happens.
const SILENCE: Duration = Duration::from_secs(15);

impl Stage {
    /// Switches the machines on, at most `at_once` together, until each system runs; how long each took.
    pub(crate) fn run_systems(
        &mut self,
        systems: &[System],
        at_once: usize,
        watch: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<Duration>> {
        let mut waiting: VecDeque<usize> = (0..systems.len()).collect();
        let mut running: Vec<(usize, Vm)> = Vec::new();
        let mut took = vec![Duration::ZERO; systems.len()];
        let (mut lines_seen, mut said_at) = (0, Instant::now());
        self.wait_for_discs(systems)?;
        while !(waiting.is_empty() && running.is_empty()) {
            if running.len() < at_once
                && let Some(index) = waiting.pop_front()
            {
                running.push((index, self.switch_on_system(&systems[index])?));
                watch(Progress::SwitchedOn(&systems[index]));
                continue;
            }
            interrupt::pause(LOOK_EVERY)?;
            self.server.check_alive()?;
            let story = self.server.story();
            story.iter().skip(lines_seen).for_each(|line| watch(Progress::Said(message(line))));
            if lines_seen < story.len() {
                (lines_seen, said_at) = (story.len(), Instant::now());
            }
            if said_at.elapsed() > SILENCE {
                said_at = Instant::now();
                for (index, vm) in &running {
                    let screen = vm.screen();
                    let line = screen.lines().rev().map(str::trim).find(|line| is_text(line));
                    watch(Progress::Shows(&systems[*index], line.unwrap_or("nothing yet")));
                }
            }
            let mut still = Vec::new();
            for (index, mut vm) in running {
                if self.has_started(&systems[index], &mut vm, &story)? {
                    took[index] = vm.started.elapsed();
                    watch(Progress::Runs(&systems[index], took[index]));
                } else {
                    still.push((index, vm));
                }
            }
            running = still;
        }
        Ok(took)
    }

    /// Until the server has looked at them: a menu without its default would boot the local disk.
    fn wait_for_discs(&mut self, systems: &[System]) -> Result<()> {
        let started = Instant::now();
        for disc in systems.iter().filter_map(|system| system.disc) {
            let line = format!("image {}: ", disc.name());
            while !self.server.story().iter().any(|said| message(said).starts_with(&line)) {
                interrupt::pause(LOOK_EVERY)?;
                self.server.check_alive()?;
                if started.elapsed() > LOOK_PATIENCE {
                    return fail(format!("the server does not say what {} is", disc.name()));
                }
            }
        }
        Ok(())
    }

    fn switch_on_system(&self, system: &System) -> Result<Vm> {
        // At most 15 characters.
        let interface = format!("t-{:.13}", system.machine.name());
        let tap = self.wire.tap(&interface)?;
        Vm::start_with(system.machine, Some(system.memory_mib), &tap, &self.folder)
    }

    fn has_started(&self, system: &System, vm: &mut Vm, story: &[String]) -> Result<bool> {
        let off = vm.is_off()?;
        let late = Instant::now() > vm.started + SYSTEM_PATIENCE;
        let screen = vm.screen();
        let mac = mac_text(system.machine.hardware_address());
        let untold = untold(&mac, system.story, story);
        let why = match (untold, screen.contains(system.says)) {
            (None, true) => return Ok(true),
            (Some(part), true) => format!("it runs, but the log does not tell `{part}`"),
            _ if off => format!("the machine ended before it said `{}`", system.says),
            (_, false) if late => format!("not seen in {SYSTEM_PATIENCE:?}: `{}`", system.says),
            (_, false) => return Ok(false),
        };
        let mut own: Vec<&str> = story.iter().map(|line| message(line)).collect();
        own.retain(|line| line.contains(&mac));
        fail(format!(
            "{}: {why}\n  the server said:\n{}\n  the screen showed:\n{}\n  logs: {}",
            system.title,
            indented(&tail(&own.join("\n"), 16)),
            indented(&tail(&screen, 12)),
            self.folder.display()
        ))
    }
}

/// Something to read, not the frame of a dialogue or a progress bar.
fn is_text(line: &str) -> bool {
    line.chars().filter(|character| character.is_alphabetic()).count() > line.len() / 3
}

/// The first part that no line about this machine has, behind the line of the part before it.
fn untold<'p>(mac: &str, parts: &[&'p str], story: &[String]) -> Option<&'p str> {
    let mut lines = story.iter().map(|line| message(line)).filter(|line| line.starts_with(mac));
    parts.iter().find(|part| !lines.any(|line| line.contains(**part))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_told_in_order_and_of_one_machine() {
        let mac = "52:54:00:aa:00:01";
        let story = [
            "2026-08-01T10:00:00.000Z 52:54:00:aa:00:01 delivered a/vmlinuz: 5 bytes".to_owned(),
            "52:54:00:aa:00:02 delivered b/initrd.gz: 7 bytes".to_owned(),
            "52:54:00:aa:00:01 booted".to_owned(),
        ];
        assert_eq!(untold(mac, &["delivered a/vmlinuz", "booted"], &story), None);
        assert_eq!(
            untold(mac, &["booted", "delivered a/vmlinuz"], &story),
            Some("delivered a/vmlinuz")
        );
        assert_eq!(untold(mac, &["delivered b/initrd.gz"], &story), Some("delivered b/initrd.gz"));
    }
}
