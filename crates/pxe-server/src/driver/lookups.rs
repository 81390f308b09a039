//! Threads that wait for an inventory, so that the loop need not: a machine's address goes in, an answer comes out.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use mio::Waker;

use crate::engine::InventoryAnswer;

/// Threads that wait for answers of an inventory.
pub const LOOKUP_THREADS_MAX: usize = 16;
/// Look-ups handed to the threads and not yet answered; further ones wait in the engine.
pub const LOOKUPS_IN_FLIGHT_MAX: usize = 64;

/// Knows what a machine boots, or finds it out.
pub trait Ask: Send + Sync {
    /// Asks about one machine, and may take its time.
    fn ask(&self, mac: [u8; 6]) -> InventoryAnswer;
}

/// The loop's end of it.
pub(super) struct Lookups {
    questions: Sender<[u8; 6]>,
    answers: Receiver<([u8; 6], InventoryAnswer)>,
    in_flight: usize,
}

impl Lookups {
    /// Starts the threads. They end with the program, or with the loop.
    pub(super) fn start(ask: Arc<dyn Ask>, waker: &Arc<Waker>) -> io::Result<Self> {
        let (questions, asked) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..LOOKUP_THREADS_MAX {
            let (ask, asked) = (Arc::clone(&ask), Arc::clone(&asked));
            let (answer, waker) = (answer.clone(), Arc::clone(waker));
            let work = move || {
                loop {
                    let next = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(mac) = next else { return };
                    if answer.send((mac, ask.ask(mac))).is_err() {
                        return;
                    }
                    // A loop that has ended needs no waking.
                    let _ = waker.wake();
                }
            };
            thread::Builder::new().name("inventory".to_owned()).spawn(work)?;
        }
        Ok(Self { questions, answers, in_flight: 0 })
    }

    pub(super) fn has_room(&self) -> bool {
        self.in_flight < LOOKUPS_IN_FLIGHT_MAX
    }

    pub(super) fn ask(&mut self, mac: [u8; 6]) {
        if self.questions.send(mac).is_ok() {
            self.in_flight += 1;
        }
    }

    pub(super) fn poll(&mut self) -> Option<([u8; 6], InventoryAnswer)> {
        let answered = self.answers.try_recv().ok()?;
        self.in_flight = self.in_flight.saturating_sub(1);
        Some(answered)
    }
}
