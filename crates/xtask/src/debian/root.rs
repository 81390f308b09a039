//! A Debian without anything of ours: made by debootstrap once, and kept as the lower layer of every machine.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Result, fail};
use crate::process::{capture, command};

/// What is there before our package comes: an init, and one of the loaders that it recommends.
const INCLUDED: &str = "systemd,systemd-sysv,ipxe";

/// A package source of this machine.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    mirror: String,
    suite: String,
    components: Vec<String>,
}

/// The folder of a fresh root, of the same release as this machine: the program was linked here.
pub(super) fn fresh(target: &Path) -> Result<PathBuf> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let Some(suite) = codename(&release) else {
        return fail("/etc/os-release names no VERSION_CODENAME: this is no Debian or Ubuntu");
    };
    let lab = target.join("lab");
    let root = lab.join(format!("{suite}-{}", INCLUDED.replace(',', "-")));
    if root.is_dir() {
        return Ok(root);
    }
    let format = "$(REPO_URI) $(CODENAME) $(COMPONENT)";
    let known = capture(&mut command(&[
        "apt-get",
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    let Some(source) = source(&known, suite) else {
        return fail(format!("apt knows no mirror of {suite}: see /etc/apt/sources.list"));
    };
    println!("debootstrap: {suite} from {}", source.mirror);
    // A name of its own until it is whole.
    let part = lab.join("part");
    let _ = fs::remove_dir_all(&part);
    fs::create_dir_all(&part).context(|| format!("making {}", part.display()))?;
    let components = format!("--components={}", source.components.join(","));
    let include = format!("--include={INCLUDED}");
    let to = part.to_string_lossy();
    capture(&mut command(&[
        "debootstrap",
        "--variant=minbase",
        &components,
        &include,
        &source.suite,
        &to,
        &source.mirror,
    ]))?;
    for spent in ["var/cache/apt/archives", "var/lib/apt/lists"] {
        let _ = fs::remove_dir_all(part.join(spent));
    }
    fs::rename(&part, &root).context(|| format!("making {}", root.display()))?;
    Ok(root)
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
