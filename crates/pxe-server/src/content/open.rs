//! An open file, read at any place, in the state it had when it was opened.

use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::uio::preadv;
use pxe_image::ReadAt;

#[cfg(feature = "http")]
use std::os::fd::AsFd;

#[cfg(feature = "http")]
use rustix::io::{Errno, ReadWriteFlags};

#[cfg(feature = "http")]
use super::cache::Stamp;
use super::cache::Version;
use super::inside::Inside;
use super::uploads::Receiving;
use crate::engine::Shortfall;

/// How far apart the pages are that are looked at to see whether a stretch is in the system's cache.
#[cfg(feature = "http")]
const PROBE_BYTES: u64 = 512 << 10;

/// One opened content.
#[derive(Debug)]
pub(crate) enum Content {
    /// All of it in memory; the file's state, unless it was made up.
    Memory {
        bytes: Arc<[u8]>,
        #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "for HTTP's tags"))]
        version: Option<Version>,
        /// What a text for one machine should have had in it.
        shortfall: Option<Box<Shortfall>>,
    },
    /// A file too large to keep, and the state it was opened in.
    Disk { file: File, size: u64, version: Version },
    /// A file inside an image.
    Inside(Inside),
    /// A file that is being sent to us, which nobody reads.
    Upload(Receiving),
}

impl Content {
    pub(super) fn in_memory(bytes: Arc<[u8]>, metadata: &Metadata) -> Self {
        Self::Memory { bytes, version: Some(Version::of(metadata)), shortfall: None }
    }

    pub(crate) fn generated(bytes: Arc<[u8]>) -> Self {
        Self::made_up(bytes, None)
    }

    pub(super) fn made_up(bytes: Arc<[u8]>, shortfall: Option<Shortfall>) -> Self {
        Self::Memory { bytes, version: None, shortfall: shortfall.map(Box::new) }
    }

    /// What it should have had in it for the machine it was made up for.
    pub(crate) fn shortfall(&self) -> Option<&Shortfall> {
        match self {
            Self::Memory { shortfall, .. } => shortfall.as_deref(),
            _ => None,
        }
    }

    pub(super) fn on_disk(file: File, metadata: &Metadata) -> Self {
        // The kernel then reads ahead further than it would by itself. Without it things work too.
        let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_SEQUENTIAL);
        Self::Disk { file, size: metadata.len(), version: Version::of(metadata) }
    }

    #[cfg(all(test, feature = "http"))]
    pub(crate) fn whole(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self::on_disk(file, &metadata))
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Memory { bytes, .. } => bytes.len() as u64,
            Self::Disk { size, .. } => *size,
            Self::Inside(inside) => inside.size(),
            Self::Upload(_) => 0,
        }
    }

    /// Fills `into` from `offset`. Bytes of a file that was written to since it was opened are an
    /// error: a client gets the file as it was, or none.
    pub(crate) fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory { bytes, .. } => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let count = into.len().min(bytes.len() - from);
                into[..count].copy_from_slice(&bytes[from..from + count]);
                Ok(count)
            }
            Self::Disk { file, version, .. } => {
                let count = read_full(file, offset, into)?;
                unchanged(file, version)?;
                Ok(count)
            }
            Self::Inside(inside) => inside.read_at(offset, into),
            Self::Upload(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Fills blocks that follow each other from `offset` on, in one call where that can be.
    pub(super) fn read_row(&self, offset: u64, blocks: &mut [IoSliceMut<'_>]) -> io::Result<()> {
        let wanted: usize = blocks.iter().map(|block| block.len()).sum();
        if let Self::Disk { file, version, .. } = self {
            let from = i64::try_from(offset).map_err(io::Error::other)?;
            if preadv(file, blocks, from)? == wanted {
                return unchanged(file, version);
            }
        }
        if let Self::Inside(inside) = self
            && inside.read_row(offset, blocks, wanted)?
        {
            return Ok(());
        }
        // In memory; of several stretches; or a read cut short, by a signal or the file's end.
        let mut offset = offset;
        for block in blocks {
            if self.read_at(offset, block)? != block.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += block.len() as u64;
        }
        Ok(())
    }
}

/// For whoever looks into programs and images.
impl ReadAt for Content {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        self.size()
    }
}

/// What HTTP needs besides.
#[cfg(feature = "http")]
impl Content {
    /// Reads as [`read_at`](Self::read_at), as far as nobody has to wait for it: `None` where a disk has to be read first, or
    /// where the system cannot tell.
    pub(crate) fn read_now(&self, offset: u64, into: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(Stretch { file, version, place, left }) = self.stretch(offset) else {
            return self.read_at(offset, into).map(Some);
        };
        let count = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut into = [IoSliceMut::new(&mut into[..count])];
        match rustix::io::preadv2(file, &mut into, place, ReadWriteFlags::NOWAIT) {
            // At the end of the file a read that may wait says whether that is so.
            Ok(0) | Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => Ok(None),
            Ok(count) => unchanged(file, version).map(|()| Some(count)),
            Err(error) => Err(error.into()),
        }
    }

    /// How many of `count` bytes from `offset` on the system has in its cache, as far as a look at one page in
    /// [`PROBE_BYTES`] and at the last one tells: a look costs a twentieth of what it is to save. 0 where it cannot tell.
    pub(crate) fn cached(&self, offset: u64, count: u64) -> u64 {
        let Some(Stretch { file, place, left, .. }) = self.stretch(offset) else { return 0 };
        let count = count.min(left);
        let is_cached = |at: u64| {
            let mut byte = [0];
            let mut into = [IoSliceMut::new(&mut byte)];
            rustix::io::preadv2(file, &mut into, place + at, ReadWriteFlags::NOWAIT) == Ok(1)
        };
        let mut known = 0;
        while known < count {
            let end = (known + PROBE_BYTES).min(count);
            if !is_cached(known) || (end == count && !is_cached(count - 1)) {
                break;
            }
            known = end;
        }
        known
    }

    /// Lets the kernel send up to `count` bytes from `offset` on; 0 at the end of the file. The error `WouldBlock` is the
    /// socket's. A file that was written to is an error, as in [`read_at`](Self::read_at). Bytes that wait in the socket are
    /// still the file's: what is written in their place before they have left is sent.
    pub(crate) fn send(&self, socket: impl AsFd, offset: u64, count: u64) -> io::Result<usize> {
        let Some(Stretch { file, version, mut place, left }) = self.stretch(offset) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        unchanged(file, version)?;
        let count = usize::try_from(count.min(left)).unwrap_or(usize::MAX);
        Ok(rustix::fs::sendfile(socket, file, Some(&mut place), count)?)
    }

    /// All of it, if it is in memory.
    pub(crate) fn bytes(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Memory { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// Its state, unless it was made up.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Memory { version, .. } => version.as_ref().map(Version::stamp),
            Self::Disk { version, .. } => Some(version.stamp()),
            Self::Inside(inside) => {
                let mut stamp = inside.version().stamp();
                stamp.digest[2] = inside.place();
                Some(stamp)
            }
            Self::Upload(_) => None,
        }
    }
}

/// Bytes that follow each other in a file of the disk.
#[cfg(feature = "http")]
struct Stretch<'c> {
    file: &'c File,
    version: &'c Version,
    /// Where they begin,
    place: u64,
    /// and how many there are.
    left: u64,
}

#[cfg(feature = "http")]
impl Content {
    /// Where the byte at `offset` lies on a disk; `None` if it does not.
    fn stretch(&self, offset: u64) -> Option<Stretch<'_>> {
        match self {
            Self::Disk { file, size, version } => {
                Some(Stretch { file, version, place: offset, left: size.checked_sub(offset)? })
            }
            Self::Inside(inside) => {
                let (place, left) = inside.stretch(offset)?;
                let (file, version) = (inside.file(), inside.version());
                Some(Stretch { file, version, place: place?, left })
            }
            Self::Memory { .. } | Self::Upload(_) => None,
        }
    }
}

/// Asked after bytes were read: they are of the version that is still there.
pub(super) fn unchanged(file: &File, version: &Version) -> io::Result<()> {
    if Version::of(&file.metadata()?).has_same_content(version) {
        return Ok(());
    }
    Err(io::Error::other("the file changed during the transfer"))
}

/// Reads until `into` is full or the file ends.
pub(super) fn read_full(file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(&mut into[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_written_to_ends_in_an_error_and_a_replaced_one_goes_on() {
        let base = std::env::temp_dir().join(format!("pxe-open-{}", std::process::id()));
        fs::write(&base, b"old content").expect("file");
        let open = || {
            let file = File::open(&base).expect("file");
            let metadata = file.metadata().expect("metadata");
            Content::on_disk(file, &metadata)
        };
        let mut block = [0; 11];
        let replaced = open();
        let other = base.with_extension("new");
        fs::write(&other, b"new content").expect("file");
        fs::rename(&other, &base).expect("rename");
        // The descriptor's file has another time of change by now, and the same bytes.
        assert_eq!(replaced.read_at(0, &mut block).expect("bytes"), 11);
        assert_eq!(&block, b"old content");
        let written = open();
        assert_eq!(written.read_at(0, &mut block).expect("bytes"), 11);
        fs::write(&base, b"other bytes").expect("file");
        assert!(written.read_at(0, &mut block).is_err());
        fs::remove_file(&base).expect("clean");
    }
}
