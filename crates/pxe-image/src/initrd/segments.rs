//! The chain of an initrd's parts, unpacked as they are read.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use super::cpio::Walk;
use crate::limits::{INITRD_SEGMENTS_MAX, INITRD_WINDOW_BYTES_MAX};

/// Why the rest of an initrd was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Broken(&'static str),
    #[error("it has more than {1} {0}")]
    TooMuch(&'static str, u64),
    #[error("it is packed with bzip2, which is not read")]
    Bzip2,
    #[error("a part of it is packed in no known way")]
    Unknown,
    #[error("its {0} part cannot be unpacked: {1}")]
    Unpack(&'static str, io::Error),
    #[error("it cannot be read: {0}")]
    Io(io::Error),
    #[error("it ends in the middle of a file")]
    Truncated,
}

/// Bytes of a part that tell how it is packed.
const MAGIC_BYTES: usize = 6;
/// Bytes unpacked at once.
const CHUNK_BYTES: usize = 65_536;
/// What lz4's legacy form unpacks a block to at most, and how large the block may be then.
const LZ4_BLOCK_BYTES: usize = 8 << 20;
const LZ4_PACKED_BYTES: usize = LZ4_BLOCK_BYTES + LZ4_BLOCK_BYTES / 255 + 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Cpio,
    Gzip,
    Xz,
    Zstd,
    Lz4Legacy,
    Lz4Frame,
    Lzma,
}

impl Format {
    fn of(magic: &[u8]) -> Result<Self, Fault> {
        let is = |start: &[u8]| magic.starts_with(start);
        Ok(match () {
            () if is(b"07070") => Self::Cpio,
            () if is(&[0x1f, 0x8b]) => Self::Gzip,
            () if is(&[0xfd, b'7', b'z', b'X', b'Z', 0]) => Self::Xz,
            () if is(&[0x28, 0xb5, 0x2f, 0xfd]) => Self::Zstd,
            () if is(&[0x02, 0x21, 0x4c, 0x18]) => Self::Lz4Legacy,
            () if is(&[0x04, 0x22, 0x4d, 0x18]) => Self::Lz4Frame,
            () if is(&[0x5d, 0, 0]) => Self::Lzma,
            () if is(b"BZh") => return Err(Fault::Bzip2),
            () => return Err(Fault::Unknown),
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Cpio => "cpio",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Lz4Legacy | Self::Lz4Frame => "lz4",
            Self::Lzma => "lzma",
        }
    }
}

/// Walks through all parts: how they are packed, and why not all were read.
pub(super) fn walk(
    reader: impl Read,
    bytes_max: u64,
    walk: &mut Walk,
) -> (Vec<&'static str>, Result<(), Fault>) {
    let mut parts = Parts { walk, formats: Vec::new(), unpacked: 0, bytes_max, ahead: Vec::new() };
    let reader = Bounded { reader, left: bytes_max, bytes_max };
    let outcome = parts.all(&mut BufReader::with_capacity(CHUNK_BYTES, reader));
    (parts.formats, outcome)
}

/// Fails where an initrd has more bytes than may be looked through. What is unpacked of them is no measure: zeros between parts
/// and empty blocks unpack to nothing, and a file may have more bytes than its image.
struct Bounded<R> {
    reader: R,
    left: u64,
    bytes_max: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(format!("more than {} bytes", self.bytes_max))),
        }
        Ok(count)
    }
}

struct Parts<'w> {
    walk: &'w mut Walk,
    formats: Vec<&'static str>,
    unpacked: u64,
    bytes_max: u64,
    /// Read already, and not used.
    ahead: Vec<u8>,
}

/// What the last part left unread, then the rest.
type Input<'i, R> = Chain<Cursor<Vec<u8>>, &'i mut BufReader<R>>;

impl Parts<'_> {
    fn all<R: Read>(&mut self, reader: &mut BufReader<R>) -> Result<(), Fault> {
        for _ in 0..INITRD_SEGMENTS_MAX {
            let Some(magic) = self.magic(reader)? else {
                return if self.walk.is_between() { Ok(()) } else { Err(Fault::Truncated) };
            };
            let format = Format::of(&magic)?;
            if self.formats.last() != Some(&format.name()) {
                self.formats.push(format.name());
            }
            self.part(format, Cursor::new(magic).chain(reader))?;
        }
        Err(Fault::TooMuch("parts", INITRD_SEGMENTS_MAX as u64))
    }

    /// Passes over zeros and reads on until a part's kind is known; `None` at the end.
    fn magic<R: Read>(&mut self, reader: &mut BufReader<R>) -> Result<Option<Vec<u8>>, Fault> {
        let mut magic = core::mem::take(&mut self.ahead);
        loop {
            let zeros = magic.iter().take_while(|&&byte| byte == 0).count();
            magic.drain(..zeros);
            if magic.len() >= MAGIC_BYTES {
                return Ok(Some(magic));
            }
            if magic.is_empty() {
                let there = reader.fill_buf().map_err(Fault::Io)?;
                let zeros = there.iter().take_while(|&&byte| byte == 0).count();
                let end = there.is_empty();
                reader.consume(zeros);
                if end {
                    return Ok(None);
                }
            }
            let wanted = MAGIC_BYTES.saturating_sub(magic.len()) as u64;
            let before = magic.len();
            reader.by_ref().take(wanted).read_to_end(&mut magic).map_err(Fault::Io)?;
            if magic.len() == before {
                return if magic.is_empty() { Ok(None) } else { Err(Fault::Truncated) };
            }
        }
    }

    fn part<R: Read>(&mut self, format: Format, mut input: Input<'_, R>) -> Result<(), Fault> {
        let unpack = |error| Fault::Unpack(format.name(), error);
        let window_kib = u32::try_from(INITRD_WINDOW_BYTES_MAX / 1024).unwrap_or(u32::MAX);
        match format {
            Format::Cpio => self.plain(&mut input)?,
            Format::Gzip => self.unpacked(format, flate2::bufread::GzDecoder::new(&mut input))?,
            Format::Xz => {
                let unpacker = lzma_rust2::XzReader::new_mem_limit(&mut input, false, window_kib);
                self.unpacked(format, unpacker)?;
            }
            Format::Zstd => {
                let unpacker = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(
                    &mut input,
                    INITRD_WINDOW_BYTES_MAX as u64,
                );
                let unpacker = unpacker.map_err(|error| unpack(io::Error::other(error)))?;
                self.unpacked(format, unpacker)?;
            }
            Format::Lz4Frame => {
                self.unpacked(format, lz4_flex::frame::FrameDecoder::new(&mut input))?;
            }
            Format::Lz4Legacy => self.lz4_blocks(&mut input)?,
            Format::Lzma => {
                let unpacker = lzma_rust2::LzmaReader::new_mem_limit(&mut input, window_kib, None);
                let mut unpacker = unpacker.map_err(|error| unpack(io::Error::other(error)))?;
                self.unpacked(format, &mut unpacker)?;
                // It reads beyond its end.
                (_, self.ahead) = unpacker.into_parts();
            }
        }
        // What was read to know the part's kind and is not the part's.
        let (ahead, _) = input.into_inner();
        let used = usize::try_from(ahead.position()).unwrap_or(usize::MAX);
        let left = ahead.into_inner().get(used..).unwrap_or_default().to_vec();
        self.ahead.extend(left);
        Ok(())
    }

    /// An archive as it is.
    fn plain(&mut self, input: &mut impl BufRead) -> Result<(), Fault> {
        loop {
            let there = input.fill_buf().map_err(Fault::Io)?;
            if there.is_empty() {
                return Ok(());
            }
            let all = there.len();
            let used = self.walk.feed(there)?;
            input.consume(used);
            self.count(used)?;
            if used < all {
                return Ok(());
            }
        }
    }

    fn unpacked(&mut self, format: Format, mut unpacker: impl Read) -> Result<(), Fault> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = match unpacker.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Fault::Unpack(format.name(), error)),
            };
            self.take(chunk.get(..count).unwrap_or_default())?;
        }
    }

    /// Unpacked bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.count(bytes.len())?;
        match self.walk.feed(bytes)? {
            used if used == bytes.len() => Ok(()),
            _ => Err(Fault::Broken("what is packed in it is no archive")),
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Fault> {
        self.unpacked = self.unpacked.saturating_add(bytes as u64);
        if self.unpacked > self.bytes_max {
            return Err(Fault::TooMuch("bytes when unpacked", self.bytes_max));
        }
        Ok(())
    }

    /// lz4's legacy form (`lz4 -l`, what Linux takes): blocks with their packed size before them. It has no end, so
    /// a size that none can have begins the next part.
    fn lz4_blocks(&mut self, input: &mut impl Read) -> Result<(), Fault> {
        let mut size = [0; 4];
        input.read_exact(&mut size).map_err(Fault::Io)?; // the magic
        let mut unpacked = vec![0; LZ4_BLOCK_BYTES];
        loop {
            let mut got = Vec::new();
            input.by_ref().take(4).read_to_end(&mut got).map_err(Fault::Io)?;
            let Some(size) = crate::bytes::u32_le(&got, 0) else { return Ok(()) };
            let size = size as usize;
            if size == 0 || size > LZ4_PACKED_BYTES {
                self.ahead = got;
                return Ok(());
            }
            let mut packed = Vec::new();
            input.by_ref().take(size as u64).read_to_end(&mut packed).map_err(Fault::Io)?;
            if packed.len() < size {
                return Err(Fault::Truncated);
            }
            let count = lz4_flex::block::decompress_into(&packed, &mut unpacked)
                .map_err(|error| Fault::Unpack("lz4", io::Error::other(error)))?;
            self.take(unpacked.get(..count).unwrap_or_default())?;
        }
    }
}
