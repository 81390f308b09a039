//! What waits for one receiver.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::journal::Record;

/// Events that wait for one receiver, about 3 kB each at most; further ones are dropped, counted and said.
pub const WEBHOOK_QUEUE_EVENTS_MAX: usize = 1_024;

/// An event on its way.
#[derive(Debug)]
pub(super) struct Notice(pub(super) Box<Record>);

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Notice>,
    dropped: u64,
    closed: bool,
}

impl Queue {
    /// Never waits for the receiver.
    pub(super) fn push(&self, notice: Notice) {
        let mut state = self.lock();
        if state.waiting.len() >= WEBHOOK_QUEUE_EVENTS_MAX {
            state.dropped += 1;
            return;
        }
        state.waiting.push_back(notice);
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for the next event, and says how many were dropped since it was last asked; none once it is closed.
    pub(super) fn pop(&self) -> Option<(Notice, u64)> {
        let state = self.lock();
        let nothing = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let waited = self.changed.wait_while(state, nothing);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        let notice = state.waiting.pop_front()?;
        Some((notice, core::mem::take(&mut state.dropped)))
    }

    /// Waits for so long; whether the queue is still open then.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        while !state.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// A panic elsewhere leaves an event out, and nothing worse.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_keeps_the_oldest_and_counts_the_rest() {
        let queue = Queue::default();
        for at in 0..WEBHOOK_QUEUE_EVENTS_MAX as u64 + 3 {
            queue.push(Notice(Box::new(Record { at, ..Record::default() })));
        }
        let (first, dropped) = queue.pop().expect("one");
        assert_eq!((first.0.at, dropped), (0, 3));
        let (second, dropped) = queue.pop().expect("one");
        assert_eq!((second.0.at, dropped), (1, 0), "dropped ones are said once");
        assert!(queue.pause(Duration::from_millis(1)));
        queue.close();
        assert!(queue.pop().is_none() && !queue.pause(Duration::from_secs(60)));
    }
}
