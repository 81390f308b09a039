//! A disk whose power can be cut: every write, growth and flush is recorded, and a file can be made as it may be after
//! a cut at any of them.

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Write { offset: usize, data: Vec<u8> },
    Length(usize),
    Flush,
}

#[derive(Debug, Default)]
struct Disk {
    bytes: Vec<u8>,
    history: Vec<Operation>,
    /// Writes and growth fail, as on a full disk.
    full: bool,
}

/// A file on such a disk; clones are the same file.
#[derive(Clone, Debug, Default)]
pub(super) struct PowerDisk(Arc<Mutex<Disk>>);

impl PowerDisk {
    /// A disk that has this file, and no history.
    pub(super) fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Disk { bytes, ..Disk::default() })))
    }

    pub(super) fn history(&self) -> Vec<Operation> {
        self.0.lock().unwrap().history.clone()
    }

    pub(super) fn operations(&self) -> usize {
        self.0.lock().unwrap().history.len()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().bytes.clone()
    }

    pub(super) fn set_full(&self, full: bool) {
        self.0.lock().unwrap().full = full;
    }

    fn change(&self, operation: Operation) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        if disk.full && !matches!(operation, Operation::Flush) {
            return Err(io::Error::from_raw_os_error(28));
        }
        apply(&mut disk.bytes, &operation);
        disk.history.push(operation);
        Ok(())
    }
}

pub(super) fn apply(bytes: &mut Vec<u8>, operation: &Operation) {
    match operation {
        Operation::Write { offset, data } => {
            let end = offset + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(data);
        }
        Operation::Length(length) => bytes.resize(*length, 0),
        Operation::Flush => {}
    }
}

impl StorageBackend for PowerDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.0.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let found = disk.bytes.get(offset..offset + out.len());
        let found = found.ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(Operation::Length(usize::try_from(length).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(Operation::Flush)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        self.change(Operation::Write { offset, data: data.to_vec() })
    }
}

/// A small generator of numbers, the same for the same seed (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

/// How much of what was not flushed reached the disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// All of it.
    AfterAll,
    /// Nothing of it.
    AtFlush,
    /// Some of it, in no order, and parts of single writes.
    Torn(u64),
}

/// The file as it may be when power fails behind the `count` first operations.
pub(super) fn after_cut(history: &[Operation], count: usize, cut: Cut) -> Vec<u8> {
    let done = &history[..count];
    let flushed = done.iter().rposition(|it| matches!(it, Operation::Flush)).map_or(0, |at| at + 1);
    let mut bytes = Vec::new();
    done[..flushed].iter().for_each(|operation| apply(&mut bytes, operation));
    let mut random = match cut {
        Cut::AfterAll => {
            done[flushed..].iter().for_each(|operation| apply(&mut bytes, operation));
            return bytes;
        }
        Cut::AtFlush => return bytes,
        Cut::Torn(seed) => Random(seed),
    };
    for operation in &done[flushed..] {
        match (operation, random.below(4)) {
            (_, 0) => {}
            (Operation::Write { offset, data }, 1) => {
                // Sectors are written whole, or not at all.
                for (at, sector) in data.chunks(512).enumerate() {
                    if random.below(2) == 0 {
                        let (offset, data) = (offset + at * 512, sector.to_vec());
                        apply(&mut bytes, &Operation::Write { offset, data });
                    }
                }
            }
            _ => apply(&mut bytes, operation),
        }
    }
    bytes
}
