//! The rows that end in a running operating system, served from inside an image.

use std::path::Path;

use super::rows::PLAIN;
use super::{Act, Row};
use crate::error::Result;
use crate::lab::disc::Disc;
use crate::lab::firmware::Machine;
use crate::lab::stage::Scene;
use crate::lab::stage::systems::System;
use crate::lab::topology::Topology;
use crate::packages::{self, Need};

/// Machines that end in a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Systems {
    pub(crate) machines: &'static [System],
}

/// The first question of Debian's installer: kernel and initrd run, and a program of the initrd asks.
const FIRST_QUESTION: &str = "Select a language";
const MEMORY_MIB: u32 = 1024;

/// By iPXE everything comes by HTTP, and the script tells before it boots.
const BY_IPXE: &[&str] = &[
    "requested menu.ipxe",
    "booted",
    "delivered images/debian-12-amd64.iso/files/install.amd/vmlinuz",
    "delivered images/debian-12-amd64.iso/files/install.amd/initrd.gz",
];
const BY_GRUB: &[&str] = &[
    "delivered bootnetaa64.efi",
    "delivered grubaa64.efi",
    "delivered debian-installer/arm64/grub/grub.cfg",
    "menu.cfg",
    "delivered images/debian-12-arm64.iso/files/install.a64/vmlinuz",
    "delivered images/debian-12-arm64.iso/files/install.a64/initrd.gz",
];

pub(crate) const BIOS_LINUX: System = System {
    machine: Machine::Bios,
    disc: Some(Disc::Amd64),
    memory_mib: MEMORY_MIB,
    title: "SeaBIOS, iPXE, Debian's installer",
    says: FIRST_QUESTION,
    story: BY_IPXE,
};
const BIOS_TFTP_LINUX: System = System {
    title: "SeaBIOS, iPXE, Debian's installer by TFTP",
    story: &[
        "requested menu.ipxe",
        "delivered images/debian-12-amd64.iso/files/install.amd/vmlinuz",
        "delivered images/debian-12-amd64.iso/files/install.amd/initrd.gz",
    ],
    ..BIOS_LINUX
};
pub(crate) const X64_LINUX: System =
    System { machine: Machine::X64Uefi, title: "EDK2 x64, iPXE, Debian's installer", ..BIOS_LINUX };
pub(crate) const X64_HTTP_LINUX: System = System {
    machine: Machine::X64UefiHttp,
    title: "EDK2 x64 by HTTP Boot, iPXE, Debian's installer",
    ..BIOS_LINUX
};
pub(crate) const ARM64_LINUX: System = System {
    machine: Machine::Arm64Uefi,
    disc: Some(Disc::Arm64),
    title: "EDK2 ARM64, shim, GRUB, Debian's installer",
    story: BY_GRUB,
    ..BIOS_LINUX
};

/// The disc as a whole, from memory: the system on it makes no use of the network before its first question.
const ARM64_HTTP_LINUX: System = System {
    machine: Machine::Arm64UefiHttp,
    disc: Some(Disc::Arm64),
    title: "EDK2 ARM64 by HTTP Boot, the whole disc in memory, Debian's installer",
    story: &[
        "offered http://10.77.0.2:8080/images/debian-12-arm64.iso",
        "delivered images/debian-12-arm64.iso",
    ],
    ..BIOS_LINUX
};
/// Memtest86+ tests, which its screen on the serial line tells.
const X64_HTTP_MEMTEST: System = System {
    machine: Machine::X64UefiHttp,
    disc: Some(Disc::Rescue),
    memory_mib: 256,
    title: "EDK2 x64 by HTTP Boot, a rescue disc in memory, Memtest86+",
    says: "Status: Testing",
    story: &["offered http://10.77.0.2:8080/images/rescue.iso", "delivered images/rescue.iso"],
};
const BIOS_MEMTEST: System = System {
    machine: Machine::Bios,
    memory_mib: 128,
    title: "SeaBIOS, iPXE, a rescue disc by memdisk, Memtest86+",
    story: &["requested menu.ipxe", "delivered images/rescue.iso", "delivered memdisk"],
    ..X64_HTTP_MEMTEST
};

/// An unsigned program, which firmware with Secure Boot fetches and then refuses. It is told when the firmware tries its next
/// way, which is HTTP Boot.
const X64_REFUSED: System = System {
    machine: Machine::X64UefiSecure,
    disc: None,
    memory_mib: 512,
    title: "EDK2 x64 with Secure Boot, unsigned iPXE",
    says: "Access Denied",
    story: &["delivered ipxe.efi", "discovered x64-uefi-http", "its firmware began anew"],
};

/// Discs as a whole.
const WHOLE_DISC_SCENE: Scene<'static> = Scene {
    rules: "[[host]]\nmac = \"52:54:00:aa:00:07\"\nimage = \"debian-12-arm64.iso#ram-disk\"\n\
            [[host]]\nmac = \"52:54:00:aa:00:05\"\nimage = \"rescue.iso#ram-disk\"\n\
            [[host]]\nmac = \"52:54:00:aa:00:01\"\nimage = \"rescue.iso\"\n",
    files: &[("memdisk", packages::MEMDISK_FILES)],
    ..PLAIN
};

/// What each machine boots. GRUB asks the DHCP server for its files, so we are that. Debian 12's has HTTP in a module,
/// for port 80 alone; by TFTP, without a window, an emulated machine would take ten minutes.
pub(crate) const LINUX_SCENE: Scene<'static> = Scene {
    topology: Topology::SERVER,
    rules: "[http]\nlisten = \"0.0.0.0:80\"\n\
            [[host]]\nmac = \"52:54:00:aa:00:01\"\nimage = \"debian-12-amd64.iso#install\"\n\
            [[host]]\nmac = \"52:54:00:aa:00:02\"\nimage = \"debian-12-amd64.iso#install\"\n\
            [[host]]\nmac = \"52:54:00:aa:00:05\"\nimage = \"debian-12-amd64.iso\"\n\
            [[host]]\nmac = \"52:54:00:aa:00:04\"\nimage = \"debian-12-arm64.iso#install\"\n",
    files: &[(
        "debian-installer/arm64/grub/arm64-efi/http.mod",
        &[
            "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/grub/arm64-efi/http.mod",
        ],
    )],
    ..PLAIN
};
/// Nobody is named: the menu's default boots by itself.
const DEFAULT_SCENE: Scene<'static> =
    Scene { rules: "[menu]\ndefault = \"debian-12-amd64.iso#install\"\ntimeout = 1\n", ..PLAIN };

/// Without HTTP, everything comes by TFTP.
const TFTP_SCENE: Scene<'static> = Scene {
    rules: "[http]\nenabled = false\n\
            [[host]]\nmac = \"52:54:00:aa:00:01\"\nimage = \"debian-12-amd64.iso#install\"\n",
    ..PLAIN
};

const NEEDS_BIOS: &[&Need] =
    &[&packages::QEMU_X86, &packages::QEMU_ROM, &packages::XORRISO, &packages::DEBIAN_AMD64];
const NEEDS_X64: &[&Need] = &[
    &packages::QEMU_X86,
    &packages::OVMF_X64,
    &packages::IPXE,
    &packages::XORRISO,
    &packages::DEBIAN_AMD64,
];
const NEEDS_ARM64: &[&Need] = &[
    &packages::QEMU_ARM,
    &packages::AAVMF,
    &packages::SHIM_ARM64,
    &packages::XORRISO,
    &packages::DEBIAN_ARM64,
];

const NEEDS_RESCUE_X64: &[&Need] = &[
    &packages::QEMU_X86,
    &packages::OVMF_X64,
    &packages::GRUB_MKRESCUE,
    &packages::GRUB_PC_MODULES,
    &packages::GRUB_X64_MODULES,
    &packages::XORRISO,
    &packages::MEMTEST,
    &packages::MEMDISK,
];
const NEEDS_RESCUE_BIOS: &[&Need] = &[
    &packages::QEMU_X86,
    &packages::QEMU_ROM,
    &packages::GRUB_MKRESCUE,
    &packages::GRUB_PC_MODULES,
    &packages::GRUB_X64_MODULES,
    &packages::XORRISO,
    &packages::MEMTEST,
    &packages::MEMDISK,
];
const NEEDS_WHOLE_ARM64: &[&Need] = &[
    &packages::QEMU_ARM,
    &packages::AAVMF,
    &packages::SHIM_ARM64,
    &packages::XORRISO,
    &packages::DEBIAN_ARM64,
    &packages::MEMDISK,
];

/// The machines of the demonstration: each ends in Linux.
pub(crate) const LINUX: [System; 4] = [BIOS_LINUX, X64_LINUX, X64_HTTP_LINUX, ARM64_LINUX];

/// What a machine needs to end in Linux.
pub(crate) fn linux_needs(machine: Machine) -> &'static [&'static Need] {
    match machine {
        Machine::Bios => NEEDS_BIOS,
        Machine::X64Uefi | Machine::X64UefiHttp | Machine::X64UefiSecure => NEEDS_X64,
        Machine::X86Uefi | Machine::Arm64Uefi | Machine::Arm64UefiHttp => NEEDS_ARM64,
    }
}

/// Makes the discs that these machines boot, in the folder of images of a server in `folder`.
pub(crate) fn make_discs(machines: &[System], folder: &Path) -> Result<()> {
    for disc in Disc::ALL {
        if machines.iter().any(|machine| machine.disc == Some(disc)) {
            disc.make(&folder.join("images"))?;
        }
    }
    Ok(())
}

/// The slow ones first.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "linux-arm64",
        title: "EDK2 ARM64, shim, GRUB, and Debian's installer from inside a disc, by HTTP",
        act: Act::Run(&Systems { machines: &[ARM64_LINUX] }),
        seats: &[],
        scene: LINUX_SCENE,
        needs: NEEDS_ARM64,
    },
    Row {
        name: "arm64-uefi-http-disc",
        title: "EDK2 ARM64 by UEFI HTTP Boot, a whole disc in memory, and Debian's installer from it",
        act: Act::Run(&Systems { machines: &[ARM64_HTTP_LINUX] }),
        seats: &[],
        scene: WHOLE_DISC_SCENE,
        needs: NEEDS_WHOLE_ARM64,
    },
    Row {
        name: "x64-uefi-http-disc",
        title: "EDK2 x64 by UEFI HTTP Boot, a rescue disc in memory, and Memtest86+ from it",
        act: Act::Run(&Systems { machines: &[X64_HTTP_MEMTEST] }),
        seats: &[],
        scene: WHOLE_DISC_SCENE,
        needs: NEEDS_RESCUE_X64,
    },
    Row {
        name: "bios-disc",
        title: "SeaBIOS, iPXE, the same rescue disc by memdisk, and Memtest86+",
        act: Act::Run(&Systems { machines: &[BIOS_MEMTEST] }),
        seats: &[],
        scene: WHOLE_DISC_SCENE,
        needs: NEEDS_RESCUE_BIOS,
    },
    Row {
        name: "secure-boot-refused",
        title: "EDK2 x64 with Secure Boot, given iPXE without a signature: refused, and the story says why",
        act: Act::Run(&Systems { machines: &[X64_REFUSED] }),
        seats: &[],
        scene: PLAIN,
        needs: &[&packages::QEMU_X86, &packages::OVMF_X64_SECURE, &packages::IPXE],
    },
    Row {
        name: "linux-x64",
        title: "EDK2 x64, iPXE, and Debian's installer from inside a disc, by HTTP",
        act: Act::Run(&Systems { machines: &[X64_LINUX] }),
        seats: &[],
        scene: LINUX_SCENE,
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-http-linux",
        title: "EDK2 x64 by UEFI HTTP Boot, iPXE, and Debian's installer from inside a disc",
        act: Act::Run(&Systems { machines: &[X64_HTTP_LINUX] }),
        seats: &[],
        scene: LINUX_SCENE,
        needs: NEEDS_X64,
    },
    Row {
        name: "linux-bios-tftp",
        title: "SeaBIOS, iPXE, and Debian's installer from inside a disc by TFTP, HTTP off",
        act: Act::Run(&Systems { machines: &[BIOS_TFTP_LINUX] }),
        seats: &[],
        scene: TFTP_SCENE,
        needs: NEEDS_BIOS,
    },
    Row {
        name: "linux-bios",
        title: "SeaBIOS, and Debian's installer as the menu's default, beside a foreign DHCP server",
        act: Act::Run(&Systems { machines: &[BIOS_LINUX] }),
        seats: &[],
        scene: DEFAULT_SCENE,
        needs: NEEDS_BIOS,
    },
];
