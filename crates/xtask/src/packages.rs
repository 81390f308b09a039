//! What the commands need from the system, which package has it, and how it gets installed.
//!
//! Debian and Ubuntu packages are installed by these commands themselves, given root or sudo
//! without a password. For other systems the command to run is printed.

mod asleep;
mod discs;

use std::path::Path;
use std::process::Command;

use nix::unistd::geteuid;

use asleep::Asleep;
pub(crate) use discs::{
    DEBIAN_AMD64, DEBIAN_AMD64_FILES, DEBIAN_ARM64, DEBIAN_ARM64_FILES, XORRISO,
};

use crate::error::Result;
use crate::process::{capture, command, find_program, quoted, show};

/// Something the system must have, and the packages that bring it.
#[derive(Debug)]
pub(crate) struct Need {
    /// What it is, for a person.
    pub(crate) what: &'static str,
    present: Present,
    /// Package names by manager, in the order of [`Manager::ALL`]; empty where none is known.
    packages: [&'static [&'static str]; 4],
}

#[derive(Debug)]
enum Present {
    /// All of these programs.
    Programs(&'static [&'static str]),
    /// One of these files.
    File(&'static [&'static str]),
    /// Both files of one of these pairs.
    Pair(&'static [[&'static str; 2]]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
    Zypper,
}

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
/// What makes a virtual environment able to install: Debian keeps it apart from Python.
const PYTHON_VENV_FILES: &[&str] = &[
    "/usr/lib/python3.11/ensurepip/__init__.py",
    "/usr/lib/python3.12/ensurepip/__init__.py",
    "/usr/lib/python3.13/ensurepip/__init__.py",
    "/usr/lib/python3.14/ensurepip/__init__.py",
];
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
pub(crate) const WIRE: Need = Need {
    what: "network namespaces and a packet filter",
    present: Present::Programs(&["ip", "nft"]),
    packages: [
        &["iproute2", "nftables"],
        &["iproute", "nftables"],
        &["iproute2", "nftables"],
        &["iproute2", "nftables"],
    ],
};
pub(crate) const DNSMASQ: Need = Need {
    what: "dnsmasq, the DHCP server that nobody touches",
    present: Present::Programs(&["dnsmasq"]),
    packages: [&["dnsmasq-base"], &["dnsmasq"], &["dnsmasq"], &["dnsmasq"]],
};
pub(crate) const DHCRELAY: Need = Need {
    what: "ISC dhcrelay, a relay that adds option 82",
    present: Present::Programs(&["dhcrelay"]),
    packages: [&["isc-dhcp-relay"], &["dhcp-relay"], &["dhcp"], &["dhcp-relay"]],
};
pub(crate) const ISC_DHCPD: Need = Need {
    what: "ISC dhcpd, to try snippets on",
    present: Present::Programs(&["dhcpd"]),
    packages: [&["isc-dhcp-server"], &["dhcp-server"], &["dhcp"], &["dhcp-server"]],
};
pub(crate) const KEA: Need = Need {
    what: "Kea, to try snippets on and to measure beside",
    present: Present::Programs(&["kea-dhcp4"]),
    packages: [&["kea-dhcp4-server"], &["kea"], &["kea"], &["kea"]],
};
pub(crate) const TCPDUMP: Need = Need {
    what: "tcpdump",
    present: Present::Programs(&["tcpdump"]),
    packages: [&["tcpdump"], &["tcpdump"], &["tcpdump"], &["tcpdump"]],
};
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

/// Programs of PostgreSQL: Debian keeps those of each version in a folder of their own.
pub(crate) const POSTGRESQL_FILES: &[&str] = &[
    "/usr/lib/postgresql/18/bin/initdb",
    "/usr/lib/postgresql/17/bin/initdb",
    "/usr/lib/postgresql/16/bin/initdb",
    "/usr/lib/postgresql/15/bin/initdb",
    "/usr/lib/postgresql/14/bin/initdb",
    "/usr/lib/postgresql/13/bin/initdb",
    "/usr/bin/initdb",
    "/usr/local/bin/initdb",
];
pub(crate) const POSTGRESQL: Need = Need {
    what: "PostgreSQL, for tests that start a server of their own",
    present: Present::File(POSTGRESQL_FILES),
    packages: [&["postgresql"], &["postgresql-server"], &["postgresql"], &["postgresql-server"]],
};
pub(crate) const NAMESPACES: Need = Need {
    what: "network namespaces for tests of the program as a DHCP server",
    present: Present::Programs(&["ip", "unshare", "prlimit"]),
    packages: [
        &["iproute2", "util-linux"],
        &["iproute", "util-linux"],
        &["iproute2", "util-linux"],
        &["iproute2", "util-linux"],
    ],
};
/// It looks at the menus that are made for GRUB.
pub(crate) const GRUB_SCRIPT_CHECK: Need = Need {
    what: "GRUB's checker of its configuration",
    present: Present::Programs(&["grub-script-check"]),
    packages: [&["grub-common"], &["grub2-tools-minimal"], &["grub"], &["grub2"]],
};
pub(crate) const PROMTOOL: Need = Need {
    what: "promtool, which reads metrics and alert rules as Prometheus does",
    present: Present::Programs(&["promtool"]),
    packages: [&["prometheus"], &["golang-github-prometheus"], &["prometheus"], &[]],
};
pub(crate) const CHROMIUM: Need = Need {
    what: "Chromium and its driver",
    present: Present::Programs(&["chromium", "chromedriver"]),
    packages: [
        &["chromium", "chromium-driver"],
        &["chromium", "chromedriver"],
        &["chromium"],
        &["chromium", "chromedriver"],
    ],
};
pub(crate) const PYTHON_VENV: Need = Need {
    what: "Python with venv, for checkers of the page and its API",
    present: Present::File(PYTHON_VENV_FILES),
    packages: [&["python3-venv"], &["python3"], &["python"], &["python3"]],
};
pub(crate) const IMAGES: Need = Need {
    what: "programs that make and read images, to try the readers on",
    present: Present::Programs(&["xorriso", "genisoimage", "mkudffs", "udfclient", "7z"]),
    packages: [
        &["xorriso", "genisoimage", "udftools", "udfclient", "p7zip-full"],
        &["xorriso", "genisoimage", "udftools", "p7zip-plugins"],
        &["libisoburn", "cdrtools", "udftools", "7zip"],
        &["xorriso", "mkisofs", "udftools", "7zip"],
    ],
};
pub(crate) const PACKERS: Need = Need {
    what: "programs that pack initrds",
    present: Present::Programs(&["gzip", "xz", "zstd", "lz4"]),
    packages: [
        &["gzip", "xz-utils", "zstd", "lz4"],
        &["gzip", "xz", "zstd", "lz4"],
        &["gzip", "xz", "zstd", "lz4"],
        &["gzip", "xz", "zstd", "lz4"],
    ],
};
pub(crate) const CURL: Need = Need {
    what: "curl",
    present: Present::Programs(&["curl"]),
    packages: [&["curl"], &["curl"], &["curl"], &["curl"]],
};
pub(crate) const TFTP_HPA: Need = Need {
    what: "tftp-hpa's client",
    present: Present::Programs(&["tftp"]),
    packages: [&["tftp-hpa"], &["tftp"], &["tftp-hpa"], &["tftp"]],
};
pub(crate) const ATFTP: Need = Need {
    what: "atftp",
    present: Present::Programs(&["atftp"]),
    packages: [&["atftp"], &[], &[], &["atftp"]],
};
pub(crate) const BUSYBOX: Need = Need {
    what: "busybox",
    present: Present::Programs(&["busybox"]),
    packages: [&["busybox"], &["busybox"], &["busybox"], &["busybox"]],
};

pub(crate) const DHCLIENT: Need = Need {
    what: "ISC dhclient",
    present: Present::Programs(&["dhclient"]),
    packages: [&["isc-dhcp-client"], &["dhcp-client"], &["dhclient"], &["dhcp-client"]],
};
pub(crate) const DHCPCD: Need = Need {
    what: "dhcpcd",
    present: Present::Programs(&["dhcpcd"]),
    // Without the service.
    packages: [&["dhcpcd-base"], &["dhcpcd"], &["dhcpcd"], &["dhcpcd"]],
};

pub(crate) const DEBOOTSTRAP: Need = Need {
    what: "debootstrap, and what makes Debian packages",
    present: Present::Programs(&["debootstrap", "dpkg-shlibdeps", "nsenter"]),
    packages: [
        &["debootstrap", "dpkg-dev", "util-linux"],
        &["debootstrap"],
        &["debootstrap"],
        &["debootstrap"],
    ],
};
pub(crate) const NGINX: Need = Need {
    what: "nginx, to compare and to measure beside",
    present: Present::File(&["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]),
    packages: [&["nginx-light"], &["nginx"], &["nginx"], &["nginx"]],
};
pub(crate) const CXX: Need = Need {
    what: "a C++ compiler, for libFuzzer",
    present: Present::Programs(&["c++"]),
    packages: [&["g++"], &["gcc-c++"], &["gcc"], &["gcc-c++"]],
};

/// What a server needs to have a boot file for every firmware.
pub(crate) const LOADERS: &[&Need] = &[&IPXE, &GRUB_IA32, &SHIM_ARM64];
/// What every wire of the lab needs.
pub(crate) const LAB: &[&Need] = &[&WIRE, &DNSMASQ, &TCPDUMP];

impl Need {
    pub(crate) fn is_met(&self) -> bool {
        let file = |path: &&str| Path::new(path).is_file();
        match self.present {
            Present::Programs(names) => names.iter().all(|name| find_program(name).is_some()),
            Present::File(paths) => paths.iter().any(file),
            Present::Pair(pairs) => pairs.iter().any(|pair| pair.iter().all(file)),
        }
    }
}

impl Manager {
    const ALL: [Self; 4] = [Self::Apt, Self::Dnf, Self::Pacman, Self::Zypper];

    /// The package manager of this system.
    fn find() -> Option<Self> {
        Self::ALL.into_iter().find(|manager| find_program(manager.program()).is_some())
    }

    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Pacman => "pacman",
            Self::Zypper => "zypper",
        }
    }

    /// The words of an installation, without the packages.
    fn install_words(self) -> &'static [&'static str] {
        match self {
            // The recommended packages of QEMU and of the firmware collide with one another.
            Self::Apt => &["apt-get", "install", "-y", "--no-install-recommends"],
            Self::Dnf => &["dnf", "install", "-y"],
            Self::Pacman => &["pacman", "-S", "--needed", "--noconfirm"],
            Self::Zypper => &["zypper", "--non-interactive", "install"],
        }
    }

    fn packages(self, needs: &[&Need]) -> Vec<&'static str> {
        let mut packages = Vec::new();
        for need in needs {
            for package in need.packages[self as usize] {
                if !packages.contains(package) {
                    packages.push(package);
                }
            }
        }
        packages
    }
}

/// The needs that are not met.
pub(crate) fn missing<'n>(needs: &[&'n Need]) -> Vec<&'n Need> {
    let mut missing: Vec<&Need> = Vec::new();
    for need in needs {
        if !need.is_met() && !missing.iter().any(|known| known.what == need.what) {
            missing.push(need);
        }
    }
    missing
}

/// Meets what it can, and returns what is still missing. Says on the terminal what it does, or
/// which command to run.
pub(crate) fn ensure<'n>(needs: &[&'n Need]) -> Result<Vec<&'n Need>> {
    let absent = missing(needs);
    if absent.is_empty() {
        return Ok(absent);
    }
    for need in &absent {
        println!("missing: {}", need.what);
    }
    match (Manager::find(), rights()) {
        (Some(Manager::Apt), Some(prefix)) => apt_install(prefix, &absent)?,
        _ => println!("{}", advice(&absent)),
    }
    Ok(missing(needs))
}

/// One line that says how to get these.
pub(crate) fn advice(needs: &[&Need]) -> String {
    let names: Vec<_> = needs.iter().map(|need| need.what).collect();
    let Some(manager) = Manager::find() else {
        return format!("install by hand: {}", names.join(", "));
    };
    let packages = manager.packages(needs);
    if packages.is_empty() {
        return format!("no package of {} is known for: {}", manager.program(), names.join(", "));
    }
    let words: Vec<_> = manager.install_words().iter().copied().chain(packages).collect();
    format!("run: sudo {}", words.join(" "))
}

/// What to put in front of a command that needs root: nothing, sudo, or `None` if neither works.
fn rights() -> Option<&'static [&'static str]> {
    if geteuid().is_root() {
        return Some(&[]);
    }
    let sudo: &[&str] = &["sudo", "-n"];
    find_program("sudo")?;
    capture(&mut command(&["sudo", "-n", "true"])).ok().map(|_| sudo)
}

fn apt_install(prefix: &[&str], needs: &[&Need]) -> Result<()> {
    let packages = Manager::Apt.packages(needs);
    println!("installing: {}", packages.join(" "));
    let asleep = Asleep::lay(prefix, &packages)?;
    install(prefix, &packages);
    asleep.lift()
}

/// Installs what can be had, and says what cannot.
fn install(prefix: &[&str], packages: &[&str]) {
    // A list that could not be refreshed may still do.
    if let Err(why) = show(&mut quiet_apt(prefix, &["apt-get", "update", "-qq"], &[])) {
        println!("note: {why}");
    }
    let words = Manager::Apt.install_words();
    if show(&mut quiet_apt(prefix, words, packages)).is_ok() {
        return;
    }
    // One unknown name fails them all: take what there is.
    for package in packages {
        if let Err(why) = show(&mut quiet_apt(prefix, words, &[package])) {
            println!("note: {} is not to be had here: {why}", quoted(package));
        }
    }
}

fn quiet_apt(prefix: &[&str], words: &[&str], packages: &[&str]) -> Command {
    // Through env, so that the setting survives sudo.
    let setting: &[&str] = &["env", "DEBIAN_FRONTEND=noninteractive"];
    let all: Vec<_> = [prefix, setting, words, packages].concat();
    let mut command = command(&all);
    command.stdout(std::process::Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: Need = Need {
        what: "a thing",
        present: Present::Programs(&["no-such-program-anywhere"]),
        packages: [&["thing", "more"], &["thing"], &[], &["thing"]],
    };
    const SHELL: Need = Need {
        what: "a shell",
        present: Present::Programs(&["sh"]),
        packages: [&["dash"], &["dash"], &["dash"], &["dash"]],
    };

    #[test]
    fn what_is_there_is_not_missing() {
        let names: Vec<_> = missing(&[&SHELL, &NOWHERE, &NOWHERE]).iter().map(|n| n.what).collect();
        assert_eq!(names, ["a thing"]);
    }

    #[test]
    fn packages_are_named_once_and_for_the_manager_at_hand() {
        assert_eq!(Manager::Apt.packages(&[&NOWHERE, &SHELL, &NOWHERE]), ["thing", "more", "dash"]);
        assert_eq!(Manager::Pacman.packages(&[&NOWHERE]), [""; 0]);
    }

    #[test]
    fn every_need_has_a_debian_package() {
        let others: &[&Need] = &[
            &OVMF_X64_SECURE,
            &SHIM_X64,
            &SHIM_GRUB_X64,
            &QEMU_X86,
            &QEMU_ARM,
            &PXELINUX,
            &LDLINUX,
            &ISC_DHCPD,
            &KEA,
            &POSTGRESQL,
            &IMAGES,
        ];
        let clients: &[&Need] =
            &[&CURL, &TFTP_HPA, &ATFTP, &BUSYBOX, &DHCLIENT, &DHCPCD, &NGINX, &DEBOOTSTRAP];
        for need in [LOADERS, LAB, others, clients].concat() {
            assert!(!Manager::Apt.packages(&[need]).is_empty(), "{}", need.what);
        }
    }
}
