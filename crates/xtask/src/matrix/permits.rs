//! How many machines run at a time.

use std::sync::{Condvar, Mutex, PoisonError};

/// A counter that threads wait for.
pub(super) struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Given back when it is dropped.
pub(super) struct Permit<'a> {
    permits: &'a Permits,
    count: usize,
}

impl Permits {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), freed: Condvar::new() }
    }

    pub(super) fn acquire(&self, count: usize) -> Permit<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = self.freed.wait_while(free, |free| *free < count);
        *enough.unwrap_or_else(PoisonError::into_inner) -= count;
        Permit { permits: self, count }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut free = self.permits.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free += self.count;
        self.permits.freed.notify_all();
    }
}
