//! Which entries a machine can boot, and why it cannot boot the others.

use super::{Client, Kind, Platform};
use crate::{BootEntry, Cpu, How, Piece};

/// What a script has to find out before it offers an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// The firmware.
    Platform(Platform),
    /// Firmware and processor.
    Machine(Platform, Cpu),
}

impl Test {
    /// In the language of the loader; `None` where it has no tests.
    pub(super) fn written(self, kind: Kind) -> Option<String> {
        let (platform, cpu) = match self {
            Self::Platform(platform) => (platform, None),
            Self::Machine(platform, cpu) => (platform, Some(cpu)),
        };
        Some(match (kind, cpu) {
            (Kind::Ipxe, None) => format!("iseq ${{platform}} {}", ipxe_platform(platform)?),
            (Kind::Ipxe, Some(cpu)) => {
                format!(
                    "iseq ${{platform}}-${{arch}} {}-{}",
                    ipxe_platform(platform)?,
                    ipxe_cpu(cpu)?
                )
            }
            (Kind::Grub, None) => format!("\"$grub_platform\" = {}", grub_platform(platform)?),
            (Kind::Grub, Some(cpu)) => format!(
                "\"$grub_cpu-$grub_platform\" = {}-{}",
                grub_cpu(platform, cpu)?,
                grub_platform(platform)?
            ),
            _ => return None,
        })
    }
}

/// iPXE's setting `platform` (ipxe.org/cfg/platform).
const fn ipxe_platform(platform: Platform) -> Option<&'static str> {
    match platform {
        Platform::Bios => Some("pcbios"),
        Platform::Efi => Some("efi"),
        Platform::Other => None,
    }
}

/// iPXE's setting `buildarch` (ipxe.org/cfg/buildarch).
const fn ipxe_cpu(cpu: Cpu) -> Option<&'static str> {
    Some(match cpu {
        Cpu::X86 => "i386",
        Cpu::X64 => "x86_64",
        Cpu::Arm32 => "arm32",
        Cpu::Arm64 => "arm64",
        Cpu::Riscv64 => "riscv64",
        Cpu::Loong64 => "loong64",
        Cpu::Ppc64 | Cpu::S390x => return None,
    })
}

const fn grub_platform(platform: Platform) -> Option<&'static str> {
    match platform {
        Platform::Bios => Some("pc"),
        Platform::Efi => Some("efi"),
        Platform::Other => None,
    }
}

/// GRUB's `grub_cpu`; on a PC's BIOS it is `i386`, whatever the processor.
const fn grub_cpu(platform: Platform, cpu: Cpu) -> Option<&'static str> {
    Some(match (platform, cpu) {
        (Platform::Bios, _) | (_, Cpu::X86) => "i386",
        (_, Cpu::X64) => "x86_64",
        (_, Cpu::Arm32) => "arm",
        (_, Cpu::Arm64) => "arm64",
        (_, Cpu::Riscv64) => "riscv64",
        (_, Cpu::Loong64) => "loongarch64",
        (_, Cpu::Ppc64 | Cpu::S390x) => return None,
    })
}

/// Machines that there are.
fn machines() -> impl Iterator<Item = (Platform, Cpu)> {
    let bios = [Cpu::X86, Cpu::X64].map(|cpu| (Platform::Bios, cpu));
    let efi = [Cpu::X86, Cpu::X64, Cpu::Arm32, Cpu::Arm64, Cpu::Riscv64, Cpu::Loong64];
    let efi = efi.map(|cpu| (Platform::Efi, cpu));
    let other = Cpu::ALL.map(|cpu| (Platform::Other, cpu));
    bios.into_iter().chain(efi).chain(other)
}

/// The tests that an entry needs, empty if none: one of them has to hold. Else why it is not for this machine.
pub(super) fn tests(entry: &BootEntry, kind: Kind, client: &Client) -> Result<Vec<Test>, String> {
    by_kind(entry, kind)?;
    let memory = entry.memory_mib.zip(client.memory_mib);
    if let Some((needed, has)) = memory.filter(|(needed, has)| needed > has) {
        return Err(format!("it needs {needed} MiB of memory, and the machine has {has}"));
    }
    let possible: Vec<_> = machines()
        .filter(|(platform, _)| kind == Kind::Pxelinux || *platform != Platform::Other)
        .filter(|(platform, cpu)| {
            client.platform.is_none_or(|known| known == *platform)
                && client.cpu.is_none_or(|known| known == *cpu)
        })
        .collect();
    let fits = |(platform, cpu): &(Platform, Cpu)| runs_on(entry, *platform, *cpu);
    let fitting: Vec<_> = possible.iter().copied().filter(fits).collect();
    if fitting.is_empty() {
        return Err(why_not(entry, client));
    }
    if fitting.len() == possible.len() || kind == Kind::Pxelinux {
        return Ok(Vec::new());
    }
    let mut tests = Vec::new();
    for platform in [Platform::Bios, Platform::Efi] {
        let of_platform =
            |list: &[(Platform, Cpu)]| list.iter().filter(|(other, _)| *other == platform).count();
        match (of_platform(&fitting), of_platform(&possible)) {
            (0, _) => {}
            (some, all) if some == all => tests.push(Test::Platform(platform)),
            _ => {
                let mine = fitting.iter().filter(|(other, _)| *other == platform);
                tests.extend(mine.map(|(platform, cpu)| Test::Machine(*platform, *cpu)));
            }
        }
    }
    Ok(tests)
}

fn runs_on(entry: &BootEntry, platform: Platform, cpu: Cpu) -> bool {
    let by_platform = match platform {
        Platform::Bios => entry.platforms.bios,
        Platform::Efi => entry.platforms.efi,
        // Such firmware loads Linux and nothing else, and no entry says that it is meant for it.
        Platform::Other => matches!(entry.how, How::Linux { .. }) && !entry.cpus.is_empty(),
    };
    let by_cpu = entry.cpus.is_empty()
        || entry.cpus.contains(&cpu)
        || (platform == Platform::Bios && cpu == Cpu::X64 && entry.cpus.contains(&Cpu::X86));
    by_platform && by_cpu
}

/// What a loader cannot do at all.
fn by_kind(entry: &BootEntry, kind: Kind) -> Result<(), String> {
    let only_ipxe = |what: &str| Err(format!("{what}, which iPXE alone can do"));
    match (&entry.how, kind) {
        (_, Kind::Ipxe) => Ok(()),
        (How::Linux { initrds, .. }, _) if initrds.iter().any(|initrd| initrd.path.is_some()) => {
            only_ipxe("a file has to be put into its initrd")
        }
        (How::Linux { .. }, _) | (How::Disk { .. }, Kind::Pxelinux) => Ok(()),
        (How::Wimboot { .. }, _) => only_ipxe("it starts by wimboot"),
        (How::Disk { .. }, _) => Err(format!("{kind} cannot start a whole image")),
        (How::Chain { program: Piece::Root(path) | Piece::Inside(path), .. }, _)
            if path.to_ascii_lowercase().ends_with(".ipxe") =>
        {
            only_ipxe("it is a script of iPXE")
        }
        (How::Chain { .. }, Kind::Grub) if entry.platforms.efi => Ok(()),
        // Modules of its own kind, such as VMware's mboot.c32.
        (How::Chain { program: Piece::Root(path) | Piece::Inside(path), .. }, Kind::Pxelinux)
            if path.to_ascii_lowercase().ends_with(".c32") =>
        {
            Ok(())
        }
        (How::Chain { .. }, _) => Err(format!("{kind} does not start programs for the firmware")),
    }
}

fn why_not(entry: &BootEntry, client: &Client) -> String {
    let wanted: Vec<&str> = entry.cpus.iter().map(|cpu| cpu.name()).collect();
    let platforms = match (entry.platforms.bios, entry.platforms.efi) {
        (true, false) => "BIOS",
        (false, true) => "UEFI",
        _ => "BIOS and UEFI",
    };
    let is = match (client.platform, client.cpu) {
        (Some(Platform::Bios), _) => "a BIOS machine".to_owned(),
        (Some(Platform::Efi), Some(cpu)) => format!("{cpu} with UEFI"),
        (_, Some(cpu)) => cpu.name().to_owned(),
        _ => "another machine".to_owned(),
    };
    if wanted.is_empty() {
        return format!("it is for {platforms}, and this is {is}");
    }
    format!("it is for {} ({platforms}), and this is {is}", wanted.join(", "))
}
