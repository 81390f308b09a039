//! What firmware boots from an image when it is a CD.

/// An entry of the boot catalogue ("El Torito").
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootImage {
    /// Whose it is.
    pub platform: BootPlatform,
    /// The firmware is to start it; otherwise it is only there.
    pub bootable: bool,
    /// Where it lies in the image, in bytes.
    pub offset: u64,
    /// Its length, in bytes: what the catalogue says, or what the file system or disk within says if that is more.
    /// Never behind the image's end.
    pub len: u64,
    /// What it is to the firmware.
    pub emulation: Emulation,
}

/// Kinds of firmware in a boot catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BootPlatform {
    /// PC BIOS (0x00).
    Bios,
    /// PowerPC (0x01).
    PowerPc,
    /// Macintosh (0x02).
    Mac,
    /// UEFI (0xef): a FAT file system.
    Efi,
    /// One that has no name.
    Other(u8),
}

impl BootPlatform {
    pub(crate) fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Bios,
            1 => Self::PowerPc,
            2 => Self::Mac,
            0xef => Self::Efi,
            other => Self::Other(other),
        }
    }
}

/// What a boot image is to the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Emulation {
    /// A program, or a file system (UEFI).
    None,
    /// A floppy disk.
    Floppy,
    /// A hard disk.
    HardDisk,
}
