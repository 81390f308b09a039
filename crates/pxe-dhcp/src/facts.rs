//! What a boot server wants to know of a request.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::net::Ipv4Addr;

use crate::code::OptionCode;
use crate::header::MessageType;
use crate::options::{
    ArchList, ClientIdentifier, IpxeOptions, MachineId, NetworkInterface, ParameterRequestList,
    RelayAgentInformation, UserClass, VendorClass, VendorSpecific,
};
use crate::parse::{self, Step};
use crate::view::{MessageView, Walk};

/// The options that decide how a client boots, read in one pass.
///
/// Values are those of each option's first instance, raw where their form varies between clients, with typed views
/// beside them. A value that came in several instances (RFC 3396; no boot client is known to do that) is named
/// by [`is_split`](Self::is_split), and [`MessageView::option`] joins it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootFacts<'a> {
    /// Option 53, as [`MessageView::message_type`] gives it.
    pub message_type: Option<MessageType>,
    /// Option 54; none if its length is not 4.
    pub server_identifier: Option<Ipv4Addr>,
    /// Option 50; none if its length is not 4.
    pub requested_address: Option<Ipv4Addr>,
    /// Option 57, raw: clients also send values above any frame; none if its length is not 2.
    pub max_message_size: Option<u16>,
    /// Option 55: what the client asks for, most wanted first.
    pub parameter_request_list: Option<&'a [u8]>,
    /// Option 60.
    pub vendor_class: Option<&'a [u8]>,
    /// Option 61.
    pub client_identifier: Option<&'a [u8]>,
    /// Option 77, in either framing.
    pub user_class: Option<&'a [u8]>,
    /// Option 82, as it must be echoed.
    pub relay_agent_information: Option<&'a [u8]>,
    /// Option 93, empty if absent.
    pub archs: ArchList<'a>,
    /// Option 94; none if its length is not 3.
    pub network_interface: Option<NetworkInterface>,
    /// Option 97, type octet included.
    pub machine_id: Option<&'a [u8]>,
    /// Option 175.
    pub ipxe: Option<&'a [u8]>,
    /// Option 43, whose meaning depends on option 60.
    pub vendor_specific: Option<&'a [u8]>,
    /// One bit for each of the options above that came more than once.
    repeated: u16,
}

impl<'a> BootFacts<'a> {
    pub(crate) fn read(view: &MessageView<'a>) -> Self {
        let mut facts = Self { message_type: view.message_type(), ..Self::default() };
        let mut seen = 0;
        let mut walk = Walk::new(view);
        loop {
            while let (rest, Step::Option { code, value }) = parse::step(walk.rest) {
                walk.rest = rest;
                facts.take(OptionCode(code), value, &mut seen);
            }
            if !walk.next_area() {
                return facts;
            }
        }
    }

    /// Keeps the first instance of an option that matters, and notes a further one.
    #[inline]
    fn take(&mut self, code: OptionCode, value: &'a [u8], seen: &mut u16) {
        let Some(bit) = bit_of(code) else {
            return;
        };
        if *seen & bit != 0 {
            self.repeated |= bit;
            return;
        }
        *seen |= bit;
        match code {
            OptionCode::SERVER_IDENTIFIER => self.server_identifier = address(value),
            OptionCode::REQUESTED_ADDRESS => self.requested_address = address(value),
            OptionCode::MAX_MESSAGE_SIZE => self.max_message_size = short(value),
            OptionCode::PARAMETER_REQUEST_LIST => self.parameter_request_list = Some(value),
            OptionCode::VENDOR_CLASS => self.vendor_class = Some(value),
            OptionCode::CLIENT_IDENTIFIER => self.client_identifier = Some(value),
            OptionCode::USER_CLASS => self.user_class = Some(value),
            OptionCode::RELAY_AGENT_INFORMATION => self.relay_agent_information = Some(value),
            OptionCode::CLIENT_ARCHITECTURE => self.archs = ArchList::new(value),
            OptionCode::NETWORK_INTERFACE => {
                self.network_interface = NetworkInterface::decode(value).ok();
            }
            OptionCode::MACHINE_ID => self.machine_id = Some(value),
            OptionCode::IPXE => self.ipxe = Some(value),
            OptionCode::VENDOR_SPECIFIC => self.vendor_specific = Some(value),
            _ => {}
        }
    }

    /// Whether an option came more than once, so that only [`MessageView::option`] gives its whole value.
    #[must_use]
    pub fn is_split(&self, code: OptionCode) -> bool {
        bit_of(code).is_some_and(|bit| self.repeated & bit != 0)
    }

    /// Option 55 as codes.
    #[must_use]
    pub fn requested(&self) -> ParameterRequestList<'a> {
        ParameterRequestList::new(self.parameter_request_list.unwrap_or_default())
    }

    /// Option 60 taken apart.
    pub fn class(&self) -> Option<VendorClass<'a>> {
        self.vendor_class.map(VendorClass::new)
    }

    /// Option 61 taken apart.
    pub fn client_id(&self) -> Option<ClientIdentifier<'a>> {
        self.client_identifier.map(ClientIdentifier::new)
    }

    /// Option 77 taken apart.
    pub fn user_classes(&self) -> Option<UserClass<'a>> {
        self.user_class.map(UserClass::new)
    }

    /// Option 82 taken apart.
    pub fn relay_agent(&self) -> Option<RelayAgentInformation<'a>> {
        self.relay_agent_information.map(RelayAgentInformation::new)
    }

    /// Option 97 taken apart.
    pub fn machine(&self) -> Option<MachineId<'a>> {
        self.machine_id.map(MachineId::new)
    }

    /// Option 175 taken apart.
    pub fn ipxe_options(&self) -> Option<IpxeOptions<'a>> {
        self.ipxe.map(IpxeOptions::new)
    }

    /// Option 43 in the space that option 60 of the same message selects.
    #[must_use]
    pub fn vendor_options(&self) -> Option<VendorSpecific<'a>> {
        let class = VendorClass::new(self.vendor_class.unwrap_or_default());
        self.vendor_specific.map(|value| VendorSpecific::new(class.space(), value))
    }
}

/// The bit by which an option is remembered as seen; none if it is no boot fact.
#[inline]
const fn bit_of(code: OptionCode) -> Option<u16> {
    Some(match code {
        OptionCode::MESSAGE_TYPE => 1,
        OptionCode::SERVER_IDENTIFIER => 1 << 1,
        OptionCode::REQUESTED_ADDRESS => 1 << 2,
        OptionCode::MAX_MESSAGE_SIZE => 1 << 3,
        OptionCode::PARAMETER_REQUEST_LIST => 1 << 4,
        OptionCode::VENDOR_CLASS => 1 << 5,
        OptionCode::CLIENT_IDENTIFIER => 1 << 6,
        OptionCode::USER_CLASS => 1 << 7,
        OptionCode::RELAY_AGENT_INFORMATION => 1 << 8,
        OptionCode::CLIENT_ARCHITECTURE => 1 << 9,
        OptionCode::NETWORK_INTERFACE => 1 << 10,
        OptionCode::MACHINE_ID => 1 << 11,
        OptionCode::IPXE => 1 << 12,
        OptionCode::VENDOR_SPECIFIC => 1 << 13,
        _ => return None,
    })
}

fn short(value: &[u8]) -> Option<u16> {
    value.try_into().ok().map(u16::from_be_bytes)
}

fn address(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}
