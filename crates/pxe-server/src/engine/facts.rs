//! What a DHCP message says of its sender, as the decision wants it.

use core::net::Ipv4Addr;

use pxe_dhcp::{BootFacts, MessageView};
use pxe_select::{Arch, ClientFacts, IpxeFeatures, OwnedFacts};

/// Architectures read of option 93; real clients send one.
const ARCHS_READ: usize = 4;

/// The facts of a message; `link` is our address on the link it came by, `address` the sender's own.
pub(super) fn of_message(
    view: &MessageView<'_>,
    facts: &BootFacts<'_>,
    link: Ipv4Addr,
    address: Option<Ipv4Addr>,
) -> OwnedFacts {
    let mut archs = [Arch(0); ARCHS_READ];
    let mut count = 0;
    for (slot, number) in archs.iter_mut().zip(facts.archs.iter()) {
        *slot = Arch(number);
        count += 1;
    }
    let relay = set(view.relay_address());
    let mut known = ClientFacts::new(view.hardware_address());
    known.archs = &archs[..count];
    known.vendor_class = facts.vendor_class;
    known.user_class = facts.user_class;
    known.machine_id = facts.machine_id;
    known.ipxe = facts.ipxe_options().map(|options| {
        IpxeFeatures::from_flags(options.features().iter().map(|feature| (feature.0, 1)))
    });
    known.relay = relay;
    known.link = relay.is_none().then_some(link);
    known.address = address;
    OwnedFacts::new(&known)
}

/// The same of a message as it is, for whoever explains a decision.
pub(crate) fn of_boot(
    view: &MessageView<'_>,
    link: Ipv4Addr,
    address: Option<Ipv4Addr>,
) -> OwnedFacts {
    of_message(view, &view.boot_facts(), link, address)
}

/// An address that is one.
pub(super) fn set(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (!address.is_unspecified()).then_some(address)
}
