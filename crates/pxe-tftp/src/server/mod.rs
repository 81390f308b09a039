//! The server's side of transfers, without sockets, clock or files.

mod burst;
mod config;
mod deadlines;
mod ending;
mod event;
mod interface;
mod opening;
mod outbox;
mod receiving;
mod refusing;
mod request;
mod round_trip;
mod sending;
mod table;
mod transfer;
mod upload;
mod window;

use core::mem;
use core::net::{IpAddr, SocketAddr};
use std::collections::{HashSet, VecDeque};
use std::time::Instant;

pub use self::config::{ContentInfo, ServerConfig, UploadInfo};
use self::deadlines::Deadlines;
use self::ending::Ending;
pub use self::event::{Event, FailureReason};
pub use self::interface::{BlockSource, Dropped, LocalPort, ReadFailure, Transmit, WriteFailure};
use self::outbox::Outbox;
pub use self::request::Request;
use self::table::Table;
pub use self::table::{Busy, TransferId};
use self::transfer::{Beginning, Next, Transfer};
use crate::error::ErrorCode;
use crate::negotiate::{NegotiationLimits, negotiate};
use crate::packet::{Mode, Packet};

/// Many transfers: files sent, and files taken if the configuration allows it.
///
/// The driver hands in datagrams, times and decisions, and drains [`poll_transmit`](Self::poll_transmit) and then
/// [`poll_event`](Self::poll_event) after each; see the [crate's documentation](crate) for the loop.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    table: Table,
    deadlines: Deadlines,
    /// Transfers that have something to send, each once; one burst each per turn.
    ready: VecDeque<TransferId>,
    outbox: Outbox,
    events: VecDeque<Event>,
    /// The transfers that are uploads and not yet stored.
    uploads: HashSet<TransferId>,
    /// The netascii converter's input.
    scratch: Vec<u8>,
}

impl Server {
    /// A server without transfers.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            table: Table::default(),
            deadlines: Deadlines::default(),
            ready: VecDeque::new(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            uploads: HashSet::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes a datagram that came to the listening port. `None` means that it was dealt with: a repeated
    /// request is answered again, an unknown mode, an unreadable request, and a write request to a server that takes
    /// none, with an ERROR.
    ///
    /// # Errors
    /// If nothing is done about it.
    pub fn handle_request<'d>(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        datagram: &'d [u8],
    ) -> Result<Option<Request<'d>>, Dropped> {
        let peer = answerable(peer).ok_or(Dropped::Source)?;
        let (view, upload) = match Packet::parse(datagram) {
            Ok(Packet::ReadRequest(view)) => (view, false),
            Ok(Packet::WriteRequest(view)) => {
                if !self.takes_upload(now, peer, datagram) {
                    return Ok(None);
                }
                (view, true)
            }
            Ok(packet) => {
                return self.handle_elsewhere(now, peer, &packet, datagram).map(|()| None);
            }
            Err(error) => return self.refuse_unreadable(now, peer, datagram, error).map(|()| None),
        };
        if !matches!(view.mode(), Mode::Octet | Mode::Netascii) {
            self.refuse(now, peer, datagram, ErrorCode::ILLEGAL_OPERATION, "unknown mode");
            return Ok(None);
        }
        if self.repeats_request(now, peer, datagram) {
            return Ok(None);
        }
        Ok(Some(Request { peer, datagram, view, upload }))
    }

    /// Takes a datagram that came to a transfer's own port.
    ///
    /// # Errors
    /// If nothing is done about it; the transfer goes on unharmed.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        transfer: TransferId,
        peer: SocketAddr,
        datagram: &[u8],
    ) -> Result<(), Dropped> {
        let peer = answerable(peer).ok_or(Dropped::Source)?;
        let Some(state) = self.table.get_mut(transfer) else {
            return Err(Dropped::UnknownTransfer);
        };
        let packet = Packet::parse(datagram);
        if peer != state.peer {
            // An ERROR is never answered with an ERROR, and what is no TFTP not at all.
            if packet.is_ok_and(|packet| !matches!(packet, Packet::Error { .. })) {
                let (port, code) = (LocalPort::Transfer(transfer), ErrorCode::UNKNOWN_TRANSFER_ID);
                let text = "unknown transfer id";
                self.outbox.push_stray(now, port, peer, code, text, datagram.len());
            }
            return Err(Dropped::ForeignSource);
        }
        let proven = state.is_proven();
        let next = state.handle_packet(now, &packet?)?;
        if !proven && state.is_proven() {
            let (size, block_size, window_size) = state.negotiated();
            self.table.prove(peer);
            self.events.push_back(Event::Started { transfer, peer, size, block_size, window_size });
        }
        if let Some(progress) = self.table.get_mut(transfer).and_then(|state| state.progress(now)) {
            self.events.push_back(progress);
        }
        self.follow(now, transfer, next);
        Ok(())
    }

    /// The system reports that the client's port is closed (ICMP port unreachable, `ECONNREFUSED`).
    pub fn handle_unreachable(&mut self, now: Instant, transfer: TransferId) {
        if let Some(state) = self.table.get(transfer) {
            let next = state.handle_unreachable();
            self.follow(now, transfer, next);
        }
    }

    /// Begins to send a file. An older one of the same peer's port ends.
    ///
    /// # Errors
    /// If there are too many; the client is told with error 0.
    pub fn accept(
        &mut self,
        now: Instant,
        request: Request<'_>,
        content: ContentInfo,
    ) -> Result<TransferId, Busy> {
        let Request { peer, datagram, view, .. } = request;
        self.supersede(now, peer);
        if let Err(busy) = self.table.admit(peer, &self.config) {
            self.tell_busy(peer, datagram.len());
            return Err(busy);
        }
        let limits = self.limits(peer, &content);
        let beginning = Beginning {
            peer,
            digest: Request::digest(datagram),
            mode: view.mode(),
            size: content.size,
            asked_size: view.options().values().transfer_size.is_some(),
            negotiated: negotiate(view.options(), view.mode(), content.size, &limits),
        };
        let id = self.table.insert(|id| Transfer::new(now, id, beginning));
        self.follow(now, id, Next::Send);
        Ok(id)
    }

    /// Ends a transfer with an ERROR to its client.
    pub fn abort(&mut self, now: Instant, transfer: TransferId, code: ErrorCode, message: &str) {
        if let Some(state) = self.table.get_mut(transfer) {
            state.close(code, message);
            self.follow(now, transfer, Next::Send);
        }
    }

    /// Writes the next datagram, or the next burst of equal ones, into `out`, which is cleared before and best
    /// used again. `None`, if there is nothing to send now, leaves `out` with no meaning.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        source: &mut dyn BlockSource,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let table = &self.table;
        let exists = |port| match port {
            LocalPort::Listener => true,
            LocalPort::Transfer(id) => table.get(id).is_some(),
        };
        if let Some(transmit) = self.outbox.poll(out, exists) {
            return Some(transmit);
        }
        while let Some(id) = self.ready.pop_front() {
            let Some(transfer) = self.table.get_mut(id) else { continue };
            transfer.queued = false;
            let sent = match transfer.transmit(now, source, &mut self.scratch, out) {
                Ok(sent) => sent,
                Err(ending) => return Some(self.break_off(now, id, ending, out)),
            };
            let closed = transfer.closed();
            self.note_stored(id);
            if let Some(code) = closed {
                self.end(now, id, Ending::Failed(FailureReason::Aborted(code)));
            } else {
                let more = sent.is_some_and(|(_, more)| more);
                self.follow(now, id, if more { Next::Send } else { Next::Wait });
            }
            if let Some((transmit, _)) = sent {
                return Some(transmit);
            }
        }
        None
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// Does what is due. Calling it early does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(slot) = self.deadlines.pop_due(now) {
            let Some(id) = self.table.at(slot) else { continue };
            let Some(transfer) = self.table.get_mut(id) else { continue };
            let next = transfer.handle_timeout(now);
            self.follow(now, id, next);
        }
    }

    /// The next news. An end is told after the transfer's last datagram was taken by
    /// [`poll_transmit`](Self::poll_transmit); its id is free for another transfer from then on.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if event.is_end() {
            self.table.free(event.transfer());
        }
        Some(event)
    }

    /// Transfers that are not over.
    #[must_use]
    pub const fn transfers(&self) -> usize {
        self.table.live()
    }

    /// A packet at the listening port that is no request: in single-port mode it belongs to the transfer of its
    /// source, or to one that is over, of which the client is told.
    fn handle_elsewhere(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        packet: &Packet<'_>,
        datagram: &[u8],
    ) -> Result<(), Dropped> {
        if !self.config.single_port {
            return Err(Dropped::NotARequest);
        }
        if let Some(transfer) = self.table.of_peer(peer) {
            return self.handle_datagram(now, transfer, peer, datagram);
        }
        if !matches!(packet, Packet::Error { .. }) {
            let code = ErrorCode::UNKNOWN_TRANSFER_ID;
            let text = "unknown transfer id";
            self.outbox.push_stray(now, LocalPort::Listener, peer, code, text, datagram.len());
        }
        Err(Dropped::UnknownTransfer)
    }

    /// Whether the request is a copy of one that is being served. If it is a new one, the older transfer of that
    /// port ends: some firmware (SLOF, s390) uses one port for everything.
    fn repeats_request(&mut self, now: Instant, peer: SocketAddr, datagram: &[u8]) -> bool {
        let Some(id) = self.table.of_peer(peer) else { return false };
        let Some(transfer) = self.table.get_mut(id) else { return false };
        match transfer.handle_request(now, Request::digest(datagram)) {
            Ok(next) => {
                self.follow(now, id, next);
                true
            }
            Err(ending) => {
                self.end(now, id, ending);
                false
            }
        }
    }

    /// The older transfer of a peer that begins a new one ends.
    fn supersede(&mut self, now: Instant, peer: SocketAddr) {
        if let Some(older) = self.table.of_peer(peer) {
            self.end(now, older, Ending::Failed(FailureReason::Superseded));
        }
    }

    fn limits(&self, peer: SocketAddr, content: &ContentInfo) -> NegotiationLimits {
        let config = &self.config;
        let family_max = if peer.is_ipv6() { config.block_size_max_ipv6 } else { u16::MAX };
        let block_size_max = config.block_size_max.min(family_max);
        NegotiationLimits {
            block_size_max: content
                .block_size_max
                .map_or(block_size_max, |m| m.min(block_size_max)),
            window_size_max: content
                .window_size_max
                .map_or(config.window_size_max, |max| max.min(config.window_size_max)),
            window_bytes_max: config.window_bytes_max,
        }
    }

    /// Does what follows, and keeps queue and deadline in step with the transfer.
    fn follow(&mut self, now: Instant, id: TransferId, next: Next) {
        let Some(transfer) = self.table.get_mut(id) else { return };
        match next {
            Next::Wait => {}
            Next::Send => {
                if !mem::replace(&mut transfer.queued, true) {
                    self.ready.push_back(id);
                }
            }
            Next::End(ending) => return self.end(now, id, ending),
        }
        match transfer.deadline() {
            Some(deadline) => self.deadlines.set(id.slot, deadline),
            None => self.deadlines.clear(id.slot),
        }
    }

    /// The file cannot be read or stored on: the ERROR leaves at once, in place of the data.
    fn break_off(
        &mut self,
        now: Instant,
        id: TransferId,
        ending: Ending,
        out: &mut Vec<u8>,
    ) -> Transmit {
        let peer = self.table.get(id).map(|transfer| transfer.peer);
        let (code, message) = match &ending {
            Ending::Failed(reason) => upload::last_words(reason),
            _ => (ErrorCode::NOT_DEFINED, &b"read error"[..]),
        };
        out.clear();
        Packet::Error { code, message }.encode(out);
        self.end(now, id, ending);
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        Transmit::single(LocalPort::Transfer(id), peer.unwrap_or(nobody))
    }

    fn end(&mut self, now: Instant, id: TransferId, ending: Ending) {
        let Some(transfer) = self.table.remove(id) else { return };
        self.deadlines.clear(id.slot);
        self.uploads.remove(&id);
        self.events.push_back(transfer.last_event(now, ending));
    }
}

/// The address in the form that is compared, if it is one host's and has a port.
fn answerable(mut peer: SocketAddr) -> Option<SocketAddr> {
    if let SocketAddr::V6(peer) = &mut peer {
        peer.set_flowinfo(0);
    }
    let host = match peer.ip() {
        IpAddr::V4(ip) => !ip.is_broadcast() && !ip.is_multicast() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_multicast() && !ip.is_unspecified(),
    };
    (host && peer.port() != 0).then_some(peer)
}
