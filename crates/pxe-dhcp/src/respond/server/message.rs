//! A message for a DHCP server: who asks, from where, and about which address.

use core::net::Ipv4Addr;

use crate::options::{ClientIdentifier, RelayAgentInformation, duration_seconds, text};
use crate::respond::address::is_host;
use crate::respond::phrase::is_ipxe;
use crate::respond::{ClientClass, HardwareAddress, ProxyStyle, Received};
use crate::{BootFacts, HardwareType, MessageView, OptionCode};

/// What a client said, with everything that choosing its subnet, its lease and its boot file needs.
#[derive(Clone, Copy, Debug)]
pub struct ServerMessage<'d> {
    pub(super) view: MessageView<'d>,
    pub(super) facts: BootFacts<'d>,
    pub(super) context: Context,
}

/// What is known of a message beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) received: Received,
    pub(super) class: Option<ClientClass>,
    /// The address it is about.
    pub(super) address: Option<Ipv4Addr>,
    /// Whether what option 82 says counts.
    pub(super) trusts_relay_information: bool,
    /// Whether option 118 counts.
    pub(super) honours_subnet_selection: bool,
    /// Whether the client has `ciaddr` and was free to send from anywhere.
    pub(super) is_routed: bool,
}

/// The address that says on which subnet a client is, or wants to be.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// An address in that subnet: an interface's, a relay's, the client's own, or the subnet's number.
    /// Unspecified if the driver could not tell ([`Received::local_address`]).
    pub address: Ipv4Addr,
    /// Who says so.
    pub source: LinkSource,
}

/// Who says on which subnet a client is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkSource {
    /// The interface the message came by: the client is on its segment.
    Interface,
    /// The relay, by its address among the clients (`giaddr`, RFC 2131 section 4.3.1).
    Relay,
    /// The relay, by sub-option 5 of option 82 (RFC 3527).
    LinkSelection,
    /// The client, by option 118 (RFC 3011).
    SubnetSelection,
    /// The client's own address: its message came by unicast, past all relays (RFC 2131 section
    /// 4.3.2, RENEWING).
    ClientAddress,
}

impl<'d> ServerMessage<'d> {
    /// The message itself.
    #[must_use]
    pub fn view(&self) -> &MessageView<'d> {
        &self.view
    }

    /// What the message says about booting; among it what the client asks for (55), its classes (60,
    /// 77), architecture, machine and iPXE's features.
    #[must_use]
    pub fn facts(&self) -> &BootFacts<'d> {
        &self.facts
    }

    /// Where the message came from.
    #[must_use]
    pub fn received(&self) -> &Received {
        &self.context.received
    }

    /// Which boot protocol the client speaks; none for one that does not boot from the network as far
    /// as it says.
    #[must_use]
    pub fn class(&self) -> Option<ClientClass> {
        self.context.class
    }

    /// Whether iPXE sent it.
    #[must_use]
    pub fn is_ipxe(&self) -> bool {
        is_ipxe(&self.facts)
    }

    /// The style an answer's boot information has when it names none.
    #[must_use]
    pub fn default_style(&self) -> ProxyStyle {
        ProxyStyle::for_request(&self.view, &self.facts)
    }

    /// `htype`.
    #[must_use]
    pub fn hardware_type(&self) -> HardwareType {
        self.view.hardware_type()
    }

    /// `chaddr`, 0 to 16 bytes.
    #[must_use]
    pub fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::of(&self.view)
    }

    /// Option 61, if it is long enough to identify anybody.
    #[must_use]
    pub fn client_identifier(&self) -> Option<&'d [u8]> {
        self.facts.client_identifier.filter(|id| ClientIdentifier::new(id).is_usable())
    }

    /// Option 12, less trailing NULs; none if nothing is left.
    #[must_use]
    pub fn host_name(&self) -> Option<&'d [u8]> {
        self.view.first(OptionCode::HOST_NAME).map(text).filter(|name| !name.is_empty())
    }

    /// Option 50.
    #[must_use]
    pub fn requested_address(&self) -> Option<Ipv4Addr> {
        self.facts.requested_address.filter(|address| is_host(*address))
    }

    /// The address the message is about: what a DISCOVER would like, what a REQUEST asks for or
    /// extends, what an INFORM has. Every REQUEST and INFORM has one.
    #[must_use]
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.context.address
    }

    /// Option 51: the lease the client would like, in seconds; `u32::MAX` is for ever.
    #[must_use]
    pub fn requested_lease_seconds(&self) -> Option<u32> {
        duration_seconds(self.view.first(OptionCode::LEASE_TIME)?).ok()
    }

    /// The relay that passed the message on (`giaddr`). Addresses that no host can have count as none.
    #[must_use]
    pub fn relay(&self) -> Option<Ipv4Addr> {
        Some(self.view.relay_address()).filter(|relay| is_host(*relay))
    }

    /// Option 82 as far as it may be believed: from a relay, or from a switch that snoops, if it is
    /// trusted ([`ServerConfig::trust_snooped_relay_information`]). It is echoed in any case.
    ///
    /// [`ServerConfig::trust_snooped_relay_information`]: super::ServerConfig::trust_snooped_relay_information
    #[must_use]
    pub fn relay_information(&self) -> Option<RelayAgentInformation<'d>> {
        self.facts.relay_agent().filter(|_| self.context.trusts_relay_information)
    }

    /// Sub-option 1 of a trusted option 82.
    #[must_use]
    pub fn circuit_id(&self) -> Option<&'d [u8]> {
        self.relay_information()?.circuit_id()
    }

    /// Sub-option 2 of a trusted option 82.
    #[must_use]
    pub fn remote_id(&self) -> Option<&'d [u8]> {
        self.relay_information()?.remote_id()
    }

    /// Sub-option 11 of a trusted option 82: the address by which the client shall know us, since the
    /// relay wants to see its renewals (RFC 5107).
    #[must_use]
    pub fn server_identifier_override(&self) -> Option<Ipv4Addr> {
        let address = self.relay_information()?.server_identifier_override();
        address.filter(|address| is_host(*address))
    }

    /// What says on which subnet the client is. First of all the relay's link selection, which a relay
    /// sends because its address is not among the clients (RFC 3527); then the client's own wish (118,
    /// RFC 3011), the relay's address, the address of a client that came by unicast, the interface.
    #[must_use]
    pub fn link(&self) -> Link {
        let link = |address, source| Link { address, source };
        let selected =
            self.relay_information().and_then(|information| information.link_selection());
        if let Some(address) = selected.filter(|address| is_host(*address)) {
            return link(address, LinkSource::LinkSelection);
        }
        if let Some(address) = self.subnet_selection() {
            return link(address, LinkSource::SubnetSelection);
        }
        if let Some(relay) = self.relay() {
            return link(relay, LinkSource::Relay);
        }
        if self.context.is_routed {
            return link(self.view.client_address(), LinkSource::ClientAddress);
        }
        link(self.context.received.local_address, LinkSource::Interface)
    }

    fn subnet_selection(&self) -> Option<Ipv4Addr> {
        let value = self.view.first(OptionCode::SUBNET_SELECTION)?;
        let address = crate::options::address(value).ok()?;
        (self.context.honours_subnet_selection && is_host(address)).then_some(address)
    }
}
