//! What firmware boots from the image when it is a CD ("El Torito").

use super::SECTOR_BYTES;
use super::descriptors::Descriptors;
use crate::error::ImageError;
use crate::image::boot::{BootImage, BootPlatform, Emulation};
use crate::image::disc::{Disc, Fields, broken};
use crate::limits::BOOT_IMAGES_MAX;

const ENTRY_BYTES: usize = 32;
/// Sectors of a boot catalogue are 512 bytes.
const BOOT_SECTOR_BYTES: u64 = 512;

/// Reads the boot catalogue; empty if there is none.
///
/// # Errors
/// It is broken, or lies behind the end.
pub(crate) fn boot_images(
    disc: Disc<'_>,
    found: &Descriptors,
) -> Result<Vec<BootImage>, ImageError> {
    let Some(sector) = found.boot_catalogue else { return Ok(Vec::new()) };
    let offset = u64::from(sector).saturating_mul(SECTOR_BYTES);
    // Two entries before the images, and a head for each.
    let most = ENTRY_BYTES.saturating_mul(BOOT_IMAGES_MAX.saturating_mul(2));
    let bytes = disc.bytes_or_fewer(offset, most)?;
    let mut entries = bytes.chunks_exact(ENTRY_BYTES).map(Fields);
    let first = entries.next().filter(|entry| is_sound(*entry));
    let first = first.ok_or_else(|| broken(offset, "the boot catalogue is broken"))?;
    let mut platform = BootPlatform::from_number(first.u8(1));
    let mut images = Vec::new();
    if let Some(entry) = entries.next() {
        images.extend(image(disc, entry, platform));
    }
    let mut left = 0_u16;
    let mut is_last = false;
    for entry in entries {
        if images.len() >= BOOT_IMAGES_MAX {
            break;
        }
        match (entry.u8(0), left) {
            (0x90 | 0x91, 0) if !is_last => {
                is_last = entry.u8(0) == 0x91;
                platform = BootPlatform::from_number(entry.u8(1));
                left = entry.u16(2);
            }
            // More of the entry before it.
            (0x44, _) => {}
            (0x00 | 0x88, 1..) => {
                left = left.saturating_sub(1);
                images.extend(image(disc, entry, platform));
            }
            _ => break,
        }
    }
    Ok(images)
}

/// Whether a validation entry is one: its words add up to nothing.
fn is_sound(entry: Fields<'_>) -> bool {
    let sum = (0..ENTRY_BYTES).step_by(2).fold(0_u16, |sum, at| sum.wrapping_add(entry.u16(at)));
    entry.u8(0) == 1 && entry.bytes(30, 2) == [0x55, 0xaa] && sum == 0
}

/// What an entry says; `None` if it says nothing, or nothing of it lies within the image.
fn image(disc: Disc<'_>, entry: Fields<'_>, platform: BootPlatform) -> Option<BootImage> {
    let indicator = entry.u8(0);
    let sector = entry.u32(8);
    if !matches!(indicator, 0x00 | 0x88) || sector == 0 {
        return None;
    }
    let offset = u64::from(sector).saturating_mul(SECTOR_BYTES);
    let loaded = u64::from(entry.u16(6)).saturating_mul(BOOT_SECTOR_BYTES);
    let (emulation, len) = match entry.u8(1) & 0x0f {
        0 => (Emulation::None, loaded.max(fat_bytes(disc, offset))),
        1 => (Emulation::Floppy, 1_228_800),
        2 => (Emulation::Floppy, 1_474_560),
        3 => (Emulation::Floppy, 2_949_120),
        4 => (Emulation::HardDisk, loaded.max(disk_bytes(disc, offset))),
        _ => return None,
    };
    let len = len.min(disc.size().saturating_sub(offset));
    (len > 0).then_some(BootImage { platform, bootable: indicator == 0x88, offset, len, emulation })
}

/// How long a FAT file system says it is, 0 if there is none. The count of sectors in a catalogue is too small for many.
fn fat_bytes(disc: Disc<'_>, offset: u64) -> u64 {
    let Ok(bytes) = disc.bytes(offset, 512) else { return 0 };
    let fields = Fields(&bytes);
    let sector = u64::from(fields.u16(11));
    let is_fat = fields.bytes(510, 2) == [0x55, 0xaa]
        && matches!(fields.u8(0), 0xeb | 0xe9)
        && matches!(sector, 512 | 1_024 | 2_048 | 4_096)
        && fields.u8(13).is_power_of_two();
    let sectors = match fields.u16(19) {
        0 => u64::from(fields.u32(32)),
        few => u64::from(few),
    };
    if is_fat { sectors.saturating_mul(sector) } else { 0 }
}

/// Where the last partition of a disk ends, 0 if there is none.
fn disk_bytes(disc: Disc<'_>, offset: u64) -> u64 {
    let Ok(bytes) = disc.bytes(offset, 512) else { return 0 };
    let fields = Fields(&bytes);
    let ends = [446, 462, 478, 494_usize].map(|at| {
        let start = u64::from(fields.u32(at.saturating_add(8)));
        start.saturating_add(u64::from(fields.u32(at.saturating_add(12))))
    });
    let end = ends.into_iter().max().unwrap_or(0);
    if fields.bytes(510, 2) == [0x55, 0xaa] { end.saturating_mul(BOOT_SECTOR_BYTES) } else { 0 }
}
