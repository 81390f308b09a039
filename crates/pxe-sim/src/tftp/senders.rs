//! Clients that send a file: two habits in lockstep, one with windows.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::station::{End, LISTENER, Peer};
use super::wire::{self, Packet};

/// What a sender does about an acknowledgement that it has had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// It draws the block again, as in old BSD clients (the Sorcerer's Apprentice).
    Apprentice,
    /// It is ignored (RFC 1123), but the wait for another begins anew: a timeout of the socket's.
    Modern,
    /// Windows; any acknowledgement within begins the next window behind it (RFC 7440).
    Windows,
}

/// Times that a sender repeats itself in vain.
const TIMEOUTS_MAX: u32 = 12;

/// A client with a file for the server.
pub struct Sender {
    habit: Habit,
    file: Vec<u8>,
    request: Vec<u8>,
    block_size: usize,
    window: u64,
    patience: Duration,
    port: Option<u16>,
    acknowledged: u64,
    outgoing: VecDeque<(u16, Vec<u8>)>,
    deadline: Instant,
    timeouts: u32,
    end: Option<End>,
    data_sent: u64,
}

impl Sender {
    /// Sends `file`, and asks for blocks and windows of these sizes.
    #[must_use]
    pub fn new(now: Instant, habit: Habit, file: Vec<u8>, block_size: u16, window: u16) -> Self {
        let mut options = Vec::new();
        if block_size != 512 {
            options.extend([("blksize", u64::from(block_size)), ("tsize", file.len() as u64)]);
        }
        if window != 1 {
            options.push(("windowsize", u64::from(window)));
        }
        let request = wire::request(true, &options);
        let patience = Duration::from_secs(if habit == Habit::Windows { 1 } else { 5 });
        Self {
            habit,
            file,
            outgoing: VecDeque::from([(LISTENER, request.clone())]),
            request,
            block_size: 512,
            window: 1,
            patience,
            port: None,
            acknowledged: 0,
            deadline: now + patience,
            timeouts: 0,
            end: None,
            data_sent: 0,
        }
    }

    /// DATA packets sent.
    #[must_use]
    pub fn data_sent(&self) -> u64 {
        self.data_sent
    }

    fn last(&self) -> u64 {
        (self.file.len() / self.block_size) as u64 + 1
    }

    fn send_window(&mut self) {
        let Some(port) = self.port else { return };
        for block in self.acknowledged + 1..=(self.acknowledged + self.window).min(self.last()) {
            let from = (block - 1) as usize * self.block_size;
            let to = (from + self.block_size).min(self.file.len());
            self.outgoing.push_back((port, wire::data(block, &self.file[from..to])));
            self.data_sent += 1;
        }
    }

    fn take_options(&mut self, options: &[u8]) {
        for (name, value) in wire::options(options) {
            match (name, value) {
                (b"blksize", Some(value)) => self.block_size = value as usize,
                (b"windowsize", Some(value)) => self.window = value,
                (b"tsize", Some(_)) => {}
                _ => {
                    let why = format!("an OACK with {}", name.escape_ascii());
                    self.end = Some(End::Failed(why));
                }
            }
        }
    }

    fn take_ack(&mut self, wire_block: u16) {
        let ahead = wire_block.wrapping_sub(wire::number(self.acknowledged));
        if ahead == 0 {
            let again = match self.habit {
                Habit::Apprentice => true,
                Habit::Modern => false,
                Habit::Windows => self.acknowledged > 0,
            };
            if again {
                self.send_window();
            }
        } else if u64::from(ahead) <= self.window {
            self.acknowledged += u64::from(ahead);
            self.timeouts = 0;
            if self.acknowledged == self.last() {
                self.end = Some(End::Whole);
            }
            self.send_window();
        }
    }
}

impl Peer for Sender {
    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]) {
        if self.end.is_some() || self.port.is_some_and(|own| own != port) {
            return;
        }
        let first = self.port.is_none();
        match wire::read(datagram) {
            Some(Packet::OptionAck(options)) if first => {
                self.take_options(options);
                self.port = Some(port);
                self.send_window();
            }
            Some(Packet::Ack(0)) if first => {
                self.port = Some(port);
                self.send_window();
            }
            Some(Packet::Ack(block)) if !first => self.take_ack(block),
            Some(Packet::Error(code, text)) => {
                let why = format!("error {code}: {}", text.escape_ascii());
                self.end = Some(End::Failed(why));
            }
            _ => return,
        }
        self.deadline = now + self.patience;
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.deadline = now + self.patience;
        self.timeouts += 1;
        if self.timeouts > TIMEOUTS_MAX {
            self.end = Some(End::Failed("the server does not answer".to_owned()));
        } else if self.port.is_some() {
            self.send_window();
        } else {
            self.outgoing.push_back((LISTENER, self.request.clone()));
        }
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

    /// It receives nothing.
    fn content(&self) -> &[u8] {
        &[]
    }
}
