//! Headers of the PE format, as much as tells what a program is for.

/// COFF machine numbers (PE format, "Machine Types").
pub(crate) const X64: u16 = 0x8664;
pub(crate) const ARM64: u16 = 0xaa64;

/// The head of an EFI application for this machine, without sections.
pub(crate) fn program(machine: u16) -> Vec<u8> {
    const PE: usize = 0x40;
    let mut bytes = vec![0; 512];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, b"MZ");
    put(0x3c, &[PE as u8]);
    put(PE, b"PE\0\0");
    put(PE + 4, &machine.to_le_bytes());
    // The optional header: PE32+, subsystem "EFI application".
    put(PE + 24, &0x020b_u16.to_le_bytes());
    put(PE + 24 + 68, &10_u16.to_le_bytes());
    bytes
}
