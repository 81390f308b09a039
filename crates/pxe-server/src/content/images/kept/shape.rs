//! What was recognised, in the form of the file. `pxe-image` has no form of its own for it, since it shows no types of
//! others, such as serde's.

use pxe_image::recognise::{Kind, Recognition};
use pxe_image::{BootEntry, Cpu, How, Initrd, Piece};
use serde::{Deserialize, Serialize};

/// A [`Recognition`].
#[derive(Serialize, Deserialize)]
pub(super) struct Shape {
    rule: String,
    title: String,
    distribution: String,
    version: Option<String>,
    cpus: Vec<String>,
    kind: String,
    entries: Vec<Entry>,
    warnings: Vec<String>,
    shims: Vec<(String, String)>,
    /// One or none; a line of an older program, which has no word of it, is not taken for none.
    ram_disk: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    id: String,
    title: String,
    cpus: Vec<String>,
    bios: bool,
    efi: bool,
    memory_mib: Option<u32>,
    how: Start,
    note: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Start {
    Linux { kernel: Origin, initrds: Vec<Part>, cmdline: String },
    Wimboot { wim: Origin, files: Vec<(String, Origin)> },
    Chain { program: Origin, arguments: String },
    Disk { cd: bool },
}

#[derive(Serialize, Deserialize)]
struct Part {
    from: Origin,
    path: Option<String>,
    mode: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Origin {
    Inside(String),
    Whole,
    Root(String),
    Url(String),
}

impl Shape {
    /// `None` if the library has come to know something that has no form here.
    pub(super) fn of(it: &Recognition) -> Option<Self> {
        Some(Self {
            rule: it.rule.clone(),
            title: it.title.clone(),
            distribution: it.distribution.clone(),
            version: it.version.clone(),
            cpus: names(&it.cpus),
            kind: it.kind.name().to_owned(),
            entries: it.entries.iter().map(Entry::of).collect::<Option<_>>()?,
            warnings: it.warnings.clone(),
            shims: it
                .shims
                .iter()
                .map(|(cpu, path)| (cpu.name().to_owned(), path.clone()))
                .collect(),
            ram_disk: it.ram_disk.iter().map(Entry::of).collect::<Option<_>>()?,
        })
    }

    /// `None` if it names what nobody knows.
    pub(super) fn read(self) -> Option<Recognition> {
        let shims = self.shims.into_iter().map(|(cpu, path)| Some((Cpu::from_name(&cpu)?, path)));
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == self.kind)?;
        let mut it = Recognition::new(self.rule, self.title, kind);
        it.distribution = self.distribution;
        it.version = self.version;
        it.cpus = cpus(&self.cpus)?;
        it.entries = self.entries.into_iter().map(Entry::read).collect::<Option<_>>()?;
        it.warnings = self.warnings;
        it.shims = shims.collect::<Option<_>>()?;
        it.ram_disk = match self.ram_disk.into_iter().next() {
            Some(entry) => Some(entry.read()?),
            None => None,
        };
        Some(it)
    }
}

fn names(cpus: &[Cpu]) -> Vec<String> {
    cpus.iter().map(|cpu| cpu.name().to_owned()).collect()
}

fn cpus(names: &[String]) -> Option<Vec<Cpu>> {
    names.iter().map(|name| Cpu::from_name(name)).collect()
}

impl Entry {
    fn of(it: &BootEntry) -> Option<Self> {
        Some(Self {
            id: it.id.clone(),
            title: it.title.clone(),
            cpus: names(&it.cpus),
            bios: it.platforms.bios,
            efi: it.platforms.efi,
            memory_mib: it.memory_mib,
            how: Start::of(&it.how)?,
            note: it.note.clone(),
        })
    }

    fn read(self) -> Option<BootEntry> {
        let mut it = BootEntry::new(self.id, self.title, self.how.read());
        it.cpus = cpus(&self.cpus)?;
        it.platforms.bios = self.bios;
        it.platforms.efi = self.efi;
        it.memory_mib = self.memory_mib;
        it.note = self.note;
        Some(it)
    }
}

impl Start {
    fn of(how: &How) -> Option<Self> {
        Some(match how {
            How::Linux { kernel, initrds, cmdline } => Self::Linux {
                kernel: Origin::of(kernel)?,
                initrds: initrds.iter().map(Part::of).collect::<Option<_>>()?,
                cmdline: cmdline.clone(),
            },
            How::Wimboot { wim, files } => {
                let files =
                    files.iter().map(|(name, piece)| Some((name.clone(), Origin::of(piece)?)));
                Self::Wimboot { wim: Origin::of(wim)?, files: files.collect::<Option<_>>()? }
            }
            How::Chain { program, arguments } => {
                Self::Chain { program: Origin::of(program)?, arguments: arguments.clone() }
            }
            How::Disk { cd } => Self::Disk { cd: *cd },
            _ => return None,
        })
    }

    fn read(self) -> How {
        match self {
            Self::Linux { kernel, initrds, cmdline } => How::Linux {
                kernel: kernel.read(),
                initrds: initrds.into_iter().map(Part::read).collect(),
                cmdline,
            },
            Self::Wimboot { wim, files } => How::Wimboot {
                wim: wim.read(),
                files: files.into_iter().map(|(name, from)| (name, from.read())).collect(),
            },
            Self::Chain { program, arguments } => How::Chain { program: program.read(), arguments },
            Self::Disk { cd } => How::Disk { cd },
        }
    }
}

impl Part {
    fn of(it: &Initrd) -> Option<Self> {
        Some(Self { from: Origin::of(&it.piece)?, path: it.path.clone(), mode: it.mode })
    }

    fn read(self) -> Initrd {
        let mut it = Initrd::new(self.from.read());
        it.path = self.path;
        it.mode = self.mode;
        it
    }
}

impl Origin {
    fn of(piece: &Piece) -> Option<Self> {
        Some(match piece {
            Piece::Inside(path) => Self::Inside(path.clone()),
            Piece::Whole => Self::Whole,
            Piece::Root(path) => Self::Root(path.clone()),
            Piece::Url(url) => Self::Url(url.clone()),
            _ => return None,
        })
    }

    fn read(self) -> Piece {
        match self {
            Self::Inside(path) => Piece::Inside(path),
            Self::Whole => Piece::Whole,
            Self::Root(path) => Piece::Root(path),
            Self::Url(url) => Piece::Url(url),
        }
    }
}
