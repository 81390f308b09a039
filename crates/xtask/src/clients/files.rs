//! The files that are fetched, and what is wrong with one that came otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::programs::{CLIENTS, Fetches, Way};
use crate::error::{Context as _, Result};

/// In bytes: nothing, one byte, and around the block that nobody needs to ask for.
const EDGES: [usize; 5] = [0, 1, 511, 512, 513];
/// In bytes. More than 65 535 blocks of 512: their number rolls over twice.
const LARGEST: usize = 70 << 20;
/// A file that ends with a block has so many.
const BLOCKS: usize = 40;
const TEXT: &str = "text";
const SEED: u64 = 0x5eed_c11e_0007_f11e;

/// The files by name. A file of bytes is called by its size.
#[derive(Debug)]
pub(crate) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Everything that any client fetches.
    pub(crate) fn new() -> Self {
        let names = CLIENTS
            .iter()
            .flat_map(|client| client.ways)
            .flat_map(|way| [0, 1].into_iter().flat_map(|family| names(way, family)));
        let content = |name: &str| match name.strip_prefix("bytes-").map(str::parse) {
            Some(Ok(bytes)) => noise(bytes),
            _ => text(),
        };
        Self(names.map(|name| (name.clone(), content(&name))).collect())
    }

    /// Writes all into a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).context(|| format!("making {}", folder.display()))?;
        for (name, content) in &self.0 {
            let path = folder.join(name);
            fs::write(&path, content).context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    pub(crate) fn content(&self, name: &str) -> &[u8] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The files that are fetched in one way; `family` is 0 for IPv4 and 1 for IPv6. The largest comes first.
pub(crate) fn names(way: &Way, family: usize) -> Vec<String> {
    let name = |bytes: usize| format!("bytes-{bytes}");
    match way.fetches {
        Fetches::Text => vec![TEXT.to_owned()],
        Fetches::Small | Fetches::All => {
            let largest = (way.fetches == Fetches::All).then_some(LARGEST);
            let multiple = way.block_bytes[family] * BLOCKS;
            largest.into_iter().chain(EDGES).chain([multiple]).map(name).collect()
        }
    }
}

/// Bytes that do not repeat.
fn noise(bytes: usize) -> Vec<u8> {
    let mut random = SEED;
    let mut content = Vec::with_capacity(bytes + 8);
    while content.len() < bytes {
        // xorshift64 (Marsaglia 2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        content.extend(random.to_le_bytes());
    }
    content.truncate(bytes);
    content
}

/// Lines, bare carriage returns and line feeds in every order, so that some fall on the edge of a block.
fn text() -> Vec<u8> {
    let parts: [&[u8]; 7] = [b"a line\n", b"\r", b"\r\n", b"x", b"\n", b"\r\r\n", b"abc"];
    noise(5000)
        .into_iter()
        .flat_map(|byte| parts[usize::from(byte) % parts.len()])
        .copied()
        .collect()
}

/// How what came differs from what was to come.
pub(crate) fn difference(expected: &[u8], got: &[u8]) -> Option<String> {
    if expected == got {
        return None;
    }
    let sizes = match expected.len() == got.len() {
        true => format!("{} bytes, as it should", got.len()),
        false => format!("{} bytes instead of {}", got.len(), expected.len()),
    };
    let first = expected.iter().zip(got).position(|(one, other)| one != other);
    Some(match first {
        Some(place) => format!("{sizes}; the first that differs is at {place}"),
        None => format!("{sizes}; as far as both go they are equal"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_gets_every_edge_and_a_multiple_of_its_block() {
        for way in CLIENTS.iter().flat_map(|client| client.ways) {
            for family in [0, 1] {
                let names = names(way, family);
                if way.fetches == Fetches::Text {
                    assert_eq!(names, ["text"]);
                    continue;
                }
                for bytes in EDGES.into_iter().chain([way.block_bytes[family] * BLOCKS]) {
                    assert!(names.contains(&format!("bytes-{bytes}")), "{way:?}");
                }
            }
        }
    }

    #[test]
    fn differences_are_told() {
        assert_eq!(difference(b"abc", b"abc"), None);
        let told = |expected: &[u8], got: &[u8]| difference(expected, got).unwrap_or_default();
        assert_eq!(told(b"abc", b"abd"), "3 bytes, as it should; the first that differs is at 2");
        assert_eq!(told(b"abc", b"a"), "1 bytes instead of 3; as far as both go they are equal");
        assert_eq!(told(b"", b"x"), "1 bytes instead of 0; as far as both go they are equal");
    }

    #[test]
    fn the_text_needs_every_conversion_at_the_edge_of_a_block() {
        let mut travels = Vec::new();
        for byte in text() {
            match byte {
                b'\n' => travels.extend(b"\r\n"),
                b'\r' => travels.extend(b"\r\0"),
                other => travels.push(other),
            }
        }
        let ends = |with: u8| travels.chunks(512).any(|block| block.last() == Some(&with));
        assert!(ends(b'\r') && ends(b'\n') && ends(0) && travels.len() > 10 * 512);
    }
}
