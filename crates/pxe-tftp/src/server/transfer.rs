//! One transfer, whatever its phase.

use core::net::SocketAddr;
use std::time::Instant;

use super::burst::{Burst, Content};
use super::config::UploadInfo;
use super::ending::{self, Ending};
use super::event::{Event, FailureReason};
use super::opening::Opening;
use super::receiving::Receiving;
use super::round_trip::RoundTrip;
use super::sending::Sending;
use super::window::Window;
use super::{BlockSource, Dropped, LocalPort, TransferId, Transmit};
use crate::error::{ErrorCode, ErrorText};
use crate::limits::{DATA_HEADER_BYTES, PROGRESS_INTERVAL_MIN, RESTART_QUIET_MIN};
use crate::negotiate::Negotiated;
use crate::netascii::Cursors;
use crate::packet::{Mode, Packet};

/// What follows from something that happened to a transfer.
#[derive(Debug)]
pub(super) enum Next {
    /// Nothing until the deadline.
    Wait,
    /// It has something to send.
    Send,
    /// It is over.
    End(Ending),
}

#[derive(Debug)]
enum Phase {
    Opening(Opening),
    Sending(Sending),
    /// An upload. There are few.
    Receiving(Box<Receiving>),
    /// Its last words wait to be sent; then it has failed.
    Closing {
        code: ErrorCode,
        text: ErrorText,
        proven: bool,
        blocks: u64,
    },
}

#[derive(Debug)]
pub(super) struct Transfer {
    id: TransferId,
    pub(super) peer: SocketAddr,
    /// Of the request's datagram, to know a copy of it.
    digest: u64,
    size: u64,
    block_size: u16,
    window_size: u16,
    /// Whether the request asked for the size.
    asked_size: bool,
    /// Present in netascii mode.
    cursors: Option<Box<Cursors>>,
    accepted: Instant,
    /// When its progress was told last.
    progress_told: Instant,
    round_trip: RoundTrip,
    phase: Phase,
    /// Whether it stands in the queue of those that have something to send.
    pub(super) queued: bool,
    blocks_sent: u64,
    blocks_resent: u64,
}

/// What a transfer is begun with.
pub(super) struct Beginning {
    pub(super) peer: SocketAddr,
    pub(super) digest: u64,
    pub(super) mode: Mode,
    pub(super) size: u64,
    pub(super) asked_size: bool,
    pub(super) negotiated: Negotiated,
}

impl Transfer {
    pub(super) fn new(now: Instant, id: TransferId, beginning: Beginning) -> Self {
        let Beginning { peer, digest, mode, size, asked_size, negotiated } = beginning;
        let round_trip = RoundTrip::new(negotiated.timeout_s);
        Self {
            id,
            peer,
            digest,
            size,
            block_size: negotiated.block_size,
            window_size: negotiated.window_size,
            asked_size,
            cursors: (mode == Mode::Netascii).then(|| Box::new(Cursors::new())),
            accepted: now,
            progress_told: now,
            phase: Phase::Opening(Opening::new(
                now,
                negotiated,
                round_trip.retransmission_timeout(),
            )),
            round_trip,
            queued: false,
            blocks_sent: 0,
            blocks_resent: 0,
        }
    }

    /// An upload.
    pub(super) fn receiving(
        now: Instant,
        id: TransferId,
        beginning: Beginning,
        info: UploadInfo,
    ) -> Self {
        let (mode, negotiated) = (beginning.mode, beginning.negotiated);
        let mut upload = Self::new(now, id, beginning);
        let receiving = Receiving::new(now, mode, negotiated, info, &upload.round_trip);
        upload.phase = Phase::Receiving(Box::new(receiving));
        upload.cursors = None;
        upload
    }

    pub(super) fn is_proven(&self) -> bool {
        match &self.phase {
            Phase::Opening(_) => false,
            Phase::Sending(_) => true,
            Phase::Receiving(receiving) => receiving.is_proven(),
            Phase::Closing { proven, .. } => *proven,
        }
    }

    pub(super) fn negotiated(&self) -> (u64, u16, u16) {
        (self.size, self.block_size, self.window_size)
    }

    /// When it has to be looked at if nothing comes. None while its last words wait to be sent.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Opening(opening) => Some(opening.deadline()),
            Phase::Sending(sending) => Some(sending.deadline()),
            Phase::Receiving(receiving) => receiving.deadline(),
            Phase::Closing { .. } => None,
        }
    }

    /// What the driver is told at the end.
    pub(super) fn last_event(&self, now: Instant, ending: Ending) -> Event {
        let Self { id: transfer, peer, blocks_sent, blocks_resent, .. } = *self;
        let elapsed = now.saturating_duration_since(self.accepted);
        let (bytes, size) = match &self.phase {
            Phase::Receiving(receiving) => (receiving.stored(), receiving.stored()),
            _ => {
                let blocks = self.blocks_acknowledged();
                (blocks.saturating_mul(self.block_size.into()).min(self.size), self.size)
            }
        };
        match ending {
            Ending::Finished { last_ack_missing } => Event::Finished {
                transfer,
                peer,
                bytes: size,
                elapsed,
                blocks_sent,
                blocks_resent,
                last_ack_missing,
            },
            Ending::ProbeEnded => {
                let repeated_acks = self.repeated_acks();
                Event::ProbeEnded {
                    transfer,
                    peer,
                    bytes,
                    blocks_sent,
                    blocks_resent,
                    repeated_acks,
                }
            }
            Ending::Failed(reason) => Event::Failed {
                transfer,
                peer,
                reason,
                bytes,
                elapsed,
                blocks_sent,
                blocks_resent,
                repeated_acks: self.repeated_acks(),
            },
        }
    }

    /// How far it is, if that was not told for a while.
    pub(super) fn progress(&mut self, now: Instant) -> Option<Event> {
        if now.saturating_duration_since(self.progress_told) < PROGRESS_INTERVAL_MIN {
            return None;
        }
        let bytes = match &self.phase {
            Phase::Sending(sending) => {
                sending.window.base().saturating_mul(self.block_size.into()).min(self.size)
            }
            Phase::Receiving(receiving) if !receiving.is_complete() => receiving.stored(),
            _ => return None,
        };
        self.progress_told = now;
        let Self { id: transfer, peer, size, .. } = *self;
        Some(Event::Progress { transfer, peer, bytes, size })
    }

    fn repeated_acks(&self) -> u32 {
        match &self.phase {
            Phase::Sending(sending) => sending.repeated_acks(),
            Phase::Opening(_) | Phase::Receiving(_) | Phase::Closing { .. } => 0,
        }
    }

    fn blocks_acknowledged(&self) -> u64 {
        match &self.phase {
            Phase::Opening(_) | Phase::Receiving(_) => 0,
            Phase::Sending(sending) => sending.window.base(),
            Phase::Closing { blocks, .. } => *blocks,
        }
    }

    /// Another request came from the peer's port: a copy of ours, or the error is the end of this transfer.
    pub(super) fn handle_request(&mut self, now: Instant, digest: u64) -> Result<Next, Ending> {
        let is_copy = digest == self.digest;
        match &mut self.phase {
            Phase::Opening(opening) if is_copy => Ok(opening.repeat(now, &mut self.round_trip)),
            Phase::Sending(sending)
                if is_copy
                    && now.saturating_duration_since(sending.last_progress())
                        < RESTART_QUIET_MIN =>
            {
                Ok(Next::Wait)
            }
            Phase::Sending(sending) => Err(sending.give_up(FailureReason::Superseded)),
            Phase::Receiving(receiving) => receiving.handle_request(now, is_copy),
            Phase::Opening(_) | Phase::Closing { .. } => {
                Err(Ending::Failed(FailureReason::Superseded))
            }
        }
    }

    pub(super) fn handle_packet(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
    ) -> Result<Next, Dropped> {
        match *packet {
            Packet::Ack { block } => self.handle_ack(now, block),
            Packet::Data { block, payload } => match &mut self.phase {
                Phase::Receiving(receiving) => {
                    receiving.handle_data(now, block, payload, &mut self.round_trip)
                }
                _ => Err(Dropped::Unexpected),
            },
            Packet::Error { code, message } => Ok(self.handle_error(code, message)),
            _ => Err(Dropped::Unexpected),
        }
    }

    fn handle_ack(&mut self, now: Instant, wire_block: u16) -> Result<Next, Dropped> {
        if let Phase::Opening(opening) = &self.phase {
            let proof = opening.proof();
            if !opening.is_sent() || wire_block != proof {
                return Err(Dropped::Unexpected);
            }
            self.round_trip.acknowledged(now, proof.into());
            let last = self.cursors.is_none().then(|| self.size / u64::from(self.block_size) + 1);
            let mut window = Window::new(self.window_size, last);
            if proof == 0 {
                window.expect_repetitions(opening.copies());
                self.phase = Phase::Sending(Sending::new(now, window, &self.round_trip));
                return Ok(Next::Send);
            }
            window.sent(1, opening.ends_file);
            self.phase = Phase::Sending(Sending::new(now, window, &self.round_trip));
        }
        let Phase::Sending(sending) = &mut self.phase else { return Err(Dropped::Unexpected) };
        let (blocks, next) = sending.acknowledge(now, wire_block, &mut self.round_trip);
        if let Some(cursors) = &mut self.cursors {
            cursors.acknowledge(blocks);
        }
        Ok(next)
    }

    fn handle_error(&mut self, code: ErrorCode, message: &[u8]) -> Next {
        let unproven = match &mut self.phase {
            Phase::Opening(_) => true,
            Phase::Sending(sending) => {
                // lwIP answers a block it does not expect with error 5 and goes on.
                if code == ErrorCode::UNKNOWN_TRANSFER_ID {
                    sending.unknown_transfer_errors =
                        sending.unknown_transfer_errors.saturating_add(1);
                    if sending.unknown_transfer_errors == 1 {
                        return Next::Wait;
                    }
                }
                false
            }
            Phase::Receiving(receiving) => return receiving.handle_error(code, message),
            Phase::Closing { .. } => return Next::Wait,
        };
        Next::End(ending::of_client_error(code, message, unproven, self.asked_size))
    }

    /// The system reports that nobody listens on the client's port.
    pub(super) fn handle_unreachable(&self) -> Next {
        match &self.phase {
            Phase::Sending(sending) => Next::End(sending.give_up(FailureReason::Unreachable)),
            Phase::Opening(_) => Next::End(Ending::Failed(FailureReason::Unreachable)),
            Phase::Receiving(receiving) => Next::End(receiving.give_up(FailureReason::Unreachable)),
            Phase::Closing { .. } => Next::Wait,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Next {
        match &mut self.phase {
            Phase::Opening(opening) => opening.handle_timeout(now, &mut self.round_trip),
            Phase::Sending(sending) => {
                sending.handle_timeout(now, &mut self.round_trip, self.queued)
            }
            Phase::Receiving(receiving) => receiving.handle_timeout(now, &mut self.round_trip),
            Phase::Closing { .. } => Next::Wait,
        }
    }

    /// Ends it with an ERROR packet, which waits to be sent.
    pub(super) fn close(&mut self, code: ErrorCode, message: &str) {
        let text = ErrorText::new(message.as_bytes(), usize::MAX);
        let (proven, blocks) = (self.is_proven(), self.blocks_acknowledged());
        self.phase = Phase::Closing { code, text, proven, blocks };
    }

    /// Writes what is to be sent now, if anything. The flag says whether there is more.
    pub(super) fn transmit(
        &mut self,
        now: Instant,
        source: &mut dyn BlockSource,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Option<(Transmit, bool)>, Ending> {
        let mut transmit = Transmit::single(LocalPort::Transfer(self.id), self.peer);
        let mut content =
            Content { transfer: self.id, size: self.size, block_size: self.block_size, source };
        match &mut self.phase {
            Phase::Opening(opening) => {
                if let Some(option_ack) = opening.negotiated.option_ack() {
                    out.clear();
                    out.extend_from_slice(option_ack);
                } else {
                    let cursors = &mut self.cursors;
                    opening.ends_file =
                        write_blocks(&mut content, cursors, 1..2, 0, scratch, out)?.ended;
                    self.blocks_resent += u64::from(opening.is_sent());
                    self.blocks_sent += 1;
                }
                opening.sent(now, &mut self.round_trip);
                Ok(Some((transmit, false)))
            }
            Phase::Sending(sending) => {
                let window = &mut sending.window;
                let (blocks, base, fresh) = (window.sendable(), window.base(), window.fresh());
                if blocks.is_empty() {
                    return Ok(None);
                }
                let begin = blocks.start;
                let burst =
                    write_blocks(&mut content, &mut self.cursors, blocks, base, scratch, out)?;
                window.sent(burst.blocks, burst.ended);
                let more = !window.sendable().is_empty();
                self.blocks_sent += burst.blocks;
                self.blocks_resent += fresh.saturating_sub(begin).min(burst.blocks);
                if window.fresh() > fresh {
                    self.round_trip.sent_together(now, fresh, window.fresh() - 1);
                }
                sending.sent(now, &self.round_trip);
                transmit.segment_bytes =
                    (burst.blocks > 1).then_some(usize::from(self.block_size) + DATA_HEADER_BYTES);
                Ok(Some((transmit, more)))
            }
            Phase::Receiving(receiving) => {
                let (id, round_trip) = (self.id, &mut self.round_trip);
                let sent = receiving.transmit(now, id, content.source, round_trip, out)?;
                Ok(sent.then_some((transmit, false)))
            }
            Phase::Closing { code, text, .. } => {
                out.clear();
                Packet::Error { code: *code, message: text.as_bytes() }.encode(out);
                Ok(Some((transmit, false)))
            }
        }
    }

    /// The reason, once the last words were sent.
    pub(super) fn closed(&self) -> Option<ErrorCode> {
        match self.phase {
            Phase::Closing { code, .. } => Some(code),
            Phase::Opening(_) | Phase::Sending(_) | Phase::Receiving(_) => None,
        }
    }

    /// Once: that an upload is stored.
    pub(super) fn take_stored(&mut self) -> Option<Event> {
        let Phase::Receiving(receiving) = &mut self.phase else { return None };
        let at = receiving.take_completion()?;
        let elapsed = at.saturating_duration_since(self.accepted);
        let (transfer, peer, bytes) = (self.id, self.peer, receiving.stored());
        Some(Event::Stored { transfer, peer, bytes, elapsed })
    }
}

fn write_blocks(
    content: &mut Content<'_>,
    cursors: &mut Option<Box<Cursors>>,
    blocks: core::ops::Range<u64>,
    base: u64,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<Burst, Ending> {
    match cursors {
        Some(cursors) => content.write_netascii(blocks, base, cursors, scratch, out),
        None => content.write(blocks, out),
    }
    .map_err(Ending::Failed)
}

// What the limits' documentation counts with.
const _: () = assert!(size_of::<Transfer>() <= 416);
