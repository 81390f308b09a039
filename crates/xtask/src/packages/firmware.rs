//! Machines of the lab: QEMU and the firmware that it runs.

use super::{Need, Present};

/// Code and variables of EDK2 for x86-64.
pub(crate) const OVMF_X64_FILES: &[[&str; 2]] = &[
    ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"],
    ["/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"],
    ["/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"],
    ["/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"],
    ["/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"],
];
/// The same with Secure Boot on and Microsoft's keys in the variables.
pub(crate) const OVMF_X64_SECURE_FILES: &[[&str; 2]] = &[
    ["/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"],
    ["/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"],
    ["/usr/share/qemu/ovmf-x86_64-smm-ms-code.bin", "/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin"],
];
/// Code and variables of EDK2 for 32-bit x86.
pub(crate) const OVMF_IA32_FILES: &[[&str; 2]] = &[
    ["/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF32_VARS_4M.fd"],
    ["/usr/share/edk2/ovmf-ia32/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf-ia32/OVMF_VARS.fd"],
    ["/usr/share/edk2/ia32/OVMF_CODE.secboot.4m.fd", "/usr/share/edk2/ia32/OVMF_VARS.4m.fd"],
];
/// Code and variables of EDK2 for 64-bit ARM.
pub(crate) const AAVMF_FILES: &[[&str; 2]] = &[
    ["/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"],
    [
        "/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw",
        "/usr/share/edk2/aarch64/vars-template-pflash.raw",
    ],
    ["/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/edk2/aarch64/QEMU_VARS.fd"],
    ["/usr/share/qemu/aavmf-aarch64-code.bin", "/usr/share/qemu/aavmf-aarch64-vars.bin"],
];
pub(crate) const QEMU_X86: Need = Need {
    what: "QEMU for x86",
    present: Present::Programs(&["qemu-system-x86_64", "qemu-system-i386"]),
    packages: [&["qemu-system-x86"], &["qemu-system-x86"], &["qemu-system-x86"], &["qemu-x86"]],
};

pub(crate) const QEMU_ARM: Need = Need {
    what: "QEMU for ARM",
    present: Present::Programs(&["qemu-system-aarch64"]),
    packages: [
        &["qemu-system-arm"],
        &["qemu-system-aarch64"],
        &["qemu-system-aarch64"],
        &["qemu-arm"],
    ],
};

pub(crate) const QEMU_ROM: Need = Need {
    what: "iPXE as QEMU's network boot ROM",
    present: Present::File(&[
        "/usr/lib/ipxe/qemu/pxe-virtio.rom",
        "/usr/share/qemu/pxe-virtio.rom",
        "/usr/share/ipxe/qemu/pxe-virtio.rom",
    ]),
    packages: [&["ipxe-qemu"], &["ipxe-roms-qemu"], &["qemu-common"], &["qemu-ipxe"]],
};

pub(crate) const OVMF_X64: Need = Need {
    what: "EDK2 firmware for x64",
    present: Present::Pair(OVMF_X64_FILES),
    packages: [&["ovmf"], &["edk2-ovmf"], &["edk2-ovmf"], &["qemu-ovmf-x86_64"]],
};

pub(crate) const OVMF_X64_SECURE: Need = Need {
    what: "EDK2 firmware for x64 with Microsoft's keys",
    present: Present::Pair(OVMF_X64_SECURE_FILES),
    packages: [&["ovmf"], &["edk2-ovmf"], &[], &["qemu-ovmf-x86_64"]],
};

pub(crate) const OVMF_IA32: Need = Need {
    what: "EDK2 firmware for IA32",
    present: Present::Pair(OVMF_IA32_FILES),
    packages: [&["ovmf-ia32"], &["edk2-ovmf-ia32"], &["edk2-ovmf"], &[]],
};

pub(crate) const AAVMF: Need = Need {
    what: "EDK2 firmware for ARM64",
    present: Present::Pair(AAVMF_FILES),
    packages: [&["qemu-efi-aarch64"], &["edk2-aarch64"], &["edk2-aarch64"], &["qemu-uefi-aarch64"]],
};
