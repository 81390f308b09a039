//! Which machines may have an order, so that no file is opened for the many that have none.
//!
//! The names in the folder are kept in memory until the folder changes, and whether it has is looked at every time: that
//! is one `stat` of what the kernel has in memory. So an order counts for the very next message, whoever wrote it. What
//! an order says is never kept: its file is read whenever its name is there.

use core::time::Duration;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use super::ORDERS_MAX;

/// A change sooner after another one may leave the folder with the same time: kernels before 6.13 count in ticks of up
/// to 10 ms. A folder that changed so short a time ago is not relied on.
const SETTLED_AFTER: Duration = Duration::from_millis(100);
/// Names that are read of the folder; if there are more, each machine may have an order.
const NAMES_READ_MAX: usize = 2 * ORDERS_MAX;

/// What the folder held when it was read last.
#[derive(Debug, Default)]
pub(super) struct Names(RwLock<Read>);

#[derive(Debug, Default)]
struct Read {
    /// The folder's time then; none if it was never read.
    changed: Option<SystemTime>,
    /// None if there were too many.
    macs: Option<HashSet<[u8; 6]>>,
}

impl Names {
    /// Whether this machine may have an order in the folder; none if the file has to be looked for.
    pub(super) fn has(&self, folder: &Path, mac: [u8; 6]) -> Option<bool> {
        self.ask(folder, |macs| macs.contains(&mac))
    }

    /// Whether any machine may; none if the folder has to be looked at.
    pub(super) fn is_any(&self, folder: &Path) -> Option<bool> {
        self.ask(folder, |macs| !macs.is_empty())
    }

    fn ask(&self, folder: &Path, asked: impl Fn(&HashSet<[u8; 6]>) -> bool) -> Option<bool> {
        let changed = match fs::metadata(folder).and_then(|folder| folder.modified()) {
            Ok(changed) => changed,
            Err(error) => return (error.kind() == io::ErrorKind::NotFound).then_some(false),
        };
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.changed == Some(changed) {
            return known.macs.as_ref().map(asked);
        }
        drop(known);
        // Of a time to come nothing is known either.
        let age = SystemTime::now().duration_since(changed).ok()?;
        if age <= SETTLED_AFTER {
            return None;
        }
        let read = Read { changed: Some(changed), macs: read(folder) };
        let answer = read.macs.as_ref().map(asked);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = read;
        answer
    }
}

/// The machines that files are named after; none if there are too many names, or they cannot be read.
fn read(folder: &Path) -> Option<HashSet<[u8; 6]>> {
    let mut macs = HashSet::new();
    for (count, entry) in fs::read_dir(folder).ok()?.enumerate() {
        if count >= NAMES_READ_MAX {
            return None;
        }
        macs.extend(entry.ok()?.file_name().to_str().and_then(pxe_select::parse_mac));
    }
    Some(macs)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const MACS: [[u8; 6]; 2] = [[0x52, 0x54, 0, 0xaa, 0, 1], [0x52, 0x54, 0, 0xaa, 0, 2]];

    fn age(folder: &Path, by: Duration) {
        let time = SystemTime::now() - by;
        File::open(folder).and_then(|it| it.set_modified(time)).expect("a time");
    }

    #[test]
    fn a_folder_is_read_once_it_has_settled_and_again_when_it_changed() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("next-boot");
        let names = Names::default();
        assert_eq!(names.has(&folder, MACS[0]), Some(false), "there is no folder");
        fs::create_dir(&folder).expect("a folder");
        assert_eq!(names.has(&folder, MACS[0]), None, "it is too new");
        age(&folder, Duration::from_secs(60));
        assert_eq!(names.has(&folder, MACS[0]), Some(false));
        assert_eq!(names.is_any(&folder), Some(false));
        fs::write(folder.join("52-54-00-aa-00-01"), "").expect("a file");
        assert_eq!(names.has(&folder, MACS[0]), None, "at once");
        age(&folder, Duration::from_secs(50));
        assert_eq!(MACS.map(|mac| names.has(&folder, mac)), [Some(true), Some(false)]);
        assert_eq!(names.is_any(&folder), Some(true));
        // As long as its time is the same it is not read.
        let known = fs::metadata(&folder).and_then(|it| it.modified()).expect("a time");
        fs::remove_file(folder.join("52-54-00-aa-00-01")).expect("removed");
        File::open(&folder).and_then(|it| it.set_modified(known)).expect("a time");
        assert_eq!(names.has(&folder, MACS[0]), Some(true));
        age(&folder, Duration::from_secs(40));
        assert_eq!(names.has(&folder, MACS[0]), Some(false));
        // A clock that was set back.
        let ahead = SystemTime::now() + Duration::from_secs(60);
        File::open(&folder).and_then(|it| it.set_modified(ahead)).expect("a time");
        assert_eq!(names.has(&folder, MACS[1]), None);
    }

    #[test]
    fn of_too_many_names_none_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..=NAMES_READ_MAX {
            File::create(folder.path().join(format!("x{number}"))).expect("a file");
        }
        age(folder.path(), Duration::from_secs(60));
        let names = Names::default();
        for _ in 0..2 {
            assert_eq!(names.has(folder.path(), MACS[0]), None);
        }
        assert!(names.0.read().expect("a lock").changed.is_some(), "it is not read again");
    }
}
