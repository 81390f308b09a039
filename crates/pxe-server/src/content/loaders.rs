//! Where each firmware's boot program is: in the root, or where a system package put it.

use core::fmt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pxe_select::{Distribution, Firmware, LoaderCandidate, default_loaders};

use crate::config::Config;

/// Machines that an ordinary network has: a missing loader for one of them is worth a warning.
const COMMON: [Firmware; 4] =
    [Firmware::Bios, Firmware::X86Uefi, Firmware::X64Uefi, Firmware::Arm64Uefi];

/// A boot program that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLoader {
    /// For which firmware.
    pub firmware: Firmware,
    /// The name clients are told.
    pub file_name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl fmt::Display for FoundLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.file_name, self.path.display())
    }
}

/// A firmware without boot program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingLoader {
    /// For which firmware.
    pub firmware: Firmware,
    /// The configured name, if one was configured.
    pub configured: Option<String>,
}

impl fmt::Display for MissingLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let candidates = default_loaders(self.firmware);
        if let Some(name) = &self.configured {
            return write!(f, "{name} is neither in the root nor in a known system package");
        }
        let names: Vec<&str> = candidates.iter().map(|candidate| candidate.file_name).collect();
        write!(f, "put one of {} into the root", names.join(", "))?;
        match install_command(candidates) {
            Some(command) => write!(f, ", or: sudo {command}"),
            None => Ok(()),
        }
    }
}

/// The command that installs the first candidate this system's distribution has a package for.
fn install_command(candidates: &[LoaderCandidate]) -> Option<String> {
    let distribution = distribution()?;
    candidates.iter().find_map(|candidate| {
        let packages: Vec<&str> = candidate
            .packages
            .iter()
            .filter(|package| package.distribution == distribution)
            .map(|package| package.name)
            .collect();
        (!packages.is_empty())
            .then(|| format!("{} {}", distribution.install_command(), packages.join(" ")))
    })
}

/// The family of the running system, from `ID` and `ID_LIKE` of os-release(5).
fn distribution() -> Option<Distribution> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let ids: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split(' '))
        .collect();
    let families =
        [Distribution::Debian, Distribution::Fedora, Distribution::Arch, Distribution::OpenSuse];
    families
        .into_iter()
        .find(|family| family.os_release_ids().iter().any(|known| ids.contains(known)))
}

/// What was found, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaders {
    found: Vec<FoundLoader>,
    missing: Vec<MissingLoader>,
    /// Files of system packages by the name they are served under.
    system: BTreeMap<Vec<u8>, PathBuf>,
}

impl Loaders {
    /// Looks in the root first, then in the folders of system packages.
    pub fn search(config: &Config) -> Self {
        let mut loaders = Self::default();
        for &firmware in Firmware::all().iter().filter(|firmware| !firmware.is_http()) {
            let configured = config.loaders.iter().find(|(name, _)| name.value == firmware.name());
            let configured = configured.map(|(_, file)| file.value.clone());
            loaders.search_one(firmware, configured, &config.root);
        }
        // Any other packaged program can be named by a host or a rule.
        for &firmware in Firmware::all() {
            for candidate in default_loaders(firmware) {
                loaders.offer_system_files(candidate);
            }
        }
        loaders
    }

    fn search_one(&mut self, firmware: Firmware, configured: Option<String>, root: &Path) {
        let candidates = default_loaders(firmware);
        let in_root = |name: &str| root.join(name).is_file();
        let found = match &configured {
            Some(name) if in_root(name) => Some((name.as_str(), root.join(name), None)),
            Some(name) => candidates
                .iter()
                .filter(|candidate| candidate.file_name == name)
                .find_map(in_system),
            None => candidates
                .iter()
                .find(|candidate| {
                    let mut needed = candidate.siblings.iter().filter(|sibling| sibling.required);
                    in_root(candidate.file_name) && needed.all(|file| in_root(file.file_name))
                })
                .map(|candidate| (candidate.file_name, root.join(candidate.file_name), None))
                .or_else(|| candidates.iter().find_map(in_system)),
        };
        let Some((file_name, path, candidate)) = found else {
            if !candidates.is_empty() || configured.is_some() {
                self.missing.push(MissingLoader { firmware, configured });
            }
            return;
        };
        if let Some(candidate) = candidate {
            self.offer_system_files(candidate);
        }
        self.found.push(FoundLoader { firmware, file_name: file_name.to_owned(), path });
    }

    /// The first offer of a name stands: a shim keeps the second stage of its own vendor.
    fn offer_system_files(&mut self, candidate: &LoaderCandidate) {
        let own = core::iter::once((candidate.file_name, candidate.system_files));
        let siblings =
            candidate.siblings.iter().map(|sibling| (sibling.file_name, sibling.system_files));
        for (name, files) in own.chain(siblings) {
            if let Some(path) = first_file(files) {
                self.system.entry(name.as_bytes().to_vec()).or_insert(path);
            }
        }
    }

    /// Every firmware with its boot program.
    pub fn found(&self) -> &[FoundLoader] {
        &self.found
    }

    /// Every firmware without.
    pub fn missing(&self) -> &[MissingLoader] {
        &self.missing
    }

    /// Whether a file of this name can be served as a loader.
    pub fn has(&self, name: &str, root: &Path) -> bool {
        let known = self.found.iter().any(|found| found.file_name == name);
        known || self.system.contains_key(name.as_bytes()) || root.join(name).is_file()
    }

    /// Those of machines that an ordinary network has, and those that were configured.
    pub fn missing_common(&self) -> impl Iterator<Item = &MissingLoader> {
        self.missing
            .iter()
            .filter(|missing| missing.configured.is_some() || COMMON.contains(&missing.firmware))
    }

    /// A packaged file by exactly the name it is served under; nothing else of its folder.
    pub(super) fn system_file(&self, name: &[u8]) -> Option<&Path> {
        self.system.get(name).map(PathBuf::as_path)
    }
}

fn first_file(paths: &[&str]) -> Option<PathBuf> {
    paths.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// A candidate's program in the system, if what it cannot do without is there too.
fn in_system(
    candidate: &'static LoaderCandidate,
) -> Option<(&'static str, PathBuf, Option<&'static LoaderCandidate>)> {
    let path = first_file(candidate.system_files)?;
    let mut needed = candidate.siblings.iter().filter(|sibling| sibling.required);
    needed.all(|sibling| first_file(sibling.system_files).is_some()).then_some((
        candidate.file_name,
        path,
        Some(candidate),
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_root_beats_the_system_and_a_shim_needs_its_second_stage() {
        let root = std::env::temp_dir().join(format!("pxe-loaders-{}", std::process::id()));
        fs::create_dir_all(&root).expect("root");
        fs::write(root.join("ipxe.efi"), "x").expect("file");
        fs::write(root.join("shimia32.efi"), "x").expect("file");
        let config = Config { root: root.clone(), ..Config::default() };
        let find = |loaders: &Loaders, firmware| {
            loaders.found().iter().find(|found| found.firmware == firmware).cloned()
        };
        let loaders = Loaders::search(&config);
        let x64 = find(&loaders, Firmware::X64Uefi).expect("x64");
        assert_eq!(x64.path, root.join("ipxe.efi"));
        let x86 = find(&loaders, Firmware::X86Uefi).map(|found| found.file_name);
        assert_ne!(x86.as_deref(), Some("shimia32.efi"), "shim without GRUB is of no use");
        fs::write(root.join("grubia32.efi"), "x").expect("file");
        let loaders = Loaders::search(&config);
        let x86 = find(&loaders, Firmware::X86Uefi).expect("x86");
        assert_eq!(x86.file_name, "shimia32.efi");
        fs::remove_dir_all(root).expect("clean");
    }

    #[test]
    fn only_exact_names_of_packages_are_served() {
        let loaders = Loaders::search(&Config::default());
        assert!(loaders.system_file(b"../../etc/passwd").is_none());
        assert!(loaders.system_file(b"").is_none());
    }
}
