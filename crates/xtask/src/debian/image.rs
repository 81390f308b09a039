//! `cargo xtask container`: the container image, made of the Debian package by whichever program for images is there.

use std::fs;
use std::path::{Path, PathBuf};

use super::build::Packer;
use super::root;
use crate::error::{Context as _, Result, fail};
use crate::process::{command, find_program, show};
use crate::workspace::Workspace;

const CONTAINERFILE: &str = include_str!("../../../pxe-server/dist/Containerfile");
/// What takes the same words to build an image.
const BUILDERS: [&str; 3] = ["podman", "docker", "buildah"];

/// Builds it and says how it is called.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let Some(program) = BUILDERS.into_iter().find(|name| find_program(name).is_some()) else {
        return fail(
            "to build an image one of podman, docker and buildah is needed: sudo apt install podman",
        );
    };
    let package = Packer::prepare(workspace)?.pack("", &[])?;
    let folder = context(&workspace.target, &package)?;
    let name = format!("pxe-server:{}", env!("CARGO_PKG_VERSION"));
    let words = build_words(&folder, &root::base_image()?, &name);
    let mut build = command(&[vec![program.to_owned()], words].concat());
    // The recipe mounts the package, which older builders of Docker, its default until 23, cannot.
    build.env("DOCKER_BUILDKIT", "1");
    show(&mut build)?;
    println!("{name}");
    Ok(())
}

/// The folder that an image is made of: its recipe and the package.
pub(super) fn context(beneath: &Path, package: &Path) -> Result<PathBuf> {
    let folder = beneath.join("container");
    fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    let (recipe, copy) = (folder.join("Containerfile"), folder.join("pxe-server.deb"));
    fs::write(&recipe, CONTAINERFILE).context(|| format!("writing {}", recipe.display()))?;
    fs::copy(package, &copy).context(|| format!("copying {}", package.display()))?;
    Ok(folder)
}

/// What every builder is told.
pub(super) fn build_words(folder: &Path, base: &str, name: &str) -> Vec<String> {
    let recipe = folder.join("Containerfile").display().to_string();
    let base = format!("BASE={base}");
    let words = ["build", "--file", &recipe, "--build-arg", &base, "--tag", name];
    words.into_iter().map(str::to_owned).chain([folder.display().to_string()]).collect()
}
