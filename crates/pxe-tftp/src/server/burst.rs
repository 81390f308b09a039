//! Writes a burst of DATA packets, each block read straight behind its header.

use core::array;
use core::ops::Range;
use std::io::IoSliceMut;

use super::{BlockSource, FailureReason, ReadFailure, TransferId};
use crate::limits::{BURST_BYTES_MAX, BURST_SEGMENTS_MAX, DATA_HEADER_BYTES};
use crate::netascii::Cursors;
use crate::packet::opcode;

/// One transfer's file.
pub(super) struct Content<'a> {
    pub(super) transfer: TransferId,
    pub(super) size: u64,
    pub(super) block_size: u16,
    pub(super) source: &'a mut dyn BlockSource,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Burst {
    pub(super) blocks: u64,
    /// The last of them ends the file.
    pub(super) ended: bool,
}

impl Content<'_> {
    const fn segment_bytes(&self) -> usize {
        self.block_size as usize + DATA_HEADER_BYTES
    }

    fn count(&self, blocks: &Range<u64>) -> usize {
        let fitting = (BURST_BYTES_MAX / self.segment_bytes()).clamp(1, BURST_SEGMENTS_MAX);
        usize::try_from(blocks.end - blocks.start).unwrap_or(usize::MAX).min(fitting)
    }

    /// Writes the first of `blocks`, as many as a burst may hold.
    pub(super) fn write(
        &mut self,
        blocks: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Result<Burst, FailureReason> {
        let count = self.count(&blocks);
        let segment_bytes = self.segment_bytes();
        // Kept at its length between calls, so that nothing is cleared that is about to be overwritten.
        out.resize(count * segment_bytes, 0);
        let mut row: [IoSliceMut<'_>; BURST_SEGMENTS_MAX] =
            array::from_fn(|_| IoSliceMut::new(&mut []));
        let (mut used, mut rows) = (0, 0);
        let first = (blocks.start - 1) * u64::from(self.block_size);
        let mut left = self.size - first;
        let segments = blocks.zip(out.chunks_exact_mut(segment_bytes));
        for ((block, segment), slot) in segments.zip(&mut row) {
            let payload = header(segment, block);
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(payload.len());
            used += DATA_HEADER_BYTES + wanted;
            left -= wanted as u64;
            if wanted > 0 {
                *slot = IoSliceMut::new(&mut payload[..wanted]);
                rows += 1;
            }
        }
        if rows > 0 {
            let read = self.source.read_row(self.transfer, first, &mut row[..rows]);
            read.map_err(|failure| match failure {
                ReadFailure::Changed => FailureReason::ContentChanged,
                ReadFailure::Failed => FailureReason::ContentFailed,
            })?;
        }
        let ended = used < count * segment_bytes;
        out.truncate(used);
        Ok(Burst { blocks: count as u64, ended })
    }

    /// The same in netascii mode, where `base` is the last block acknowledged.
    pub(super) fn write_netascii(
        &mut self,
        blocks: Range<u64>,
        base: u64,
        cursors: &mut Cursors,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Burst, FailureReason> {
        let count = self.count(&blocks);
        out.resize(count * self.segment_bytes(), 0);
        let mut used = 0;
        let mut written = 0;
        let mut ended = false;
        for (block, segment) in blocks.zip(out.chunks_exact_mut(self.segment_bytes())) {
            let payload = header(segment, block);
            let read = |offset, part: &mut [u8]| read(self.source, self.transfer, offset, part);
            let filled = cursors.fill(block - base - 1, self.size, scratch, payload, read)?;
            used += DATA_HEADER_BYTES + filled;
            written += 1;
            if filled < payload.len() {
                ended = true;
                break;
            }
        }
        out.truncate(used);
        Ok(Burst { blocks: written, ended })
    }
}

/// Writes the header and returns the room behind it.
fn header(segment: &mut [u8], block: u64) -> &mut [u8] {
    let (header, payload) = segment.split_at_mut(DATA_HEADER_BYTES);
    let [.., high, low] = block.to_be_bytes();
    header[..2].copy_from_slice(&opcode::DATA.to_be_bytes());
    header[2..].copy_from_slice(&[high, low]);
    payload
}

fn read(
    source: &mut dyn BlockSource,
    transfer: TransferId,
    offset: u64,
    part: &mut [u8],
) -> Result<(), FailureReason> {
    if part.is_empty() {
        return Ok(());
    }
    match source.read_at(transfer, offset, part) {
        Ok(bytes) if bytes == part.len() => Ok(()),
        Ok(_) | Err(ReadFailure::Changed) => Err(FailureReason::ContentChanged),
        Err(ReadFailure::Failed) => Err(FailureReason::ContentFailed),
    }
}
