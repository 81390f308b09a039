//! The steps that cargo does.

use crate::error::{Failure, Result};
use crate::process::show;
use crate::workspace::Workspace;

/// The published crates, which must be complete as packages.
const LIBRARIES: [&str; 5] = ["pxe-dhcp", "pxe-tftp", "pxe-select", "pxe-lease", "pxe-image"];

pub(super) fn format(workspace: &Workspace) -> Result<()> {
    show(&mut workspace.cargo(&["fmt", "--all", "--check"]))
}

pub(super) fn clippy(workspace: &Workspace) -> Result<()> {
    let words = "clippy --workspace --all-targets --all-features -- -D warnings";
    show(&mut workspace.cargo(&words.split(' ').collect::<Vec<_>>()))
}

pub(super) fn tests(workspace: &Workspace) -> Result<()> {
    show(&mut workspace.cargo(&["test", "--workspace", "--all-features"]))
}

pub(super) fn docs(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    show(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Without what is on by default: the codecs without `std`, the server without HTTP.
pub(super) fn no_std(workspace: &Workspace) -> Result<()> {
    show(&mut workspace.cargo(&["check", "--package", "pxe-dhcp", "--no-default-features"]))?;
    show(&mut workspace.cargo(&["check", "--package", "pxe-server", "--no-default-features"]))
}

pub(super) fn package(workspace: &Workspace) -> Result<()> {
    // Work in progress is tested too, so changes that are not committed are no fault.
    let mut words = vec!["package", "--quiet", "--allow-dirty"];
    words.extend(LIBRARIES.iter().flat_map(|library| ["--package", library]));
    show(&mut workspace.cargo(&words))
}

/// On the stable compiler: it shows that every target compiles against the crates as they are.
/// To fuzz, one needs nightly and cargo-fuzz.
pub(super) fn fuzz(workspace: &Workspace) -> Result<()> {
    let manifest = workspace.root.join("fuzz").join("Cargo.toml");
    if !manifest.is_file() {
        return Err(Failure::new(format!("{} is not there", manifest.display())));
    }
    let mut cargo = workspace.cargo(&["check", "--bins", "--manifest-path", "fuzz/Cargo.toml"]);
    show(cargo.env("CARGO_TARGET_DIR", workspace.target.join("fuzz")))
}
