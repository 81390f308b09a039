//! How the loops are, for those who look from other threads: health, metrics, the watchdog.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::engine::{Drops, Stage};

/// After so long without a turn a loop counts as stuck. An idle one has a turn every ten seconds.
pub const STUCK_AFTER: Duration = Duration::from_secs(30);

/// All loops of a server.
#[derive(Default)]
pub struct Vitals {
    loops: Mutex<Vec<Arc<Pulse>>>,
    store_away: AtomicBool,
    ready: AtomicBool,
}

/// One loop's part.
pub(crate) struct Pulse {
    began: Instant,
    /// Milliseconds from `began` to its last turn.
    turn_ms: AtomicU64,
    dhcp: AtomicU64,
    tftp: AtomicU64,
    lost: AtomicU64,
    events: AtomicU64,
    transfers: AtomicU64,
    bytes: AtomicU64,
}

impl Vitals {
    /// Another loop begins.
    pub(crate) fn join(&self, now: Instant) -> Arc<Pulse> {
        let zero = || AtomicU64::new(0);
        let pulse = Arc::new(Pulse {
            began: now,
            turn_ms: zero(),
            dhcp: zero(),
            tftp: zero(),
            lost: zero(),
            events: zero(),
            transfers: zero(),
            bytes: zero(),
        });
        self.lock().push(Arc::clone(&pulse));
        pulse
    }

    pub(super) fn set_store_away(&self, away: bool) -> bool {
        self.store_away.swap(away, Ordering::Relaxed) != away
    }

    /// Everything is bound and read: clients are served from now on.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Whether clients are served.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Whether no lease can be given because the store does not answer.
    pub fn is_store_away(&self) -> bool {
        self.store_away.load(Ordering::Relaxed)
    }

    /// For each loop how long ago it had its last turn.
    pub fn idle(&self, now: Instant) -> Vec<Duration> {
        self.lock().iter().map(|pulse| pulse.idle(now)).collect()
    }

    /// Whether a loop is stuck.
    pub fn is_stuck(&self, now: Instant) -> bool {
        self.idle(now).into_iter().any(|idle| idle > STUCK_AFTER)
    }

    /// What all loops dropped since the start.
    pub fn drops(&self) -> Drops {
        let mut drops = Drops::default();
        for pulse in self.lock().iter() {
            drops.dhcp += pulse.dhcp.load(Ordering::Relaxed);
            drops.tftp += pulse.tftp.load(Ordering::Relaxed);
            drops.lost += pulse.lost.load(Ordering::Relaxed);
            drops.events += pulse.events.load(Ordering::Relaxed);
        }
        drops
    }

    /// TFTP transfers under way, over all loops.
    pub fn transfers(&self) -> u64 {
        self.lock().iter().map(|pulse| pulse.transfers.load(Ordering::Relaxed)).sum()
    }

    /// Bytes of files that clients have by TFTP.
    pub fn tftp_bytes(&self) -> u64 {
        self.lock().iter().map(|pulse| pulse.bytes.load(Ordering::Relaxed)).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Pulse>>> {
        self.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pulse {
    /// The loop has a turn.
    pub(crate) fn beat(&self, now: Instant, drops: Drops, transfers: usize) {
        let turn = now.saturating_duration_since(self.began).as_millis();
        self.turn_ms.store(u64::try_from(turn).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.dhcp.store(drops.dhcp, Ordering::Relaxed);
        self.tftp.store(drops.tftp, Ordering::Relaxed);
        self.lost.store(drops.lost, Ordering::Relaxed);
        self.events.store(drops.events, Ordering::Relaxed);
        self.transfers.store(transfers as u64, Ordering::Relaxed);
    }

    /// A step of a client's story on this loop.
    pub(super) fn count(&self, stage: &Stage) {
        if let Stage::Delivered { bytes, .. } | Stage::Closed { bytes, .. } = stage {
            self.bytes.fetch_add(*bytes, Ordering::Relaxed);
        }
    }

    fn idle(&self, now: Instant) -> Duration {
        let turn = Duration::from_millis(self.turn_ms.load(Ordering::Relaxed));
        now.saturating_duration_since(self.began).saturating_sub(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_without_turns_is_stuck_and_drops_add_up() {
        let (vitals, start) = (Vitals::default(), Instant::now());
        let pulses = [vitals.join(start), vitals.join(start)];
        let drops = Drops { dhcp: 1, tftp: 2, lost: 3, events: 4 };
        let later = start + STUCK_AFTER;
        pulses[0].beat(later, drops, 5);
        pulses[1].beat(start, drops, 6);
        assert!(!vitals.is_stuck(later));
        assert!(vitals.is_stuck(later + Duration::from_millis(1)));
        assert_eq!(vitals.drops(), Drops { dhcp: 2, tftp: 4, lost: 6, events: 8 });
        assert_eq!(vitals.transfers(), 11);
        pulses[1].beat(later, drops, 0);
        assert!(!vitals.is_stuck(later + Duration::from_millis(1)));
    }
}
