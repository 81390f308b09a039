//! Installer discs, made here in the layout that Debian documents, since none can be downloaded.
//!
//! Installation Guide 4.2 and `debian-cd`: `.disk/info` names the system, `install.ARCH/` has kernel and initrd. The
//! initrd is the one for network boot (package `debian-installer-12-netboot-ARCH`): it fetches the rest from a mirror.

use std::fs;
use std::path::Path;

use crate::error::{Context as _, Result};
use crate::packages::{DEBIAN_AMD64_FILES, DEBIAN_ARM64_FILES};
use crate::process::{capture, command};

/// A disc of Debian's installer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disc {
    Amd64,
    Arm64,
}

impl Disc {
    /// Its file in the folder of images.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "debian-12-amd64.iso",
            Self::Arm64 => "debian-12-arm64.iso",
        }
    }

    /// What the distribution calls the architecture, the end of its folder's name, the kernel's first serial line,
    /// and kernel and initrd on this system.
    const fn parts(self) -> (&'static str, &'static str, &'static str, [&'static str; 2]) {
        match self {
            Self::Amd64 => ("amd64", "amd", "ttyS0", DEBIAN_AMD64_FILES[0]),
            Self::Arm64 => ("arm64", "a64", "ttyAMA0", DEBIAN_ARM64_FILES[0]),
        }
    }

    /// Writes the disc into this folder, and beside it a file that has its kernel speak on the serial line.
    pub(crate) fn make(self, images: &Path) -> Result<()> {
        let (arch, end, console, [kernel, initrd]) = self.parts();
        let disc = images.join(self.name());
        let layout = images.with_file_name(format!("disc-{arch}"));
        let doing = || format!("making {}", disc.display());
        fs::create_dir_all(images).context(doing)?;
        fs::create_dir_all(&layout).context(doing)?;
        let info = format!(
            "Debian GNU/Linux 12.12.0 \"Bookworm\" - Official {arch} NETINST with firmware 20250906-10:22"
        );
        fs::write(layout.join("info"), info).context(doing)?;
        let told = format!("[entry.install]\nappend = \"console={console}\"\n");
        fs::write(images.join(format!("{}.toml", self.name())), told).context(doing)?;
        let (to, label) = (disc.to_string_lossy(), format!("Debian 12.12.0 {arch} n"));
        let grafts = [
            format!(".disk={}", layout.display()),
            format!("install.{end}/vmlinuz={kernel}"),
            format!("install.{end}/initrd.gz={initrd}"),
        ];
        let mut words = "xorriso -as mkisofs -quiet -r -J".split(' ').collect::<Vec<_>>();
        words.extend(["-V", &label, "-o", &to, "-graft-points"]);
        words.extend(grafts.iter().map(String::as_str));
        capture(&mut command(&words)).context(doing).map(drop)
    }
}
