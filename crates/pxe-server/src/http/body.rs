//! The bytes of an answer, read as the client takes them.
//!
//! What the system has in its cache the kernel sends without our looking at it ([`lane`](super::lane)). For the rest a
//! thread of its own waits for the disk, one block at a time for each connection, read when the one before it has left. So
//! it is with all bytes that are to be encrypted.

use core::ops::Range;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use super::lane::{HOLE_BYTES, Hole, Lane};
use super::slots::Slots;
use super::story::Delivery;
use crate::content::Content;

/// Bytes of a file read at a time, while there are few downloads.
pub const BLOCK_BYTES_MAX: usize = 128 << 10;
/// The same while there are many.
const BLOCK_BYTES_MIN: usize = 16 << 10;
/// Bytes of blocks that all downloads together mean to hold. Those that began while there were fewer may hold more until
/// their next block: 200 MB at worst, with 4 096 clients that take nothing.
pub const BLOCKS_BYTES_MAX: usize = 64 << 20;
/// Bytes of files that all downloads together leave to the kernel at a time: no memory, but what is looked up once.
const STRETCHES_BYTES: usize = 256 << 20;
/// Bytes of blocks kept for the next reader.
const SPARE_BYTES_MAX: usize = 8 << 20;

/// Memory for blocks, used again and again: fresh memory costs as much as reading into it.
pub(super) struct Blocks {
    spare: Mutex<Vec<Vec<u8>>>,
    slots: Arc<Slots>,
}

impl Blocks {
    pub(super) fn new(slots: Arc<Slots>) -> Self {
        Self { spare: Mutex::default(), slots }
    }

    /// How much to read at a time now.
    fn size(&self) -> usize {
        (BLOCKS_BYTES_MAX / self.slots.working().max(1)).clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX)
    }

    /// How much of a file to leave to the kernel at a time: little where clients will take long, since what is in the
    /// system's cache now may be gone then.
    fn stretch(&self) -> u64 {
        (STRETCHES_BYTES / self.slots.working().max(1)).clamp(BLOCK_BYTES_MAX, HOLE_BYTES) as u64
    }

    fn take(self: &Arc<Self>, bytes: usize) -> Block {
        let spare = match bytes {
            BLOCK_BYTES_MAX => self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop(),
            _ => None,
        };
        let bytes = spare.unwrap_or_else(|| vec![0; bytes]);
        Block { filled: 0, bytes, blocks: Arc::clone(self) }
    }
}

/// Memory that goes back when it has been sent.
struct Block {
    bytes: Vec<u8>,
    filled: usize,
    blocks: Arc<Blocks>,
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.bytes.len() != BLOCK_BYTES_MAX {
            return;
        }
        let mut spare = self.blocks.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_BYTES_MAX / BLOCK_BYTES_MAX {
            spare.push(core::mem::take(&mut self.bytes));
        }
    }
}

/// A file in memory, as an owner of bytes.
struct InMemory(Arc<[u8]>);

impl AsRef<[u8]> for InMemory {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Bytes to send, counted as they leave.
pub(super) struct Piece {
    data: Data,
    delivery: Arc<Delivery>,
}

/// Bytes, or what stands for those of a file.
enum Data {
    Bytes(Bytes),
    Hole(Hole),
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        match &self.data {
            Data::Bytes(bytes) => bytes.remaining(),
            Data::Hole(hole) => hole.left(),
        }
    }

    fn chunk(&self) -> &[u8] {
        match &self.data {
            Data::Bytes(bytes) => bytes.chunk(),
            Data::Hole(hole) => hole.bytes(),
        }
    }

    fn advance(&mut self, count: usize) {
        match &mut self.data {
            Data::Bytes(bytes) => bytes.advance(count),
            Data::Hole(hole) => hole.advance(count),
        }
        self.delivery.sent(count);
    }
}

/// A part of an answer.
pub(super) enum Part {
    /// These bytes.
    Text(Bytes),
    /// These of the file.
    File(Range<u64>),
}

impl Part {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Text(bytes) => bytes.len() as u64,
            Self::File(range) => range.end - range.start,
        }
    }
}

/// Where the parts of a file come from.
pub(super) struct Source {
    pub(super) content: Arc<Content>,
    pub(super) blocks: Arc<Blocks>,
    /// The way by which the kernel can send them.
    pub(super) lane: Option<Arc<Lane>>,
}

/// The body of an answer.
pub(super) struct Answer {
    parts: VecDeque<Part>,
    file: Option<Source>,
    reading: Option<JoinHandle<io::Result<Block>>>,
    delivery: Arc<Delivery>,
}

impl Answer {
    /// A text.
    pub(super) fn text(text: impl Into<Bytes>, delivery: Arc<Delivery>) -> Self {
        let parts = VecDeque::from([Part::Text(text.into())]);
        Self { parts, file: None, reading: None, delivery }
    }

    /// Parts of a file.
    pub(super) fn file(
        source: Source,
        parts: impl IntoIterator<Item = Part>,
        delivery: Arc<Delivery>,
    ) -> Self {
        Self { parts: parts.into_iter().collect(), file: Some(source), reading: None, delivery }
    }

    /// The same with this to send.
    pub(super) fn saying(mut self, text: Bytes) -> Self {
        self.parts = VecDeque::from([Part::Text(text)]);
        self
    }

    /// The same without anything to send.
    pub(super) fn emptied(mut self) -> Self {
        self.parts.clear();
        self
    }

    /// Bytes that are still to come.
    pub(super) fn len(&self) -> u64 {
        self.parts.iter().map(Part::len).sum()
    }

    /// The next bytes: at once, or later from the thread that was sent to read them.
    fn next(&mut self) -> io::Result<Option<Data>> {
        let Some(part) = self.parts.front_mut() else { return Ok(None) };
        let (range, source) = match (part, &self.file) {
            (Part::File(range), Some(file)) => (range, file),
            (part, _) => {
                let text = match part {
                    Part::Text(text) => core::mem::take(text),
                    Part::File(_) => Bytes::new(),
                };
                self.parts.pop_front();
                return Ok(Some(Data::Bytes(text)));
            }
        };
        let Source { content, blocks, lane } = source;
        if let Some(bytes) = content.bytes() {
            let whole = Bytes::from_owner(InMemory(Arc::clone(bytes)));
            let bounds = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(0));
            self.parts.pop_front();
            return Ok(Some(Data::Bytes(whole.slice(bounds[0]..bounds[1]))));
        }
        let (offset, left) = (range.start, range.end - range.start);
        if let Some(lane) = lane {
            let count = content.cached(offset, left.min(blocks.stretch()));
            if count > 0 {
                let (content, delivery) = (Arc::clone(content), Arc::clone(&self.delivery));
                let hole = lane.put(content, offset..offset + count, delivery);
                self.moved_on(count);
                return Ok(Some(Data::Hole(hole)));
            }
        }
        let mut block = blocks.take(blocks.size());
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(block.bytes.len());
        if let Some(count) = content.read_now(offset, &mut block.bytes[..wanted])? {
            block.filled = count;
            return Ok(Some(self.filled(block)));
        }
        let content = Arc::clone(content);
        self.reading = Some(tokio::task::spawn_blocking(move || {
            block.filled = content.read_at(offset, &mut block.bytes[..wanted])?;
            Ok(block)
        }));
        Ok(None)
    }

    /// Takes note of how far the file was read.
    fn filled(&mut self, block: Block) -> Data {
        self.moved_on(block.filled as u64);
        Data::Bytes(Bytes::from_owner(block))
    }

    fn moved_on(&mut self, count: u64) {
        if let Some(Part::File(range)) = self.parts.front_mut() {
            range.start += count;
            if range.start >= range.end {
                self.parts.pop_front();
            }
        }
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Data>>> {
        if let Some(reading) = &mut self.reading {
            let read = ready!(Pin::new(reading).poll(context));
            self.reading = None;
            let block = read.map_err(io::Error::other)??;
            return Poll::Ready(match block.filled {
                // The file has fewer bytes than it had.
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(Some(self.filled(block))),
            });
        }
        match self.next()? {
            None if self.reading.is_some() => self.poll_bytes(context),
            next => Poll::Ready(Ok(next)),
        }
    }
}

impl Body for Answer {
    type Data = Piece;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Piece>>>> {
        let answer = self.get_mut();
        let polled = ready!(answer.poll_bytes(context)).transpose();
        Poll::Ready(polled.map(|read| {
            let data = read.inspect_err(|error| answer.delivery.fail(error.to_string()))?;
            Ok(Frame::data(Piece { data, delivery: Arc::clone(&answer.delivery) }))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}
