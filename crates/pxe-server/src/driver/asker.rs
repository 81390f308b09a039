//! Questions of other threads to the first loop, which has the leases and the configuration.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use mio::Waker;
use pxe_lease::LeaseRecord;

use crate::config::Faults;
use crate::engine::PoolUse;

/// How long a loop may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// All leases.
    Leases,
    /// The lease of this address ends.
    Release(Ipv4Addr),
    /// How full the pools are.
    Pools,
    /// Read the configuration again, as after SIGHUP.
    Reload,
}

/// What it says.
#[derive(Debug)]
pub enum Answer {
    /// Every record.
    Leases(Vec<LeaseRecord>),
    /// Each network's pools.
    Pools(Vec<PoolUse>),
    /// It is done.
    Done,
    /// It cannot be done, and why.
    Refused(String),
    /// The configuration has these faults, and everything stays as it was.
    Faults(Faults),
}

/// A question that waits for the loop.
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) answer: Sender<Answer>,
}

/// Asks the first loop.
#[derive(Clone)]
pub struct Asker {
    ask: Sender<Asked>,
    waker: Arc<Waker>,
}

impl Asker {
    pub(super) fn new(waker: Arc<Waker>) -> (Self, Receiver<Asked>) {
        let (ask, asked) = mpsc::channel();
        (Self { ask, waker }, asked)
    }

    /// Asks, and waits for the answer: not on a thread that others wait for.
    ///
    /// # Errors
    /// If the loop has ended, or does not answer in time.
    pub fn ask(&self, question: Question) -> Result<Answer, AskError> {
        let (answer, answered) = mpsc::channel();
        self.ask.send(Asked { question, answer }).map_err(|_| AskError::Ended)?;
        self.waker.wake().map_err(|_| AskError::Ended)?;
        answered.recv_timeout(PATIENCE).map_err(|_| AskError::Late)
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The loop is no more.
    #[error("the server is ending")]
    Ended,
    /// It has other things to do.
    #[error("the server's loop gave no answer in time")]
    Late,
}
