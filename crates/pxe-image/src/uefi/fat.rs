//! FAT file systems, as far as UEFI firmware needs them to find its loader: folders, and the first bytes of a file.
//!
//! Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03. The crate `fatfs` would ask for a source that can
//! be written to, and follows a chain of clusters that bites its own tail for ever.

use crate::error::ImageError;
use crate::image::disc::{Disc, Fields};
use crate::limits::{FAT_CLUSTER_BYTES_MAX, FAT_FOLDER_BYTES_MAX};

const ENTRY_BYTES: usize = 32;
/// UTF-16 units of a long name that one entry holds, by their places in it.
const LONG_PARTS: [(usize, usize); 3] = [(1, 5), (14, 6), (28, 2)];
const LONG_PARTS_MAX: usize = 20;

/// A FAT file system that begins at a place of an image.
pub(super) struct Fat<'a> {
    disc: Disc<'a>,
    width: Width,
    /// Where the table is, in bytes of the image.
    table: u64,
    root: Folder,
    /// Where cluster 2 is.
    data: u64,
    cluster_bytes: usize,
    clusters: u32,
}

/// Bits of a number in the table.
#[derive(Clone, Copy)]
enum Width {
    Twelve,
    Sixteen,
    ThirtyTwo,
}

/// Where a folder lies.
#[derive(Clone, Copy)]
pub(super) enum Folder {
    /// The root of the two older kinds: one piece.
    Fixed { offset: u64, len: usize },
    /// From this cluster on.
    Chain(u32),
}

/// A name in a folder.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) is_folder: bool,
    pub(super) len: u32,
    cluster: u32,
}

impl Named {
    pub(super) fn folder(&self) -> Folder {
        Folder::Chain(self.cluster)
    }
}

impl<'a> Fat<'a> {
    /// The file system that begins here; `None` if there is none, or it contradicts itself.
    pub(super) fn open(disc: Disc<'a>, start: u64) -> Option<Self> {
        let bytes = disc.bytes(start, 512).ok()?;
        let fields = Fields(&bytes);
        let sector = u64::from(fields.u16(11));
        let per_cluster = u64::from(fields.u8(13));
        let (reserved, tables) = (u64::from(fields.u16(14)), u64::from(fields.u8(16)));
        let is_fat = fields.bytes(510, 2) == [0x55, 0xaa]
            && matches!(fields.u8(0), 0xeb | 0xe9)
            && matches!(sector, 512 | 1_024 | 2_048 | 4_096)
            && per_cluster.is_power_of_two()
            && reserved > 0
            && tables > 0;
        let cluster_bytes = usize::try_from(sector.checked_mul(per_cluster)?).ok()?;
        if !is_fat || cluster_bytes > FAT_CLUSTER_BYTES_MAX {
            return None;
        }
        let or_wide = |narrow: u16, wide: usize| match narrow {
            0 => u64::from(fields.u32(wide)),
            narrow => u64::from(narrow),
        };
        let (sectors, table_sectors) = (or_wide(fields.u16(19), 32), or_wide(fields.u16(22), 36));
        let root_bytes = usize::from(fields.u16(17)).checked_mul(ENTRY_BYTES)?;
        let root_sectors = (root_bytes as u64).div_ceil(sector);
        let tables_end = reserved.checked_add(tables.checked_mul(table_sectors)?)?;
        let data_sector = tables_end.checked_add(root_sectors)?;
        let clusters = sectors.checked_sub(data_sector)?.checked_div(per_cluster)?;
        let clusters = u32::try_from(clusters).ok()?;
        let at = |sectors: u64| start.checked_add(sectors.checked_mul(sector)?);
        let width = match clusters {
            0..4_085 => Width::Twelve,
            4_085..65_525 => Width::Sixteen,
            _ => Width::ThirtyTwo,
        };
        let root = match width {
            Width::ThirtyTwo => Folder::Chain(fields.u32(44)),
            _ => Folder::Fixed { offset: at(tables_end)?, len: root_bytes },
        };
        let (table, data) = (at(reserved)?, at(data_sector)?);
        Some(Self { disc, width, table, root, data, cluster_bytes, clusters })
    }

    pub(super) fn root(&self) -> Folder {
        self.root
    }

    /// The names in a folder, `.` and `..` among them.
    ///
    /// # Errors
    /// It lies outside of the image, or cannot be read.
    pub(super) fn list(&self, folder: Folder) -> Result<Vec<Named>, ImageError> {
        let bytes = match folder {
            Folder::Fixed { offset, len } => {
                self.disc.bytes(offset, len.min(FAT_FOLDER_BYTES_MAX))?
            }
            Folder::Chain(first) => self.chain(first)?,
        };
        Ok(names(&bytes))
    }

    /// The first bytes of a file, as many as are asked for and lie in its first cluster.
    ///
    /// # Errors
    /// As for [`Self::list`].
    pub(super) fn head(&self, file: &Named, bytes: usize) -> Result<Vec<u8>, ImageError> {
        let len = usize::try_from(file.len).unwrap_or(usize::MAX);
        match self.place(file.cluster) {
            Some(offset) => self.disc.bytes(offset, bytes.min(len).min(self.cluster_bytes)),
            None => Ok(Vec::new()),
        }
    }

    /// A folder's clusters one after the other. A chain without an end is cut off by the limit.
    fn chain(&self, first: u32) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let mut cluster = first;
        while let Some(offset) = self.place(cluster)
            && bytes.len().saturating_add(self.cluster_bytes) <= FAT_FOLDER_BYTES_MAX
        {
            bytes.extend(self.disc.bytes(offset, self.cluster_bytes)?);
            cluster = self.next(cluster)?;
        }
        Ok(bytes)
    }

    /// Where a cluster lies; `None` if that is no number of one, which ends every chain.
    fn place(&self, cluster: u32) -> Option<u64> {
        let index = cluster.checked_sub(2).filter(|index| *index < self.clusters)?;
        self.data.checked_add(u64::from(index).checked_mul(self.cluster_bytes as u64)?)
    }

    fn next(&self, cluster: u32) -> Result<u32, ImageError> {
        let number = u64::from(cluster);
        let (at, len) = match self.width {
            Width::Twelve => (number.saturating_add(number >> 1), 2),
            Width::Sixteen => (number.saturating_mul(2), 2),
            Width::ThirtyTwo => (number.saturating_mul(4), 4),
        };
        let bytes = self.disc.bytes(self.table.saturating_add(at), len)?;
        let fields = Fields(&bytes);
        Ok(match self.width {
            Width::Twelve if cluster & 1 == 1 => u32::from(fields.u16(0) >> 4),
            Width::Twelve => u32::from(fields.u16(0) & 0x0fff),
            Width::Sixteen => u32::from(fields.u16(0)),
            Width::ThirtyTwo => fields.u32(0) & 0x0fff_ffff,
        })
    }
}

/// The names in the bytes of a folder. A long name stands in entries before its short one, its last part first.
fn names(bytes: &[u8]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut long: Vec<[u16; 13]> = Vec::new();
    for entry in bytes.chunks_exact(ENTRY_BYTES).map(Fields) {
        match (entry.u8(0), entry.u8(11)) {
            (0, _) => break,
            (0xe5, _) => long.clear(),
            (number, 0x0f) => {
                if number & 0x40 != 0 {
                    long.clear();
                }
                if long.len() < LONG_PARTS_MAX {
                    long.push(long_part(entry));
                }
            }
            // A label.
            (_, attributes) if attributes & 0x08 != 0 => long.clear(),
            (_, attributes) => {
                let name = if long.is_empty() { short_name(entry) } else { long_name(&long) };
                long.clear();
                let high = u32::from(entry.u16(20)) << 16;
                let cluster = high | u32::from(entry.u16(26));
                let (is_folder, len) = (attributes & 0x10 != 0, entry.u32(28));
                found.push(Named { name, is_folder, len, cluster });
            }
        }
    }
    found
}

fn long_part(entry: Fields<'_>) -> [u16; 13] {
    let mut units = [0; 13];
    let places = LONG_PARTS.into_iter().flat_map(|(at, count)| {
        (0..count).map(move |unit: usize| at.saturating_add(unit.saturating_mul(2)))
    });
    for (unit, place) in units.iter_mut().zip(places) {
        *unit = entry.u16(place);
    }
    units
}

fn long_name(parts: &[[u16; 13]]) -> String {
    let units = parts.iter().rev().flatten().copied().take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn short_name(entry: Fields<'_>) -> String {
    let part = |at, len| {
        let text: String = entry.bytes(at, len).iter().copied().map(char::from).collect();
        text.trim_end().to_owned()
    };
    let (base, end) = (part(0, 8), part(8, 3));
    if end.is_empty() { base } else { format!("{base}.{end}") }
}
