//! A server in the background: what it costs, and its end.

use core::time::Duration;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::machine::{Cores, pin};

/// Ticks in a second of the times in `/proc/PID/stat`: USER_HZ, the same on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;
/// How long a server may take to end before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A server and all that it forked. Dropping it ends them.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Pid,
}

impl Process {
    /// Starts a command on the cores of the servers; what it prints goes to `log`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut command: Command, cores: &Cores, log: &Path) -> io::Result<Self> {
        let file = File::create(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        // The child has our cores at first, and its threads have its cores: so ours are changed for a moment.
        pin(&cores.servers)?;
        let child = command.spawn();
        pin(&[cores.generator])?;
        let child = child?;
        let group = Pid::from_raw(child.id().cast_signed());
        Ok(Self { child, group })
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Processor time so far in seconds, of all threads, and of children whether they ended or not.
    pub fn seconds(&self) -> f64 {
        let mut ticks = 0;
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some(fields) = Stat::parse(&stat) else { continue };
            if fields.group == self.group.as_raw() {
                ticks += fields.ticks;
            }
        }
        ticks as f64 / TICKS_PER_SECOND
    }

    /// Resident memory of the first process now, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.status_kibibytes("VmRSS:") * 1024
    }

    /// Most resident memory of the first process so far, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.status_kibibytes("VmHWM:") * 1024
    }

    fn status_kibibytes(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group is there until the child is waited for, even if it has ended.
        let _ = killpg(self.group, Signal::SIGTERM);
        let deadline = Instant::now() + STOP_PATIENCE;
        while self.is_alive() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        if self.is_alive() {
            let _ = killpg(self.group, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// What counts of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    group: i32,
    /// utime, stime, cutime and cstime.
    ticks: u64,
}

impl Stat {
    fn parse(stat: &str) -> Option<Self> {
        // The name in parentheses may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // proc_pid_stat(5) counts from 1; `rest` begins with field 3.
        let group = fields.get(5 - 3)?.parse().ok()?;
        let times = fields.get(14 - 3..=17 - 3)?;
        let ticks = times.iter().map(|it| it.parse::<i64>().unwrap_or(0).max(0) as u64).sum();
        Some(Self { group, ticks })
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_skipped() {
        let stat = "77 (a ) b) S 1 70 70 0 -1 4 1 2 3 4 11 22 33 44 20 0 1 0 5 6 7";
        assert_eq!(Stat::parse(stat), Some(Stat { group: 70, ticks: 110 }));
        assert_eq!(Stat::parse("77 (a) S 1"), None);
    }
}
