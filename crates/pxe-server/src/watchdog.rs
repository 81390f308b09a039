//! systemd's watchdog: told that we live as long as every loop has its turns, so that a server that hangs is started
//! anew.

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
        let (stop, stopped) = mpsc::channel::<()>();
        let tell = move || {
            let mut stuck = false;
            while stopped.recv_timeout(within / 2) == Err(RecvTimeoutError::Timeout) {
                if !vitals.is_stuck(Instant::now()) {
                    // It was there a moment ago; if it is gone, nobody watches.
                    let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
                    stuck = false;
                } else if !stuck {
                    error!(
                        "a loop hangs: systemd is not told that we live, and will start us anew"
                    );
                    stuck = true;
                }
            }
        };
        thread::Builder::new().name("watchdog".to_owned()).spawn(tell)?;
        Ok(Some(Self { _stop: stop }))
    }
}
