//! Reads of known length from an image, never behind its end, and numbers out of what was read.

use core::cell::Cell;
use std::io;

use crate::error::{ImageError, ImageErrorKind};
use crate::limits::CALL_BYTES_MAX;
use crate::source::ReadAt;

/// Makes an error at a place.
pub(crate) fn fault(offset: u64, kind: ImageErrorKind) -> ImageError {
    ImageError { offset, kind }
}

/// Makes the error for what contradicts its format.
pub(crate) fn broken(offset: u64, what: &'static str) -> ImageError {
    fault(offset, ImageErrorKind::Broken(what))
}

/// An image as a thing that is read.
#[derive(Clone, Copy)]
pub(crate) struct Disc<'a> {
    source: &'a dyn ReadAt,
    budget: Option<&'a Budget>,
}

/// How many bytes one call may still read. Whatever an image leads to, the call ends.
pub(crate) struct Budget(Cell<u64>);

impl Budget {
    pub(crate) fn of_a_call() -> Self {
        Self(Cell::new(CALL_BYTES_MAX as u64))
    }
}

impl<'a> Disc<'a> {
    /// For reads that the caller bounds.
    pub(crate) fn new(source: &'a dyn ReadAt) -> Self {
        Self { source, budget: None }
    }

    pub(crate) fn within(source: &'a dyn ReadAt, budget: &'a Budget) -> Self {
        Self { source, budget: Some(budget) }
    }

    pub(crate) fn size(self) -> u64 {
        self.source.size()
    }

    /// Fills the buffer.
    ///
    /// # Errors
    /// `Truncated` if that reaches behind the end; nothing is read then.
    pub(crate) fn read(self, offset: u64, buffer: &mut [u8]) -> Result<(), ImageError> {
        self.check(offset, buffer.len() as u64)?;
        if let Some(Budget(left)) = self.budget {
            let Some(rest) = left.get().checked_sub(buffer.len() as u64) else {
                let what = "bytes read to find one file";
                return Err(fault(offset, ImageErrorKind::TooMuch { what, max: CALL_BYTES_MAX }));
            };
            left.set(rest);
        }
        let mut at = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            match self.source.read_at(at, rest) {
                // Shorter than it says: a file that is cut while it is read.
                Ok(0) => return Err(fault(at, ImageErrorKind::Truncated)),
                Ok(count) => {
                    at = at.saturating_add(count as u64);
                    rest = rest.get_mut(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(at, error.into())),
            }
        }
        Ok(())
    }

    /// Reads that many bytes; only for counts that the caller bounds.
    pub(crate) fn bytes(self, offset: u64, count: usize) -> Result<Vec<u8>, ImageError> {
        // Before memory is taken.
        self.check(offset, count as u64)?;
        let mut bytes = vec![0; count];
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads that many bytes, or what there is before the end.
    pub(crate) fn bytes_or_fewer(self, offset: u64, count: usize) -> Result<Vec<u8>, ImageError> {
        let rest = usize::try_from(self.size().saturating_sub(offset)).unwrap_or(usize::MAX);
        self.bytes(offset, count.min(rest))
    }

    /// Fails unless that stretch lies within the image.
    pub(crate) fn check(self, offset: u64, len: u64) -> Result<(), ImageError> {
        match offset.checked_add(len) {
            Some(end) if end <= self.size() => Ok(()),
            _ => Err(fault(offset, ImageErrorKind::Truncated)),
        }
    }
}

/// Numbers at fixed places of a structure whose length is known. Outside of it everything is zero.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn bytes(self, at: usize, len: usize) -> &'a [u8] {
        at.checked_add(len).and_then(|end| self.0.get(at..end)).unwrap_or_default()
    }

    pub(crate) fn rest(self, at: usize) -> &'a [u8] {
        self.0.get(at..).unwrap_or_default()
    }

    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        self.bytes(at, N).try_into().unwrap_or([0; N])
    }

    pub(crate) fn u8(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    pub(crate) fn u16(self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    pub(crate) fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    pub(crate) fn u64(self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_behind_the_end() {
        let bytes = b"abcdef".as_slice();
        let disc = Disc::new(&bytes);
        assert_eq!(disc.bytes(4, 2).expect("inside"), b"ef");
        for (offset, len) in [(4, 3), (7, 0), (u64::MAX, 1)] {
            let error = disc.bytes(offset, len).expect_err("outside");
            assert!(matches!(error.kind, ImageErrorKind::Truncated));
        }
        assert_eq!(disc.bytes_or_fewer(4, 9).expect("inside"), b"ef");
        assert!(disc.bytes_or_fewer(9, 9).is_err());
    }

    #[test]
    fn a_call_reads_only_so_much() {
        let bytes = [0_u8; 100].as_slice();
        let budget = Budget(Cell::new(150));
        let disc = Disc::within(&bytes, &budget);
        assert!(disc.bytes(0, 100).is_ok());
        let error = disc.bytes(0, 51).expect_err("spent");
        assert!(error.to_string().starts_with("more than 268435456 bytes read"), "{error}");
        assert!(disc.bytes(0, 50).is_ok());
    }

    #[test]
    fn numbers_outside_are_zero() {
        let fields = Fields(&[1, 2, 3]);
        assert_eq!((fields.u16(1), fields.u16(2), fields.u8(usize::MAX)), (0x0302, 0, 0));
    }

    /// Says that it is longer than it is.
    struct Liar;

    impl ReadAt for Liar {
        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }

        fn size(&self) -> u64 {
            4_096
        }
    }

    #[test]
    fn a_source_that_ends_early_is_truncated() {
        let error = Disc::new(&Liar).bytes(0, 1).expect_err("nothing there");
        assert!(matches!(error.kind, ImageErrorKind::Truncated));
    }
}
