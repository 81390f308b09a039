//! The boot ROM of a Raspberry Pi 3 and the EEPROM of a Pi 4, as issues of raspberrypi/firmware and
//! rpi-eeprom describe them. No source is public.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::parts;
use super::{Boot, CLIENT_PORT, CachedPackets, Machine, Outcome, SERVER_PORT, Schedule};
use crate::network::{Arrival, Node, Outbox};
use crate::wire::{self, Reader, Writer, sub_option};

/// Five tries, then the next boot mode. Their spacing is not documented.
const TIMEOUTS_MS: &[u64] = &[5_000, 5_000, 5_000, 5_000, 5_000];

/// Which board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// ROM: takes the OFFER without a REQUEST, wants three blanks behind the menu text.
    Three,
    /// EEPROM before 2020-01-17: REQUEST without option 60, and PAD confuses it.
    Four,
}

/// One board from power-on to its first file.
#[derive(Debug)]
pub struct RaspberryPi {
    machine: Machine,
    generation: Generation,
    schedule: Schedule,
    offer: Option<Vec<u8>>,
    proxy: Option<Vec<u8>>,
    requesting: bool,
    outcome: Option<Outcome>,
}

impl RaspberryPi {
    /// A board that begins at `start`. Its hardware address begins with one of the vendor's
    /// prefixes.
    #[must_use]
    pub fn new(mut machine: Machine, generation: Generation, start: Instant) -> Self {
        let prefix = match generation {
            Generation::Three => [0xb8, 0x27, 0xeb],
            Generation::Four => [0xdc, 0xa6, 0x32],
        };
        machine.mac[..3].copy_from_slice(&prefix);
        match generation {
            Generation::Three => {
                for part in machine.guid.chunks_mut(4) {
                    part.copy_from_slice(&SERIAL);
                }
            }
            Generation::Four => {
                machine.guid[..4].copy_from_slice(b"RPi4");
                machine.guid[12..].copy_from_slice(&SERIAL);
            }
        }
        Self {
            machine,
            generation,
            schedule: Schedule::new(TIMEOUTS_MS, start),
            offer: None,
            proxy: None,
            requesting: false,
            outcome: None,
        }
    }

    /// The board's hardware address.
    #[must_use]
    pub fn mac(&self) -> crate::network::Mac {
        self.machine.mac
    }

    /// An offer is believed if the menu in its option 43 names the board's maker.
    fn believes(&self, packet: &Reader<'_>) -> bool {
        let text: &[u8] = match self.generation {
            Generation::Three => b"Raspberry Pi Boot   ",
            Generation::Four => b"Raspberry Pi Boot",
        };
        let menu = packet.option(43).and_then(|value| sub_option(value, 9)).unwrap_or_default();
        let item = menu.get(3..).unwrap_or_default();
        item == text
    }

    /// PAD between options is read as an option (rpi-eeprom 82, 84).
    fn chokes_on(&self, packet: &Reader<'_>) -> bool {
        let options = &packet.bytes()[240..];
        let mut rest = options;
        while let [code, length, tail @ ..] = rest {
            match *code {
                255 => return false,
                0 => return true,
                _ => rest = tail.get(usize::from(*length)..).unwrap_or_default(),
            }
        }
        false
    }

    fn decide(&mut self, out: &mut Outbox) {
        let offer = self.offer.as_deref().and_then(Reader::new);
        let (Some(offer), Some(proxy)) = (offer, self.proxy.as_deref().and_then(Reader::new))
        else {
            return;
        };
        let server = match proxy.server_address() {
            Ipv4Addr::UNSPECIFIED => proxy.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED),
            server => server,
        };
        if self.generation == Generation::Four && !self.requesting {
            self.requesting = true;
            let id = offer.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED);
            let packet = Writer::new(1, self.machine.transaction_id, &self.machine.mac)
                .option(53, &[wire::REQUEST])
                .option(50, &offer.your_address().octets())
                .option(54, &id.octets())
                .finish(300);
            out.broadcast(CLIENT_PORT, SERVER_PORT, packet);
            return;
        }
        out.set_address(0, offer.your_address());
        // `file` is ignored: the names are built in, below the serial number first.
        let first = match self.generation {
            Generation::Three => b"bootcode.bin".to_vec(),
            Generation::Four => format!("{:08x}/start4.elf", u32::from_be_bytes(SERIAL)).into(),
        };
        self.outcome = Some(Outcome::Boot(Boot {
            server,
            file: first,
            address: offer.your_address(),
            content: None,
            cached: CachedPackets {
                ack: offer.bytes().to_vec(),
                proxy_offer: Some(proxy.bytes().to_vec()),
                pxe_reply: None,
            },
        }));
        self.schedule.stop();
    }
}

/// The board's serial number.
const SERIAL: [u8; 4] = [0x7c, 0x3f, 0x2a, 0x10];

impl Node for RaspberryPi {
    fn handle_datagram(&mut self, _now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        let Some(reply) = parts::reply_to(&self.machine, arrival) else { return };
        if self.outcome.is_some() || self.chokes_on(&reply) {
            return;
        }
        match reply.message_type() {
            Some(wire::OFFER) if !reply.your_address().is_unspecified() => {
                self.offer.get_or_insert_with(|| reply.bytes().to_vec());
                if self.believes(&reply) {
                    self.proxy.get_or_insert_with(|| reply.bytes().to_vec());
                }
                self.decide(out);
            }
            Some(wire::OFFER) if self.believes(&reply) => {
                self.proxy.get_or_insert_with(|| reply.bytes().to_vec());
                self.decide(out);
            }
            Some(wire::ACK) if self.requesting => self.decide(out),
            _ => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.due()
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        self.requesting = false;
        if !self.schedule.again(now) {
            self.outcome = Some(Outcome::Failed("five tries: next boot mode"));
            return;
        }
        let version: [u8; 3] = [1, 2, 1];
        let packet = Writer::new(1, self.machine.transaction_id, &self.machine.mac)
            .option(53, &[wire::DISCOVER])
            .option(55, &[1, 3, 43, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135])
            .option(93, &[0, 0])
            .option(94, &version)
            .option(97, &self.machine.machine_id())
            .option(60, b"PXEClient:Arch:00000:UNDI:002001")
            .finish(300);
        out.broadcast(CLIENT_PORT, SERVER_PORT, packet);
    }

    fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }
}
