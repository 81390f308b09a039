//! EDK2's boot menu and boot server discovery (`NetworkPkg/UefiPxeBcDxe/PxeBcBoot.c`), with nobody at
//! the keyboard.

use std::net::Ipv4Addr;

use crate::wire::{Reader, sub_option};

/// What the firmware makes of a packet with PXE sub-options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selected {
    /// It boots the file of the packet.
    ThisFile,
    /// It asks these servers for the default item.
    Discover(Discovery),
    /// It ends, with the reason.
    Failed(&'static str),
}

/// `EFI_PXE_BASE_CODE_DISCOVER_INFO`, as far as it is used by unicast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Discovery {
    /// The item's type, as on the wire.
    pub(super) item_type: [u8; 2],
    /// Who offers it.
    pub(super) servers: Vec<Ipv4Addr>,
    /// `MustUseList`: `siaddr` of the reply must be one of them.
    pub(super) only_these: bool,
}

/// `PxeBcSelectBootPrompt`, `PxeBcSelectBootMenu`, `PxeBcExtractDiscoverInfo`. `has_file`: the packet
/// names a boot file.
pub(super) fn select(packet: &Reader<'_>, has_file: bool) -> Selected {
    let vendor = packet.option(43).unwrap_or_default();
    let octet = |code| sub_option(vendor, code).and_then(|value| value.first().copied());
    let control = octet(6).unwrap_or(0);
    if control & 8 != 0 && has_file {
        return Selected::ThisFile;
    }
    // Without a prompt, or when its time is over, the first item is taken.
    if octet(10) == Some(255) {
        return Selected::Failed("a menu that waits for a key for ever");
    }
    let first = sub_option(vendor, 9).and_then(|menu| <[u8; 2]>::try_from(menu.get(..2)?).ok());
    let Some(item_type) = first.filter(|item_type| *item_type != [0, 0]) else {
        return Selected::Failed("EFI_ABORTED: a menu without entries is a local boot");
    };
    if control & 3 != 3 {
        return Selected::Failed("EFI_TIMEOUT: discovery by multicast or broadcast");
    }
    match servers(vendor, item_type) {
        Some(servers) => {
            Selected::Discover(Discovery { item_type, servers, only_these: control & 4 != 0 })
        }
        None => Selected::Failed("EFI_DEVICE_ERROR: no server for the item"),
    }
}

/// The entry of sub-option 8 for a type.
fn servers(vendor: &[u8], item_type: [u8; 2]) -> Option<Vec<Ipv4Addr>> {
    let mut rest = sub_option(vendor, 8)?;
    while let [high, low, count, after @ ..] = rest {
        let (addresses, after) = after.split_at_checked(usize::from(*count) * 4)?;
        if [*high, *low] == item_type {
            let (addresses, _) = addresses.as_chunks::<4>();
            return Some(addresses.iter().map(|address| Ipv4Addr::from(*address)).collect());
        }
        rest = after;
    }
    None
}

/// Option 43 of the request for an item, with layer 0 (`PxeBcDhcp4Discover`).
pub(super) fn boot_item([high, low]: [u8; 2]) -> [u8; 7] {
    [71, 4, high, low, 0, 0, 255]
}
