//! Processor architecture numbers (option 93) and what this project makes of each.

use core::fmt;

use crate::firmware::Firmware;

/// A "processor architecture type": one entry of DHCP option 93, and the decimal in option 60.
///
/// Open: any value can arrive. What a number means is in [`Arch::table`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arch(pub u16);

impl Arch {
    /// x86 BIOS; Raspberry Pi boot ROMs send it too.
    pub const X86_BIOS: Self = Self(0);
    /// 32-bit x86 UEFI.
    pub const X86_UEFI: Self = Self(6);
    /// x64 UEFI.
    pub const X64_UEFI: Self = Self(7);
    /// EFI byte code by the registry, x64 UEFI in the field.
    pub const EBC: Self = Self(9);
    /// 32-bit ARM UEFI.
    pub const ARM32_UEFI: Self = Self(10);
    /// 64-bit ARM UEFI.
    pub const ARM64_UEFI: Self = Self(11);
    /// PowerPC Open Firmware.
    pub const PPC_OPEN_FIRMWARE: Self = Self(12);
    /// 32-bit x86 UEFI, boot from HTTP.
    pub const X86_UEFI_HTTP: Self = Self(15);
    /// x64 UEFI, boot from HTTP.
    pub const X64_UEFI_HTTP: Self = Self(16);
    /// EFI byte code, boot from HTTP; treated like [`Arch::X64_UEFI_HTTP`].
    pub const EBC_HTTP: Self = Self(17);
    /// 32-bit ARM UEFI, boot from HTTP.
    pub const ARM32_UEFI_HTTP: Self = Self(18);
    /// 64-bit ARM UEFI, boot from HTTP.
    pub const ARM64_UEFI_HTTP: Self = Self(19);
    /// 64-bit ARM U-Boot.
    pub const ARM64_UBOOT: Self = Self(22);
    /// 64-bit RISC-V UEFI.
    pub const RISCV64_UEFI: Self = Self(27);
    /// 64-bit RISC-V UEFI, boot from HTTP.
    pub const RISCV64_UEFI_HTTP: Self = Self(28);
    /// IBM Z, basic mode.
    pub const S390_BASIC: Self = Self(31);
    /// IBM Z, extended mode.
    pub const S390_EXTENDED: Self = Self(32);
    /// 64-bit LoongArch UEFI.
    pub const LOONG64_UEFI: Self = Self(39);
    /// 64-bit LoongArch UEFI, boot from HTTP.
    pub const LOONG64_UEFI_HTTP: Self = Self(40);
    /// Raspberry Pi boot, as registered (the ROMs themselves say 0).
    pub const ARM_RPIBOOT: Self = Self(41);

    /// What is known about every number: the IANA registry, then numbers outside it that were seen on the wire.
    /// Ordered by number.
    #[must_use]
    pub const fn table() -> &'static [ArchEntry] {
        TABLE
    }

    /// What is known about this number.
    #[must_use]
    pub fn entry(self) -> Option<&'static ArchEntry> {
        TABLE.binary_search_by_key(&self, |entry| entry.arch).ok().and_then(|at| TABLE.get(at))
    }

    /// The name in the registry.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.name)
    }

    /// The firmware this number stands for when nothing else is known; `None` for numbers without a boot file of
    /// ours. The class in option 60 decides between TFTP and HTTP, see [`crate::Policy::identify`].
    #[must_use]
    pub fn firmware(self) -> Option<Firmware> {
        self.entry().and_then(|entry| entry.firmware)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{} (not in the registry)", self.0),
        }
    }
}

impl fmt::Debug for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arch({self})")
    }
}

/// How a machine of some architecture fetches its boot file, by the registry's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// A file name and TFTP.
    Tftp,
    /// A URL and HTTP.
    Http,
}

/// Where an entry of the table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArchSource {
    /// IANA, "Dynamic Host Configuration Protocol for IPv6 (DHCPv6)", registry "Processor Architecture Types"
    /// (RFC 5970 section 6; numbers 0 to 9 from RFC 4578 section 2.1 and its errata).
    Iana,
    /// Not registered; seen in requests of real machines.
    Field,
}

/// One row of the table of architectures.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ArchEntry {
    /// The number.
    pub arch: Arch,
    /// The registry's name; ours for [`ArchSource::Field`].
    pub name: &'static str,
    /// The firmware it stands for, if there is a boot file for it.
    pub firmware: Option<Firmware>,
    /// How the boot file travels.
    pub transport: Transport,
    /// Whether the registry marks the number as deprecated.
    pub deprecated: bool,
    /// Where the row comes from.
    pub source: ArchSource,
    /// What real machines do with the number; empty when they do what it says.
    pub note: &'static str,
}

const fn tftp(number: u16, name: &'static str, firmware: Option<Firmware>) -> ArchEntry {
    ArchEntry {
        arch: Arch(number),
        name,
        firmware,
        transport: Transport::Tftp,
        deprecated: false,
        source: ArchSource::Iana,
        note: "",
    }
}

const fn http(number: u16, name: &'static str, firmware: Option<Firmware>) -> ArchEntry {
    ArchEntry { transport: Transport::Http, ..tftp(number, name, firmware) }
}

const fn deprecated(number: u16, name: &'static str) -> ArchEntry {
    ArchEntry { deprecated: true, ..tftp(number, name, None) }
}

const fn field(number: u16, name: &'static str) -> ArchEntry {
    ArchEntry { source: ArchSource::Field, ..tftp(number, name, None) }
}

impl ArchEntry {
    const fn noted(self, note: &'static str) -> Self {
        Self { note, ..self }
    }
}

const TABLE: &[ArchEntry] = &[
    tftp(0, "x86 BIOS", Some(Firmware::Bios))
        .noted("Raspberry Pi boot ROMs send it as well: told apart by MAC prefix or by option 97"),
    deprecated(1, "NEC/PC98"),
    tftp(2, "Itanium", None),
    deprecated(3, "DEC Alpha"),
    deprecated(4, "Arc x86"),
    deprecated(5, "Intel Lean Client"),
    tftp(6, "x86 UEFI", Some(Firmware::X86Uefi)),
    tftp(7, "x64 UEFI", Some(Firmware::X64Uefi))
        .noted("RFC 4578 printed 7 as EFI byte code; firmware means x64, as the errata say"),
    deprecated(8, "EFI Xscale"),
    tftp(9, "EBC", Some(Firmware::X64Uefi))
        .noted("old OVMF and some VMware and Proxmox guests send it for x64 UEFI"),
    tftp(10, "ARM 32-bit UEFI", Some(Firmware::Arm32Uefi)),
    tftp(11, "ARM 64-bit UEFI", Some(Firmware::Arm64Uefi)),
    tftp(12, "PowerPC Open Firmware", Some(Firmware::Ppc64Of)),
    tftp(13, "PowerPC ePAPR", None),
    tftp(14, "POWER OPAL v3", None).noted("petitboot reads a PXELINUX configuration by itself"),
    http(15, "x86 UEFI boot from http", Some(Firmware::X86UefiHttp)),
    http(16, "x64 UEFI boot from http", Some(Firmware::X64UefiHttp))
        .noted("some machines send it with class PXEClient and want TFTP: the class decides"),
    http(17, "EBC boot from http", Some(Firmware::X64UefiHttp)).noted("treated like 16, as 9 is"),
    http(18, "ARM UEFI 32 boot from http", Some(Firmware::Arm32UefiHttp)),
    http(19, "ARM UEFI 64 boot from http", Some(Firmware::Arm64UefiHttp)),
    http(20, "pc/at bios boot from http", None)
        .noted("with class PXEClient a BIOS that wants TFTP"),
    tftp(21, "arm 32 uboot", None),
    tftp(22, "arm 64 uboot", Some(Firmware::Arm64Uboot)),
    http(23, "arm uboot 32 boot from http", None),
    http(24, "arm uboot 64 boot from http", None),
    tftp(25, "RISC-V 32-bit UEFI", None),
    http(26, "RISC-V 32-bit UEFI boot from http", None),
    tftp(27, "RISC-V 64-bit UEFI", Some(Firmware::Riscv64Uefi)),
    http(28, "RISC-V 64-bit UEFI boot from http", Some(Firmware::Riscv64UefiHttp)),
    tftp(29, "RISC-V 128-bit UEFI", None),
    http(30, "RISC-V 128-bit UEFI boot from http", None),
    tftp(31, "s390 Basic", Some(Firmware::S390x)),
    tftp(32, "s390 Extended", Some(Firmware::S390x)),
    tftp(33, "MIPS 32-bit UEFI", None),
    tftp(34, "MIPS 64-bit UEFI", None),
    tftp(35, "Sunway 32-bit UEFI", None),
    tftp(36, "Sunway 64-bit UEFI", None),
    tftp(37, "LoongArch 32-bit UEFI", None),
    http(38, "LoongArch 32-bit UEFI boot from http", None),
    tftp(39, "LoongArch 64-bit UEFI", Some(Firmware::Loong64Uefi)),
    http(40, "LoongArch 64-bit UEFI boot from http", Some(Firmware::Loong64UefiHttp)),
    tftp(41, "arm rpiboot", Some(Firmware::Rpi)),
    field(0x0100, "U-Boot ARM before registration"),
    field(0xffff, "no number").noted("iPXE on s390x, and U-Boot boards without an architecture"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_ordered_without_gaps_in_the_registry_part() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].arch < pair[1].arch);
        }
        let registered = TABLE.iter().filter(|entry| entry.source == ArchSource::Iana);
        assert!(registered.map(|entry| entry.arch.0).eq(0..=41));
    }

    #[test]
    fn transport_and_firmware_agree() {
        for entry in TABLE {
            assert_eq!(entry.transport == Transport::Http, entry.name.ends_with("boot from http"));
            if let Some(firmware) = entry.firmware {
                assert_eq!(firmware.is_http(), entry.transport == Transport::Http, "{entry:?}");
                assert!(!entry.deprecated);
            }
        }
    }

    #[test]
    fn seven_and_nine_are_both_x64() {
        assert_eq!(Arch(7).firmware(), Some(Firmware::X64Uefi));
        assert_eq!(Arch(9).firmware(), Some(Firmware::X64Uefi));
        assert_eq!(Arch(17).firmware(), Some(Firmware::X64UefiHttp));
    }

    #[test]
    fn every_firmware_has_a_number() {
        for firmware in Firmware::all() {
            assert!(TABLE.iter().any(|entry| entry.firmware == Some(*firmware)), "{firmware}");
        }
    }

    #[test]
    fn unknown_numbers_stay_unknown() {
        for number in [42, 0xff, 0x100, 0xffff] {
            assert_eq!(Arch(number).firmware(), None);
        }
        assert_eq!(Arch(42).to_string(), "42 (not in the registry)");
        assert_eq!(Arch(7).to_string(), "7 (x64 UEFI)");
        assert_eq!(format!("{:?}", Arch(256)), "Arch(256 (U-Boot ARM before registration))");
    }
}
