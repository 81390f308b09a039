//! Which block is the next and when to acknowledge: the receiver's half of RFC 7440, and of RFC 1350 with a window of
//! one block. The client reads with it, the server takes uploads with it.

use std::time::Instant;

use crate::limits::REACKNOWLEDGE_INTERVAL_MIN;

/// Blocks are counted in 64 bits here, from 1; the wire has the lower 16.
#[derive(Debug)]
pub(crate) struct Receiver {
    window_size: u64,
    /// Last block received in order.
    received: u64,
    /// Last block acknowledged; the window is counted from here, as the server does.
    acknowledged: u64,
    /// When the last acknowledgement was sent.
    acknowledged_at: Option<Instant>,
    /// Whether the present gap was reported. Once per gap, or every block behind it would draw a window.
    gap_reported: bool,
    /// An acknowledgement is to be sent.
    due: bool,
}

/// What a DATA packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next block: this one, counted from 1.
    Next(u64),
    /// A later one or one received before.
    OutOfOrder,
}

impl Receiver {
    pub(crate) fn new(window_size: u16) -> Self {
        Self {
            window_size: window_size.max(1).into(),
            received: 0,
            acknowledged: 0,
            acknowledged_at: None,
            gap_reported: false,
            due: false,
        }
    }

    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn arrive(&mut self, now: Instant, wire_block: u16, ends_file: bool) -> Arrival {
        let expected = self.received + 1;
        // How far ahead of the expected block, or behind it if that is nearer.
        match wire_block.wrapping_sub(wire(expected)) {
            0 => {
                self.received = expected;
                self.gap_reported = false;
                let full = self.received - self.acknowledged >= self.window_size;
                self.due |= full || ends_file;
                return Arrival::Next(expected);
            }
            1..0x8000 => {
                self.due |= !self.gap_reported;
                self.gap_reported = true;
            }
            _ => self.due |= self.may_repeat(now),
        }
        Arrival::OutOfOrder
    }

    /// Whether an acknowledgement is to be sent.
    pub(crate) const fn is_due(&self) -> bool {
        self.due
    }

    /// Asks for the last acknowledgement again.
    pub(crate) fn repeat(&mut self) {
        self.due = true;
    }

    /// The block to acknowledge now.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<u16> {
        if !core::mem::take(&mut self.due) {
            return None;
        }
        self.acknowledged = self.received;
        self.acknowledged_at = Some(now);
        Some(wire(self.received))
    }

    fn may_repeat(&self, now: Instant) -> bool {
        self.acknowledged_at
            .is_none_or(|at| now.saturating_duration_since(at) >= REACKNOWLEDGE_INTERVAL_MIN)
    }
}

const fn wire(block: u64) -> u16 {
    let [.., high, low] = block.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledges_windows_and_the_end() {
        let now = Instant::now();
        let mut receiver = Receiver::new(3);
        receiver.repeat();
        assert_eq!(receiver.poll(now), Some(0));
        for (block, acknowledged) in [(1, None), (2, None), (3, Some(3)), (4, None)] {
            receiver.arrive(now, block, false);
            assert_eq!(receiver.poll(now), acknowledged);
        }
        receiver.arrive(now, 5, true);
        assert_eq!(receiver.poll(now), Some(5));
    }

    #[test]
    fn reports_a_gap_once_and_counts_from_there() {
        let now = Instant::now();
        let mut receiver = Receiver::new(4);
        receiver.arrive(now, 1, false);
        for (block, acknowledged) in [(3, Some(1)), (4, None), (2, None), (3, None), (4, None)] {
            receiver.arrive(now, block, false);
            assert_eq!(receiver.poll(now), acknowledged);
        }
        receiver.arrive(now, 5, false);
        assert_eq!(receiver.poll(now), Some(5), "four blocks after the last acknowledgement");
        receiver.arrive(now, 7, false);
        assert_eq!(receiver.poll(now), Some(5), "another gap");
    }

    #[test]
    fn old_blocks_are_acknowledged_again_but_not_all() {
        let start = Instant::now();
        let mut receiver = Receiver::new(1);
        receiver.arrive(start, 1, false);
        assert_eq!(receiver.poll(start), Some(1));
        receiver.arrive(start, 1, false);
        assert_eq!(receiver.poll(start), None);
        let later = start + REACKNOWLEDGE_INTERVAL_MIN;
        receiver.arrive(later, 1, false);
        assert_eq!(receiver.poll(later), Some(1));
    }

    #[test]
    fn numbers_roll_over_to_zero() {
        let now = Instant::now();
        let mut receiver = Receiver::new(1);
        for block in 1..=70_000_u64 {
            assert_eq!(receiver.arrive(now, wire(block), false), Arrival::Next(block));
            assert_eq!(receiver.poll(now), Some(wire(block)));
        }
    }
}
