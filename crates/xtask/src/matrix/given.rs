//! The rows where our server gives the addresses: every machine on one wire, and one behind a relay.

use super::rows::{
    BIOS_MENU_SEAT, BIOS_PXELINUX_SEAT, NEEDS_SECURE, PLAIN, PXELINUX_FOR_BIOS, X64_SEAT,
    X64_SECURE_SEAT,
};
use super::topologies::{HEARD, NEEDS};
use super::{Act, Row};
use crate::lab::stage::Scene;
use crate::lab::topology::Topology;

/// Debian's signed GRUB takes its configuration from the server of the address, so that has to be ours.
const SECURE: Scene<'static> =
    Scene { topology: Topology::SERVER, rules: "[loaders]\nx64-uefi = \"shimx64.efi\"\n", ..PLAIN };

/// The slow ones first.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "server",
        title: "we are the DHCP server, for all four (BIOS iPXE to PXELINUX, by rule)",
        act: Act::Boot,
        seats: HEARD,
        scene: Scene { topology: Topology::SERVER, ..PXELINUX_FOR_BIOS },
        needs: NEEDS,
    },
    Row {
        name: "server-relay",
        title: "the same behind a relay, for EDK2 x64 and SeaBIOS",
        act: Act::Boot,
        seats: &[X64_SEAT, BIOS_PXELINUX_SEAT],
        scene: Scene { topology: Topology::SERVER_RELAYED, ..PXELINUX_FOR_BIOS },
        needs: NEEDS,
    },
    Row {
        name: "server-secure-boot",
        title: "EDK2 x64 with Secure Boot to Debian's shim to its signed GRUB to the generated menu",
        act: Act::Boot,
        seats: &[X64_SECURE_SEAT],
        scene: SECURE,
        needs: NEEDS_SECURE,
    },
    Row {
        name: "server-menu",
        title: "SeaBIOS with iPXE ROM to the generated menu, its address from us",
        act: Act::Boot,
        seats: &[BIOS_MENU_SEAT],
        scene: Scene { topology: Topology::SERVER, ..PLAIN },
        needs: NEEDS,
    },
];
