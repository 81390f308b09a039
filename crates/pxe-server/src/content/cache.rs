//! The files everybody asks for, in memory once for all loops.
//!
//! An entry is known by device, inode, size and times of change: a file that is replaced or written to
//! is another entry, so nothing has to be thrown away by hand.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Memory for all cached files, in bytes. Entries unused for longest make room; what a transfer
/// still reads stays until it ends, so at most [`transfers_max`](crate::config::TftpConfig) times
/// [`CACHED_FILE_BYTES_MAX`] more in theory, and next to nothing in practice.
pub const CACHE_BYTES_MAX: usize = 64 << 20;
/// Largest file that is cached, in bytes: loaders, not kernels or images.
pub const CACHED_FILE_BYTES_MAX: usize = 8 << 20;

/// A file in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Version {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Version {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(test)]
    pub(super) fn planted(inode: u64) -> Self {
        Self { device: 1, inode, size: 0, modified: (0, 0), changed: (0, 0) }
    }

    /// Whether the file holds the same bytes in both states. Of the times only that of the content counts: a file that
    /// gets another name, or another file in its place, goes on holding what it held.
    pub(super) fn has_same_content(&self, other: &Self) -> bool {
        let content = |version: &Self| (version.size, version.modified);
        self.is_same_file(other) && content(self) == content(other)
    }

    /// Whether a state that was known before a restart is this one. Devices get their numbers anew, so they do not count.
    pub(super) fn is_as_before_restart(&self, before: &Self) -> bool {
        Self { device: self.device, ..*before } == *self
    }

    /// Bytes of the file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// What tells this state from others, for those who keep a copy.
    #[cfg(feature = "http")]
    pub(super) fn stamp(&self) -> Stamp {
        let Self { device, inode, size, modified: (seconds, nanoseconds), .. } = *self;
        Stamp { digest: [device, inode, size], seconds, nanoseconds }
    }

    /// Whether both are states of one file, or of one folder.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// A file's state as caches beyond this machine know it.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    /// Device, inode and size.
    pub(crate) digest: [u64; 3],
    /// When its content changed last, in seconds of UNIX time,
    pub(crate) seconds: i64,
    /// and nanoseconds.
    pub(crate) nanoseconds: i64,
}

/// Small files by their version.
#[derive(Debug, Default)]
pub(super) struct Cache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<Version, Cached>,
    bytes: usize,
    /// Counts the uses.
    clock: u64,
}

#[derive(Debug)]
struct Cached {
    bytes: Arc<[u8]>,
    used: u64,
}

impl Cache {
    /// The content of an open file, if it is small and does not change while it is read.
    pub(super) fn content(&self, file: &File, metadata: &Metadata) -> Option<Arc<[u8]>> {
        let size = usize::try_from(metadata.len()).ok()?;
        if size > CACHED_FILE_BYTES_MAX {
            return None;
        }
        let version = Version::of(metadata);
        if let Some(bytes) = self.get(&version) {
            return Some(bytes);
        }
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, 0).ok()?;
        if Version::of(&file.metadata().ok()?) != version {
            return None;
        }
        let bytes: Arc<[u8]> = bytes.into();
        self.put(version, &bytes);
        Some(bytes)
    }

    fn get(&self, version: &Version) -> Option<Arc<[u8]>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let used = state.clock;
        let cached = state.files.get_mut(version)?;
        cached.used = used;
        Some(Arc::clone(&cached.bytes))
    }

    fn put(&self, version: Version, bytes: &Arc<[u8]>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        // An older version of the same file is of no use to anybody new.
        let old: Vec<Version> =
            state.files.keys().filter(|known| known.is_same_file(&version)).copied().collect();
        for known in old {
            state.remove(&known);
        }
        while state.bytes + bytes.len() > CACHE_BYTES_MAX {
            let oldest = state.files.iter().min_by_key(|(_, cached)| cached.used);
            let Some((&oldest, _)) = oldest else { break };
            state.remove(&oldest);
        }
        let cached = Cached { bytes: Arc::clone(bytes), used: state.clock };
        state.bytes += bytes.len();
        state.files.insert(version, cached);
    }
}

impl State {
    fn remove(&mut self, version: &Version) {
        if let Some(cached) = self.files.remove(version) {
            self.bytes -= cached.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("pxe-cache-{}-{name}", std::process::id()))
    }

    fn content(cache: &Cache, path: &PathBuf) -> Option<Arc<[u8]>> {
        let file = File::open(path).expect("file");
        cache.content(&file, &file.metadata().expect("metadata"))
    }

    #[test]
    fn one_copy_serves_everybody_until_the_file_changes() {
        let path = path("one");
        let cache = Cache::default();
        fs::write(&path, b"first").expect("file");
        let first = content(&cache, &path).expect("cached");
        let again = content(&cache, &path).expect("cached");
        assert!(Arc::ptr_eq(&first, &again));
        fs::write(&path, b"second!").expect("file");
        assert_eq!(&*content(&cache, &path).expect("cached"), b"second!");
        assert_eq!(&*first, b"first", "a reader keeps what it began with");
        assert_eq!(cache.state.lock().expect("state").files.len(), 1);
        fs::remove_file(path).expect("clean");
    }

    #[test]
    fn memory_is_bounded_and_the_unused_make_room() {
        let cache = Cache::default();
        let paths: Vec<_> = (0..10).map(|index| path(&format!("big{index}"))).collect();
        for path in &paths {
            let file = File::create(path).expect("file");
            file.set_len(CACHED_FILE_BYTES_MAX as u64).expect("length");
        }
        let first = content(&cache, &paths[0]).expect("cached");
        for path in &paths[1..8] {
            content(&cache, path).expect("cached");
        }
        assert!(Arc::ptr_eq(&first, &content(&cache, &paths[0]).expect("cached")), "fits");
        content(&cache, &paths[8]).expect("cached");
        let state = cache.state.lock().expect("state");
        assert!(state.bytes <= CACHE_BYTES_MAX);
        drop(state);
        assert!(Arc::ptr_eq(&first, &content(&cache, &paths[0]).expect("cached")), "just used");
        let too_big = File::create(&paths[9]).expect("file");
        too_big.set_len(CACHED_FILE_BYTES_MAX as u64 + 1).expect("length");
        assert!(content(&cache, &paths[9]).is_none());
        for path in paths {
            fs::remove_file(path).expect("clean");
        }
    }
}
