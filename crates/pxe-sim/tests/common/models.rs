//! The machines that whole boots are tried with.

use pxe_sim::fetch::{Fetching, TftpHabit};
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::intel_rom::IntelRom;
use pxe_sim::firmware::ipxe::{Build, Ipxe};
use pxe_sim::firmware::raspberry_pi::{Generation, RaspberryPi};
use pxe_sim::firmware::uboot::{ProxySupport, UBoot};
use pxe_sim::network::HostId;

use super::Lab;

/// A machine that fetches its file as its firmware does.
#[derive(Clone, Copy, Debug)]
pub enum Model {
    Edk2(u16, Era),
    Ipxe(u16, Build),
    IntelRom,
    UBoot,
    RaspberryPi(Generation),
}

/// Puts one into the room.
pub fn attach(lab: &mut Lab, model: Model) -> HostId {
    let start = lab.world.now();
    match model {
        Model::Edk2(arch, era) => {
            let machine = lab.machine(arch);
            let firmware = Edk2Pxe::new(machine, era, start);
            lab.attach("EDK2", machine.mac, Fetching::new(firmware, TftpHabit::EDK2))
        }
        Model::Ipxe(arch, build) => {
            let machine = lab.machine(arch);
            let firmware = Ipxe::new(machine, build, start);
            lab.attach("iPXE", machine.mac, Fetching::new(firmware, TftpHabit::IPXE))
        }
        Model::IntelRom => {
            let machine = lab.machine(0);
            let firmware = IntelRom::new(machine, start);
            lab.attach("BIOS ROM", machine.mac, Fetching::new(firmware, TftpHabit::INTEL_ROM))
        }
        Model::UBoot => {
            let machine = lab.machine(0x16);
            let firmware = UBoot::new(machine, "U-Boot.armv8", ProxySupport::Built, start);
            lab.attach("U-Boot", machine.mac, Fetching::new(firmware, TftpHabit::U_BOOT))
        }
        Model::RaspberryPi(generation) => {
            let machine = lab.machine(0);
            let firmware = RaspberryPi::new(machine, generation, start);
            let mac = firmware.mac();
            lab.attach("Raspberry Pi", mac, Fetching::new(firmware, TftpHabit::RASPBERRY_PI))
        }
    }
}
