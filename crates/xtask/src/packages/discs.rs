//! What discs of Debian's installer are made of.

use super::{Need, Present};

/// Kernel and initrd of Debian's installer for network boot.
pub(crate) const DEBIAN_AMD64_FILES: &[[&str; 2]] = &[[
    "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/linux",
    "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/initrd.gz",
]];
pub(crate) const DEBIAN_ARM64_FILES: &[[&str; 2]] = &[[
    "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/linux",
    "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/initrd.gz",
]];
pub(crate) const DEBIAN_AMD64: Need = Need {
    what: "Debian's installer for network boot, x64",
    present: Present::Pair(DEBIAN_AMD64_FILES),
    packages: [&["debian-installer-12-netboot-amd64"], &[], &[], &[]],
};
pub(crate) const DEBIAN_ARM64: Need = Need {
    what: "Debian's installer for network boot, ARM64",
    present: Present::Pair(DEBIAN_ARM64_FILES),
    packages: [&["debian-installer-12-netboot-arm64"], &[], &[], &[]],
};
pub(crate) const XORRISO: Need = Need {
    what: "xorriso, which makes discs",
    present: Present::Programs(&["xorriso"]),
    packages: [&["xorriso"], &["xorriso"], &["libisoburn"], &["xorriso"]],
};
