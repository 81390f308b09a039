//! Discs, made here since none can be downloaded: Debian's installer in the layout that Debian documents, and a rescue disc.
//!
//! Installation Guide 4.2 and `debian-cd`: `.disk/info` names the system, `install.ARCH/` has kernel and initrd. The
//! initrd is the one for network boot (package `debian-installer-12-netboot-ARCH`): it fetches the rest from a mirror.
//! The ARM64 disc starts by itself, as Debian's does: El Torito leads firmware to a FAT file system with shim and GRUB.

use std::fs;
use std::io::{self, Cursor, Write as _};
use std::path::Path;

use fatfs::{FileSystem, FormatVolumeOptions, FsOptions};

use crate::error::{Context as _, Failure, Result};
use crate::packages::{
    DEBIAN_AMD64_FILES, DEBIAN_ARM64_FILES, MEMTEST_FILES, SHIM_ARM64_FILES, SHIM_GRUB_ARM64_FILES,
};
use crate::process::{capture, command};

/// Room for shim and GRUB.
const EFI_BYTES: usize = 8 << 20;

/// A disc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disc {
    /// Debian's installer.
    Amd64,
    Arm64,
    /// GRUB for BIOS and x64 UEFI, which starts Memtest86+.
    Rescue,
}

impl Disc {
    pub(crate) const ALL: [Self; 3] = [Self::Amd64, Self::Arm64, Self::Rescue];

    /// Its file in the folder of images.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "debian-12-amd64.iso",
            Self::Arm64 => "debian-12-arm64.iso",
            Self::Rescue => "rescue.iso",
        }
    }

    /// Writes the disc into this folder. Beside one of Debian's a file has its kernel speak on the serial line.
    pub(crate) fn make(self, images: &Path) -> Result<()> {
        let doing = || format!("making {}", images.join(self.name()).display());
        fs::create_dir_all(images).context(doing)?;
        match self {
            Self::Amd64 => self.make_debian(images, ("amd64", "amd", "ttyS0", DEBIAN_AMD64_FILES)),
            Self::Arm64 => {
                self.make_debian(images, ("arm64", "a64", "ttyAMA0", DEBIAN_ARM64_FILES))
            }
            Self::Rescue => self.make_rescue(images),
        }
        .context(doing)
    }

    /// `parts`: what the distribution calls the architecture, the end of its folder's name, the kernel's first serial
    /// line, and kernel and initrd on this system.
    fn make_debian(
        self,
        images: &Path,
        (arch, end, console, files): (&str, &str, &str, &[[&str; 2]]),
    ) -> Result<()> {
        let [kernel, initrd] = files.first().copied().unwrap_or_default();
        let disc = images.join(self.name());
        let layout = images.with_file_name(format!("disc-{arch}"));
        let info = format!(
            "Debian GNU/Linux 12.12.0 \"Bookworm\" - Official {arch} NETINST with firmware 20250906-10:22"
        );
        let told = format!("[entry.install]\nappend = \"console={console}\"\n");
        write(&layout.join("info"), info.as_bytes())?;
        write(&images.join(format!("{}.toml", self.name())), told.as_bytes())?;
        let (to, label) = (disc.to_string_lossy(), format!("Debian 12.12.0 {arch} n"));
        let mut grafts = vec![
            format!(".disk={}", layout.display()),
            format!("install.{end}/vmlinuz={kernel}"),
            format!("install.{end}/initrd.gz={initrd}"),
        ];
        let mut words = "xorriso -as mkisofs -quiet -r -J".split(' ').collect::<Vec<_>>();
        words.extend(["-V", &label, "-o", &to]);
        if self == Self::Arm64 {
            words.extend(["-e", "boot/grub/efi.img", "-no-emul-boot"]);
            grafts.extend(start_of_arm64(images, end, console)?);
        }
        words.push("-graft-points");
        words.extend(grafts.iter().map(String::as_str));
        capture(&mut command(&words)).map(drop)
    }

    fn make_rescue(self, images: &Path) -> Result<()> {
        let (disc, layout) = (images.join(self.name()), images.with_file_name("disc-rescue"));
        let memtest = MEMTEST_FILES.first().copied().unwrap_or_default();
        let program = fs::read(memtest).context(|| format!("reading {memtest}"))?;
        write(&layout.join("boot/memtest86+"), &program)?;
        write(&layout.join("boot/grub/grub.cfg"), RESCUE_MENU.as_bytes())?;
        let (to, from) = (disc.to_string_lossy(), layout.to_string_lossy());
        capture(&mut command(&["grub-mkrescue", "-o", &to, &from])).map(drop)
    }
}

const RESCUE_MENU: &str = "serial --unit=0 --speed=115200\n\
     terminal_output serial console\n\
     set timeout=0\n\
     menuentry \"Memory test\" { linux /boot/memtest86+ console=ttyS0,115200 }\n";

/// What makes the ARM64 disc start by itself: the file system for firmware, and the menu that its GRUB looks for on the
/// disc, by the folder it was built with.
fn start_of_arm64(images: &Path, end: &str, console: &str) -> Result<[String; 2]> {
    let layout = images.with_file_name("disc-start");
    let program = |files: &[&str]| {
        let file = files.first().copied().unwrap_or_default();
        fs::read(file).context(|| format!("reading {file}"))
    };
    let (shim, grub) = (program(SHIM_ARM64_FILES)?, program(SHIM_GRUB_ARM64_FILES)?);
    let files = [("BOOTAA64.EFI", shim.as_slice()), ("grubaa64.efi", grub.as_slice())];
    let system = file_system(&files).context(|| "making a FAT file system".to_owned())?;
    let menu = format!(
        "set timeout=0\n\
         menuentry Install {{\n\
           linux /install.{end}/vmlinuz console={console}\n\
           initrd /install.{end}/initrd.gz\n\
         }}\n"
    );
    write(&layout.join("efi.img"), &system)?;
    write(&layout.join("grub.cfg"), menu.as_bytes())?;
    Ok([
        format!("boot/grub/efi.img={}", layout.join("efi.img").display()),
        format!("debian-installer/arm64/grub/grub.cfg={}", layout.join("grub.cfg").display()),
    ])
}

/// A FAT file system with these files in `EFI/BOOT`.
fn file_system(files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut volume = Cursor::new(vec![0; EFI_BYTES]);
    fatfs::format_volume(&mut volume, FormatVolumeOptions::new())?;
    let system = FileSystem::new(&mut volume, FsOptions::new())?;
    let folder = system.root_dir().create_dir("EFI")?.create_dir("BOOT")?;
    for (name, content) in files {
        folder.create_file(name)?.write_all(content)?;
    }
    drop(folder);
    system.unmount()?;
    Ok(volume.into_inner())
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    let folder = path.parent().ok_or_else(|| Failure::new(doing()))?;
    fs::create_dir_all(folder).context(doing)?;
    fs::write(path, content).context(doing)
}
