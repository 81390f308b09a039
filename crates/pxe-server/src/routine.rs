//! Something that is done from time to time, in a thread of its own: a slow disk delays no client.

use core::time::Duration;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

/// Dropped, it is done for the last time, and that is waited for.
pub(crate) struct Routine {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Routine {
    /// Begins: the first time comes after `every`.
    ///
    /// # Errors
    /// If no thread can be made.
    pub(crate) fn start(
        name: &str,
        every: Duration,
        mut work: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let run = move || {
            loop {
                let is_last = stopped.recv_timeout(every) != Err(RecvTimeoutError::Timeout);
                work();
                if is_last {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Routine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed, and there is nothing to save from here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn it_is_done_again_and_once_more_at_the_end() {
        let count = Arc::new(AtomicUsize::new(0));
        let counting = |every| {
            let counted = Arc::clone(&count);
            let work = move || {
                counted.fetch_add(1, Ordering::SeqCst);
            };
            Routine::start("counts", every, work).expect("a thread")
        };
        drop(counting(Duration::from_secs(3_600)));
        assert_eq!(count.load(Ordering::SeqCst), 1, "at the end only");
        let often = counting(Duration::from_millis(1));
        while count.load(Ordering::SeqCst) < 4 {
            thread::yield_now();
        }
        drop(often);
        assert!(count.load(Ordering::SeqCst) > 4, "and at the end");
    }
}
