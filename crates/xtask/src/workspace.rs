//! Where things are, and cargo.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Context as _, Failure, Result, fail};
use crate::process::show;

/// The repository and where its builds go.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    /// Pages that are made from the program are written anew.
    pub(crate) update_docs: bool,
}

impl Workspace {
    /// Finds both from this program itself: `TARGET/PROFILE/xtask`, made from `ROOT/crates/xtask`.
    pub(crate) fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = package.ancestors().nth(2).map(Path::to_owned);
        let root = root.ok_or_else(|| Failure::new("xtask does not lie in crates/"))?;
        let program = env::current_exe().context(|| "finding this program".to_owned())?;
        let target = program.ancestors().nth(2).map(Path::to_owned);
        let target = target.ok_or_else(|| Failure::new("xtask does not lie in a target folder"))?;
        Ok(Self { root, target, update_docs: env::var_os("UPDATE_DOCS").is_some() })
    }

    /// This program anew, in the repository, by what runs and not by its path: there lies another, or none for a moment,
    /// when cargo has built it again meanwhile, with the features that the tests of all crates ask for.
    pub(crate) fn xtask(&self, words: &[&str]) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg0("xtask").args(words).current_dir(&self.root);
        command
    }

    /// A cargo command in the repository.
    pub(crate) fn cargo<W: AsRef<str>>(&self, words: &[W]) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(words.iter().map(AsRef::as_ref)).current_dir(&self.root);
        command
    }

    /// Builds the server for use and returns its path.
    pub(crate) fn build_server(&self) -> Result<PathBuf> {
        show(&mut self.server_build())?;
        self.built("release")
    }

    /// The command that builds it for use.
    pub(crate) fn server_build(&self) -> Command {
        self.cargo(&["build", "--release", "--package", "pxe-server"])
    }

    /// Builds the server as tests do, with every check, and returns its path.
    pub(crate) fn build_checked_server(&self) -> Result<PathBuf> {
        show(&mut self.cargo(&["build", "--package", "pxe-server"]))?;
        self.built("debug")
    }

    fn built(&self, profile: &str) -> Result<PathBuf> {
        let binary = self.target.join(profile).join("pxe-server");
        if binary.is_file() {
            return Ok(binary);
        }
        fail(format!("cargo built the server, but {} is not there", binary.display()))
    }
}
