//! What was heard of clients, kept in a file, so that a restart does not make strangers of them.
//!
//! The file is replaced as a whole: written beside itself, brought to the disk, renamed. One that is
//! missing or broken costs nothing but what it held.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use log::{info, warn};
use pxe_select::Evidence;

use crate::engine::Shared;
use crate::routine::Routine;

/// Bytes of a state file that are read; a full one has half as many.
pub const EVIDENCE_FILE_BYTES_MAX: usize = 32 << 20;
/// How often what changed is written.
const WRITTEN_EVERY: Duration = Duration::from_secs(60);

const EVIDENCE_FILE: &str = "evidence";

/// Milliseconds of UNIX time; 0 on a machine whose clock stands before 1970.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds of UNIX time in UTC.
pub(crate) fn time(unix_ms: u64) -> String {
    let time =
        i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| unix_ms.to_string(), |time| format!("{time:.3}"))
}

/// Reads what an earlier run kept in `folder`, and sets the clock of `shared`.
pub fn restore(folder: &Path, shared: &Shared) {
    let path = folder.join(EVIDENCE_FILE);
    let (now, time) = (Instant::now(), unix_ms());
    let evidence = match read(&path, EVIDENCE_FILE_BYTES_MAX) {
        Ok(text) => parse(&path, time, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Evidence::new(),
        Err(error) => {
            warn!("{} cannot be read: {error}; machines are learned anew", path.display());
            Evidence::new()
        }
    };
    shared.restore(now, time, evidence);
}

/// A whole file of the state folder, if it is not longer than it may be.
pub(crate) fn read(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut text)?;
    if text.len() > bytes_max {
        return Err(io::Error::other(format!("it is longer than {bytes_max} bytes")));
    }
    Ok(text)
}

fn parse(path: &Path, time: u64, text: &[u8]) -> Evidence {
    match Evidence::import(time, text) {
        Ok((evidence, imported)) => {
            if imported.broken > 0 {
                let broken = imported.broken;
                warn!("{}: {broken} lines cannot be read and are left out", path.display());
            }
            let (machines, _) = evidence.len();
            info!("{machines} machines known from {}", path.display());
            evidence
        }
        Err(error) => {
            warn!("{}: {error}; machines are learned anew", path.display());
            Evidence::new()
        }
    }
}

/// Replaces a file of the state folder: written beside itself, brought to the disk, renamed.
pub(crate) fn replace(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let (path, beside) = (folder.join(name), folder.join(format!("{name}.new")));
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, &path)
}

/// Writes what changed once a minute, in a thread of its own. Dropped, it writes for the last time.
pub struct Keeper {
    _routine: Routine,
}

impl Keeper {
    /// Begins to keep what `shared` hears in `folder`.
    pub fn start(folder: PathBuf, shared: Arc<Shared>) -> io::Result<Self> {
        let mut failing = false;
        let keep = move || {
            if let Some(evidence) = shared.take_changed() {
                let written = replace(&folder, EVIDENCE_FILE, &evidence.export());
                failing = told(&folder, written, failing);
            }
        };
        Ok(Self { _routine: Routine::start("state", WRITTEN_EVERY, keep)? })
    }
}

/// Tells a failure once, and its end; whether it fails now.
fn told(folder: &Path, written: io::Result<()>, failing: bool) -> bool {
    match written {
        Ok(()) if failing => info!("{} can be written again", folder.display()),
        Err(ref error) if !failing => warn!(
            "cannot keep what was heard in {}: {error}; it is learned anew after a restart",
            folder.display()
        ),
        _ => {}
    }
    written.is_err()
}

#[cfg(test)]
mod tests {
    use pxe_select::Policy;

    use super::*;

    const LINE: &str = "m 525400aa0001 1000 d f 7 - - - - - -";

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("pxe-state-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = Folder::new("whole");
        replace(&folder.0.join("deep"), EVIDENCE_FILE, "one").expect("written");
        replace(&folder.0.join("deep"), EVIDENCE_FILE, "two").expect("written");
        let names: Vec<_> =
            fs::read_dir(folder.0.join("deep")).expect("a folder").flatten().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert_eq!(fs::read(names[0].path()).expect("a file"), b"two");
    }

    #[test]
    fn what_cannot_be_read_is_no_obstacle() {
        let folder = Folder::new("broken");
        let machines = || {
            let shared = Shared::new(Policy::default());
            restore(&folder.0, &shared);
            assert!(shared.take_changed().is_none(), "nothing was heard yet");
            let text = fs::read(folder.0.join(EVIDENCE_FILE)).unwrap_or_default();
            Evidence::import(2000, &text).map_or(0, |(evidence, _)| evidence.len().0)
        };
        assert_eq!(machines(), 0, "no folder");
        for (text, expected) in [
            (format!("pxe-evidence 1\n{LINE}\n"), 1),
            (format!("pxe-evidence 1\n{LINE}\nbroken\n"), 1),
            ("pxe-evidence 9\n".to_owned(), 0),
            (String::new(), 0),
        ] {
            replace(&folder.0, EVIDENCE_FILE, &text).expect("written");
            assert_eq!(machines(), expected, "{text}");
        }
        fs::remove_file(folder.0.join(EVIDENCE_FILE)).expect("removed");
        fs::create_dir(folder.0.join(EVIDENCE_FILE)).expect("a folder in its place");
        assert_eq!(machines(), 0);
    }

    #[test]
    fn a_failure_is_told_once() {
        let error = || Err(io::ErrorKind::StorageFull.into());
        let folder = Path::new("x");
        let failing = told(folder, error(), false);
        assert!(failing && told(folder, error(), failing));
        assert!(!told(folder, Ok(()), failing));
    }
}
