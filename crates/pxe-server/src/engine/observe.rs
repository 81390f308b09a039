//! DHCP of others, heard and never answered: what it tells goes into the evidence and the story.

use core::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use pxe_dhcp::observe::Observation;
use pxe_dhcp::{MessageType, MessageView};
use pxe_select::{Heard, Source};

use super::client::ClientId;
use super::detail::Detail;
use super::event::Stage;
use super::facts;
use super::{Arrival, Engine};

impl Engine {
    /// Takes a datagram from a socket that only listens. There is no answer to it, whatever it holds.
    pub(super) fn handle_observed(&mut self, now: Instant, arrival: &Arrival, datagram: &[u8]) {
        let IpAddr::V4(local) = arrival.local else { return };
        match Observation::read(datagram) {
            Ok((view, observation)) => {
                self.look_ahead(now, datagram);
                let heard = self.hear(now, local, &view, observation);
                if let (Some(heard), Observation::Client { message, .. }) = (heard, observation) {
                    self.tell_heard(now, &view, heard, message);
                }
            }
            Err(_) => self.drops.dhcp += 1,
        }
    }

    /// Takes what a message tells into the evidence.
    pub(super) fn hear(
        &self,
        now: Instant,
        local: Ipv4Addr,
        view: &MessageView<'_>,
        observation: Observation,
    ) -> Option<Heard> {
        match observation {
            Observation::Client { message, address } => {
                let facts = facts::of_message(view, &view.boot_facts(), local, address);
                let exchange = view.transaction_id();
                self.shared.hear(now, source(view, message), exchange, &facts.as_facts())
            }
            Observation::Given { address } => {
                self.shared.hear_reply(now, view.hardware_address(), address);
                None
            }
            Observation::Left { address } => {
                self.shared.hear_leaving(now, view.hardware_address(), address);
                None
            }
            _ => None,
        }
    }

    fn tell_heard(
        &mut self,
        now: Instant,
        view: &MessageView<'_>,
        heard: Heard,
        message: Option<MessageType>,
    ) {
        let Some(client) = ClientId::from_hardware_address(view.hardware_address()) else { return };
        let what = message.map_or_else(|| "BOOTP".to_owned(), |message| message.to_string());
        let relay = view.relay_address();
        let how = if relay.is_unspecified() {
            format!("{what}, broadcast")
        } else {
            format!("{what}, by relay {relay}")
        };
        let (firmware, ipxe) = (heard.firmware, heard.ipxe);
        let stage = Stage::Heard { firmware, ipxe, how };
        self.report_with(now, client, stage, || Some(Detail::of_message(view)));
    }

    /// A machine whose boot we follow asks another DHCP server for an address.
    pub(super) fn tell_addressed(
        &mut self,
        now: Instant,
        view: &MessageView<'_>,
        observation: Observation,
    ) {
        let Observation::Client { message: Some(MessageType::REQUEST), address: Some(address) } =
            observation
        else {
            return;
        };
        let Some(client) = ClientId::from_hardware_address(view.hardware_address()) else { return };
        if !self.shared.knows(client) {
            return;
        }
        let stage = Stage::Addressed { address, server: view.boot_facts().server_identifier };
        let detail = || Some(Detail::of_message(view).with_address(Some(address)));
        self.report_with(now, client, stage, detail);
    }
}

/// How a message that is not for us came to us.
pub(super) fn source(view: &MessageView<'_>, message: Option<MessageType>) -> Source {
    match message {
        _ if !view.relay_address().is_unspecified() => Source::Relayed,
        Some(MessageType::DISCOVER) => Source::Discover,
        Some(MessageType::REQUEST) => Source::Request,
        _ => Source::Message,
    }
}
