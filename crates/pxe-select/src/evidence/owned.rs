//! A client's facts, owned and of fixed size.

use core::net::Ipv4Addr;

use crate::{
    arch::Arch,
    facts::{ClientFacts, IpxeFeatures},
    limits::HARDWARE_ADDRESS_BYTES_MAX,
};

/// Architectures kept of option 93; real clients send one.
const ARCHS_KEPT: usize = 4;
/// Bytes kept of an option's text. `PXEClient:Arch:…:UNDI:…` has 32 (RFC 4578).
const TEXT_BYTES_KEPT: usize = 64;
/// Bytes kept of option 97, which has 17.
const MACHINE_ID_BYTES_KEPT: usize = 32;

/// Bytes of bounded length, held inline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes<const MAX: usize> {
    bytes: [u8; MAX],
    length: u8,
}

impl<const MAX: usize> Bytes<MAX> {
    /// The first `MAX` bytes of `from`, of which there are fewer than 256.
    pub(crate) fn new(from: &[u8]) -> Self {
        let kept = from.get(..MAX).unwrap_or(from);
        let mut bytes = [0; MAX];
        for (slot, byte) in bytes.iter_mut().zip(kept) {
            *slot = *byte;
        }
        Self { bytes, length: u8::try_from(kept.len()).unwrap_or(u8::MAX) }
    }

    pub(crate) fn get(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&self.bytes)
    }
}

/// A hardware address as a key.
pub(crate) type Key = Bytes<HARDWARE_ADDRESS_BYTES_MAX>;

/// [`ClientFacts`] without borrowing: about 250 bytes, nothing on the heap. Of longer values the beginning is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedFacts {
    hardware_address: Key,
    archs: [Arch; ARCHS_KEPT],
    arch_count: u8,
    vendor_class: Option<Bytes<TEXT_BYTES_KEPT>>,
    user_class: Option<Bytes<TEXT_BYTES_KEPT>>,
    machine_id: Option<Bytes<MACHINE_ID_BYTES_KEPT>>,
    ipxe: Option<IpxeFeatures>,
    relay: Option<Ipv4Addr>,
    link: Option<Ipv4Addr>,
    /// The client's own address, see [`ClientFacts::address`].
    pub address: Option<Ipv4Addr>,
}

impl OwnedFacts {
    /// Copies what a client's message said. What was learned otherwise ([`ClientFacts::evidence`] and its like) is
    /// left out.
    #[must_use]
    pub fn new(facts: &ClientFacts<'_>) -> Self {
        let mut archs = [Arch(0); ARCHS_KEPT];
        let mut arch_count = 0_u8;
        for (slot, arch) in archs.iter_mut().zip(facts.archs) {
            *slot = *arch;
            arch_count = arch_count.saturating_add(1);
        }
        Self {
            hardware_address: Bytes::new(facts.hardware_address),
            archs,
            arch_count,
            vendor_class: facts.vendor_class.map(Bytes::new),
            user_class: facts.user_class.map(Bytes::new),
            machine_id: facts.machine_id.map(Bytes::new),
            ipxe: facts.ipxe,
            relay: facts.relay,
            link: facts.link,
            address: facts.address,
        }
    }

    /// The same, borrowed, as the decision wants it.
    #[must_use]
    pub fn as_facts(&self) -> ClientFacts<'_> {
        let mut facts = ClientFacts::new(self.hardware_address.get());
        facts.archs = self.archs.get(..usize::from(self.arch_count)).unwrap_or(&self.archs);
        facts.vendor_class = self.vendor_class.as_ref().map(Bytes::get);
        facts.user_class = self.user_class.as_ref().map(Bytes::get);
        facts.machine_id = self.machine_id.as_ref().map(Bytes::get);
        facts.ipxe = self.ipxe;
        facts.relay = self.relay;
        facts.link = self.link;
        facts.address = self.address;
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_comes_back_and_long_texts_are_cut() {
        let archs = [Arch(7), Arch(16)];
        let mut facts = ClientFacts::new(&[2, 0, 0, 0, 0, 1]);
        facts.archs = &archs;
        facts.vendor_class = Some(b"PXEClient:Arch:00007:UNDI:003000");
        facts.user_class = Some(b"");
        facts.relay = Some(Ipv4Addr::new(10, 1, 0, 1));
        facts.ipxe = Some(IpxeFeatures::NONE);
        let owned = OwnedFacts::new(&facts);
        assert_eq!(OwnedFacts::new(&owned.as_facts()), owned);
        assert_eq!(owned.as_facts().archs, archs);
        assert_eq!(owned.as_facts().vendor_class, facts.vendor_class);
        assert_eq!(
            (owned.as_facts().user_class, owned.as_facts().machine_id),
            (Some(&b""[..]), None)
        );

        let long = [b'x'; 300];
        let archs = [Arch(7); 9];
        facts.vendor_class = Some(&long);
        facts.archs = &archs;
        let owned = OwnedFacts::new(&facts);
        assert_eq!(owned.as_facts().vendor_class.map(<[u8]>::len), Some(TEXT_BYTES_KEPT));
        assert_eq!(owned.as_facts().archs.len(), ARCHS_KEPT);
        assert!(size_of::<OwnedFacts>() <= 264, "{}", size_of::<OwnedFacts>());
    }
}
