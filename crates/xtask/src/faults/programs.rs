//! Boot programs that need no package: headers of the PE format, and nothing behind them.

use std::fs;
use std::path::Path;

use crate::error::{Context as _, Result};

const X86: u16 = 0x014c;
pub(super) const X64: u16 = 0x8664;
pub(super) const ARM64: u16 = 0xaa64;

/// The usual names, and the machine that each program is for.
const EFI_PROGRAMS: [(&str, u16); 3] =
    [("ipxe.efi", X64), ("ipxe32.efi", X86), ("ipxe-arm64.efi", ARM64)];
/// What the server is told to name.
pub(super) const LOADERS: &str = "[loaders]\nbios = \"undionly.kpxe\"\nx64-uefi = \"ipxe.efi\"\n\
     x86-uefi = \"ipxe32.efi\"\narm64-uefi = \"ipxe-arm64.efi\"\n";
/// Larger than any block that is asked for.
const PROGRAM_BYTES: usize = 20_000;

/// Puts a program for each firmware of ordinary machines into a root folder.
pub(super) fn equip(root: &Path) -> Result<()> {
    fs::create_dir_all(root).context(|| format!("making {}", root.display()))?;
    for (name, machine) in EFI_PROGRAMS {
        write(&root.join(name), &efi(machine))?;
    }
    write(&root.join("undionly.kpxe"), &[0x90; PROGRAM_BYTES])
}

pub(super) fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).context(|| format!("writing {}", file.display()))
}

/// An EFI application for this machine (PE format, "COFF File Header" and "Optional Header").
pub(super) fn efi(machine: u16) -> Vec<u8> {
    const PE: usize = 0x40;
    let mut bytes = vec![0; PROGRAM_BYTES];
    let mut put = |at: usize, value: &[u8]| {
        bytes[at..at + value.len()].copy_from_slice(value);
    };
    put(0, b"MZ");
    put(0x3c, &[PE as u8]);
    put(PE, b"PE\0\0");
    put(PE + 4, &machine.to_le_bytes());
    // PE32+, subsystem "EFI application", 16 data directories.
    put(PE + 24, &0x020b_u16.to_le_bytes());
    put(PE + 24 + 68, &10_u16.to_le_bytes());
    put(PE + 24 + 108, &16_u32.to_le_bytes());
    bytes
}
