//! An upload: blocks come in, are given to the driver's store, and are acknowledged only then.

use core::mem;
use core::task::Poll;
use core::time::Duration;
use std::time::Instant;

use super::config::UploadInfo;
use super::event::FailureReason;
use super::opening;
use super::round_trip::RoundTrip;
use super::transfer::Next;
use super::{BlockSource, Dropped, Ending, TransferId};
use crate::error::{ErrorCode, ErrorText};
use crate::limits::{
    DUPLICATE_REQUEST_INTERVAL_MIN, FINISH_INTERVAL, NO_PROGRESS_MAX, OPENING_RESENDS_MAX,
    RESTART_QUIET_MIN, RETRANSMIT_MAX, UPLOAD_DALLY_MAX, UPLOAD_DALLY_MIN,
};
use crate::negotiate::Negotiated;
use crate::netascii::Decoder;
use crate::packet::{Mode, Packet};
use crate::receiver::{Arrival, Receiver};

/// Doublings of the wait before an acknowledgement is repeated in lockstep: up to 8 s.
const LOCKSTEP_DOUBLINGS_MAX: u8 = 3;

/// The phase of an upload, from the acceptance of the request to the end of the wait behind its last block.
#[derive(Debug)]
pub(super) struct Receiving {
    negotiated: Negotiated,
    receiver: Receiver,
    /// Present in netascii mode.
    decoder: Option<Decoder>,
    /// Bytes of the file that came since the last acknowledgement: a window at most.
    pending: Vec<u8>,
    /// Bytes of the file that the driver has stored.
    stored: u64,
    bytes_max: u64,
    /// Size that the client announced, if what travels is the file as it is.
    announced: Option<u64>,
    /// Whether the client answered our first packet with DATA.
    heard: bool,
    /// The last block came.
    ended: bool,
    /// The driver is putting the file in place.
    finishing: bool,
    /// The driver has the whole file, since then.
    complete: Option<Instant>,
    /// Whether the driver was told so.
    told: bool,
    /// Why the client is about to get an ERROR.
    failure: Option<FailureReason>,
    sent_at: Option<Instant>,
    resends: u8,
    last_progress: Instant,
    deadline: Instant,
}

impl Receiving {
    pub(super) fn new(
        now: Instant,
        mode: Mode,
        negotiated: Negotiated,
        info: UploadInfo,
        round_trip: &RoundTrip,
    ) -> Self {
        let mut receiver = Receiver::new(negotiated.window_size);
        receiver.repeat();
        Self {
            receiver,
            decoder: (mode == Mode::Netascii).then(Decoder::new),
            pending: Vec::new(),
            stored: 0,
            bytes_max: info.bytes_max,
            announced: negotiated.transfer_size,
            heard: false,
            ended: false,
            finishing: false,
            complete: None,
            told: false,
            failure: None,
            sent_at: None,
            resends: 0,
            last_progress: now,
            deadline: now + round_trip.retransmission_timeout(),
            negotiated,
        }
    }

    /// Whether the client's address answered.
    pub(super) const fn is_proven(&self) -> bool {
        self.heard
    }

    /// Bytes of the file that are stored.
    pub(super) const fn stored(&self) -> u64 {
        self.stored
    }

    /// Whether the driver has the whole file.
    pub(super) const fn is_complete(&self) -> bool {
        self.complete.is_some()
    }

    /// Once: when the driver got the whole file.
    pub(super) fn take_completion(&mut self) -> Option<Instant> {
        self.complete.filter(|_| !mem::replace(&mut self.told, true))
    }

    /// None while an ERROR waits to be sent.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.failure.is_some() {
            return None;
        }
        Some(match self.complete {
            Some(_) => self.deadline,
            None => self.deadline.min(self.last_progress + NO_PROGRESS_MAX),
        })
    }

    /// Another request came from the client's port.
    pub(super) fn handle_request(&mut self, now: Instant, is_copy: bool) -> Result<Next, Ending> {
        if self.failure.is_some() || !is_copy {
            return Err(self.give_up(FailureReason::Superseded));
        }
        if self.heard {
            let quiet = now.saturating_duration_since(self.last_progress) >= RESTART_QUIET_MIN;
            // A copy of a request that is served to its end must not begin the file again.
            return match self.complete {
                None if quiet => Err(self.give_up(FailureReason::Superseded)),
                _ => Ok(Next::Wait),
            };
        }
        let answered = self.sent_at.is_some_and(|sent| {
            now.saturating_duration_since(sent) < DUPLICATE_REQUEST_INTERVAL_MIN
        });
        if answered {
            return Ok(Next::Wait);
        }
        self.receiver.repeat();
        Ok(Next::Send)
    }

    pub(super) fn handle_data(
        &mut self,
        now: Instant,
        wire_block: u16,
        payload: &[u8],
        round_trip: &mut RoundTrip,
    ) -> Result<Next, Dropped> {
        if self.failure.is_some() || self.sent_at.is_none() {
            return Err(Dropped::Unexpected);
        }
        if self.ended {
            self.receiver.arrive(now, wire_block, false);
            return Ok(self.next());
        }
        let block_size = usize::from(self.negotiated.block_size);
        let room = block_size.saturating_mul(self.negotiated.window_size.into());
        if self.pending.len() + payload.len() > room && payload.len() <= block_size {
            // A second window before the first was stored: like loss, the client sends it again.
            return Err(Dropped::Unexpected);
        }
        let ends_file = payload.len() < block_size;
        let Arrival::Next(block) = self.receiver.arrive(now, wire_block, ends_file) else {
            self.heard = true;
            return Ok(self.next());
        };
        self.heard = true;
        self.resends = 0;
        self.last_progress = now;
        round_trip.acknowledged(now, block);
        self.deadline = now + self.timeout(round_trip);
        self.take(payload, block_size, ends_file);
        Ok(self.next())
    }

    /// Keeps a block in order, if it is as agreed.
    fn take(&mut self, payload: &[u8], block_size: usize, ends_file: bool) {
        if payload.len() > block_size {
            self.failure = Some(FailureReason::BlockTooLarge);
            return;
        }
        match &mut self.decoder {
            Some(decoder) => {
                decoder.decode(payload, &mut self.pending);
                if ends_file {
                    decoder.finish(&mut self.pending);
                }
            }
            None => self.pending.extend_from_slice(payload),
        }
        self.ended = ends_file;
        let bytes = self.stored + self.pending.len() as u64;
        if bytes > self.bytes_max {
            self.failure = Some(FailureReason::TooLarge);
        } else if ends_file && self.announced.is_some_and(|announced| announced != bytes) {
            self.failure = Some(FailureReason::SizeMismatch);
        }
    }

    fn next(&self) -> Next {
        if self.failure.is_some() || self.receiver.is_due() { Next::Send } else { Next::Wait }
    }

    pub(super) fn handle_error(&self, code: ErrorCode, message: &[u8]) -> Next {
        if code == ErrorCode::UNKNOWN_TRANSFER_ID && !self.heard {
            return Next::End(Ending::Failed(FailureReason::UnwantedCopy));
        }
        let message = ErrorText::new(message, usize::MAX);
        Next::End(self.give_up(FailureReason::ClientError { code, message }))
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, round_trip: &mut RoundTrip) -> Next {
        if self.failure.is_some() {
            return Next::Wait;
        }
        if self.complete.is_none() && now >= self.last_progress + NO_PROGRESS_MAX {
            return Next::End(self.give_up(FailureReason::NoProgress));
        }
        if now < self.deadline {
            return Next::Wait;
        }
        if self.finishing {
            self.deadline = now + FINISH_INTERVAL;
            return Next::Send;
        }
        if self.complete.is_some() {
            return Next::End(self.give_up(FailureReason::NoProgress));
        }
        if !self.heard && self.resends == OPENING_RESENDS_MAX {
            return Next::End(Ending::Failed(FailureReason::NeverAcknowledged));
        }
        self.resends = self.resends.saturating_add(1);
        round_trip.back_off();
        self.receiver.repeat();
        self.deadline = now + self.timeout(round_trip);
        Next::Send
    }

    /// In lockstep the client's own timer does the work, so there ours is patient: old clients answer a repeated
    /// acknowledgement with a repeated block (RFC 1123 section 4.2.3.1), others ignore it but begin their wait of
    /// 5 s anew, and need as long without a word from us.
    fn timeout(&self, round_trip: &RoundTrip) -> Duration {
        if self.negotiated.window_size > 1 {
            let resends = if self.heard { 0 } else { self.resends };
            return opening::wait(resends, round_trip);
        }
        RETRANSMIT_MAX * (1 << self.resends.min(LOCKSTEP_DOUBLINGS_MAX))
    }

    /// Stores what came, and writes the answer that is due. What is stored is acknowledged, and nothing else.
    pub(super) fn transmit(
        &mut self,
        now: Instant,
        transfer: TransferId,
        store: &mut dyn BlockSource,
        round_trip: &mut RoundTrip,
        out: &mut Vec<u8>,
    ) -> Result<bool, Ending> {
        if let Some(reason) = self.failure.take() {
            return Err(Ending::Failed(reason));
        }
        if !self.receiver.is_due() {
            return Ok(false);
        }
        self.store(now, transfer, store).map_err(Ending::Failed)?;
        if self.finishing {
            return Ok(false);
        }
        let Some(block) = self.receiver.poll(now) else { return Ok(false) };
        out.clear();
        match self.negotiated.option_ack() {
            Some(option_ack) if !self.heard => out.extend_from_slice(option_ack),
            _ => Packet::Ack { block }.encode(out),
        }
        if self.resends == 0 {
            round_trip.sent_first(now, self.receiver.received() + 1);
        }
        if self.complete.is_none() {
            self.deadline = now + self.timeout(round_trip);
        }
        self.sent_at = Some(now);
        Ok(true)
    }

    fn store(
        &mut self,
        now: Instant,
        transfer: TransferId,
        store: &mut dyn BlockSource,
    ) -> Result<(), FailureReason> {
        if !self.pending.is_empty() {
            store
                .write_at(transfer, self.stored, &self.pending)
                .map_err(FailureReason::NotStored)?;
            self.stored += self.pending.len() as u64;
            self.pending.clear();
        }
        if self.ended && self.complete.is_none() {
            let finished = store.finish(transfer);
            self.finishing = finished.is_pending();
            let Poll::Ready(finished) = finished else {
                self.deadline = now + FINISH_INTERVAL;
                return Ok(());
            };
            finished.map_err(FailureReason::NotStored)?;
            self.complete = Some(now);
            self.pending = Vec::new();
            let asked = self.negotiated.timeout_s.unwrap_or(0);
            let dally = Duration::from_secs(2 * u64::from(asked));
            self.deadline = now + dally.clamp(UPLOAD_DALLY_MIN, UPLOAD_DALLY_MAX);
        }
        Ok(())
    }

    /// What it means if nothing more comes from the client.
    pub(super) fn give_up(&self, reason: FailureReason) -> Ending {
        match self.complete {
            Some(_) => Ending::Finished { last_ack_missing: false },
            None => Ending::Failed(reason),
        }
    }
}
