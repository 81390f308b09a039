//! `cargo xtask debian`: the Debian package of this source, made by cargo-deb.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Result, fail};
use crate::process::{capture, command, show};
use crate::workspace::Workspace;

/// Installed from crates.io when it is not there in this version.
const CARGO_DEB_VERSION: &str = "3.8.0";
/// Shells, and the names under which their packages look for completions.
const COMPLETIONS: [(&str, &str); 3] =
    [("bash", "pxe-server.bash"), ("zsh", "_pxe-server"), ("fish", "pxe-server.fish")];

/// Builds it and says where it is.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let packer = Packer::prepare(workspace)?;
    println!("{}", packer.pack("", &[])?.display());
    Ok(())
}

/// The built program with what belongs to it, and cargo-deb.
#[derive(Debug)]
pub(super) struct Packer<'w> {
    workspace: &'w Workspace,
    cargo_deb: PathBuf,
}

impl<'w> Packer<'w> {
    /// Builds the program, its manual and its completions.
    pub(super) fn prepare(workspace: &'w Workspace) -> Result<Self> {
        let binary = workspace.build_server()?;
        let folder = workspace.target.join("release").join("pxe-server-dist");
        let _ = fs::remove_dir_all(&folder);
        let manual = folder.join("man").display().to_string();
        let binary = binary.display().to_string();
        capture(&mut command(&[&binary, "man", "--folder", &manual]))?;
        // As small as it gets, and without a time in it (Debian policy 12.1).
        capture(&mut command(&["sh", "-c", "gzip -9n \"$1\"/*.1", "sh", &manual]))?;
        for (shell, name) in COMPLETIONS {
            let script = capture(&mut command(&[&binary, "completions", shell]))?;
            write(&folder.join(name), &script)?;
        }
        let cargo_deb = cargo_deb(workspace)?;
        Ok(Self { workspace, cargo_deb })
    }

    /// Makes the package, with flags for cargo-deb; `suffix` of the version makes one that is newer.
    pub(super) fn pack(&self, suffix: &str, flags: &[&str]) -> Result<PathBuf> {
        let version = format!("{}-1{suffix}", env!("CARGO_PKG_VERSION"));
        let folder = self.workspace.target.join("debian");
        fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
        let file = folder.join(format!("pxe-server_{version}.deb"));
        let (program, output) = (self.cargo_deb.to_string_lossy(), file.to_string_lossy());
        let words = "--package pxe-server --no-build --quiet --deb-version";
        let words: Vec<&str> = [&*program]
            .into_iter()
            .chain(words.split(' '))
            .chain([&*version, "--output", &output])
            .chain(flags.iter().copied())
            .collect();
        let mut command = command(&words);
        command.current_dir(&self.workspace.root).env("CARGO_TARGET_DIR", &self.workspace.target);
        capture(&mut command)?;
        if file.is_file() { Ok(file) } else { fail(format!("{} was not made", file.display())) }
    }
}

/// cargo-deb, installed beneath the target folder and nowhere else.
fn cargo_deb(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.target.join("tools");
    let program = tools.join("bin").join("cargo-deb");
    let words = [program.to_string_lossy().into_owned(), "--version".to_owned()];
    let found = capture(&mut command(&words)).unwrap_or_default();
    if found.trim().rsplit(' ').next() == Some(CARGO_DEB_VERSION) {
        return Ok(program);
    }
    println!("installing cargo-deb {CARGO_DEB_VERSION} into {}", tools.display());
    let root = tools.to_string_lossy().into_owned();
    let words = ["install", "--locked", "--quiet", "--root", &root, "--version", CARGO_DEB_VERSION];
    let builds = tools.join("build");
    let mut cargo = workspace.cargo(&[&words[..], &["cargo-deb"]].concat());
    show(cargo.env("CARGO_TARGET_DIR", &builds))?;
    // Needed once.
    let _ = fs::remove_dir_all(&builds);
    Ok(program)
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).context(|| format!("writing {}", file.display()))
}
