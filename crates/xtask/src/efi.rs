//! EFI programs that do nothing: headers of the PE format, and zeros behind them.

/// COFF machine numbers (PE format, "Machine Types").
pub(crate) const X86: u16 = 0x014c;
pub(crate) const X64: u16 = 0x8664;
pub(crate) const ARM64: u16 = 0xaa64;

/// An EFI application for this machine, `size` bytes long (PE format, "COFF File Header" and "Optional Header").
pub(crate) fn program(machine: u16, size: usize) -> Vec<u8> {
    const PE: usize = 0x40;
    const HEADER_BYTES: usize = 24 + 240;
    let mut bytes = vec![0; size.max(PE + HEADER_BYTES)];
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
