//! One server for a state folder: two would write into each other's journal, orders and leases. Whoever looks at the folder
//! sees by the same file whether a server runs, and since when.
//!
//! The lock is the system's (`flock`), so that it ends with the process, however that ends; the file holds the number of the
//! process and the time of its start.

use core::time::Duration;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread;

use crate::config::Fault;
use crate::diagnose::Run;

const FILE: &str = "running";
/// Bytes of the file that are read: two numbers.
const TEXT_BYTES_MAX: u64 = 40;
/// Somebody who looks has the lock for a moment.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// The right to a state folder, until it is dropped.
#[derive(Debug)]
pub struct Tenancy(#[expect(dead_code, reason = "held, not looked at")] Option<File>);

impl Tenancy {
    /// Takes `state` at this time, in milliseconds of UNIX time. A folder that cannot be written to, or one on a file system
    /// without locks, is nobody's: those who write there say so.
    ///
    /// # Errors
    /// If another server has it.
    pub fn take(state: &Path, unix_ms: u64) -> Result<Self, Fault> {
        let Ok(mut file) = open(state) else { return Ok(Self(None)) };
        for attempt in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < TRIES => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(taken(state, Tenant::read(&mut file))),
                Err(TryLockError::Error(_)) => return Ok(Self(None)),
            }
        }
        // On a full disk the numbers are missing, and the lock holds all the same.
        let _ = file.set_len(0);
        let _ = writeln!(file, "{} {unix_ms}", std::process::id());
        Ok(Self(Some(file)))
    }
}

/// The process number of the server that works with `state`, if there is one.
pub fn tenant(state: &Path) -> Option<u32> {
    let mut file = File::open(state.join(FILE)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(Tenant::read(&mut file)?.pid),
        _ => None,
    }
}

/// Whether a server runs with this state folder, as far as anybody may see.
pub fn look(state: &Path) -> Run {
    let mut file = match File::open(state.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Run::Never,
        Err(_) => return Run::Unknown,
    };
    let Some(Tenant { started, .. }) = Tenant::read(&mut file) else { return Run::Unknown };
    match file.try_lock_shared() {
        Ok(()) => Run::Ended(started),
        Err(TryLockError::WouldBlock) => Run::Since(started),
        Err(TryLockError::Error(_)) => Run::Unknown,
    }
}

/// What the file says of whoever has, or had, the folder.
struct Tenant {
    pid: u32,
    /// In milliseconds of UNIX time.
    started: u64,
}

impl Tenant {
    fn read(file: &mut File) -> Option<Self> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(TEXT_BYTES_MAX).read_to_string(&mut text).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }
}

fn open(state: &Path) -> io::Result<File> {
    fs::create_dir_all(state)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(state.join(FILE))
}

fn taken(state: &Path, by: Option<Tenant>) -> Fault {
    let (who, stop) = match by {
        Some(Tenant { pid, .. }) => (format!(" (pid {pid})"), format!(": sudo kill {pid}")),
        None => Default::default(),
    };
    Fault::new(
        "state",
        format!("another pxe-server{who} works with the folder {}", state.display()),
        format!("give each server a folder of its own, or stop that one{stop}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_server_until_that_ends_and_whoever_looks_sees_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        assert_eq!((tenant(&state), look(&state)), (None, Run::Never), "no folder, no server");
        let first = Tenancy::take(&state, 1_700_000_000_123).expect("free");
        let pid = std::process::id();
        let is_seen =
            || (tenant(&state), look(&state)) == (Some(pid), Run::Since(1_700_000_000_123));
        assert!(is_seen());
        let fault = Tenancy::take(&state, 5).expect_err("taken");
        assert!(fault.problem.contains(&format!("(pid {pid})")), "{fault}");
        assert!(fault.remedy.ends_with(&format!("sudo kill {pid}")), "{fault}");
        assert!(is_seen(), "it changed nothing");
        drop(first);
        assert_eq!((tenant(&state), look(&state)), (None, Run::Ended(1_700_000_000_123)));
        let again = Tenancy::take(&state, 7).expect("free again");
        assert_eq!(look(&state), Run::Since(7));
        drop(again);
        fs::write(state.join(FILE), "soon").expect("written");
        assert_eq!(look(&state), Run::Unknown);
    }
}
