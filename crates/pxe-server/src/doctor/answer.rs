//! What was heard: an answer to a question, as the fields that firmware goes by.

use core::net::Ipv4Addr;

use pxe_dhcp::options::{PxeOption, PxeOptions};
use pxe_dhcp::{MessageType, MessageView, Operation, OptionCode};

use super::question::Question;
use crate::diagnose::Reply;

/// Bytes of a name that are kept: what a message can hold.
const NAME_BYTES_MAX: usize = 255;

/// The class that a reply has in option 60.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// None, or another one.
    #[default]
    Other,
    /// `PXEClient`.
    Pxe,
    /// `HTTPClient`.
    Http,
}

/// An OFFER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Which question, by its place.
    pub question: usize,
    /// Who says so: option 54, else the source.
    pub server: Option<Ipv4Addr>,
    /// Where it came from: the server, or a relay.
    pub source: Option<Ipv4Addr>,
    /// The address it gives.
    pub address: Option<Ipv4Addr>,
    /// It says the subnet mask.
    pub mask: bool,
    /// `siaddr`.
    pub next_server: Option<Ipv4Addr>,
    /// Option 66.
    pub server_name: Option<String>,
    /// Option 67, else `file`.
    pub file: String,
    /// The name is in option 67 alone.
    pub file_in_option_only: bool,
    /// Option 60.
    pub class: Class,
    /// It has any of PXE's own options 6 to 10 in option 43: it is complete in itself.
    pub pxe_options: bool,
    /// Its PXE menu offers a choice (option 43.9), and so a file that is asked for later.
    pub has_menu: bool,
}

/// What a datagram says, if it is a server's reply.
pub(super) fn read(view: &MessageView<'_>, source: Ipv4Addr, question: usize) -> Option<Answer> {
    let message_type = view.message_type();
    let replies = matches!(message_type, Some(MessageType::OFFER | MessageType::ACK) | None);
    if view.operation() != Operation::BootReply || !replies {
        return None;
    }
    let facts = view.boot_facts();
    let given = |address: Ipv4Addr| (!address.is_unspecified()).then_some(address);
    let option = view.option(OptionCode::BOOT_FILE_NAME).map(|value| text(&value));
    let option = option.filter(|name| !name.is_empty());
    let header = text(view.boot_file());
    let class = match facts.vendor_class {
        Some(class) if class.starts_with(b"PXEClient") => Class::Pxe,
        Some(class) if class.starts_with(b"HTTPClient") => Class::Http,
        _ => Class::Other,
    };
    let pxe = PxeOptions::new(facts.vendor_specific.unwrap_or_default());
    let own = [6, 7, 8, 9, 10].into_iter().any(|code| pxe.first(PxeOption(code)).is_some());
    Some(Answer {
        question,
        server: Some(facts.server_identifier.unwrap_or(source)),
        source: Some(source),
        address: given(view.your_address()),
        mask: view.first(OptionCode::SUBNET_MASK).is_some(),
        next_server: given(view.server_address()),
        server_name: view.option(OptionCode::TFTP_SERVER_NAME).map(|value| text(&value)),
        file_in_option_only: header.is_empty() && option.is_some(),
        file: option.unwrap_or(header),
        class,
        pxe_options: class == Class::Pxe && own,
        has_menu: class == Class::Pxe && pxe.first(PxeOption(9)).is_some(),
    })
}

/// A name without what some servers put behind it, printable.
fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| matches!(byte, 0 | 0xff)).unwrap_or(value.len());
    let name = value.get(..end.min(NAME_BYTES_MAX)).unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    name.chars().map(|it| if it.is_control() { char::REPLACEMENT_CHARACTER } else { it }).collect()
}

impl Answer {
    /// Whether it is a proxy's: boot information without an address.
    pub fn is_proxy(&self) -> bool {
        self.address.is_none() && self.class != Class::Other
    }

    /// Whether firmware asks on port 4011 before it boots (`PxeBcRetryBinlOffer`, iPXE's `dhcp_has_pxeopts`).
    pub fn needs_boot_server(&self, asked: &Question) -> bool {
        let is_complete = self.pxe_options || (asked.ipxe && !self.file.is_empty());
        self.class == Class::Pxe && !is_complete && !asked.firmware.is_http()
    }

    /// Where firmware asks for the file: `siaddr`, else the server itself.
    pub fn boot_server(&self) -> Option<Ipv4Addr> {
        self.next_server.or(self.server)
    }

    /// The same for those who know what replies mean.
    pub(super) fn as_reply(&self, asked: &Question) -> Reply {
        Reply {
            server: self.server.unwrap_or(Ipv4Addr::UNSPECIFIED),
            is_ack: false,
            to_ipxe: asked.ipxe,
            address: self.address,
            next_server: self.next_server,
            file: self.file.clone(),
            file_in_option_only: self.file_in_option_only,
            server_name: self.server_name.is_some(),
            pxe_class: self.class == Class::Pxe,
            pxe_options: self.pxe_options,
        }
    }
}
