//! Boot programs that need no package: headers of the PE format, and nothing behind them.

use std::fs;
use std::path::Path;

use crate::efi::{self, ARM64, X64, X86};
use crate::error::{Context as _, Result};

/// The usual names, and the machine that each program is for.
const EFI_PROGRAMS: [(&str, u16); 3] =
    [("ipxe.efi", X64), ("ipxe32.efi", X86), ("ipxe-arm64.efi", ARM64)];
/// What the server is told to name.
pub(super) const LOADERS: &str = "[loaders]\nbios = \"undionly.kpxe\"\nx64-uefi = \"ipxe.efi\"\n\
     x86-uefi = \"ipxe32.efi\"\narm64-uefi = \"ipxe-arm64.efi\"\n";
/// Larger than any block that is asked for.
pub(super) const PROGRAM_BYTES: usize = 20_000;

/// Puts a program for each firmware of ordinary machines into a root folder.
pub(super) fn equip(root: &Path) -> Result<()> {
    fs::create_dir_all(root).context(|| format!("making {}", root.display()))?;
    for (name, machine) in EFI_PROGRAMS {
        write(&root.join(name), &efi::program(machine, PROGRAM_BYTES))?;
    }
    write(&root.join("undionly.kpxe"), &[0x90; PROGRAM_BYTES])
}

pub(super) fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).context(|| format!("writing {}", file.display()))
}
