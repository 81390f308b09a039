//! The documented boot programs per firmware: under which name, from which package, with which companions.

mod markdown;
mod table;

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
        Firmware::Bios => table::BIOS,
        Firmware::X86Uefi => table::X86_UEFI,
        Firmware::X64Uefi => table::X64_UEFI,
        Firmware::Arm32Uefi => table::ARM32_UEFI,
        Firmware::Arm64Uefi => table::ARM64_UEFI,
        Firmware::Riscv64Uefi => table::RISCV64_UEFI,
        Firmware::Loong64Uefi => table::LOONG64_UEFI,
        Firmware::Ppc64Of => table::PPC64_OF,
        Firmware::Arm64Uboot => table::ARM64_UBOOT,
        Firmware::Rpi => table::RPI,
        _ => &[],
    }
}

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
