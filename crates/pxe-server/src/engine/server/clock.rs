//! Leases outlive the program, so they are kept in civil time; all else here is counted from instants.

use core::time::Duration;
use std::time::Instant;

use pxe_lease::UnixSeconds;

/// What time it was at an instant, as the driver told last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    instant: Instant,
    unix_ms: u64,
}

impl Clock {
    pub(super) fn new(now: Instant, unix_ms: u64) -> Self {
        Self { instant: now, unix_ms }
    }

    pub(super) fn seconds(&self, now: Instant) -> UnixSeconds {
        let since = now.saturating_duration_since(self.instant).as_millis();
        let ms = self.unix_ms.saturating_add(u64::try_from(since).unwrap_or(u64::MAX));
        UnixSeconds(ms / 1000)
    }

    /// When it will be so late; none for never.
    pub(super) fn instant_of(&self, at: UnixSeconds) -> Option<Instant> {
        let ms = at.0.checked_mul(1000)?.saturating_sub(self.unix_ms);
        self.instant.checked_add(Duration::from_millis(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let start = Instant::now();
        let clock = Clock::new(start, 1_700_000_000_400);
        assert_eq!(clock.seconds(start), UnixSeconds(1_700_000_000));
        assert_eq!(clock.seconds(start + Duration::from_millis(600)), UnixSeconds(1_700_000_001));
        let next = clock.instant_of(UnixSeconds(1_700_000_001)).expect("an instant");
        assert_eq!(clock.seconds(next), UnixSeconds(1_700_000_001));
        assert_eq!(clock.instant_of(UnixSeconds(5)), Some(start), "what is over is due");
        assert_eq!(clock.instant_of(UnixSeconds::NEVER), None);
    }
}
