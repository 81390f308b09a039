//! Processors by firmware, and the other way round.

use pxe_image::Cpu;
use pxe_select::Firmware;

/// The processor whose programs UEFI firmware starts, by TFTP or HTTP; none for other firmware.
pub(crate) fn uefi_cpu(firmware: Firmware) -> Option<Cpu> {
    Some(match firmware.over_tftp() {
        Firmware::X86Uefi => Cpu::X86,
        Firmware::X64Uefi => Cpu::X64,
        Firmware::Arm32Uefi => Cpu::Arm32,
        Firmware::Arm64Uefi => Cpu::Arm64,
        Firmware::Riscv64Uefi => Cpu::Riscv64,
        Firmware::Loong64Uefi => Cpu::Loong64,
        _ => return None,
    })
}

/// The firmware that boots by HTTP on this processor.
pub(crate) fn http_firmware(cpu: Cpu) -> Option<Firmware> {
    Firmware::all().iter().copied().find(|it| it.is_http() && uefi_cpu(*it) == Some(cpu))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_lead_back_to_their_firmware() {
        for firmware in Firmware::all().iter().copied() {
            assert_eq!(
                uefi_cpu(firmware).and_then(http_firmware),
                firmware.over_http(),
                "{firmware}"
            );
        }
    }
}
