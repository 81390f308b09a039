//! The firmware names that configuration, logs and documents share.

use core::fmt;

/// What kind of machine asks: the processor and boot interface that decide which program can run on it.
///
/// The names ([`Firmware::name`]) are fixed; configuration files use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Firmware {
    /// PC BIOS with a PXE ROM (x86, 16-bit entry).
    Bios,
    /// 32-bit x86 UEFI (IA32), boot file by TFTP.
    X86Uefi,
    /// 64-bit x86 UEFI, boot file by TFTP.
    X64Uefi,
    /// 32-bit ARM UEFI, boot file by TFTP.
    Arm32Uefi,
    /// 64-bit ARM UEFI, boot file by TFTP.
    Arm64Uefi,
    /// 64-bit RISC-V UEFI, boot file by TFTP.
    Riscv64Uefi,
    /// 64-bit LoongArch UEFI, boot file by TFTP.
    Loong64Uefi,
    /// PowerPC Open Firmware (SLOF, IBM POWER).
    Ppc64Of,
    /// IBM Z network boot.
    S390x,
    /// U-Boot on 64-bit ARM, outside its UEFI emulation.
    Arm64Uboot,
    /// Raspberry Pi boot ROM or EEPROM.
    Rpi,
    /// [`Firmware::X86Uefi`] in UEFI HTTP Boot: it takes a URL.
    X86UefiHttp,
    /// [`Firmware::X64Uefi`] in UEFI HTTP Boot.
    X64UefiHttp,
    /// [`Firmware::Arm32Uefi`] in UEFI HTTP Boot.
    Arm32UefiHttp,
    /// [`Firmware::Arm64Uefi`] in UEFI HTTP Boot.
    Arm64UefiHttp,
    /// [`Firmware::Riscv64Uefi`] in UEFI HTTP Boot.
    Riscv64UefiHttp,
    /// [`Firmware::Loong64Uefi`] in UEFI HTTP Boot.
    Loong64UefiHttp,
}

impl Firmware {
    /// Every firmware, in the order of this enum.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &[
            Self::Bios,
            Self::X86Uefi,
            Self::X64Uefi,
            Self::Arm32Uefi,
            Self::Arm64Uefi,
            Self::Riscv64Uefi,
            Self::Loong64Uefi,
            Self::Ppc64Of,
            Self::S390x,
            Self::Arm64Uboot,
            Self::Rpi,
            Self::X86UefiHttp,
            Self::X64UefiHttp,
            Self::Arm32UefiHttp,
            Self::Arm64UefiHttp,
            Self::Riscv64UefiHttp,
            Self::Loong64UefiHttp,
        ]
    }

    /// The name used in configuration and logs, for example `x64-uefi-http`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::X86Uefi => "x86-uefi",
            Self::X64Uefi => "x64-uefi",
            Self::Arm32Uefi => "arm32-uefi",
            Self::Arm64Uefi => "arm64-uefi",
            Self::Riscv64Uefi => "riscv64-uefi",
            Self::Loong64Uefi => "loong64-uefi",
            Self::Ppc64Of => "ppc64-of",
            Self::S390x => "s390x",
            Self::Arm64Uboot => "arm64-uboot",
            Self::Rpi => "rpi",
            Self::X86UefiHttp => "x86-uefi-http",
            Self::X64UefiHttp => "x64-uefi-http",
            Self::Arm32UefiHttp => "arm32-uefi-http",
            Self::Arm64UefiHttp => "arm64-uefi-http",
            Self::Riscv64UefiHttp => "riscv64-uefi-http",
            Self::Loong64UefiHttp => "loong64-uefi-http",
        }
    }

    /// The firmware with this exact name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().iter().copied().find(|firmware| firmware.name() == name)
    }

    /// Whether this firmware takes a URL (UEFI HTTP Boot) instead of a TFTP file name.
    #[must_use]
    pub const fn is_http(self) -> bool {
        self as u8 >= Self::X86UefiHttp as u8
    }

    /// Whether this is UEFI firmware, by TFTP or HTTP.
    #[must_use]
    pub const fn is_uefi(self) -> bool {
        self.over_http().is_some()
    }

    /// The same machine booting by HTTP; `None` when it has no such mode.
    #[must_use]
    pub const fn over_http(self) -> Option<Self> {
        match self {
            Self::X86Uefi | Self::X86UefiHttp => Some(Self::X86UefiHttp),
            Self::X64Uefi | Self::X64UefiHttp => Some(Self::X64UefiHttp),
            Self::Arm32Uefi | Self::Arm32UefiHttp => Some(Self::Arm32UefiHttp),
            Self::Arm64Uefi | Self::Arm64UefiHttp => Some(Self::Arm64UefiHttp),
            Self::Riscv64Uefi | Self::Riscv64UefiHttp => Some(Self::Riscv64UefiHttp),
            Self::Loong64Uefi | Self::Loong64UefiHttp => Some(Self::Loong64UefiHttp),
            Self::Bios | Self::Ppc64Of | Self::S390x | Self::Arm64Uboot | Self::Rpi => None,
        }
    }

    /// The same machine booting by TFTP. Both run the same programs.
    #[must_use]
    pub const fn over_tftp(self) -> Self {
        match self {
            Self::X86UefiHttp => Self::X86Uefi,
            Self::X64UefiHttp => Self::X64Uefi,
            Self::Arm32UefiHttp => Self::Arm32Uefi,
            Self::Arm64UefiHttp => Self::Arm64Uefi,
            Self::Riscv64UefiHttp => Self::Riscv64Uefi,
            Self::Loong64UefiHttp => Self::Loong64Uefi,
            other => other,
        }
    }

    /// Position in [`Firmware::all`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of firmware, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FirmwareSet(u32);

impl FromIterator<Firmware> for FirmwareSet {
    fn from_iter<I: IntoIterator<Item = Firmware>>(all: I) -> Self {
        let mut set = Self::default();
        all.into_iter().for_each(|firmware| set.insert(firmware));
        set
    }
}

impl FirmwareSet {
    pub(crate) const fn insert(&mut self, firmware: Firmware) {
        self.0 |= 1 << firmware as u8;
    }

    /// Whether a firmware is one of them.
    #[must_use]
    pub const fn contains(self, firmware: Firmware) -> bool {
        self.0 & (1 << firmware as u8) != 0
    }

    pub(crate) const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_complete_ordered_and_named_once() {
        for (index, firmware) in Firmware::all().iter().enumerate() {
            assert_eq!(firmware.index(), index);
            assert_eq!(Firmware::from_name(firmware.name()), Some(*firmware));
            assert_eq!(firmware.to_string(), firmware.name());
        }
        assert_eq!(Firmware::all().len(), Firmware::Loong64UefiHttp.index() + 1);
        for wrong in ["", "BIOS", "x64-uefi ", "uefi", "x64"] {
            assert_eq!(Firmware::from_name(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn http_twins_are_each_others_twin() {
        for firmware in Firmware::all().iter().copied() {
            assert_eq!(firmware.is_http(), firmware.name().ends_with("-http"));
            assert!(!firmware.over_tftp().is_http());
            if let Some(http) = firmware.over_http() {
                assert!(http.is_http());
                assert_eq!(http.over_tftp(), firmware.over_tftp());
                assert_eq!(http.name(), format!("{}-http", firmware.over_tftp()));
            } else {
                assert!(!firmware.is_http());
            }
        }
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let mut set = FirmwareSet::default();
        assert!(set.is_empty());
        set.insert(Firmware::Bios);
        set.insert(Firmware::Loong64UefiHttp);
        assert!(set.contains(Firmware::Bios) && set.contains(Firmware::Loong64UefiHttp));
        assert!(!set.contains(Firmware::X64Uefi));
        let mut smaller = FirmwareSet::default();
        smaller.insert(Firmware::Bios);
        assert!(set.contains_all(smaller) && !smaller.contains_all(set));
    }
}
