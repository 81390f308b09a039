//! The descriptors at the start of an image: what it is, and where its trees begin.

use super::names::label;
use super::record::{DOT_BYTES, Record};
use super::{SECTOR, SECTOR_BYTES};
use crate::error::ImageError;
use crate::image::disc::{Disc, Fields, broken};
use crate::image::facts::Facts;
use crate::limits::DESCRIPTORS_MAX;

/// Where the descriptors begin, in bytes.
const START: u64 = 16 * SECTOR_BYTES;

/// What the descriptors say.
#[derive(Debug)]
pub(crate) struct Descriptors {
    /// Bytes of a logical block.
    pub(crate) block: u64,
    pub(super) root: Root,
    pub(super) joliet_root: Option<Root>,
    /// The sector of the boot catalogue.
    pub(super) boot_catalogue: Option<u32>,
    /// Texts and sizes; nothing about formats.
    pub(crate) facts: Facts,
}

impl Descriptors {
    pub(crate) fn has_joliet(&self) -> bool {
        self.joliet_root.is_some()
    }

    pub(crate) fn has_boot_catalogue(&self) -> bool {
        self.boot_catalogue.is_some()
    }
}

/// Where a root folder lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    pub(super) block: u32,
    pub(super) size: u32,
}

/// What the volume recognition sequence (ECMA-167 2/8) announces.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    /// Sectors that begin like a descriptor of ISO 9660.
    iso: Vec<(u64, Vec<u8>)>,
    pub(crate) udf: bool,
}

impl Announced {
    /// Reads the sequence: descriptors in sectors one after another.
    pub(crate) fn read(disc: Disc<'_>) -> Result<Self, ImageError> {
        let mut found = Self::default();
        for index in 0..DESCRIPTORS_MAX as u64 {
            let offset = START.saturating_add(index.saturating_mul(SECTOR_BYTES));
            if disc.check(offset, SECTOR_BYTES).is_err() {
                break;
            }
            let bytes = disc.bytes(offset, SECTOR)?;
            match Fields(&bytes).bytes(1, 5) {
                b"CD001" => found.iso.push((offset, bytes)),
                b"NSR02" | b"NSR03" => found.udf = true,
                b"TEA01" => break,
                b"BEA01" | b"BOOT2" | b"CDW02" => {}
                // Blocks of 4,096 bytes leave every second sector empty.
                _ if bytes.iter().all(|byte| *byte == 0) => {}
                _ => break,
            }
        }
        Ok(found)
    }

    /// What those of ISO 9660 say; `None` if the main one is not there.
    pub(crate) fn descriptors(&self) -> Result<Option<Descriptors>, ImageError> {
        let mut primary = None;
        let mut joliet_root = None;
        let mut boot_catalogue = None;
        for (offset, bytes) in &self.iso {
            let fields = Fields(bytes);
            match (fields.u8(0), fields.u8(6)) {
                (0, _) if fields.bytes(7, 23) == b"EL TORITO SPECIFICATION" => {
                    boot_catalogue.get_or_insert_with(|| fields.u32(0x47));
                }
                (1, 1) if primary.is_none() => primary = Some((*offset, fields)),
                (2, 1) if joliet_root.is_none() && is_joliet(fields) => {
                    joliet_root = root(fields);
                }
                (255, _) => break,
                _ => {}
            }
        }
        let Some((offset, fields)) = primary else { return Ok(None) };
        let block = fields.u16(128);
        if !matches!(block, 512 | 1_024 | 2_048) {
            return Err(broken(offset, "a logical block is neither 512, 1024 nor 2048 bytes"));
        }
        let block = u64::from(block);
        let root = root(fields).ok_or_else(|| broken(offset, "the root folder has no place"))?;
        let facts = Facts {
            system_id: label(fields.bytes(8, 32)),
            volume_id: label(fields.bytes(40, 32)),
            volume_set_id: label(fields.bytes(190, 128)),
            publisher: label(fields.bytes(318, 128)),
            preparer: label(fields.bytes(446, 128)),
            application: label(fields.bytes(574, 128)),
            volume_bytes: u64::from(fields.u32(80)).saturating_mul(block),
            ..Facts::default()
        };
        Ok(Some(Descriptors { block, root, joliet_root, boot_catalogue, facts }))
    }
}

/// Whether a supplementary descriptor announces UCS-2 of one of the three levels.
fn is_joliet(fields: Fields<'_>) -> bool {
    matches!(fields.bytes(88, 3), b"%/@" | b"%/C" | b"%/E")
}

fn root(fields: Fields<'_>) -> Option<Root> {
    let record = Record::parse(fields.bytes(156, DOT_BYTES))?;
    let (block, size) = record.part();
    record.is_dot().then_some(Root { block, size })
}
