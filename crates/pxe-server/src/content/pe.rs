//! Which machine an EFI program is for: the `Machine` field of its PE/COFF header.

use std::os::unix::fs::FileExt;

use pxe_select::Firmware;

/// Offset of the pointer to the PE header in a DOS header (PE format, "MS-DOS Stub").
const PE_POINTER_OFFSET: u64 = 0x3c;

/// The UEFI firmware that can start this file; `None` when it is not a PE image or of a machine
/// we have no name for.
pub(crate) fn firmware(file: &std::fs::File) -> Option<Firmware> {
    let mut dos = [0; 2];
    file.read_exact_at(&mut dos, 0).ok()?;
    let mut pointer = [0; 4];
    file.read_exact_at(&mut pointer, PE_POINTER_OFFSET).ok()?;
    let mut head = [0; 6];
    file.read_exact_at(&mut head, u64::from(u32::from_le_bytes(pointer))).ok()?;
    if dos != *b"MZ" || head[..4] != *b"PE\0\0" {
        return None;
    }
    // PE format, "Machine Types".
    Some(match u16::from_le_bytes([head[4], head[5]]) {
        0x014c => Firmware::X86Uefi,
        0x8664 => Firmware::X64Uefi,
        0x01c0 | 0x01c2 | 0x01c4 => Firmware::Arm32Uefi,
        0xaa64 => Firmware::Arm64Uefi,
        0x5064 => Firmware::Riscv64Uefi,
        0x6264 => Firmware::Loong64Uefi,
        _ => return None,
    })
}
