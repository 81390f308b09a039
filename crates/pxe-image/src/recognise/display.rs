//! A recognition as text for people.

use core::fmt;

use super::recognition::Recognition;
use crate::entry::{BootEntry, How, Initrd, Piece};

/// Some lines: what it is, each way to boot with all it loads, and every warning.
impl fmt::Display for Recognition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        let cpus: Vec<&str> = self.cpus.iter().map(|cpu| cpu.name()).collect();
        let cpus = if cpus.is_empty() { "any processor".to_owned() } else { cpus.join(", ") };
        writeln!(f, "  {} for {cpus} (rule {})", self.kind, self.rule)?;
        if let Some(version) = &self.version {
            writeln!(f, "  version {version}")?;
        }
        for (cpu, path) in &self.shims {
            writeln!(f, "  first loader for {cpu}: {path}")?;
        }
        for entry in self.entries.iter().chain(&self.ram_disk) {
            write_entry(f, entry)?;
        }
        for warning in &self.warnings {
            writeln!(f, "  ! {warning}")?;
        }
        Ok(())
    }
}

fn write_entry(f: &mut fmt::Formatter<'_>, entry: &BootEntry) -> fmt::Result {
    let BootEntry { id, title, cpus, platforms, memory_mib, how, note } = entry;
    let firmware = match (platforms.bios, platforms.efi) {
        (true, true) => "BIOS and UEFI",
        (true, false) => "BIOS",
        (false, true) => "UEFI",
        (false, false) => "no firmware",
    };
    write!(f, "  [{id}] {title}: {firmware}")?;
    for cpu in cpus {
        write!(f, ", {cpu}")?;
    }
    if let Some(memory) = memory_mib {
        write!(f, ", {memory} MiB")?;
    }
    writeln!(f)?;
    match how {
        How::Linux { kernel, initrds, cmdline } => {
            writeln!(f, "      kernel  {}", Shown(kernel))?;
            for Initrd { piece, path, mode } in initrds {
                write!(f, "      initrd  {}", Shown(piece))?;
                if let Some(path) = path {
                    write!(f, " as {path}")?;
                }
                match mode {
                    Some(mode) => writeln!(f, ", mode {mode:o}")?,
                    None => writeln!(f)?,
                }
            }
            writeln!(f, "      cmdline {cmdline}")?;
        }
        How::Wimboot { wim, files } => {
            writeln!(f, "      wimboot {}", Shown(wim))?;
            for (name, piece) in files {
                writeln!(f, "      file    {name} from {}", Shown(piece))?;
            }
        }
        How::Chain { program, arguments } => {
            writeln!(f, "      program {} {arguments}", Shown(program))?;
        }
        How::Disk { cd } => writeln!(f, "      as a {}", if *cd { "CD" } else { "disk" })?,
    }
    if !note.is_empty() {
        writeln!(f, "      note    {note}")?;
    }
    Ok(())
}

struct Shown<'p>(&'p Piece);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Piece::Inside(path) => f.write_str(path),
            Piece::Whole => f.write_str("the whole image"),
            Piece::Root(path) => write!(f, "{path} of the server's root"),
            Piece::Url(url) => f.write_str(url),
        }
    }
}
