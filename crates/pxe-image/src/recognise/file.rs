//! Files that boot without being a tree: EFI programs, kernels, disks, WIM files.

use std::io;

use super::Rules;
use super::kernel;
use super::recognition::{Kind, Recognition, ram_disk};
use super::template::tame;
use crate::bytes::{array, contains, u16_le};
use crate::cpu::Cpu;
use crate::entry::{BootEntry, How, Piece, Platforms};
use crate::limits::PROGRAM_BYTES_MAX;
use crate::pe::EfiProgram;
use crate::source::{ReadAt, read_up_to};
use crate::uefi::uefi_loaders;
use crate::wim::Wim;

/// Says what a file is that is no ISO 9660 or UDF image. Of `rules` only the file beside the image counts
/// ([`Rules::overridden`]).
///
/// # Errors
/// It cannot be read.
pub fn recognise_file(name: &str, file: &dyn ReadAt, rules: &Rules) -> io::Result<Recognition> {
    let mut recognition = look(name, file)?;
    rules.finish(&mut recognition);
    // What else it may be has no partitions, nor is it a file system.
    let cpus = uefi_loaders(file, &[]);
    recognition.ram_disk = ram_disk(&recognition, &cpus, false, file.size());
    Ok(recognition)
}

fn look(name: &str, file: &dyn ReadAt) -> io::Result<Recognition> {
    let name = tame(name);
    let head = read_up_to(file, 0, 4096)?;
    match Wim::read(file) {
        Ok(Some(wim)) => return Ok(windows(&name, &wim)),
        Ok(None) => {}
        Err(error) => {
            let mut broken = unknown(&name);
            broken.warnings = vec![format!("it is a WIM that cannot be read: {error}")];
            return Ok(broken);
        }
    }
    if array(&head, 0x202) == Some(*b"HdrS") {
        return pc_kernel(&name, file, kernel::cpu(file));
    }
    if array(&head, 56) == Some(*b"ARM\x64") {
        return Ok(bare_kernel(&name, Some(Cpu::Arm64)));
    }
    if let Some(program) = EfiProgram::read(file)? {
        return efi(&name, file, &program);
    }
    if let Some(loader) = network_program(&name, &head) {
        return Ok(loader);
    }
    Ok(disk(&name, &head))
}

/// Programs that tell who they are, by words in them. The first that is found counts: shim names GRUB, and GRUB
/// Linux. Sources: the programs' own texts (memtest86+ `app/`, iPXE `usr/autoboot.c`, and `libprefix.S` and
/// `pxeprefix.S`, which stay readable where the rest is packed; shim `version.c`, GRUB `kern/main.c`, wimboot `main.c`).
const PROGRAMS: [(&[u8], &str, Kind); 6] = [
    (b"Memtest86+", "Memtest86+", Kind::Tool),
    (b"UEFI SHIM", "shim", Kind::Loader),
    (b"wimboot", "wimboot", Kind::Loader),
    (b"iPXE", "iPXE", Kind::Loader),
    (b"Installation failed - cannot continue", "iPXE", Kind::Loader),
    (b"GRUB", "GRUB", Kind::Loader),
];

fn known(bytes: &[u8]) -> Option<(&'static str, Kind)> {
    let found = PROGRAMS.iter().find(|(words, ..)| contains(bytes, words));
    found.map(|(_, name, kind)| (*name, *kind))
}

fn start(id: &str, title: &str, cpus: &[Cpu], platforms: Platforms, how: How) -> BootEntry {
    BootEntry { cpus: cpus.to_vec(), platforms, ..BootEntry::new(id, title, how) }
}

fn chain() -> How {
    How::Chain { program: Piece::Whole, arguments: String::new() }
}

fn efi(name: &str, file: &dyn ReadAt, program: &EfiProgram) -> io::Result<Recognition> {
    let bytes = read_up_to(file, 0, PROGRAM_BYTES_MAX)?;
    let (known, kind) = known(&bytes).unwrap_or(("EFI program", Kind::Unknown));
    let cpus: Vec<Cpu> = program.cpu.into_iter().collect();
    let title = format!("{known} ({name})");
    let mut it = Recognition::new("efi-program", title, kind);
    known.clone_into(&mut it.distribution);
    if !program.efi {
        it.warnings.push("it is a program for Windows, not for UEFI firmware".to_owned());
        return Ok(it);
    }
    match (program.cpu, program.signed) {
        (None, _) => it.warnings.push(format!(
            "it is for a processor that has no name here (machine {:#06x})",
            program.machine
        )),
        (Some(_), true) => it.warnings.push(format!(
            "signed, with certificates of {}: firmware with Secure Boot starts it only if it trusts one of them",
            if program.names.is_empty() { "nobody named".to_owned() } else { program.names.join(", ") }
        )),
        (Some(_), false) => it
            .warnings
            .push("not signed: firmware with Secure Boot does not start it".to_owned()),
    }
    if program.cpu.is_some() {
        it.entries = vec![start("start", &it.title, &cpus, Platforms::EFI, chain())];
    }
    it.cpus = cpus;
    Ok(it)
}

/// A kernel in the PC's boot protocol: Linux, iPXE's `.lkrn`, memtest86+.
fn pc_kernel(name: &str, file: &dyn ReadAt, cpu: Option<Cpu>) -> io::Result<Recognition> {
    let bytes = read_up_to(file, 0, PROGRAM_BYTES_MAX)?;
    let program = EfiProgram::read(file)?;
    let Some((known, kind)) = known(&bytes) else {
        return Ok(bare_kernel(name, program.and_then(|program| program.cpu).or(cpu)));
    };
    let mut it = Recognition::new("pc-kernel", format!("{known} ({name})"), kind);
    known.clone_into(&mut it.distribution);
    it.cpus = match program.as_ref().and_then(|program| program.cpu) {
        Some(cpu) => vec![cpu],
        // Started in 32-bit mode, on either.
        None => vec![Cpu::X86, Cpu::X64],
    };
    let platforms = if program.is_some() { Platforms::ANY } else { Platforms::BIOS };
    it.entries = vec![start("start", &it.title, &it.cpus, platforms, chain())];
    if !platforms.efi {
        it.warnings.push("it starts from a PC BIOS only".to_owned());
    }
    Ok(it)
}

/// A BIOS network boot program: code from its first byte on, without a header. Their own messages tell which.
fn network_program(name: &str, head: &[u8]) -> Option<Recognition> {
    let known = [(b"PXE->EB:".as_slice(), "iPXE"), (b"PXELINUX".as_slice(), "PXELINUX")];
    let (_, program) = known.into_iter().find(|(words, _)| contains(head, words))?;
    let mut it = Recognition::new("network-program", format!("{program} ({name})"), Kind::Loader);
    program.clone_into(&mut it.distribution);
    it.cpus = vec![Cpu::X86, Cpu::X64];
    it.entries = vec![start("start", &it.title, &it.cpus, Platforms::BIOS, chain())];
    it.warnings.push("it starts from a PC BIOS only".to_owned());
    Some(it)
}

fn bare_kernel(name: &str, cpu: Option<Cpu>) -> Recognition {
    let mut it = Recognition::new("kernel", format!("Linux kernel ({name})"), Kind::Unknown);
    it.cpus = cpu.into_iter().collect();
    it.warnings = vec![
        "it is a kernel without its initrd and command line: name all three in a host entry, or in a file beside it"
            .to_owned(),
    ];
    it
}

fn windows(name: &str, wim: &Wim) -> Recognition {
    let image = wim.boot_image();
    let title = image.map_or(name, |image| image.name.as_str());
    let mut it = Recognition::new("wim", tame(title), Kind::Windows);
    "Windows".clone_into(&mut it.distribution);
    it.version = image.map(|image| image.version.clone()).filter(|it| !it.is_empty());
    it.cpus = image.and_then(|image| image.cpu).into_iter().collect();
    if wim.boot_index == 0 {
        it.warnings = vec![
            "no image in this WIM boots: it is what setup installs from, not what starts it"
                .to_owned(),
        ];
        return it;
    }
    let how = How::Wimboot { wim: Piece::Whole, files: Vec::new() };
    it.entries = vec![start("pe", &it.title, &it.cpus, Platforms::ANY, how)];
    it
}

/// A disk with a boot record or a partition table, or nothing that is known.
fn disk(name: &str, head: &[u8]) -> Recognition {
    let gpt = head.get(512..520) == Some(b"EFI PART");
    let record = u16_le(head, 510) == Some(0xaa55);
    if !gpt && !record {
        return unknown(name);
    }
    // A protective record has no code: then only UEFI finds something to start.
    let code = head.get(..440).is_some_and(|code| code.iter().any(|&byte| byte != 0));
    let efi = gpt || partition_types(head).any(|kind| kind == 0xef);
    let platforms = Platforms { bios: record && code, efi };
    let mut it = Recognition::new("disk-image", format!("Disk image ({name})"), Kind::Unknown);
    let entry = start("disk", &it.title, &[], platforms, How::Disk { cd: false });
    let note = "As a disk it works only for systems that need no more of it once they run.";
    it.entries = vec![BootEntry { note: note.to_owned(), ..entry }];
    it.warnings = vec![note.to_owned()];
    it
}

fn partition_types(head: &[u8]) -> impl Iterator<Item = u8> + '_ {
    [450, 466, 482, 498].into_iter().filter_map(|at| head.get(at).copied())
}

fn unknown(name: &str) -> Recognition {
    let mut it = Recognition::new("unknown", name.to_owned(), Kind::Unknown);
    it.warnings = vec!["nobody knows this file, and it is no disk that could be tried".to_owned()];
    it
}
