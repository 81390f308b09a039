//! The PXE ROM of a PC network card (Intel Boot Agent and its kin). Closed source: the model
//! follows PXE 2.1 and what iPXE commits, dnsmasq and Pixiecore say about it.

use std::time::Instant;

use super::parts;
use super::{BOOT_SERVER_PORT, CachedPackets, Machine, Outcome, SERVER_PORT, Schedule};
use crate::network::{Arrival, Node, Outbox};
use crate::wire::{self, Reader, Writer};

/// PXE 2.1: 4, 8, 16, 32 seconds.
const DISCOVER_TIMEOUTS_MS: &[u64] = &[4_000, 8_000, 16_000, 32_000];
const REQUEST_TIMEOUTS_MS: &[u64] = &[4_000, 8_000, 16_000, 32_000];
const BOOT_SERVER_TIMEOUTS_MS: &[u64] = &[1_000, 2_000, 3_000, 4_000];
/// It waits for proxies through the windows of 4 and 8 seconds.
const WINDOWS_FOR_PROXIES: usize = 2;

#[derive(Debug)]
enum State {
    Discovery { windows: usize },
    Request,
    BootServer { ack: Vec<u8> },
    Done(Outcome),
}

/// One PC from the ROM's start to the file it will fetch.
#[derive(Debug)]
pub struct IntelRom {
    machine: Machine,
    state: State,
    schedule: Schedule,
    offer: Option<Vec<u8>>,
    proxy_offer: Option<Vec<u8>>,
}

impl IntelRom {
    /// A ROM that begins at `start`.
    #[must_use]
    pub fn new(machine: Machine, start: Instant) -> Self {
        Self {
            machine,
            state: State::Discovery { windows: 0 },
            schedule: Schedule::new(DISCOVER_TIMEOUTS_MS, start),
            offer: None,
            proxy_offer: None,
        }
    }

    fn on_offer(&mut self, reply: &Reader<'_>) {
        if reply.message_type() != Some(wire::OFFER) || reply.server_identifier().is_none() {
            return;
        }
        let proxy = reply.your_address().is_unspecified();
        if proxy && reply.has_class(b"PXEClient") && self.proxy_offer.is_none() {
            self.proxy_offer = Some(reply.bytes().to_vec());
        }
        if !proxy && self.offer.is_none() {
            self.offer = Some(reply.bytes().to_vec());
        }
    }

    fn on_ack(&mut self, now: Instant, reply: &Reader<'_>, out: &mut Outbox) {
        let Some(offer) = self.offer.as_deref().and_then(Reader::new) else { return };
        if !parts::acknowledges(reply, &offer) {
            return;
        }
        out.set_address(0, reply.your_address());
        let ack = reply.bytes().to_vec();
        match self.proxy_offer.as_deref().and_then(Reader::new) {
            Some(proxy) if !parts::boots_at_once(&proxy) => {
                self.state = State::BootServer { ack };
                self.schedule = Schedule::new(BOOT_SERVER_TIMEOUTS_MS, now);
            }
            _ => self.boot(ack, self.proxy_offer.clone()),
        }
    }

    fn on_boot_server_ack(&mut self, arrival: &Arrival<'_>, reply: &Reader<'_>) {
        let State::BootServer { ack } = &self.state else { return };
        let from = arrival.source.port() == BOOT_SERVER_PORT && reply.server_identifier().is_some();
        if from && reply.message_type() == Some(wire::ACK) {
            self.boot(ack.clone(), Some(reply.bytes().to_vec()));
        }
    }

    fn boot(&mut self, ack: Vec<u8>, proxy: Option<Vec<u8>>) {
        self.schedule.stop();
        let cached = CachedPackets { ack, proxy_offer: proxy, pxe_reply: None };
        self.state = State::Done(match parts::boot_by_header(cached) {
            // It needs siaddr, whatever else names a server (iPXE f0c6c4efd).
            Outcome::Boot(boot) if boot.server.is_unspecified() => Outcome::Failed("PXE-E52"),
            outcome => outcome,
        });
    }

    fn packet(&self, message_type: u8) -> Writer {
        const REQUEST_LIST: [u8; 24] = [
            1, 2, 3, 5, 6, 11, 12, 13, 15, 16, 17, 18, 43, 54, 60, 67, 128, 129, 130, 131, 132,
            133, 134, 135,
        ];
        parts::rom_packet(&self.machine, message_type, 1260, &REQUEST_LIST).seconds(4)
    }

    fn send(&self, out: &mut Outbox) {
        match &self.state {
            State::Discovery { .. } => parts::discover(self.packet(wire::DISCOVER), out),
            State::Request => {
                let Some(offer) = &self.offer else { return };
                parts::request(self.packet(wire::REQUEST), offer, out);
            }
            State::BootServer { ack } => {
                let proxy = self.proxy_offer.as_deref().and_then(Reader::new);
                let (Some(ack), Some(proxy)) = (Reader::new(ack), proxy) else { return };
                let Some(server) = proxy.server_identifier() else { return };
                let packet = self.packet(wire::REQUEST).option(54, &server.octets());
                parts::ask_boot_server(packet, (&ack, server), parts::ROM_MESSAGE_BYTES, out);
            }
            State::Done(_) => {}
        }
    }
}

impl Node for IntelRom {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        let Some(reply) = parts::reply_to(&self.machine, arrival) else { return };
        match &self.state {
            State::BootServer { .. } => self.on_boot_server_ack(arrival, &reply),
            _ if arrival.source.port() != SERVER_PORT => {}
            State::Discovery { .. } => self.on_offer(&reply),
            State::Request => self.on_ack(now, &reply, out),
            State::Done(_) => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.due()
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        if let State::Discovery { windows } = &mut self.state {
            if self.schedule.started() {
                *windows += 1;
            }
            let complete = self.proxy_offer.is_some() || *windows >= WINDOWS_FOR_PROXIES;
            if self.offer.is_some() && complete {
                self.state = State::Request;
                self.schedule = Schedule::new(REQUEST_TIMEOUTS_MS, now);
            }
        }
        if self.schedule.again(now) {
            self.send(out);
            return;
        }
        self.state = State::Done(Outcome::Failed(match &self.state {
            State::BootServer { .. } => "PXE-E55: port 4011 is silent",
            _ if self.proxy_offer.is_some() && self.offer.is_none() => "PXE-E52: proxy offers only",
            _ => "PXE-E51: no offers",
        }));
    }

    fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Done(outcome) => Some(outcome),
            _ => None,
        }
    }
}
