//! The firmware matrix: which machine must end with which boot file, and how that is proven.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::firmware::Machine;
use crate::lab::proof::{Loader, Seat, Signs, Style};
use crate::lab::refusals;
use crate::lab::server::{Subject, message};
use crate::lab::stage::{Boot, Scene, Stage};
use crate::lab::vm::mac_text;
use crate::packages::{self, Need};
use crate::report::Outcome;

/// More emulated machines than this at a time only make each other slow on a small computer.
const MACHINES_AT_ONCE: usize = 2;
/// What an idle server may keep in memory.
const IDLE_SERVER_KIB_MAX: u64 = 10_000;

/// What happens in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Its machines boot.
    Boot,
    /// A stranger does his worst, then its machines boot.
    BootAfterStranger,
    /// A server waits for clients that do not come.
    Idle,
    /// The server is started where it cannot run.
    Refuse,
}

/// What the rows run with.
#[derive(Debug, Clone)]
pub(crate) struct Lab {
    pub(crate) subject: Subject,
    /// The repository, for its corpora.
    pub(crate) repository: PathBuf,
    /// Where captures and logs go.
    pub(crate) folder: PathBuf,
}

/// One row of the matrix.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    act: Act,
    seats: &'static [Seat],
    scene: Scene<'static>,
    needs: &'static [&'static Need],
}

/// The script that a client which is iPXE already is sent to.
const MENU: Loader = Loader { name: "menu.ipxe", from: &[], signs: Signs::IpxeMenu };
const PXELINUX: Loader =
    Loader { name: "pxelinux.0", from: packages::PXELINUX_FILES, signs: Signs::Pxelinux };
const IPXE: Loader =
    Loader { name: "ipxe.efi", from: packages::IPXE_X64_FILES, signs: Signs::Ipxe };
const GRUB_IA32: Loader =
    Loader { name: "grubnetia32.efi", from: packages::GRUB_IA32_FILES, signs: Signs::Grub };
const SHIM_ARM64: Loader = Loader {
    name: "bootnetaa64.efi",
    from: packages::SHIM_ARM64_FILES,
    signs: Signs::Shim { second_stage: "grubaa64.efi", from: packages::SHIM_GRUB_ARM64_FILES },
};

const BIOS_MENU_SEAT: Seat = Seat { machine: Machine::Bios, loader: MENU };
const BIOS_PXELINUX_SEAT: Seat = Seat { machine: Machine::Bios, loader: PXELINUX };
const X64_SEAT: Seat = Seat { machine: Machine::X64Uefi, loader: IPXE };
const X64_HTTP_SEAT: Seat = Seat { machine: Machine::X64UefiHttp, loader: IPXE };
const X86_SEAT: Seat = Seat { machine: Machine::X86Uefi, loader: GRUB_IA32 };
const ARM64_SEAT: Seat = Seat { machine: Machine::Arm64Uefi, loader: SHIM_ARM64 };

const PLAIN: Scene<'static> =
    Scene { rules: "", files: &[], for_ipxe: "menu.ipxe", loss_percent: 0, style: None };

/// QEMU's BIOS network boot *is* iPXE, so by default it gets a script and no boot file. This
/// scene's rule names a boot file to it nevertheless, one that is told apart from the ROM with
/// certainty: PXELINUX.
pub(crate) const PXELINUX_FOR_BIOS: Scene<'static> = Scene {
    rules: "[[rule]]\nwhen = { arch = [\"bios\"], user-class = \"iPXE\" }\nfile = \"pxelinux.0\"\n",
    files: &[("pxelinux.0", packages::PXELINUX_FILES), ("ldlinux.c32", packages::LDLINUX_FILES)],
    for_ipxe: "pxelinux.0",
    loss_percent: 0,
    style: None,
};

/// One machine per firmware, for a scene with [`PXELINUX_FOR_BIOS`]'s rule.
pub(crate) const ONE_OF_EACH: [Seat; 5] =
    [BIOS_PXELINUX_SEAT, X64_SEAT, X64_HTTP_SEAT, X86_SEAT, ARM64_SEAT];

const NEEDS_BIOS: &[&Need] = &[&packages::QEMU_X86, &packages::QEMU_ROM];
const NEEDS_PXELINUX: &[&Need] =
    &[&packages::QEMU_X86, &packages::QEMU_ROM, &packages::PXELINUX, &packages::LDLINUX];
const NEEDS_X64: &[&Need] = &[&packages::QEMU_X86, &packages::OVMF_X64, &packages::IPXE];
const NEEDS_X86: &[&Need] = &[&packages::QEMU_X86, &packages::OVMF_IA32, &packages::GRUB_IA32];
const NEEDS_ARM64: &[&Need] = &[&packages::QEMU_ARM, &packages::AAVMF, &packages::SHIM_ARM64];
const NEEDS_TWO: &[&Need] = &[
    &packages::QEMU_X86,
    &packages::OVMF_X64,
    &packages::IPXE,
    &packages::QEMU_ARM,
    &packages::AAVMF,
    &packages::SHIM_ARM64,
];

/// Every row, the slow ones first.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "two-at-once",
        title: "EDK2 x64 and EDK2 ARM64 at the same time",
        act: Act::Boot,
        seats: &[X64_SEAT, ARM64_SEAT],
        scene: PLAIN,
        needs: NEEDS_TWO,
    },
    Row {
        name: "x64-uefi-loss",
        title: "EDK2 x64, 5 % of all packets lost",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: Scene { loss_percent: 5, ..PLAIN },
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi",
        title: "EDK2 x64 to iPXE",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: PLAIN,
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-option43",
        title: "EDK2 x64, every offer with option 43 'just boot'",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: Scene {
            rules: "proxy_style = \"option43\"\n",
            style: Some(Style::JustBoot),
            ..PLAIN
        },
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-menu",
        title: "EDK2 x64, every offer with a full menu",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: Scene { rules: "proxy_style = \"menu\"\n", style: Some(Style::Menu), ..PLAIN },
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-delayed",
        title: "EDK2 x64, every offer held back",
        act: Act::Boot,
        seats: &[X64_SEAT],
        scene: Scene { rules: "proxy_style = \"delayed\"\n", style: Some(Style::Delayed), ..PLAIN },
        needs: NEEDS_X64,
    },
    Row {
        name: "x64-uefi-http",
        title: "EDK2 x64 by UEFI HTTP Boot to iPXE, and its script by HTTP",
        act: Act::Boot,
        seats: &[X64_HTTP_SEAT],
        scene: PLAIN,
        needs: NEEDS_X64,
    },
    Row {
        name: "arm64-uefi",
        title: "EDK2 ARM64 to shim to GRUB",
        act: Act::Boot,
        seats: &[ARM64_SEAT],
        scene: PLAIN,
        needs: NEEDS_ARM64,
    },
    Row {
        name: "x86-uefi",
        title: "EDK2 IA32 to GRUB",
        act: Act::Boot,
        seats: &[X86_SEAT],
        scene: PLAIN,
        needs: NEEDS_X86,
    },
    Row {
        name: "bios-pxelinux",
        title: "SeaBIOS with iPXE ROM to PXELINUX, by rule",
        act: Act::Boot,
        seats: &[BIOS_PXELINUX_SEAT],
        scene: PXELINUX_FOR_BIOS,
        needs: NEEDS_PXELINUX,
    },
    Row {
        name: "bios-menu",
        title: "SeaBIOS with iPXE ROM to the generated menu",
        act: Act::Boot,
        seats: &[BIOS_MENU_SEAT],
        scene: PLAIN,
        needs: NEEDS_BIOS,
    },
    Row {
        name: "hostile",
        title: "every fuzzing corpus at the running server, then SeaBIOS to PXELINUX",
        act: Act::BootAfterStranger,
        seats: &[BIOS_PXELINUX_SEAT],
        scene: PXELINUX_FOR_BIOS,
        needs: NEEDS_PXELINUX,
    },
    Row {
        name: "refusals",
        title: "port taken, no right, no such interface, faulty configuration",
        act: Act::Refuse,
        seats: &[],
        scene: PLAIN,
        needs: &[],
    },
    Row {
        name: "idle-memory",
        title: "an idle server keeps less than 10 MB in memory",
        act: Act::Idle,
        seats: &[],
        scene: PLAIN,
        needs: &[],
    },
];

impl Row {
    /// Whether the row says something about the lab: what it asks of a server's manners is asked of
    /// ours only, and so is HTTP, which dnsmasq does not speak.
    pub(crate) fn takes_stand_in(&self) -> bool {
        let by_http = self.seats.iter().any(|seat| seat.machine == Machine::X64UefiHttp);
        matches!(self.act, Act::Boot | Act::Idle) && self.scene.style.is_none() && !by_http
    }

    /// Everything that this row and its wire need from the system.
    pub(crate) fn needs(&self) -> Vec<&'static Need> {
        [packages::LAB, self.needs].concat()
    }
}

/// Runs rows, several at a time, and reports each as it ends.
pub(crate) fn run(
    lab: &Lab,
    rows: &[&'static Row],
    report: &(dyn Fn(&'static Row, &Outcome, Duration) + Sync),
) {
    let machines = Permits::new(MACHINES_AT_ONCE);
    thread::scope(|scope| {
        for row in rows {
            // Acquired here, in order, so that a row for two machines is not overtaken for ever.
            let permit = machines.acquire(row.seats.len().clamp(1, MACHINES_AT_ONCE));
            scope.spawn(move || {
                let _permit = permit;
                let started = Instant::now();
                let outcome = match run_row(lab, row) {
                    Ok(text) => Outcome::Passed(text),
                    Err(why) => Outcome::Failed(why.to_string()),
                };
                report(row, &outcome, started.elapsed());
            });
        }
    });
}

/// Runs one row and returns a line about what was proven. Its folder stays only if it failed.
fn run_row(lab: &Lab, row: &Row) -> Result<String> {
    interrupt::check()?;
    let folder = lab.folder.join(row.name);
    // What an earlier run left there would be taken for this run's.
    let _ = fs::remove_dir_all(&folder);
    let text = match (row.act, &lab.subject) {
        (Act::Refuse, Subject::Ours(binary)) => refusals::try_all(binary, &folder)?,
        _ => run_on_stage(lab, row, &folder)?,
    };
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))?;
    Ok(text)
}

fn run_on_stage(lab: &Lab, row: &Row, folder: &Path) -> Result<String> {
    let mut stage = Stage::build(&lab.subject, row.scene, folder)?;
    let mut text = String::new();
    if row.act == Act::Idle {
        text = idle_memory(&stage)?;
    }
    if row.act == Act::BootAfterStranger {
        text = stage.let_stranger_in(&lab.repository)? + "; ";
    }
    if !row.seats.is_empty() {
        let boots = stage.play(row.seats, row.seats.len(), &mut |_| {})?;
        if stage.server.is_ours() {
            check_story(&stage.server.story(), row.seats)?;
        }
        text += &summary(row.seats, &boots);
        text += &losses(&stage, row.scene.loss_percent)?;
    }
    stage.server.stop()?;
    Ok(text)
}

/// On a wire that was to lose frames, how many it lost; none would make the row worthless.
fn losses(stage: &Stage, percent: u8) -> Result<String> {
    if percent == 0 {
        return Ok(String::new());
    }
    match stage.frames_lost()? {
        0 => fail("the wire has lost no frame"),
        count => Ok(format!(" ({count} frames lost)")),
    }
}

fn idle_memory(stage: &Stage) -> Result<String> {
    interrupt::pause(Duration::from_secs(2))?;
    let kib = stage.server.resident_kib()?;
    if kib > IDLE_SERVER_KIB_MAX {
        return fail(format!("{kib} KiB resident, the limit is {IDLE_SERVER_KIB_MAX}"));
    }
    Ok(format!("{kib} KiB resident"))
}

/// The server's log must tell each machine's boot, in order.
fn check_story(story: &[String], seats: &[Seat]) -> Result<()> {
    for seat in seats {
        let mac = mac_text(seat.machine.hardware_address());
        let mut lines = story.iter().map(|line| message(line));
        for stage in ["offered", "requested", "delivered"] {
            let wanted = format!("{mac} {stage} ");
            let told =
                lines.any(|line| line.starts_with(&wanted) && line.contains(seat.loader.name));
            if !told {
                let log = story.join("\n    ");
                let name = seat.loader.name;
                return fail(format!("the log does not tell `{wanted}{name}`:\n    {log}"));
            }
        }
    }
    Ok(())
}

fn summary(seats: &[Seat], boots: &[Boot]) -> String {
    let each = seats.iter().zip(boots).map(|(seat, boot)| {
        let Boot { proof, took } = boot;
        let machine = seat.machine.name();
        let seconds = took.as_secs_f32();
        format!("{machine}: {}, {} bytes, ran after {seconds:.1} s", proof.file, proof.bytes)
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Where the lab writes: beside the build, so that it is ignored and cleaned with it.
pub(crate) fn folder(target: &Path) -> PathBuf {
    target.join("lab").join(std::process::id().to_string())
}

/// A counter that threads wait for.
struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

struct Permit<'a> {
    permits: &'a Permits,
    count: usize,
}

impl Permits {
    fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), freed: Condvar::new() }
    }

    fn acquire(&self, count: usize) -> Permit<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = self.freed.wait_while(free, |free| *free < count);
        *enough.unwrap_or_else(PoisonError::into_inner) -= count;
        Permit { permits: self, count }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut free = self.permits.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free += self.count;
        self.permits.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_different_names_and_fit_on_the_machine() {
        for (place, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..place].iter().all(|other| other.name != row.name), "{}", row.name);
            assert!(row.seats.len() <= MACHINES_AT_ONCE, "{}", row.name);
        }
    }

    #[test]
    fn every_machine_and_the_required_scenes_are_in_the_matrix() {
        for machine in Machine::ALL {
            assert!(ROWS.iter().any(|row| row.seats.iter().any(|seat| seat.machine == machine)));
        }
        assert!(ROWS.iter().any(|row| row.scene.loss_percent == 5));
        assert!(ROWS.iter().any(|row| row.seats.len() == 2));
    }

    #[test]
    fn every_row_names_what_its_machines_need() {
        for row in ROWS {
            for need in row.seats.iter().flat_map(|seat| seat.machine.needs()) {
                assert!(row.needs().iter().any(|known| known.what == need.what), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_story_out_of_order_or_for_somebody_else_is_not_told() {
        let seat = [X64_SEAT];
        let line = |mac: &str, what: &str| format!("52:54:00:aa:00:{mac} {what} ipxe.efi");
        let order = |mac, words: [&str; 3]| words.map(|word| line(mac, word)).to_vec();
        assert!(check_story(&order("02", ["offered", "requested", "delivered"]), &seat).is_ok());
        assert!(check_story(&order("02", ["requested", "offered", "delivered"]), &seat).is_err());
        assert!(check_story(&order("03", ["offered", "requested", "delivered"]), &seat).is_err());
    }
}
