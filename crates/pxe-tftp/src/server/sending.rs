//! The transfer proper: windows, their timers and their end.

use std::time::Instant;

use super::round_trip::RoundTrip;
use super::transfer::Next;
use super::window::{Acknowledgement, Window};
use super::{Ending, FailureReason};
use crate::limits::{FINAL_RESENDS_MAX, NO_PROGRESS_MAX};

#[derive(Debug)]
pub(super) struct Sending {
    pub(super) window: Window,
    /// Timeouts since the last progress.
    tries: u32,
    last_progress: Instant,
    /// When some of the window was sent last.
    sent: Instant,
    /// When the window is sent again.
    retransmission: Instant,
    /// Acknowledgements of the base since it was reached, without the one that reached it.
    repeated_acks: u32,
    /// Whether one of them came since something was sent last,
    is_asked_again: bool,
    /// and the timeouts since.
    unasked_tries: u32,
    /// ERROR 5 packets, of which the first may be about something else.
    pub(super) unknown_transfer_errors: u8,
}

impl Sending {
    pub(super) fn new(now: Instant, window: Window, round_trip: &RoundTrip) -> Self {
        Self {
            window,
            tries: 0,
            last_progress: now,
            sent: now,
            retransmission: now + round_trip.retransmission_timeout(),
            repeated_acks: 0,
            is_asked_again: false,
            unasked_tries: 0,
            unknown_transfer_errors: 0,
        }
    }

    pub(super) const fn repeated_acks(&self) -> u32 {
        self.repeated_acks
    }

    pub(super) const fn last_progress(&self) -> Instant {
        self.last_progress
    }

    pub(super) fn deadline(&self) -> Instant {
        let gap = self.window.gap().unwrap_or(self.retransmission);
        self.retransmission.min(gap).min(self.last_progress + NO_PROGRESS_MAX)
    }

    /// Returns how many blocks the acknowledgement was about, and what to do.
    pub(super) fn acknowledge(
        &mut self,
        now: Instant,
        wire_block: u16,
        round_trip: &mut RoundTrip,
    ) -> (u64, Next) {
        match self.window.acknowledge(now, wire_block, round_trip.quiet()) {
            Acknowledgement::Outside => (0, Next::Wait),
            Acknowledgement::Repeated => {
                self.repeated_acks = self.repeated_acks.saturating_add(1);
                (self.is_asked_again, self.unasked_tries) = (true, 0);
                (0, Next::Wait)
            }
            Acknowledgement::Complete => {
                (0, Next::End(Ending::Finished { last_ack_missing: false }))
            }
            Acknowledgement::Advanced(blocks) => {
                round_trip.acknowledged(now, self.window.base());
                if self.tries == 0 {
                    round_trip.in_time();
                } else {
                    round_trip.repetition_answered(now.saturating_duration_since(self.sent));
                }
                (self.tries, self.unasked_tries) = (0, 0);
                (self.repeated_acks, self.is_asked_again) = (0, false);
                self.last_progress = now;
                self.retransmission = now + round_trip.retransmission_timeout();
                (blocks, Next::Send)
            }
        }
    }

    /// Some of the window was sent.
    pub(super) fn sent(&mut self, now: Instant, round_trip: &RoundTrip) {
        self.sent = now;
        self.is_asked_again = false;
        self.retransmission = now + round_trip.retransmission_timeout();
    }

    /// `waits_to_send`: the burst has not left yet, because the driver had no room or other transfers their turn.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        round_trip: &mut RoundTrip,
        waits_to_send: bool,
    ) -> Next {
        if now >= self.last_progress + NO_PROGRESS_MAX {
            return Next::End(self.give_up(FailureReason::NoProgress));
        }
        let gap_is_due = self.window.gap().is_some_and(|gap| gap <= now);
        let timeout_is_due = self.retransmission <= now;
        if waits_to_send {
            if gap_is_due {
                self.window.delay_gap(now + round_trip.quiet());
            }
            if timeout_is_due {
                self.retransmission = now + round_trip.retransmission_timeout();
            }
            return Next::Wait;
        }
        if timeout_is_due {
            let may_have_all = self.window.only_last_acknowledgement_missing();
            if may_have_all && self.unasked_tries >= FINAL_RESENDS_MAX {
                return Next::End(self.give_up(FailureReason::NoProgress));
            }
            self.tries += 1;
            self.unasked_tries += 1;
            round_trip.back_off();
            self.window.rewind_for_timeout();
            self.retransmission = now + round_trip.retransmission_timeout();
            return Next::Send;
        }
        if gap_is_due {
            round_trip.repair();
            self.window.rewind_for_gap();
            return Next::Send;
        }
        Next::Wait
    }

    /// What it means if nothing more comes from the client.
    pub(super) fn give_up(&self, reason: FailureReason) -> Ending {
        // One that still asks for what was sent last has not got it: its packets are too large for the way, perhaps.
        let still_asks = match reason {
            FailureReason::NoProgress => {
                self.repeated_acks > 0 && self.unasked_tries < FINAL_RESENDS_MAX
            }
            _ => self.is_asked_again,
        };
        if self.window.only_last_acknowledgement_missing() && !still_asks {
            Ending::Finished { last_ack_missing: true }
        } else {
            Ending::Failed(reason)
        }
    }
}
