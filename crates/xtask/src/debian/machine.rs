//! A host of the wire whose init is systemd, from a root of its own.
//!
//! `systemd-nspawn` does the same on a computer that runs systemd; this one also works in CI and in containers, whose
//! first process is something else.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::wire::Namespace;
use crate::process::{Background, capture, command};

const BOOT: &str = include_str!("boot.sh");
const BOOT_PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Forgets the control groups of a machine that has ended.
const FORGET: &str = "mkdir -p \"$1/groups\" && mount -t cgroup2 cgroup2 \"$1/groups\" && \
                      find \"$1/groups/$2\" -depth -type d -exec rmdir {} + ; umount \"$1/groups\"";

/// A running host. Dropping it ends everything in it.
#[derive(Debug)]
pub(super) struct Machine {
    process: Background,
    changes: PathBuf,
    name: String,
}

impl Machine {
    /// Starts it on this host of the wire; `shown` is its `/mnt`. Returns when its services run.
    pub(super) fn boot(
        host: &Namespace,
        lower: &Path,
        shown: &Path,
        folder: &Path,
    ) -> Result<Self> {
        let changes = folder.join("machine");
        fs::create_dir_all(&changes).context(|| format!("making {}", changes.display()))?;
        let name = format!("pxelab-{}", std::process::id());
        let [lower, on, shown] = [lower, &changes, shown].map(|path| path.to_string_lossy());
        let words = ["sh", "-c", BOOT, "sh", &*lower, &*on, &*shown, &name];
        let log = folder.join("systemd.log");
        let process = Background::start(host.command(&words), "systemd", &log)?;
        let mut machine = Self { process, changes, name };
        let deadline = Instant::now() + BOOT_PATIENCE;
        loop {
            let state = machine.run(&["systemctl", "is-system-running"]);
            match state {
                Ok(_) => return Ok(machine),
                Err(why) if Instant::now() > deadline => {
                    return fail(format!("Debian did not boot in {BOOT_PATIENCE:?}: {why}"));
                }
                Err(_) => {}
            }
            machine.process.check_alive()?;
            interrupt::pause(LOOK_EVERY)?;
        }
    }

    /// Runs a command in it and returns what that printed.
    pub(super) fn run(&self, words: &[&str]) -> Result<String> {
        capture(&mut self.command(words)?)
    }

    /// The same for a line of shell.
    pub(super) fn shell(&self, line: &str) -> Result<String> {
        self.run(&["sh", "-ec", line])
    }

    /// The number that a process of it has on this computer.
    pub(super) fn outside(&self, process: &str) -> Result<i32> {
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let own = namespace(&self.init()?);
        let all = fs::read_dir("/proc").context(|| "reading /proc".to_owned())?;
        for entry in all.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(pid) = name.parse() else { continue };
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
            let inside = numbers.and_then(|numbers| numbers.split_whitespace().last());
            if inside == Some(process) && namespace(&name) == own {
                return Ok(pid);
            }
        }
        fail(format!("process {process} of the machine is not there"))
    }

    /// The number of its first process, on this computer.
    fn init(&self) -> Result<String> {
        // `unshare` has one child.
        let pid = self.process.pid();
        let file = format!("/proc/{pid}/task/{pid}/children");
        let children = fs::read_to_string(&file).context(|| format!("reading {file}"))?;
        match children.split_whitespace().next() {
            Some(init) => Ok(init.to_owned()),
            None => fail("the machine's init is not there"),
        }
    }

    fn command(&self, words: &[&str]) -> Result<Command> {
        let init = self.init()?;
        let enter = "--mount --uts --ipc --net --pid --cgroup --root --wd -- \
                     env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C";
        let all: Vec<&str> = ["nsenter", "--target", &*init]
            .into_iter()
            .chain(enter.split_whitespace())
            .chain(words.iter().copied())
            .collect();
        Ok(command(&all))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its init ends with it, and everything in its process namespace with that.
        let _ = self.process.kill();
        let changes = self.changes.to_string_lossy();
        let words = ["unshare", "--mount", "sh", "-c", FORGET, "sh", &*changes, &self.name];
        for _ in 0..10 {
            if capture(&mut command(&words)).is_ok() {
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
