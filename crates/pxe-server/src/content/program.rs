//! Whether firmware can start a boot program, by what is in it.

use core::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use pxe_image::{Cpu, EfiProgram, ReadAt};
use pxe_select::Firmware;

use super::uefi_cpu;

/// What a file is to firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// A program for UEFI, in PE format, for this processor; none for one that has no name here.
    Efi(Option<Cpu>),
    /// Something else, or not to be read.
    Other,
}

/// Why firmware cannot start a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is for UEFI, and that is a BIOS.
    ForUefi,
    /// It is for another processor.
    ForCpu(Cpu),
    /// That is UEFI, and starts EFI programs only.
    NoProgram,
}

impl Program {
    /// By its headers.
    pub fn of(file: &dyn ReadAt) -> Self {
        EfiProgram::read(file).ok().flatten().as_ref().map_or(Self::Other, Self::from)
    }

    /// Why this firmware cannot start it; none if it can, or nothing is known of it.
    pub fn unfit_for(self, firmware: Firmware) -> Option<Unfit> {
        match (self, uefi_cpu(firmware)) {
            (Self::Efi(_), None) => (firmware == Firmware::Bios).then_some(Unfit::ForUefi),
            (Self::Efi(is), Some(wanted)) => is.filter(|is| *is != wanted).map(Unfit::ForCpu),
            (Self::Other, Some(_)) => Some(Unfit::NoProgram),
            (Self::Other, None) => None,
        }
    }
}

impl From<&EfiProgram> for Program {
    fn from(program: &EfiProgram) -> Self {
        if program.efi { Self::Efi(program.cpu) } else { Self::Other }
    }
}

/// A file that a program may be in.
pub(super) struct OnDisk {
    file: File,
    size: u64,
}

impl OnDisk {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::new(File::open(path)?)
    }

    pub(super) fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl ReadAt for OnDisk {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

/// What it is instead.
impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForUefi => formatter.write_str("a program for UEFI"),
            Self::ForCpu(cpu) => write!(formatter, "an EFI program for {cpu}"),
            Self::NoProgram => formatter.write_str("no EFI program"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efi::{ARM64, program};

    #[test]
    fn what_is_in_a_file_decides_who_can_start_it() {
        let arm = Program::of(&program(ARM64));
        assert_eq!(arm, Program::Efi(Some(Cpu::Arm64)));
        assert_eq!(arm.unfit_for(Firmware::Arm64Uefi), None);
        assert_eq!(arm.unfit_for(Firmware::Arm64UefiHttp), None);
        assert_eq!(arm.unfit_for(Firmware::X64Uefi), Some(Unfit::ForCpu(Cpu::Arm64)));
        assert_eq!(arm.unfit_for(Firmware::Bios), Some(Unfit::ForUefi));
        assert_eq!(arm.unfit_for(Firmware::Rpi), None, "nothing is known of what it starts");
        assert_eq!(Program::Efi(None).unfit_for(Firmware::X64Uefi), None);
        let other = Program::of(&b"\x7fELF".to_vec());
        assert_eq!(other, Program::Other);
        assert_eq!(other.unfit_for(Firmware::Bios), None);
        assert_eq!(other.unfit_for(Firmware::X64Uefi), Some(Unfit::NoProgram));
    }
}
