//! Whether a server runs with a state folder: a file there that it keeps locked, and that says when it was started. The system
//! takes the lock back however the server ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::diagnose::Run;

const NAME: &str = "running";
/// Digits of a number of milliseconds.
const STARTED_BYTES_MAX: u64 = 20;
/// Somebody who looks has the lock for a moment.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// Kept for as long as the server runs.
pub(super) struct Running(#[expect(dead_code, reason = "the lock ends with it")] File);

impl Running {
    /// Says that a server runs from now on; none if another one does. `unix_ms` is the time of the start.
    pub(super) fn begin(folder: &Path, unix_ms: u64) -> io::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        let path = folder.join(NAME);
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        for attempt in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < TRIES => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        file.set_len(0)?;
        file.write_all(unix_ms.to_string().as_bytes())?;
        Ok(Some(Self(file)))
    }
}

/// Whether a server runs with this state folder, as far as anybody may see.
pub fn look(folder: &Path) -> Run {
    let file = match File::open(folder.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Run::Never,
        Err(_) => return Run::Unknown,
    };
    let mut text = String::new();
    let read = (&file).take(STARTED_BYTES_MAX).read_to_string(&mut text);
    let Some(started) = read.ok().and_then(|_| text.parse().ok()) else { return Run::Unknown };
    match file.try_lock_shared() {
        Ok(()) => Run::Ended(started),
        Err(TryLockError::WouldBlock) => Run::Since(started),
        Err(TryLockError::Error(_)) => Run::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_seen_and_its_end_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        assert_eq!(look(&state), Run::Never);
        let running = Running::begin(&state, 1_700_000_000_123).expect("written").expect("alone");
        assert_eq!(look(&state), Run::Since(1_700_000_000_123));
        assert!(Running::begin(&state, 5).expect("read").is_none(), "another one runs");
        assert_eq!(look(&state), Run::Since(1_700_000_000_123));
        drop(running);
        assert_eq!(look(&state), Run::Ended(1_700_000_000_123));
        let again = Running::begin(&state, 7).expect("written").expect("alone");
        assert_eq!(look(&state), Run::Since(7));
        drop(again);
        fs::write(state.join(NAME), "soon").expect("written");
        assert_eq!(look(&state), Run::Unknown);
    }
}
