//! Receivers as firmware has them: each does something else about a block that it does not expect.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::station::{End, LISTENER, Peer};
use super::wire::{self, Packet};

/// What a receiver does about an unexpected block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Acknowledges every such block, counts its window from each acknowledgement it sends, and repeats its last
    /// datagram after 4 s without having sent any, five times (EDK2 `Mtftp4Rrq.c`, `Mtftp4Support.c`).
    Edk2,
    /// Acknowledges every such block; the count of the window goes on (tftp-hpa 6).
    TftpHpa,
    /// Acknowledges once until another block comes in order, and not at all before the first. After 5 s it does so
    /// again without counting its window anew, ten times in all (U-Boot `net/tftp.c`).
    UBoot,
    /// The same, but blocks it has are ignored, so that a repeated window tells it nothing; and it never gives up.
    NackOnce,
    /// Says nothing but at the end of a window and after 2 s. Were it more patient than the server, nobody could
    /// tell how far it came.
    Silent,
}

impl Style {
    /// All of them, with what they are called in the text of a case.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Edk2, "edk2"),
        (Self::TftpHpa, "tftp-hpa"),
        (Self::UBoot, "u-boot"),
        (Self::NackOnce, "nack-once"),
        (Self::Silent, "silent"),
    ];

    /// How long it waits before it repeats itself.
    #[must_use]
    pub const fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::Edk2 => 4,
            Self::TftpHpa | Self::UBoot | Self::NackOnce => 5,
            Self::Silent => 2,
        })
    }

    /// How often it waits in vain before it gives up.
    #[must_use]
    pub const fn timeouts_max(self) -> u32 {
        match self {
            Self::Edk2 | Self::TftpHpa => 6,
            Self::UBoot => 11,
            // Longer than any server waits.
            Self::NackOnce => 10,
            Self::Silent => 20,
        }
    }
}

/// A receiver. It is deaf once it has the file.
pub struct Receiver {
    style: Style,
    request: Vec<u8>,
    asked: [(&'static str, u64); 2],
    port: Option<u16>,
    block_size: usize,
    window: u64,
    received: u64,
    /// The block that ends the present window.
    window_end: u64,
    /// The block that the last unexpected one drew an acknowledgement of.
    nacked: Option<u64>,
    content: Vec<u8>,
    last_sent: Vec<u8>,
    outgoing: VecDeque<(u16, Vec<u8>)>,
    deadline: Instant,
    timeouts: u32,
    end: Option<End>,
}

impl Receiver {
    /// Asks for blocks and windows of these sizes. What RFC 1350 has anyway is not asked for.
    #[must_use]
    pub fn new(now: Instant, style: Style, block_size: u16, window: u16) -> Self {
        let asked = [("blksize", u64::from(block_size)), ("windowsize", u64::from(window))];
        let differs = |&&(_, value): &&(&str, u64)| value != 512 && value != 1;
        let options: Vec<_> = asked.iter().filter(differs).copied().collect();
        let request = wire::request(false, &options);
        Self {
            style,
            last_sent: request.clone(),
            outgoing: VecDeque::from([(LISTENER, request.clone())]),
            request,
            asked,
            port: None,
            block_size: 512,
            window: 1,
            received: 0,
            window_end: 1,
            // U-Boot's variable begins at 0, the block before the first.
            nacked: (style == Style::UBoot).then_some(0),
            content: Vec::new(),
            deadline: now + style.patience(),
            timeouts: 0,
            end: None,
        }
    }

    fn fail(&mut self, why: impl Into<String>) {
        self.end = Some(End::Failed(why.into()));
    }

    fn acknowledge(&mut self, now: Instant) {
        let datagram = wire::ack(self.received);
        self.last_sent.clone_from(&datagram);
        self.outgoing.extend(self.port.map(|port| (port, datagram)));
        if self.style == Style::Edk2 {
            // Whatever it sends begins its wait and its count of tries anew.
            self.deadline = now + self.style.patience();
            self.timeouts = 0;
            self.window_end = self.received + self.window;
        }
    }

    /// What was granted: never more than was asked for, and nothing else.
    fn take_options(&mut self, now: Instant, options: &[u8]) {
        for (name, value) in wire::options(options) {
            let asked = self.asked.iter().find(|(known, _)| known.as_bytes() == name);
            match (asked, value) {
                (Some(&("blksize", asked)), Some(value)) if (8..=asked).contains(&value) => {
                    self.block_size = value as usize;
                }
                (Some(&(_, asked)), Some(value)) if (1..=asked).contains(&value) => {
                    self.window = value;
                }
                _ => return self.fail(format!("an OACK with {}", name.escape_ascii())),
            }
        }
        self.window_end = self.window;
        self.acknowledge(now);
    }

    fn take_block(&mut self, now: Instant, block: u16, payload: &[u8]) {
        if block != wire::number(self.received + 1) {
            return self.take_unexpected(now, block);
        }
        if payload.len() > self.block_size {
            return self.fail(format!("a block of {} bytes", payload.len()));
        }
        self.received += 1;
        self.content.extend_from_slice(payload);
        self.deadline = now + self.style.patience();
        if self.style != Style::UBoot {
            self.timeouts = 0;
        }
        if payload.len() < self.block_size {
            self.acknowledge(now);
            self.end = Some(End::Whole);
        } else if self.received == self.window_end {
            self.window_end += self.window;
            self.acknowledge(now);
        }
    }

    fn take_unexpected(&mut self, now: Instant, block: u16) {
        let has_it = wire::number(self.received).wrapping_sub(block) < 0x8000;
        let again = self.nacked == Some(self.received);
        match self.style {
            Style::Edk2 | Style::TftpHpa => self.acknowledge(now),
            Style::UBoot | Style::NackOnce if again => {}
            Style::NackOnce if has_it => {}
            Style::UBoot | Style::NackOnce => {
                self.nacked = Some(self.received);
                self.window_end = self.received + self.window;
                self.acknowledge(now);
            }
            Style::Silent => {}
        }
    }

    fn repeat_itself(&mut self, now: Instant) {
        match (self.style, self.port) {
            (_, None) => self.outgoing.push_back((LISTENER, self.request.clone())),
            (Style::Edk2, Some(port)) => self.outgoing.push_back((port, self.last_sent.clone())),
            (Style::UBoot, Some(_)) => self.acknowledge(now),
            (_, Some(_)) => {
                self.window_end = self.received + self.window;
                self.acknowledge(now);
            }
        }
    }
}

impl Peer for Receiver {
    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]) {
        if self.end.is_some() || self.port.is_some_and(|own| own != port) {
            return;
        }
        match wire::read(datagram) {
            // It expects block 1 after any OACK.
            Some(Packet::OptionAck(_)) if self.received > 0 && self.style == Style::UBoot => {
                self.fail("First block is not block 1: starting again");
            }
            Some(Packet::OptionAck(options)) if self.received == 0 => {
                self.port = Some(port);
                self.take_options(now, options);
            }
            Some(Packet::Data(block, payload)) if self.port.is_some() || block == 1 => {
                self.port = Some(port);
                self.take_block(now, block, payload);
            }
            Some(Packet::Error(code, text)) => {
                self.fail(format!("error {code}: {}", text.escape_ascii()));
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.timeouts += 1;
        if self.timeouts >= self.style.timeouts_max() {
            return self.fail("the server does not answer");
        }
        self.deadline = now + self.style.patience();
        self.repeat_itself(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.end.is_none().then_some(self.deadline)
    }

    fn poll_transmit(&mut self, _now: Instant) -> Option<(u16, Vec<u8>)> {
        self.outgoing.pop_front()
    }

    fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn content(&self) -> &[u8] {
        &self.content
    }
}
