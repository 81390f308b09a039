//! What firmware does when the network or the answer is wrong. These are facts to explain to
//! people, and the reasons for the recipes; a model that passed here with the wrong recipe would
//! prove nothing elsewhere.

mod common;

use common::{Lab, Place, US, loader};
use pxe_dhcp::respond::{ProxyRequest, ProxyStyle};
use pxe_select::Firmware;
use pxe_sim::firmware::Outcome;
use pxe_sim::firmware::edk2_http::Edk2Http;
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::intel_rom::IntelRom;
use pxe_sim::firmware::ipxe::{Build, Ipxe};
use pxe_sim::firmware::raspberry_pi::{Generation, RaspberryPi};
use pxe_sim::firmware::uboot::{ProxySupport, UBoot};
use pxe_sim::foreign::Habit;
use pxe_sim::network::{Captured, Impairment};
use pxe_sim::server::Verdict;

/// A lab whose proxy phrases every offer in `style`.
fn lab(style: ProxyStyle, file: &'static str) -> Lab {
    let verdict =
        move |_: &ProxyRequest<'_>| Some(Verdict { file: file.into(), style: Some(style) });
    Lab::with_decision(5, Impairment::default(), Place::SameLan, Habit::PointsAtItself, verdict)
}

fn edk2(mut lab: Lab, era: Era) -> Outcome {
    let (machine, start) = (lab.machine(7), lab.world.now());
    let client = lab.attach("EDK2", machine.mac, Edk2Pxe::new(machine, era, start));
    lab.run(client)
}

#[test]
fn option_43_is_fatal_to_uefi_of_2010_to_2017() {
    let outcome = edk2(lab(ProxyStyle::JustBoot, "ipxe.efi"), Era::Years2010To2017);
    assert_eq!(outcome, Outcome::Failed("PXE-E16: no offer"));
    let outcome = edk2(lab(ProxyStyle::JustBoot, "ipxe.efi"), Era::Current);
    assert_eq!(outcome.boot().map(|boot| &boot.file[..]), Some(&b"ipxe.efi"[..]));
    let outcome = edk2(lab(ProxyStyle::Binl, "ipxe.efi"), Era::Years2010To2017);
    assert_eq!(outcome.boot().map(|boot| &boot.file[..]), Some(&b"ipxe.efi"[..]));
}

#[test]
fn a_menu_without_boot_file_is_a_local_boot_to_uefi() {
    let outcome = edk2(lab(ProxyStyle::RaspberryPi, "ipxe.efi"), Era::Current);
    let reason = "EFI_ABORTED: a menu without entries is a local boot";
    assert_eq!(outcome, Outcome::Failed(reason));
}

#[test]
fn a_raspberry_pi_wants_its_menu() {
    for generation in [Generation::Three, Generation::Four] {
        let mut lab = lab(ProxyStyle::JustBoot, "bootcode.bin");
        let (machine, start) = (lab.machine(0), lab.world.now());
        let board = RaspberryPi::new(machine, generation, start);
        let client = lab.attach("Raspberry Pi", board.mac(), board);
        assert_eq!(lab.run(client), Outcome::Failed("five tries: next boot mode"));
    }
}

/// Option 60 without 43 promises a boot server on port 4011. UEFI prefers that server to any proxy.
#[test]
fn a_dhcp_server_that_claims_pxe_without_serving_it() {
    let trap = || Lab::new(5, Impairment::default(), Place::SameLan, Habit::ClassTrap);
    let outcome = edk2(trap(), Era::Current);
    assert_eq!(outcome, Outcome::Failed("EFI_NO_RESPONSE: port 4011 is silent"));

    // A BIOS ROM looks for the proxy and finds it; HTTP Boot does not care about the class.
    let mut lab = trap();
    let (machine, start) = (lab.machine(0), lab.world.now());
    let client = lab.attach("BIOS ROM", machine.mac, IntelRom::new(machine, start));
    lab.expect_boot(client, US, &loader(Firmware::Bios));
    let mut lab = trap();
    let (machine, start) = (lab.machine(16), lab.world.now());
    let client = lab.attach("HTTP Boot", machine.mac, Edk2Http::new(machine, start));
    assert!(lab.run(client).boot().is_some(), "{}", lab.world.report());

    // iPXE takes the first offer that says PXEClient, here the foreign server's.
    let mut lab = trap();
    let (machine, start) = (lab.machine(0), lab.world.now());
    let client = lab.attach("iPXE", machine.mac, Ipxe::new(machine, Build::Rom, start));
    assert_eq!(lab.run(client), Outcome::Failed("nothing to boot: no filename"));
}

#[test]
fn u_boot_without_proxy_support_ignores_us() {
    let habit = Habit::PointsAtItself;
    let mut lab = Lab::new(5, Impairment::default(), Place::SameLan, habit);
    let (machine, start) = (lab.machine(0x16), lab.world.now());
    let board = UBoot::new(machine, "U-Boot.armv8", ProxySupport::Absent, start);
    let client = lab.attach("U-Boot", machine.mac, board);
    let outcome = lab.run(client);
    assert_eq!(outcome, Outcome::Failed("no bootfile: tries its default names"));
}

#[test]
fn without_an_answer_nobody_boots() {
    let mut lab = Lab::new(5, Impairment::bad(1000), Place::SameLan, Habit::AddressesOnly);
    let (machine, start) = (lab.machine(7), lab.world.now());
    let client = lab.attach("EDK2", machine.mac, Edk2Pxe::new(machine, Era::Current, start));
    assert_eq!(lab.run(client), Outcome::Failed("PXE-E16: no offer"));
    let (machine, start) = (lab.machine(0), lab.world.now());
    let client = lab.attach("BIOS ROM", machine.mac, IntelRom::new(machine, start));
    assert_eq!(lab.run(client), Outcome::Failed("PXE-E51: no offers"));
}

/// The schedule of a capture of OVMF x64 that nobody answered: 4, 8, 16, 32 seconds.
#[test]
fn edk2_asks_when_the_real_one_does() {
    let mut lab = Lab::new(5, Impairment::bad(1000), Place::SameLan, Habit::AddressesOnly);
    let (machine, start) = (lab.machine(7), lab.world.now());
    let client = lab.attach("EDK2", machine.mac, Edk2Pxe::new(machine, Era::Current, start));
    lab.run(client);
    let asked: Vec<u64> = lab.world.capture().iter().map(|sent| sent.at.as_secs()).collect();
    assert_eq!(asked, [0, 4, 12, 28], "\n{}", lab.world.report());
}

/// Without option 43 a BIOS ROM comes back on port 4011, and takes the answer from that port only.
#[test]
fn a_bios_rom_that_is_not_told_to_boot_asks_the_boot_server() {
    let mut lab = lab(ProxyStyle::Binl, "undionly.kpxe");
    let (machine, start) = (lab.machine(0), lab.world.now());
    let client = lab.attach("BIOS ROM", machine.mac, IntelRom::new(machine, start));
    lab.expect_boot(client, US, "undionly.kpxe");
    let from_4011 =
        |sent: &&Captured| sent.sender == lab.server && sent.datagram.source.port() == 4011;
    assert_eq!(lab.world.capture().iter().filter(from_4011).count(), 1, "{}", lab.world.report());
}
