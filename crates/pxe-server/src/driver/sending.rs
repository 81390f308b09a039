//! What leaves: datagrams, and before them what they mean for their clients' stories.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use log::{debug, info, warn};

use super::Driver;
use super::replies::Replies;
use crate::engine::{Output, SocketId, Transmit};
use crate::logging;
use crate::state::unix_ms;

/// What is sent, and replies that wait to be sent together.
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    replies: Replies,
}

impl Outgoing {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(1 << 16), replies: Replies::new() }
    }
}

impl Driver {
    /// Sends what waits, `most` times at most; whether nothing more waits: then ports of transfers that are over are closed.
    /// What a packet tells its client is told here before it leaves, so that no other loop tells first what follows from it.
    pub(super) fn transmit(&mut self, now: Instant, most: usize, out: &mut Outgoing) -> bool {
        self.report();
        let is_all = self.hand_over(now, most, out);
        self.report_and_flush(&mut out.replies);
        if is_all {
            for transfer in self.ended.drain(..) {
                self.ports.close(self.poll.registry(), transfer);
            }
        }
        is_all
    }

    /// Tells of replies before they leave, so that no other loop tells first what follows from them.
    fn report_and_flush(&mut self, replies: &mut Replies) {
        self.report();
        self.ports.flush(replies, tell_unsent);
    }

    fn hand_over(&mut self, now: Instant, most: usize, out: &mut Outgoing) -> bool {
        let Outgoing { bytes, replies } = out;
        for _ in 0..most {
            let Some(transmit) = self.engine.poll_transmit(now, &mut self.files, bytes) else {
                return true;
            };
            if replies.take(&transmit, bytes, self.ports.direct()) {
                if replies.is_full() {
                    self.report_and_flush(replies);
                }
            } else if let Err(error) = self.ports.send(self.poll.registry(), &transmit, bytes) {
                self.send_failed(now, &transmit, error);
            }
        }
        false
    }

    fn send_failed(&mut self, now: Instant, transmit: &Transmit, error: io::Error) {
        if let SocketId::Transfer(transfer) = transmit.socket
            && error.kind() != io::ErrorKind::WouldBlock
        {
            self.engine.fail_transfer(now, transfer, &mut self.files);
        }
        tell_unsent(transmit.destination, error);
    }

    /// Tells what happened since.
    pub(super) fn report(&mut self) {
        let mut time = None;
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Event(event) => {
                    self.control.pulse.count(&event.stage);
                    let (now, unix_ms) = *time.get_or_insert_with(|| (Instant::now(), unix_ms()));
                    let noted = self.journal.tell(now, unix_ms, &event);
                    logging::tell(&event, &noted);
                }
                Output::Notice(notice) if notice.is_fault => warn!("{notice}"),
                Output::Notice(notice) => info!("{notice}"),
                Output::Close(transfer) => self.ended.push(transfer),
            }
        }
    }
}

fn tell_unsent(to: SocketAddr, error: io::Error) {
    match error.kind() {
        // It is like loss on the wire: the timers, or the clients, repair it.
        io::ErrorKind::WouldBlock => debug!("send to {to}: the socket's buffer is full"),
        _ => warn!("cannot send to {to}: {error}"),
    }
}
