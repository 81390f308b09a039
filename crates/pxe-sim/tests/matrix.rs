//! For every architecture and class, every model ends with the intended file: on one LAN and behind
//! a relay, on a good network and on a bad one.

mod common;

use std::net::Ipv4Addr;

use common::{Lab, Place, SCRIPT, US, loader};
use pxe_select::Firmware;
use pxe_sim::firmware::Outcome;
use pxe_sim::firmware::edk2_http::Edk2Http;
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::intel_rom::IntelRom;
use pxe_sim::firmware::ipxe::{Build, Ipxe};
use pxe_sim::firmware::raspberry_pi::{Generation, RaspberryPi};
use pxe_sim::firmware::uboot::{ProxySupport, UBoot};
use pxe_sim::foreign::Habit;
use pxe_sim::network::{HostId, Impairment};

/// Architectures that EDK2's PXE stack reports.
const EDK2_ARCHS: &[(u16, Firmware)] = &[
    (6, Firmware::X86Uefi),
    (7, Firmware::X64Uefi),
    (9, Firmware::X64Uefi),
    (10, Firmware::Arm32Uefi),
    (11, Firmware::Arm64Uefi),
    (27, Firmware::Riscv64Uefi),
    (39, Firmware::Loong64Uefi),
];

/// Architectures that EDK2's HTTP Boot reports.
const HTTP_ARCHS: &[(u16, Firmware)] = &[
    (15, Firmware::X86UefiHttp),
    (16, Firmware::X64UefiHttp),
    (18, Firmware::Arm32UefiHttp),
    (19, Firmware::Arm64UefiHttp),
    (28, Firmware::Riscv64UefiHttp),
    (40, Firmware::Loong64UefiHttp),
];

/// One model on its way to one file.
struct Case {
    name: String,
    server: Ipv4Addr,
    file: String,
    attach: Box<dyn Fn(&mut Lab) -> HostId>,
}

fn case(
    name: impl Into<String>,
    server: Ipv4Addr,
    file: impl Into<String>,
    attach: impl Fn(&mut Lab) -> HostId + 'static,
) -> Case {
    Case { name: name.into(), server, file: file.into(), attach: Box::new(attach) }
}

fn edk2(arch: u16, firmware: Firmware, era: Era) -> Case {
    case(format!("EDK2 {era:?} arch {arch}"), US, loader(firmware), move |lab| {
        let (machine, start) = (lab.machine(arch), lab.world.now());
        lab.attach("EDK2", machine.mac, Edk2Pxe::new(machine, era, start))
    })
}

fn http(arch: u16, firmware: Firmware) -> Case {
    let none = Ipv4Addr::UNSPECIFIED;
    case(format!("HTTP Boot arch {arch}"), none, loader(firmware), move |lab| {
        let (machine, start) = (lab.machine(arch), lab.world.now());
        lab.attach("HTTP Boot", machine.mac, Edk2Http::new(machine, start))
    })
}

fn ipxe(arch: u16, build: Build, file: &str) -> Case {
    case(format!("iPXE {build:?} arch {arch}"), US, file, move |lab| {
        let (machine, start) = (lab.machine(arch), lab.world.now());
        lab.attach("iPXE", machine.mac, Ipxe::new(machine, build, start))
    })
}

fn u_boot(arch: u16, class: &'static str, file: String) -> Case {
    case(format!("U-Boot {class}"), US, file, move |lab| {
        let (machine, start) = (lab.machine(arch), lab.world.now());
        let board = UBoot::new(machine, class, ProxySupport::Built, start);
        lab.attach("U-Boot", machine.mac, board)
    })
}

fn raspberry_pi(generation: Generation, first: &str) -> Case {
    case(format!("Raspberry Pi {generation:?}"), US, first, move |lab| {
        let (machine, start) = (lab.machine(0), lab.world.now());
        let board = RaspberryPi::new(machine, generation, start);
        lab.attach("Raspberry Pi", board.mac(), board)
    })
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (arch, firmware) in EDK2_ARCHS {
        cases.push(edk2(*arch, *firmware, Era::Current));
        cases.push(edk2(*arch, *firmware, Era::Years2010To2017));
        cases.push(ipxe(*arch, Build::Chained, SCRIPT));
    }
    for (arch, firmware) in HTTP_ARCHS {
        cases.push(http(*arch, *firmware));
    }
    cases.push(ipxe(0, Build::Rom, SCRIPT));
    cases.push(ipxe(0, Build::Chained, SCRIPT));
    cases.push(ipxe(0, Build::Stripped, &loader(Firmware::Bios)));
    cases.push(ipxe(7, Build::Stripped, &loader(Firmware::X64Uefi)));
    cases.push(case("BIOS ROM", US, loader(Firmware::Bios), |lab| {
        let (machine, start) = (lab.machine(0), lab.world.now());
        lab.attach("BIOS ROM", machine.mac, IntelRom::new(machine, start))
    }));
    cases.push(u_boot(0x16, "U-Boot.armv8", loader(Firmware::Arm64Uboot)));
    let efi_method = "PXEClient:Arch:00011:UNDI:003000";
    cases.push(u_boot(11, efi_method, loader(Firmware::Arm64Uefi)));
    cases.push(raspberry_pi(Generation::Three, "bootcode.bin"));
    cases.push(raspberry_pi(Generation::Four, "7c3f2a10/start4.elf"));
    cases
}

/// One power-on: what it ended with, and the story.
fn boot_once(case: &Case, seed: u64, impairment: Impairment, place: Place, habit: Habit) -> Ended {
    let mut lab = Lab::new(seed, impairment, place, habit);
    let client = (case.attach)(&mut lab);
    let outcome = lab.run(client);
    let story = format!("{}, {place:?}, {habit:?}, {}", case.name, lab.world.report());
    Ended { outcome, story }
}

struct Ended {
    outcome: Outcome,
    story: String,
}

impl Ended {
    /// Whether the machine boots; never the wrong thing.
    #[track_caller]
    fn booted(&self, case: &Case) -> bool {
        let Some(boot) = self.outcome.boot() else { return false };
        let got = (boot.server, String::from_utf8_lossy(&boot.file));
        assert_eq!(got, (case.server, case.file.as_str().into()), "{}", self.story);
        true
    }
}

/// Each model, once, on a network that loses nothing.
fn all_boot(impairment: Impairment, place: Place) {
    for habit in [Habit::AddressesOnly, Habit::PointsAtItself] {
        for case in cases() {
            let ended = boot_once(&case, 1, impairment, place, habit);
            assert!(ended.booted(&case), "{:?}: {}", ended.outcome, ended.story);
        }
    }
}

/// Each model on a network that loses `loss_permille` of 1000 datagrams a hop, doubles and reorders
/// others. iPXE and U-Boot wait for proxies for a moment only, and a ROM has four tries for each
/// step: a lost datagram too many and the attempt is over, as in life. So a machine may be switched
/// on again, rarely; it must never boot anything else.
fn all_boot_at_last(loss_permille: u16, place: Place, seeds: u64) {
    let impairment = Impairment::bad(loss_permille);
    let (mut attempts, mut failures) = (0_u64, 0_u64);
    for case in cases() {
        for seed in 0..seeds {
            let booted = (0..ATTEMPTS_MAX).find(|attempt| {
                let seed = seed << 8 | attempt;
                let ended = boot_once(&case, seed, impairment, place, Habit::PointsAtItself);
                attempts += 1;
                let booted = ended.booted(&case);
                failures += u64::from(!booted);
                if !booted && attempt + 1 == ATTEMPTS_MAX {
                    panic!("{:?}: {}", ended.outcome, ended.story);
                }
                booted
            });
            assert!(booted.is_some());
        }
    }
    assert!(failures * 100 <= attempts * FAILED_PERCENT_MAX, "{failures} of {attempts} failed");
}

/// Power-ons until a machine must have booted.
const ATTEMPTS_MAX: u64 = 5;
/// Attempts that may fail on the networks below.
const FAILED_PERCENT_MAX: u64 = 3;

#[test]
fn every_model_boots_on_a_good_network() {
    all_boot(Impairment::default(), Place::SameLan);
}

#[test]
fn every_model_boots_behind_a_relay() {
    all_boot(Impairment::default(), Place::Relayed);
}

#[test]
fn duplicates_and_reordering_alone_harm_nobody() {
    all_boot(Impairment::bad(0), Place::SameLan);
    all_boot(Impairment::bad(0), Place::Relayed);
}

#[test]
fn every_model_boots_on_a_lossy_network() {
    all_boot_at_last(20, Place::SameLan, 60);
}

#[test]
fn every_model_boots_behind_a_relay_on_a_lossy_network() {
    all_boot_at_last(20, Place::Relayed, 60);
}
