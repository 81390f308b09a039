//! A UDF volume put together by hand, for what no program makes.
//!
//! Blocks are 512 bytes. The partition begins at block [`START`]; blocks of structures below are counted from there.

pub const BLOCK: usize = 512;
/// First block of the partition.
pub const START: u32 = 266;
const ANCHOR: u32 = 256;
const MAIN: u32 = 257;
const RESERVE: u32 = 261;
const SEQUENCE_BLOCKS: u32 = 4;

pub const FILE: u8 = 5;
pub const FOLDER: u8 = 4;
pub const LINK: u8 = 12;

pub const SHORT: u16 = 0;
pub const LONG: u16 = 1;
pub const EMBEDDED: u16 = 3;

pub struct Made {
    pub bytes: Vec<u8>,
}

/// CRC-CCITT bit by bit, from ECMA-167's text.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

/// Fills in the head of a descriptor.
pub fn tagged(id: u16, location: u32, mut bytes: Vec<u8>) -> Vec<u8> {
    let covered = bytes.len() - 16;
    bytes[..2].copy_from_slice(&id.to_le_bytes());
    bytes[2] = 3;
    let sum = crc(&bytes[16..]);
    bytes[8..10].copy_from_slice(&sum.to_le_bytes());
    bytes[10..12].copy_from_slice(&(covered as u16).to_le_bytes());
    bytes[12..16].copy_from_slice(&location.to_le_bytes());
    bytes[4] = 0;
    bytes[4] = bytes[..16].iter().fold(0, |sum, byte| sum.wrapping_add(*byte));
    bytes
}

fn set16(bytes: &mut [u8], at: usize, number: u16) {
    bytes[at..at + 2].copy_from_slice(&number.to_le_bytes());
}

fn set32(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

/// The map of a partition that lies as it is counted.
pub fn plain_map(number: u16) -> Vec<u8> {
    let mut map = vec![1, 6, 1, 0, 0, 0];
    set16(&mut map, 4, number);
    map
}

/// The map of a metadata partition on top of partition 0.
pub fn metadata_map(main: u32, mirror: u32) -> Vec<u8> {
    let mut map = vec![0; 64];
    map[0] = 2;
    map[1] = 64;
    map[5..28].copy_from_slice(b"*UDF Metadata Partition");
    set32(&mut map, 40, main);
    set32(&mut map, 44, mirror);
    map
}

/// An allocation descriptor: kind 0 recorded, 1 and 2 not, 3 more descriptors.
pub fn short(kind: u32, len: u32, block: u32) -> Vec<u8> {
    [(kind << 30 | len).to_le_bytes(), block.to_le_bytes()].concat()
}

pub fn long(kind: u32, len: u32, block: u32, partition: u16) -> Vec<u8> {
    let mut descriptor = short(kind, len, block);
    descriptor.extend_from_slice(&partition.to_le_bytes());
    descriptor.resize(16, 0);
    descriptor
}

/// A name in a folder.
pub fn name(name: &[u8], marks: u8, block: u32, partition: u16) -> Vec<u8> {
    let mut bytes = vec![0; 38];
    bytes[16] = 1;
    bytes[18] = marks;
    bytes[19] = name.len() as u8;
    bytes[20..36].copy_from_slice(&long(0, BLOCK as u32, block, partition));
    bytes.extend_from_slice(name);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    tagged(257, 0, bytes)
}

/// The name in the form of a name: Latin-1.
pub fn latin(text: &str) -> Vec<u8> {
    let mut bytes = vec![8];
    bytes.extend(text.chars().map(|c| c as u8));
    bytes
}

impl Made {
    /// A volume whose partition has so many blocks.
    pub fn new(blocks: u32, maps: &[Vec<u8>], file_set: (u32, u16)) -> Self {
        let mut made = Self { bytes: vec![0; (START + blocks) as usize * BLOCK] };
        for (at, id) in [(32_768, "BEA01"), (34_816, "NSR03"), (36_864, "TEA01")] {
            made.bytes[at + 1..at + 6].copy_from_slice(id.as_bytes());
        }
        let mut anchor = vec![0; BLOCK];
        for (at, block) in [(16, MAIN), (24, RESERVE)] {
            set32(&mut anchor, at, SEQUENCE_BLOCKS * BLOCK as u32);
            set32(&mut anchor, at + 4, block);
        }
        made.set(ANCHOR, &tagged(2, ANCHOR, anchor));
        for start in [MAIN, RESERVE] {
            let primary = vec![0; BLOCK];
            made.set(start, &tagged(1, start, primary));
            let mut partition = vec![0; BLOCK];
            set32(&mut partition, 188, START);
            set32(&mut partition, 192, blocks);
            made.set(start + 1, &tagged(5, start + 1, partition));
            let mut logical = vec![0; BLOCK];
            logical[84..90].copy_from_slice(b"\x08LABEL");
            logical[84 + 127] = 6;
            set32(&mut logical, 212, BLOCK as u32);
            set16(&mut logical, 240, 0x0250);
            logical[248..264].copy_from_slice(&long(0, BLOCK as u32, file_set.0, file_set.1));
            set32(&mut logical, 268, maps.len() as u32);
            let maps = maps.concat();
            logical[440..440 + maps.len()].copy_from_slice(&maps);
            made.set(start + 2, &tagged(6, start + 2, logical));
            made.set(start + 3, &tagged(8, start + 3, vec![0; BLOCK]));
        }
        made
    }

    /// One plain partition, with the file set at block 0 and the root folder at block 1.
    pub fn simple(blocks: u32, root: &[Vec<u8>]) -> Self {
        let mut made = Self::new(blocks, &[plain_map(0)], (0, 0));
        made.put(0, &file_set(0, 1, 0));
        made.put(1, &entry(1, FOLDER, EMBEDDED, None, &root.concat()));
        made
    }

    /// Puts bytes at a block of the volume.
    fn set(&mut self, block: u32, bytes: &[u8]) {
        let at = block as usize * BLOCK;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Puts bytes at a block of the partition.
    pub fn put(&mut self, block: u32, bytes: &[u8]) {
        self.set(START + block, bytes);
    }

    /// Spoils a descriptor in the sequence of the volume.
    pub fn spoil(&mut self, reserve: bool) {
        let start = if reserve { RESERVE } else { MAIN };
        self.bytes[(start + 2) as usize * BLOCK + 100] ^= 1;
    }
}

/// The file set, given where the root folder is.
pub fn file_set(block: u32, root: u32, partition: u16) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK];
    bytes[400..416].copy_from_slice(&long(0, BLOCK as u32, root, partition));
    tagged(256, block, bytes)
}

/// A file entry with its allocation descriptors, or the file itself; then its size is its length.
pub fn entry(block: u32, kind: u8, form: u16, size: Option<u64>, area: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 176];
    set16(&mut bytes, 20, 4);
    bytes[27] = kind;
    set16(&mut bytes, 34, form);
    bytes[56..64].copy_from_slice(&size.unwrap_or(area.len() as u64).to_le_bytes());
    set32(&mut bytes, 172, area.len() as u32);
    bytes.extend_from_slice(area);
    tagged(261, block, bytes)
}

/// The same in the form that came with UDF 2.00, with extended attributes before the descriptors.
pub fn extended_entry(block: u32, kind: u8, form: u16, size: Option<u64>, area: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 216 + 24];
    set16(&mut bytes, 20, 4);
    bytes[27] = kind;
    set16(&mut bytes, 34, form);
    bytes[56..64].copy_from_slice(&size.unwrap_or(area.len() as u64).to_le_bytes());
    set32(&mut bytes, 208, 24);
    set32(&mut bytes, 212, area.len() as u32);
    bytes.extend_from_slice(area);
    tagged(266, block, bytes)
}

/// More allocation descriptors.
pub fn more(block: u32, area: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 24];
    set32(&mut bytes, 20, area.len() as u32);
    bytes.extend_from_slice(area);
    tagged(258, block, bytes)
}
