//! What is known about a client when a decision is asked for.

use core::net::Ipv4Addr;

use crate::{
    arch::Arch,
    asker::Asker,
    evidence::{Item, Origin, Pin},
    inventory::Inventory,
    ram_disk::RamDisk,
    user_class::contains_user_class,
};

/// What is known about one client, as plain values. The caller fills in what it has and leaves the rest.
///
/// ```
/// use pxe_select::{Arch, ClientFacts};
///
/// let mut facts = ClientFacts::new(&[0x52, 0x54, 0x00, 0xaa, 0x00, 0x01]);
/// facts.archs = &[Arch(7)];
/// facts.vendor_class = Some(b"PXEClient:Arch:00007:UNDI:003000");
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ClientFacts<'a> {
    /// Hardware address, the first `hlen` bytes of `chaddr`; empty when unknown.
    pub hardware_address: &'a [u8],
    /// Option 93, every entry in wire order; empty when it was not sent.
    pub archs: &'a [Arch],
    /// Option 60, raw.
    pub vendor_class: Option<&'a [u8]>,
    /// Option 77, raw: one text, or framed after RFC 3004.
    pub user_class: Option<&'a [u8]>,
    /// The flags of option 175; `Some` whenever the option was there, whatever it held.
    pub ipxe: Option<IpxeFeatures>,
    /// Option 97, raw, with its type byte.
    pub machine_id: Option<&'a [u8]>,
    /// The relay that forwarded the request: `giaddr`, when not zero.
    pub relay: Option<Ipv4Addr>,
    /// The client's own address: `ciaddr` or the source of a TFTP or HTTP request, when known.
    pub address: Option<Ipv4Addr>,
    /// Our address on the link where an unrelayed request arrived. A client without an address is in this subnet.
    pub link: Option<Ipv4Addr>,
    /// The program that asks, by the shape of its request.
    pub asker: Asker,
    /// How it is known whose request this is; [`Origin::Itself`] where the facts above come from this very client.
    pub origin: Origin,
    /// What is known of the firmware of the machine that asks. The facts above count by themselves where
    /// [`Self::origin`] is [`Origin::Itself`].
    pub evidence: &'a [Item],
    /// What this machine was given for a bait in this boot.
    pub pin: Option<&'a Pin>,
    /// What an inventory says of this machine.
    pub inventory: Inventory,
    /// What is known of the image that it is to boot ([`crate::Policy::image_of`]).
    pub ram_disk: RamDisk,
}

impl<'a> ClientFacts<'a> {
    /// A client of which only the hardware address is known.
    #[must_use]
    pub const fn new(hardware_address: &'a [u8]) -> Self {
        Self {
            hardware_address,
            archs: &[],
            vendor_class: None,
            user_class: None,
            ipxe: None,
            machine_id: None,
            relay: None,
            address: None,
            link: None,
            asker: Asker::Unknown,
            origin: Origin::Itself,
            evidence: &[],
            pin: None,
            inventory: Inventory::Silent,
            ram_disk: RamDisk::Unknown,
        }
    }

    /// The same of a machine that is not known.
    pub(crate) fn of_nobody(&self) -> Self {
        Self { hardware_address: &[], machine_id: None, ..*self }
    }

    /// The same of the firmware below an iPXE.
    pub(crate) fn without_ipxe(&self) -> Self {
        Self { user_class: None, ipxe: None, ..*self }
    }

    /// Whether option 77 is `class`, raw or as one of the classes of RFC 3004 framing.
    #[must_use]
    pub fn has_user_class(&self, class: &[u8]) -> bool {
        self.user_class.is_some_and(|raw| contains_user_class(raw, class))
    }
}

/// What a running iPXE says it can do, from the feature flags of option 175 (ipxe, `src/include/ipxe/features.h`).
///
/// Only flags that can matter to a decision or to its reader are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct IpxeFeatures {
    /// 0x11: iSCSI.
    pub iscsi: bool,
    /// 0x13: HTTP.
    pub http: bool,
    /// 0x14: HTTPS.
    pub https: bool,
    /// 0x15: TFTP.
    pub tftp: bool,
    /// 0x17: DNS.
    pub dns: bool,
    /// 0x18: Linux kernels in bzImage format (BIOS builds).
    pub bzimage: bool,
    /// 0x19: Multiboot kernels.
    pub multiboot: bool,
    /// 0x21: PXE programs (BIOS builds).
    pub pxe: bool,
    /// 0x24: EFI programs (UEFI builds; a Linux kernel with an EFI stub is one).
    pub efi: bool,
    /// 0x27: the `menu` command.
    pub menu: bool,
    /// 0x29: NFS.
    pub nfs: bool,
}

impl IpxeFeatures {
    /// No feature at all: option 175 without flags.
    pub const NONE: Self = Self {
        iscsi: false,
        http: false,
        https: false,
        tftp: false,
        dns: false,
        bzimage: false,
        multiboot: false,
        pxe: false,
        efi: false,
        menu: false,
        nfs: false,
    };

    /// Takes one sub-option of option 175: its code and its first byte. Codes that are no kept flag are ignored.
    pub const fn set_flag(&mut self, code: u8, value: u8) {
        let flag = match code {
            0x11 => &mut self.iscsi,
            0x13 => &mut self.http,
            0x14 => &mut self.https,
            0x15 => &mut self.tftp,
            0x17 => &mut self.dns,
            0x18 => &mut self.bzimage,
            0x19 => &mut self.multiboot,
            0x21 => &mut self.pxe,
            0x24 => &mut self.efi,
            0x27 => &mut self.menu,
            0x29 => &mut self.nfs,
            _ => return,
        };
        *flag = value != 0;
    }

    /// Features from the sub-options of option 175, as pairs of code and first byte.
    #[must_use]
    pub fn from_flags(flags: impl IntoIterator<Item = (u8, u8)>) -> Self {
        let mut features = Self::NONE;
        for (code, value) in flags {
            features.set_flag(code, value);
        }
        features
    }

    /// As the codes that are kept, one bit each in their order.
    pub(crate) fn to_bits(self) -> u16 {
        let flags = [
            self.iscsi,
            self.http,
            self.https,
            self.tftp,
            self.dns,
            self.bzimage,
            self.multiboot,
            self.pxe,
            self.efi,
            self.menu,
            self.nfs,
        ];
        flags.iter().rev().fold(0, |bits, flag| bits << 1 | u16::from(*flag))
    }

    pub(crate) fn from_bits(bits: u16) -> Self {
        let codes = [0x11, 0x13, 0x14, 0x15, 0x17, 0x18, 0x19, 0x21, 0x24, 0x27, 0x29];
        let mut left = bits;
        Self::from_flags(codes.map(|code| {
            let flag = left & 1 != 0;
            left >>= 1;
            (code, u8::from(flag))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_a_captured_bios_rom() {
        // Sub-options of ipxe-bios-and-ovmf-x64-chain.pcap, first DISCOVER.
        let sent =
            [0xb1, 0xeb, 0x17, 0x22, 0x13, 0x11, 0x27, 0x19, 0x29, 0x10, 0x21, 0x15, 0x18, 0x12];
        let features = IpxeFeatures::from_flags(sent.map(|code| (code, 1)));
        assert!(features.http && features.tftp && features.menu && features.bzimage);
        assert!(
            features.pxe && features.dns && features.iscsi && features.nfs && features.multiboot
        );
        assert!(!features.efi && !features.https);
    }

    #[test]
    fn bits_are_the_same_flags() {
        for bits in 0..1 << 11 {
            assert_eq!(IpxeFeatures::from_bits(bits).to_bits(), bits);
        }
        assert_eq!(IpxeFeatures::from_bits(0xffff).to_bits(), 0x07ff);
    }

    #[test]
    fn a_flag_of_zero_is_a_missing_feature() {
        assert_eq!(IpxeFeatures::from_flags([(0x13, 1), (0x13, 0), (0xb0, 1)]), IpxeFeatures::NONE);
    }
}
