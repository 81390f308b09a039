//! `cargo xtask demo`: what the server does, shown on a private wire on this machine.

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::time::Instant;

use nix::unistd::geteuid;

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::firmware::Machine;
use crate::lab::proof::Seat;
use crate::lab::server::Subject;
use crate::lab::stage::systems::{self, System};
use crate::lab::stage::{Boot, Happening, Stage};
use crate::lab::vm::mac_text;
use crate::lab::wire::{FOREIGN_ADDRESS, SERVER_ADDRESS, sweep_leftovers};
use crate::matrix::{self, LINUX, LINUX_SCENE, ONE_OF_EACH, PXELINUX_FOR_BIOS};
use crate::packages::{self, Need};
use crate::workspace::Workspace;

mod proof;

pub(crate) use proof::{NEEDS, prove};

/// Characters of a line behind time and machine.
const LINE_CHARS_MAX: usize = 130;

/// What `cargo xtask demo` was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Boot only this firmware (again for more): bios, x64-uefi, x64-uefi-http, x86-uefi, arm64-uefi
    #[arg(long, value_name = "FIRMWARE", value_parser = firmware)]
    only: Vec<Machine>,
    /// Leave out the first part, which ends with each firmware's loader
    #[arg(long)]
    linux_only: bool,
}

fn firmware(name: &str) -> Result<Machine, String> {
    Machine::from_name(name).ok_or_else(|| {
        let names = Machine::ALL.map(Machine::name).join(", ");
        format!("there is no machine {name}: use one of {names}")
    })
}

/// Runs the demonstration.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if !geteuid().is_root() {
        return fail(
            "the demonstration makes network namespaces, which needs root: run\n  \
             sudo -E env \"PATH=$PATH\" cargo xtask demo",
        );
    }
    interrupt::watch()?;
    let chosen = |machine: Machine| options.only.is_empty() || options.only.contains(&machine);
    let seats = ONE_OF_EACH.into_iter().filter(|seat| !options.linux_only && chosen(seat.machine));
    let seats: Vec<Seat> = seats.collect();
    let linux: Vec<System> = LINUX.into_iter().filter(|linux| chosen(linux.machine)).collect();
    let linux_needs = linux.iter().flat_map(|linux| matrix::linux_needs(linux.machine)).copied();
    packages::ensure(&needs(&seats).into_iter().chain(linux_needs).collect::<Vec<_>>())?;
    let seats: Vec<Seat> = seats.into_iter().filter(can_boot).collect();
    let linux: Vec<System> = linux.into_iter().filter(can_run).collect();
    if (seats.is_empty() && linux.is_empty()) || !packages::missing(packages::LAB).is_empty() {
        return fail("the private wire cannot be set up without the packages named above");
    }
    let subject = Subject::Ours(workspace.build_server()?);
    sweep_leftovers();
    let folder = matrix::folder(&workspace.target);
    if !seats.is_empty() {
        show_loaders(&subject, &seats, &folder.join("loaders"))?;
    }
    if !linux.is_empty() {
        show_linux(&subject, &linux, &folder.join("linux"))?;
    }
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

/// Every firmware to its loader, beside a DHCP server that knows nothing of booting.
fn show_loaders(subject: &Subject, seats: &[Seat], folder: &Path) -> Result<()> {
    println!(
        "\nA private wire: dnsmasq at {FOREIGN_ADDRESS} gives addresses and knows nothing of \
         booting;\nour server at {SERVER_ADDRESS} runs in proxy mode and gives no addresses. \
         Emulated machines are slow:\nexpect 10 to 60 seconds for each.\n"
    );
    make(folder)?;
    let mut stage = Stage::build(subject, PXELINUX_FOR_BIOS, folder)?;
    let show = Progress::new(seats.iter().map(|seat| seat.machine));
    let boots = stage.play(seats, at_once(), &mut |happening| show.line(&happening))?;
    stage.server.stop()?;
    println!("\n{}", table(seats, &boots));
    Ok(())
}

/// From the firmware to a running Linux, from inside an image that is served in place.
fn show_linux(subject: &Subject, linux: &[System], folder: &Path) -> Result<()> {
    println!(
        "\nThe same server on a wire of its own, where it gives the addresses too. Its folder of images has \
         discs of\nDebian's installer, made here in Debian's layout, and is all that it needs: firmware, loader, \
         menu, kernel\nand initrd from inside the disc, until the installer asks its first question. Expect one to \
         three minutes for each.\n"
    );
    make(folder)?;
    matrix::make_discs(linux, folder)?;
    let mut stage = Stage::build(subject, LINUX_SCENE, folder)?;
    let show = Progress::new(linux.iter().map(|linux| linux.machine));
    let took = stage.run_systems(linux, at_once(), &mut |progress| show.system(&progress))?;
    stage.server.stop()?;
    println!();
    for (system, took) in linux.iter().zip(took) {
        println!("{:<52}asked `{}` after {}", system.title, system.says, seconds(took));
    }
    Ok(())
}

fn at_once() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).context(|| format!("making {}", folder.display()))
}

fn needs(seats: &[Seat]) -> Vec<&'static Need> {
    let mut needs = packages::LAB.to_vec();
    // The scene's root holds PXELINUX, whoever boots.
    needs.extend([&packages::PXELINUX, &packages::LDLINUX]);
    for seat in seats {
        needs.extend(own_needs(seat));
    }
    needs
}

fn own_needs(seat: &Seat) -> Vec<&'static Need> {
    let loader: &Need = match seat.machine {
        Machine::Bios => &packages::PXELINUX,
        Machine::X64Uefi | Machine::X64UefiHttp => &packages::IPXE,
        Machine::X86Uefi => &packages::GRUB_IA32,
        Machine::Arm64Uefi | Machine::Arm64UefiHttp => &packages::SHIM_ARM64,
        Machine::X64UefiSecure => &packages::SHIM_X64,
    };
    [seat.machine.needs(), &[loader]].concat()
}

fn can_boot(seat: &Seat) -> bool {
    let missing = packages::missing(&own_needs(seat));
    if let [need, ..] = missing[..] {
        println!("left out: {} ({} is missing)", seat.machine.title(), need.what);
    }
    missing.is_empty()
}

fn can_run(system: &System) -> bool {
    let missing = packages::missing(matrix::linux_needs(system.machine));
    if let [need, ..] = missing[..] {
        println!("left out: {} ({} is missing)", system.title, need.what);
    }
    missing.is_empty()
}

/// Turns happenings into lines: seconds since the start, the machine, what it did.
struct Progress {
    started: Instant,
    machines: Vec<(String, &'static str)>,
}

impl Progress {
    fn new(machines: impl Iterator<Item = Machine>) -> Self {
        let named = |machine: Machine| (mac_text(machine.hardware_address()), machine.name());
        Self { started: Instant::now(), machines: machines.map(named).collect() }
    }

    fn line(&self, happening: &Happening<'_>) {
        let (machine, text) = match happening {
            Happening::SwitchedOn(seat) => {
                (seat.machine.name(), format!("switched on: {}", seat.machine.title()))
            }
            Happening::SwitchedOnAgain(seat) => {
                (seat.machine.name(), "gave up and was switched on again".to_owned())
            }
            Happening::Ran(seat, boot) => {
                (seat.machine.name(), format!("RUNS {}", boot.proof.file))
            }
            Happening::Said(said) => match self.whose(said) {
                Some((machine, rest)) => (machine, rest.to_owned()),
                None => return,
            },
        };
        self.print(machine, &text);
    }

    fn system(&self, progress: &systems::Progress<'_>) {
        let (machine, text) = match progress {
            systems::Progress::SwitchedOn(system) => {
                (system.machine.name(), format!("switched on: {}", system.title))
            }
            systems::Progress::Shows(system, line) => {
                let line: String = line.chars().filter(|it| !it.is_control()).take(80).collect();
                (system.machine.name(), format!("its screen: {line}"))
            }
            systems::Progress::Runs(system, took) => {
                (system.machine.name(), format!("RUNS after {}: `{}`", seconds(*took), system.says))
            }
            systems::Progress::Said(said) => match self.whose(said) {
                Some((machine, rest)) => (machine, rest.to_owned()),
                None => return,
            },
        };
        self.print(machine, &text);
    }

    fn print(&self, machine: &str, text: &str) {
        let since = self.started.elapsed().as_secs_f32();
        println!("{since:>6.1} s  {machine:<15}{}", shortened(text));
    }

    /// A line of the server about one of our machines: which, and what.
    fn whose<'s>(&self, said: &'s str) -> Option<(&'static str, &'s str)> {
        let (mac, rest) = said.split_once(' ')?;
        self.machines.iter().find(|(known, _)| known == mac).map(|(_, name)| (*name, rest))
    }
}

/// A line that fits a wide terminal: what the server says of causes is longer, and can be read in its log.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LINE_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn table(seats: &[Seat], boots: &[Boot]) -> String {
    let row = |cells: [&str; 5]| {
        let [machine, firmware, file, bytes, took] = cells;
        let text = format!("{machine:<19}{firmware:<23}{file:<18}{bytes:>9}  {took:>12}");
        text.trim_end().to_owned()
    };
    let mut lines = vec![row(["machine", "firmware", "file it got", "bytes", "running after"])];
    for (seat, Boot { proof, took, .. }) in seats.iter().zip(boots) {
        lines.push(row([
            &mac_text(seat.machine.hardware_address()),
            seat.machine.title(),
            &proof.file,
            &proof.bytes.to_string(),
            &seconds(*took),
        ]));
    }
    lines.join("\n")
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f32())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::proof::Proof;

    #[test]
    fn lines_of_the_log_find_their_machine() {
        let progress = Progress::new(ONE_OF_EACH.iter().map(|seat| seat.machine));
        let said = "52:54:00:aa:00:02 offered ipxe.efi";
        assert_eq!(progress.whose(said), Some(("x64-uefi", "offered ipxe.efi")));
        assert_eq!(progress.whose("ready on eth0"), None);
        assert_eq!(progress.whose("52:54:00:aa:00:99 offered ipxe.efi"), None);
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"ü".repeat(500)).chars().count(), LINE_CHARS_MAX + 1);
    }

    #[test]
    fn the_table_has_a_line_per_boot() {
        let proof = Proof { file: "ipxe.efi".to_owned(), bytes: 850_528, ran_at: Duration::ZERO };
        let took = Duration::from_millis(29_940);
        let boot = Boot { proof, took, power_cycles: 0 };
        let text = table(&ONE_OF_EACH[1..2], &[boot]);
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("850528") && text.contains("29.9 s"), "{text}");
    }
}
