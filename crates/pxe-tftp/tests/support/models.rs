//! Receivers: four styles of answering a gap, as found in firmware, and this crate's client.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use pxe_tftp::netascii::Decoder;
use pxe_tftp::{Client, ClientConfig, Mode, Packet};

use super::Peer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// EDK2: every unexpected block is answered, and each answer begins a new count of the window.
    AckEveryRebasing,
    /// tftp-hpa 6: every unexpected block is answered, the count goes on.
    AckEvery,
    /// U-Boot: one answer for each gap, blocks it has are ignored.
    NackOnce,
    /// Nothing but the ends of windows is answered.
    Silent,
}

pub(crate) const STYLES: [Style; 4] =
    [Style::AckEveryRebasing, Style::AckEvery, Style::NackOnce, Style::Silent];

/// A firmware. It repeats its last word after some seconds, and is deaf once it has the file.
pub(crate) struct Firmware {
    style: Style,
    request: Vec<u8>,
    port: Option<u16>,
    block_size: usize,
    window: u64,
    received: u64,
    counted_from: u64,
    nacked: Option<u64>,
    content: Vec<u8>,
    outgoing: VecDeque<(u16, Vec<u8>)>,
    deadline: Instant,
    done: bool,
}

impl Style {
    /// How long it waits before it repeats its last word.
    const fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::AckEveryRebasing => 4,
            Self::AckEvery | Self::NackOnce => 5,
            // Were it more patient than the server, nobody could tell how far it came in a window.
            Self::Silent => 2,
        })
    }
}

impl Firmware {
    pub(crate) fn new(now: Instant, style: Style, block_size: u16, window: u16) -> Self {
        let mut request = b"\0\x01file\0octet\0".to_vec();
        if block_size != 512 {
            request.extend(format!("blksize\0{block_size}\0").bytes());
        }
        if window != 1 {
            request.extend(format!("windowsize\0{window}\0").bytes());
        }
        Self {
            style,
            outgoing: VecDeque::from([(69, request.clone())]),
            request,
            port: None,
            block_size: block_size.into(),
            window: window.into(),
            received: 0,
            counted_from: 0,
            nacked: None,
            content: Vec::new(),
            deadline: now + style.patience(),
            done: false,
        }
    }

    fn acknowledge(&mut self) {
        let block = u16::try_from(self.received % 65536).unwrap();
        let mut datagram = Vec::new();
        Packet::Ack { block }.encode(&mut datagram);
        self.outgoing.push_back((self.port.unwrap(), datagram));
    }

    fn data(&mut self, wire_block: u16, payload: &[u8]) {
        let expected = u16::try_from((self.received + 1) % 65536).unwrap();
        let last = payload.len() < self.block_size;
        if wire_block == expected {
            self.received += 1;
            self.content.extend_from_slice(payload);
            if last || self.received - self.counted_from >= self.window {
                self.counted_from = self.received;
                self.acknowledge();
            }
            self.done = last;
            return;
        }
        let behind = wire_block.wrapping_sub(expected) >= 0x8000;
        match self.style {
            Style::AckEveryRebasing => {
                self.counted_from = self.received;
                self.acknowledge();
            }
            Style::AckEvery => self.acknowledge(),
            Style::NackOnce if !behind && self.nacked != Some(self.received) => {
                self.nacked = Some(self.received);
                self.counted_from = self.received;
                self.acknowledge();
            }
            Style::NackOnce | Style::Silent => {}
        }
    }
}

impl Peer for Firmware {
    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]) {
        if self.done || self.port.is_some_and(|own| own != port) {
            return;
        }
        match Packet::parse(datagram).unwrap() {
            Packet::OptionAck(_) if self.received == 0 => {
                self.port = Some(port);
                self.acknowledge();
            }
            Packet::Data { block, payload } => {
                self.port = Some(port);
                let before = self.received;
                self.data(block, payload);
                if self.received == before {
                    return;
                }
            }
            Packet::Error { code, message } => {
                panic!("error {code}: {}", message.escape_ascii());
            }
            _ => return,
        }
        self.deadline = now + self.style.patience();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.deadline = now + self.style.patience();
        if self.port.is_some() {
            self.counted_from = self.received;
            self.acknowledge();
        } else {
            self.outgoing.push_back((69, self.request.clone()));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.deadline)
    }

    fn poll_transmit(&mut self, _now: Instant) -> Option<(u16, Vec<u8>)> {
        self.outgoing.pop_front()
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn content(&self) -> &[u8] {
        &self.content
    }
}

/// This crate's client, with the netascii decoder behind it in that mode.
pub(crate) struct Ours {
    client: Client,
    decoder: Option<Decoder>,
    content: Vec<u8>,
    pub(crate) failed: bool,
}

impl Ours {
    pub(crate) fn new(now: Instant, config: ClientConfig) -> Self {
        let decoder = (config.mode == Mode::Netascii).then(Decoder::new);
        let client = Client::new(now, server(69), b"file", config).unwrap();
        Self { client, decoder, content: Vec::new(), failed: false }
    }
}

fn server(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

impl Peer for Ours {
    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]) {
        let source = server(port);
        match self.client.handle_datagram(now, source, datagram) {
            Ok(Some(chunk)) => match &mut self.decoder {
                None => {
                    assert_eq!(chunk.offset, self.content.len() as u64);
                    self.content.extend_from_slice(chunk.payload);
                }
                Some(decoder) => {
                    decoder.decode(chunk.payload, &mut self.content);
                    if chunk.last {
                        decoder.finish(&mut self.content);
                    }
                }
            },
            Ok(None) => {}
            Err(_) => self.failed = true,
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.failed |= self.client.handle_timeout(now).is_err();
        assert!(self.client.poll_timeout().is_none_or(|deadline| deadline > now));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<(u16, Vec<u8>)> {
        let mut out = Vec::new();
        self.client.poll_transmit(now, &mut out).map(|to| (to.port(), out))
    }

    fn is_done(&self) -> bool {
        self.client.is_over()
    }

    fn content(&self) -> &[u8] {
        &self.content
    }
}
