//! What is known of an image that a machine's firmware is to start by itself (UEFI HTTP Boot).
//!
//! Such firmware takes a URL of an ISO or disk image, puts all of it into memory, and starts the loader for removable media
//! that it finds in there: EDK2 `NetworkPkg/HttpBootDxe/HttpBootSupport.c` (`HttpBootRegisterRamDisk`).

use crate::firmware::{Firmware, FirmwareSet};

/// The entry of an image that stands for all of it, started from memory by the firmware itself: `debian-12.iso#ram-disk`.
pub const RAM_DISK_ENTRY: &str = "ram-disk";

/// On which firmware the image that a machine is to boot ([`crate::Policy::image_of`]) starts by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RamDisk {
    /// There is no such image, or none that firmware could start, as far as is known.
    #[default]
    Unknown,
    /// It is there, and still looked at.
    Awaited,
    /// On these: it has a loader for each.
    StartsOn(FirmwareSet),
}

impl RamDisk {
    pub(crate) fn starts_on(self, firmware: Firmware) -> bool {
        matches!(self, Self::StartsOn(set) if set.contains(firmware))
    }
}
