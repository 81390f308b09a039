//! Clients that send a file: two habits in lockstep, one with windows.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use pxe_tftp::Packet;

use super::Peer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// A repeated acknowledgement draws the block again, as in old BSD clients (the Sorcerer's Apprentice).
    Apprentice,
    /// A repeated acknowledgement is ignored (RFC 1123), but the wait for another begins anew: a timeout of
    /// the socket's.
    Modern,
    /// Windows; any acknowledgement within begins the next window behind it (RFC 7440).
    Windows,
}

pub(crate) struct Sender {
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
    tries: u32,
    done: bool,
    pub(crate) failed: bool,
    pub(crate) error: Option<u16>,
    pub(crate) data_sent: u64,
}

impl Sender {
    pub(crate) fn new(
        now: Instant,
        habit: Habit,
        file: Vec<u8>,
        block_size: u16,
        window: u16,
    ) -> Self {
        let mut request = b"\0\x02file\0octet\0".to_vec();
        if block_size != 512 {
            request.extend(format!("blksize\0{block_size}\0tsize\0{}\0", file.len()).bytes());
        }
        if window != 1 {
            request.extend(format!("windowsize\0{window}\0").bytes());
        }
        let patience = Duration::from_secs(if habit == Habit::Windows { 1 } else { 5 });
        Self {
            habit,
            file,
            outgoing: VecDeque::from([(69, request.clone())]),
            request,
            block_size: block_size.into(),
            window: window.into(),
            patience,
            port: None,
            acknowledged: 0,
            deadline: now + patience,
            tries: 0,
            done: false,
            failed: false,
            error: None,
            data_sent: 0,
        }
    }

    fn last(&self) -> u64 {
        (self.file.len() / self.block_size) as u64 + 1
    }

    fn window(&mut self) {
        for block in self.acknowledged + 1..=(self.acknowledged + self.window).min(self.last()) {
            let from = usize::try_from(block - 1).unwrap() * self.block_size;
            let to = (from + self.block_size).min(self.file.len());
            let mut datagram = Vec::new();
            let number = u16::try_from(block % 65536).unwrap();
            Packet::Data { block: number, payload: &self.file[from..to] }.encode(&mut datagram);
            self.outgoing.push_back((self.port.unwrap(), datagram));
            self.data_sent += 1;
        }
    }

    fn acknowledge(&mut self, wire_block: u16) {
        let ahead = wire_block.wrapping_sub(u16::try_from(self.acknowledged % 65536).unwrap());
        if ahead == 0 {
            let again = match self.habit {
                Habit::Apprentice => true,
                Habit::Modern => false,
                Habit::Windows => self.acknowledged > 0,
            };
            if again {
                self.window();
            }
        } else if u64::from(ahead) <= self.window {
            self.acknowledged += u64::from(ahead);
            self.tries = 0;
            self.done = self.acknowledged == self.last();
            self.window();
        }
    }
}

impl Peer for Sender {
    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]) {
        if self.done || self.failed || self.port.is_some_and(|own| own != port) {
            return;
        }
        let first = self.port.is_none();
        match Packet::parse(datagram).unwrap() {
            Packet::OptionAck(options) if first => {
                // A server may answer with less.
                let values = options.values();
                self.block_size = values.block_size.unwrap_or(512).into();
                self.window = values.window_size.unwrap_or(1).into();
                self.port = Some(port);
                self.window();
            }
            Packet::Ack { block: 0 } if first => {
                (self.block_size, self.window) = (512, 1);
                self.port = Some(port);
                self.window();
            }
            Packet::Ack { block } if !first => self.acknowledge(block),
            Packet::Error { code, .. } => {
                self.error = Some(code.0);
                self.failed = true;
            }
            _ => return,
        }
        self.deadline = now + self.patience;
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.deadline = now + self.patience;
        self.tries += 1;
        self.failed |= self.tries > 12;
        if self.port.is_some() {
            self.window();
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
        self.done || self.failed
    }

    fn content(&self) -> &[u8] {
        &self.file
    }
}
