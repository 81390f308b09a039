//! The folder clients may read, and nothing outside it.
//!
//! cap-std opens every name beneath the folder's descriptor: by `openat2(RESOLVE_BENEATH)` where
//! the kernel has it, component by component elsewhere. A symlink inside may point inside.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt};
use nix::fcntl::OFlag;

use super::cases::Cases;
use crate::engine::ContentError;

/// The root folder; it may be missing now and appear later, and another one may take its place.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    held: RwLock<Option<Held>>,
}

/// A folder that is open.
#[derive(Clone, Debug)]
struct Held {
    folder: Arc<Dir>,
    which: Which,
}

/// Device and inode. As long as the folder is open, no other one gets its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Which(u64, u64);

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        let root = Self { path, held: RwLock::default() };
        root.folder();
        root
    }

    /// The folder that has the path now: one that was removed and made again, or mounted over, is another.
    pub(super) fn folder(&self) -> Option<Arc<Dir>> {
        self.held().map(|held| held.folder)
    }

    /// Which folder that is.
    pub(super) fn which(&self) -> Option<Which> {
        self.held().map(|held| held.which)
    }

    fn held(&self) -> Option<Held> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        let there = match std::fs::metadata(&self.path) {
            Ok(metadata) => Some(Which(metadata.dev(), metadata.ino())),
            Err(error) if is_missing(&error) => None,
            // Who may not look any more may still read what is open.
            Err(_) if held.is_some() => return held,
            Err(_) => None,
        };
        if held.as_ref().map(|held| held.which) == there {
            return held;
        }
        let opened = there.and_then(|_| self.open_anew().ok());
        self.held.write().unwrap_or_else(PoisonError::into_inner).clone_from(&opened);
        opened
    }

    fn open_anew(&self) -> io::Result<Held> {
        let folder = Dir::open_ambient_dir(&self.path, ambient_authority())?;
        let metadata = folder.dir_metadata()?;
        let which = Which(metadata.dev(), metadata.ino());
        Ok(Held { folder: Arc::new(folder), which })
    }

    /// Opens a plain file by its normalised name; in another spelling, if `cases` are given and it has no other.
    pub(super) fn open(
        &self,
        name: &[u8],
        cases: Option<&Cases>,
    ) -> Result<(File, Metadata), ContentError> {
        let Some(folder) = self.folder() else { return Err(ContentError::NotFound) };
        match (open_beneath(&folder, Path::new(OsStr::from_bytes(name))), cases) {
            (Err(ContentError::NotFound), Some(cases)) => {
                open_beneath(&folder, &cases.resolve(&folder, name)?)
            }
            (opened, _) => opened,
        }
    }
}

/// Opens a plain file beneath a folder.
#[cfg(feature = "http")]
pub(super) fn open_in(folder: &Dir, name: &Path) -> Result<File, ContentError> {
    open_beneath(folder, name).map(|(file, _)| file)
}

fn open_beneath(folder: &Dir, name: &Path) -> Result<(File, Metadata), ContentError> {
    let mut options = OpenOptions::new();
    // A FIFO or a terminal in the tree must not hang the loop.
    options.read(true).custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits());
    let file = folder.open_with(name, &options).map_err(|error| refusal(&error))?.into_std();
    plain(file)
}

/// Opens one fixed file of the system's packages.
pub(super) fn open_system(path: &Path) -> Result<(File, Metadata), ContentError> {
    plain(File::open(path).map_err(|error| refusal(&error))?)
}

fn plain(file: File) -> Result<(File, Metadata), ContentError> {
    let metadata = file.metadata().map_err(|error| refusal(&error))?;
    if !metadata.is_file() {
        return Err(ContentError::Refused("not a plain file".to_owned()));
    }
    Ok((file, metadata))
}

pub(super) fn refusal(error: &io::Error) -> ContentError {
    match error.kind() {
        _ if is_missing(error) => ContentError::NotFound,
        // cap-std reports an escape as PermissionDenied too.
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::CrossesDevices
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidFilename => ContentError::Refused(error.to_string()),
        // ELOOP has no stable ErrorKind.
        _ if error.raw_os_error() == Some(nix::libc::ELOOP) => {
            ContentError::Refused(error.to_string())
        }
        _ => ContentError::Unavailable(error.to_string()),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (PathBuf, Root) {
        let base = std::env::temp_dir().join(format!(
            "pxe-root-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let root = base.join("boot");
        fs::create_dir_all(root.join("sub")).expect("tree");
        fs::create_dir_all(base.join("boot-private")).expect("tree");
        fs::write(base.join("secret"), "secret").expect("file");
        fs::write(base.join("boot-private/secret"), "secret").expect("file");
        fs::write(root.join("a.efi"), "loader").expect("file");
        fs::write(root.join("a..b"), "dots").expect("file");
        for (target, link) in [
            ("../secret", "out"),
            ("/etc/passwd", "absolute"),
            ("../../secret", "sub/out"),
            ("..", "up"),
            ("loop", "loop"),
            ("../a.efi", "sub/inside"),
        ] {
            let _ = symlink(target, root.join(link));
        }
        let _ = nix::unistd::mkfifo(&root.join("fifo"), nix::sys::stat::Mode::S_IRWXU);
        let opened = Root::new(root);
        (base, opened)
    }

    #[test]
    fn no_name_yields_a_byte_from_outside() {
        let (base, root) = tree();
        for name in [
            "../secret",
            "sub/../../secret",
            "/etc/passwd",
            "out",
            "absolute",
            "sub/out",
            "up/secret",
            "up/boot-private/secret",
            "loop",
            "fifo",
            "sub",
            ".",
            "",
            "a.efi/x",
            "a.efi/",
            "missing\0name",
        ] {
            assert!(root.open(name.as_bytes(), None).is_err(), "{name:?} was opened");
        }
        fs::remove_dir_all(base).expect("clean");
    }

    #[test]
    fn plain_files_and_links_inside_are_served() {
        let (base, root) = tree();
        for name in ["a.efi", "a..b", "sub/inside"] {
            assert!(root.open(name.as_bytes(), None).is_ok(), "{name:?} was refused");
        }
        fs::remove_dir_all(base).expect("clean");
    }

    #[test]
    fn a_root_that_appears_later_is_found() {
        let base = std::env::temp_dir().join(format!("pxe-late-{}", std::process::id()));
        let root = Root::new(base.clone());
        assert_eq!(root.open(b"a", None).err(), Some(ContentError::NotFound));
        fs::create_dir_all(&base).expect("folder");
        fs::write(base.join("a"), "x").expect("file");
        assert!(root.open(b"a", None).is_ok());
        fs::remove_dir_all(base).expect("clean");
    }

    #[test]
    fn another_folder_in_its_place_is_the_root() {
        let base = tempfile::tempdir().expect("a folder");
        let path = base.path().join("boot");
        let root = Root::new(path.clone());
        let read = || {
            let (file, _) = root.open(b"a", None).ok()?;
            io::read_to_string(file).ok()
        };
        for content in ["first", "second"] {
            fs::create_dir(&path).expect("a folder");
            fs::write(path.join("a"), content).expect("a file");
            assert_eq!(read().as_deref(), Some(content), "made again");
            fs::remove_dir_all(&path).expect("removed");
            assert_eq!(read(), None, "{content}");
        }
        // As a new state of all files is put in place at once.
        for content in ["third", "fourth"] {
            let next = base.path().join(content);
            fs::create_dir(&next).expect("a folder");
            fs::write(next.join("a"), content).expect("a file");
            let _ = fs::rename(&path, base.path().join(format!("before-{content}")));
            fs::rename(next, &path).expect("in its place");
            assert_eq!(read().as_deref(), Some(content));
        }
    }
}
