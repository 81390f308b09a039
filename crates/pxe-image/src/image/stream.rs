//! The bytes of a file or folder out of the stretches it consists of.

use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, broken, fault};
use crate::limits::FILE_EXTENTS_MAX;
use crate::tree::Extent;

/// Bytes that are read at once from a folder.
const CHUNK_BYTES: usize = 65_536;

/// Adds a stretch, joined to the last one if it follows it.
///
/// # Errors
/// `TooMuch` if there are too many.
pub(crate) fn push(extents: &mut Vec<Extent>, extent: Extent, at: u64) -> Result<(), ImageError> {
    if extent.len == 0 {
        return Ok(());
    }
    if let Some(last) = extents.last_mut() {
        let follows = match (last.offset, extent.offset) {
            (None, None) => true,
            (Some(offset), Some(next)) => offset.checked_add(last.len) == Some(next),
            _ => false,
        };
        if let (true, Some(len)) = (follows, last.len.checked_add(extent.len)) {
            last.len = len;
            return Ok(());
        }
    }
    if extents.len() >= FILE_EXTENTS_MAX {
        let what = "byte ranges of one file";
        return Err(fault(at, ImageErrorKind::TooMuch { what, max: FILE_EXTENTS_MAX }));
    }
    extents.push(extent);
    Ok(())
}

/// Cuts the stretches to a size, and fails if they are shorter, or if one reaches behind the image's end.
pub(crate) fn fit(
    extents: &mut Vec<Extent>,
    size: u64,
    disc: Disc<'_>,
    at: u64,
) -> Result<(), ImageError> {
    let mut rest = size;
    extents.retain_mut(|extent| {
        extent.len = extent.len.min(rest);
        rest = rest.saturating_sub(extent.len);
        extent.len > 0
    });
    if rest > 0 {
        return Err(broken(at, "a file is longer than the blocks that it has"));
    }
    extents.iter().try_for_each(|extent| match extent.offset {
        Some(offset) => disc.check(offset, extent.len),
        None => Ok(()),
    })
}

/// Reads at an offset of the file that consists of these stretches; 0 at its end.
pub(crate) fn read_at(
    disc: Disc<'_>,
    extents: &[Extent],
    offset: u64,
    buffer: &mut [u8],
) -> Result<usize, ImageError> {
    let mut skip = offset;
    let mut done = 0_usize;
    for extent in extents {
        if skip >= extent.len {
            skip = skip.saturating_sub(extent.len);
            continue;
        }
        let rest = buffer.get_mut(done..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let there = usize::try_from(extent.len.saturating_sub(skip)).unwrap_or(usize::MAX);
        let count = rest.len().min(there);
        let into = rest.get_mut(..count).unwrap_or_default();
        match extent.offset {
            Some(start) => disc.read(start.saturating_add(skip), into)?,
            None => into.fill(0),
        }
        done = done.saturating_add(count);
        skip = 0;
    }
    Ok(done)
}

/// A folder's bytes in their order.
pub(crate) struct Stream<'a> {
    disc: Disc<'a>,
    extents: &'a [Extent],
    /// Where the next chunk begins, in bytes from the start of the folder.
    next: u64,
    /// Bytes behind that.
    left: u64,
    chunk: Vec<u8>,
    /// What has been taken of the chunk.
    taken: usize,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(disc: Disc<'a>, extents: &'a [Extent]) -> Self {
        let left = extents.iter().fold(0, |sum: u64, extent| sum.saturating_add(extent.len));
        Self { disc, extents, next: 0, left, chunk: Vec::new(), taken: 0 }
    }

    /// Where in the folder the next byte is.
    pub(crate) fn position(&self) -> u64 {
        self.next.saturating_sub(self.chunk.len().saturating_sub(self.taken) as u64)
    }

    /// Shows the next bytes, fewer at the end.
    pub(crate) fn peek(&mut self, count: usize) -> Result<&[u8], ImageError> {
        let have = self.chunk.len().saturating_sub(self.taken);
        if have < count {
            self.chunk.drain(..self.taken.min(self.chunk.len()));
            self.taken = 0;
            let more = count.max(CHUNK_BYTES).min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.chunk.resize(have.saturating_add(more), 0);
            let into = self.chunk.get_mut(have..).unwrap_or_default();
            let read = read_at(self.disc, self.extents, self.next, into)?;
            self.chunk.truncate(have.saturating_add(read));
            self.next = self.next.saturating_add(read as u64);
            self.left = self.left.saturating_sub(read as u64);
        }
        let end = self.taken.saturating_add(count).min(self.chunk.len());
        Ok(self.chunk.get(self.taken..end).unwrap_or_default())
    }

    /// Goes past bytes that have been shown.
    pub(crate) fn skip(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count).min(self.chunk.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(offset: u64, len: u64) -> Extent {
        Extent { offset: Some(offset), len }
    }

    #[test]
    fn neighbours_are_joined() {
        let mut extents = Vec::new();
        let hole = Extent { offset: None, len: 5 };
        for it in [extent(0, 4), extent(4, 4), extent(9, 0), hole, hole, extent(9, 1)] {
            push(&mut extents, it, 0).expect("few");
        }
        assert_eq!(extents, [extent(0, 8), Extent { offset: None, len: 10 }, extent(9, 1)]);
    }

    #[test]
    fn there_are_only_so_many() {
        let mut extents = vec![extent(0, 1); FILE_EXTENTS_MAX];
        assert!(push(&mut extents, extent(1, 1), 0).is_ok(), "joined");
        let error = push(&mut extents, extent(7, 1), 9).expect_err("too many");
        assert_eq!(
            error.to_string(),
            "more than 65536 byte ranges of one file (at byte 9 of the image)"
        );
    }

    #[test]
    fn a_size_cuts_and_is_held_to() {
        let bytes = [0_u8; 10].as_slice();
        let disc = Disc::new(&bytes);
        let mut extents = vec![extent(0, 4), extent(6, 4), extent(90, 4)];
        fit(&mut extents, 7, disc, 0).expect("within");
        assert_eq!(extents, [extent(0, 4), extent(6, 3)]);
        assert!(matches!(
            fit(&mut extents, 8, disc, 0).expect_err("short").kind,
            ImageErrorKind::Broken(_)
        ));
        let mut outside = vec![extent(8, 4)];
        assert!(matches!(
            fit(&mut outside, 4, disc, 0).expect_err("outside").kind,
            ImageErrorKind::Truncated
        ));
    }

    #[test]
    fn reads_cross_stretches_and_holes() {
        let bytes = b"0123456789".as_slice();
        let disc = Disc::new(&bytes);
        let extents = [extent(8, 2), Extent { offset: None, len: 2 }, extent(1, 3)];
        let mut all = [9; 16];
        assert_eq!(read_at(disc, &extents, 0, &mut all).expect("inside"), 7);
        assert_eq!(&all[..7], b"89\0\x00123");
        assert_eq!(read_at(disc, &extents, 5, &mut all[..1]).expect("inside"), 1);
        assert_eq!(all[0], b'2');
        assert_eq!(read_at(disc, &extents, 7, &mut all).expect("the end"), 0);

        let mut stream = Stream::new(disc, &extents);
        assert_eq!(stream.peek(3).expect("inside"), b"89\0");
        stream.skip(1);
        assert_eq!(stream.position(), 1);
        assert_eq!(stream.peek(100).expect("inside"), b"9\0\x00123");
    }
}
