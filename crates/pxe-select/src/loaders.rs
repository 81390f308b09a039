//! The documented boot programs per firmware: under which name, from which package, with which companions.

mod markdown;

use crate::firmware::Firmware;
pub use markdown::{arch_table_markdown, loader_table_markdown};

/// One program that a firmware can be given.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LoaderCandidate {
    /// The name clients are told, and under which it is looked for in the root.
    pub file_name: &'static str,
    /// Where packages of Linux distributions put the same program, as absolute paths, the first that exists to be
    /// used. Its file name there may differ. Empty: only looked for in the root.
    pub system_files: &'static [&'static str],
    /// Packages that have it.
    pub packages: &'static [Package],
    /// Files that it will ask for beside itself.
    pub siblings: &'static [Sibling],
}

/// A file that a loader asks for in its own directory.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sibling {
    /// The name it asks for.
    pub file_name: &'static str,
    /// Where packages put it, as in [`LoaderCandidate::system_files`]. It has to come from the same distribution as
    /// the loader: a shim starts only what its own vendor signed.
    pub system_files: &'static [&'static str],
    /// Whether the loader is of no use without it. The others normally do not exist; a quick "file not found" is
    /// the right answer.
    pub required: bool,
}

/// A package of a Linux distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Package {
    /// Whose package.
    pub distribution: Distribution,
    /// Its name.
    pub name: &'static str,
}

/// A family of Linux distributions with the same package names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Distribution {
    /// Debian and Ubuntu.
    Debian,
    /// Fedora, RHEL and its rebuilds.
    Fedora,
    /// Arch Linux.
    Arch,
    /// openSUSE and SLE.
    OpenSuse,
}

impl Distribution {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debian => "Debian, Ubuntu",
            Self::Fedora => "Fedora, RHEL",
            Self::Arch => "Arch",
            Self::OpenSuse => "openSUSE",
        }
    }

    /// The values of `ID` and `ID_LIKE` in `/etc/os-release` that mean it.
    #[must_use]
    pub const fn os_release_ids(self) -> &'static [&'static str] {
        match self {
            Self::Debian => &["debian", "ubuntu"],
            Self::Fedora => &["fedora", "rhel"],
            Self::Arch => &["arch"],
            Self::OpenSuse => &["opensuse", "suse"],
        }
    }

    /// The command that installs a package, the package's name to be appended.
    #[must_use]
    pub const fn install_command(self) -> &'static str {
        match self {
            Self::Debian => "apt-get install -y",
            Self::Fedora => "dnf install -y",
            Self::Arch => "pacman -S --noconfirm",
            Self::OpenSuse => "zypper --non-interactive install",
        }
    }
}

/// The documented programs for a firmware, best first.
///
/// Look for every `file_name` in the root first, in this order, then for the `system_files` in this order: what the
/// administrator put into the root beats what a package installed. A candidate whose required sibling is missing
/// does not count. UEFI HTTP Boot runs the same programs as its TFTP twin. Empty for machines that are given no
/// program: IBM Z reads a PXELINUX configuration by itself.
///
/// Paths were read from Debian 12 (`ipxe`, `grub-efi-ia32-bin`, `debian-installer-12-netboot-*`) and from the
/// package recipes of Debian 13, Fedora, Arch and openSUSE.
#[must_use]
pub const fn default_loaders(firmware: Firmware) -> &'static [LoaderCandidate] {
    match firmware.over_tftp() {
        Firmware::Bios => BIOS,
        Firmware::X86Uefi => X86_UEFI,
        Firmware::X64Uefi => X64_UEFI,
        Firmware::Arm32Uefi => ARM32_UEFI,
        Firmware::Arm64Uefi => ARM64_UEFI,
        Firmware::Riscv64Uefi => RISCV64_UEFI,
        Firmware::Loong64Uefi => LOONG64_UEFI,
        Firmware::Ppc64Of => PPC64_OF,
        Firmware::Arm64Uboot => ARM64_UBOOT,
        Firmware::Rpi => RPI,
        _ => &[],
    }
}

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

const BIOS: &[LoaderCandidate] = &[
    packaged(
        "undionly.kpxe",
        &["/usr/lib/ipxe/undionly.kpxe", "/usr/share/ipxe/undionly.kpxe"],
        &[DEBIAN_IPXE, FEDORA_IPXE_X86, SUSE_IPXE],
    ),
    packaged("ipxe.pxe", &["/usr/lib/ipxe/ipxe.pxe"], &[DEBIAN_IPXE]),
    LoaderCandidate { siblings: &[needs("ldlinux.c32", &[])], ..in_root("lpxelinux.0") },
    LoaderCandidate { siblings: &[needs("ldlinux.c32", &[])], ..in_root("pxelinux.0") },
];

const X86_UEFI: &[LoaderCandidate] = &[
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

const X64_UEFI: &[LoaderCandidate] = &[
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

const ARM32_UEFI: &[LoaderCandidate] = &[
    in_root("ipxe-arm32.efi"),
    in_root("snponly-arm32.efi"),
    in_root("snp-arm32.efi"),
    in_root("grubarm.efi"),
];

const ARM64_UEFI: &[LoaderCandidate] = &[
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

const RISCV64_UEFI: &[LoaderCandidate] = &[
    packaged("ipxe-riscv64.efi", &["/usr/lib/ipxe/ipxe-riscv64.efi"], &[]),
    in_root("snponly-riscv64.efi"),
    in_root("grubriscv64.efi"),
];

const LOONG64_UEFI: &[LoaderCandidate] = &[
    packaged("ipxe-loong64.efi", &["/usr/lib/ipxe/ipxe-loong64.efi"], &[]),
    in_root("snponly-loong64.efi"),
    in_root("grubloongarch64.efi"),
];

const PPC64_OF: &[LoaderCandidate] = &[in_root("core.elf"), in_root("yaboot")];

const ARM64_UBOOT: &[LoaderCandidate] = &[in_root("boot.scr.uimg")];

/// The boot ROM fetches fixed names whatever it is told; naming one only makes the offer complete.
const RPI: &[LoaderCandidate] =
    &[in_root("start4.elf"), in_root("bootcode.bin"), in_root("config.txt")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arch;
    use crate::{limits::FILE_NAME_BYTES_MAX, names};

    #[test]
    fn names_are_clean_unique_and_fit_a_header() {
        for firmware in Firmware::all() {
            let candidates = default_loaders(*firmware);
            for (position, candidate) in candidates.iter().enumerate() {
                let name = candidate.file_name;
                assert!(name.len() <= FILE_NAME_BYTES_MAX && !name.contains('/'), "{name}");
                assert!(!names::normalise(name.as_bytes()).unwrap().cleaned);
                assert!(!candidates[..position].iter().any(|other| other.file_name == name));
                assert!(candidate.packages.is_empty() || !candidate.system_files.is_empty());
                let siblings = candidate.siblings.iter().flat_map(|sibling| sibling.system_files);
                for file in candidate.system_files.iter().chain(siblings) {
                    assert!(file.starts_with('/') && !file.contains("/../"), "{file}");
                }
            }
        }
    }

    #[test]
    fn no_program_is_listed_for_two_kinds_of_machine() {
        for one in Firmware::all() {
            for other in Firmware::all() {
                if one.over_tftp() == other.over_tftp() {
                    continue;
                }
                for candidate in default_loaders(*one) {
                    for against in default_loaders(*other) {
                        assert_ne!(candidate.file_name, against.file_name, "{one} {other}");
                        for file in candidate.system_files {
                            assert!(!against.system_files.contains(file), "{one} {other} {file}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn http_twins_share_their_list() {
        for firmware in Firmware::all() {
            let names = |firmware| default_loaders(firmware).iter().map(|one| one.file_name);
            assert!(names(*firmware).eq(names(firmware.over_tftp())));
        }
    }

    #[test]
    fn a_shim_comes_with_its_second_stage() {
        for firmware in Firmware::all() {
            for candidate in default_loaders(*firmware) {
                let shim =
                    ["shim", "bootnet"].iter().any(|kind| candidate.file_name.starts_with(kind));
                let required = candidate
                    .siblings
                    .iter()
                    .any(|sibling| sibling.required && sibling.file_name.starts_with("grub"));
                assert_eq!(shim, required, "{}", candidate.file_name);
            }
        }
    }

    #[test]
    fn tables_have_a_row_for_everything() {
        let loaders = loader_table_markdown();
        let rows: usize = Firmware::all()
            .iter()
            .filter(|firmware| !firmware.is_http())
            .map(|firmware| default_loaders(*firmware).len().max(1))
            .sum();
        assert_eq!(loaders.lines().count(), rows + 2);
        assert!(loaders.contains("| x64-uefi | `ipxe.efi` | `/usr/lib/ipxe/ipxe.efi`<br>"));
        assert!(loaders.contains("| s390x | | reads its own configuration | |"));
        let archs = arch_table_markdown();
        assert_eq!(archs.lines().count(), Arch::table().len() + 2);
        assert!(archs.contains("| 1 | NEC/PC98 (deprecated) | TFTP |  |  |"));
    }
}
