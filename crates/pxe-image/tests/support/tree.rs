//! Trees on disk and in images, side by side.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use pxe_image::{NodeKind, ReadAt, Tree};

use super::Disk;

/// What a path is, as far as images and disks both know it.
#[derive(Clone, PartialEq, Eq)]
pub enum Thing {
    Folder,
    File(Vec<u8>),
    Link(String),
}

impl std::fmt::Debug for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder => f.write_str("folder"),
            Self::File(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Link(to) => write!(f, "-> {to}"),
        }
    }
}

pub type Things = BTreeMap<String, Thing>;

/// Everything beneath a folder of the disk.
pub fn on_disk(folder: &Path) -> Things {
    let mut things = Things::new();
    let mut left = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = left.pop() {
        for entry in folder.read_dir().expect("a folder") {
            let entry = entry.expect("an entry");
            let name = format!("{prefix}/{}", entry.file_name().to_str().expect("UTF-8"));
            let kind = entry.file_type().expect("a kind");
            let thing = if kind.is_dir() {
                left.push((name.clone(), entry.path()));
                Thing::Folder
            } else if kind.is_symlink() {
                let to = fs::read_link(entry.path()).expect("a link");
                Thing::Link(to.to_str().expect("UTF-8").to_owned())
            } else {
                Thing::File(fs::read(entry.path()).expect("a file"))
            };
            things.insert(name, thing);
        }
    }
    things
}

/// Everything in an image. The bytes come from the ranges that it gives, read straight from its file.
pub fn in_image(image: &impl Tree, source: &Disk) -> Things {
    let mut things = Things::new();
    let mut left = vec![String::new()];
    while let Some(folder) = left.pop() {
        for item in image.list(&folder).unwrap_or_else(|why| panic!("{folder}: {why}")) {
            let path = format!("{folder}/{}", item.name);
            let thing = match item.node.kind {
                NodeKind::Folder => {
                    left.push(path.clone());
                    Thing::Folder
                }
                NodeKind::Link(to) => Thing::Link(to),
                NodeKind::File => {
                    let bytes = bytes(image, source, &path);
                    assert_eq!(bytes.len() as u64, item.node.size, "{path}");
                    assert_eq!(image.look(&path).expect("sound"), Some(item.node), "{path}");
                    Thing::File(bytes)
                }
                _ => panic!("{path} is of a new kind"),
            };
            assert!(things.insert(path.clone(), thing).is_none(), "{path} is there twice");
        }
    }
    things
}

fn bytes(image: &impl Tree, source: &Disk, path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let extents = image.extents(path).unwrap_or_else(|why| panic!("{path}: {why}"));
    for extent in extents.unwrap_or_else(|| panic!("{path} has no bytes")) {
        let mut part = vec![0; usize::try_from(extent.len).expect("a small file")];
        if let Some(offset) = extent.offset {
            let count = source.read_at(offset, &mut part).expect("a read");
            assert_eq!(count, part.len());
        }
        bytes.extend(part);
    }
    bytes
}

/// Bytes that are different everywhere.
pub fn pattern(count: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut bytes = Vec::with_capacity(count);
    for _ in 0..count {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.push(state as u8);
    }
    bytes
}

/// Puts a file, and the folders that it needs.
pub fn put(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    fs::write(path, bytes).expect("a file");
}

pub const LONG: &str = "a-package-with-a-name-that-is-longer-than-one-hundred-characters-as-those-of-distributions-are-0123456789_1.2.3-4+deb13u1_amd64.deb";

/// A tree with names of 8.3 characters in upper case, as ISO 9660 alone keeps it.
pub fn put_plain(folder: &Path) {
    put(folder, "README.TXT", b"read me\n");
    put(folder, "EMPTY", b"");
    put(folder, "CASPER/VMLINUZ", &pattern(2_048, 1));
    put(folder, "CASPER/INITRD.GZ", &pattern(300_001, 2));
    put(folder, "A/B/C/D/E/F.TXT", b"deep");
    for number in 0..300 {
        put(folder, &format!("MANY/N{number:04}.BIN"), &pattern(number, number as u32));
    }
}

/// The same, with names that Joliet can keep.
pub fn put_long(folder: &Path) {
    put_plain(folder);
    put(folder, "Grün und blau, sehr lang.txt", b"colours");
    put(folder, "Жук.txt", b"a beetle");
    put(folder, ".disk/info", b"Debian GNU/Linux\n");
    put(folder, "two.dots.tar.gz", b"dots");
    put(folder, "case/Name", b"one spelling");
}

/// The same, with all that Rock Ridge can keep.
pub fn put_unix(folder: &Path) {
    put_long(folder);
    put(folder, &format!("pool/{LONG}"), &pattern(5_000, 3));
    put(folder, "d1/d2/d3/d4/d5/d6/d7/d8/d9/d10/d11/file", b"very deep");
    put(folder, "d1/d2/d3/d4/d5/d6/d7/d8/d9/other", b"deep enough");
    put(folder, "case/name", b"another spelling");
    for (link, to) in [
        ("link", "CASPER/VMLINUZ"),
        ("case/up", "../.disk/./info"),
        ("dangling", "nowhere/at all"),
        ("absolute", "/pool"),
        ("long", LONG),
        ("folder", "d1/d2/d3/d4/d5/d6/d7/d8/d9"),
    ] {
        symlink(to, folder.join(link)).expect("a link");
    }
    let far = format!("{LONG}/{LONG}");
    symlink(far, folder.join("far")).expect("a link");
}

/// The same, with a link so long that it takes several fields. genisoimage states a wrong length for those.
pub fn put_farther(folder: &Path) {
    put_unix(folder);
    let far = format!("{LONG}/{LONG}/{LONG}/../{LONG}");
    symlink(far, folder.join("farther")).expect("a link");
}
