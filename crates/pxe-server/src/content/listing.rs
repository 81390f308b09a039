//! What lies in the root that a machine could boot: the entries of the generated menus.

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use pxe_image::Cpu;

use super::Program;
use super::program::OnDisk;

/// Entries of one menu; the rest of a larger root is left out, and the menu says so.
pub(crate) const ENTRIES_MAX: usize = 200;
/// Folders below the root that are looked into.
pub(crate) const DEPTH_FOLDERS_MAX: usize = 4;
/// Directory entries read for one menu: bounds the time a request for a menu can take.
pub(crate) const NAMES_READ_MAX: usize = 5_000;

/// One thing to boot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Path beneath the root, with `/`.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

/// How it boots.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// An iPXE script.
    Script,
    /// A network boot program for BIOS.
    Bios,
    /// An EFI program, for one processor if its header says which.
    Efi(Option<Cpu>),
    /// A Linux kernel with the initrd beside it.
    Linux { initrd: String },
}

/// The entries, by path, and whether some were left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    pub(crate) truncated: bool,
}

/// Reads the root. Names that are not plain, printable text are left out: they could not be
/// written into a script safely.
pub(crate) fn read(root: &Dir) -> Listing {
    let mut walk = Walk { listing: Listing::default(), names: 0 };
    walk.folder(root, &PathBuf::new(), 0);
    walk.listing.entries.sort();
    walk.listing
}

struct Walk {
    listing: Listing,
    names: usize,
}

impl Walk {
    fn folder(&mut self, folder: &Dir, path: &Path, depth: usize) {
        let Ok(read) = folder.entries() else { return };
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for entry in read.flatten() {
            if self.names >= NAMES_READ_MAX {
                self.listing.truncated = true;
                break;
            }
            self.names += 1;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !is_plain(&name) {
                continue;
            }
            // `metadata` of the folder follows links, beneath the root only.
            match folder.metadata(&name) {
                Ok(metadata) if metadata.is_dir() => folders.push(name),
                Ok(metadata) if metadata.is_file() => files.push(name),
                _ => {}
            }
        }
        files.sort();
        for name in &files {
            if let Some(kind) = classify(folder, name, &files) {
                self.push(path, name, kind);
            }
        }
        if depth >= DEPTH_FOLDERS_MAX {
            self.listing.truncated |= !folders.is_empty();
            return;
        }
        for name in folders {
            if let Ok(inner) = folder.open_dir(&name) {
                self.folder(&inner, &path.join(&name), depth + 1);
            }
        }
    }

    fn push(&mut self, folder: &Path, name: &str, kind: Kind) {
        if self.listing.entries.len() >= ENTRIES_MAX {
            self.listing.truncated = true;
            return;
        }
        let join = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let kind = match kind {
            Kind::Linux { initrd } => Kind::Linux { initrd: join(&initrd) },
            kind => kind,
        };
        self.listing.entries.push(Entry { path: join(name), kind });
    }
}

/// Only letters, digits and `._-+@~`: needs no quoting in iPXE or GRUB scripts or in a URL.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+@~".contains(&byte))
}

fn classify(folder: &Dir, name: &str, siblings: &[String]) -> Option<Kind> {
    let lower = name.to_ascii_lowercase();
    if matches!(lower.as_str(), "menu.ipxe" | "autoexec.ipxe") {
        return None;
    }
    let extension = Path::new(&lower).extension().and_then(|text| text.to_str()).unwrap_or("");
    match extension {
        "ipxe" => return Some(Kind::Script),
        "kpxe" | "kkpxe" | "pxe" => return Some(Kind::Bios),
        // `pxelinux.0`, but not the version at the end of `initrd.img-6.1.0`.
        "0" if lower.bytes().filter(|byte| !byte.is_ascii_alphabetic()).count() == 2 => {
            return Some(Kind::Bios);
        }
        "efi" => {
            let file = OnDisk::new(folder.open(name).ok()?.into_std()).ok()?;
            return Some(Kind::Efi(match Program::of(&file) {
                Program::Efi(cpu) => cpu,
                Program::Other => None,
            }));
        }
        _ => {}
    }
    let is_kernel = ["vmlinuz", "linux", "bzimage"].iter().any(|stem| {
        lower.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    });
    if !is_kernel {
        return None;
    }
    // `vmlinuz-6.1.0` belongs to `initrd.img-6.1.0`; a lone initrd belongs to any kernel.
    let version = lower.split_once('-').map(|(_, version)| version.to_owned());
    let initrds: Vec<&String> =
        siblings.iter().filter(|name| name.to_ascii_lowercase().starts_with("init")).collect();
    let own = version.and_then(|version| {
        initrds.iter().find(|name| name.to_ascii_lowercase().ends_with(&version)).copied()
    });
    let initrd = own.or_else(|| initrds.first().copied())?;
    Some(Kind::Linux { initrd: initrd.clone() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn what_can_boot_is_listed_with_how() {
        let base = std::env::temp_dir().join(format!("pxe-listing-{}", std::process::id()));
        fs::create_dir_all(base.join("debian")).expect("tree");
        for name in [
            "rescue.ipxe",
            "menu.ipxe",
            "tool.efi",
            "old.kpxe",
            "notes.txt",
            "bad name.efi",
            "debian/vmlinuz-6.1.0",
            "debian/initrd.img-5.10.0",
            "debian/initrd.img-6.1.0",
        ] {
            fs::write(base.join(name), "x").expect("file");
        }
        let root = Dir::open_ambient_dir(&base, ambient_authority()).expect("root");
        let listing = read(&root);
        let paths: Vec<_> = listing.entries.iter().map(|entry| &*entry.path).collect();
        assert_eq!(paths, ["debian/vmlinuz-6.1.0", "old.kpxe", "rescue.ipxe", "tool.efi"]);
        assert_eq!(
            listing.entries[0].kind,
            Kind::Linux { initrd: "debian/initrd.img-6.1.0".into() }
        );
        assert!(!listing.truncated);
        fs::remove_dir_all(base).expect("clean");
    }
}
