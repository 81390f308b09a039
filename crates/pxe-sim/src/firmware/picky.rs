//! Firmware that believes one style of proxy offer and overlooks every other, as people report it of
//! old ROMs and of vendors' branches of EDK2. Nobody has their source: the schedule is that of
//! PXE 2.1, and the taste is what was reported.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::parts;
use super::{BOOT_SERVER_PORT, CachedPackets, Machine, Outcome, SERVER_PORT, Schedule};
use crate::network::{Arrival, Node, Outbox};
use crate::wire::{self, Reader, Writer, sub_option, sub_options};

/// PXE 2.1: 4, 8, 16, 32 seconds.
const TIMEOUTS_MS: &[u64] = &[4_000, 8_000, 16_000, 32_000];
const BOOT_SERVER_TIMEOUTS_MS: &[u64] = &[1_000, 2_000, 3_000, 4_000];

/// The proxy offers that it believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taste {
    /// Nothing of PXE in option 43; it asks port 4011 then.
    Binl,
    /// Discovery control bit 3 in option 43, with a file to take at once.
    JustBoot,
    /// A menu with prompt, servers and at least two items; it asks the server of the first.
    Menu,
    /// Any, but only once it holds a DHCP server's offer for the same DISCOVER.
    AfterDhcp,
}

/// What it does when the DHCP server answers and no proxy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutProxy {
    /// It waits for proxies to its last DISCOVER, the fourth: EDK2.
    Waits,
    /// After two DISCOVERs it takes the address, and finds no file: Intel's ROMs.
    TakesAddress,
}

#[derive(Debug)]
enum State {
    Discovery { windows: usize },
    Request,
    BootServer { ack: Vec<u8> },
    Done(Outcome),
}

/// One attempt of such firmware.
#[derive(Debug)]
pub struct Picky {
    machine: Machine,
    taste: Taste,
    without_proxy: WithoutProxy,
    state: State,
    schedule: Schedule,
    offer: Option<Vec<u8>>,
    /// The DHCP server has answered the DISCOVER of this window.
    is_offered: bool,
    proxy_offer: Option<Vec<u8>>,
}

impl Picky {
    /// An attempt that begins at `start`.
    #[must_use]
    pub fn new(
        machine: Machine,
        taste: Taste,
        without_proxy: WithoutProxy,
        start: Instant,
    ) -> Self {
        Self {
            machine,
            taste,
            without_proxy,
            state: State::Discovery { windows: 0 },
            schedule: Schedule::new(TIMEOUTS_MS, start),
            offer: None,
            is_offered: false,
            proxy_offer: None,
        }
    }

    fn on_offer(&mut self, reply: &Reader<'_>) {
        if reply.message_type() != Some(wire::OFFER) || reply.server_identifier().is_none() {
            return;
        }
        if !reply.your_address().is_unspecified() {
            self.is_offered = true;
            self.offer.get_or_insert_with(|| reply.bytes().to_vec());
        } else if reply.has_class(b"PXEClient") && self.proxy_offer.is_none() {
            let is_believed = match self.taste {
                Taste::Binl => is_binl(reply),
                Taste::JustBoot => parts::boots_at_once(reply),
                Taste::Menu => menu_server(reply).is_some(),
                Taste::AfterDhcp => self.is_offered,
            };
            self.proxy_offer = is_believed.then(|| reply.bytes().to_vec());
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
            proxy => {
                let proxy = proxy.map(|proxy| proxy.bytes().to_vec());
                self.boot(ack, proxy, None);
            }
        }
    }

    fn on_boot_server_ack(&mut self, reply: &Reader<'_>) {
        let State::BootServer { ack } = &self.state else { return };
        if reply.message_type() != Some(wire::ACK) || reply.server_identifier().is_none() {
            return;
        }
        let proxy = self.proxy_offer.clone();
        let chosen = proxy.as_deref().and_then(Reader::new).and_then(|offer| menu_server(&offer));
        let ack = ack.clone();
        match chosen {
            None => self.boot(ack, Some(reply.bytes().to_vec()), None),
            // The answer must be about the item, from the server that was listed for it.
            Some((item, server)) => {
                let about = reply.option(43).and_then(|value| sub_option(value, 71));
                if about.is_some_and(|about| about.starts_with(&item))
                    && reply.server_address() == server
                {
                    self.boot(ack, proxy, Some(reply.bytes().to_vec()));
                }
            }
        }
    }

    fn boot(&mut self, ack: Vec<u8>, proxy: Option<Vec<u8>>, pxe_reply: Option<Vec<u8>>) {
        self.schedule.stop();
        let cached = CachedPackets { ack, proxy_offer: proxy, pxe_reply };
        self.state = State::Done(parts::boot_by_header(cached));
    }

    fn packet(&self, message_type: u8) -> Writer {
        const REQUEST_LIST: [u8; 12] = [1, 3, 6, 43, 54, 60, 66, 67, 128, 129, 130, 131];
        parts::rom_packet(&self.machine, message_type, 1472, &REQUEST_LIST)
    }

    fn send(&self, out: &mut Outbox) {
        match &self.state {
            State::Discovery { .. } => parts::discover(self.packet(wire::DISCOVER), out),
            State::Request => {
                let Some(offer) = &self.offer else { return };
                parts::request(self.packet(wire::REQUEST), offer, out);
            }
            State::BootServer { ack } => self.ask_boot_server(ack, out),
            State::Done(_) => {}
        }
    }

    fn ask_boot_server(&self, ack: &[u8], out: &mut Outbox) {
        let proxy = self.proxy_offer.as_deref().and_then(Reader::new);
        let (Some(ack), Some(proxy)) = (Reader::new(ack), proxy) else { return };
        let mut packet = self.packet(wire::REQUEST);
        let server = match menu_server(&proxy) {
            Some(([high, low], server)) => {
                packet = packet.option(43, &[71, 4, high, low, 0, 0, 255]);
                server
            }
            None => {
                let Some(server) = proxy.server_identifier() else { return };
                packet = packet.option(54, &server.octets());
                server
            }
        };
        parts::ask_boot_server(packet, (&ack, server), parts::ROM_MESSAGE_BYTES, out);
    }
}

/// None of the sub-options that make an offer one of PXE 2.1's own.
fn is_binl(proxy: &Reader<'_>) -> bool {
    let vendor = proxy.option(43).unwrap_or_default();
    !sub_options(vendor).any(|(code, _)| (6..=10).contains(&code))
}

/// The first item of a full menu and the server to ask for it.
fn menu_server(proxy: &Reader<'_>) -> Option<([u8; 2], Ipv4Addr)> {
    let vendor = proxy.option(43)?;
    sub_option(vendor, 10)?.first()?;
    let menu = sub_option(vendor, 9)?;
    let item = <[u8; 2]>::try_from(menu.get(..2)?).ok()?;
    // Something must stand behind the first item.
    let second = 3 + usize::from(*menu.get(2)?);
    menu.get(second + 2)?;
    let servers = sub_option(vendor, 8)?;
    let address = <[u8; 4]>::try_from(servers.get(3..7)?).ok()?;
    (servers.starts_with(&item) && item != [0, 0]).then(|| (item, Ipv4Addr::from(address)))
}

impl Node for Picky {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        let Some(reply) = parts::reply_to(&self.machine, arrival) else { return };
        match (&self.state, arrival.source.port()) {
            (State::Discovery { .. }, SERVER_PORT) => self.on_offer(&reply),
            (State::Request, SERVER_PORT) => self.on_ack(now, &reply, out),
            (State::BootServer { .. }, BOOT_SERVER_PORT) => self.on_boot_server_ack(&reply),
            _ => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.due()
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        if let State::Discovery { windows } = &mut self.state {
            *windows += usize::from(self.schedule.started());
            let is_enough = match self.without_proxy {
                WithoutProxy::Waits => false,
                WithoutProxy::TakesAddress => *windows >= 2,
            };
            if self.offer.is_some() && (self.proxy_offer.is_some() || is_enough) {
                self.state = State::Request;
                self.schedule = Schedule::new(TIMEOUTS_MS, now);
            }
            self.is_offered = false;
        }
        if self.schedule.again(now) {
            self.send(out);
            return;
        }
        self.state = State::Done(Outcome::Failed(match &self.state {
            State::BootServer { .. } => "PXE-E55: port 4011 is silent",
            _ if self.offer.is_none() => "PXE-E51: no offers",
            _ => "no proxy offer that it believes",
        }));
    }

    fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Done(outcome) => Some(outcome),
            _ => None,
        }
    }
}
