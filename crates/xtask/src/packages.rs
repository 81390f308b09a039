//! What the commands need from the system, which package has it, and how it gets installed.
//!
//! Debian and Ubuntu packages are installed by these commands themselves, given root or sudo
//! without a password. For other systems the command to run is printed.

mod asleep;
mod discs;
mod firmware;
mod install;
mod loaders;
mod manager;
mod network;
mod tools;

use std::path::Path;

pub(crate) use discs::*;
pub(crate) use firmware::*;
use install::{apt_install, rights};
pub(crate) use loaders::*;
use manager::Manager;
pub(crate) use network::*;
pub(crate) use tools::*;

use crate::error::Result;
use crate::process::find_program;

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
        let clients: &[&Need] = &[
            &CURL,
            &TFTP_HPA,
            &ATFTP,
            &BUSYBOX,
            &DHCLIENT,
            &DHCPCD,
            &NGINX,
            &DEBOOTSTRAP,
            &PODMAN,
            &LINTIAN,
        ];
        for need in [LOADERS, LAB, others, clients].concat() {
            assert!(!Manager::Apt.packages(&[need]).is_empty(), "{}", need.what);
        }
    }
}
