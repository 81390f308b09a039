//! What a server hands out: the boot loaders of distributions.

use super::{Need, Present};

/// iPXE for x86-64 UEFI.
pub(crate) const IPXE_X64_FILES: &[&str] = &[
    "/usr/lib/ipxe/ipxe.efi",
    "/boot/ipxe.efi",
    "/usr/share/ipxe/ipxe-x86_64.efi",
    "/usr/share/ipxe/x86_64/ipxe.efi",
];
/// GRUB for 32-bit x86 UEFI, as one file that needs no folder beside it.
pub(crate) const GRUB_IA32_FILES: &[&str] = &["/usr/lib/grub/i386-efi/monolithic/grubnetia32.efi"];
/// shim for x86-64, signed by Microsoft, and the GRUB for networks that it trusts.
pub(crate) const SHIM_X64_FILES: &[&str] = &["/usr/lib/shim/shimx64.efi.signed"];
pub(crate) const SHIM_GRUB_X64_FILES: &[&str] =
    &["/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"];
/// shim for 64-bit ARM, and the GRUB that it asks for.
pub(crate) const SHIM_ARM64_FILES: &[&str] =
    &["/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/bootnetaa64.efi"];
pub(crate) const SHIM_GRUB_ARM64_FILES: &[&str] =
    &["/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/grubaa64.efi"];
/// PXELINUX and the module that it loads first.
pub(crate) const PXELINUX_FILES: &[&str] = &[
    "/usr/lib/PXELINUX/pxelinux.0",
    "/usr/share/syslinux/pxelinux.0",
    "/usr/lib/syslinux/bios/pxelinux.0",
];
pub(crate) const LDLINUX_FILES: &[&str] = &[
    "/usr/lib/syslinux/modules/bios/ldlinux.c32",
    "/usr/share/syslinux/ldlinux.c32",
    "/usr/lib/syslinux/bios/ldlinux.c32",
];
pub(crate) const IPXE: Need = Need {
    what: "iPXE for BIOS and x64 UEFI",
    present: Present::File(IPXE_X64_FILES),
    packages: [&["ipxe"], &["ipxe-bootimgs-x86"], &["ipxe"], &["ipxe-bootimgs"]],
};

pub(crate) const GRUB_IA32: Need = Need {
    what: "GRUB for IA32 UEFI",
    present: Present::File(GRUB_IA32_FILES),
    packages: [&["grub-efi-ia32-bin"], &[], &[], &[]],
};

pub(crate) const SHIM_X64: Need = Need {
    what: "shim for x64 UEFI",
    present: Present::File(SHIM_X64_FILES),
    packages: [&["shim-signed"], &[], &[], &[]],
};

pub(crate) const SHIM_GRUB_X64: Need = Need {
    what: "signed GRUB for x64 UEFI",
    present: Present::File(SHIM_GRUB_X64_FILES),
    packages: [&["grub-efi-amd64-signed"], &[], &[], &[]],
};

pub(crate) const SHIM_ARM64: Need = Need {
    what: "shim and GRUB for ARM64 UEFI",
    present: Present::File(SHIM_ARM64_FILES),
    packages: [&["debian-installer-12-netboot-arm64"], &[], &[], &[]],
};

pub(crate) const PXELINUX: Need = Need {
    what: "PXELINUX",
    present: Present::File(PXELINUX_FILES),
    packages: [&["pxelinux"], &["syslinux-nonlinux"], &["syslinux"], &["syslinux"]],
};

pub(crate) const LDLINUX: Need = Need {
    what: "PXELINUX's modules",
    present: Present::File(LDLINUX_FILES),
    packages: [&["syslinux-common"], &["syslinux-nonlinux"], &["syslinux"], &["syslinux"]],
};
