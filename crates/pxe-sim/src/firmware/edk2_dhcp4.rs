//! EDK2's DHCP driver (`NetworkPkg/Dhcp4Dxe`), which carries PXE and HTTP Boot alike: it collects
//! offers for a whole timeout, lets its user select one, and requests that.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::{CLIENT_PORT, Machine, SERVER_PORT, Schedule};
use crate::network::{Arrival, Outbox};
use crate::wire::{self, Reader, Writer};

/// `mPxeDhcpTimeout` and `mHttpDhcpTimeout`: seconds to wait for offers, and again for the ACK.
const TIMEOUTS_MS: &[u64] = &[4_000, 8_000, 16_000, 32_000];
/// `PXEBC_DHCP4_PACKET_MAX_SIZE`: longer packets are ignored.
const PACKET_BYTES_MAX: usize = 1472;

/// The driver's user: the callback of `EFI_DHCP4_PROTOCOL`.
pub(super) trait Callback {
    /// Appends the options of DISCOVER or REQUEST behind those of the driver.
    fn options(&self, writer: Writer, message_type: u8) -> Writer;
    /// `Dhcp4RcvdOffer`: keeps an offer, or not.
    fn cache_offer(&mut self, offer: &[u8]);
    /// `Dhcp4SelectOffer`: the offer to request, if one is good enough.
    fn select(&mut self) -> Option<Vec<u8>>;
}

/// How far the driver is.
#[derive(Debug)]
pub(super) enum Progress {
    Running,
    /// The ACK, and with it an address.
    Bound(Vec<u8>),
    Failed(&'static str),
}

#[derive(Debug)]
pub(super) struct Dhcp4<C> {
    pub(super) callback: C,
    machine: Machine,
    schedule: Schedule,
    /// The selected offer, once requesting.
    selected: Option<Vec<u8>>,
    offers: usize,
    pub(super) progress: Progress,
}

impl<C: Callback> Dhcp4<C> {
    pub(super) fn new(machine: Machine, callback: C, start: Instant) -> Self {
        let schedule = Schedule::new(TIMEOUTS_MS, start);
        Self { callback, machine, schedule, selected: None, offers: 0, progress: Progress::Running }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.due()
    }

    /// `DhcpOnTimerTick`: at each timeout an offer is selected if any came, else the packet is
    /// sent again until the list of timeouts ends.
    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        if self.selected.is_none() && self.offers > 0 {
            self.offers = 0;
            if let Some(offer) = self.callback.select() {
                self.selected = Some(offer);
                self.schedule = Schedule::new(TIMEOUTS_MS, now);
            } else {
                out.note("no offer is good enough");
            }
        }
        if self.schedule.again(now) {
            self.send(out);
        } else {
            let stage = if self.selected.is_some() { "no ACK" } else { "PXE-E16: no offer" };
            self.fail(stage);
        }
    }

    /// `DhcpInput`.
    pub(super) fn handle_datagram(&mut self, arrival: &Arrival<'_>, out: &mut Outbox) {
        // `DhcpConfigUdpIo`: remote port 67, station port 68.
        let ports = (arrival.source.port(), arrival.destination.port());
        if ports != (SERVER_PORT, CLIENT_PORT) || !matches!(self.progress, Progress::Running) {
            return;
        }
        let Some(reply) = acceptable(arrival.payload, &self.machine, self.machine.transaction_id)
        else {
            return;
        };
        match &self.selected {
            None => self.on_offer(&reply),
            Some(offer) => {
                let offer = offer.clone();
                self.on_ack(&reply, &offer, out);
            }
        }
    }

    /// `DhcpHandleSelect`: anything but an OFFER with a server identifier is dropped.
    fn on_offer(&mut self, reply: &Reader<'_>) {
        if reply.message_type() == Some(wire::OFFER) && reply.server_identifier().is_some() {
            self.offers += 1;
            self.callback.cache_offer(reply.bytes());
        }
    }

    /// `DhcpHandleRequest`: the server must be the one selected, the address the one offered.
    fn on_ack(&mut self, reply: &Reader<'_>, offer: &[u8], out: &mut Outbox) {
        let Some(offer) = Reader::new(offer) else { return };
        if reply.server_identifier() != offer.server_identifier() {
            return;
        }
        match reply.message_type() {
            Some(wire::NAK) => self.fail("NAK: EFI_DEVICE_ERROR"),
            Some(wire::ACK) if reply.your_address() != offer.your_address() => {
                self.fail("ACK for another address: DECLINE");
            }
            // The netmask is taken from the offer, and an address without is declined.
            Some(wire::ACK) if offer.option(1).is_none() => self.fail("no netmask: DECLINE"),
            Some(wire::ACK) => {
                self.schedule.stop();
                out.set_address(0, reply.your_address());
                self.progress = Progress::Bound(reply.bytes().to_vec());
            }
            _ => {}
        }
    }

    fn fail(&mut self, reason: &'static str) {
        self.schedule.stop();
        self.progress = Progress::Failed(reason);
    }

    /// `DhcpSendMessage`: always with the broadcast flag.
    fn send(&self, out: &mut Outbox) {
        let xid = self.machine.transaction_id;
        let writer = Writer::new(1, xid, &self.machine.mac).broadcast();
        let message_type = if self.selected.is_some() { wire::REQUEST } else { wire::DISCOVER };
        let mut writer = writer.option(53, &[message_type]);
        if let Some(offer) = self.selected.as_deref().and_then(Reader::new) {
            let server = offer.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED);
            writer = writer.option(54, &server.octets());
            writer = writer.option(50, &offer.your_address().octets());
        }
        let packet = self.callback.options(writer, message_type).finish(0);
        out.broadcast(CLIENT_PORT, SERVER_PORT, packet);
    }
}

/// What the driver lets through (`DhcpInput`, `DhcpValidateOptions`): one bad option and the whole
/// packet is gone.
pub(super) fn acceptable<'a>(
    packet: &'a [u8],
    machine: &Machine,
    transaction_id: u32,
) -> Option<Reader<'a>> {
    let reply = Reader::new(packet)?;
    let ours = reply.operation() == 2
        && reply.transaction_id() == transaction_id
        && machine.mac.starts_with(reply.hardware_address())
        && packet.len() <= PACKET_BYTES_MAX;
    let sound = reply.has_end() && reply.options().all(|(code, value)| legal(code, value.len()));
    (ours && sound).then_some(reply)
}

/// `DhcpOptionFormats`.
fn legal(code: u8, length: usize) -> bool {
    match code {
        1 | 2 | 28 | 50 | 51 | 54 | 58 | 59 => length == 4,
        3..=11 | 41 | 42 | 44 | 45 | 48 | 49 | 65 | 69..=76 => {
            length >= 4 && length.is_multiple_of(4)
        }
        33 => length >= 8 && length.is_multiple_of(8),
        13 | 26 | 57 => length == 2,
        46 | 52 | 53 => length == 1,
        12 | 15 | 17 | 40 | 43 | 47 | 56 | 60 | 66 | 67 => length >= 1,
        61 => length >= 2,
        121 => length >= 5,
        // Not in the table, but a zero upsets `DhcpFillOption`.
        _ => length >= 1,
    }
}
