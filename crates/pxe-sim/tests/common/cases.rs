//! Every model of boot firmware, on its way to the file it must end with.

use std::net::Ipv4Addr;

use pxe_select::Firmware;
use pxe_sim::firmware::edk2_http::Edk2Http;
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::intel_rom::IntelRom;
use pxe_sim::firmware::ipxe::{Build, Ipxe};
use pxe_sim::firmware::raspberry_pi::{Generation, RaspberryPi};
use pxe_sim::firmware::uboot::{ProxySupport, UBoot};
use pxe_sim::network::HostId;

use super::{Lab, SCRIPT, US, loader};

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
pub struct Case {
    pub name: String,
    pub server: Ipv4Addr,
    pub file: String,
    pub attach: Box<dyn Fn(&mut Lab) -> HostId>,
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

/// Every model, and the file it must end with.
pub fn cases() -> Vec<Case> {
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
