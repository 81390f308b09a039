//! One server for a state folder: two would write into each other's journal, orders and leases.
//!
//! The lock is the system's (`flock`), so that it ends with the process, however that ends; the file holds its number.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::config::Fault;

const FILE: &str = "server.pid";
/// Bytes of the file that are read.
const NUMBER_BYTES_MAX: u64 = 16;

/// The right to a state folder, until it is dropped.
#[derive(Debug)]
pub struct Tenancy(#[expect(dead_code, reason = "held, not looked at")] Option<Flock<File>>);

impl Tenancy {
    /// Takes `state`. A folder that cannot be written to is nobody's: those who write there say so.
    ///
    /// # Errors
    /// If another server has it.
    pub fn take(state: &Path) -> Result<Self, Fault> {
        let Ok(file) = open(state) else { return Ok(Self(None)) };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                // On a full disk the number is missing, and the lock holds all the same.
                let _ = file.set_len(0);
                let _ = writeln!(file, "{}", std::process::id());
                Ok(Self(Some(file)))
            }
            Err((mut file, Errno::EWOULDBLOCK)) => Err(taken(state, number(&mut file))),
            // A file system without locks.
            Err(_) => Ok(Self(None)),
        }
    }
}

/// The process number of the server that works with `state`, if there is one.
pub fn tenant(state: &Path) -> Option<u32> {
    let file = File::open(state.join(FILE)).ok()?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Err((mut file, Errno::EWOULDBLOCK)) => number(&mut file),
        _ => None,
    }
}

fn open(state: &Path) -> io::Result<File> {
    fs::create_dir_all(state)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(state.join(FILE))
}

fn number(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(NUMBER_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn taken(state: &Path, by: Option<u32>) -> Fault {
    let (who, stop) = match by {
        Some(pid) => (format!(" (pid {pid})"), format!(": sudo kill {pid}")),
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
    fn a_folder_has_one_server_until_that_ends() {
        let state = std::env::temp_dir().join(format!("pxe-tenancy-{}", std::process::id()));
        assert_eq!(tenant(&state), None, "no folder, no server");
        let first = Tenancy::take(&state).expect("free");
        let pid = std::process::id();
        assert_eq!(tenant(&state), Some(pid));
        let fault = Tenancy::take(&state).expect_err("taken");
        assert!(fault.problem.contains(&format!("(pid {pid})")), "{fault}");
        assert!(fault.remedy.ends_with(&format!("sudo kill {pid}")), "{fault}");
        drop(first);
        assert_eq!(tenant(&state), None);
        drop(Tenancy::take(&state).expect("free again"));
        fs::remove_dir_all(state).expect("removed");
    }
}
