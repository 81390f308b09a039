//! What a DHCP server gives to whom: the configuration, checked and ready to be asked.

use core::net::Ipv4Addr;
use std::collections::HashMap;

use pxe_dhcp::options::OptionSet;
use pxe_dhcp::respond::{LeaseTimes, ServerMessage};
use pxe_lease::{AllocatorConfig, SubnetId, Topology};

use super::inbound::client_of;

/// Everything of `[dhcp]` that is asked for each message.
#[derive(Clone, Debug)]
pub struct AddressPlan {
    /// Who may have which address.
    pub topology: Topology,
    /// Times of offers and quarantines.
    pub allocator: AllocatorConfig,
    /// By [`SubnetId`].
    pub subnets: Vec<SubnetPlan>,
    /// Options for kinds of clients, the later over the earlier.
    pub classes: Vec<ClassPlan>,
    /// Options of clients with a reservation, by the address that is reserved.
    pub reserved: HashMap<Ipv4Addr, OptionSet>,
    /// Options of single machines, by hardware address.
    pub hosts: HashMap<[u8; 6], OptionSet>,
}

/// What clients of one subnet are told.
#[derive(Clone, Debug)]
pub struct SubnetPlan {
    /// Option 1.
    pub mask: Ipv4Addr,
    /// How long their leases are.
    pub times: LeaseTimes,
    /// Options.
    pub options: OptionSet,
    /// BOOTP clients get addresses of the pools.
    pub bootp: bool,
}

/// Options for clients of a kind: all that is set must fit.
#[derive(Clone, Debug)]
pub struct ClassPlan {
    /// Beginning of option 60.
    pub vendor_class: Option<Vec<u8>>,
    /// One of the classes of option 77.
    pub user_class: Option<Vec<u8>>,
    /// Beginning of the hardware address.
    pub mac: Vec<u8>,
    /// Options.
    pub options: OptionSet,
}

impl ClassPlan {
    fn fits(&self, message: &ServerMessage<'_>) -> bool {
        let facts = message.facts();
        let vendor = self.vendor_class.as_deref();
        let user = self.user_class.as_deref();
        vendor.is_none_or(|class| facts.vendor_class.is_some_and(|sent| sent.starts_with(class)))
            && user.is_none_or(|class| {
                facts.user_class.is_some_and(|sent| has_user_class(sent, class))
            })
            && message.hardware_address().as_bytes().starts_with(&self.mac)
    }
}

impl AddressPlan {
    /// The subnet's part.
    pub(super) fn subnet(&self, id: SubnetId) -> Option<&SubnetPlan> {
        self.subnets.get(usize::from(id.0))
    }

    /// The options for a client of a subnet, the more special later.
    pub(super) fn options(&self, id: SubnetId, message: &ServerMessage<'_>) -> Vec<&OptionSet> {
        let mut layers = Vec::with_capacity(4);
        layers.extend(self.subnet(id).map(|subnet| &subnet.options));
        let classes = self.classes.iter().filter(|class| class.fits(message));
        layers.extend(classes.map(|class| &class.options));
        layers.extend(self.reserved_options(id, message));
        let mac = <[u8; 6]>::try_from(message.hardware_address().as_bytes());
        layers.extend(mac.ok().and_then(|mac| self.hosts.get(&mac)));
        layers
    }
}

impl AddressPlan {
    /// Those of its reservation, whichever address the client has at this moment.
    fn reserved_options(&self, id: SubnetId, message: &ServerMessage<'_>) -> Option<&OptionSet> {
        if self.reserved.is_empty() {
            return None;
        }
        let network = self.topology.network_of(id)?;
        let address = self.topology.reserved_for(network, &client_of(message))?;
        self.reserved.get(&address)
    }
}

/// Option 77 is one text (iPXE, Microsoft) or several with their lengths (RFC 3004).
fn has_user_class(sent: &[u8], wanted: &[u8]) -> bool {
    let mut rest = sent;
    let framed = core::iter::from_fn(|| {
        let (length, tail) = rest.split_first()?;
        let (class, tail) = tail.split_at_checked(usize::from(*length))?;
        rest = tail;
        Some(class)
    });
    sent == wanted || framed.into_iter().any(|class| class == wanted)
}
