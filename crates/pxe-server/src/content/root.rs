//! The folder clients may read, and nothing outside it.
//!
//! cap-std opens every name beneath the folder's descriptor: by `openat2(RESOLVE_BENEATH)` where
//! the kernel has it, component by component elsewhere. A symlink inside may point inside.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use nix::fcntl::OFlag;

use super::cases::Cases;
use crate::engine::ContentError;

/// The root folder; it may be missing now and appear later.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    folder: OnceLock<Dir>,
}

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        let root = Self { path, folder: OnceLock::new() };
        root.folder();
        root
    }

    pub(super) fn folder(&self) -> Option<&Dir> {
        if let Some(folder) = self.folder.get() {
            return Some(folder);
        }
        let folder = Dir::open_ambient_dir(&self.path, ambient_authority()).ok()?;
        Some(self.folder.get_or_init(|| folder))
    }

    /// Opens a plain file by its normalised name; in another spelling, if `cases` are given and it has no other.
    pub(super) fn open(
        &self,
        name: &[u8],
        cases: Option<&Cases>,
    ) -> Result<(File, Metadata), ContentError> {
        let Some(folder) = self.folder() else { return Err(ContentError::NotFound) };
        match (open_beneath(folder, Path::new(OsStr::from_bytes(name))), cases) {
            (Err(ContentError::NotFound), Some(cases)) => {
                open_beneath(folder, &cases.resolve(folder, name)?)
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
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ContentError::NotFound,
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
}
