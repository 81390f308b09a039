//! From what we call firmware to what menus tell apart.

use pxe_image::Cpu;
use pxe_image::menu::{Client, Kind, Platform};
use pxe_select::Firmware;

use crate::content::uefi_cpu;
use crate::engine::Recipient;

pub(super) fn of(kind: Kind, recipient: &Recipient) -> Client {
    let (platform, cpu) = recipient.firmware.map_or((None, None), machine);
    // An iPXE or a GRUB runs on firmware of the two kinds; on U-Boot by its UEFI.
    let platform = platform.filter(|it| *it != Platform::Other || kind == Kind::Pxelinux);
    let mut client = Client::default();
    client.platform = platform;
    client.cpu = cpu;
    client.mac = recipient.mac;
    client.address = recipient.address;
    client.memory_mib = recipient.said.memory_mib;
    client
}

fn machine(firmware: Firmware) -> (Option<Platform>, Option<Cpu>) {
    let cpu = cpu(firmware);
    let platform = match firmware {
        Firmware::Bios => Platform::Bios,
        firmware if firmware.is_uefi() => Platform::Efi,
        _ => Platform::Other,
    };
    (Some(platform), cpu)
}

/// `None` for a BIOS, which runs on two.
pub(super) fn cpu(firmware: Firmware) -> Option<Cpu> {
    uefi_cpu(firmware).or(match firmware {
        Firmware::Arm64Uboot | Firmware::Rpi => Some(Cpu::Arm64),
        Firmware::Ppc64Of => Some(Cpu::Ppc64),
        Firmware::S390x => Some(Cpu::S390x),
        _ => None,
    })
}
