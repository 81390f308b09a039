//! What the server does about each thing that can come.

mod endings;
mod many;
mod ports;
mod recovery;
mod requests;
#[path = "../support/mod.rs"]
mod support;

use core::net::SocketAddr;
use core::time::Duration;
use std::time::Instant;

use pxe_tftp::{
    BlockSource, Busy, ContentInfo, Dropped, ErrorCode, Event, FailureReason, LocalPort, Packet,
    ReadFailure, Request, Server, ServerConfig, TransferId, Transmit, limits,
};
use support::{Files, MS, content, peer};

const READ: &[u8] = b"\0\x01file\0octet\0";
const READ_OPTIONS: &[u8] = b"\0\x01file\0octet\0tsize\x000\0blksize\x00100\0windowsize\x004\0";

struct Bench {
    now: Instant,
    server: Server,
    files: Files,
    out: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        Self::with(ServerConfig::default())
    }

    fn with(config: ServerConfig) -> Self {
        let server = Server::new(config);
        Self { now: Instant::now(), server, files: Files::default(), out: Vec::new() }
    }

    fn request<'d>(&mut self, from: SocketAddr, datagram: &'d [u8]) -> Request<'d> {
        self.server.handle_request(self.now, from, datagram).unwrap().expect("a new request")
    }

    fn accept(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        file: Vec<u8>,
    ) -> Result<TransferId, Busy> {
        let request = self.request(from, datagram);
        let info = ContentInfo::new(file.len() as u64);
        let id = self.server.accept(self.now, request, info)?;
        let slots = self.files.0.len().max(id.index() + 1);
        self.files.0.resize(slots, Vec::new());
        self.files.0[id.index()] = file;
        Ok(id)
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.server.poll_transmit(self.now, &mut self.files, &mut self.out)
    }

    /// The datagrams to be sent now.
    fn drain(&mut self) -> Vec<(LocalPort, SocketAddr, Vec<u8>)> {
        let mut sent = Vec::new();
        while let Some(transmit) = self.transmit() {
            for datagram in transmit.datagrams(&self.out) {
                sent.push((transmit.port, transmit.peer, datagram.to_vec()));
            }
        }
        sent
    }

    /// Numbers of the blocks to be sent now.
    fn blocks(&mut self) -> Vec<u16> {
        let sent = self.drain();
        let number = |datagram: &[u8]| match Packet::parse(datagram) {
            Ok(Packet::Data { block, .. }) => block,
            other => panic!("{other:?}"),
        };
        sent.iter().map(|(_, _, datagram)| number(datagram)).collect()
    }

    fn error(&mut self) -> (LocalPort, SocketAddr, ErrorCode) {
        let [(port, to, datagram)] = &self.drain()[..] else { panic!("one datagram") };
        match Packet::parse(datagram) {
            Ok(Packet::Error { code, .. }) => (*port, *to, code),
            other => panic!("{other:?}"),
        }
    }

    fn ack(&mut self, id: TransferId, from: SocketAddr, block: u16) -> Result<(), Dropped> {
        let mut datagram = Vec::new();
        Packet::Ack { block }.encode(&mut datagram);
        self.server.handle_datagram(self.now, id, from, &datagram)
    }

    fn send_error(&mut self, id: TransferId, from: SocketAddr, code: u16, message: &[u8]) {
        let mut datagram = Vec::new();
        Packet::Error { code: ErrorCode(code), message }.encode(&mut datagram);
        self.server.handle_datagram(self.now, id, from, &datagram).unwrap();
    }

    fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.server.poll_event()).collect()
    }

    fn reason(&mut self) -> FailureReason {
        match self.events().pop() {
            Some(Event::Failed { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass as a driver does, and returns what was sent.
    fn wait(&mut self, time: Duration) -> Vec<(LocalPort, SocketAddr, Vec<u8>)> {
        let end = self.now + time;
        let mut sent = self.drain();
        while let Some(deadline) = self.server.poll_timeout().filter(|&deadline| deadline <= end) {
            assert!(deadline >= self.now);
            self.now = deadline;
            self.server.handle_timeout(self.now);
            sent.extend(self.drain());
            let next = self.server.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timer in the past");
        }
        self.now = end;
        sent
    }
}
