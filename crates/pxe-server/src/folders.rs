//! The folders of the configuration: whether they can be used, and what to do if not.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access, geteuid};

use crate::config::{Config, Fault};
use crate::journal;

/// Bytes that the journal may need on the disk: its file, and the one before.
const JOURNAL_BYTES: u64 = 2 * journal::FILE_BYTES_MAX;

/// What keeps us from reading `folder`, which `key` names.
pub fn unreadable(key: &str, folder: &Path) -> Option<Fault> {
    // A folder that can be listed and not entered has no files for us.
    let read = fs::read_dir(folder).map(drop).and_then(|()| Ok(access(folder, AccessFlags::X_OK)?));
    read.err().map(|error| of_error(key, folder, &error))
}

/// Whether the root is that of no configuration, and nobody has made it: nothing is wrong with that.
pub fn is_default_to_come(config: &Config) -> bool {
    config.file.is_none()
        && config.root == Config::default().root
        && fs::symlink_metadata(&config.root).is_err_and(|it| it.kind() == ErrorKind::NotFound)
}

fn of_error(key: &str, folder: &Path, error: &io::Error) -> Fault {
    let shown = folder.display();
    let remedy = match error.kind() {
        ErrorKind::NotFound => format!("mkdir -p {shown}, or name another folder: {key} = \"…\""),
        ErrorKind::PermissionDenied => {
            let user = geteuid();
            format!(
                "let user {user} read it and what is above and in it: sudo chmod -R o+rX {shown}"
            )
        }
        _ => format!("name a folder: {key} = \"…\""),
    };
    Fault::new(key, format!("{shown} cannot be read: {error}"), remedy)
}

/// What keeps us from keeping anything in the state folder.
pub fn unwritable_state(config: &Config) -> Option<Fault> {
    let state = &config.state;
    let shown = state.display();
    // What is not there yet is made, in the first folder above it that is.
    let there =
        state.ancestors().map(|it| if it.as_os_str().is_empty() { Path::new(".") } else { it });
    let there = there.into_iter().find(|it| fs::symlink_metadata(it).is_ok())?;
    if !there.is_dir() {
        let problem = format!("{} is no folder", there.display());
        return Some(Fault::new("state", problem, "name a folder: state = \"…\""));
    }
    if access(there, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        let user = geteuid();
        let remedy = if there == state {
            format!("sudo chown {user} {shown}, or name another folder: state = \"…\"")
        } else {
            format!("sudo install -d -o {user} {shown}, or name another folder: state = \"…\"")
        };
        let problem = format!("user {user} cannot write into {}", there.display());
        return Some(Fault::new("state", problem, remedy));
    }
    None
}

/// A disk that is about to be full.
pub fn little_room(config: &Config) -> Option<Fault> {
    let there = config.state.ancestors().find_map(|it| statvfs(it).ok())?;
    let free = there.blocks_available().saturating_mul(there.fragment_size());
    (free < JOURNAL_BYTES).then(|| {
        let mib = |bytes: u64| bytes >> 20;
        let problem = format!(
            "{} MiB are free on the disk of {}, and the journal alone may need {} MiB",
            mib(free),
            config.state.display(),
            mib(JOURNAL_BYTES)
        );
        Fault::new("state", problem, "make room, or name a folder of another disk")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_folder_decides_what_to_do() {
        let of = |kind: ErrorKind| of_error("root", Path::new("/srv/boot"), &kind.into()).remedy;
        assert!(of(ErrorKind::NotFound).starts_with("mkdir -p /srv/boot"));
        assert!(of(ErrorKind::PermissionDenied).ends_with("sudo chmod -R o+rX /srv/boot"));
        assert_eq!(of(ErrorKind::NotADirectory), "name a folder: root = \"…\"");
        assert_eq!(unreadable("root", &std::env::temp_dir()), None);
    }

    #[test]
    fn a_state_folder_that_is_a_file_is_told() {
        let state = |path: &str| Config { state: path.into(), ..Config::default() };
        let fault =
            unwritable_state(&state("/proc/self/status/state")).expect("a file is above it");
        assert!(fault.to_string().contains("/proc/self/status is no folder"), "{fault}");
        let good = std::env::temp_dir().join("pxe-no-such-folder/state");
        assert_eq!(unwritable_state(&Config { state: good, ..Config::default() }), None);
    }
}
