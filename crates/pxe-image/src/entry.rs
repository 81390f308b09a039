//! One way to boot something over the network, free of any loader's syntax. Recognition makes entries, menus render them.

use crate::cpu::Cpu;

/// One choice of a menu.
///
/// Texts of command lines may hold placeholders, which the menu fills in for the machine that asks:
///
/// | placeholder | stands for |
/// |---|---|
/// | `{files}` | URL of the tree inside the image, without a `/` at its end |
/// | `{image}` | URL of the whole image |
/// | `{net}` | the same of what is made of the image for the machine, such as ESXi's `boot.cfg` ([`esxi`](crate::esxi)) |
/// | `{server}` | address and port of the HTTP server, as it stands in a URL |
/// | `{seed}` | URL of the folder of files that are made for this machine, without a `/` at its end |
/// | `{mac}` | the machine's address, `52:54:00:aa:00:01` |
/// | `{mac-hyphen}` | the same with hyphens |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootEntry {
    /// Names the entry among those of its image: `[a-z0-9-]+`.
    pub id: String,
    /// What people read.
    pub title: String,
    /// Processors it runs on; empty if that is not known, and then it is offered to every one.
    pub cpus: Vec<Cpu>,
    /// Firmware it can be started from.
    pub platforms: Platforms,
    /// Memory it needs, in MiB, if that is known.
    pub memory_mib: Option<u32>,
    /// What is loaded.
    pub how: How,
    /// What people should know before they choose it; empty if nothing.
    pub note: String,
}

/// Kinds of firmware. Others than the constants: change one's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Platforms {
    /// PC BIOS.
    pub bios: bool,
    /// UEFI.
    pub efi: bool,
}

impl Platforms {
    /// Both.
    pub const ANY: Self = Self { bios: true, efi: true };
    /// PC BIOS alone.
    pub const BIOS: Self = Self { bios: true, efi: false };
    /// UEFI alone.
    pub const EFI: Self = Self { bios: false, efi: true };
}

/// Where something that is loaded comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// A file inside the image, by its path there.
    Inside(String),
    /// The whole image.
    Whole,
    /// A file beneath the server's root folder, by its path there.
    Root(String),
    /// A URL as it stands; placeholders are allowed.
    Url(String),
}

/// A part of the initial RAM disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Initrd {
    /// Where it comes from.
    pub piece: Piece,
    /// The path it gets in the root file system if it is no archive but a file to be put there (iPXE alone can do that).
    pub path: Option<String>,
    /// Its mode there, as in `755`.
    pub mode: Option<u32>,
}

impl Initrd {
    /// An archive that is unpacked into the root file system.
    #[must_use]
    pub const fn new(piece: Piece) -> Self {
        Self { piece, path: None, mode: None }
    }

    /// A file that becomes `path` in the root file system.
    #[must_use]
    pub fn file(piece: Piece, path: impl Into<String>) -> Self {
        Self { piece, path: Some(path.into()), mode: None }
    }
}

/// What is loaded, and how it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum How {
    /// A Linux kernel.
    Linux {
        /// The kernel.
        kernel: Piece,
        /// Initial RAM disks, in their order.
        initrds: Vec<Initrd>,
        /// Its command line, without `initrd=`.
        cmdline: String,
    },
    /// Windows PE by wimboot.
    Wimboot {
        /// The WIM with Windows PE.
        wim: Piece,
        /// Files put beside it, by the name they get.
        files: Vec<(String, Piece)>,
    },
    /// A program for the firmware: an EFI file, or a BIOS kernel that iPXE knows.
    Chain {
        /// The program.
        program: Piece,
        /// Its arguments; placeholders are allowed.
        arguments: String,
    },
    /// The image as a disk or CD: iPXE's `sanboot`, a UEFI RAM disk, `memdisk`.
    Disk {
        /// It is a CD (ISO 9660), not a disk.
        cd: bool,
    },
}

impl BootEntry {
    /// An entry for every processor and firmware, which says nothing of memory; change fields from there.
    #[must_use]
    pub fn new(id: impl Into<String>, title: impl Into<String>, how: How) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            cpus: Vec::new(),
            platforms: Platforms::ANY,
            memory_mib: None,
            how,
            note: String::new(),
        }
    }

    /// Files beneath the server's root that it needs, by their paths there.
    #[must_use]
    pub fn root_files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = Vec::new();
        for piece in self.pieces() {
            if let Piece::Root(path) = piece {
                files.push(path);
            }
        }
        if matches!(self.how, How::Wimboot { .. }) {
            files.push(if self.cpus == [Cpu::Arm64] { "wimboot.arm64" } else { "wimboot" });
        }
        files
    }

    /// What of those files is not there, in words for people; none if nothing is missing.
    #[must_use]
    pub fn missing(&self, is_there: impl Fn(&str) -> bool) -> Option<String> {
        let files = self.root_files();
        let first = files.into_iter().find(|file| !is_there(file))?;
        Some(format!(
            "{:?} is not offered: {first} is not beneath the server's root folder{}{}",
            self.title,
            if self.note.is_empty() { "" } else { ". " },
            self.note
        ))
    }

    /// Files made for the machine that it needs: what stands behind `{seed}/`, empty for the folder itself.
    #[must_use]
    pub fn seed_files(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        for piece in self.pieces() {
            if let Piece::Url(url) = piece {
                texts.push(url);
            }
        }
        texts.push(match &self.how {
            How::Linux { cmdline: text, .. } | How::Chain { arguments: text, .. } => text,
            _ => "",
        });
        let named = texts.into_iter().flat_map(|text| text.split("{seed}").skip(1));
        named
            .map(|rest| {
                let end = rest.find(|end: char| end.is_whitespace() || "\"';,?#&".contains(end));
                rest[..end.unwrap_or(rest.len())].trim_start_matches('/')
            })
            .collect()
    }

    fn pieces(&self) -> Vec<&Piece> {
        match &self.how {
            How::Linux { kernel, initrds, .. } => {
                let initrds = initrds.iter().map(|Initrd { piece, .. }| piece);
                [kernel].into_iter().chain(initrds).collect()
            }
            How::Wimboot { wim, files } => {
                [wim].into_iter().chain(files.iter().map(|(_, piece)| piece)).collect()
            }
            How::Chain { program, .. } => vec![program],
            How::Disk { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(how: How, cpus: &[Cpu]) -> BootEntry {
        BootEntry { cpus: cpus.to_vec(), ..BootEntry::new("a", "A", how) }
    }

    #[test]
    fn what_is_needed_besides_the_image_is_named() {
        let initrds = vec![Initrd::new(Piece::Root("net.gz".into()))];
        let kernel = Piece::Root("linux".into());
        let cmdline = "auto url={seed}/preseed.cfg x={seed}/ s=1;s={seed}/a/b;c".to_owned();
        let linux = entry(How::Linux { kernel, initrds, cmdline }, &[]);
        assert_eq!(linux.root_files(), ["linux", "net.gz"]);
        assert_eq!(linux.seed_files(), ["preseed.cfg", "", "a/b"]);
        let files = vec![
            ("a.xml".to_owned(), Piece::Url("{seed}/a.xml".into())),
            ("b".to_owned(), Piece::Url("http://192.0.2.9/b".into())),
        ];
        let pe = How::Wimboot { wim: Piece::Inside("sources/boot.wim".into()), files };
        assert_eq!(entry(pe.clone(), &[Cpu::Arm64]).root_files(), ["wimboot.arm64"]);
        let pe = entry(pe, &[Cpu::X64]);
        assert_eq!((pe.root_files(), pe.seed_files()), (vec!["wimboot"], vec!["a.xml"]));
        let disk = entry(How::Disk { cd: true }, &[]);
        assert!(disk.root_files().is_empty() && disk.seed_files().is_empty());
    }
}
