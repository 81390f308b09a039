//! A file inside an image: stretches of the image's file, never unpacked.

use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut};
use std::sync::Arc;

use nix::sys::uio::preadv;
use pxe_image::Extent;

use super::cache::Version;
use super::open::{read_full, unchanged};

/// An open file of an image.
#[derive(Debug)]
pub(crate) struct Inside {
    file: File,
    version: Version,
    extents: Arc<[Extent]>,
    /// Where each extent begins in the file that they make up.
    starts: Vec<u64>,
    size: u64,
}

impl Inside {
    /// Of an open image, and where the file's bytes lie in it.
    pub(super) fn new(file: File, metadata: &Metadata, extents: Vec<Extent>) -> Self {
        let mut size = 0_u64;
        let starts = extents.iter().map(|extent| {
            let start = size;
            size = size.saturating_add(extent.len);
            start
        });
        let starts = starts.collect();
        Self { file, version: Version::of(metadata), extents: extents.into(), starts, size }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    #[cfg(feature = "http")]
    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    #[cfg(feature = "http")]
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Where the image has the byte at `offset`, and how many follow it there; `None` for the place of what is stored
    /// nowhere and reads as zeros. Nothing at the end.
    pub(super) fn stretch(&self, offset: u64) -> Option<(Option<u64>, u64)> {
        // The last that begins there or before; empty extents never count.
        let index = self.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        let (extent, within) = (self.extents[index], offset - self.starts[index]);
        let left = extent.len.checked_sub(within).filter(|left| *left > 0)?;
        Some((extent.offset.map(|place| place + within), left))
    }

    /// As [`Content::read_at`](super::Content::read_at).
    pub(super) fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            let Some((place, left)) = self.stretch(offset + filled as u64) else { break };
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(into.len() - filled);
            let part = &mut into[filled..filled + count];
            match place {
                None => part.fill(0),
                Some(place) if read_full(&self.file, place, part)? < count => break,
                Some(_) => {}
            }
            filled += count;
        }
        unchanged(&self.file, &self.version)?;
        Ok(filled)
    }

    /// Fills blocks that follow each other by one call, if their bytes do in the image; whether they did.
    pub(super) fn read_row(
        &self,
        offset: u64,
        blocks: &mut [IoSliceMut<'_>],
        wanted: usize,
    ) -> io::Result<bool> {
        let Some((Some(place), left)) = self.stretch(offset) else { return Ok(false) };
        if left < wanted as u64 {
            return Ok(false);
        }
        let place = i64::try_from(place).map_err(io::Error::other)?;
        let is_whole = preadv(&self.file, blocks, place)? == wanted;
        unchanged(&self.file, &self.version)?;
        Ok(is_whole)
    }

    /// A number that other files of the same image do not have.
    #[cfg(feature = "http")]
    pub(super) fn place(&self) -> u64 {
        let first = self.extents.iter().find_map(|extent| extent.offset);
        first.unwrap_or_default().rotate_left(20) ^ self.size
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn extent(offset: impl Into<Option<u64>>, len: u64) -> Extent {
        Extent { offset: offset.into(), len }
    }

    fn inside(extents: Vec<Extent>) -> Inside {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"0123456789").expect("written");
        let metadata = file.metadata().expect("known");
        Inside::new(file, &metadata, extents)
    }

    #[test]
    fn stretches_follow_each_other_whatever_their_place() {
        let file =
            inside(vec![extent(7, 2), extent(3, 0), extent(0, 3), extent(None, 2), extent(5, 1)]);
        assert_eq!(file.size(), 8);
        for from in 0..=8_usize {
            for count in 0..=9 {
                let mut bytes = vec![b'x'; count];
                let read = file.read_at(from as u64, &mut bytes).expect("read");
                let whole = b"78012\0\x005";
                assert_eq!(bytes[..read], whole[from..(from + count).min(8)], "{from} {count}");
            }
        }
        assert_eq!(file.stretch(8), None);
        assert_eq!(file.stretch(1), Some((Some(8), 1)));
        assert_eq!(inside(Vec::new()).stretch(0), None);
    }

    #[test]
    fn a_row_within_one_stretch_is_one_call() {
        let file = inside(vec![extent(2, 6), extent(0, 2)]);
        let (mut one, mut other) = ([0; 2], [0; 3]);
        let mut row = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut other)];
        assert!(file.read_row(1, &mut row, 5).expect("read"));
        assert!(!file.read_row(2, &mut row, 5).expect("read"), "it crosses an edge");
        assert_eq!((&one, &other), (b"34", b"567"));
    }
}
