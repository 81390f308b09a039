//! iPXE's DHCP session (`src/net/udp/dhcp.c`, `src/usr/autoboot.c`), as an option ROM and as the
//! program a firmware has loaded.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use super::parts;
use super::{
    BOOT_SERVER_PORT, Boot, CLIENT_PORT, CachedPackets, Machine, Outcome, SERVER_PORT, Schedule,
};
use crate::network::{Arrival, Node, Outbox};
use crate::wire::{self, Reader, Writer, sub_option};

/// `DHCP_DISC_START_TIMEOUT_SEC` 1, doubling to `DHCP_DISC_END_TIMEOUT_SEC` 10.
const DISCOVER_TIMEOUTS_MS: &[u64] = &[1_000, 2_000, 4_000, 8_000, 10_000, 10_000];
/// `DHCP_MIN_TIMEOUT` doubling.
const REQUEST_TIMEOUTS_MS: &[u64] = &[1_000, 2_000, 4_000, 8_000];
/// `DHCP_PROXY_START_TIMEOUT_SEC` is 0: the timer's default minimum, doubling.
const PROXY_TIMEOUTS_MS: &[u64] = &[250, 500, 1_000, 2_000];
/// `DHCP_DISC_PROXY_TIMEOUT_SEC` and `DHCP_REQ_PROXY_TIMEOUT_SEC`: after these iPXE goes on without
/// a proxy.
const PROXY_PATIENCE: Duration = Duration::from_secs(2);

/// How the iPXE in question was built and started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The option ROM of a network card, BIOS.
    Rom,
    /// Loaded over the network, BIOS or UEFI.
    Chained,
    /// A vendor's ROM that sends neither user class nor features.
    Stripped,
}

#[derive(Debug)]
enum State {
    Discovery,
    Request,
    /// `dhcp_state_proxy`: asking on port 4011.
    Proxy {
        ack: Vec<u8>,
    },
    Done(Outcome),
}

/// One iPXE from `dhcp` to the file it will fetch.
#[derive(Debug)]
pub struct Ipxe {
    machine: Machine,
    build: Build,
    state: State,
    schedule: Schedule,
    /// When the present state began.
    since: Instant,
    offer: Option<Vec<u8>>,
    proxy_offer: Option<Vec<u8>>,
}

impl Ipxe {
    /// An iPXE that begins at `start`.
    #[must_use]
    pub fn new(machine: Machine, build: Build, start: Instant) -> Self {
        Self {
            machine,
            build,
            state: State::Discovery,
            schedule: Schedule::new(DISCOVER_TIMEOUTS_MS, start),
            since: start,
            offer: None,
            proxy_offer: None,
        }
    }

    /// `dhcp_discovery_rx`.
    fn on_offer(&mut self, now: Instant, reply: &Reader<'_>, source: SocketAddrV4) {
        if source.port() != SERVER_PORT || reply.message_type() != Some(wire::OFFER) {
            return;
        }
        let has_identifier = reply.server_identifier().is_some();
        if !reply.your_address().is_unspecified() && self.offer.is_none() && has_identifier {
            self.offer = Some(reply.bytes().to_vec());
        }
        if reply.has_class(b"PXEClient") && self.proxy_offer.is_none() {
            self.proxy_offer = Some(reply.bytes().to_vec());
        }
        let Some(offer) = self.offer.as_deref().and_then(Reader::new) else { return };
        let no_proxy = offer
            .option(175)
            .and_then(|value| sub_option(value, 0xb0))
            .is_some_and(|value| value != [0]);
        let waited = now.duration_since(self.since) > PROXY_PATIENCE;
        if no_proxy || self.proxy_offer.is_some() || waited {
            self.enter(State::Request, REQUEST_TIMEOUTS_MS, now);
        }
    }

    /// `dhcp_request_rx`.
    fn on_ack(&mut self, now: Instant, reply: &Reader<'_>, source: SocketAddrV4, out: &mut Outbox) {
        let Some(offer) = self.offer.as_deref().and_then(Reader::new) else { return };
        if source.port() != SERVER_PORT || !parts::acknowledges(reply, &offer) {
            return;
        }
        out.set_address(0, reply.your_address());
        let ack = reply.bytes().to_vec();
        match self.proxy_offer.as_deref().and_then(Reader::new) {
            Some(proxy) if !has_pxe_options(&proxy) => {
                self.enter(State::Proxy { ack }, PROXY_TIMEOUTS_MS, now);
            }
            _ => self.boot(ack, self.proxy_offer.clone()),
        }
    }

    /// `dhcp_proxy_rx`: from port 4011 of the proxy we asked, and with boot options in it.
    fn on_proxy_ack(&mut self, reply: &Reader<'_>, source: SocketAddrV4) {
        let State::Proxy { ack } = &self.state else { return };
        let proxy = self.proxy_offer.as_deref().and_then(Reader::new);
        let from_proxy = proxy.is_some_and(|proxy| pseudo_id(&proxy) == pseudo_id(reply));
        let kind = matches!(reply.message_type(), Some(wire::OFFER | wire::ACK));
        if source.port() == BOOT_SERVER_PORT && kind && from_proxy && has_pxe_options(reply) {
            self.boot(ack.clone(), Some(reply.bytes().to_vec()));
        }
    }

    /// `fetch_next_server_and_filename`: name and server come from the same packet; the header's
    /// `file` before option 67; an absolute URI needs no server.
    fn boot(&mut self, ack: Vec<u8>, proxy: Option<Vec<u8>>) {
        self.schedule.stop();
        let address = Reader::new(&ack).map_or(Ipv4Addr::UNSPECIFIED, |ack| ack.your_address());
        let packets = [proxy.as_deref(), Some(&ack[..])];
        let found = packets.into_iter().flatten().filter_map(Reader::new).find_map(|packet| {
            let file = boot_file(&packet)?;
            Some((packet.server_address(), file.to_vec()))
        });
        self.state = State::Done(match found {
            None => Outcome::Failed("nothing to boot: no filename"),
            Some((server, file)) => Outcome::Boot(Boot {
                server,
                file,
                address,
                cached: CachedPackets { ack, proxy_offer: proxy, pxe_reply: None },
                content: None,
            }),
        });
    }

    fn enter(&mut self, state: State, timeouts_ms: &'static [u64], now: Instant) {
        self.state = state;
        self.since = now;
        self.schedule = Schedule::new(timeouts_ms, now);
    }

    /// `dhcp_create_packet`, `dhcp_create_request`.
    fn packet(&self, message_type: u8) -> Writer {
        const REQUEST_LIST: [u8; 23] = [
            1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134,
            135, 175, 203,
        ];
        /// `dhcp_request_options_data` and the feature list of a Debian build.
        const FEATURES: &[u8] = &[
            0xb1, 5, 1, 0x1a, 0xf4, 0x10, 0x00, 0xeb, 3, 1, 0x15, 1, 0x17, 1, 1, 0x15, 1, 1, 0x13,
            1, 1, 0x12, 1, 1, 0x27, 1, 1, 0x19, 1, 1, 0x10, 1, 2, 0x21, 1, 1, 0x18, 1, 1, 0x11, 1,
            1, 0x24, 1, 1,
        ];
        let undi = if self.machine.arch == 0 { "002001" } else { "003010" };
        let version: [u8; 3] = if self.machine.arch == 0 { [1, 2, 1] } else { [1, 3, 10] };
        // `secs` is a bit field here: offers seen, and the count of tries.
        let mut writer = Writer::new(1, self.machine.transaction_id, &self.machine.mac)
            .seconds(4)
            .option(53, &[message_type])
            .option(57, &1472_u16.to_be_bytes())
            .option(93, &self.machine.arch.to_be_bytes())
            .option(94, &version)
            .option(60, &self.machine.vendor_class("PXEClient", undi));
        if self.build != Build::Stripped {
            writer = writer.option(77, b"iPXE");
        }
        writer = writer.option(55, &REQUEST_LIST);
        if self.build != Build::Stripped {
            writer = writer.option(175, FEATURES);
        }
        let mut identifier = vec![1];
        identifier.extend_from_slice(&self.machine.mac);
        writer.option(61, &identifier).option(97, &self.machine.machine_id())
    }

    fn send(&self, out: &mut Outbox) {
        match &self.state {
            State::Discovery => {
                let packet = self.packet(wire::DISCOVER).finish(0);
                out.broadcast(CLIENT_PORT, SERVER_PORT, packet);
            }
            State::Request => {
                let Some(offer) = self.offer.as_deref().and_then(Reader::new) else { return };
                let server = offer.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED);
                let packet = self
                    .packet(wire::REQUEST)
                    .option(54, &server.octets())
                    .option(50, &offer.your_address().octets())
                    .finish(0);
                out.broadcast(CLIENT_PORT, SERVER_PORT, packet);
            }
            State::Proxy { ack } => {
                let proxy = self.proxy_offer.as_deref().and_then(Reader::new);
                let (Some(ack), Some(proxy)) = (Reader::new(ack), proxy) else { return };
                let server = pseudo_id(&proxy);
                let packet = self.packet(wire::REQUEST).option(54, &server.octets());
                parts::ask_boot_server(packet, (&ack, server), 0, out);
            }
            State::Done(_) => {}
        }
    }
}

/// `dhcp_has_pxeopts`.
fn has_pxe_options(packet: &Reader<'_>) -> bool {
    let menu = packet.option(43).is_some_and(|value| sub_option(value, 9).is_some());
    let server = !packet.server_address().is_unspecified();
    (server && boot_file(packet).is_some()) || menu
}

/// The header's `file` before option 67.
fn boot_file<'a>(packet: &Reader<'a>) -> Option<&'a [u8]> {
    let option = || packet.option(67).map(wire::up_to_nul);
    Some(packet.boot_file()).filter(|file| !file.is_empty()).or_else(option)
}

/// `dhcppkt_pseudo_id`: option 54, else siaddr.
fn pseudo_id(packet: &Reader<'_>) -> Ipv4Addr {
    packet.server_identifier().unwrap_or_else(|| packet.server_address())
}

impl Node for Ipxe {
    /// `dhcp_deliver`.
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        let Some(reply) = parts::reply_to(&self.machine, arrival) else { return };
        match &self.state {
            State::Discovery => self.on_offer(now, &reply, arrival.source),
            State::Request => self.on_ack(now, &reply, arrival.source, out),
            State::Proxy { .. } => self.on_proxy_ack(&reply, arrival.source),
            State::Done(_) => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.due()
    }

    /// `dhcp_timer_expired`, with `dhcp_discovery_expired` and `dhcp_proxy_expired`.
    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        let waited = now.duration_since(self.since) > PROXY_PATIENCE;
        match &self.state {
            State::Discovery if waited && self.offer.is_some() => {
                self.enter(State::Request, REQUEST_TIMEOUTS_MS, now);
            }
            State::Proxy { ack } if waited => {
                out.note("no answer on 4011: boots without proxy information");
                let ack = ack.clone();
                self.boot(ack, None);
                return;
            }
            _ => {}
        }
        if self.schedule.again(now) {
            self.send(out);
        } else {
            self.state = State::Done(Outcome::Failed("no DHCP answer"));
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Done(outcome) => Some(outcome),
            _ => None,
        }
    }
}
