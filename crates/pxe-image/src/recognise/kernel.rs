//! Which processor a kernel is for.
//!
//! Sources: Linux, `Documentation/arch/x86/boot.rst` (`HdrS`, `xloadflags`) and
//! `Documentation/arch/arm64/booting.rst` (`ARM\x64`).

use crate::bytes::{array, u16_le};
use crate::cpu::Cpu;
use crate::pe::EfiProgram;
use crate::source::{ReadAt, read_up_to};

/// From a kernel's header, or that of any EFI program; `None` if it has neither.
pub(super) fn cpu(kernel: &dyn ReadAt) -> Option<Cpu> {
    let head = read_up_to(kernel, 0, 0x240).ok()?;
    if array(&head, 0x202) == Some(*b"HdrS") {
        // Since protocol 2.12, bit 0 says that there is an entry point for 64 bits.
        let since = u16_le(&head, 0x206).is_some_and(|version| version >= 0x020c);
        let long = since && u16_le(&head, 0x236).is_some_and(|flags| flags & 1 != 0);
        return Some(if long { Cpu::X64 } else { Cpu::X86 });
    }
    if array(&head, 56) == Some(*b"ARM\x64") {
        return Some(Cpu::Arm64);
    }
    EfiProgram::read(kernel).ok()??.cpu
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_the_processor() {
        let mut pc = vec![0; 0x240];
        pc[0x202..0x206].copy_from_slice(b"HdrS");
        pc[0x206..0x208].copy_from_slice(&0x020c_u16.to_le_bytes());
        assert_eq!(cpu(&pc), Some(Cpu::X86));
        pc[0x236] = 1;
        assert_eq!(cpu(&pc), Some(Cpu::X64));
        let mut arm = vec![0; 64];
        arm[56..60].copy_from_slice(b"ARM\x64");
        assert_eq!(cpu(&arm), Some(Cpu::Arm64));
        assert_eq!(cpu(&crate::pe::tests::program(0x5064, None)), Some(Cpu::Riscv64));
        assert_eq!(cpu(&b"text".to_vec()), None);
    }
}
