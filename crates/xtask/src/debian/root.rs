//! Debian without anything of ours: made by debootstrap once, and kept. Alone it is what containers are made of; with an
//! init it is the lower layer of every machine.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Result, fail};
use crate::process::{capture, command};

/// What a machine has before our package comes: an init, and one of the loaders that it recommends.
const INCLUDED: [&str; 3] = ["systemd", "systemd-sysv", "ipxe"];
/// Installs packages in a root, which has a package source and no `/proc`. Arguments: the root, the packages.
const INSTALL: &str = "root=$1; shift; mount -t proc proc \"$root/proc\"; export DEBIAN_FRONTEND=noninteractive LC_ALL=C; \
    chroot \"$root\" apt-get update -qq; \
    chroot \"$root\" apt-get install --yes -qq --no-install-recommends \"$@\"";

/// A package source of this machine.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    mirror: String,
    suite: String,
    components: Vec<String>,
}

/// The folder of a root with an init.
pub(super) fn with_init(target: &Path) -> Result<PathBuf> {
    let suite = suite()?;
    let root = target.join("lab").join(format!("{suite}-{}", INCLUDED.join("-")));
    if root.is_dir() {
        return Ok(root);
    }
    let bare = bare(target)?;
    make(&root, |part| {
        let (from, to) = (bare.to_string_lossy(), part.to_string_lossy());
        capture(&mut command(&["cp", "--archive", &from, &to]))?;
        let words = ["unshare", "--mount", "sh", "-ec", INSTALL, "sh", &to];
        capture(&mut command(&[&words[..], &INCLUDED].concat())).map(drop)
    })
}

/// The folder of a root with nothing but what every Debian has, of the same release as this machine: the program was
/// linked here.
pub(super) fn bare(target: &Path) -> Result<PathBuf> {
    let suite = suite()?;
    let root = target.join("lab").join(format!("{suite}-minbase"));
    if root.is_dir() {
        return Ok(root);
    }
    let format = "$(REPO_URI) $(CODENAME) $(COMPONENT)";
    let words = ["apt-get", "indextargets", "--format", format, "Created-By: Packages"];
    let known = capture(&mut command(&words))?;
    let Some(source) = source(&known, &suite) else {
        return fail(format!("apt knows no mirror of {suite}: see /etc/apt/sources.list"));
    };
    println!("debootstrap: {suite} from {}", source.mirror);
    make(&root, |part| {
        let components = format!("--components={}", source.components.join(","));
        let to = part.to_string_lossy();
        let words = ["debootstrap", "--variant=minbase", &components];
        let rest = [&*source.suite, &*to, &*source.mirror];
        capture(&mut command(&[&words[..], &rest].concat())).map(drop)
    })
}

/// Makes a root under a name of its own until it is whole, and without what apt keeps.
fn make(root: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let part = root.with_extension("part");
    let _ = fs::remove_dir_all(&part);
    if let Some(lab) = root.parent() {
        fs::create_dir_all(lab).context(|| format!("making {}", lab.display()))?;
    }
    fill(&part)?;
    for spent in ["var/cache/apt/archives", "var/lib/apt/lists"] {
        let _ = fs::remove_dir_all(part.join(spent));
    }
    fs::rename(&part, root).context(|| format!("making {}", root.display()))?;
    Ok(root.to_owned())
}

/// The image that a container of this machine's release begins with, by the name that registries have for it.
pub(super) fn base_image() -> Result<String> {
    let release = release();
    let suite = suite()?;
    Ok(match release.lines().any(|line| line == "ID=ubuntu") {
        true => format!("docker.io/library/ubuntu:{suite}"),
        false => format!("docker.io/library/debian:{suite}-slim"),
    })
}

fn suite() -> Result<String> {
    match codename(&release()) {
        Some(suite) => Ok(suite.to_owned()),
        None => fail("/etc/os-release names no VERSION_CODENAME: this is no Debian or Ubuntu"),
    }
}

fn release() -> String {
    fs::read_to_string("/etc/os-release").unwrap_or_default()
}

fn codename(release: &str) -> Option<&str> {
    release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|it| it.trim_matches('"'))
}

/// The first mirror that has this very suite, with its components.
fn source(known: &str, suite: &str) -> Option<Source> {
    let lines = || {
        known
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?, words.next()?, words.next()?))
            })
            .filter(|(_, codename, _)| *codename == suite)
    };
    // Others' archives may have a suite of the same name.
    let debian = lines().find(|(_, _, component)| *component == "main")?;
    let mut components: Vec<String> = Vec::new();
    for (_, _, component) in lines().filter(|(mirror, _, _)| *mirror == debian.0) {
        if !components.iter().any(|it| it == component) {
            components.push(component.to_owned());
        }
    }
    Some(Source { mirror: debian.0.to_owned(), suite: suite.to_owned(), components })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_one_of_this_release() {
        let known = "https://deb.example/node nodistro main\n\
                     http://deb.debian.org/debian-security/ bookworm-security main\n\
                     http://deb.debian.org/debian/ bookworm main\n\
                     http://deb.debian.org/debian/ bookworm main\n\
                     http://deb.debian.org/debian/ bookworm contrib\n";
        let found = source(known, "bookworm").unwrap();
        assert_eq!(found.mirror, "http://deb.debian.org/debian/");
        assert_eq!(found.components, ["main", "contrib"]);
        assert_eq!(source(known, "trixie"), None);
        assert_eq!(codename("ID=debian\nVERSION_CODENAME=bookworm\n"), Some("bookworm"));
    }
}
