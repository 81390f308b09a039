//! Netascii: text with CR LF for the end of a line and CR NUL for a CR (RFC 764 via RFC 1350 section 1).

use std::collections::VecDeque;

const CR: u8 = b'\r';
const LF: u8 = b'\n';
const NUL: u8 = 0;

/// Turns received netascii back into the sender's bytes. A pair may be split between calls.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    carriage_return: bool,
}

impl Decoder {
    /// A decoder at the start of a file.
    #[must_use]
    pub const fn new() -> Self {
        Self { carriage_return: false }
    }

    /// Appends what `input` stands for. A CR before anything but LF and NUL is kept as it is.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        for &byte in input {
            let after_cr = core::mem::take(&mut self.carriage_return);
            match (after_cr, byte) {
                (true, LF) => out.push(LF),
                (true, NUL) => out.push(CR),
                (_, CR) => {
                    if after_cr {
                        out.push(CR);
                    }
                    self.carriage_return = true;
                }
                (true, _) => out.extend([CR, byte]),
                (false, _) => out.push(byte),
            }
        }
    }

    /// Ends the file: a CR at its very end is kept as it is.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if core::mem::take(&mut self.carriage_return) {
            out.push(CR);
        }
    }
}

/// Where the converter stands between two blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Bytes of the file used up.
    offset: u64,
    /// Second half of a pair whose first half ended the block.
    pending: Option<u8>,
}

impl Cursor {
    /// Fills `block` from the file of `size` bytes and moves behind what was used. Fewer bytes than the block
    /// holds mean the end of the file.
    fn fill<E>(
        &mut self,
        size: u64,
        scratch: &mut Vec<u8>,
        block: &mut [u8],
        mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut filled = 0;
        while filled < block.len() {
            if let Some(byte) = self.pending.take() {
                block[filled] = byte;
                filled += 1;
                continue;
            }
            let room = (block.len() - filled) as u64;
            let wanted = usize::try_from(room.min(size - self.offset)).unwrap_or(0);
            if wanted == 0 {
                break;
            }
            scratch.resize(wanted, 0);
            read(self.offset, scratch)?;
            for &byte in scratch.iter() {
                if filled == block.len() || self.pending.is_some() {
                    break;
                }
                let (first, second) = match byte {
                    LF => (CR, Some(LF)),
                    CR => (CR, Some(NUL)),
                    other => (other, None),
                };
                block[filled] = first;
                filled += 1;
                self.offset += 1;
                match second {
                    Some(second) if filled < block.len() => {
                        block[filled] = second;
                        filled += 1;
                    }
                    second => self.pending = second,
                }
            }
        }
        Ok(filled)
    }
}

/// Where the converter stood at the start of each block that may have to be sent again: the block after the
/// base of the window first. A window's length bounds it.
#[derive(Debug)]
pub(crate) struct Cursors(VecDeque<Cursor>);

impl Cursors {
    pub(crate) fn new() -> Self {
        Self(VecDeque::from([Cursor::default()]))
    }

    /// Forgets the first `blocks`, which were acknowledged.
    pub(crate) fn acknowledge(&mut self, blocks: u64) {
        let blocks = usize::try_from(blocks).unwrap_or(usize::MAX).min(self.0.len());
        self.0.drain(..blocks);
    }

    /// Fills the block at `index` counted from the window's first.
    pub(crate) fn fill<E>(
        &mut self,
        index: u64,
        size: u64,
        scratch: &mut Vec<u8>,
        block: &mut [u8],
        read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        // Blocks are sent in order, so the place of each one is known when its turn comes.
        let mut cursor = self.0.get(index).copied().unwrap_or_default();
        let filled = cursor.fill(size, scratch, block, read)?;
        if self.0.len() == index + 1 {
            self.0.push_back(cursor);
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use super::*;

    fn encode(text: &[u8], block_bytes: usize) -> Vec<Vec<u8>> {
        let mut cursors = Cursors::new();
        let mut blocks = Vec::new();
        let mut scratch = Vec::new();
        loop {
            let mut block = vec![0; block_bytes];
            let read = |offset: u64, part: &mut [u8]| {
                let offset = usize::try_from(offset).unwrap();
                part.copy_from_slice(&text[offset..offset + part.len()]);
                Ok::<_, Infallible>(())
            };
            let index = blocks.len() as u64;
            let filled =
                cursors.fill(index, text.len() as u64, &mut scratch, &mut block, read).unwrap();
            block.truncate(filled);
            blocks.push(block);
            if filled < block_bytes {
                return blocks;
            }
        }
    }

    #[test]
    fn pairs_are_split_between_blocks_and_joined_again() {
        let text = b"one\ntwo\r\nthree\r\r\n\n\0end\r";
        for block_bytes in 8..40 {
            let blocks = encode(text, block_bytes);
            let joined = blocks.concat();
            assert_eq!(joined, b"one\r\ntwo\r\0\r\nthree\r\0\r\0\r\n\r\n\0end\r\0");
            let (mut decoder, mut out) = (Decoder::new(), Vec::new());
            for block in &blocks {
                decoder.decode(block, &mut out);
            }
            decoder.finish(&mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn a_full_last_block_is_followed_by_an_empty_one() {
        assert_eq!(encode(b"1234567\n", 9), [b"1234567\r\n".to_vec(), Vec::new()]);
        assert_eq!(encode(b"1234567\n", 8), [b"1234567\r".to_vec(), b"\n".to_vec()]);
        assert_eq!(encode(b"", 8), [Vec::<u8>::new()]);
    }

    #[test]
    fn lone_carriage_returns_are_kept() {
        let (mut decoder, mut out) = (Decoder::new(), Vec::new());
        decoder.decode(b"a\rb\r\r\nc\r", &mut out);
        decoder.finish(&mut out);
        assert_eq!(out, b"a\rb\r\nc\r");
    }
}
