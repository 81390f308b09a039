//! A thread that hangs: it is held as a debugger holds it, while the other threads of its process go on.

use core::time::Duration;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::machine::Machine;
use crate::error::{Context as _, Failure, Result, fail};
use crate::interrupt;

/// Of systemd in this test. The loop counts as stuck after 30 s, and systemd waits so long for the next sign of life.
const WITHIN_SECONDS: u64 = 6;
/// What the unit says in this test when its watchdog has ended it.
const BARKED: &str = "ended by watchdog";
/// Stuck, not heard of, ended, and started anew after five seconds: on a busy computer.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Makes systemd less patient than the unit says, and tell why it ended. To be called before the package is installed.
pub(super) fn prepare(debian: &Machine) -> Result<()> {
    let folder = "/run/systemd/system/pxe-server.service.d";
    let told = "ExecStopPost=/bin/echo ended by $SERVICE_RESULT";
    let text = format!("[Service]\\nWatchdogSec={WITHIN_SECONDS}s\\n{told}\\n");
    debian.shell(&format!("mkdir -p {folder} && printf '{text}' > {folder}/test.conf")).map(drop)
}

/// Holds the first loop, which is the main thread of the process of this number in the machine.
pub(super) fn hold(debian: &Machine, process: &str) -> Result<()> {
    let thread = Pid::from_raw(debian.outside(process)?);
    let (tell, told) = mpsc::channel();
    // Whoever traces a thread has to be there when it dies.
    thread::spawn(move || {
        let held = ptrace::seize(thread, ptrace::Options::empty())
            .and_then(|()| ptrace::interrupt(thread))
            .and_then(|()| waitpid(thread, Some(WaitPidFlag::__WALL)));
        let _ = tell.send(held);
        while let Ok(WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..)) =
            waitpid(thread, Some(WaitPidFlag::__WALL))
        {}
    });
    let held = told.recv().map_err(|_| Failure::new("nobody holds the thread"))?;
    held.context(|| format!("holding the thread {thread}")).map(drop)
}

/// Waits until systemd has started the server anew; `hung` is the process that hung. Returns the new one's number.
pub(super) fn wait_for_restart(debian: &Machine, hung: &str) -> Result<String> {
    let deadline = Instant::now() + PATIENCE;
    let property = |name: &str| {
        let shown = format!("--property={name}");
        debian.run(&["systemctl", "show", &shown, "--value", "pxe-server"])
    };
    loop {
        let is_active = debian.run(&["systemctl", "is-active", "pxe-server"]).is_ok();
        let (process, restarts) = (property("MainPID")?, property("NRestarts")?);
        let process = process.trim();
        if is_active && process != hung && process != "0" {
            let journal = debian.run(&["journalctl", "--unit=pxe-server", "--output=cat"])?;
            if !journal.contains("a loop hangs") || !journal.contains(BARKED) {
                return fail("the server was started anew, but not by the watchdog");
            }
            if restarts.trim() != "1" {
                return fail(format!("it was started anew {} times", restarts.trim()));
            }
            return Ok(process.to_owned());
        }
        if Instant::now() > deadline {
            return fail(format!("systemd left a server that hangs as it is for {PATIENCE:?}"));
        }
        interrupt::pause(LOOK_EVERY)?;
    }
}
