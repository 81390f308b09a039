//! What was found out about an image.

use core::fmt;

use crate::cpu::Cpu;
use crate::entry::{BootEntry, How, Platforms};
use crate::image::Image;
use crate::image::boot::BootPlatform;
use crate::source::ReadAt;
use crate::uefi::uefi_loaders;

/// What is known of an image besides its files. Everything may be left empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageFacts {
    /// Its file name, which becomes the title of what nobody recognises.
    pub name: String,
    /// Bytes in all.
    pub size: u64,
    /// Volume label, ISO 9660 or UDF.
    pub label: String,
    /// Publisher of the ISO 9660 descriptor.
    pub publisher: String,
    /// Application of the ISO 9660 descriptor.
    pub application: String,
    /// It has a UDF tree.
    pub udf: bool,
    /// It boots a PC BIOS: an El Torito entry of platform 0, or a boot record in its first sector.
    pub boots_bios: bool,
    /// It boots UEFI: an El Torito entry of platform 0xEF, or an EFI system partition.
    pub boots_efi: bool,
    /// Processors whose UEFI firmware finds a loader in it ([`uefi_loaders`]).
    pub uefi_loaders: Vec<Cpu>,
    /// Bytes that it lacks to be as long as it says.
    pub missing_bytes: u64,
    /// Why the UDF that it announces is not read ([`Image::passed_over`]); empty if it is, or there is none.
    pub passed_over: String,
}

impl ImageFacts {
    /// What an image that was opened says of itself.
    #[must_use]
    pub fn of<R: ReadAt>(name: &str, image: &Image<R>) -> Self {
        let said = image.facts();
        let boots = |platform| {
            image.boot_images().iter().any(|boot| boot.bootable && boot.platform == platform)
        };
        Self {
            name: name.to_owned(),
            size: image.source().size(),
            label: said.volume_id.clone(),
            publisher: said.publisher.clone(),
            application: said.application.clone(),
            udf: said.formats.udf.is_some(),
            boots_bios: boots(BootPlatform::Bios),
            boots_efi: boots(BootPlatform::Efi),
            uefi_loaders: uefi_loaders(image.source(), image.boot_images()),
            missing_bytes: image.missing_bytes(),
            passed_over: image.passed_over().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// Names the way to boot an image as a whole from memory, as the names of entries do.
pub const RAM_DISK: &str = "ram-disk";
/// Memory that a loader and a small system take beside the image, in MiB.
const BESIDE_RAM_DISK_MIB: u32 = 512;

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// It installs an operating system.
    Installer,
    /// It runs one from memory, and may install it.
    Live,
    /// A tool: memory test, rescue, partitions.
    Tool,
    /// Windows PE, or Windows setup.
    Windows,
    /// A boot program.
    Loader,
    /// Nobody knows.
    Unknown,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Installer, Self::Live, Self::Tool, Self::Windows, Self::Loader, Self::Unknown];

    /// Its name in rules: `installer`, `live`, `tool`, `windows`, `loader`, `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Installer => "installer",
            Self::Live => "live",
            Self::Tool => "tool",
            Self::Windows => "windows",
            Self::Loader => "loader",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an image is, and how it boots.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recognition {
    /// Identity of the rule that knew it; `unknown` if none did.
    pub rule: String,
    /// What people read.
    pub title: String,
    /// The distribution, or the maker's name of it.
    pub distribution: String,
    /// Its version, as the image says it.
    pub version: Option<String>,
    /// Processors it is made for; empty if that is not known.
    pub cpus: Vec<Cpu>,
    /// What it is for.
    pub kind: Kind,
    /// Ways to boot it, the best first. Empty if none can work: then [`warnings`](Self::warnings) say why.
    ///
    /// An entry with a [`Piece::Root`](crate::Piece::Root), or that starts by wimboot, needs a file that is not in the image: see
    /// [`without_missing`](Self::without_missing). One with `{seed}` in it works only if
    /// [such files](BootEntry::seed_files) are made.
    pub entries: Vec<BootEntry>,
    /// What will not work and why, in plain words.
    pub warnings: Vec<String>,
    /// The image's own first loader for UEFI, which Secure Boot lets vouch for its kernel (iPXE's `shim` command), by
    /// its path inside the image.
    pub shims: Vec<(Cpu, String)>,
    /// The whole image as a CD or disk of memory, where UEFI firmware finds a loader in it: [`RAM_DISK`]. Firmware in HTTP
    /// Boot starts it by itself, without any loader of ours. Not among the [`entries`](Self::entries), since menus come
    /// too late for that.
    pub ram_disk: Option<BootEntry>,
}

impl Recognition {
    /// Of an image that is called so and made for this, and of which nothing else is known yet; change fields from there.
    #[must_use]
    pub fn new(rule: impl Into<String>, title: impl Into<String>, kind: Kind) -> Self {
        Self {
            rule: rule.into(),
            title: title.into(),
            distribution: String::new(),
            version: None,
            cpus: Vec::new(),
            kind,
            entries: Vec::new(),
            warnings: Vec::new(),
            shims: Vec::new(),
            ram_disk: None,
        }
    }

    /// The first entry that a machine can boot.
    ///
    /// A 64-bit PC also runs what is made for 32 bits, except by UEFI, whose programs have the firmware's width.
    ///
    /// # Errors
    /// None can: why, in plain words.
    pub fn bootable(&self, cpu: Cpu, efi: bool) -> Result<&BootEntry, String> {
        let runs = |cpus: &[Cpu]| {
            cpus.is_empty()
                || cpus.contains(&cpu)
                || (!efi && cpu == Cpu::X64 && cpus.contains(&Cpu::X86))
        };
        if self.entries.is_empty() {
            return Err(match self.warnings.first() {
                Some(first) => first.clone(),
                None => "no way of booting it over the network is known".to_owned(),
            });
        }
        if !self.entries.iter().any(|entry| runs(&entry.cpus)) {
            let mut made_for: Vec<&str> =
                self.entries.iter().flat_map(|entry| &entry.cpus).map(|cpu| cpu.name()).collect();
            made_for.sort_unstable();
            made_for.dedup();
            return Err(format!("it is made for {}, not for {cpu}", made_for.join(" and ")));
        }
        let firmware = |entry: &&BootEntry| match efi {
            true => entry.platforms.efi,
            false => entry.platforms.bios && (entry.cpus.is_empty() || matches_pc(&entry.cpus)),
        };
        self.entries.iter().filter(|entry| runs(&entry.cpus)).find(firmware).ok_or_else(
            || match efi {
                true => "it boots by PC BIOS only".to_owned(),
                false => "it boots by UEFI only".to_owned(),
            },
        )
    }

    /// Leaves out the entries that need a file beneath the server's root which is not there, with a warning that names
    /// it.
    pub fn without_missing(&mut self, is_there: impl Fn(&str) -> bool) {
        let mut missing = Vec::new();
        self.entries.retain(|entry| {
            let lost = entry.missing(&is_there);
            let is_whole = lost.is_none();
            missing.extend(lost);
            is_whole
        });
        self.warnings.extend(missing);
    }
}

/// The image as a disk of memory, if firmware of any processor finds a loader in it.
pub(super) fn ram_disk(it: &Recognition, cpus: &[Cpu], cd: bool, bytes: u64) -> Option<BootEntry> {
    let image_mib = u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX);
    (!cpus.is_empty()).then(|| BootEntry {
        id: RAM_DISK.to_owned(),
        title: format!("{}: all of it in memory", it.title),
        cpus: cpus.to_vec(),
        platforms: Platforms::EFI,
        memory_mib: Some(image_mib.saturating_add(BESIDE_RAM_DISK_MIB)),
        how: How::Disk { cd },
        note:
            "A Linux that looks for its disc once it runs finds it only with nd_pmem in its initrd."
                .to_owned(),
    })
}

fn matches_pc(cpus: &[Cpu]) -> bool {
    cpus.iter().any(|cpu| matches!(cpu, Cpu::X86 | Cpu::X64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Piece;

    fn entry(cpus: &[Cpu], platforms: Platforms, kernel: Piece) -> BootEntry {
        BootEntry {
            id: "a".into(),
            title: "A".into(),
            cpus: cpus.to_vec(),
            platforms,
            memory_mib: None,
            how: How::Linux { kernel, initrds: Vec::new(), cmdline: String::new() },
            note: "Install the package.".into(),
        }
    }

    fn recognition(entries: Vec<BootEntry>) -> Recognition {
        Recognition {
            rule: "test".into(),
            title: "Test".into(),
            distribution: "Test".into(),
            version: None,
            cpus: Vec::new(),
            kind: Kind::Live,
            entries,
            warnings: Vec::new(),
            shims: Vec::new(),
            ram_disk: None,
        }
    }

    #[test]
    fn a_verdict_says_why_not() {
        let inside = || Piece::Inside("k".into());
        let it = recognition(vec![entry(&[Cpu::X64], Platforms::EFI, inside())]);
        assert!(it.bootable(Cpu::X64, true).is_ok());
        assert_eq!(it.bootable(Cpu::X64, false).expect_err("BIOS"), "it boots by UEFI only");
        let made_for = it.bootable(Cpu::Arm64, true).expect_err("another processor");
        assert_eq!(made_for, "it is made for x64, not for arm64");
        let old = recognition(vec![entry(&[Cpu::X86], Platforms::ANY, inside())]);
        assert!(old.bootable(Cpu::X64, false).is_ok(), "32-bit on a 64-bit PC");
        assert!(old.bootable(Cpu::X64, true).is_err(), "UEFI programs have its width");
        let mut none = recognition(Vec::new());
        assert!(none.bootable(Cpu::X64, true).expect_err("nothing").contains("no way"));
        none.warnings.push("it cannot".into());
        assert_eq!(none.bootable(Cpu::X64, true).expect_err("nothing"), "it cannot");
    }

    #[test]
    fn an_entry_without_its_files_becomes_a_warning() {
        let root = Piece::Root("debian/linux".into());
        let mut it = recognition(vec![entry(&[], Platforms::ANY, root)]);
        it.without_missing(|_| true);
        assert_eq!(it.entries.len(), 1);
        it.without_missing(|path| path != "debian/linux");
        assert!(it.entries.is_empty());
        assert_eq!(
            it.warnings,
            [
                "\"A\" is not offered: debian/linux is not beneath the server's root folder. Install the package."
            ]
        );
    }
}
