//! Names in another spelling than on the disk: Windows asks for `\Boot\BCD` where a copied medium has `boot/bcd`.
//!
//! Folders are read once and kept, in all loops' behalf, for as long as they do not change.

use core::cmp::Ordering;
use core::sync::atomic::{self, AtomicBool};
use core::time::Duration;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use cap_std::fs::Dir;
use log::warn;

use super::cache::Version;
use super::root::refusal;
use crate::engine::{ContentError, printable};

/// Names of one folder that are compared; in a larger folder upper and lower case differ.
pub const FOLDER_NAMES_MAX: usize = 8_192;
/// Names of all folders kept, of at most 255 bytes each: 9 MB at worst, usually a few hundred kB. The folder unused for
/// longest makes room.
pub const CASE_NAMES_MAX: usize = 32_768;
/// A folder that changed within this time is read again for every name: its next change might bear the same time.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// The names of one folder, in the order of [`compare`]; none if there are too many.
type Names = Arc<[Box<[u8]>]>;

/// The folders read so far.
#[derive(Debug, Default)]
pub(super) struct Cases {
    state: Mutex<State>,
    told: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    folders: HashMap<Version, Kept>,
    names: usize,
    /// Counts the uses.
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    names: Names,
    used: u64,
}

impl Cases {
    /// The path beneath `root` that `name`, normalised, stands for if case does not matter. In each folder the exact
    /// name wins; else there must be one other spelling alone.
    pub(super) fn resolve(&self, root: &Dir, name: &[u8]) -> Result<PathBuf, ContentError> {
        let mut path = PathBuf::new();
        for part in name.split(|byte| *byte == b'/') {
            let here = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
            // From the root each time: a link may lead elsewhere in it.
            let folder = root.open_dir(here).map_err(|error| refusal(&error))?;
            let names = self.names(folder, &path)?;
            path.push(OsStr::from_bytes(spelling(&names, part)?));
        }
        Ok(path)
    }

    fn names(&self, folder: Dir, path: &Path) -> Result<Names, ContentError> {
        let version = |folder: &Dir| {
            let folder = folder.try_clone().map(Dir::into_std_file);
            folder.and_then(|folder| folder.metadata()).map_err(|error| refusal(&error))
        };
        let before = version(&folder)?;
        if let Some(names) = self.lock().get(&Version::of(&before)) {
            return Ok(names);
        }
        let names: Names = match read(&folder).map_err(|error| refusal(&error))? {
            Some(names) => names.into(),
            None => {
                if !self.told.swap(true, atomic::Ordering::Relaxed) {
                    warn!(
                        "{} has more than {FOLDER_NAMES_MAX} names, too many to compare: upper and lower \
                         case differ in it",
                        Path::new("root").join(path).display()
                    );
                }
                Arc::default()
            }
        };
        if is_settled(&before) && Version::of(&version(&folder)?) == Version::of(&before) {
            self.lock().put(Version::of(&before), &names);
        }
        Ok(names)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn get(&mut self, version: &Version) -> Option<Names> {
        self.clock += 1;
        let kept = self.folders.get_mut(version)?;
        kept.used = self.clock;
        Some(Arc::clone(&kept.names))
    }

    fn put(&mut self, version: Version, names: &Names) {
        self.clock += 1;
        self.folders.retain(|known, kept| {
            let stays = !known.is_same_file(&version);
            self.names -= if stays { 0 } else { kept.names.len() };
            stays
        });
        // An empty folder counts too, or there could be any number of them.
        while self.names + names.len() > CASE_NAMES_MAX || self.folders.len() >= CASE_NAMES_MAX {
            let oldest = self.folders.iter().min_by_key(|(_, kept)| kept.used);
            let Some((&oldest, _)) = oldest else { break };
            self.names -= self.folders.remove(&oldest).map_or(0, |kept| kept.names.len());
        }
        self.names += names.len();
        self.folders.insert(version, Kept { names: Arc::clone(names), used: self.clock });
    }
}

fn is_settled(folder: &Metadata) -> bool {
    let age = folder.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    age.is_some_and(|age| age > SETTLED_AFTER)
}

/// The names of a folder, in the order of [`compare`]; `None` if there are too many.
fn read(folder: &Dir) -> std::io::Result<Option<Vec<Box<[u8]>>>> {
    let mut names = Vec::new();
    for entry in folder.entries()? {
        if names.len() >= FOLDER_NAMES_MAX {
            return Ok(None);
        }
        names.push(entry?.file_name().into_vec().into_boxed_slice());
    }
    names.sort_by(|one, other| compare(one, other).then_with(|| one.cmp(other)));
    Ok(Some(names))
}

/// As if all letters were small.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let [one, other] = [one, other].map(|name| name.iter().map(u8::to_ascii_lowercase));
    one.cmp(other)
}

/// The one of `names` that is meant.
fn spelling<'n>(names: &'n [Box<[u8]>], wanted: &[u8]) -> Result<&'n [u8], ContentError> {
    let first = names.partition_point(|name| compare(name, wanted).is_lt());
    let same = names[first..].iter().take_while(|name| name.eq_ignore_ascii_case(wanted));
    let spellings: Vec<&[u8]> = same.map(|name| &**name).collect();
    if let Some(exact) = spellings.iter().find(|name| **name == wanted) {
        return Ok(exact);
    }
    match spellings[..] {
        [] => Err(ContentError::NotFound),
        [only] => Ok(only),
        [one, other, ..] => Err(ContentError::Refused(format!(
            "{} and {} differ in upper and lower case alone, and neither is spelt {}; remove one",
            printable(one),
            printable(other),
            printable(wanted)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use cap_std::ambient_authority;

    use super::*;

    struct Tree {
        path: PathBuf,
        root: Dir,
        cases: Cases,
    }

    impl Tree {
        fn new(name: &str, files: &[&str]) -> Self {
            let path =
                std::env::temp_dir().join(format!("pxe-cases-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("tree");
            for file in files {
                let file = path.join(file);
                fs::create_dir_all(file.parent().expect("parent")).expect("tree");
                fs::write(file, "x").expect("file");
            }
            let root = Dir::open_ambient_dir(&path, ambient_authority()).expect("root");
            Self { path, root, cases: Cases::default() }
        }

        fn resolve(&self, name: &str) -> Result<String, ContentError> {
            let path = self.cases.resolve(&self.root, name.as_bytes())?;
            Ok(path.into_os_string().into_string().expect("text"))
        }

        /// As if the folder had not changed for an hour.
        fn age(&self, folder: &str) {
            let hour_ago = SystemTime::now() - Duration::from_secs(3600);
            let folder = fs::File::open(self.path.join(folder)).expect("folder");
            folder.set_modified(hour_ago).expect("time");
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.path);
        }
    }

    #[test]
    fn windows_finds_its_files() {
        let tree = Tree::new(
            "windows",
            &["boot/bcd", "Boot/Fonts/wgl4_boot.ttf", "sources/BOOT.WIM", "\u{c4}.txt", "Z", "a"],
        );
        symlink("sources", tree.path.join("Link")).expect("link");
        symlink("../boot/bcd", tree.path.join("sources/Store")).expect("link");
        for (asked, found) in [
            ("BOOT.WIM/x", None),
            ("Sources/boot.wim", Some("sources/BOOT.WIM")),
            ("sources/BOOT.WIM", Some("sources/BOOT.WIM")),
            ("LINK/boot.wim", Some("Link/BOOT.WIM")),
            ("sources/store", Some("sources/Store")),
            // The exact folder wins, even where only the other one has the file.
            ("Boot/fonts/WGL4_BOOT.TTF", Some("Boot/Fonts/wgl4_boot.ttf")),
            ("boot/fonts/wgl4_boot.ttf", None),
            ("boot/BCD", Some("boot/bcd")),
            ("z", Some("Z")),
            ("A", Some("a")),
            // ASCII letters alone have two cases here.
            ("\u{e4}.txt", None),
            ("\u{c4}.TXT", Some("\u{c4}.txt")),
            ("sources", Some("sources")),
            ("missing", None),
            ("sources/missing/x", None),
        ] {
            let expected = found.map(str::to_owned).ok_or(ContentError::NotFound);
            assert_eq!(tree.resolve(asked), expected, "{asked}");
        }
    }

    #[test]
    fn two_spellings_are_refused_unless_one_is_exact() {
        let tree = Tree::new("two", &["Boot/BCD", "Boot/bcd", "boot/x"]);
        assert_eq!(tree.resolve("Boot/BCD").as_deref(), Ok("Boot/BCD"));
        for (asked, names) in [("Boot/Bcd", ["BCD", "bcd"]), ("BOOT/BCD", ["Boot", "boot"])] {
            let Err(ContentError::Refused(said)) = tree.resolve(asked) else { panic!("{asked}") };
            assert!(names.iter().all(|name| said.contains(name)), "{said}");
        }
    }

    #[test]
    fn no_spelling_leads_outside() {
        let tree = Tree::new("outside", &["in/a"]);
        symlink("..", tree.path.join("Up")).expect("link");
        for asked in ["up/etc/passwd", "UP/x", "../etc/passwd", "in/../../etc/passwd"] {
            assert!(tree.resolve(asked).is_err(), "{asked}");
        }
    }

    #[test]
    fn a_folder_is_read_once_until_it_changes() {
        let tree = Tree::new("once", &["Boot/BCD"]);
        let kept = || tree.cases.lock().folders.len();
        tree.resolve("boot/bcd").expect("found");
        assert_eq!(kept(), 0, "what has just changed may change again in the same tick");
        tree.age("");
        tree.age("Boot");
        let names = |tree: &Tree| {
            let boot = tree.root.open_dir("Boot").expect("folder");
            tree.cases.names(boot, Path::new("Boot")).expect("names")
        };
        tree.resolve("boot/bcd").expect("found");
        assert_eq!(kept(), 2);
        assert!(Arc::ptr_eq(&names(&tree), &names(&tree)), "not read again");
        fs::write(tree.path.join("Boot/Other"), "x").expect("file");
        assert_eq!(tree.resolve("boot/other").as_deref(), Ok("Boot/Other"));
        fs::remove_file(tree.path.join("Boot/BCD")).expect("remove");
        assert_eq!(tree.resolve("boot/bcd"), Err(ContentError::NotFound));
        tree.age("Boot");
        tree.resolve("boot/other").expect("found");
        assert_eq!((kept(), tree.cases.lock().names), (2, 2), "the old state made room");
    }

    #[test]
    fn memory_is_bounded_and_so_is_a_folder() {
        let mut state = State::default();
        let version = |number: u64| Version::planted(number);
        let names: Names = (0..FOLDER_NAMES_MAX).map(|_| Box::from(&b"x"[..])).collect();
        for number in 0..9 {
            state.put(version(number), &names);
            assert!(state.get(&version(0)).is_some(), "just used");
        }
        assert!(state.names <= CASE_NAMES_MAX && state.folders.len() == 4, "{}", state.names);

        let tree = Tree::new("large", &[]);
        for number in 0..=FOLDER_NAMES_MAX {
            fs::write(tree.path.join(format!("N{number}")), "").expect("file");
        }
        assert_eq!(tree.resolve("n1"), Err(ContentError::NotFound));
        fs::remove_file(tree.path.join("N0")).expect("remove");
        assert_eq!(tree.resolve("n1").as_deref(), Ok("N1"));
    }
}
