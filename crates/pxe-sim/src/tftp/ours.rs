//! `pxe_tftp::Client` as a peer: alone, with the netascii decoder behind it, or in several attempts.

use std::net::SocketAddr;
use std::time::Instant;

use pxe_tftp::netascii::Decoder;
use pxe_tftp::{Attempts, Client, ClientConfig, Mode, TransferError};

use super::station::{End, LISTENER, Peer, SERVER};

/// This project's client.
pub struct Ours {
    client: Client,
    decoder: Option<Decoder>,
    content: Vec<u8>,
    end: Option<End>,
}

impl Ours {
    /// Asks for the file of every case.
    ///
    /// # Panics
    /// Never: the name is short.
    #[must_use]
    pub fn new(now: Instant, config: ClientConfig) -> Self {
        let decoder = (config.mode == Mode::Netascii).then(Decoder::new);
        let client = Client::new(now, server(LISTENER), b"file", config).expect("a short name");
        Self { client, decoder, content: Vec::new(), end: None }
    }

    fn fail(&mut self, why: impl ToString) {
        self.end = Some(End::Failed(why.to_string()));
    }
}

fn server(port: u16) -> SocketAddr {
    SocketAddr::from((SERVER, port))
}

impl Peer for Ours {
    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]) {
        let chunk = match self.client.handle_datagram(now, server(port), datagram) {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return,
            Err(error) => return self.fail(error),
        };
        match &mut self.decoder {
            None => {
                assert_eq!(chunk.offset, self.content.len() as u64, "chunks come in order");
                self.content.extend_from_slice(chunk.payload);
            }
            Some(decoder) => {
                decoder.decode(chunk.payload, &mut self.content);
                if chunk.last {
                    decoder.finish(&mut self.content);
                }
            }
        }
        if chunk.last {
            self.end = Some(End::Whole);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Err(error) = self.client.handle_timeout(now) {
            self.fail(error);
        }
        let next = self.client.poll_timeout();
        assert!(next.is_none_or(|deadline| deadline > now), "the client's timer is in the past");
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<(u16, Vec<u8>)> {
        let mut out = Vec::new();
        self.client.poll_transmit(now, &mut out).map(|to| (to.port(), out))
    }

    fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn content(&self) -> &[u8] {
        &self.content
    }
}

/// This project's client, in several attempts: each from a port of its own.
pub struct Stubborn {
    attempts: Attempts,
    client: Client,
    /// When the next attempt begins, between two.
    pause: Option<Instant>,
    content: Vec<u8>,
    end: Option<End>,
}

impl Stubborn {
    const FIRST_PORT: u16 = 3000;

    /// Asks for the file of every case, at most `attempts_max` times.
    ///
    /// # Panics
    /// Never: the name is short.
    #[must_use]
    pub fn new(now: Instant, config: ClientConfig, attempts_max: u32) -> Self {
        let attempts = Attempts::new(server(LISTENER), b"file", config, attempts_max);
        let mut attempts = attempts.expect("a short name");
        let client = attempts.begin(now).expect("a short name");
        Self { attempts, client, pause: None, content: Vec::new(), end: None }
    }

    fn fail(&mut self, now: Instant, error: &TransferError) {
        self.pause = self.attempts.fail(now, &self.client, error);
        if self.pause.is_none() {
            self.end = Some(End::Failed(error.to_string()));
        }
    }
}

impl Peer for Stubborn {
    fn own_port(&self) -> u16 {
        Self::FIRST_PORT + self.attempts.made() as u16
    }

    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]) {
        match self.client.handle_datagram(now, server(port), datagram) {
            Ok(Some(chunk)) => {
                let piece = self.attempts.split(&chunk);
                let from = piece.offset as usize;
                assert_eq!(self.content[from..from + piece.repeated.len()], *piece.repeated);
                let behind = piece.fresh_offset() == self.content.len() as u64;
                assert!(behind || piece.fresh.is_empty(), "a gap in the file");
                self.content.extend_from_slice(piece.fresh);
                if piece.last {
                    self.end = Some(End::Whole);
                }
            }
            Ok(None) => {}
            Err(error) => self.fail(now, &error),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self.pause {
            Some(pause) if pause <= now => {
                self.pause = None;
                self.client = self.attempts.begin(now).expect("a short name");
            }
            Some(_) => {}
            None => {
                if let Err(error) = self.client.handle_timeout(now) {
                    self.fail(now, &error);
                }
            }
        }
        let next = self.poll_timeout();
        assert!(next.is_none_or(|deadline| deadline > now), "the client's timer is in the past");
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.pause.or_else(|| self.client.poll_timeout())
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<(u16, Vec<u8>)> {
        let mut out = Vec::new();
        self.client.poll_transmit(now, &mut out).map(|to| (to.port(), out))
    }

    fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn content(&self) -> &[u8] {
        &self.content
    }
}
