//! The programs themselves, best first for each firmware.

use super::{Distribution, LoaderCandidate, Package, Sibling};

const fn debian(name: &'static str) -> Package {
    Package { distribution: Distribution::Debian, name }
}

const fn fedora(name: &'static str) -> Package {
    Package { distribution: Distribution::Fedora, name }
}

const ARCH_IPXE: Package = Package { distribution: Distribution::Arch, name: "ipxe" };
const SUSE_IPXE: Package = Package { distribution: Distribution::OpenSuse, name: "ipxe-bootimgs" };
const DEBIAN_IPXE: Package = debian("ipxe");
const FEDORA_IPXE_X86: Package = fedora("ipxe-bootimgs-x86");
const FEDORA_IPXE_ARM: Package = fedora("ipxe-bootimgs-aarch64");

/// A program that is looked for in the root only.
const fn in_root(file_name: &'static str) -> LoaderCandidate {
    LoaderCandidate { file_name, system_files: &[], packages: &[], siblings: &[] }
}

const fn packaged(
    file_name: &'static str,
    system_files: &'static [&'static str],
    packages: &'static [Package],
) -> LoaderCandidate {
    LoaderCandidate { file_name, system_files, packages, siblings: &[] }
}

const fn needs(file_name: &'static str, system_files: &'static [&'static str]) -> Sibling {
    Sibling { file_name, system_files, required: true }
}

const fn may_ask(file_name: &'static str) -> Sibling {
    Sibling { file_name, system_files: &[], required: false }
}

/// What shim asks for before its second stage (rhboot/shim, `shim.c`; seen in `aavmf-arm64-shim-then-http.pcap`).
const SHIM_EXTRAS: [Sibling; 3] = [
    may_ask("revocations_sku.efi"),
    may_ask("revocations_sbat.efi"),
    may_ask("shim_certificate_0.efi"),
];

/// shim's program for keys that the machine's owner adds. It asks for that when it is asked to, or trusts nothing else
/// (`MOK_MANAGER` in `shim.h`); it has to be of shim's own vendor.
const MOK_MANAGER_X64: Sibling = Sibling {
    file_name: "mmx64.efi",
    system_files: &["/usr/lib/shim/mmx64.efi.signed"],
    required: false,
};
const MOK_MANAGER_ARM64: Sibling = Sibling {
    file_name: "mmaa64.efi",
    system_files: &["/usr/lib/shim/mmaa64.efi.signed"],
    required: false,
};

pub(super) const BIOS: &[LoaderCandidate] = &[
    packaged(
        "undionly.kpxe",
        &["/usr/lib/ipxe/undionly.kpxe", "/usr/share/ipxe/undionly.kpxe"],
        &[DEBIAN_IPXE, FEDORA_IPXE_X86, SUSE_IPXE],
    ),
    packaged("ipxe.pxe", &["/usr/lib/ipxe/ipxe.pxe"], &[DEBIAN_IPXE]),
    LoaderCandidate { siblings: &[needs("ldlinux.c32", &[])], ..in_root("lpxelinux.0") },
    LoaderCandidate { siblings: &[needs("ldlinux.c32", &[])], ..in_root("pxelinux.0") },
];

pub(super) const X86_UEFI: &[LoaderCandidate] = &[
    in_root("ipxe32.efi"),
    packaged("ipxe-i386.efi", &["/usr/share/ipxe/ipxe-i386.efi"], &[FEDORA_IPXE_X86, SUSE_IPXE]),
    packaged("snp-i386.efi", &["/usr/share/ipxe/snp-i386.efi"], &[SUSE_IPXE]),
    packaged(
        "grubnetia32.efi",
        &["/usr/lib/grub/i386-efi/monolithic/grubnetia32.efi"],
        &[debian("grub-efi-ia32-bin")],
    ),
    LoaderCandidate {
        siblings: &[needs("grubia32.efi", &[]), SHIM_EXTRAS[0], SHIM_EXTRAS[1], SHIM_EXTRAS[2]],
        ..in_root("shimia32.efi")
    },
    in_root("grubia32.efi"),
];

pub(super) const X64_UEFI: &[LoaderCandidate] = &[
    packaged(
        "ipxe.efi",
        &[
            "/usr/lib/ipxe/ipxe.efi",
            "/usr/lib/ipxe/ipxe-amd64.efi",
            "/usr/share/ipxe/ipxe-x86_64.efi",
            "/usr/share/ipxe/x86_64/ipxe.efi",
        ],
        &[DEBIAN_IPXE, FEDORA_IPXE_X86, ARCH_IPXE, SUSE_IPXE],
    ),
    in_root("ipxe-x86_64.efi"),
    in_root("ipxe-amd64.efi"),
    packaged(
        "snponly.efi",
        &["/usr/lib/ipxe/snponly.efi", "/usr/share/ipxe/ipxe-snponly-x86_64.efi"],
        &[DEBIAN_IPXE, FEDORA_IPXE_X86],
    ),
    in_root("ipxe-snponly-x86_64.efi"),
    LoaderCandidate {
        siblings: &[
            needs(
                "grubx64.efi",
                &[
                    "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/grubx64.efi",
                ],
            ),
            SHIM_EXTRAS[0],
            SHIM_EXTRAS[1],
            SHIM_EXTRAS[2],
            MOK_MANAGER_X64,
        ],
        ..packaged(
            "bootnetx64.efi",
            &[
                "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/bootnetx64.efi",
            ],
            &[debian("debian-installer-12-netboot-amd64")],
        )
    },
    LoaderCandidate {
        siblings: &[
            needs("grubx64.efi", &["/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"]),
            SHIM_EXTRAS[0],
            SHIM_EXTRAS[1],
            SHIM_EXTRAS[2],
            MOK_MANAGER_X64,
        ],
        ..packaged(
            "shimx64.efi",
            &["/usr/lib/shim/shimx64.efi.signed"],
            &[debian("shim-signed"), debian("grub-efi-amd64-signed")],
        )
    },
    in_root("grubnetx64.efi"),
    in_root("grubx64.efi"),
];

pub(super) const ARM32_UEFI: &[LoaderCandidate] = &[
    in_root("ipxe-arm32.efi"),
    in_root("snponly-arm32.efi"),
    in_root("snp-arm32.efi"),
    in_root("grubarm.efi"),
];

pub(super) const ARM64_UEFI: &[LoaderCandidate] = &[
    packaged(
        "ipxe-arm64.efi",
        &["/usr/lib/ipxe/ipxe-arm64.efi", "/usr/share/ipxe/arm64-efi/ipxe.efi"],
        &[FEDORA_IPXE_ARM],
    ),
    packaged(
        "snponly-arm64.efi",
        &["/usr/lib/ipxe/snponly-arm64.efi", "/usr/share/ipxe/arm64-efi/snponly.efi"],
        &[FEDORA_IPXE_ARM],
    ),
    packaged("snp-arm64.efi", &["/usr/share/ipxe/snp-arm64.efi"], &[SUSE_IPXE]),
    LoaderCandidate {
        siblings: &[
            needs(
                "grubaa64.efi",
                &[
                    "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/grubaa64.efi",
                ],
            ),
            SHIM_EXTRAS[0],
            SHIM_EXTRAS[1],
            SHIM_EXTRAS[2],
            MOK_MANAGER_ARM64,
        ],
        ..packaged(
            "bootnetaa64.efi",
            &[
                "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/bootnetaa64.efi",
            ],
            &[debian("debian-installer-12-netboot-arm64")],
        )
    },
    LoaderCandidate {
        siblings: &[
            needs("grubaa64.efi", &["/usr/lib/grub/arm64-efi-signed/grubnetaa64.efi.signed"]),
            SHIM_EXTRAS[0],
            SHIM_EXTRAS[1],
            SHIM_EXTRAS[2],
            MOK_MANAGER_ARM64,
        ],
        ..packaged("shimaa64.efi", &["/usr/lib/shim/shimaa64.efi.signed"], &[])
    },
    in_root("grubaa64.efi"),
    in_root("grubnetaa64.efi"),
];

pub(super) const RISCV64_UEFI: &[LoaderCandidate] = &[
    packaged("ipxe-riscv64.efi", &["/usr/lib/ipxe/ipxe-riscv64.efi"], &[]),
    in_root("snponly-riscv64.efi"),
    in_root("grubriscv64.efi"),
];

pub(super) const LOONG64_UEFI: &[LoaderCandidate] = &[
    packaged("ipxe-loong64.efi", &["/usr/lib/ipxe/ipxe-loong64.efi"], &[]),
    in_root("snponly-loong64.efi"),
    in_root("grubloongarch64.efi"),
];

pub(super) const PPC64_OF: &[LoaderCandidate] = &[in_root("core.elf"), in_root("yaboot")];

pub(super) const ARM64_UBOOT: &[LoaderCandidate] = &[in_root("boot.scr.uimg")];

/// The boot ROM fetches fixed names whatever it is told; naming one only makes the offer complete.
pub(super) const RPI: &[LoaderCandidate] =
    &[in_root("start4.elf"), in_root("bootcode.bin"), in_root("config.txt")];
