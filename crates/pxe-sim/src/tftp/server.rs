//! `pxe_tftp::Server` on the network, watched: whatever must hold at every moment is looked at after every step.

use core::task::Poll;
use std::collections::BTreeMap;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::Instant;

use pxe_tftp::limits::{BURST_BYTES_MAX, BURST_SEGMENTS_MAX, OPENING_RESENDS_MAX};
use pxe_tftp::{
    BlockSource, ContentInfo, Event, LocalPort, ReadFailure, Server, ServerConfig, TransferId,
    Transmit, UploadInfo, WriteFailure,
};

use super::station::{LISTENER, SERVER};
use super::wire::{self, Packet};
use crate::network::{Arrival, Datagram, Node, Outbox};

/// Transfers get ports from here on.
const FIRST_TRANSFER_PORT: u16 = 10_000;
/// Largest file that is taken, in bytes.
const UPLOAD_BYTES_MAX: u64 = 4_000_000;
/// News of one transfer in one step: that it began, how far it is, that it is stored, that it is over.
const EVENTS_PER_STEP_MAX: usize = 4;
/// ERROR packets that one datagram may draw.
const ERRORS_PER_STEP_MAX: usize = 2;

/// One file under every name, and what was uploaded.
#[derive(Default)]
struct Files {
    served: Vec<u8>,
    /// Uploads under way, by the transfer's place.
    taken: BTreeMap<usize, Vec<u8>>,
    stored: Vec<Vec<u8>>,
    /// One of them is being put in its place.
    is_busy: bool,
}

impl BlockSource for Files {
    fn read_at(
        &mut self,
        _transfer: TransferId,
        offset: u64,
        block: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        let rest = usize::try_from(offset).ok().and_then(|from| self.served.get(from..));
        let rest = rest.ok_or(ReadFailure::Failed)?;
        let bytes = block.len().min(rest.len());
        block[..bytes].copy_from_slice(&rest[..bytes]);
        Ok(bytes)
    }

    fn write_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), WriteFailure> {
        let file = self.taken.get_mut(&transfer.index()).ok_or(WriteFailure::Failed)?;
        assert_eq!(file.len() as u64, offset, "an upload comes in order and without gaps");
        file.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, transfer: TransferId) -> Poll<Result<(), WriteFailure>> {
        // A slow disk: every file takes its place only when asked a second time.
        self.is_busy = !self.is_busy;
        if self.is_busy {
            return Poll::Pending;
        }
        let file = self.taken.remove(&transfer.index()).ok_or(WriteFailure::Failed);
        Poll::Ready(file.map(|file| self.stored.push(file)))
    }
}

/// A transfer as its driver knows it.
struct Open {
    id: TransferId,
    peer: SocketAddr,
    port: u16,
    /// Datagrams sent before its client had acknowledged anything.
    opening: u32,
    /// Times its request came.
    asked: u32,
    proven: bool,
}

/// The server with its ports and files.
pub struct TftpServer {
    server: Server,
    config: ServerConfig,
    files: Files,
    open: Vec<Open>,
    next_port: u16,
    events: Vec<Event>,
    data_sent: u64,
    /// Highest place that a transfer had.
    index_max: usize,
    violation: Option<String>,
    /// Datagrams that it still hears before its machine is switched off.
    hears: Option<u32>,
    out: Vec<u8>,
}

impl TftpServer {
    /// A server of one file.
    #[must_use]
    pub fn new(config: ServerConfig, file: Vec<u8>) -> Self {
        Self {
            server: Server::new(config.clone()),
            config,
            files: Files { served: file, ..Files::default() },
            open: Vec::new(),
            next_port: FIRST_TRANSFER_PORT,
            events: Vec::new(),
            data_sent: 0,
            index_max: 0,
            violation: None,
            hears: None,
            out: Vec::new(),
        }
    }

    /// Its machine is switched off after so many datagrams.
    #[must_use]
    pub fn that_hears(mut self, datagrams: Option<u32>) -> Self {
        self.hears = datagrams;
        self
    }

    fn is_gone(&self) -> bool {
        self.hears == Some(0)
    }

    /// What it told of its transfers.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// DATA packets sent.
    #[must_use]
    pub fn data_sent(&self) -> u64 {
        self.data_sent
    }

    /// Transfers that are not over.
    #[must_use]
    pub fn transfers(&self) -> usize {
        self.server.transfers()
    }

    /// Files that were sent to it whole.
    #[must_use]
    pub fn stored(&self) -> &[Vec<u8>] {
        &self.files.stored
    }

    /// The highest place that a transfer had: how far the tables of server and driver grew.
    #[must_use]
    pub fn index_max(&self) -> usize {
        self.index_max
    }

    /// The first thing that did not hold.
    #[must_use]
    pub fn violation(&self) -> Option<&str> {
        self.violation.as_deref()
    }

    /// Says what is left over in a server that has nothing to do.
    #[must_use]
    pub fn leftover(&mut self, now: Instant) -> Option<String> {
        let mut found = Vec::new();
        if self.transfers() > 0 {
            found.push(format!("{} transfers", self.transfers()));
        }
        if let Some(deadline) = self.server.poll_timeout() {
            found.push(format!("a timer, due in {:?}", deadline.saturating_duration_since(now)));
        }
        if self.server.poll_transmit(now, &mut self.files, &mut self.out).is_some() {
            found.push("something to send".to_owned());
        }
        if let Some(event) = self.server.poll_event() {
            found.push(format!("news: {event:?}"));
        }
        if !self.open.is_empty() {
            found.push(format!("{} open ports", self.open.len()));
        }
        (!found.is_empty()).then(|| found.join(", "))
    }

    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.violation.is_none() {
            self.violation = Some(what());
        }
    }

    fn take_request(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        if matches!(wire::read(datagram), Some(Packet::Request(_)))
            && let Some(open) = self.open.iter_mut().find(|open| open.peer == source)
        {
            open.asked += 1;
        }
        // Late copies are refused; that is what the simulation is about.
        let Ok(Some(request)) = self.server.handle_request(now, source, datagram) else { return };
        let accepted = if request.is_upload() {
            self.server.accept_upload(now, request, UploadInfo::new(UPLOAD_BYTES_MAX))
        } else {
            let size = self.files.served.len() as u64;
            self.server.accept(now, request, ContentInfo::new(size))
        };
        let Ok(id) = accepted else { return };
        self.index_max = self.index_max.max(id.index());
        self.files.taken.insert(id.index(), Vec::new());
        let port = if self.config.single_port { LISTENER } else { self.next_port };
        self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_TRANSFER_PORT);
        self.open.push(Open { id, peer: source, port, opening: 0, asked: 1, proven: false });
    }

    fn drain(&mut self, now: Instant, network: &mut Outbox) {
        let (mut datagrams, mut events) = (0, 0);
        let mut out = core::mem::take(&mut self.out);
        while let Some(transmit) = self.server.poll_transmit(now, &mut self.files, &mut out) {
            datagrams += self.send(&transmit, &out, network);
        }
        self.out = out;
        let live = self.open.len();
        while let Some(event) = self.server.poll_event() {
            events += 1;
            self.note(&event, network);
            self.events.push(event);
        }
        let window = usize::from(self.config.window_size_max);
        let datagrams_max = live * window + ERRORS_PER_STEP_MAX;
        self.must(datagrams <= datagrams_max, || format!("{datagrams} datagrams in one step"));
        let events_max = live * EVENTS_PER_STEP_MAX;
        self.must(events <= events_max, || format!("{events} events in one step"));
        // Each repetition of the request may draw one more.
        let unproven = self.open.iter().filter(|open| !open.proven);
        let mut opening =
            unproven.map(|open| (open.opening, u32::from(OPENING_RESENDS_MAX) + open.asked));
        if let Some((sent, _)) = opening.find(|(sent, most)| sent > most) {
            self.must(false, || format!("{sent} datagrams to a client that never answered"));
        }
        let (transfers, open) = (self.server.transfers(), self.open.len());
        self.must(transfers == open, || format!("{transfers} transfers and {open} open ones"));
        match self.server.poll_timeout() {
            Some(next) => self.must(next > now, || {
                format!("a timer {:?} in the past", now.saturating_duration_since(next))
            }),
            None => self.must(transfers == 0, || "a transfer without a timer".to_owned()),
        }
    }

    /// Puts the datagrams of one call on the wire; returns how many they are.
    fn send(&mut self, transmit: &Transmit, out: &[u8], network: &mut Outbox) -> usize {
        let datagrams = transmit.datagrams(out);
        let count = datagrams.len();
        self.must(count <= BURST_SEGMENTS_MAX && out.len() <= BURST_BYTES_MAX, || {
            format!("a burst of {count} datagrams, {} bytes", out.len())
        });
        let mut port = LISTENER;
        if let LocalPort::Transfer(id) = transmit.port
            && let Some(open) = self.open.iter_mut().find(|open| open.id == id)
        {
            port = open.port;
            open.opening += if open.proven { 0 } else { count as u32 };
        }
        for datagram in datagrams {
            self.data_sent += u64::from(matches!(wire::read(datagram), Some(Packet::Data(..))));
            let SocketAddr::V4(destination) = transmit.peer else { continue };
            let source = SocketAddrV4::new(SERVER, port);
            let payload = datagram.to_vec();
            network.send(0, Datagram { source, destination, link: None, payload });
        }
        count
    }

    fn note(&mut self, event: &Event, network: &mut Outbox) {
        network.note(format!("{event:?}"));
        let id = event.transfer();
        if event.is_end() {
            self.open.retain(|open| open.id != id);
            self.files.taken.remove(&id.index());
        } else if let Some(open) = self.open.iter_mut().find(|open| open.id == id) {
            open.proven = true;
        }
    }
}

impl Node for TftpServer {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if self.is_gone() {
            return;
        }
        let source = SocketAddr::V4(arrival.source);
        match arrival.destination.port() {
            LISTENER => self.take_request(now, source, arrival.payload),
            port => {
                // A closed port is silent, as where ICMP is filtered.
                let Some(open) = self.open.iter().find(|open| open.port == port) else { return };
                let _ = self.server.handle_datagram(now, open.id, source, arrival.payload);
            }
        }
        // Calling it early does no harm.
        self.server.handle_timeout(now);
        self.drain(now, out);
        self.hears = self.hears.map(|left| left.saturating_sub(1));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.server.poll_timeout().filter(|_| !self.is_gone())
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        self.server.handle_timeout(now);
        self.drain(now, out);
    }
}
