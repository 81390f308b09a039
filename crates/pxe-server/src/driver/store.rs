//! The lease store's thread: the only place that waits for a disk or a database.
//!
//! The loop hands it one batch whenever it is idle, so that each batch is all that came meanwhile, and is woken when
//! the batch is durable.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use log::{info, warn};
use mio::Waker;
use pxe_lease::{Batch, BatchId, Cursor, LeaseRecord, LeaseStore, Outcome, StoreError};

/// How often a store is asked for what other servers wrote, where there can be others.
const POLLED_EVERY: Duration = Duration::from_secs(1);
/// How long the end of the program waits for what is on its way into the store.
pub(super) const FLUSH_PATIENCE: Duration = Duration::from_secs(5);
/// How long the start of the program waits for a store to be read.
pub(super) const LOAD_PATIENCE: Duration = Duration::from_secs(60);
/// Records that are told at once while a store is read.
const TOLD_AT_ONCE: usize = 4096;

/// What the thread tells.
pub(super) enum Told {
    /// Records of the store: at the start, or of other servers.
    Records(Vec<LeaseRecord>),
    /// All records of the start are told.
    Loaded,
    /// They cannot be read for now; it is tried again.
    Unread,
    /// A batch is durable, or failed.
    Committed(BatchId, Result<Vec<Outcome>, StoreError>),
}

/// A store, before its thread runs.
pub struct Store {
    store: Box<dyn LeaseStore>,
    is_shared: bool,
}

impl Store {
    /// A store that other servers use too, if `is_shared`: then what they write is asked for.
    pub fn new(store: Box<dyn LeaseStore>, is_shared: bool) -> Self {
        Self { store, is_shared }
    }

    /// Begins to read it. `waker` wakes the loop.
    pub(super) fn start(self, waker: Arc<Waker>) -> io::Result<StoreThread> {
        let (hand, jobs) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let worker = Worker { store: self.store, is_shared: self.is_shared, jobs, tell, waker };
        let thread = thread::Builder::new().name("leases".to_owned()).spawn(|| worker.run())?;
        Ok(StoreThread { jobs: Some(hand), told, thread: Some(thread), is_busy: false })
    }
}

/// What the thread is asked.
enum Job {
    Store(Batch),
    /// Tell all records once more.
    Read,
}

/// The loop's end of it.
pub(super) struct StoreThread {
    jobs: Option<Sender<Job>>,
    told: Receiver<Told>,
    thread: Option<JoinHandle<()>>,
    is_busy: bool,
}

impl StoreThread {
    /// Whether it has no batch now.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_busy
    }

    /// Has a batch stored.
    pub(super) fn store(&mut self, batch: Batch) {
        self.is_busy = self.ask(Job::Store(batch));
    }

    /// Has all records told once more, in front of the next batch.
    pub(super) fn read_again(&self) {
        // A thread that has ended is found out by itself.
        let _ = self.ask(Job::Read);
    }

    fn ask(&self, job: Job) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
    }

    /// What it has told since.
    pub(super) fn poll(&mut self) -> Option<Told> {
        let told = match self.told.try_recv() {
            Ok(told) => told,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
        };
        self.note(&told);
        Some(told)
    }

    /// The same, with patience until `deadline`.
    pub(super) fn wait(&mut self, deadline: Instant) -> Option<Told> {
        let left = deadline.saturating_duration_since(Instant::now());
        let told = self.told.recv_timeout(left).ok()?;
        self.note(&told);
        Some(told)
    }

    fn note(&mut self, told: &Told) {
        if matches!(told, Told::Committed(..)) {
            self.is_busy = false;
        }
    }

    /// Whether the thread has ended before its time.
    pub(super) fn is_dead(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // One that still waits for a database is left to the end of the process.
        if let Some(thread) = self.thread.take()
            && !self.is_busy
        {
            let _ = thread.join();
        }
    }
}

struct Worker {
    store: Box<dyn LeaseStore>,
    is_shared: bool,
    jobs: Receiver<Job>,
    tell: Sender<Told>,
    waker: Arc<Waker>,
}

impl Worker {
    fn run(mut self) {
        let Some(mut cursor) = self.load() else { return };
        let mut poll_at = Instant::now() + POLLED_EVERY;
        let mut is_failing = false;
        let mut is_to_read = false;
        loop {
            let job = if self.is_shared {
                self.jobs.recv_timeout(poll_at.saturating_duration_since(Instant::now()))
            } else {
                self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match job {
                Ok(Job::Read) => is_to_read = true,
                Ok(Job::Store(batch)) => {
                    let result = self.store.apply(&batch.records);
                    self.tell(Told::Committed(batch.id, result));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if is_to_read {
                match self.read() {
                    Ok(read) => (cursor, is_to_read) = (read, false),
                    // Tried again with the next batch; one comes every second while the store is away.
                    Err(error) => warn!("the lease store cannot be read again yet: {error}"),
                }
            }
            if self.is_shared && Instant::now() >= poll_at {
                cursor = self.read_changes(cursor, &mut is_failing);
                poll_at = Instant::now() + POLLED_EVERY;
            }
        }
    }

    /// Reads all of it, however often that takes; none if the program ends before.
    fn load(&mut self) -> Option<Cursor> {
        let mut is_failing = false;
        loop {
            match self.read() {
                Ok(cursor) => {
                    self.tell(Told::Loaded);
                    if is_failing {
                        info!("the lease store is there, and clients are answered");
                    }
                    return Some(cursor);
                }
                Err(error) if !is_failing => {
                    warn!(
                        "no client is given an address until the lease store can be read: {error}"
                    );
                    is_failing = true;
                    self.tell(Told::Unread);
                }
                Err(_) => {}
            }
            // Nobody hands over a batch before it is loaded: this is the pause, and the end of the program.
            if let Err(RecvTimeoutError::Disconnected) = self.jobs.recv_timeout(POLLED_EVERY) {
                return None;
            }
        }
    }

    /// Tells every record there is.
    fn read(&mut self) -> Result<Cursor, StoreError> {
        let mut records = Vec::new();
        let Self { store, tell, .. } = self;
        let cursor = store.load(&mut |record| {
            records.push(record);
            if records.len() >= TOLD_AT_ONCE {
                let _ = tell.send(Told::Records(core::mem::take(&mut records)));
            }
        })?;
        self.tell(Told::Records(records));
        Ok(cursor)
    }

    fn read_changes(&mut self, cursor: Cursor, is_failing: &mut bool) -> Cursor {
        let mut records = Vec::new();
        let read = self.store.changes_since(cursor, &mut |record| records.push(record));
        if !records.is_empty() {
            self.tell(Told::Records(records));
        }
        match read {
            Ok(next) => {
                if core::mem::take(is_failing) {
                    info!("the lease store can be read again");
                }
                next
            }
            Err(error) => {
                if !core::mem::replace(is_failing, true) {
                    warn!("leases of other servers cannot be read: {error}");
                }
                cursor
            }
        }
    }

    fn tell(&self, told: Told) {
        // A loop that has ended needs neither.
        let _ = self.tell.send(told);
        let _ = self.waker.wake();
    }
}
