//! Which program asks for a file, by the shape of its request: every boot program has habits of its own.

use core::fmt;

use crate::{
    evidence::{Item, Said, Source, WEIGHT_HABIT, WEIGHT_HINT, WEIGHT_SHAPE},
    firmware::Firmware,
};

/// The program that asks, told by its habits: transfer mode, option names in wire order, their values, source port
/// (TFTP), or the text it names itself by (HTTP).
///
/// A shape never tells one UEFI architecture from another: all of them run the same source.
///
/// ```
/// use pxe_select::Asker;
///
/// let options: [(&[u8], &[u8]); 3] = [(b"tsize", b"0"), (b"blksize", b"1468"), (b"windowsize", b"4")];
/// assert_eq!(Asker::of_request(true, options, 1042), Asker::Edk2);
/// assert_eq!(Asker::of_user_agent(b"iPXE/1.0.0+"), Asker::Ipxe);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Asker {
    /// UEFI firmware of EDK2's line since 2018 (`UefiPxeBcDxe`, `PcdPxeTftpWindowSize`), or its HTTP Boot.
    Edk2,
    /// EDK2 before 2018, U-Boot with lwIP, or a Raspberry Pi 5: no PC BIOS, at least.
    Edk2Like,
    /// shim, through EDK2's services: it runs already, and looks for its second stage.
    Shim,
    /// iPXE: it runs already.
    Ipxe,
    /// An Intel-style BIOS ROM (UNDI): ports from 2070 on, a size alone or blocks of 1456 bytes.
    BiosRom,
    /// GRUB 2: it runs already.
    Grub,
    /// PXELINUX: it runs already.
    Pxelinux,
    /// U-Boot with its own network stack, on whatever board, also when it looks for an EFI program.
    Uboot,
    /// SLOF, or the loader of IBM Z that is made from it.
    Slof,
    /// The boot ROM of a Raspberry Pi 4.
    RaspberryPi,
    /// A Windows boot program (`wdsmgfw.efi`, `bootmgr`).
    Windows,
    /// curl: an administrator who looks.
    Curl,
    /// None of these.
    #[default]
    Unknown,
}

/// Source ports of BIOS ROMs: they begin at 2070 and count up with each request of a boot.
const BIOS_ROM_PORTS: core::ops::RangeInclusive<u16> = 2070..=2199;

/// Options of a request that are looked at; no boot program sends more.
const OPTIONS_KEPT: usize = 5;

/// A known option and its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Tsize,
    Blksize(u32),
    Windowsize(u32),
    Timeout,
    Multicast,
    Msftwindow,
    /// Unknown, or with a value that is no number.
    Other,
}

impl Sent {
    fn of(name: &[u8], value: &[u8]) -> Self {
        let number = core::str::from_utf8(value).ok().and_then(|text| text.parse::<u32>().ok());
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match number {
            _ if is(b"msftwindow") => Self::Msftwindow,
            _ if is(b"multicast") => Self::Multicast,
            Some(0) if is(b"tsize") => Self::Tsize,
            Some(bytes) if is(b"blksize") => Self::Blksize(bytes),
            Some(blocks) if is(b"windowsize") => Self::Windowsize(blocks),
            Some(_) if is(b"timeout") => Self::Timeout,
            _ => Self::Other,
        }
    }
}

impl Asker {
    /// By the shape of a TFTP read request: whether its mode is octet, its options in wire order as name and value,
    /// and the UDP port it came from.
    #[must_use]
    pub fn of_request<'o>(
        octet: bool,
        options: impl IntoIterator<Item = (&'o [u8], &'o [u8])>,
        source_port: u16,
    ) -> Self {
        let mut sent = [Sent::Other; OPTIONS_KEPT];
        let mut count = 0_usize;
        for (name, value) in options {
            let Some(slot) = sent.get_mut(count) else { return Self::Unknown };
            *slot = Sent::of(name, value);
            count = count.saturating_add(1);
        }
        if !octet {
            return Self::Unknown;
        }
        Self::of_shape(sent.get(..count).unwrap_or_default(), source_port)
    }

    /// The table of the firmwares' sources and of captures; the rows exclude each other.
    fn of_shape(sent: &[Sent], source_port: u16) -> Self {
        use Sent::{Blksize, Msftwindow, Multicast, Timeout, Tsize, Windowsize};
        let rom = BIOS_ROM_PORTS.contains(&source_port);
        match sent {
            all if all.contains(&Msftwindow) => Self::Windows,
            // rhboot/shim netboot.c: 512-byte blocks through the firmware, and never the size.
            [Blksize(512)] | [Blksize(512), Windowsize(_)] => Self::Shim,
            [Tsize, Blksize(_), Windowsize(_)] | [Blksize(_), Windowsize(4)] => Self::Edk2,
            [Tsize, Blksize(1468)] | [Blksize(1468)] => Self::Edk2Like,
            // src/net/udp/tftp.c
            [Blksize(1432), Tsize] | [Blksize(1432), Tsize, Multicast] => Self::Ipxe,
            // grub-core/net/tftp.c
            [Blksize(1024), Tsize] => Self::Grub,
            // core/fs/pxe/tftp.c
            [Tsize, Blksize(1408)] => Self::Pxelinux,
            [Tsize, Blksize(1024)] => Self::RaspberryPi,
            [Tsize, Blksize(512), Timeout] => Self::Curl,
            // net/tftp.c
            [Timeout, ..] => Self::Uboot,
            [Blksize(1428)] => Self::Slof,
            [Tsize] | [Blksize(1456)] if rom => Self::BiosRom,
            _ => Self::Unknown,
        }
    }

    /// By the `User-Agent` of an HTTP request.
    #[must_use]
    pub fn of_user_agent(agent: &[u8]) -> Self {
        let begins: [(&[u8], Self); 4] = [
            (b"UefiHttpBoot/", Self::Edk2),
            (b"iPXE/", Self::Ipxe),
            (b"GRUB ", Self::Grub),
            (b"curl/", Self::Curl),
        ];
        let known = begins.into_iter().find(|(begin, _)| agent.starts_with(begin));
        known.map_or(Self::Unknown, |(_, asker)| asker)
    }

    /// What the shape alone says of the machine, if anything.
    #[must_use]
    pub const fn item(self) -> Option<Item> {
        let (said, weight) = match self {
            Self::Edk2 | Self::Shim => (Said::Uefi, WEIGHT_SHAPE),
            Self::Edk2Like | Self::Uboot | Self::Slof => (Said::NotBios, WEIGHT_HINT),
            // Source ports and block sizes of ROMs are habits, no identity.
            Self::BiosRom => (Said::Firmware(Firmware::Bios), WEIGHT_HABIT),
            Self::RaspberryPi => (Said::Firmware(Firmware::Rpi), WEIGHT_HABIT),
            Self::Ipxe
            | Self::Grub
            | Self::Pxelinux
            | Self::Windows
            | Self::Curl
            | Self::Unknown => return None,
        };
        Some(Item { said, source: Source::Shape(self), age_s: 0, weight })
    }

    /// Whether this is a boot program that was fetched already and looks for what belongs to it.
    #[must_use]
    pub const fn is_second_stage(self) -> bool {
        matches!(self, Self::Shim | Self::Grub | Self::Pxelinux)
    }
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edk2 => "UEFI firmware",
            Self::Edk2Like => "an older UEFI or U-Boot, no BIOS",
            Self::Shim => "shim",
            Self::Ipxe => "iPXE",
            Self::BiosRom => "a BIOS ROM",
            Self::Grub => "GRUB",
            Self::Pxelinux => "PXELINUX",
            Self::Uboot => "U-Boot",
            Self::Slof => "SLOF",
            Self::RaspberryPi => "a Raspberry Pi's ROM",
            Self::Windows => "a Windows boot program",
            Self::Curl => "curl",
            Self::Unknown => "an unknown program",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(text: &str, port: u16) -> Asker {
        let mut fields = text.split('|');
        let octet = fields.next() == Some("octet");
        let fields: Vec<&str> = fields.collect();
        let options = fields.chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes()));
        Asker::of_request(octet, options, port)
    }

    /// The table of clients that was read from their sources, row by row.
    #[test]
    fn every_known_client() {
        for (shape, port, expected) in [
            ("octet|tsize|0|blksize|1468|windowsize|4", 1284, Asker::Edk2),
            ("octet|blksize|1468|windowsize|4", 1285, Asker::Edk2),
            ("octet|tsize|0|blksize|1228|windowsize|4", 1600, Asker::Edk2),
            ("octet|tsize|0|blksize|8192|windowsize|8", 1600, Asker::Edk2),
            ("octet|tsize|0|blksize|1468", 1560, Asker::Edk2Like),
            ("octet|blksize|1468", 1561, Asker::Edk2Like),
            ("octet|blksize|512|windowsize|4", 1315, Asker::Shim),
            ("octet|blksize|512", 1315, Asker::Shim),
            ("octet|blksize|1432|tsize|0", 21081, Asker::Ipxe),
            ("octet|blksize|1432|tsize|0|multicast|", 1024, Asker::Ipxe),
            ("octet|tsize|0", 2070, Asker::BiosRom),
            ("octet|blksize|1456", 2071, Asker::BiosRom),
            ("octet|blksize|1024|tsize|0", 25300, Asker::Grub),
            ("octet|tsize|0|blksize|1408", 49152, Asker::Pxelinux),
            ("octet|timeout|5|blksize|1468", 3312, Asker::Uboot),
            ("octet|timeout|5|tsize|0|blksize|1468|windowsize|8", 3312, Asker::Uboot),
            ("octet|blksize|1428", 2001, Asker::Slof),
            ("octet|tsize|0|blksize|1456|windowsize|4|msftwindow|31416", 2070, Asker::Windows),
            ("octet|tsize|0|blksize|1024", 6970, Asker::RaspberryPi),
            ("octet|tsize|0|blksize|512|timeout|6", 40000, Asker::Curl),
            // tftp-hpa, busybox, u-root and whoever else: no guess.
            ("netascii", 40000, Asker::Unknown),
            ("octet", 40000, Asker::Unknown),
            ("octet|tsize|0", 40000, Asker::Unknown),
            ("octet|blksize|1456", 40000, Asker::Unknown),
            ("octet|blksize|1450|windowsize|64", 40000, Asker::Unknown),
            ("netascii|tsize|0|blksize|1468|windowsize|4", 1284, Asker::Unknown),
            ("octet|TSIZE|0|BLKSIZE|1468|WindowSize|4", 1284, Asker::Edk2),
            ("octet|tsize|x|blksize|1468|windowsize|4", 1284, Asker::Unknown),
            ("octet|a|1|b|2|c|3|d|4|e|5|f|6", 1, Asker::Unknown),
        ] {
            assert_eq!(asker(shape, port), expected, "{shape} from {port}");
        }
    }

    #[test]
    fn by_user_agent() {
        for (agent, expected) in [
            (&b"UefiHttpBoot/1.0"[..], Asker::Edk2),
            (b"iPXE/1.0.0+git-20190125.36a4c85-5.1", Asker::Ipxe),
            (b"GRUB 2.06", Asker::Grub),
            (b"curl/8.5.0", Asker::Curl),
            (b"Mozilla/5.0", Asker::Unknown),
            (b"", Asker::Unknown),
        ] {
            assert_eq!(Asker::of_user_agent(agent), expected);
        }
    }

    #[test]
    fn no_shape_alone_names_a_loader() {
        for asker in [Asker::Edk2, Asker::BiosRom, Asker::RaspberryPi, Asker::Uboot, Asker::Shim] {
            let weight = asker.item().map_or(0, |item| item.weight);
            assert!(weight > 0 && weight < crate::evidence::WEIGHT_ENOUGH, "{asker}");
        }
    }
}
