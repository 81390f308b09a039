//! Which architecture is told which name.

use alloc::{format, string::String};

use super::site::Site;

/// Architectures that share a name.
pub(super) struct Kind {
    /// Numbers of option 93 (IANA, processor architecture types). 7 and 9 are both sent by x64 UEFI.
    pub(super) archs: &'static [u16],
    /// What follows the bait and `_`; also a short name for tags and classes.
    pub(super) suffix: &'static str,
    /// For a person.
    pub(super) what: &'static str,
}

/// Those that a DHCP server tells apart for us. Numbers of HTTP boot (15 to 20) are left out: such a machine wants a
/// URL and takes no bait.
pub(super) const KINDS: [Kind; 4] = [
    Kind { archs: &[0], suffix: "bios", what: "BIOS" },
    Kind { archs: &[6], suffix: "ia32", what: "UEFI, 32-bit x86" },
    Kind { archs: &[7, 9], suffix: "uefi", what: "UEFI, x64" },
    Kind { archs: &[11], suffix: "aa64", what: "UEFI, ARM64" },
];

impl Kind {
    /// The name this kind is told.
    pub(super) fn bait(&self, site: &Site<'_>) -> String {
        format!("{}_{}", site.bait(), self.suffix)
    }
}
