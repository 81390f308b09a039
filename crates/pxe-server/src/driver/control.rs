//! How the loops end together: a signal stops the first, and whichever loop ends stops the others.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use log::info;
use mio::{Interest, Registry, Waker};
use nix::libc;
use signal_hook_mio::v1_0::Signals;

use super::ports::CONTROL;

/// All loops of a server.
#[derive(Default)]
pub struct Crew {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

/// One loop's part in it.
pub struct Control {
    shared: Arc<Shared>,
    signals: Option<Signals>,
}

impl Crew {
    /// Another loop; the one `with_signals` watches for SIGTERM and SIGINT.
    pub(super) fn join(&self, registry: &Registry, with_signals: bool) -> io::Result<Control> {
        let shared = Arc::clone(&self.shared);
        let mut signals = None;
        if with_signals {
            let mut watched = Signals::new([libc::SIGTERM, libc::SIGINT])?;
            registry.register(&mut watched, CONTROL, Interest::READABLE)?;
            signals = Some(watched);
        }
        // A registry has one waker at most; events of both mean "look whether to stop".
        let waker = Waker::new(registry, CONTROL)?;
        shared.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(waker);
        Ok(Control { shared, signals })
    }
}

impl Control {
    /// Whether this loop is to end.
    pub(super) fn must_stop(&mut self) -> bool {
        if let Some(signals) = &mut self.signals
            && let Some(signal) = signals.pending().next()
        {
            info!("stopped by {}", if signal == libc::SIGINT { "SIGINT" } else { "SIGTERM" });
            self.shared.stopping.store(true, Ordering::Relaxed);
        }
        self.shared.stopping.load(Ordering::Relaxed)
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
