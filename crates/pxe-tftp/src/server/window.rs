//! Which blocks to send when: the sender's half of RFC 7440, and of RFC 1350 with a window of one block.
//!
//! Receivers differ in what they do about a gap. EDK2 acknowledges every block that is not the expected one and
//! counts its window from the acknowledgement *it sent last*; tftp-hpa's client acknowledges every such block;
//! U-Boot does so once per gap and ignores what it already has; others say nothing. One rule serves all:
//! *slide* on every advance, never sending again what is in flight, and *rewind* to the base once per base when
//! a repeated acknowledgement is followed by quiet, and on the retransmission timeout.

use core::ops::Range;
use core::time::Duration;
use std::time::Instant;

/// Blocks are counted in 64 bits here, from 1; the wire has the lower 16.
#[derive(Debug)]
pub(super) struct Window {
    blocks: u64,
    /// Highest block acknowledged.
    base: u64,
    /// First block not sent since the last rewind.
    next: u64,
    /// First block never sent.
    fresh: u64,
    /// First block of the current burst.
    burst: u64,
    /// Number of the last block, once known.
    last: Option<u64>,
    /// Repetitions of the base's acknowledgement.
    repeated: u64,
    /// How many such repetitions the copies sent by the timeout, or those of the OACK, account for.
    stale: u64,
    /// Whether the current burst was caused by the timeout.
    by_timeout: bool,
    /// The base for which a gap was already repaired.
    rewound: Option<u64>,
    /// When to rewind if nothing is heard.
    gap: Option<Instant>,
}

/// What an acknowledgement was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acknowledgement {
    /// Of a block before the base or never sent: an old copy.
    Outside,
    /// Of the base, again.
    Repeated,
    /// Of this many blocks more.
    Advanced(u64),
    /// Of the last block.
    Complete,
}

impl Window {
    /// A window over a file, nothing sent, `last` its last block if known.
    pub(super) const fn new(blocks: u16, last: Option<u64>) -> Self {
        Self {
            blocks: blocks as u64,
            base: 0,
            next: 1,
            fresh: 1,
            burst: 1,
            last,
            repeated: 0,
            stale: 0,
            by_timeout: false,
            rewound: None,
            gap: None,
        }
    }

    /// Before the first block: so many copies of the OACK were sent.
    pub(super) fn expect_repetitions(&mut self, copies: u8) {
        self.stale = copies.into();
    }

    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    pub(super) const fn fresh(&self) -> u64 {
        self.fresh
    }

    pub(super) const fn gap(&self) -> Option<Instant> {
        self.gap
    }

    /// Blocks that may be sent now.
    pub(super) fn sendable(&self) -> Range<u64> {
        let end = self.last.unwrap_or(u64::MAX - 1).min(self.base + self.blocks) + 1;
        self.next..end.max(self.next)
    }

    /// The first `count` sendable blocks were sent; `ended` if the last of them ends the file.
    pub(super) fn sent(&mut self, count: u64, ended: bool) {
        self.next += count;
        self.fresh = self.fresh.max(self.next);
        if ended {
            self.last = Some(self.next - 1);
        }
    }

    /// Whether the file's last block was sent and the only acknowledgement missing is the one of its window.
    pub(super) fn only_last_acknowledgement_missing(&self) -> bool {
        self.last.is_some_and(|last| self.fresh > last && self.base + self.blocks >= last)
    }

    /// `quiet` is how long to wait for further acknowledgements before a gap is repaired.
    pub(super) fn acknowledge(
        &mut self,
        now: Instant,
        wire_block: u16,
        quiet: Duration,
    ) -> Acknowledgement {
        // A window never spans 65536 blocks, so the distance from the base is unambiguous.
        let [.., high, low] = self.base.to_be_bytes();
        let ahead = u64::from(wire_block.wrapping_sub(u16::from_be_bytes([high, low])));
        let block = self.base + ahead;
        if block >= self.fresh {
            return Acknowledgement::Outside;
        }
        if ahead == 0 {
            self.repeat(now, quiet);
            return Acknowledgement::Repeated;
        }
        if self.last == Some(block) {
            self.base = block;
            return Acknowledgement::Complete;
        }
        let partial = block + 1 < self.next;
        // The client held blocks up to this one before the timeout sent them again: each of these copies may
        // draw one more acknowledgement of this block.
        self.stale = if self.by_timeout { block.saturating_sub(self.burst) } else { 0 };
        self.base = block;
        self.repeated = 0;
        self.by_timeout = false;
        self.next = self.next.max(block + 1);
        self.burst = self.next;
        self.gap = partial.then(|| now + quiet);
        Acknowledgement::Advanced(ahead)
    }

    fn repeat(&mut self, now: Instant, quiet: Duration) {
        // With a window of one block nothing may be sent again on a repeated acknowledgement, or every block
        // goes twice from then on (Sorcerer's Apprentice, RFC 1123 section 4.2.3.1).
        if self.blocks == 1 || self.next == self.base + 1 {
            return;
        }
        self.repeated += 1;
        if self.repeated > self.stale && self.rewound != Some(self.base) {
            self.gap = Some(now + quiet);
        }
    }

    /// The quiet time is over.
    pub(super) fn rewind_for_gap(&mut self) {
        self.rewind();
        self.rewound = Some(self.base);
    }

    /// Nothing was heard for too long.
    pub(super) fn rewind_for_timeout(&mut self) {
        self.rewind();
        self.by_timeout = true;
    }

    /// Puts off the repair: the burst it would repeat has not left yet.
    pub(super) fn delay_gap(&mut self, until: Instant) {
        if self.gap.is_some() {
            self.gap = Some(until);
        }
    }

    fn rewind(&mut self) {
        self.next = self.base + 1;
        self.burst = self.next;
        self.repeated = 0;
        self.stale = 0;
        self.gap = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(5);

    fn send(window: &mut Window) -> Range<u64> {
        let span = window.sendable();
        window.sent(span.end - span.start, false);
        span
    }

    #[test]
    fn slides_over_a_partial_acknowledgement_and_repairs_after_quiet() {
        let now = Instant::now();
        let mut window = Window::new(4, Some(100));
        assert_eq!(send(&mut window), 1..5);
        assert_eq!(window.acknowledge(now, 2, QUIET), Acknowledgement::Advanced(2));
        assert_eq!(send(&mut window), 5..7, "3 and 4 are in flight");
        assert_eq!(window.gap(), Some(now + QUIET));
        // EDK2 answers 4, 5 and 6 with the same acknowledgement: the quiet time begins anew each time.
        assert_eq!(window.acknowledge(now + QUIET / 2, 2, QUIET), Acknowledgement::Repeated);
        assert_eq!(window.gap(), Some(now + QUIET / 2 + QUIET));
        window.rewind_for_gap();
        assert_eq!(send(&mut window), 3..7);
        // Once per base.
        assert_eq!(window.acknowledge(now + QUIET, 2, QUIET), Acknowledgement::Repeated);
        assert_eq!(window.gap(), None);
    }

    #[test]
    fn copies_sent_by_the_timeout_may_draw_as_many_acknowledgements() {
        let now = Instant::now();
        let mut window = Window::new(4, Some(100));
        send(&mut window);
        window.rewind_for_timeout();
        assert_eq!(send(&mut window), 1..5);
        // The client had everything; its acknowledgement was lost.
        assert_eq!(window.acknowledge(now, 4, QUIET), Acknowledgement::Advanced(4));
        assert_eq!(send(&mut window), 5..9);
        for _ in 0..3 {
            assert_eq!(window.acknowledge(now, 4, QUIET), Acknowledgement::Repeated);
            assert_eq!(window.gap(), None);
        }
        assert_eq!(window.acknowledge(now, 4, QUIET), Acknowledgement::Repeated);
        assert!(window.gap().is_some());
    }

    #[test]
    fn each_copy_of_the_option_acknowledgement_may_draw_one_more() {
        let now = Instant::now();
        let mut window = Window::new(4, Some(100));
        window.expect_repetitions(2);
        send(&mut window);
        for gap in [None, None, Some(now + QUIET)] {
            assert_eq!(window.acknowledge(now, 0, QUIET), Acknowledgement::Repeated);
            assert_eq!(window.gap(), gap);
        }
        window.acknowledge(now, 4, QUIET);
        send(&mut window);
        window.acknowledge(now, 4, QUIET);
        assert_eq!(window.gap(), Some(now + QUIET), "of no other block");
    }

    #[test]
    fn one_block_at_a_time_never_repeats_on_a_repeated_acknowledgement() {
        let now = Instant::now();
        let mut window = Window::new(1, Some(100));
        send(&mut window);
        assert_eq!(window.acknowledge(now, 1, QUIET), Acknowledgement::Advanced(1));
        assert_eq!(send(&mut window), 2..3);
        for _ in 0..5 {
            assert_eq!(window.acknowledge(now, 1, QUIET), Acknowledgement::Repeated);
            assert_eq!(window.gap(), None);
            assert!(window.sendable().is_empty());
        }
    }

    #[test]
    fn old_and_foreign_numbers_are_ignored() {
        let now = Instant::now();
        let mut window = Window::new(4, Some(100));
        send(&mut window);
        window.acknowledge(now, 4, QUIET);
        send(&mut window);
        for wire_block in [0, 3, 9, 100, 65535] {
            assert_eq!(window.acknowledge(now, wire_block, QUIET), Acknowledgement::Outside);
        }
    }

    #[test]
    fn an_acknowledgement_of_what_was_sent_before_a_rewind_counts() {
        let now = Instant::now();
        let mut window = Window::new(4, Some(100));
        send(&mut window);
        window.rewind_for_timeout();
        assert_eq!(window.acknowledge(now, 4, QUIET), Acknowledgement::Advanced(4));
        assert_eq!(send(&mut window), 5..9);
    }

    #[test]
    fn numbers_roll_over_to_zero() {
        let now = Instant::now();
        let mut window = Window::new(4, Some(200_000));
        while window.base() < 199_996 {
            let span = send(&mut window);
            let last = span.end - 1;
            let wire_block = u16::try_from(last % 65536).unwrap();
            assert_eq!(window.acknowledge(now, wire_block, QUIET), Acknowledgement::Advanced(4));
            assert_eq!(window.base(), last);
        }
        send(&mut window);
        let wire_block = u16::try_from(200_000 % 65536).unwrap();
        assert_eq!(window.acknowledge(now, wire_block, QUIET), Acknowledgement::Complete);
    }

    #[test]
    fn the_end_of_the_file_bounds_the_window() {
        let mut window = Window::new(16, Some(3));
        assert_eq!(send(&mut window), 1..4);
        assert!(window.sendable().is_empty());
        assert!(window.only_last_acknowledgement_missing());
    }
}
