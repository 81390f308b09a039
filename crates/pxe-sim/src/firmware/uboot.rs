//! U-Boot's classic DHCP client (`net/bootp.c`), without and with
//! `CONFIG_SERVERIP_FROM_PROXYDHCP`.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::parts;
use super::{Boot, CLIENT_PORT, CachedPackets, Machine, Outcome, SERVER_PORT};
use crate::network::{Arrival, Node, Outbox};
use crate::wire::{self, Reader, Writer};

/// `CONFIG_BOOTP_…`: 250 ms, doubled up to a minute.
const RETRANSMIT_MIN: Duration = Duration::from_millis(250);
const RETRANSMIT_MAX: Duration = Duration::from_secs(60);
/// `net_set_timeout_handler(5000, bootp_timeout_handler)` after the REQUEST: then from the start.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// `CONFIG_SERVERIP_FROM_PROXYDHCP_DELAY_MS`.
const PROXY_DELAY: Duration = Duration::from_millis(100);
/// `CONFIG_NET_RETRY_COUNT` gives up long before this; the simulation needs an end.
const DISCOVERS_MAX: u32 = 12;

/// Whether the build looks at proxy offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxySupport {
    /// The default: a reply with `yiaddr` 0 is ignored.
    Absent,
    /// `CONFIG_SERVERIP_FROM_PROXYDHCP`: header `siaddr` and `file` of such a reply.
    Built,
}

#[derive(Debug)]
enum State {
    Selecting,
    /// An offer is chosen; the REQUEST waits for a proxy that may follow.
    Delaying(Vec<u8>),
    Requesting,
    Done(Outcome),
}

/// One board at `dhcp`.
#[derive(Debug)]
pub struct UBoot {
    machine: Machine,
    vendor_class: &'static str,
    support: ProxySupport,
    state: State,
    due: Option<Instant>,
    retransmit: Duration,
    discovers: u32,
    proxy: Option<Vec<u8>>,
}

impl UBoot {
    /// A board that begins at `start` and calls itself `vendor_class`: `U-Boot.armv8`, or
    /// `PXEClient:…` where its EFI boot method asks.
    #[must_use]
    pub fn new(
        machine: Machine,
        vendor_class: &'static str,
        support: ProxySupport,
        start: Instant,
    ) -> Self {
        Self {
            machine,
            vendor_class,
            support,
            state: State::Selecting,
            due: Some(start),
            retransmit: RETRANSMIT_MIN,
            discovers: 0,
            proxy: None,
        }
    }

    /// `dhcp_handler`, state SELECTING: the first offer with an address wins, even without a file.
    fn on_offer(&mut self, now: Instant, reply: &Reader<'_>) {
        if reply.message_type() != Some(wire::OFFER) {
            return;
        }
        if reply.your_address().is_unspecified() {
            if self.support == ProxySupport::Built {
                self.proxy = Some(reply.bytes().to_vec());
            }
            return;
        }
        if let State::Selecting = self.state {
            self.state = State::Delaying(reply.bytes().to_vec());
            let built = self.support == ProxySupport::Built;
            self.due = Some(if built { now + PROXY_DELAY } else { now });
        }
    }

    /// `dhcp_handler`, state REQUESTING: the server identifier is not compared, a NAK is ignored.
    fn on_ack(&mut self, reply: &Reader<'_>, out: &mut Outbox) {
        if reply.message_type() != Some(wire::ACK) || reply.your_address().is_unspecified() {
            return;
        }
        out.set_address(0, reply.your_address());
        self.due = None;
        // `store_net_params`: with the option, boot parameters are those of the proxy alone.
        let packet = self.proxy.as_deref().and_then(Reader::new).unwrap_or(*reply);
        let file = boot_file(&packet);
        let server = match packet.server_address() {
            Ipv4Addr::UNSPECIFIED => reply.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED),
            server => server,
        };
        self.state = State::Done(if file.is_empty() {
            Outcome::Failed("no bootfile: tries its default names")
        } else {
            Outcome::Boot(Boot {
                server,
                file: file.to_vec(),
                address: reply.your_address(),
                content: None,
                cached: CachedPackets {
                    ack: reply.bytes().to_vec(),
                    proxy_offer: self.proxy.clone(),
                    pxe_reply: None,
                },
            })
        });
    }

    /// `dhcp_extended`.
    fn packet(&self, message_type: u8) -> Writer {
        Writer::new(1, self.machine.transaction_id, &self.machine.mac)
            .option(53, &[message_type])
            .option(57, &576_u16.to_be_bytes())
    }

    fn identify(&self, writer: Writer) -> Writer {
        writer
            .option(93, &self.machine.arch.to_be_bytes())
            .option(94, &[1, 0, 0])
            .option(60, self.vendor_class.as_bytes())
            .option(55, &[1, 3, 6, 12, 17])
    }
}

/// `store_bootp_params`: option 67 is applied first, then overwritten by `file`.
fn boot_file<'a>(packet: &Reader<'a>) -> &'a [u8] {
    match packet.boot_file() {
        [] => packet.option(67).map(wire::up_to_nul).unwrap_or_default(),
        file => file,
    }
}

impl Node for UBoot {
    /// `check_reply_packet`.
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        let Some(reply) = parts::reply_to(&self.machine, arrival) else { return };
        let heard = arrival.source.port() == SERVER_PORT && arrival.payload.len() >= 300;
        match &self.state {
            _ if !heard => {}
            State::Selecting | State::Delaying(_) => self.on_offer(now, &reply),
            State::Requesting => self.on_ack(&reply, out),
            State::Done(_) => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// `bootp_timeout_handler`.
    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        match core::mem::replace(&mut self.state, State::Selecting) {
            State::Delaying(bytes) => {
                let Some(offer) = Reader::new(&bytes) else { return };
                let server = offer.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED);
                let writer = self
                    .packet(wire::REQUEST)
                    .option(54, &server.octets())
                    .option(50, &offer.your_address().octets());
                let packet = self.identify(writer).finish(300);
                out.broadcast(CLIENT_PORT, SERVER_PORT, packet);
                self.due = Some(now + REQUEST_PATIENCE);
                self.state = State::Requesting;
            }
            State::Selecting | State::Requesting => {
                self.discovers += 1;
                if self.discovers > DISCOVERS_MAX {
                    self.due = None;
                    self.state = State::Done(Outcome::Failed("retry count exceeded"));
                    return;
                }
                let packet = self.identify(self.packet(wire::DISCOVER)).finish(300);
                out.broadcast(CLIENT_PORT, SERVER_PORT, packet);
                self.due = Some(now + self.retransmit);
                self.retransmit = (self.retransmit * 2).min(RETRANSMIT_MAX);
            }
            State::Done(outcome) => self.state = State::Done(outcome),
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Done(outcome) => Some(outcome),
            _ => None,
        }
    }
}
