//! Bodies of the fuzz targets. Each takes any bytes and asserts properties.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::missing_panics_doc,
    reason = "these are tests"
)]

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{CALL_BYTES_MAX, FILE_EXTENTS_MAX, FOLDER_ITEMS_MAX};
use crate::{Cpu, Image, NodeKind, ReadAt, Tree, uefi_loaders};

/// What comes before the descriptors of an image.
const FRONT_BYTES: usize = 32_768;
/// Where the anchor of a UDF volume with blocks of 512 bytes is.
const ANCHOR_BYTES: usize = 256 * 512;
/// Most names that are looked at.
const NAMES_MAX: usize = 64;
/// Largest image that is unpacked from pieces.
const PIECES_BYTES_MAX: usize = 1 << 21;

/// The bytes are what comes after the first 16 sectors: descriptors of ISO 9660, and what they lead to.
pub fn iso(data: &[u8]) {
    let mut image = vec![0; FRONT_BYTES];
    image.extend_from_slice(data);
    explore(&image);
}

/// The bytes are a UDF volume in blocks of 512 bytes from its anchor on. Its check sums are set right first, since nothing
/// would be read otherwise.
pub fn udf(data: &[u8]) {
    let mut image = vec![0; ANCHOR_BYTES];
    for (at, id) in [(FRONT_BYTES, b"BEA01"), (34_816, b"NSR02"), (36_864, b"TEA01")] {
        image[at + 1..at + 6].copy_from_slice(id);
    }
    image.extend_from_slice(data);
    mend(&mut image);
    explore(&image);
}

/// The bytes are an image without its zeros: again and again the number of a block of 512 bytes, how many bytes there are
/// from its start (both 16 bits), and they. This way an image has ISO 9660 and UDF side by side.
pub fn image(data: &[u8]) {
    let mut image = unpack(data);
    explore(&image);
    mend(&mut image);
    explore(&image);
}

/// An image from its pieces.
#[must_use]
pub fn unpack(data: &[u8]) -> Vec<u8> {
    let mut image = Vec::new();
    let mut rest = data;
    while let [a, b, c, d, behind @ ..] = rest {
        let at = usize::from(u16::from_le_bytes([*a, *b])) * 512;
        let len = usize::from(u16::from_le_bytes([*c, *d])).min(behind.len());
        let (bytes, behind) = behind.split_at(len);
        rest = behind;
        if at + len <= PIECES_BYTES_MAX {
            image.resize(image.len().max(at + len), 0);
            image[at..at + len].copy_from_slice(bytes);
        }
    }
    image
}

/// The pieces of an image.
#[must_use]
pub fn pack(image: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    for (number, block) in image.chunks(512).enumerate() {
        let len = block.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        // The end is told by its last block.
        let len = if (number + 1) * 512 >= image.len() { block.len() } else { len };
        if let (Ok(number), 1..) = (u16::try_from(number), len) {
            data.extend_from_slice(&number.to_le_bytes());
            data.extend_from_slice(&(len as u16).to_le_bytes());
            data.extend_from_slice(&block[..len]);
        }
    }
    data
}

/// Sets the check sums of UDF's descriptors right: wherever a block, or a name in a folder, begins like one.
fn mend(image: &mut [u8]) {
    for at in (0..image.len().saturating_sub(38)).step_by(4) {
        let begins = u16::from_le_bytes([image[at], image[at + 1]]);
        let is_name = begins == 257 && matches!(image[at + 2..at + 4], [2 | 3, 0]);
        let is_block = at % 512 == 0 && matches!(begins, 1..=9 | 256 | 258..=266);
        if !is_name && !is_block {
            continue;
        }
        let covered = usize::from(u16::from_le_bytes([image[at + 10], image[at + 11]]));
        let covered = covered.min(496).min(image.len() - at - 16);
        let sum = crate::udf::crc(&image[at + 16..at + 16 + covered]);
        image[at + 2..at + 4].copy_from_slice(&[3, 0]);
        image[at + 8..at + 10].copy_from_slice(&sum.to_le_bytes());
        image[at + 10..at + 12].copy_from_slice(&(covered as u16).to_le_bytes());
        image[at + 4] = 0;
        image[at + 4] = image[at..at + 16].iter().fold(0, |sum, byte| sum.wrapping_add(*byte));
    }
}

/// Bytes that count what is read of them, and are never read behind their end.
#[derive(Debug)]
struct Watched<'a> {
    bytes: &'a [u8],
    read: AtomicU64,
}

impl ReadAt for Watched<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let end = offset.checked_add(buffer.len() as u64);
        assert!(end.is_some_and(|end| end <= self.size()), "a read behind the end");
        self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.bytes.read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        self.bytes.size()
    }
}

impl Watched<'_> {
    /// Fails if more was read since the last time than one call may.
    fn settle(&self) {
        let read = self.read.swap(0, Ordering::Relaxed);
        assert!(read <= CALL_BYTES_MAX as u64, "{read} bytes read by one call");
    }
}

/// Opens an image, walks it, and reads its files. Whatever it says, no read reaches behind its end, no call reads without
/// bound, what is listed is found, and the stretches of a file are as long as it and have its bytes.
pub fn explore(bytes: &[u8]) {
    let source = Watched { bytes, read: AtomicU64::new(0) };
    let opened = Image::open(&source);
    source.settle();
    let found = uefi_loaders(&source, opened.as_ref().map_or(&[], |image| image.boot_images()));
    assert!(found.is_sorted() && found.len() <= Cpu::ALL.len());
    source.settle();
    let Ok(image) = opened else { return };
    for boot in image.boot_images() {
        assert!(boot.offset + boot.len <= source.size());
    }
    let mut folders = vec![String::new()];
    let mut names = 0;
    while let Some(folder) = folders.pop() {
        let listed = image.list(&folder);
        source.settle();
        let Ok(items) = listed else { continue };
        assert!(items.len() <= FOLDER_ITEMS_MAX);
        for item in items {
            names += 1;
            if names > NAMES_MAX {
                return;
            }
            assert!(!item.name.contains(['/', '\0']) && !matches!(&*item.name, "" | "." | ".."));
            let path = format!("{folder}/{}", item.name);
            let found = image.look(&path);
            source.settle();
            match found {
                // The first of several with one name is found, and a link is followed.
                Ok(Some(node)) if node.kind == NodeKind::Folder => {
                    // By its own name alone: links would lead in circles.
                    if item.node.kind == NodeKind::Folder {
                        folders.push(path);
                    }
                }
                Ok(Some(node)) => {
                    assert_eq!(node.kind, NodeKind::File, "a link is followed");
                    read_file(&image, &path, node.size);
                }
                // A link to nowhere, a first one of several with one name, or too deep.
                Ok(None) => {}
                Err(_) => {}
            }
        }
    }
}

fn read_file(image: &Image<&Watched<'_>>, path: &str, size: u64) {
    let source = image.source();
    let found = image.extents(path);
    source.settle();
    let Ok(extents) = found else {
        assert!(image.read(path, 0, &mut [0; 1]).is_err());
        return;
    };
    let extents = extents.expect("a file has stretches");
    assert!(extents.len() <= FILE_EXTENTS_MAX);
    assert_eq!(extents.iter().map(|extent| extent.len).sum::<u64>(), size);
    let mut buffer = [0xaa; 700];
    let mut offset = 0;
    for extent in extents.iter().take(8) {
        let want = usize::try_from(extent.len).expect("small").min(64);
        let count = image.read(path, offset, &mut buffer).expect("within the image");
        assert!(count >= want.min(buffer.len()));
        source.settle();
        let mut direct = [0; 64];
        if let Some(at) = extent.offset {
            assert!(at + extent.len <= source.size());
            source.read_at(at, &mut direct[..want]).expect("memory");
        }
        assert_eq!(buffer[..want], direct[..want]);
        offset += extent.len;
    }
    assert_eq!(image.read(path, size, &mut buffer).expect("the end"), 0);
}
