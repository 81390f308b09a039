//! systemd's watchdog: told that we live as long as every loop has its turns, so that a server that hangs is started
//! anew.

use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

use log::error;

use crate::driver::Vitals;

/// Tells until it is dropped.
pub struct Watchdog {
    _stop: Sender<()>,
}

impl Watchdog {
    /// Begins if systemd watches us (`WatchdogSec=`).
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn start(vitals: Arc<Vitals>) -> io::Result<Option<Self>> {
        let Some(within) = sd_notify::watchdog_enabled() else { return Ok(None) };
        let tell = || {
            // It was there a moment ago; if it is gone, nobody watches.
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        };
        Self::watch(vitals, within, tell).map(Some)
    }

    fn watch(
        vitals: Arc<Vitals>,
        within: Duration,
        tell: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let watch = move || {
            let mut stuck = false;
            while stopped.recv_timeout(within / 2) == Err(RecvTimeoutError::Timeout) {
                if !vitals.is_stuck(Instant::now()) {
                    tell();
                    stuck = false;
                } else if !stuck {
                    error!(
                        "a loop hangs: systemd is not told that we live, and will start us anew"
                    );
                    stuck = true;
                }
            }
        };
        thread::Builder::new().name("watchdog".to_owned()).spawn(watch)?;
        Ok(Self { _stop: stop })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::STUCK_AFTER;
    use crate::engine::Drops;

    #[test]
    fn nothing_is_told_while_a_loop_hangs() {
        let vitals = Arc::new(Vitals::default());
        let now = Instant::now();
        let fine = vitals.join(now);
        let long_ago = now.checked_sub(STUCK_AFTER + Duration::from_secs(1));
        let hangs = vitals.join(long_ago.expect("this computer has been up for a minute"));
        let (tell, told) = mpsc::channel();
        let tell = move || {
            let _ = tell.send(());
        };
        let within = Duration::from_millis(40);
        let watchdog = Watchdog::watch(Arc::clone(&vitals), within, tell).expect("a thread");
        fine.beat(Instant::now(), Drops::default(), 0);
        let waited = told.recv_timeout(within * 10);
        assert_eq!(waited, Err(RecvTimeoutError::Timeout), "one loop that lives is not enough");
        hangs.beat(Instant::now(), Drops::default(), 0);
        for _ in 0..3 {
            told.recv_timeout(Duration::from_secs(20)).expect("told again");
        }
        drop(watchdog);
        assert!(told.iter().count() < 100, "it ends");
    }
}
