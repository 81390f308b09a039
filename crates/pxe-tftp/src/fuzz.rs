//! Bodies of the fuzz targets. Each takes any bytes and asserts properties.

use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use crate::limits::{
    BLOCK_SIZE_DEFAULT, BURST_BYTES_MAX, BURST_SEGMENTS_MAX, DATA_HEADER_BYTES, REQUEST_BYTES_MAX,
};
use crate::{
    BlockSource, Client, ClientConfig, ContentInfo, ErrorCode, Event, LocalPort, Packet,
    ReadFailure, Server, ServerConfig, TransferId, UploadInfo, WriteFailure,
};

/// Parsing never panics, and what was parsed encodes to a packet that parses to the same.
pub fn packet(data: &[u8]) {
    let Ok(packet) = Packet::parse(data) else { return };
    let mut encoded = Vec::new();
    packet.encode(&mut encoded);
    assert!(encoded.len() <= packet.encoded_bytes());
    let again = Packet::parse(&encoded).expect("our own packet parses");
    assert_eq!(packet, again);
    let mut twice = Vec::new();
    again.encode(&mut twice);
    assert_eq!(encoded, twice);
}

/// The input, read as a script.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// A counted run of bytes, shorter at the end of the input.
    fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte().unwrap_or(0)).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }
}

/// Largest file taken, in bytes.
const UPLOAD_BYTES_MAX: u64 = 3000;

/// Content without memory: what is read follows from the offset, and the script may break it. What is written is
/// only counted: in order, without gaps, and whole once.
struct Pattern {
    fault: Option<Result<usize, ReadFailure>>,
    written: HashMap<TransferId, u64>,
    finished: HashSet<TransferId>,
}

impl BlockSource for Pattern {
    fn read_at(
        &mut self,
        _: TransferId,
        offset: u64,
        block: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        if let Some(fault) = self.fault.take() {
            return fault.map(|bytes| bytes.min(block.len()));
        }
        // Line ends and letters, in runs, at little cost.
        block.fill(b"text\r\n"[usize::try_from(offset % 6).unwrap_or(0)]);
        Ok(block.len())
    }

    fn write_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), WriteFailure> {
        if self.fault.take().is_some() {
            return Err(WriteFailure::Full);
        }
        let written = self.written.entry(transfer).or_default();
        assert_eq!(*written, offset);
        *written += bytes.len() as u64;
        assert!(*written <= UPLOAD_BYTES_MAX && !bytes.is_empty());
        assert!(!self.finished.contains(&transfer), "nothing follows the end");
        Ok(())
    }

    fn finish(&mut self, transfer: TransferId) -> Poll<Result<(), WriteFailure>> {
        match self.fault.take() {
            Some(Ok(_)) => return Poll::Pending,
            Some(Err(_)) => return Poll::Ready(Err(WriteFailure::Exists)),
            None => {}
        }
        assert!(self.finished.insert(transfer), "a file is whole once");
        Poll::Ready(Ok(()))
    }
}

struct Machine {
    now: Instant,
    server: Server,
    source: Pattern,
    out: Vec<u8>,
    accepted: Vec<(TransferId, SocketAddr)>,
    live: HashSet<TransferId>,
    proven: HashSet<TransferId>,
    last_block: u16,
    last_ack: u16,
}

/// A whole server, driven by the bytes: requests, acknowledgements, errors, garbage, strangers, time, decisions
/// and a driver that takes its time. Whatever comes, limits hold, timers lie in the future once all was done,
/// nothing large goes to an address that did not answer, and in the end every transfer has ended exactly once.
pub fn server(data: &[u8]) {
    let mut script = Script(data);
    let config = ServerConfig {
        transfers_max: 6,
        transfers_per_address_max: 4,
        unproven_per_address_max: 3,
        block_size_max: 2000,
        uploads_max: 2,
        ..ServerConfig::default()
    };
    let mut machine = Machine {
        now: Instant::now(),
        server: Server::new(config),
        source: Pattern { fault: None, written: HashMap::new(), finished: HashSet::new() },
        out: Vec::new(),
        accepted: Vec::new(),
        live: HashSet::new(),
        proven: HashSet::new(),
        last_block: 0,
        last_ack: 0,
    };
    while let Some(step) = script.byte() {
        machine.step(step, &mut script);
    }
    machine.finish();
}

/// One of a few addresses and ports.
fn peer(choice: u8) -> SocketAddr {
    let port = 2000 + u16::from(choice % 5);
    match choice / 64 {
        0 => SocketAddr::from(([192, 0, 2, 1 + (choice & 1)], port)),
        1 => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], port)),
        _ => SocketAddr::from(([192, 0, 2, 7], port)),
    }
}

/// Option lists of clients and of no client.
const TAILS: [&[u8]; 8] = [
    b"octet\0",
    b"octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0",
    b"octet\0blksize\x008\0windowsize\x0065535\0",
    b"netascii\0",
    b"netascii\0blksize\x0011\0windowsize\x003\0",
    b"octet\0timeout\x001\0tsize\x000\0",
    b"OCTET\0blksize\x0065464\0windowsize\x0064\0",
    b"mail\0",
];

impl Machine {
    fn step(&mut self, step: u8, script: &mut Script<'_>) {
        match step % 12 {
            0 | 1 => {
                let from = peer(script.byte().unwrap_or(0));
                let tail = TAILS[usize::from(step / 12) % TAILS.len()];
                let name = [b'a' + script.byte().unwrap_or(0) % 3];
                let opcode = if step % 12 == 1 && step >= 128 { 2 } else { 1 };
                let request = [&[0, opcode], &name[..], b"\0", tail].concat();
                self.request(from, &request, script);
            }
            2 => {
                let from = peer(script.byte().unwrap_or(0));
                self.request(from, script.bytes(), script);
            }
            4 if step >= 128 => {
                let ahead = script.byte().unwrap_or(0);
                let block = self.last_ack.wrapping_add(u16::from(ahead % 8));
                let payload = if ahead >= 128 { &[b'\r'; 512] } else { script.bytes() };
                let mut datagram = Vec::new();
                Packet::Data { block, payload }.encode(&mut datagram);
                self.send_to_transfer(step, &datagram, false);
            }
            3 | 4 => {
                // Near what was sent last, or anything.
                let offset = script.byte().unwrap_or(0);
                let block = self.last_block.wrapping_sub(u16::from(offset % 8));
                let block = if offset >= 250 { u16::from(offset) } else { block };
                let mut datagram = Vec::new();
                Packet::Ack { block }.encode(&mut datagram);
                self.send_to_transfer(step, &datagram, false);
            }
            5 => self.send_to_transfer(step, script.bytes(), script.0.len().is_multiple_of(2)),
            6 => {
                let code = ErrorCode(u16::from(script.byte().unwrap_or(0)) % 9);
                let mut datagram = Vec::new();
                Packet::Error { code, message: b"closed" }.encode(&mut datagram);
                self.send_to_transfer(step, &datagram, false);
            }
            7 => {
                self.now += Duration::from_millis(u64::from(script.byte().unwrap_or(0)) * 4);
                self.server.handle_timeout(self.now);
            }
            8 => {
                if let Some(deadline) = self.server.poll_timeout() {
                    self.now = self.now.max(deadline);
                    self.server.handle_timeout(self.now);
                }
            }
            9 => {
                self.transmit();
            }
            10 => self.drain(),
            _ => self.interfere(script.byte().unwrap_or(0)),
        }
    }

    fn request(&mut self, from: SocketAddr, datagram: &[u8], script: &mut Script<'_>) {
        let Ok(Some(request)) = self.server.handle_request(self.now, from, datagram) else {
            return;
        };
        let decision = script.byte().unwrap_or(0);
        match decision % 8 {
            0 => self.server.ignore(request),
            1 => self.server.reject(self.now, request, ErrorCode::FILE_NOT_FOUND, "not found"),
            _ if request.is_upload() => {
                let info = UploadInfo::new(UPLOAD_BYTES_MAX);
                if let Ok(id) = self.server.accept_upload(self.now, request, info) {
                    assert!(id.index() < 6);
                    assert!(self.live.insert(id), "an id is used once");
                    self.accepted.push((id, from));
                }
            }
            _ => {
                let size = u64::from(decision) * u64::from(decision) * 17;
                let accepted = self.server.accept(self.now, request, ContentInfo::new(size));
                if let Ok(id) = accepted {
                    assert!(id.index() < 6);
                    assert!(self.live.insert(id), "an id is used once");
                    self.accepted.push((id, from));
                }
            }
        }
    }

    fn any_transfer(&self, choice: u8) -> Option<(TransferId, SocketAddr)> {
        let recent = self.accepted.len().saturating_sub(8);
        let recent = &self.accepted[recent..];
        recent.get(usize::from(choice / 12) % recent.len().max(1)).copied()
    }

    fn send_to_transfer(&mut self, choice: u8, datagram: &[u8], from_stranger: bool) {
        let Some((id, client)) = self.any_transfer(choice) else { return };
        let from = if from_stranger { peer(choice) } else { client };
        let taken = self.server.handle_datagram(self.now, id, from, datagram);
        assert!(taken.is_err() || from == client, "a stranger has no say");
    }

    fn interfere(&mut self, choice: u8) {
        if choice % 4 == 3 {
            self.source.fault = Some(Ok(usize::from(choice)));
            return;
        }
        let Some((id, _)) = self.any_transfer(choice) else { return };
        match choice % 4 {
            0 => self.server.handle_unreachable(self.now, id),
            1 => self.server.abort(self.now, id, ErrorCode::NOT_DEFINED, "enough"),
            _ => self.source.fault = Some(Err(ReadFailure::Failed)),
        }
    }

    fn transmit(&mut self) -> bool {
        // Before, so that an answer and its event are seen in the order they were made.
        self.events();
        let transmit = self.server.poll_transmit(self.now, &mut self.source, &mut self.out);
        let Some(transmit) = transmit else { return false };
        assert!(self.out.len() <= BURST_BYTES_MAX && self.out.len() >= DATA_HEADER_BYTES);
        let segment_bytes = transmit.segment_bytes.unwrap_or(self.out.len());
        assert!(self.out.len().div_ceil(segment_bytes) <= BURST_SEGMENTS_MAX);
        for datagram in self.out.chunks(segment_bytes) {
            let packet = Packet::parse(datagram).expect("our own packet parses");
            match (packet, transmit.port) {
                (Packet::Data { block, .. }, LocalPort::Transfer(_)) => self.last_block = block,
                (Packet::OptionAck(_), LocalPort::Transfer(_)) => self.last_block = 0,
                (Packet::Ack { block }, LocalPort::Transfer(_)) => self.last_ack = block,
                (Packet::Error { .. }, _) => {}
                other => panic!("a server does not send {other:?}"),
            }
        }
        if let LocalPort::Transfer(id) = transmit.port {
            let small = usize::from(BLOCK_SIZE_DEFAULT) + DATA_HEADER_BYTES;
            assert!(self.proven.contains(&id) || self.out.len() <= small);
            assert!(self.live.contains(&id), "the id's port is still open");
        }
        true
    }

    fn events(&mut self) {
        while let Some(event) = self.server.poll_event() {
            if let Event::Stored { transfer, bytes, .. } = event {
                assert!(self.source.finished.contains(&transfer));
                assert_eq!(bytes, self.source.written.get(&transfer).copied().unwrap_or(0));
            }
            if let Event::Started { transfer, .. } = event {
                assert!(self.proven.insert(transfer));
            }
            // The driver closes the port with the last event, after it took what was to be sent.
            if event.is_end() {
                assert!(self.live.remove(&event.transfer()), "a transfer ends once");
            }
        }
    }

    fn drain(&mut self) {
        while self.transmit() {}
        self.events();
        self.server.handle_timeout(self.now);
        while self.transmit() {}
        self.events();
        assert!(self.server.transfers() <= 6);
        assert!(self.server.poll_timeout().is_none_or(|deadline| deadline > self.now));
    }

    /// Everybody falls silent.
    fn finish(&mut self) {
        self.drain();
        for _ in 0..1000 {
            let Some(deadline) = self.server.poll_timeout() else { break };
            self.now = deadline;
            self.server.handle_timeout(self.now);
            self.drain();
        }
        assert_eq!(self.server.transfers(), 0);
        assert!(self.live.is_empty(), "every transfer ends");
        assert_eq!(self.server.poll_timeout(), None);
    }
}

/// A client that gets any datagrams: chunks are in order and without gaps, nothing it sends is larger than a
/// request, and it ends by itself.
pub fn client(data: &[u8]) {
    let mut script = Script(data);
    let mut now = Instant::now();
    let server = |port: u8| SocketAddr::from(([192, 0, 2, 1], 69 + u16::from(port % 3)));
    let mut config = ClientConfig::default();
    if let Some(choice) = script.byte() {
        config.ask_size = choice & 1 == 0;
        config.block_size = (choice & 2 == 0).then_some(8 + u16::from(choice));
        config.window_size = (choice & 4 == 0).then_some(1 + u16::from(choice >> 4));
        config.timeout_s = (choice & 8 == 0).then_some(1);
    }
    let Ok(mut client) = Client::new(now, server(0), b"file", config) else { return };
    let (mut out, mut received, mut last) = (Vec::new(), 0, false);
    let mut block = 1_u16;
    let mut drain = |client: &mut Client, now| {
        // Bounded: a client has at most a farewell, a refusal and an acknowledgement to send.
        for _ in 0..4 {
            if client.poll_transmit(now, &mut out).is_none() {
                return;
            }
            assert!(out.len() <= REQUEST_BYTES_MAX);
            Packet::parse(&out).expect("our own packet parses");
        }
        panic!("it does not stop to send");
    };
    while let Some(step) = script.byte() {
        let from = server(step / 8);
        let mut datagram = Vec::new();
        match step % 8 {
            0..=3 => {
                let payload = script.bytes();
                Packet::Data { block, payload }.encode(&mut datagram);
                block = block.wrapping_add(u16::from(step & 1));
            }
            4 => block = u16::from(script.byte().unwrap_or(0)),
            5 => datagram.extend_from_slice(script.bytes()),
            6 => now += Duration::from_millis(u64::from(script.byte().unwrap_or(0)) * 8),
            _ => drain(&mut client, now),
        }
        if client.poll_timeout().is_some_and(|deadline| deadline <= now) {
            let _ = client.handle_timeout(now);
        }
        if let Ok(Some(chunk)) = client.handle_datagram(now, from, &datagram) {
            assert!(!last, "nothing follows the last chunk");
            assert_eq!(chunk.offset, received);
            received += chunk.payload.len() as u64;
            last = chunk.last;
        }
        assert_eq!(client.is_complete(), last);
    }
    for _ in 0..100 {
        drain(&mut client, now);
        let Some(deadline) = client.poll_timeout() else { break };
        now = now.max(deadline);
        let _ = client.handle_timeout(now);
    }
    assert!(client.is_over());
}
