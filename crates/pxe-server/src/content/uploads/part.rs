//! One file on its way in: it has another name, and a lock, until it is whole and safe on the disk.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::task::Poll;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use cap_std::fs::{Dir, OpenOptions};
use nix::fcntl::{Flock, FlockArg};
use rustix::fs::{RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{Slot, has_room, upload_error};
use crate::engine::UploadError;

const PREFIX: &str = ".pxe-upload-";
const SUFFIX: &str = ".part";
/// Names tried for an unfinished file.
const NAMES_MAX: u32 = 100;

/// Told apart within this process; the process id tells servers apart.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

/// Whether this is the name of an unfinished file.
pub(super) fn is_part(name: &OsStr) -> bool {
    name.as_bytes().starts_with(PREFIX.as_bytes()) && name.as_bytes().ends_with(SUFFIX.as_bytes())
}

/// A file that is being sent.
#[derive(Debug)]
pub(crate) struct Receiving {
    folder: Dir,
    name: OsString,
    state: State,
    /// Set when nobody wants the file any more.
    unwanted: Arc<AtomicBool>,
}

#[derive(Debug)]
enum State {
    /// Nothing was sent yet, and nothing is on the disk: the client may not even exist.
    Promised(Slot),
    Writing(Part, Slot),
    /// The disk takes its time.
    Finishing(JoinHandle<Result<(), UploadError>>),
    /// In its place, or given up.
    Over,
}

impl Receiving {
    pub(super) fn new(folder: Dir, name: OsString, slot: Slot) -> Self {
        Self { folder, name, state: State::Promised(slot), unwanted: Arc::default() }
    }

    pub(in crate::content) fn write_at(
        &mut self,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), UploadError> {
        has_room(&self.folder, bytes.len() as u64)?;
        self.begin()?;
        let State::Writing(part, _) = &self.state else {
            return Err(UploadError::Failed("it is over".to_owned()));
        };
        part.file.write_all_at(bytes, offset).map_err(|error| upload_error(&error))
    }

    /// Creates the file, if that was not done yet.
    fn begin(&mut self) -> Result<(), UploadError> {
        if matches!(self.state, State::Promised(_)) {
            let part = Part::create(&self.folder).map_err(|error| upload_error(&error))?;
            if let State::Promised(slot) = core::mem::replace(&mut self.state, State::Over) {
                self.state = State::Writing(part, slot);
            }
        }
        Ok(())
    }

    /// Begins to put the file in its place, in a thread of its own since a disk may take seconds, or tells how that
    /// went.
    pub(in crate::content) fn finish(&mut self) -> Poll<Result<(), UploadError>> {
        if let Err(error) = self.begin() {
            return Poll::Ready(Err(error));
        }
        match core::mem::replace(&mut self.state, State::Over) {
            State::Writing(part, slot) => {
                let (name, unwanted) = (self.name.clone(), Arc::clone(&self.unwanted));
                // The slot is held to the end: there are never more threads than uploads.
                let work = move || {
                    let placed = part.place(&name, &unwanted);
                    drop(slot);
                    placed
                };
                match thread::Builder::new().name("upload".to_owned()).spawn(work) {
                    Ok(thread) => self.state = State::Finishing(thread),
                    Err(error) => return Poll::Ready(Err(upload_error(&error))),
                }
                Poll::Pending
            }
            State::Finishing(thread) if !thread.is_finished() => {
                self.state = State::Finishing(thread);
                Poll::Pending
            }
            State::Finishing(thread) => {
                let panicked = |_| Err(UploadError::Failed("a thread panicked".to_owned()));
                Poll::Ready(thread.join().unwrap_or_else(panicked))
            }
            State::Promised(_) | State::Over => {
                Poll::Ready(Err(UploadError::Failed("it is over".to_owned())))
            }
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
    }
}

/// An unfinished file. Dropped before it is in its place, it is removed.
#[derive(Debug)]
pub(super) struct Part {
    folder: Dir,
    name: OsString,
    /// Locked, so that another server's sweep leaves it alone.
    file: Flock<File>,
    placed: bool,
}

impl Part {
    pub(super) fn create(folder: &Dir) -> io::Result<Self> {
        let folder = folder.try_clone()?;
        let mut tries = 0;
        let (file, name) = loop {
            let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{PREFIX}{}-{number}{SUFFIX}", std::process::id());
            match folder.open_with(&name, OpenOptions::new().write(true).create_new(true)) {
                Ok(file) => break (file.into_std(), OsString::from(name)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < NAMES_MAX => {
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        };
        let file = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        let file = file.map_err(|(_, errno)| {
            let _ = folder.remove_file(&name);
            io::Error::from(errno)
        })?;
        Ok(Self { folder, name, file, placed: false })
    }

    /// Makes the content safe, then gives it its name, if that is still free, in one step.
    fn place(mut self, name: &OsStr, unwanted: &AtomicBool) -> Result<(), UploadError> {
        self.file.sync_all().map_err(|error| upload_error(&error))?;
        if unwanted.load(Ordering::Relaxed) {
            return Err(UploadError::Failed("the client is gone".to_owned()));
        }
        self.rename(name).map_err(|error| upload_error(&error))?;
        self.placed = true;
        // Some file systems cannot, and need not, do this.
        let _ = sync_names(&self.folder);
        Ok(())
    }

    fn rename(&self, name: &OsStr) -> io::Result<()> {
        match renameat_with(&self.folder, &self.name, &self.folder, name, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => self.link(name),
            renamed => Ok(renamed?),
        }
    }

    /// The same for NFS and others that cannot rename without replacing, but have links.
    pub(super) fn link(&self, name: &OsStr) -> io::Result<()> {
        self.folder.hard_link(&self.name, &self.folder, name)?;
        // The file is in its place; a second name of it is swept at the next start.
        let _ = self.folder.remove_file(&self.name);
        Ok(())
    }

    /// Removes an unfinished file that nobody writes any more, and says whether it did.
    pub(super) fn sweep(folder: &Dir, name: &OsStr) -> bool {
        let Ok(file) = folder.open_with(name, OpenOptions::new().write(true)) else { return false };
        let unlocked = Flock::lock(file.into_std(), FlockArg::LockExclusiveNonblock);
        unlocked.is_ok() && folder.remove_file(name).is_ok()
    }
}

/// Makes the names in a folder safe against a power cut.
pub(super) fn sync_names(folder: &Dir) -> io::Result<()> {
    // What we hold is a mere path (`O_PATH`), which cannot be synced.
    folder.open(".")?.sync_all()
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.placed {
            // Best effort: what stays is swept at the next start.
            let _ = self.folder.remove_file(&self.name);
        }
    }
}
