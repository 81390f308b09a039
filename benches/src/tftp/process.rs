//! A server in the background: what it costs, and its end.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::machine::{Cores, pin};

/// Ticks in a second of the times in `/proc/PID/stat`: USER_HZ, the same on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;
/// How long a server may take to end before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// How often children are looked at. What one uses after the last look is not counted.
const CHILDREN_SEEN_EVERY: Duration = Duration::from_millis(100);

/// A server and all that it forked. Dropping it ends them.
#[derive(Debug)]
pub struct Process {
    child: Child,
    children: Option<Children>,
}

impl Process {
    /// Starts a command on the cores of the servers; what it prints goes to `log`. `forks` says that it serves by
    /// children, whose processor time is lost unless somebody looks while they live.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut command: Command, forks: bool, cores: &Cores, log: &Path) -> io::Result<Self> {
        let file = File::create(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // The child has our cores at first, and its threads have its cores: so ours are changed for a moment.
        pin(&cores.servers)?;
        let child = command.spawn();
        pin(&[cores.generator])?;
        let child = child?;
        let children = forks.then(|| Children::watch(child.id().cast_signed()));
        Ok(Self { child, children })
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Processor time so far in seconds, of all threads. Of children as far as it was seen, so at least that.
    pub fn seconds(&self) -> f64 {
        let own = Stat::of(self.pid().as_raw()).map_or(0, |stat| stat.ticks);
        if let Some(children) = &self.children {
            look(self.pid().as_raw(), &children.seen);
        }
        let children = self.children.as_ref().map_or(0, Children::ticks);
        (own + children) as f64 / TICKS_PER_SECOND
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Resident memory of the first process now, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.status_kibibytes("VmRSS:") * 1024
    }

    /// Resident memory of it and its children now, in bytes. What they share counts for each.
    pub fn family_bytes(&self) -> u64 {
        let children: Vec<i32> = match &self.children {
            Some(_) => children_of(self.pid().as_raw()).map(|(child, _)| child).collect(),
            None => Vec::new(),
        };
        let of = |process: i32| status_kibibytes(process, "VmRSS:") * 1024;
        of(self.pid().as_raw()) + children.into_iter().map(of).sum::<u64>()
    }

    /// Most resident memory of the first process so far, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.status_kibibytes("VmHWM:") * 1024
    }

    fn status_kibibytes(&self, field: &str) -> u64 {
        status_kibibytes(self.pid().as_raw(), field)
    }
}

fn status_kibibytes(process: i32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

impl Drop for Process {
    fn drop(&mut self) {
        // The first: a child that ends is not replaced then.
        let _ = kill(self.pid(), Signal::SIGTERM);
        for (child, _) in children_of(self.pid().as_raw()) {
            let _ = kill(Pid::from_raw(child), Signal::SIGTERM);
        }
        let deadline = Instant::now() + STOP_PATIENCE;
        while self.is_alive() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        if self.is_alive() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Looks at the children of a process again and again.
#[derive(Debug)]
struct Children {
    /// Ticks of each child when it was last seen.
    seen: Arc<Mutex<HashMap<i32, u64>>>,
    stop: Arc<AtomicBool>,
}

impl Children {
    fn watch(parent: i32) -> Self {
        let watch = Self { seen: Arc::default(), stop: Arc::default() };
        let (seen, stop) = (Arc::clone(&watch.seen), Arc::clone(&watch.stop));
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                look(parent, &seen);
                thread::sleep(CHILDREN_SEEN_EVERY);
            }
        });
        watch
    }

    fn ticks(&self) -> u64 {
        self.seen.lock().map_or(0, |seen| seen.values().sum())
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn look(parent: i32, seen: &Mutex<HashMap<i32, u64>>) {
    if let Ok(mut seen) = seen.lock() {
        seen.extend(children_of(parent).map(|(child, stat)| (child, stat.ticks)));
    }
}

/// The living children of a process. A list of them is not there on every kernel.
fn children_of(parent: i32) -> impl Iterator<Item = (i32, Stat)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes
        .filter_map(|process| Some((process, Stat::of(process)?)))
        .filter(move |(_, stat)| stat.parent == parent)
}

/// What counts of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: i32,
    /// User and system time.
    ticks: u64,
}

impl Stat {
    fn of(process: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name in parentheses may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        // proc_pid_stat(5) counts from 1, and `rest` begins with field 3. This is 4, then 14 and 15.
        let parent = fields.nth(1)?.parse().ok()?;
        let [user, system] = [fields.nth(14 - 5)?, fields.next()?];
        Some(Self { parent, ticks: user.parse::<u64>().ok()? + system.parse::<u64>().ok()? })
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_skipped() {
        let stat = "77 (a ) b) S 7 70 70 0 -1 4 1 2 3 4 11 22 33 44 20 0 1 0 5 6 7";
        assert_eq!(Stat::parse(stat), Some(Stat { parent: 7, ticks: 33 }));
        assert_eq!(Stat::parse("77 (a) S 1"), None);
    }
}
