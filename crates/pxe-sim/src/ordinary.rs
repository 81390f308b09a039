//! A client that does not boot from the network: a laptop, a printer. It must get nothing from us.

use std::net::Ipv4Addr;
use std::time::Instant;

use crate::firmware::{Boot, CLIENT_PORT, CachedPackets, Machine, Outcome, SERVER_PORT, Schedule};
use crate::network::{Arrival, Node, Outbox};
use crate::wire::{self, Reader, Writer};

const TIMEOUTS_MS: &[u64] = &[4_000, 8_000, 16_000, 32_000];

/// One ordinary client, from DISCOVER to ACK, then an INFORM, a RELEASE and a DECLINE.
#[derive(Debug)]
pub struct Ordinary {
    machine: Machine,
    vendor_class: &'static [u8],
    schedule: Schedule,
    offer: Option<Vec<u8>>,
    /// Datagrams from anybody but the server it chose.
    strangers: usize,
    outcome: Option<Outcome>,
}

impl Ordinary {
    /// A client that begins at `start`; an empty `vendor_class` sends no option 60.
    #[must_use]
    pub fn new(machine: Machine, vendor_class: &'static [u8], start: Instant) -> Self {
        let schedule = Schedule::new(TIMEOUTS_MS, start);
        Self { machine, vendor_class, schedule, offer: None, strangers: 0, outcome: None }
    }

    fn packet(&self, message_type: u8) -> Writer {
        let mut writer = Writer::new(1, self.machine.transaction_id, &self.machine.mac)
            .broadcast()
            .option(53, &[message_type])
            .option(55, &[1, 3, 6, 15, 121]);
        if !self.vendor_class.is_empty() {
            writer = writer.option(60, self.vendor_class);
        }
        writer
    }

    fn on_reply(&mut self, now: Instant, reply: &Reader<'_>, out: &mut Outbox) {
        if reply.your_address().is_unspecified() {
            self.strangers += 1;
            return;
        }
        match (reply.message_type(), &self.offer) {
            (Some(wire::OFFER), None) => {
                self.offer = Some(reply.bytes().to_vec());
                self.schedule = Schedule::new(TIMEOUTS_MS, now);
            }
            (Some(wire::ACK), Some(_)) => {
                self.schedule.stop();
                out.set_address(0, reply.your_address());
                for message_type in [INFORM, DECLINE, RELEASE] {
                    let packet =
                        self.packet(message_type).client_address(reply.your_address()).finish(300);
                    out.broadcast(CLIENT_PORT, SERVER_PORT, packet);
                }
                self.outcome = Some(Outcome::Boot(Boot {
                    server: Ipv4Addr::UNSPECIFIED,
                    file: Vec::new(),
                    address: reply.your_address(),
                    cached: CachedPackets::default(),
                    content: None,
                }));
            }
            (Some(wire::NAK), Some(_)) => {
                self.outcome = Some(Outcome::Failed("NAK"));
            }
            _ => {}
        }
    }
}

const DECLINE: u8 = 4;
const RELEASE: u8 = 7;
const INFORM: u8 = 8;

impl Node for Ordinary {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if arrival.destination.port() != CLIENT_PORT || self.outcome.is_some() {
            return;
        }
        let Some(reply) = Reader::new(arrival.payload) else { return };
        if reply.operation() == 2 && reply.transaction_id() == self.machine.transaction_id {
            self.on_reply(now, &reply, out);
            if self.strangers > 0 {
                self.outcome = Some(Outcome::Failed("a proxy answered an ordinary client"));
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.due().filter(|_| self.outcome.is_none())
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        if !self.schedule.again(now) {
            self.outcome = Some(Outcome::Failed("no DHCP answer"));
            return;
        }
        let packet = match self.offer.as_deref().and_then(Reader::new) {
            None => self.packet(wire::DISCOVER),
            Some(offer) => {
                let server = offer.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED);
                self.packet(wire::REQUEST)
                    .option(50, &offer.your_address().octets())
                    .option(54, &server.octets())
            }
        };
        out.broadcast(CLIENT_PORT, SERVER_PORT, packet.finish(300));
    }

    fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }
}
