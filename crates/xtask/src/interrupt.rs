//! Ctrl-C and SIGTERM: noted, so that every loop can end and clean up behind itself.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Arc, OnceLock};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Context as _, Result, fail};

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Starts the watch. Interrupted again, the program ends at once; what stays behind then is
/// removed by the next run.
pub(crate) fn watch() -> Result<()> {
    let noted = Arc::clone(INTERRUPTED.get_or_init(Arc::default));
    for signal in [SIGINT, SIGTERM] {
        let watching = || "watching for SIGINT and SIGTERM".to_owned();
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&noted)).context(watching)?;
        flag::register(signal, Arc::clone(&noted)).context(watching)?;
    }
    Ok(())
}

/// An error once the user has asked to stop.
pub(crate) fn check() -> Result<()> {
    let interrupted = INTERRUPTED.get().is_some_and(|noted| noted.load(Ordering::SeqCst));
    if interrupted { fail("interrupted") } else { Ok(()) }
}

/// Sleeps, in short steps, and ends early with an error when the user asks to stop.
pub(crate) fn pause(duration: Duration) -> Result<()> {
    const STEP: Duration = Duration::from_millis(100);
    let mut left = duration;
    while !left.is_zero() {
        check()?;
        let step = left.min(STEP);
        thread::sleep(step);
        left = left.saturating_sub(step);
    }
    check()
}
