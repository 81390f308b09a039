//! DHCP of others, heard and never answered: what it tells goes into the evidence and the story.

use core::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use pxe_dhcp::observe::Observation;
use pxe_dhcp::{MessageType, MessageView};
use pxe_select::{Heard, Source};

use super::event::{ClientId, Stage};
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
        self.report(now, client, Stage::Heard { firmware, ipxe, how });
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
