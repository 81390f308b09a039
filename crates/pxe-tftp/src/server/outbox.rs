//! ERROR packets that wait to be sent, other than a transfer's own last words.

use core::net::SocketAddr;
use std::collections::VecDeque;
use std::time::Instant;

use super::{LocalPort, Transmit};
use crate::error::{ErrorCode, ErrorText};
use crate::limits::{ERRORS_QUEUED_MAX, STRAY_ERRORS_PER_SECOND_MAX};
use crate::packet::Packet;

/// Bytes of an ERROR packet without its text.
const ERROR_FRAME_BYTES: usize = 5;

#[derive(Debug)]
struct Reply {
    port: LocalPort,
    peer: SocketAddr,
    code: ErrorCode,
    text: ErrorText,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    replies: VecDeque<Reply>,
    strays: StrayLimit,
}

impl Outbox {
    /// Queues an answer to a datagram of `drawn_by_bytes` bytes. The packet is not larger than that, so that a
    /// forged source address gains nothing; only its code survives if there is no room.
    pub(super) fn push(
        &mut self,
        port: LocalPort,
        peer: SocketAddr,
        code: ErrorCode,
        message: &str,
        drawn_by_bytes: usize,
    ) {
        if self.replies.len() < ERRORS_QUEUED_MAX {
            let room = drawn_by_bytes.saturating_sub(ERROR_FRAME_BYTES);
            let text = ErrorText::new(message.as_bytes(), room);
            self.replies.push_back(Reply { port, peer, code, text });
        }
    }

    /// The same for a datagram that belongs to nobody, of which only so many are answered.
    pub(super) fn push_stray(
        &mut self,
        now: Instant,
        port: LocalPort,
        peer: SocketAddr,
        code: ErrorCode,
        message: &str,
        drawn_by_bytes: usize,
    ) {
        if self.strays.take(now) {
            self.push(port, peer, code, message, drawn_by_bytes);
        }
    }

    /// Writes the next packet whose port still exists.
    pub(super) fn poll(
        &mut self,
        out: &mut Vec<u8>,
        port_exists: impl Fn(LocalPort) -> bool,
    ) -> Option<Transmit> {
        while let Some(reply) = self.replies.pop_front() {
            if port_exists(reply.port) {
                out.clear();
                let message = reply.text.as_bytes();
                Packet::Error { code: reply.code, message }.encode(out);
                return Some(Transmit::single(reply.port, reply.peer));
            }
        }
        None
    }
}

/// A bucket that holds a second's worth.
#[derive(Debug, Default)]
struct StrayLimit {
    since: Option<Instant>,
    used: u32,
}

impl StrayLimit {
    fn take(&mut self, now: Instant) -> bool {
        let begin = *self.since.get_or_insert(now);
        if now.saturating_duration_since(begin).as_secs() >= 1 {
            self.since = Some(now);
            self.used = 0;
        }
        self.used += 1;
        self.used <= STRAY_ERRORS_PER_SECOND_MAX
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn only_so_many_strays_a_second() {
        let start = Instant::now();
        let mut limit = StrayLimit::default();
        let taken = |limit: &mut StrayLimit, now| (0..1000).filter(|_| limit.take(now)).count();
        assert_eq!(taken(&mut limit, start), STRAY_ERRORS_PER_SECOND_MAX as usize);
        assert_eq!(taken(&mut limit, start + Duration::from_millis(999)), 0);
        let next = start + Duration::from_secs(1);
        assert_eq!(taken(&mut limit, next), STRAY_ERRORS_PER_SECOND_MAX as usize);
    }

    #[test]
    fn never_larger_than_what_drew_it() {
        let peer = SocketAddr::from(([192, 0, 2, 1], 2001));
        let mut outbox = Outbox::default();
        for drawn_by in [0, 5, 12, 100] {
            outbox.push(LocalPort::Listener, peer, ErrorCode(1), "file not found", drawn_by);
            let mut out = Vec::new();
            outbox.poll(&mut out, |_| true).unwrap();
            assert!(out.len() <= drawn_by.max(ERROR_FRAME_BYTES), "{out:?}");
        }
    }
}
