//! Files that clients send: let in, counted, and kept beneath one folder. Off unless that folder is named.

mod part;

use core::fmt;
use core::net::IpAddr;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use nix::sys::statvfs::fstatvfs;

use crate::engine::{UploadError, UploadRequest};
use part::Part;
pub(super) use part::Receiving;

/// Files that are being sent at once, over all loops. Each holds at most 128 KiB of memory, two descriptors, and a
/// thread while it is put in its place.
pub const UPLOADS_MAX: usize = 16;
/// Files that one address is sending at once.
pub const UPLOADS_PER_CLIENT_MAX: usize = 4;
/// Room on the disk that uploads leave to others, in bytes.
const FREE_BYTES_MIN: u64 = 256 << 20;
/// New files that the file system must have room for, in case somebody sends very many small ones.
const FREE_FILES_MIN: u64 = 1_000;
/// Names looked at when left-over parts are swept away at the start.
const SWEPT_NAMES_MAX: usize = 100_000;
/// Folders below the uploads' that are swept.
const SWEPT_DEPTH_FOLDERS_MAX: usize = 8;

/// The folder for uploads, for all loops.
#[derive(Debug)]
pub struct Uploads {
    folder: PathBuf,
    bytes_max: u64,
    under_way: Arc<Mutex<UnderWay>>,
}

impl Uploads {
    /// Files of at most `bytes_max` bytes each go beneath `folder`, which need not be there yet.
    pub fn new(folder: PathBuf, bytes_max: u64) -> Self {
        Self { folder, bytes_max, under_way: Arc::default() }
    }

    /// Most bytes that a file may have.
    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Lets a file in; nothing is written yet.
    pub(super) fn begin(&self, request: &UploadRequest<'_>) -> Result<Receiving, UploadError> {
        let bytes_max = self.bytes_max;
        if let Some(bytes) = request.size.filter(|bytes| *bytes > bytes_max) {
            return Err(UploadError::TooLarge { bytes, bytes_max });
        }
        let (parent, name) = split(request.name);
        if part::is_part(name) {
            return Err(UploadError::Refused(
                "the name is one of our unfinished files'".to_owned(),
            ));
        }
        let uploads = Dir::open_ambient_dir(&self.folder, ambient_authority());
        let uploads = uploads.map_err(|error| {
            UploadError::Failed(format!(
                "the folder for uploads, {}: {error}",
                self.folder.display()
            ))
        })?;
        let folder = if parent.as_os_str().is_empty() {
            uploads
        } else {
            uploads.open_dir(parent).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => UploadError::NoFolder,
                _ => upload_error(&error),
            })?
        };
        match folder.symlink_metadata(name) {
            Ok(_) => return Err(UploadError::Exists),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(upload_error(&error)),
        }
        has_room(&folder, request.size.unwrap_or(0))?;
        let slot = Slot::take(&self.under_way, request.client)?;
        Ok(Receiving::new(folder, name.to_owned(), slot))
    }

    /// Removes what an earlier run left unfinished, and says how many files that were. Parts that another server is
    /// writing are locked, and stay.
    pub fn sweep(&self) -> usize {
        let Ok(folder) = Dir::open_ambient_dir(&self.folder, ambient_authority()) else { return 0 };
        let mut names_left = SWEPT_NAMES_MAX;
        sweep(&folder, SWEPT_DEPTH_FOLDERS_MAX, &mut names_left)
    }
}

fn sweep(folder: &Dir, depth_left: usize, names_left: &mut usize) -> usize {
    let Ok(entries) = folder.entries() else { return 0 };
    let mut swept = 0;
    for entry in entries.flatten() {
        let Some(left) = names_left.checked_sub(1) else { break };
        *names_left = left;
        let (Ok(kind), name) = (entry.file_type(), entry.file_name()) else { continue };
        if kind.is_file() && part::is_part(&name) {
            swept += usize::from(Part::sweep(folder, &name));
        } else if kind.is_dir()
            && depth_left > 0
            && let Ok(inner) = folder.open_dir(&name)
        {
            swept += sweep(&inner, depth_left - 1, names_left);
        }
    }
    swept
}

/// A normalised name's folder and last part.
fn split(name: &[u8]) -> (&Path, &OsStr) {
    let slash = name.iter().rposition(|byte| *byte == b'/');
    let (parent, name) = slash.map_or((&b""[..], name), |at| (&name[..at], &name[at + 1..]));
    (Path::new(OsStr::from_bytes(parent)), OsStr::from_bytes(name))
}

/// Whether `bytes` more leave others enough.
fn has_room(folder: &Dir, bytes: u64) -> Result<(), UploadError> {
    // A file system that does not say how full it is must find out itself.
    let Ok(state) = fstatvfs(folder) else { return Ok(()) };
    let free = state.blocks_available().saturating_mul(state.fragment_size());
    // btrfs has no fixed number of files, and says 0.
    let files = if state.files() == 0 { u64::MAX } else { state.files_available() };
    if free < FREE_BYTES_MIN.saturating_add(bytes) || files < FREE_FILES_MIN {
        return Err(UploadError::Full);
    }
    Ok(())
}

fn upload_error(error: &io::Error) -> UploadError {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::AlreadyExists => UploadError::Exists,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            UploadError::Full
        }
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::CrossesDevices
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidFilename => UploadError::Refused(error.to_string()),
        _ if error.raw_os_error() == Some(nix::libc::ELOOP) => {
            UploadError::Refused(error.to_string())
        }
        _ => UploadError::Failed(error.to_string()),
    }
}

/// How many files are being sent, and by whom.
#[derive(Debug, Default)]
struct UnderWay {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// The right to send one file, until it is dropped.
pub(super) struct Slot {
    under_way: Arc<Mutex<UnderWay>>,
    client: IpAddr,
}

impl Slot {
    fn take(under_way: &Arc<Mutex<UnderWay>>, client: IpAddr) -> Result<Self, UploadError> {
        let mut counts = lock(under_way);
        let own = counts.by_client.get(&client).copied().unwrap_or(0);
        if counts.all >= UPLOADS_MAX {
            return Err(UploadError::Busy(counts.all));
        }
        if own >= UPLOADS_PER_CLIENT_MAX {
            return Err(UploadError::Busy(own));
        }
        counts.all += 1;
        counts.by_client.insert(client, own + 1);
        drop(counts);
        Ok(Self { under_way: Arc::clone(under_way), client })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = lock(&self.under_way);
        counts.all -= 1;
        if let Some(own) = counts.by_client.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                counts.by_client.remove(&self.client);
            }
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

fn lock(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
