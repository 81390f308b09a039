//! What is served: files with fixed pseudo-random content, and the checksums that tell a whole one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Distinct files of each size but the largest: a boot storm asks for the same few.
const ALIKE: usize = 8;

/// Bytes in a MiB.
pub const MIB: u64 = 1 << 20;

/// A file to ask for, and what has to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name in the request.
    pub name: Vec<u8>,
    /// Its size.
    pub bytes: u64,
    /// CRC-32 of its content.
    pub crc: u32,
}

/// A folder of files, by size.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// Uses a folder; files are written when they are asked for.
    ///
    /// # Errors
    /// If the folder can be neither found nor made.
    pub fn beneath(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        Ok(Self { root: root.canonicalize()? })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Files of one size; several, unless they are large. They are written now, so they are in the page cache.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn of(&self, bytes: u64) -> io::Result<Vec<Wanted>> {
        let count = if bytes > MIB { 1 } else { ALIKE };
        (0..count).map(|index| self.one(bytes, index)).collect()
    }

    fn one(&self, bytes: u64, index: usize) -> io::Result<Wanted> {
        let name = format!("{bytes}-{index}.bin");
        let mut random = Random::new(bytes ^ (index as u64) << 48);
        let mut content = Vec::with_capacity(bytes as usize + 8);
        while (content.len() as u64) < bytes {
            content.extend_from_slice(&random.next().to_le_bytes());
        }
        content.truncate(bytes as usize);
        let path = self.root.join(&name);
        if fs::metadata(&path).is_ok_and(|known| known.len() == bytes) {
            // Of an earlier run, and never written by anybody else; reading it brings it into the cache.
            content = fs::read(&path)?;
        } else {
            fs::write(&path, &content)?;
        }
        Ok(Wanted { name: name.into_bytes(), bytes, crc: crc32fast::hash(&content) })
    }
}

/// SplitMix64: numbers that look random and are the same each time.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts anywhere.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    #[allow(
        clippy::should_implement_trait,
        reason = "it never ends, so an iterator says too little"
    )]
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}
