//! What the loaders do with the packets the firmware leaves them: shim, GRUB and PXELINUX look at
//! other fields of other packets than the firmware did.

mod common;

use std::net::Ipv4Addr;

use common::{FOREIGN, Lab, Place, US, loader};
use pxe_dhcp::respond::ProxyRequest;
use pxe_select::Firmware;
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::intel_rom::IntelRom;
use pxe_sim::firmware::{Boot, grub, pxelinux, shim};
use pxe_sim::foreign::Habit;
use pxe_sim::network::Impairment;
use pxe_sim::server::Verdict;

fn text(found: Option<(Ipv4Addr, Vec<u8>)>) -> Option<(Ipv4Addr, String)> {
    found.map(|(server, name)| (server, String::from_utf8(name).expect("ASCII names")))
}

fn edk2(era: Era, arch: u16, place: Place, habit: Habit) -> Boot {
    let mut lab = Lab::new(3, Impairment::default(), place, habit);
    let (machine, start) = (lab.machine(arch), lab.world.now());
    let client = lab.attach("EDK2", machine.mac, Edk2Pxe::new(machine, era, start));
    let outcome = lab.run(client);
    outcome.boot().unwrap_or_else(|| panic!("{outcome:?}\n{}", lab.world.report())).clone()
}

#[test]
fn shim_finds_its_second_stage_beside_itself() {
    for era in [Era::Current, Era::Years2010To2017] {
        for place in [Place::SameLan, Place::Relayed] {
            for habit in [Habit::AddressesOnly, Habit::PointsAtItself] {
                let booted = edk2(era, 7, place, habit);
                assert_eq!(booted.file, loader(Firmware::X64Uefi).into_bytes());
                let next = text(shim::second_stage(&booted, "grubx64.efi"));
                assert_eq!(next, Some((US, "debian/grubx64.efi".to_owned())), "{era:?} {habit:?}");
            }
        }
    }
}

#[test]
fn grub_of_the_distributions_finds_its_configuration_with_us() {
    for habit in [Habit::AddressesOnly, Habit::PointsAtItself] {
        let booted = edk2(Era::Current, 11, Place::SameLan, habit);
        let next = text(grub::configuration(&booted, grub::Build::Distribution));
        assert_eq!(next, Some((US, "debian/grub.cfg".to_owned())), "{habit:?}");
    }
}

/// Not ours to mend: upstream GRUB reads the ACK alone, which is the foreign server's. Seen with
/// Debian's signed GRUB on a real wire too. A GRUB image with an explicit prefix is the remedy.
#[test]
fn upstream_grub_asks_the_foreign_server() {
    let booted = edk2(Era::Current, 11, Place::SameLan, Habit::PointsAtItself);
    let next = text(grub::configuration(&booted, grub::Build::Upstream));
    assert_eq!(next, Some((FOREIGN, "grub.cfg".to_owned())));
    let booted = edk2(Era::Current, 11, Place::SameLan, Habit::AddressesOnly);
    assert_eq!(grub::configuration(&booted, grub::Build::Upstream), None);
}

#[test]
fn pxelinux_searches_beside_itself() {
    for habit in [Habit::AddressesOnly, Habit::PointsAtItself] {
        let pxelinux = |_: &ProxyRequest<'_>| {
            Some(Verdict { file: b"syslinux/pxelinux.0".to_vec(), style: None })
        };
        let mut lab = Lab::with_decision(3, Impairment::default(), Place::SameLan, habit, pxelinux);
        let (machine, start) = (lab.machine(0), lab.world.now());
        let client = lab.attach("BIOS ROM", machine.mac, IntelRom::new(machine, start));
        lab.expect_boot(client, US, "syslinux/pxelinux.0");
        let outcome = lab.run(client);
        let booted = outcome.boot().expect("checked above");
        let first = text(pxelinux::first_request(booted, &machine));
        let (server, name) = first.expect("a search");
        assert_eq!(server, US);
        assert!(name.starts_with("syslinux/pxelinux.cfg/0b0b0ba0-0b0b-"), "{name}");
    }
}
