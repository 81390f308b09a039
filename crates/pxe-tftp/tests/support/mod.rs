//! A network in virtual time, a driver for the server, and receivers that behave like known firmware.
#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod models;
pub(crate) mod senders;

use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;

use pxe_tftp::{
    BlockSource, ContentInfo, Event, LocalPort, Packet, ReadFailure, Server, ServerConfig,
    TransferId, UploadInfo, WriteFailure,
};

pub(crate) const MS: Duration = Duration::from_millis(1);
/// One way through the network.
const DELAY: Duration = Duration::from_millis(1);
/// How much later a reordered datagram comes.
const DETOUR: Duration = Duration::from_millis(3);
const LISTENER: u16 = 69;
const FIRST_TRANSFER_PORT: u16 = 10_000;

/// Small and good enough to throw dice with (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn one_in_thousand(&mut self, times: u64) -> bool {
        self.next() % 1000 < times
    }
}

pub(crate) fn content(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::new(seed ^ 0xc0);
    (0..bytes).map(|_| random.next().to_le_bytes()[0]).collect()
}

pub(crate) fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10], port))
}

/// Largest file a server here takes, in bytes.
pub(crate) const UPLOAD_BYTES_MAX: u64 = 4_000_000;

/// Files in memory, by the transfer's place; and those that were sent to us, whole. The flag: one of them is being put
/// in its place.
#[derive(Default)]
pub(crate) struct Files(pub Vec<Vec<u8>>, pub Vec<Vec<u8>>, pub bool);

impl BlockSource for Files {
    fn read_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        block: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        let file = self.0.get(transfer.index()).ok_or(ReadFailure::Failed)?;
        let from = usize::try_from(offset).unwrap().min(file.len());
        let bytes = block.len().min(file.len() - from);
        block[..bytes].copy_from_slice(&file[from..from + bytes]);
        Ok(bytes)
    }

    fn write_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), WriteFailure> {
        let file = self.0.get_mut(transfer.index()).ok_or(WriteFailure::Failed)?;
        assert_eq!(file.len() as u64, offset, "in order and without gaps");
        assert!(!bytes.is_empty());
        file.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, transfer: TransferId) -> Poll<Result<(), WriteFailure>> {
        // A slow disk: every file takes its place only when asked a second time.
        self.2 = !self.2;
        if self.2 {
            return Poll::Pending;
        }
        let Some(file) = self.0.get_mut(transfer.index()) else {
            return Poll::Ready(Err(WriteFailure::Failed));
        };
        self.1.push(core::mem::take(file));
        Poll::Ready(Ok(()))
    }
}

/// In thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    pub(crate) reordering: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) faults: u64,
    pub(crate) data_sent: u64,
}

/// The other side of the wire. Ports are the server's.
pub(crate) trait Peer {
    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_timeout(&self) -> Option<Instant>;
    fn poll_transmit(&mut self, now: Instant) -> Option<(u16, Vec<u8>)>;
    /// It has every byte, or has given up.
    fn is_done(&self) -> bool;
    fn content(&self) -> &[u8];
}

#[derive(Clone, Copy)]
enum Side {
    Server(u16),
    Client(usize, u16),
}

pub(crate) struct World<P> {
    pub(crate) now: Instant,
    pub(crate) server: Server,
    pub(crate) files: Files,
    /// What every name stands for.
    pub(crate) file: Vec<u8>,
    pub(crate) peers: Vec<P>,
    pub(crate) events: Vec<Event>,
    pub(crate) counts: Counts,
    random: Random,
    faults: Faults,
    wire: BTreeMap<(Instant, u64), (Side, Vec<u8>)>,
    sent: u64,
    live: Vec<Option<TransferId>>,
    buffer: Vec<u8>,
}

impl<P: Peer> World<P> {
    pub(crate) fn new(seed: u64, config: ServerConfig, faults: Faults, file: Vec<u8>) -> Self {
        Self {
            now: Instant::now(),
            server: Server::new(config),
            files: Files::default(),
            file,
            peers: Vec::new(),
            events: Vec::new(),
            counts: Counts::default(),
            random: Random::new(seed),
            faults,
            wire: BTreeMap::new(),
            sent: 0,
            live: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Runs until every peer is done and every transfer over. False if that takes more steps than it should.
    pub(crate) fn run(&mut self, steps_max: u64) -> bool {
        for _ in 0..steps_max {
            self.drain();
            let deadline = self.server.poll_timeout();
            assert!(deadline.is_none_or(|deadline| deadline > self.now), "a timer in the past");
            let done = self.peers.iter().all(Peer::is_done);
            if done && self.server.transfers() == 0 {
                return true;
            }
            let peers = self.peers.iter().filter(|peer| !peer.is_done());
            let timers = peers.filter_map(Peer::poll_timeout).chain(self.server.poll_timeout());
            let arrival = self.wire.keys().next().map(|&(at, _)| at);
            let Some(next) = timers.chain(arrival).min() else { return false };
            self.now = self.now.max(next);
            self.step();
        }
        false
    }

    fn step(&mut self) {
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (side, datagram) = entry.remove();
            match side {
                Side::Client(peer, port) => self.peers[peer].receive(self.now, port, &datagram),
                Side::Server(port) => self.deliver(port, &datagram),
            }
            // Acknowledgements leave after each datagram, as a driver does that reads one at a time.
            self.drain();
        }
        self.server.handle_timeout(self.now);
        for peer in self.peers.iter_mut().filter(|peer| !peer.is_done()) {
            if peer.poll_timeout().is_some_and(|deadline| deadline <= self.now) {
                peer.handle_timeout(self.now);
            }
        }
    }

    /// `datagram` begins with the sender's place.
    fn deliver(&mut self, port: u16, datagram: &[u8]) {
        let (from, datagram) = datagram.split_first_chunk::<2>().unwrap();
        let source = peer(2000 + u16::from_be_bytes(*from));
        if port != LISTENER {
            let slot = usize::from(port - FIRST_TRANSFER_PORT);
            if let Some(id) = self.live.get(slot).copied().flatten() {
                // Late copies are refused; that is what the simulation is about.
                let _ = self.server.handle_datagram(self.now, id, source, datagram);
            }
            return;
        }
        let Ok(Some(request)) = self.server.handle_request(self.now, source, datagram) else {
            return;
        };
        let size = self.file.len() as u64;
        let upload = request.is_upload();
        let accepted = match upload {
            true => self.server.accept_upload(self.now, request, UploadInfo::new(UPLOAD_BYTES_MAX)),
            false => self.server.accept(self.now, request, ContentInfo::new(size)),
        };
        if let Ok(id) = accepted {
            let slots = self.live.len().max(id.index() + 1);
            self.live.resize(slots, None);
            self.files.0.resize(slots, Vec::new());
            self.live[id.index()] = Some(id);
            self.files.0[id.index()] = if upload { Vec::new() } else { self.file.clone() };
        }
    }

    fn drain(&mut self) {
        let mut buffer = core::mem::take(&mut self.buffer);
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut self.files, &mut buffer)
        {
            let port = match transmit.port {
                LocalPort::Listener => LISTENER,
                LocalPort::Transfer(id) => FIRST_TRANSFER_PORT + u16::try_from(id.index()).unwrap(),
            };
            let to = usize::from(transmit.peer.port() - 2000);
            for datagram in buffer.chunks(transmit.segment_bytes.unwrap_or(usize::MAX)) {
                if matches!(Packet::parse(datagram), Ok(Packet::Data { .. })) {
                    self.counts.data_sent += 1;
                }
                self.send(Side::Client(to, port), datagram.to_vec());
            }
        }
        while let Some(event) = self.server.poll_event() {
            if event.is_end() {
                self.live[event.transfer().index()] = None;
            }
            self.events.push(event);
        }
        self.buffer = buffer;
        for index in 0..self.peers.len() {
            while let Some((port, datagram)) = self.peers[index].poll_transmit(self.now) {
                let mut framed = u16::try_from(index).unwrap().to_be_bytes().to_vec();
                framed.extend(datagram);
                self.send(Side::Server(port), framed);
            }
        }
    }

    fn send(&mut self, side: Side, datagram: Vec<u8>) {
        if self.random.one_in_thousand(self.faults.loss) {
            self.counts.faults += 1;
            return;
        }
        let mut at = self.now + DELAY;
        if self.random.one_in_thousand(self.faults.reordering) {
            self.counts.faults += 1;
            at += DETOUR;
        }
        if self.random.one_in_thousand(self.faults.duplication) {
            self.counts.faults += 1;
            self.enqueue(at, side, datagram.clone());
        }
        self.enqueue(at, side, datagram);
    }

    fn enqueue(&mut self, at: Instant, side: Side, datagram: Vec<u8>) {
        self.sent += 1;
        self.wire.insert((at, self.sent), (side, datagram));
    }
}
