//! What other servers offer to machines that have our offer: heard, never answered, and told where it competes with ours.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use pxe_dhcp::{MessageType, MessageView, Operation, OptionCode};

use super::client::ClientId;
use super::clients::OurOffer;
use super::detail::Detail;
use super::event::{Stage, printable};
use super::{Arrival, Engine, Output};
use crate::diagnose::{self, Reply};

impl Engine {
    /// Takes what some server sent to a client. What is in no transaction that we made an offer in is nothing to us: so a
    /// questioner who tries many kinds of firmware under one hardware address is told of none by the answers to another.
    pub(super) fn handle_rival(&mut self, now: Instant, arrival: &Arrival, datagram: &[u8]) {
        let (SocketAddr::V4(source), IpAddr::V4(local)) = (arrival.source, arrival.local) else {
            return;
        };
        let Ok(view) = MessageView::parse(datagram) else { return };
        let is_offer = matches!(view.message_type(), Some(MessageType::OFFER | MessageType::ACK));
        if view.operation() != Operation::BootReply || !is_offer {
            return;
        }
        let Some(client) = ClientId::from_hardware_address(view.hardware_address()) else { return };
        if client.is_doctor() {
            return;
        }
        let Some(offer) = self.shared.offer(client, view.transaction_id()) else { return };
        let theirs = reply(&view, *source.ip(), offer.ipxe);
        // A relay brings our own offers, too.
        if [theirs.server, *source.ip()].iter().any(|it| self.is_own(*it, local)) {
            return;
        }
        let server = theirs.server;
        let ours = ours(&offer, self.advertise.unwrap_or(local));
        for found in diagnose::rivals(offer.firmware, ours, theirs) {
            let diagnose::Finding { id, is_fault, what, advice, .. } = found;
            if self.shared.is_new_rival(now, client, (id, server)) {
                let stage = Stage::Rival { id, server, what, advice, is_fault };
                let detail = || Some(Detail::of_reply(datagram, source));
                let event = self.shared.step(client, stage, false, detail);
                self.push(Output::Event(event));
            }
        }
    }

    fn is_own(&self, address: Ipv4Addr, local: Ipv4Addr) -> bool {
        address == local
            || self.advertise == Some(address)
            || self.own.iter().any(|own| own.address == address)
    }
}

/// Our offer, as others see it.
fn ours(offer: &OurOffer, server: Ipv4Addr) -> Reply {
    Reply {
        server,
        is_ack: false,
        to_ipxe: offer.ipxe,
        address: None,
        next_server: Some(server),
        file: printable(&offer.file),
        file_in_option_only: false,
        server_name: false,
        pxe_class: true,
        pxe_options: false,
    }
}

/// What a server's message to a client says of booting. `to_ipxe`: iPXE had asked.
pub(crate) fn reply(view: &MessageView<'_>, source: Ipv4Addr, to_ipxe: bool) -> Reply {
    let set = |address: Ipv4Addr| (!address.is_unspecified()).then_some(address);
    let facts = view.boot_facts();
    let header = view.boot_file();
    let option = view.option(OptionCode(67)).unwrap_or_default();
    // Some servers end a name, or fill the room behind it.
    let end = |byte: &u8| matches!(byte, 0 | 0xff);
    let option = option.split(end).next().unwrap_or_default();
    let name = if option.is_empty() { header } else { option };
    let vendor = facts.vendor_specific.unwrap_or_default();
    Reply {
        server: facts.server_identifier.unwrap_or(source),
        is_ack: view.message_type() == Some(MessageType::ACK),
        to_ipxe,
        address: set(view.your_address()),
        next_server: set(view.server_address()),
        file: printable(name),
        file_in_option_only: header.is_empty() && !option.is_empty(),
        server_name: view.first(OptionCode(66)).is_some(),
        pxe_class: facts.vendor_class.is_some_and(|class| class.starts_with(b"PXEClient")),
        pxe_options: has_pxe_options(vendor),
    }
}

/// Whether PXE's own options are in it (sub-options 6 to 10).
fn has_pxe_options(mut vendor: &[u8]) -> bool {
    while let [code, rest @ ..] = vendor {
        match (code, rest) {
            (0, rest) => vendor = rest,
            (255, _) => return false,
            (6..=10, _) => return true,
            (_, [length, rest @ ..]) => {
                vendor = rest.get(usize::from(*length)..).unwrap_or_default()
            }
            (_, []) => return false,
        }
    }
    false
}
