//! The machines of the swarm: what each says by DHCP, how it asks, and which loader is its own.

use std::net::Ipv4Addr;

use pxe_sim::random::Random;
use pxe_sim::wire::{DISCOVER, REQUEST, Writer};

/// A DHCP message as it reaches us.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) bytes: Vec<u8>,
    pub(crate) relay: Option<Ipv4Addr>,
}

/// The tail of a read request, the first source port, and whether the size is asked for alone first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) probe: Option<&'static str>,
    pub(crate) read: &'static str,
    pub(crate) port: u16,
}

/// What a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BiosRom,
    /// A BIOS whose requests tell nothing.
    PlainBios,
    IpxeRom,
    X64,
    /// EDK2 before windows.
    OldX64,
    X86,
    Arm64,
    UBoot,
}

impl Kind {
    pub(crate) const IPXE: Shape =
        Shape { probe: None, read: "blksize\x001432\0tsize\x000\0", port: 21_081 };
    pub(crate) const SHIM: Shape =
        Shape { probe: None, read: "blksize\x00512\0windowsize\x004\0", port: 1_600 };

    fn of(random: &mut Random) -> Self {
        match random.below(100) {
            0..18 => Self::BiosRom,
            18..26 => Self::PlainBios,
            26..36 => Self::IpxeRom,
            36..64 => Self::X64,
            64..72 => Self::OldX64,
            72..80 => Self::X86,
            80..95 => Self::Arm64,
            _ => Self::UBoot,
        }
    }

    fn arch(self) -> u16 {
        match self {
            Self::BiosRom | Self::PlainBios | Self::IpxeRom => 0,
            Self::X64 | Self::OldX64 => 7,
            Self::X86 => 6,
            Self::Arm64 => 11,
            Self::UBoot => 22,
        }
    }

    pub(crate) fn loader(self) -> &'static str {
        match self {
            Self::BiosRom | Self::PlainBios => "undionly.kpxe",
            Self::IpxeRom => "menu.ipxe",
            Self::X64 | Self::OldX64 => "ipxe.efi",
            Self::X86 => "ipxe32.efi",
            Self::Arm64 => "debian/bootnetaa64.efi",
            Self::UBoot => "boot.scr.uimg",
        }
    }

    /// What the loader asks for beside the bait, and what it has to get.
    pub(crate) fn companion(self) -> Option<(&'static str, &'static str)> {
        (self == Self::Arm64).then_some(("grubaa64.efi", "debian/grubaa64.efi"))
    }

    /// Whether the loader is an iPXE.
    pub(crate) fn chains(self) -> bool {
        !matches!(self, Self::IpxeRom | Self::Arm64 | Self::UBoot)
    }

    pub(crate) fn shape(self) -> Shape {
        let shape = |probe, read, port| Shape { probe, read, port };
        match self {
            Self::BiosRom => shape(Some("tsize\x000\0"), "blksize\x001456\0", 2_070),
            Self::PlainBios => shape(None, "", 1_024),
            Self::IpxeRom => Self::IPXE,
            Self::X64 | Self::X86 | Self::Arm64 => shape(
                Some("tsize\x000\0blksize\x001468\0windowsize\x004\0"),
                "blksize\x001468\0windowsize\x004\0",
                1_284,
            ),
            Self::OldX64 => {
                shape(Some("tsize\x000\0blksize\x001468\0"), "blksize\x001468\0", 1_560)
            }
            Self::UBoot => shape(None, "timeout\x005\0blksize\x001468\0", 3_312),
        }
    }

    /// Between the address and the first request.
    pub(crate) fn wait_ms(self) -> u64 {
        if self == Self::IpxeRom { 13_000 } else { 0 }
    }

    /// The suffix of a bait for this architecture; U-Boot has none.
    fn suffix(self) -> &'static str {
        match self {
            Self::BiosRom | Self::PlainBios | Self::IpxeRom => "_bios",
            Self::X64 | Self::OldX64 => "_uefi",
            Self::X86 => "_ia32",
            Self::Arm64 => "_aa64",
            Self::UBoot => "",
        }
    }
}

/// Where a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On our own link, where the neighbour table sees it.
    Link,
    /// Behind the relay of this number.
    Relay(u8),
    /// Behind an address translation of this number, where nothing is heard: suffixed baits are all there is.
    Translated(u8),
}

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) number: usize,
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    pub(crate) bait: String,
    pub(crate) address: Option<Ipv4Addr>,
    /// It takes the address of that machine.
    pub(crate) shares_with: Option<usize>,
    pub(crate) is_shared: bool,
    pub(crate) first_at: u64,
    pub(crate) boots: usize,
    pub(crate) booted: usize,
    pub(crate) tries: usize,
    often: bool,
}

/// Each of these machines shares its address with the one before it.
const SHARED_EVERY: usize = 60;

impl Machine {
    pub(crate) fn new(number: usize, random: &mut Random) -> Self {
        let kind = Kind::of(random);
        let shares = number % SHARED_EVERY == 1;
        let is_shared = number % SHARED_EVERY <= 1;
        let place = match random.below(100) {
            _ if is_shared => Place::Relay(1),
            0..60 => Place::Link,
            60..95 => Place::Relay(2 + random.below(4) as u8),
            _ if kind == Kind::UBoot => Place::Link,
            _ => Place::Translated(random.below(4) as u8),
        };
        let suffix = if let Place::Translated(_) = place { kind.suffix() } else { "" };
        let spelling = ["pxe-loader", "/PXE-Loader", "iventoy_loader_16000", "\\pxe-loader"];
        let ending = ["", ".0", ".efi", ".kpxe"];
        let pick = |list: [&'static str; 4], random: &mut Random| list[random.below(4) as usize];
        let bait = format!("{}{suffix}{}", pick(spelling, random), pick(ending, random));
        Self {
            number,
            kind,
            place,
            bait,
            address: None,
            shares_with: shares.then(|| number - 1),
            is_shared,
            first_at: 0,
            boots: 0,
            booted: 0,
            tries: 0,
            often: random.chance(200),
        }
    }

    /// Whether it boots once more.
    pub(crate) fn boots_again(&self) -> bool {
        self.often && self.booted < 2 && !self.is_shared
    }

    /// Some PCs boot the other way the next time.
    pub(crate) fn change(&mut self, random: &mut Random) {
        if matches!(self.place, Place::Translated(_)) || !random.chance(100) {
            return;
        }
        self.kind = match self.kind {
            Kind::X64 | Kind::OldX64 => Kind::BiosRom,
            Kind::BiosRom | Kind::PlainBios => Kind::X64,
            other => other,
        };
    }

    pub(crate) fn mac(&self) -> [u8; 6] {
        let [a, b] = (self.number as u16).to_be_bytes();
        [0x52, 0x54, 0, 0xaa, a, b]
    }

    pub(crate) fn relay(&self) -> Option<Ipv4Addr> {
        match self.place {
            Place::Link => None,
            Place::Relay(number) => Some(Ipv4Addr::new(10, number, 0, 1)),
            Place::Translated(number) => Some(Ipv4Addr::new(10, 200 + number, 0, 1)),
        }
    }

    /// A DISCOVER, or the REQUEST that takes the address.
    pub(crate) fn message(&self, request: bool) -> Seen {
        let ipxe = self.kind == Kind::IpxeRom;
        self.say(request, ipxe)
    }

    /// The REQUEST of the iPXE that was loaded.
    pub(crate) fn ipxe_message(&self) -> Seen {
        self.say(true, true)
    }

    fn say(&self, request: bool, ipxe: bool) -> Seen {
        let arch = self.kind.arch();
        let class = match self.kind {
            Kind::UBoot => "U-Boot.armv8".to_owned(),
            _ => format!("PXEClient:Arch:{arch:05}:UNDI:003000"),
        };
        let kind = if request { REQUEST } else { DISCOVER };
        let exchange = (self.number as u32) << 8 | (self.boots as u32) << 1 | u32::from(ipxe);
        let mut writer = Writer::new(1, exchange, &self.mac())
            .broadcast()
            .option(53, &[kind])
            .option(60, class.as_bytes())
            .option(93, &arch.to_be_bytes());
        if let (true, Some(address)) = (request, self.address) {
            writer = writer.option(50, &address.octets());
        }
        if ipxe {
            // HTTP, TFTP, menus, bzImage and EFI programs.
            let features = [0x13, 1, 1, 0x15, 1, 1, 0x27, 1, 1, 0x18, 1, 1, 0x24, 1, 1];
            writer = writer.option(77, b"iPXE").option(175, &features);
        }
        let relay = self.relay();
        if let Some(relay) = relay {
            writer = writer.relay_address(relay);
        }
        Seen { bytes: writer.finish(300), relay }
    }
}
