//! The first packet of a transfer, OACK or DATA 1, until something is acknowledged. Nobody knows yet that the
//! request came from where it says, so there is one small packet, repeated a few times.

use core::time::Duration;
use std::time::Instant;

use super::round_trip::RoundTrip;
use super::transfer::Next;
use super::{Ending, FailureReason};
use crate::limits::{DUPLICATE_REQUEST_INTERVAL_MIN, OPENING_LAST_WAIT, OPENING_RESENDS_MAX};
use crate::negotiate::Negotiated;

#[derive(Debug)]
pub(super) struct Opening {
    pub(super) negotiated: Negotiated,
    /// Whether DATA 1 is the whole file.
    pub(super) ends_file: bool,
    sent_at: Option<Instant>,
    resends: u8,
    /// How often it was sent again, for whatever reason.
    copies: u8,
    deadline: Instant,
}

impl Opening {
    pub(super) fn new(now: Instant, negotiated: Negotiated, timeout: Duration) -> Self {
        let deadline = now + timeout;
        Self { negotiated, ends_file: false, sent_at: None, resends: 0, copies: 0, deadline }
    }

    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) const fn is_sent(&self) -> bool {
        self.sent_at.is_some()
    }

    /// How often it was sent again: each copy may draw one more acknowledgement.
    pub(super) const fn copies(&self) -> u8 {
        self.copies
    }

    /// Number of the block that acknowledges the first packet.
    pub(super) fn proof(&self) -> u16 {
        if self.negotiated.option_ack().is_some() { 0 } else { 1 }
    }

    pub(super) fn sent(&mut self, now: Instant, round_trip: &mut RoundTrip) {
        if self.sent_at.replace(now).is_none() {
            round_trip.sent_first(now, self.proof().into());
        } else {
            self.copies = self.copies.saturating_add(1);
        }
        self.deadline = now + wait(self.resends, round_trip);
    }

    /// The client repeated its request.
    pub(super) fn repeat(&self, now: Instant, round_trip: &mut RoundTrip) -> Next {
        let answered = self.sent_at.is_some_and(|sent| {
            now.saturating_duration_since(sent) < DUPLICATE_REQUEST_INTERVAL_MIN
        });
        if answered {
            return Next::Wait;
        }
        round_trip.forget_sample();
        Next::Send
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, round_trip: &mut RoundTrip) -> Next {
        if now < self.deadline {
            return Next::Wait;
        }
        if self.resends == OPENING_RESENDS_MAX {
            return Next::End(Ending::Failed(FailureReason::NeverAcknowledged));
        }
        self.resends += 1;
        round_trip.back_off();
        self.deadline = now + wait(self.resends, round_trip);
        Next::Send
    }
}

/// Wait behind the first packet or one of its repetitions. Behind the last there is time for a client that
/// answered, in vain, and has not yet repeated itself.
pub(super) fn wait(resends: u8, round_trip: &RoundTrip) -> Duration {
    let wait = round_trip.retransmission_timeout();
    if resends == OPENING_RESENDS_MAX { wait.max(OPENING_LAST_WAIT) } else { wait }
}
