//! What Debian's own checker says of the package.

use std::path::Path;

use crate::error::Result;
use crate::process::{capture, command};

/// Errors and warnings fail; what is as it should be is named in `dist/debian/lintian-overrides`, with the reason.
const WORDS: [&str; 6] =
    ["lintian", "--allow-root", "--profile", "debian", "--fail-on", "error,warning"];

/// Checks a package.
pub(super) fn check(package: &Path) -> Result<()> {
    let file = package.to_string_lossy();
    // It tells on standard output what is wrong, and nothing if nothing is.
    let shell = ["sh", "-c", "\"$@\" >&2", "sh"];
    capture(&mut command(&[&shell[..], &WORDS, &[&*file]].concat()))?;
    println!("lintian has no error and no warning");
    Ok(())
}
