//! File systems that `fatfs` made, which knows nothing of this reader.

use core::cell::Cell;
use std::io::{self, Cursor, Write as _};

use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};

use super::*;
use crate::limits::FAT_FOLDER_BYTES_MAX;

const MIB: usize = 1 << 20;

/// A volume of this kind with these files in it.
fn volume(kind: FatType, files: &[(&str, &[u8])]) -> Vec<u8> {
    let bytes = match kind {
        FatType::Fat12 => 2 * MIB,
        FatType::Fat16 => 16 * MIB,
        FatType::Fat32 => 48 * MIB,
    };
    let mut volume = Cursor::new(vec![0; bytes]);
    let options = FormatVolumeOptions::new().fat_type(kind).bytes_per_cluster(512);
    fatfs::format_volume(&mut volume, options).expect("formatted");
    let system = FileSystem::new(&mut volume, FsOptions::new()).expect("a file system");
    for (path, content) in files {
        let mut folder = system.root_dir();
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().expect("a name");
        for part in parts {
            folder = folder.create_dir(part).expect("a folder");
        }
        let mut file = folder.create_file(name).expect("a file");
        file.write_all(content).expect("written");
    }
    drop(system);
    volume.into_inner()
}

const KINDS: [FatType; 3] = [FatType::Fat12, FatType::Fat16, FatType::Fat32];

#[test]
fn loaders_are_found_in_every_kind_of_file_system() {
    // So many names that the folder has several clusters, in which long and short ones follow each other.
    let others: Vec<String> = (0..90).map(|n| format!("EFI/BOOT/another file {n}.efi")).collect();
    let mut files: Vec<(&str, &[u8])> = others.iter().map(|name| (&**name, &b"MZ"[..])).collect();
    files.extend([
        ("EFI/BOOT/BOOTAA64.EFI", &b"MZ arm"[..]),
        ("EFI/BOOT/bootloongarch64.efi", b"MZ loong"),
        ("EFI/BOOT/BOOTIA32.EFI", b"not a program"),
        ("EFI/BOOT/BOOTARM.EFI", b""),
        ("EFI/debian/BOOTX64.EFI", b"MZ elsewhere"),
    ]);
    for kind in KINDS {
        let volume = volume(kind, &files);
        assert_eq!(uefi_loaders(&volume, &[]), [Cpu::Arm64, Cpu::Loong64], "{kind:?}");
    }
}

#[test]
fn file_systems_are_found_by_catalogue_and_partition() {
    let inner = volume(FatType::Fat12, &[("efi/boot/bootx64.efi", b"MZ")]);
    let mut disc = vec![0; 65_536];
    disc.extend_from_slice(&inner);
    assert!(uefi_loaders(&disc, &[]).is_empty());
    let boot = |bootable, platform, emulation| {
        [BootImage { platform, bootable, offset: 65_536, len: inner.len() as u64, emulation }]
    };
    let efi = boot(true, BootPlatform::Efi, Emulation::None);
    assert_eq!(uefi_loaders(&disc, &efi), [Cpu::X64]);
    for other in [
        boot(false, BootPlatform::Efi, Emulation::None),
        boot(true, BootPlatform::Bios, Emulation::None),
        boot(true, BootPlatform::Efi, Emulation::Floppy),
    ] {
        assert!(uefi_loaders(&disc, &other).is_empty(), "{other:?}");
    }
    let mut mbr = disc.clone();
    mbr[510..512].copy_from_slice(&[0x55, 0xaa]);
    mbr[462 + 4] = 0xef;
    mbr[462 + 8..462 + 12].copy_from_slice(&128_u32.to_le_bytes());
    assert_eq!(uefi_loaders(&mbr, &[]), [Cpu::X64]);
    let mut gpt = disc;
    gpt[512..520].copy_from_slice(b"EFI PART");
    gpt[584] = 2;
    gpt[592] = 4;
    gpt[596] = 128;
    // The second entry: any kind of partition that is there at all.
    gpt[1_024 + 128] = 1;
    gpt[1_024 + 128 + 32] = 128;
    assert_eq!(uefi_loaders(&gpt, &[]), [Cpu::X64]);
    gpt[1_024 + 128] = 0;
    assert!(uefi_loaders(&gpt, &[]).is_empty());
}

/// A volume with other bytes at a place, and a count of what is read of it.
struct Patched<'v> {
    volume: &'v [u8],
    at: usize,
    patch: Vec<u8>,
    read: Cell<usize>,
}

impl ReadAt for Patched<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.volume.read_at(offset, buffer)?;
        let offset = usize::try_from(offset).expect("in memory");
        for (place, byte) in (offset..).zip(&mut buffer[..count]) {
            let patched = place.checked_sub(self.at).and_then(|index| self.patch.get(index));
            *byte = patched.copied().unwrap_or(*byte);
        }
        self.read.set(self.read.get() + count);
        Ok(count)
    }

    fn size(&self) -> u64 {
        self.volume.len() as u64
    }
}

fn patched(volume: &[u8], at: usize, patch: Vec<u8>) -> Patched<'_> {
    Patched { volume, at, patch, read: Cell::new(0) }
}

#[test]
fn broken_file_systems_end_and_have_nothing() {
    for kind in KINDS {
        let whole = volume(kind, &[("EFI/BOOT/BOOTX64.EFI", b"MZ")]);
        assert_eq!(uefi_loaders(&whole, &[]), [Cpu::X64]);
        // Every byte of what describes the file system wrong in three ways, and the volume cut off.
        for at in 0..64 {
            for wrong in [0x00, 0x01, 0xff] {
                let broken = patched(&whole, at, vec![wrong]);
                let found = uefi_loaders(&broken, &[]);
                assert!(matches!(found[..], [] | [Cpu::X64]), "{kind:?} {at} {wrong}: {found:?}");
                assert!(broken.read.get() < READ_MAX, "{kind:?} {at} {wrong}");
            }
        }
        let unsigned = patched(&whole, 510, vec![0, 0]);
        assert!(uefi_loaders(&unsigned, &[]).is_empty());
        for len in [0, 511, 512, 1_024, 4_096] {
            assert!(uefi_loaders(&whole[..len].to_vec(), &[]).is_empty(), "{kind:?} {len}");
        }
    }
}

/// Three folders as long as may be, and a little.
const READ_MAX: usize = 4 * FAT_FOLDER_BYTES_MAX;

#[test]
fn a_chain_that_bites_its_own_tail_ends() {
    for kind in KINDS {
        let whole = volume(kind, &[("EFI/BOOT/BOOTX64.EFI", b"MZ")]);
        let table = usize::from(u16::from_le_bytes([whole[14], whole[15]])) * 512;
        // Behind every cluster comes cluster 2, whose names are read again and again.
        let to_two: &[u8] = match kind {
            FatType::Fat12 => &[0x02, 0x20, 0x00],
            FatType::Fat16 => &[2, 0],
            FatType::Fat32 => &[2, 0, 0, 0],
        };
        let endless = patched(&whole, table, to_two.repeat(100));
        assert_eq!(uefi_loaders(&endless, &[]), [Cpu::X64], "{kind:?}");
        let read = endless.read.get();
        assert!((FAT_FOLDER_BYTES_MAX..READ_MAX).contains(&read), "{kind:?}: {read}");
    }
}
