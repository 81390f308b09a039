//! The rows beside DHCP servers that name a bait: every machine in every topology.
//!
//! QEMU's BIOS network boot *is* iPXE. Where our server has heard it say so, with its architecture, a rule about both
//! names it PXELINUX: a boot file that only a BIOS runs, by evidence alone. Where nothing was heard the request's shape
//! tells that iPXE runs and no more, so it gets its script, and the row's title says so.

use super::rows::{
    ARM64_SEAT, BIOS_MENU_SEAT, BIOS_PXELINUX_SEAT, PLAIN, PXELINUX_FOR_BIOS, X64_SEAT, X86_SEAT,
};
use super::{Act, Row};
use crate::lab::proof::Seat;
use crate::lab::stage::Scene;
use crate::lab::topology::Topology;
use crate::packages::{self, Need};

/// The slow ones first.
const HEARD: &[Seat] = &[X64_SEAT, ARM64_SEAT, X86_SEAT, BIOS_PXELINUX_SEAT];
const UNHEARD: &[Seat] = &[X64_SEAT, ARM64_SEAT, X86_SEAT, BIOS_MENU_SEAT];

const NEEDS: &[&Need] = &[
    &packages::QEMU_X86,
    &packages::QEMU_ROM,
    &packages::OVMF_X64,
    &packages::OVMF_IA32,
    &packages::QEMU_ARM,
    &packages::AAVMF,
    &packages::IPXE,
    &packages::GRUB_IA32,
    &packages::SHIM_ARM64,
    &packages::PXELINUX,
    &packages::LDLINUX,
];

/// A server that has heard nothing knows the IA32 machine by its address, if the neighbour table has that.
const X86_HOST: &str = "[[host]]\nmac = \"52:54:00:aa:00:03\"\nloader = \"grubnetia32.efi\"\n";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "observe",
        title: "one bait for all four, we listen (BIOS iPXE to PXELINUX, by rule)",
        act: Act::Boot,
        seats: HEARD,
        scene: Scene { topology: Topology::OBSERVE, ..PXELINUX_FOR_BIOS },
        needs: NEEDS,
    },
    Row {
        name: "observe-relay",
        title: "the same, behind a router that relays to both servers",
        act: Act::Boot,
        seats: HEARD,
        scene: Scene { topology: Topology::RELAYED, ..PXELINUX_FOR_BIOS },
        needs: NEEDS,
    },
    Row {
        name: "observe-same-host",
        title: "the same, the DHCP server on our own host",
        act: Act::Boot,
        seats: HEARD,
        scene: Scene { topology: Topology::SAME_HOST, ..PXELINUX_FOR_BIOS },
        needs: NEEDS,
    },
    Row {
        name: "off-suffixes",
        title: "a bait per architecture, no DHCP at all (BIOS iPXE to its script)",
        act: Act::Boot,
        seats: UNHEARD,
        scene: Scene { topology: Topology::SUFFIXES, ..PLAIN },
        needs: NEEDS,
    },
    Row {
        name: "observe-late",
        title: "one bait, nothing heard before the request: IA32 by its host entry, BIOS iPXE to its \
                script, x64 and ARM64 held until switched on again",
        act: Act::Boot,
        seats: UNHEARD,
        scene: Scene { topology: Topology::LATE, rules: X86_HOST, ..PLAIN },
        needs: NEEDS,
    },
    Row {
        name: "observe-restart",
        title: "one bait, second boot with nothing heard: by what was kept, and the neighbour table",
        act: Act::Boot,
        seats: &[ARM64_SEAT, X86_SEAT, BIOS_PXELINUX_SEAT],
        scene: Scene { topology: Topology::RESTARTED, ..PXELINUX_FOR_BIOS },
        needs: NEEDS,
    },
];
