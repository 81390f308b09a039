//! Files that nobody but their owner may read.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{Fault, Located};

/// The text of such a file. `key` names it in the configuration, `example` says what may stand in it.
///
/// # Errors
/// It cannot be read, or others may read it.
pub(crate) fn read(key: &str, file: &Located<PathBuf>, example: &str) -> Result<String, Fault> {
    let shown = file.value.display();
    let fault =
        |problem: String, remedy: String| Err(Fault::new(key, problem, remedy).at(Some(file.line)));
    let mut text = String::new();
    // The mode is that of the very file that is read.
    let read = File::open(&file.value).and_then(|mut open| {
        let mode = open.metadata()?.permissions().mode();
        open.read_to_string(&mut text).map(|_| mode)
    });
    match read {
        Ok(mode) if mode & 0o077 != 0 => {
            fault(format!("others may read {shown}"), format!("chmod 600 {shown}"))
        }
        Ok(_) => Ok(text),
        Err(error) => fault(format!("{shown} cannot be read: {error}"), example.to_owned()),
    }
}
