//! The package managers of systems: how each is called, and what it is told.

use super::Need;
use crate::process::find_program;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    Apt,
    Dnf,
    Pacman,
    Zypper,
}

impl Manager {
    const ALL: [Self; 4] = [Self::Apt, Self::Dnf, Self::Pacman, Self::Zypper];

    /// The package manager of this system.
    pub(super) fn find() -> Option<Self> {
        Self::ALL.into_iter().find(|manager| find_program(manager.program()).is_some())
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Pacman => "pacman",
            Self::Zypper => "zypper",
        }
    }

    /// The words of an installation, without the packages.
    pub(super) fn install_words(self) -> &'static [&'static str] {
        match self {
            // The recommended packages of QEMU and of the firmware collide with one another.
            Self::Apt => &["apt-get", "install", "-y", "--no-install-recommends"],
            Self::Dnf => &["dnf", "install", "-y"],
            Self::Pacman => &["pacman", "-S", "--needed", "--noconfirm"],
            Self::Zypper => &["zypper", "--non-interactive", "install"],
        }
    }

    pub(super) fn packages(self, needs: &[&Need]) -> Vec<&'static str> {
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
