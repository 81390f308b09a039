//! How the loops end together: a signal stops the first, and whichever loop ends stops the others.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use log::info;
use mio::{Interest, Registry, Waker};
use nix::libc;
use signal_hook_mio::v1_0::Signals;

use super::ports::CONTROL;
use super::vitals::{Pulse, Vitals};

/// SIGXFSZ is not to end us: a write beyond the limit of file sizes fails, as on a full disk.
const SIGNALS: [i32; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGXFSZ];

/// All loops of a server.
#[derive(Default)]
pub struct Crew {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    wakers: Mutex<Vec<Arc<Waker>>>,
    vitals: Arc<Vitals>,
}

/// One loop's part in it.
pub struct Control {
    shared: Arc<Shared>,
    signals: Option<Signals>,
    waker: Arc<Waker>,
    is_reload_wanted: bool,
    pub(super) pulse: Arc<Pulse>,
}

impl Crew {
    /// How its loops are.
    pub fn vitals(&self) -> Arc<Vitals> {
        Arc::clone(&self.shared.vitals)
    }

    /// Another loop; the one `with_signals` watches for SIGTERM, SIGINT and SIGHUP.
    pub(super) fn join(&self, registry: &Registry, with_signals: bool) -> io::Result<Control> {
        let shared = Arc::clone(&self.shared);
        let mut signals = None;
        if with_signals {
            let mut watched = Signals::new(SIGNALS)?;
            registry.register(&mut watched, CONTROL, Interest::READABLE)?;
            signals = Some(watched);
        }
        // A registry has one waker at most; events of both mean "look whether to stop".
        let waker = Arc::new(Waker::new(registry, CONTROL)?);
        let mut wakers = shared.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.push(Arc::clone(&waker));
        drop(wakers);
        let pulse = shared.vitals.join(Instant::now());
        Ok(Control { shared, signals, waker, is_reload_wanted: false, pulse })
    }
}

impl Control {
    /// Whether this loop is to end.
    pub(super) fn must_stop(&mut self) -> bool {
        for signal in self.signals.iter_mut().flat_map(|signals| signals.pending()) {
            if signal == libc::SIGHUP {
                self.is_reload_wanted = true;
                continue;
            }
            if signal == libc::SIGXFSZ {
                continue;
            }
            info!("stopped by {}", if signal == libc::SIGINT { "SIGINT" } else { "SIGTERM" });
            self.shared.stopping.store(true, Ordering::Relaxed);
        }
        self.shared.stopping.load(Ordering::Relaxed)
    }

    /// Whether SIGHUP asked for the configuration to be read again since the last call.
    pub(super) fn take_reload(&mut self) -> bool {
        core::mem::take(&mut self.is_reload_wanted)
    }

    /// What wakes this loop from other threads.
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Whether the lease store is away now; systemd's status tells.
    pub(super) fn note_store(&self, away: bool) {
        if self.shared.vitals.set_store_away(away) && self.shared.vitals.is_ready() {
            let status =
                if away { "the lease store is away: no lease is given" } else { "serving" };
            // Without systemd there is nobody to tell.
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Status(status)]);
        }
    }

    /// This loop ends, and so do the others.
    pub(super) fn stop_others(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        for waker in self.shared.wakers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // A loop that has ended needs no waking.
            let _ = waker.wake();
        }
    }
}
