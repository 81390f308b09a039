//! What we know of a client, kept in one place, and given to the one decision as its facts.

use core::net::Ipv4Addr;

use pxe_dhcp::{BootFacts, MessageView};
use pxe_select::{Arch, ClientFacts, IpxeFeatures};

/// Architectures remembered of option 93; real clients send one.
const ARCHS_MAX: usize = 4;
/// Bytes remembered of an option's text. `PXEClient:Arch:…:UNDI:…` has 32 (RFC 4578).
const TEXT_BYTES_MAX: usize = 64;

/// Bytes of bounded length, held inline.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bytes<const MAX: usize> {
    bytes: [u8; MAX],
    len: usize,
}

impl<const MAX: usize> Bytes<MAX> {
    /// The first `MAX` bytes of `from`.
    fn new(from: &[u8]) -> Self {
        let len = from.len().min(MAX);
        let mut bytes = [0; MAX];
        bytes[..len].copy_from_slice(&from[..len]);
        Self { bytes, len }
    }

    fn get(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A client's facts, owned and bounded: about 300 bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct KnownFacts {
    hardware_address: Bytes<16>,
    archs: [Arch; ARCHS_MAX],
    arch_count: usize,
    vendor_class: Option<Bytes<TEXT_BYTES_MAX>>,
    user_class: Option<Bytes<TEXT_BYTES_MAX>>,
    machine_id: Option<Bytes<32>>,
    ipxe: Option<IpxeFeatures>,
    relay: Option<Ipv4Addr>,
    link: Option<Ipv4Addr>,
    pub(super) address: Option<Ipv4Addr>,
}

impl KnownFacts {
    /// What a DHCP request says of its sender; `link` is our address on the link it came by.
    pub(super) fn from_request(
        view: &MessageView<'_>,
        facts: &BootFacts<'_>,
        link: Ipv4Addr,
    ) -> Self {
        let mut archs = [Arch(0); ARCHS_MAX];
        let mut arch_count = 0;
        for (slot, number) in archs.iter_mut().zip(facts.archs.iter()) {
            *slot = Arch(number);
            arch_count += 1;
        }
        let set = |address: Ipv4Addr| (!address.is_unspecified()).then_some(address);
        let relay = set(view.relay_address());
        Self {
            hardware_address: Bytes::new(view.hardware_address()),
            archs,
            arch_count,
            vendor_class: facts.vendor_class.map(Bytes::new),
            user_class: facts.user_class.map(Bytes::new),
            machine_id: facts.machine_id.map(Bytes::new),
            ipxe: facts.ipxe_options().map(|options| {
                IpxeFeatures::from_flags(options.features().iter().map(|feature| (feature.0, 1)))
            }),
            relay,
            link: relay.is_none().then_some(link),
            address: set(view.client_address()),
        }
    }

    /// The same, borrowed, as the decision wants it.
    pub(super) fn as_facts(&self) -> ClientFacts<'_> {
        let mut facts = ClientFacts::new(self.hardware_address.get());
        facts.archs = &self.archs[..self.arch_count];
        facts.vendor_class = self.vendor_class.as_ref().map(Bytes::get);
        facts.user_class = self.user_class.as_ref().map(Bytes::get);
        facts.machine_id = self.machine_id.as_ref().map(Bytes::get);
        facts.ipxe = self.ipxe;
        facts.relay = self.relay;
        facts.address = self.address;
        facts.link = self.link;
        facts
    }
}
