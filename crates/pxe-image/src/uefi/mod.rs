//! What UEFI firmware starts by itself from a CD or disk: the loader for removable media in a FAT file system.
//!
//! Sources: UEFI 2.10, 3.5.1.1 (names), 13.3 (partitions, El Torito); EDK2 `MdeModulePkg/Universal/Disk/PartitionDxe`, which looks
//! for GPT, then El Torito, then MBR, and takes a disk without any for a file system.

mod fat;
#[cfg(test)]
mod tests;

use crate::cpu::Cpu;
use crate::image::boot::{BootImage, BootPlatform, Emulation};
use crate::image::disc::{Disc, Fields};
use crate::limits::{FILE_SYSTEMS_MAX, PARTITIONS_MAX};
use crate::source::ReadAt;
use fat::Fat;

/// Sectors of partition tables are 512 bytes on what is an image.
const SECTOR_BYTES: u64 = 512;
const GPT_ENTRY_BYTES_MAX: usize = 512;

/// Loaders for removable media by processor, in the folder `EFI/BOOT` (UEFI 2.10, table 3-5).
pub(crate) const LOADERS: [(Cpu, &str); 6] = [
    (Cpu::X64, "BOOTX64.EFI"),
    (Cpu::X86, "BOOTIA32.EFI"),
    (Cpu::Arm64, "BOOTAA64.EFI"),
    (Cpu::Arm32, "BOOTARM.EFI"),
    (Cpu::Riscv64, "BOOTRISCV64.EFI"),
    (Cpu::Loong64, "BOOTLOONGARCH64.EFI"),
];

/// Processors whose UEFI firmware finds a loader in an image when that is a CD or disk, be it of memory (UEFI HTTP Boot).
///
/// Looks at what is bootable of `boot_images` ([`Image::boot_images`](crate::Image::boot_images)), at partitions (GPT, MBR), and
/// at a disk that is one file system. What is broken has none. Reads some hundred kilobytes, some megabytes at worst.
#[must_use]
pub fn uefi_loaders(source: &dyn ReadAt, boot_images: &[BootImage]) -> Vec<Cpu> {
    let disc = Disc::new(source);
    let is_efi = |boot: &&BootImage| {
        boot.bootable && boot.platform == BootPlatform::Efi && boot.emulation == Emulation::None
    };
    let mut places: Vec<u64> = boot_images.iter().filter(is_efi).map(|boot| boot.offset).collect();
    places.extend(partitions(disc));
    places.push(0);
    let mut seen = Vec::new();
    let mut cpus = Vec::new();
    for place in places {
        if seen.len() < FILE_SYSTEMS_MAX && !seen.contains(&place) {
            seen.push(place);
            cpus.extend(Fat::open(disc, place).map(|fat| loaders(&fat)).unwrap_or_default());
        }
    }
    cpus.sort_unstable();
    cpus.dedup();
    cpus
}

/// The processors that have a program in `EFI/BOOT`.
fn loaders(fat: &Fat<'_>) -> Vec<Cpu> {
    let mut folder = fat.root();
    for part in ["EFI", "BOOT"] {
        let names = fat.list(folder).unwrap_or_default();
        let below = names.iter().find(|it| it.is_folder && it.name.eq_ignore_ascii_case(part));
        let Some(below) = below else { return Vec::new() };
        folder = below.folder();
    }
    let names = fat.list(folder).unwrap_or_default();
    let is_program = |name: &str| {
        names.iter().any(|it| {
            !it.is_folder
                && it.name.eq_ignore_ascii_case(name)
                && fat.head(it, 2).is_ok_and(|head| head == *b"MZ")
        })
    };
    let there = LOADERS.into_iter().filter(|(_, name)| is_program(name));
    there.map(|(cpu, _)| cpu).collect()
}

/// Where partitions begin, in bytes.
fn partitions(disc: Disc<'_>) -> Vec<u64> {
    let Ok(bytes) = disc.bytes(0, 1_024) else { return Vec::new() };
    let fields = Fields(&bytes);
    let mut starts = Vec::new();
    if fields.bytes(512, 8) == *b"EFI PART" {
        let (table, count, len) = (fields.u64(584), fields.u32(592), fields.u32(596));
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(PARTITIONS_MAX);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if (128..=GPT_ENTRY_BYTES_MAX).contains(&len) {
            let all = len.saturating_mul(count);
            let table = table.saturating_mul(SECTOR_BYTES);
            let bytes = disc.bytes_or_fewer(table, all).unwrap_or_default();
            let used = bytes.chunks_exact(len).map(Fields);
            let used = used.filter(|entry| entry.bytes(0, 16).iter().any(|byte| *byte != 0));
            starts.extend(used.map(|entry| entry.u64(32)));
        }
    }
    if fields.bytes(510, 2) == [0x55, 0xaa] {
        let entries = [446, 462, 478, 494].map(|at: usize| Fields(fields.bytes(at, 16)));
        let used = entries.into_iter().filter(|entry| !matches!(entry.u8(4), 0 | 0xee));
        starts.extend(used.map(|entry| u64::from(entry.u32(8))));
    }
    starts.into_iter().map(|start| start.saturating_mul(SECTOR_BYTES)).collect()
}
