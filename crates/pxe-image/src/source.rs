//! Where bytes of an image come from.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Something with a size that is read at an offset: a file, a block device, bytes in memory.
///
/// Images are untrusted. Nothing in this crate asks for bytes behind [`ReadAt::size`].
pub trait ReadAt {
    /// Reads at `offset` into `buffer`, as much as there is; 0 at the end.
    ///
    /// # Errors
    /// What the device says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Bytes in all.
    fn size(&self) -> u64;
}

impl ReadAt for [u8] {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest =
            usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(into), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(from);
        }
        Ok(count)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        (**self).size()
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        (**self).size()
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Box<T> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        (**self).size()
    }
}

/// A file, or anything else that seeks. Readers wait for each other; a server rather implements [`ReadAt`] with its system's
/// call for that (`pread`).
#[derive(Debug)]
pub struct Seekable<T> {
    inner: Mutex<T>,
    size: u64,
}

impl<T: io::Seek> Seekable<T> {
    /// With the size that it has now.
    ///
    /// # Errors
    /// Its end cannot be found.
    pub fn new(mut inner: T) -> io::Result<Self> {
        let size = inner.seek(io::SeekFrom::End(0))?;
        Ok(Self { inner: Mutex::new(inner), size })
    }

    /// Gives it back, wherever it stands.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: io::Read + io::Seek> ReadAt for Seekable<T> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        // Whoever panicked left a position, which is set anew.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seek(io::SeekFrom::Start(offset))?;
        inner.read(buffer)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

/// Gives so many bytes in all, wherever they are, and then fails: whatever an image leads to, looking at it ends.
#[derive(Debug)]
pub struct Bounded<T> {
    inner: T,
    left: AtomicU64,
}

impl<T: ReadAt> Bounded<T> {
    /// Of `inner`, at most `bytes`.
    pub fn new(inner: T, bytes: u64) -> Self {
        Self { inner, left: AtomicU64::new(bytes) }
    }

    /// Whether somebody wanted more than there was left.
    pub fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

impl<T: ReadAt> ReadAt for Bounded<T> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len() as u64;
        let take = |left: u64| left.checked_sub(wanted);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            // What is left is too little for whoever asks next, too.
            self.left.store(0, Ordering::Relaxed);
            return Err(io::Error::other("more of it would have to be read than is allowed"));
        }
        self.inner.read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }
}

/// As many bytes as there are at `offset`, `bytes` at most. The room grows with what arrives, not with what is asked for.
pub(crate) fn read_up_to(source: &dyn ReadAt, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let there = source.size().saturating_sub(offset);
    let mut buffer = vec![0; bytes.min(usize::try_from(there).unwrap_or(usize::MAX))];
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(filled as u64);
        let count = source.read_at(at, rest)?.min(rest.len());
        if count == 0 {
            break;
        }
        filled = filled.saturating_add(count);
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Reads on from where it is.
pub(crate) struct Sequential<'s> {
    source: &'s dyn ReadAt,
    offset: u64,
}

impl<'s> Sequential<'s> {
    pub(crate) fn new(source: &'s dyn ReadAt) -> Self {
        Self { source, offset: 0 }
    }
}

impl io::Read for Sequential<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read_at(self.offset, buffer)?;
        self.offset = self.offset.saturating_add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_end_where_they_end() {
        let mut buffer = [0; 4];
        assert_eq!(b"abcdef".as_slice().read_at(4, &mut buffer).expect("memory"), 2);
        assert_eq!(&buffer[..2], b"ef");
        assert_eq!(b"abcdef".as_slice().read_at(u64::MAX, &mut buffer).expect("memory"), 0);
    }

    #[test]
    fn a_bounded_source_ends_for_good() {
        let source = Bounded::new(b"abcdef".as_slice(), 7);
        let mut buffer = [0; 4];
        assert_eq!(source.read_at(1, &mut buffer).expect("enough"), 4);
        assert_eq!((&buffer, source.size(), source.is_spent()), (b"bcde", 6, false));
        assert!(source.read_at(0, &mut buffer).is_err());
        assert!(source.is_spent());
        assert!(source.read_at(0, &mut buffer[..1]).is_err(), "there would have been three more");
    }

    #[test]
    fn what_seeks_is_read_like_memory() {
        let source = Seekable::new(io::Cursor::new(b"abcdef".to_vec())).expect("memory");
        let mut buffer = [0; 4];
        assert_eq!(source.size(), 6);
        assert_eq!(source.read_at(4, &mut buffer).expect("memory"), 2);
        assert_eq!(source.read_at(0, &mut buffer).expect("memory"), 4);
        assert_eq!(&buffer, b"abcd");
        assert_eq!(source.read_at(u64::MAX, &mut buffer).expect("memory"), 0);
        assert_eq!(source.into_inner().into_inner(), b"abcdef");
    }
}
