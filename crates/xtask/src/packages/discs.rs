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

/// Makes rescue discs that start from BIOS and UEFI.
pub(crate) const GRUB_MKRESCUE: Need = Need {
    what: "grub-mkrescue, which makes rescue discs",
    present: Present::Programs(&["grub-mkrescue", "mformat"]),
    packages: [&["grub-common", "mtools"], &[], &["grub", "mtools"], &[]],
};
pub(crate) const GRUB_PC_MODULES: Need = Need {
    what: "GRUB for PC BIOS",
    present: Present::File(&["/usr/lib/grub/i386-pc/cdboot.img"]),
    packages: [&["grub-pc-bin"], &[], &["grub"], &[]],
};
pub(crate) const GRUB_X64_MODULES: Need = Need {
    what: "GRUB for x64 UEFI",
    present: Present::File(&["/usr/lib/grub/x86_64-efi/moddep.lst"]),
    packages: [&["grub-efi-amd64-bin"], &[], &["grub"], &[]],
};
pub(crate) const MEMTEST_FILES: &[&str] = &["/boot/memtest86+x64.bin"];
pub(crate) const MEMTEST: Need = Need {
    what: "Memtest86+",
    present: Present::File(MEMTEST_FILES),
    packages: [&["memtest86+"], &["memtest86+"], &[], &[]],
};
pub(crate) const MEMDISK_FILES: &[&str] =
    &["/usr/lib/syslinux/memdisk", "/usr/share/syslinux/memdisk", "/usr/lib/syslinux/bios/memdisk"];
pub(crate) const MEMDISK: Need = Need {
    what: "memdisk",
    present: Present::File(MEMDISK_FILES),
    packages: [&["syslinux-common"], &["syslinux-nonlinux"], &["syslinux"], &["syslinux"]],
};
