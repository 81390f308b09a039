//! The rows beside a DHCP server that knows nothing of booting, and our server's own behaviour.

use super::{Act, Row};
use crate::lab::firmware::Machine;
use crate::lab::proof::{Loader, Seat, Signs};
use crate::lab::stage::Scene;
use crate::lab::style::Style;
use crate::lab::topology::Topology;
use crate::packages::{self, Need};

/// The script that a client which is iPXE already is sent to.
const MENU: Loader = Loader { name: "menu.ipxe", from: &[], signs: Signs::IpxeMenu };
const PXELINUX: Loader =
    Loader { name: "pxelinux.0", from: packages::PXELINUX_FILES, signs: Signs::Pxelinux };
const IPXE: Loader =
    Loader { name: "ipxe.efi", from: packages::IPXE_X64_FILES, signs: Signs::Ipxe };
const GRUB_IA32: Loader =
    Loader { name: "grubnetia32.efi", from: packages::GRUB_IA32_FILES, signs: Signs::Grub };
const SHIM_ARM64: Loader = Loader {
    name: "bootnetaa64.efi",
    from: packages::SHIM_ARM64_FILES,
    signs: Signs::Shim { second_stage: "grubaa64.efi", from: packages::SHIM_GRUB_ARM64_FILES },
};

const SHIM_X64: Loader = Loader {
    name: "shimx64.efi",
    from: packages::SHIM_X64_FILES,
    signs: Signs::ShimMenu { second_stage: "grubx64.efi", from: packages::SHIM_GRUB_X64_FILES },
};

pub(super) const X64_SECURE_SEAT: Seat = Seat { machine: Machine::X64UefiSecure, loader: SHIM_X64 };
pub(super) const BIOS_MENU_SEAT: Seat = Seat { machine: Machine::Bios, loader: MENU };
pub(super) const BIOS_PXELINUX_SEAT: Seat = Seat { machine: Machine::Bios, loader: PXELINUX };
pub(super) const X64_SEAT: Seat = Seat { machine: Machine::X64Uefi, loader: IPXE };
const X64_HTTP_SEAT: Seat = Seat { machine: Machine::X64UefiHttp, loader: IPXE };
pub(super) const X86_SEAT: Seat = Seat { machine: Machine::X86Uefi, loader: GRUB_IA32 };
pub(super) const ARM64_SEAT: Seat = Seat { machine: Machine::Arm64Uefi, loader: SHIM_ARM64 };

pub(super) const PLAIN: Scene<'static> = Scene {
    topology: Topology::PROXY,
    rules: "",
    files: &[],
    for_ipxe: "menu.ipxe",
    loss_percent: 0,
    style: None,
};

/// QEMU's BIOS network boot *is* iPXE, so by default it gets a script and no boot file. This
/// scene's rule names a boot file to it nevertheless, one that is told apart from the ROM with
/// certainty: PXELINUX.
pub(crate) const PXELINUX_FOR_BIOS: Scene<'static> = Scene {
    topology: Topology::PROXY,
    rules: "[[rule]]\nwhen = { arch = [\"bios\"], user-class = \"iPXE\" }\nfile = \"pxelinux.0\"\n",
    files: &[("pxelinux.0", packages::PXELINUX_FILES), ("ldlinux.c32", packages::LDLINUX_FILES)],
    for_ipxe: "pxelinux.0",
    loss_percent: 0,
    style: None,
};

/// One machine per firmware, for a scene with [`PXELINUX_FOR_BIOS`]'s rule.
pub(crate) const ONE_OF_EACH: [Seat; 5] =
    [BIOS_PXELINUX_SEAT, X64_SEAT, X64_HTTP_SEAT, X86_SEAT, ARM64_SEAT];

const NEEDS_BIOS: &[&Need] = &[&packages::QEMU_X86, &packages::QEMU_ROM];
const NEEDS_PXELINUX: &[&Need] =
    &[&packages::QEMU_X86, &packages::QEMU_ROM, &packages::PXELINUX, &packages::LDLINUX];
const NEEDS_X64: &[&Need] = &[&packages::QEMU_X86, &packages::OVMF_X64, &packages::IPXE];
const NEEDS_X86: &[&Need] = &[&packages::QEMU_X86, &packages::OVMF_IA32, &packages::GRUB_IA32];
const NEEDS_ARM64: &[&Need] = &[&packages::QEMU_ARM, &packages::AAVMF, &packages::SHIM_ARM64];
pub(super) const NEEDS_SECURE: &[&Need] = &[
    &packages::QEMU_X86,
    &packages::OVMF_X64_SECURE,
    &packages::SHIM_X64,
    &packages::SHIM_GRUB_X64,
];
const NEEDS_TWO: &[&Need] = &[
    &packages::QEMU_X86,
    &packages::OVMF_X64,
    &packages::IPXE,
    &packages::QEMU_ARM,
    &packages::AAVMF,
    &packages::SHIM_ARM64,
];

/// The slow ones first.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "two-at-once",
        title: "EDK2 x64 and EDK2 ARM64 at the same time",
        act: Act::Boot,
        seats: &[X64_SEAT, ARM64_SEAT],
        scene: PLAIN,
        needs: NEEDS_TWO,
    },
    Row {
        name: "x64-uefi-loss",
        title: "EDK2 x64, 5 % of all packets lost",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: Scene { loss_percent: 5, ..PLAIN },
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi",
        title: "EDK2 x64 to iPXE",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: PLAIN,
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-option43",
        title: "EDK2 x64, every offer with option 43 'just boot'",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: Scene {
            rules: "proxy_style = \"option43\"\n",
            style: Some(Style::JustBoot),
            ..PLAIN
        },
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-menu",
        title: "EDK2 x64, every offer with a full menu",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: Scene { rules: "proxy_style = \"menu\"\n", style: Some(Style::Menu), ..PLAIN },
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-delayed",
        title: "EDK2 x64, every offer held back",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: Scene { rules: "proxy_style = \"delayed\"\n", style: Some(Style::Delayed), ..PLAIN },
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-http",
        title: "EDK2 x64 by UEFI HTTP Boot to iPXE, and its script by HTTP",
        act: Act::Boot,
        seats: &[X64_HTTP_SEAT],
        scene: PLAIN,
        needs: NEEDS_X64,
    },
    Row {
        name: "arm64-uefi",
        title: "EDK2 ARM64 to shim to GRUB",
        act: Act::Boot,
        seats: &[ARM64_SEAT],
        scene: PLAIN,
        needs: NEEDS_ARM64,
    },
    Row {
        name: "x86-uefi",
        title: "EDK2 IA32 to GRUB",
        act: Act::Boot,
        seats: &[X86_SEAT],
        scene: PLAIN,
        needs: NEEDS_X86,
    },
    Row {
        name: "bios-pxelinux",
        title: "SeaBIOS with iPXE ROM to PXELINUX, by rule",
        act: Act::Boot,
        seats: &[BIOS_PXELINUX_SEAT],
        scene: PXELINUX_FOR_BIOS,
        needs: NEEDS_PXELINUX,
    },
    Row {
        name: "bios-menu",
        title: "SeaBIOS with iPXE ROM to the generated menu",
        act: Act::Boot,
        seats: &[BIOS_MENU_SEAT],
        scene: PLAIN,
        needs: NEEDS_BIOS,
    },
    Row {
        name: "hostile",
        title: "every fuzzing corpus at the running server, then SeaBIOS to PXELINUX",
        act: Act::BootAfterStranger,
        seats: &[BIOS_PXELINUX_SEAT],
        scene: PXELINUX_FOR_BIOS,
        needs: NEEDS_PXELINUX,
    },
    Row {
        name: "refusals",
        title: "port taken, no right, no such interface, faulty configuration",
        act: Act::Refuse,
        seats: &[],
        scene: PLAIN,
        needs: &[],
    },
    Row {
        name: "idle-memory",
        title: "an idle server keeps less than 5 MB of its own in memory",
        act: Act::Idle,
        seats: &[],
        scene: PLAIN,
        needs: &[],
    },
];
