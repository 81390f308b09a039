//! Measures the round trip and derives the two waits from it (RFC 1123 section 4.2.3.2, Karn's rule).

use core::time::Duration;
use std::time::Instant;

use crate::limits::{
    GAP_QUIET_MAX, GAP_QUIET_MIN, GAP_QUIET_UNMEASURED, RETRANSMIT_BACKOFF_MAX, RETRANSMIT_INITIAL,
    RETRANSMIT_MAX, RETRANSMIT_MIN,
};

#[derive(Debug)]
pub(super) struct RoundTrip {
    smoothed: Option<Duration>,
    /// Whether that is the opening exchange alone. A client that repeats a lost acknowledgement of the OACK after
    /// a second makes it look like a round trip of a second, and half the file would be sent with such timers: so
    /// the first measurement of data takes its place.
    provisional: bool,
    /// How often the timeout was doubled. It stays so until a window was acknowledged within the longer
    /// timeout: what was acknowledged after a repetition says nothing about either copy's way.
    doublings: u8,
    /// Gaps repaired before data was measured.
    blind_repairs: u8,
    /// Longest timeout, what the client negotiated or our own limit.
    timeout_max: Duration,
    sample: Option<Sample>,
}

/// Blocks that were sent together, for the first time, and are being timed.
#[derive(Clone, Copy, Debug)]
struct Sample {
    first: u64,
    last: u64,
    sent: Instant,
}

impl RoundTrip {
    pub(super) fn new(timeout_s: Option<u8>) -> Self {
        let asked = timeout_s.map_or(RETRANSMIT_BACKOFF_MAX, |s| Duration::from_secs(s.into()));
        let timeout_max = asked.min(RETRANSMIT_BACKOFF_MAX);
        Self {
            smoothed: None,
            provisional: false,
            doublings: 0,
            blind_repairs: 0,
            timeout_max,
            sample: None,
        }
    }

    /// Wait before data is sent again without any sign from the client.
    pub(super) fn retransmission_timeout(&self) -> Duration {
        let measured = self.smoothed.map_or(RETRANSMIT_INITIAL, |round_trip| round_trip * 4);
        let timeout = measured.clamp(RETRANSMIT_MIN, RETRANSMIT_MAX);
        (timeout * (1 << self.doublings)).min(self.timeout_max)
    }

    /// Wait for quiet after a repeated acknowledgement. Never less than a round trip, or what was sent in the
    /// meantime goes twice, its copies draw acknowledgements that look like another gap, and so on to the end of
    /// the file: the Sorcerer's Apprentice with windows. Until data was measured it grows with each repair.
    pub(super) fn quiet(&self) -> Duration {
        let longest = match self.has_measured_data() {
            true => GAP_QUIET_MAX,
            false => (GAP_QUIET_UNMEASURED * (1 << self.blind_repairs)).min(GAP_QUIET_MAX),
        };
        let measured = self.smoothed.map_or(longest, |round_trip| round_trip * 2);
        measured.clamp(GAP_QUIET_MIN, longest)
    }

    /// A gap is about to be repaired.
    pub(super) fn repair(&mut self) {
        self.forget_sample();
        if !self.has_measured_data() {
            // Enough to get to the longest wait.
            self.blind_repairs = (self.blind_repairs + 1).min(7);
        }
    }

    /// A block was sent that had not been sent before.
    pub(super) fn sent_first(&mut self, now: Instant, block: u64) {
        self.sent_together(now, block, block);
    }

    /// Blocks were sent that had not been sent before.
    pub(super) fn sent_together(&mut self, now: Instant, first: u64, last: u64) {
        self.sample.get_or_insert(Sample { first, last, sent: now });
    }

    /// An acknowledgement in the middle of what was sent together, because of a gap, tells the round trip as well
    /// as the last one does, and on a link that loses much there is no other. Unless it came late: then it is the
    /// client's own timer that sent it.
    pub(super) fn acknowledged(&mut self, now: Instant, block: u64) {
        let Some(sample) = self.sample.take_if(|sample| sample.first <= block) else { return };
        let measured = now.saturating_duration_since(sample.sent);
        let usual = self.smoothed.map_or(Duration::ZERO, |round_trip| round_trip * 2);
        if block < sample.last && measured > usual.max(RETRANSMIT_INITIAL) {
            return;
        }
        let old = self.smoothed.filter(|_| !self.provisional);
        self.provisional = self.smoothed.is_none();
        self.smoothed = Some(old.map_or(measured, |old| (old * 7 + measured) / 8));
        self.doublings = 0;
    }

    /// Something was acknowledged within the timeout. That ends a back-off even where nothing could be measured,
    /// because a gap was repaired meanwhile: a link that loses much would else be waited for longer and longer. One
    /// doubling stays until data was measured: on a path longer than the first timeout nothing ever would be.
    pub(super) fn in_time(&mut self) {
        let left = if self.has_measured_data() { 0 } else { 1 };
        self.doublings = self.doublings.min(left);
    }

    /// What the timeout sent again was answered after so long. If that is as long as a round trip takes, something
    /// was lost and the timeout was no shorter than it should be: the back-off ends. An answer to what was sent
    /// before the timeout comes at any time.
    pub(super) fn repetition_answered(&mut self, after: Duration) {
        let is_usual = |round_trip| after >= round_trip / 2 && after <= round_trip * 2;
        if self.has_measured_data() && self.smoothed.is_some_and(is_usual) {
            self.doublings = 0;
        }
    }

    const fn has_measured_data(&self) -> bool {
        self.smoothed.is_some() && !self.provisional
    }

    /// Blocks are about to be sent again, so that their acknowledgements tell nothing.
    pub(super) fn forget_sample(&mut self) {
        self.sample = None;
    }

    pub(super) fn back_off(&mut self) {
        self.forget_sample();
        // Enough to get from the shortest timeout to any limit.
        self.doublings = (self.doublings + 1).min(7);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn timeouts_follow_the_measurement_within_bounds() {
        let start = Instant::now();
        let mut round_trip = RoundTrip::new(None);
        assert_eq!(round_trip.retransmission_timeout(), RETRANSMIT_INITIAL);
        round_trip.sent_first(start, 0);
        round_trip.acknowledged(start + 1004 * MS, 0);
        assert_eq!(round_trip.retransmission_timeout(), RETRANSMIT_MAX);
        round_trip.sent_first(start, 1);
        round_trip.sent_first(start + 5 * MS, 2);
        round_trip.acknowledged(start + 20 * MS, 1);
        assert_eq!(
            round_trip.retransmission_timeout(),
            80 * MS,
            "data counts, the opening did not"
        );
        assert_eq!(round_trip.quiet(), 40 * MS);
        round_trip.acknowledged(start + 900 * MS, 2);
        assert_eq!(round_trip.retransmission_timeout(), 80 * MS);
        round_trip.sent_first(start, 3);
        round_trip.acknowledged(start + 28 * MS, 3);
        assert_eq!(round_trip.retransmission_timeout(), 84 * MS);
        round_trip.sent_first(start, 4);
        round_trip.acknowledged(start + 13 * MS, 4);
        assert_eq!(round_trip.retransmission_timeout(), 80 * MS);
        for wait in [160, 320, 640, 1280, 2560, 4000, 4000, 4000] {
            round_trip.back_off();
            assert_eq!(round_trip.retransmission_timeout(), wait * MS);
        }
    }

    #[test]
    fn quiet_outlasts_a_round_trip_on_a_long_path() {
        let start = Instant::now();
        let mut round_trip = RoundTrip::new(None);
        // Nothing measured: each repair waits longer, until it is no longer too early.
        for wait in [50, 100, 200, 400] {
            assert_eq!(round_trip.quiet(), wait * MS);
            round_trip.repair();
        }
        // The opening alone is not trusted to be as long as it looks, nor waited for if it is short.
        round_trip.sent_first(start, 0);
        round_trip.acknowledged(start + 1004 * MS, 0);
        assert_eq!(round_trip.quiet(), 800 * MS);
        round_trip.repair();
        assert_eq!(round_trip.quiet(), 1000 * MS);
        round_trip.sent_first(start, 1);
        round_trip.acknowledged(start + 400 * MS, 1);
        assert_eq!(round_trip.quiet(), 800 * MS);
        round_trip.repair();
        assert_eq!(round_trip.quiet(), 800 * MS, "measured");
        let mut round_trip = RoundTrip::new(None);
        round_trip.sent_first(start, 0);
        round_trip.acknowledged(start + 2 * MS, 0);
        assert_eq!(round_trip.quiet(), 4 * MS);
    }

    #[test]
    fn an_acknowledgement_in_the_middle_counts_unless_it_is_late() {
        let start = Instant::now();
        let measured = |block, after| {
            let mut round_trip = RoundTrip::new(None);
            round_trip.sent_together(start, 5, 8);
            round_trip.acknowledged(start + after, block);
            round_trip.smoothed
        };
        assert_eq!(measured(4, 2 * MS), None, "it was sent before");
        assert_eq!(measured(5, 2 * MS), Some(2 * MS));
        assert_eq!(measured(7, RETRANSMIT_INITIAL), Some(RETRANSMIT_INITIAL));
        assert_eq!(measured(7, 2000 * MS), None, "the client's timer");
        assert_eq!(measured(8, 2000 * MS), Some(2000 * MS));
    }

    #[test]
    fn a_repetition_that_was_needed_ends_the_back_off() {
        let start = Instant::now();
        // Answered after a round trip; at once; after a time that is neither: an answer to the first copy.
        for (after, wait) in [(2 * MS, 50 * MS), (MS / 2, 200 * MS), (30 * MS, 200 * MS)] {
            let mut round_trip = RoundTrip::new(None);
            for block in [0, 1] {
                round_trip.sent_first(start, block);
                round_trip.acknowledged(start + 2 * MS, block);
            }
            round_trip.back_off();
            round_trip.back_off();
            round_trip.repetition_answered(after);
            assert_eq!(round_trip.retransmission_timeout(), wait);
        }
    }

    #[test]
    fn repeated_blocks_are_not_measured_and_the_longer_wait_stays() {
        let start = Instant::now();
        let mut round_trip = RoundTrip::new(Some(1));
        round_trip.sent_first(start, 1);
        round_trip.acknowledged(start + MS, 1);
        assert_eq!(round_trip.retransmission_timeout(), 50 * MS);
        assert_eq!(round_trip.quiet(), 2 * MS);
        round_trip.sent_first(start + 2 * MS, 2);
        round_trip.back_off();
        round_trip.acknowledged(start + 3 * MS, 2);
        assert_eq!(round_trip.retransmission_timeout(), 100 * MS);
        for _ in 0..10 {
            round_trip.back_off();
        }
        assert_eq!(round_trip.retransmission_timeout(), 1000 * MS);
        round_trip.sent_first(start + 10 * MS, 3);
        round_trip.acknowledged(start + 11 * MS, 3);
        assert_eq!(round_trip.retransmission_timeout(), 50 * MS, "measured again");
    }
}
