//! The journal: what every loop and HTTP tell of every machine, in one place, bounded, and kept across restarts.
//!
//! [`Journal::tell`] takes each event; views ([`Journal::machines`], [`Journal::machine`],
//! [`Journal::changes_since`]) and whoever [subscribes](Journal::subscribe) read it. Nothing here reads the clock: times
//! come with the events, as an instant and as milliseconds of UNIX time.
//!
//! Memory: at most [`STORIES_MAX`] machines, [`ENTRIES_PER_STORY_MAX`] entries each of at most [`ENTRY_BYTES_MAX`]
//! bytes, and [`JOURNAL_BYTES_MAX`] bytes in all. Who makes room for whom is in `book`.

mod book;
mod file;
mod keeper;
mod machine;
mod record;
mod role;
mod story;

use core::net::IpAddr;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use crate::engine::{ClientId, Event, Stage};
use crate::watch::{Noticed, Watcher};
use book::{Book, Place};
pub use file::{FILE_BYTES_MAX, read as read_file};
pub use keeper::{Keeper, Reader};
pub use record::{ENTRY_BYTES_MAX, Record};
pub use role::Role;
pub use story::{
    Changes, Counts, Filter, MachineStory, MachineSummary, Progress, StageTime, Step, StoryEntry,
    Verdict,
};

/// Machines with a story; who makes room for whom is in `book`. About 1 kB each besides their entries.
pub const STORIES_MAX: usize = 16_384;
/// Of them, those that never fetched a file: anybody can make up hardware addresses.
pub const STRANGERS_MAX: usize = 8_192;
/// Stories that ended, of which those are told who follow the list: about 40 bytes each. Who is further behind reads the list
/// anew.
pub const GONE_TOLD_MAX: usize = 4_096;
/// Relays that are told.
pub const RELAYS_TOLD_MAX: usize = 16;
/// Entries of one story; the oldest makes room.
pub const ENTRIES_PER_STORY_MAX: usize = 64;
/// Bytes of all stories together.
pub const JOURNAL_BYTES_MAX: usize = 64 << 20;
/// Bytes of entries that wait to be written to the file; beyond this the file has a gap, which is told.
pub const PENDING_BYTES_MAX: usize = 8 << 20;

/// What subscribers are told.
#[derive(Clone, Copy, Debug)]
pub struct Told<'e> {
    /// When, in milliseconds of UNIX time.
    pub unix_ms: u64,
    /// The event as it came.
    pub event: &'e Event,
    /// The machine's firmware, if that is known by now.
    pub firmware: Option<&'e Arc<str>>,
    /// The same step had been told before it: a retransmission, or a machine that tries for ever.
    pub repeated: bool,
    /// See [`Noted::left_out`].
    pub left_out: bool,
}

/// What became of an event, for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The machine's firmware, if that is known by now.
    pub firmware: Option<Arc<str>>,
    /// There are more strangers than can have a story, and this is one of them that has none.
    pub left_out: bool,
}

/// Whoever wants to hear every event: metrics, web hooks, live pages.
pub trait Sink: Send + Sync {
    /// Called on the thread that told it, a loop of the server as like as not: must not wait for anything.
    fn take(&self, told: &Told<'_>);
}

/// Whoever can look into boot programs that were delivered.
pub trait Signatures: Send + Sync {
    /// Whether this file is signed for Secure Boot; none if it is no EFI program, or is not there. May wait for a disk.
    fn is_signed(&self, file: &str) -> Option<bool>;
}

/// See the module's documentation.
pub struct Journal {
    state: Mutex<State>,
    changed: Condvar,
    sinks: RwLock<Vec<Arc<dyn Sink>>>,
    signatures: OnceLock<Box<dyn Signatures>>,
}

struct State {
    book: Book,
    /// For the file, in order; none if nobody writes one.
    pending: Option<Pending>,
    watcher: Watcher,
    /// Threads that wait for a change: to wake nobody costs a system call too.
    waiting: usize,
}

#[derive(Default)]
struct Pending {
    records: Vec<Arc<Record>>,
    bytes: usize,
    lost: u64,
}

impl Journal {
    /// An empty one.
    #[allow(clippy::new_ret_no_self, reason = "it is of no use unless it is shared")]
    pub fn new() -> Arc<Self> {
        let (book, watcher) = (Book::default(), Watcher::default());
        let state = State { book, pending: None, watcher, waiting: 0 };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            sinks: RwLock::new(Vec::new()),
            signatures: OnceLock::new(),
        })
    }

    /// Takes an event. `unix_ms` is the time of `now` in milliseconds of UNIX time.
    pub fn tell(&self, now: Instant, unix_ms: u64, event: &Event) -> Noted {
        // A question of `doctor` is no machine, and would be a silent one for ever.
        if event.client.is_doctor() {
            return Noted::default();
        }
        let noted = self.write(now, unix_ms, event);
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        if !sinks.is_empty() {
            let firmware = noted.firmware.as_ref();
            let left_out = noted.left_out;
            let told = Told { unix_ms, event, firmware, repeated: event.repeated, left_out };
            sinks.iter().for_each(|sink| sink.take(&told));
        }
        noted
    }

    /// Into the book and what waits for the file.
    fn write(&self, now: Instant, unix_ms: u64, event: &Event) -> Noted {
        let mut state = self.lock();
        let State { book, pending, watcher, waiting } = &mut *state;
        let sequence = book.sequence();
        watcher.handle_event(now, book.resolve(unix_ms, event.client), &event.stage);
        let is_known = event.repeated && book.repeat(unix_ms, event.client, &event.stage);
        let mut left_out = false;
        if !is_known {
            // Of strangers in a flood nothing is kept, so nothing is put into words.
            let place = book.place(unix_ms, event.client, event.stage.word(), event.stage.file());
            left_out = place == Place::Full;
            if place == Place::Has {
                let record = Arc::new(Record::new(unix_ms, event));
                book.apply(event.client, &record);
                if let Some(pending) = pending {
                    pending.push(record);
                }
            }
        }
        if *waiting > 0 && book.sequence() != sequence {
            self.changed.notify_all();
        }
        Noted { firmware: book.firmware(event.client), left_out }
    }

    /// Asked of boot programs that were not started, from now on.
    pub fn set_signatures(&self, signatures: Box<dyn Signatures>) {
        // There is one set of files.
        let _ = self.signatures.set(signatures);
    }

    /// Tells the silences that are due, and returns them for the log. To be called every now and then, where a disk may be
    /// waited for.
    pub fn handle_timeout(&self, now: Instant, unix_ms: u64) -> Vec<Event> {
        let noticed: Vec<Noticed> = {
            let watcher = &mut self.lock().watcher;
            watcher.handle_timeout(now);
            core::iter::from_fn(|| watcher.poll_event()).collect()
        };
        let event = |noticed| {
            let Noticed { client, mut stage, program } = noticed;
            if let (Some((silence, file)), Stage::Silent { causes, .. }) = (&program, &mut stage) {
                let is_signed = self.signatures.get().and_then(|it| it.is_signed(file));
                if is_signed.is_some() {
                    *causes = silence.causes_if_signed(is_signed).to_vec();
                }
            }
            Event { client, repeated: false, stage, detail: None }
        };
        let silences: Vec<Event> = noticed.into_iter().map(event).collect();
        for event in &silences {
            self.tell(now, unix_ms, event);
        }
        silences
    }

    /// Takes over what an earlier run kept, in its order.
    pub fn restore(&self, records: impl IntoIterator<Item = Record>) {
        let mut state = self.lock();
        for record in records {
            if let Ok(client) = record.client.parse()
                && state.book.place(record.at, client, &record.stage, record.file.as_deref())
                    == Place::Has
            {
                state.book.apply(client, &Arc::new(record));
            }
        }
    }

    /// Has every event from now on.
    pub fn subscribe(&self, sink: Arc<dyn Sink>) {
        self.sinks.write().unwrap_or_else(PoisonError::into_inner).push(sink);
    }

    /// The machines that pass `filter`, those heard of last first.
    pub fn machines(&self, filter: &Filter) -> Vec<MachineSummary> {
        self.lock().book.machines(filter)
    }

    /// The story of one machine: by its hardware address, or by an IP address that it has or had.
    pub fn machine(&self, id: &str) -> Option<MachineStory> {
        let client: ClientId = id.trim().parse().ok()?;
        self.lock().book.story(client)
    }

    /// What changed since `sequence` was the last change. All machines if this journal never gave that sequence.
    pub fn changes_since(&self, sequence: u64) -> Changes {
        self.lock().book.changes_since(sequence)
    }

    /// The number of the last change.
    pub fn sequence(&self) -> u64 {
        self.lock().book.sequence()
    }

    /// Waits until there is a change after `sequence`, or for so long; the number of the last change.
    pub fn wait(&self, sequence: u64, patience: Duration) -> u64 {
        let mut state = self.lock();
        state.waiting += 1;
        let waited = self
            .changed
            .wait_timeout_while(state, patience, |state| state.book.sequence() == sequence);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.book.sequence()
    }

    /// Whether what stands behind a step of this machine is kept: its packet's fields and the decision's reasons. Not
    /// for strangers that find no place.
    pub fn keeps(&self, unix_ms: u64, client: ClientId, stage: &Stage) -> bool {
        self.lock().book.may_have_place(unix_ms, client, stage.word())
    }

    /// A machine's firmware, if that is known by now.
    pub fn firmware(&self, client: ClientId) -> Option<Arc<str>> {
        self.lock().book.firmware(client)
    }

    /// Relays that brought messages of machines with a story, at most [`RELAYS_TOLD_MAX`].
    pub fn relays(&self) -> Vec<IpAddr> {
        self.lock().book.relays()
    }

    /// How full it is.
    pub fn counts(&self) -> Counts {
        self.lock().book.counts()
    }

    /// From now on events wait for the file.
    fn keep_pending(&self) {
        self.lock().pending.get_or_insert_default();
    }

    /// What waits for the file, and how many entries found no room there.
    fn take_pending(&self) -> (Vec<Arc<Record>>, u64) {
        match &mut self.lock().pending {
            Some(pending) => {
                let Pending { records, lost, .. } = core::mem::take(pending);
                (records, lost)
            }
            None => (Vec::new(), 0),
        }
    }

    /// A panic elsewhere leaves a story incomplete, and nothing worse.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn push(&mut self, record: Arc<Record>) {
        let bytes = record.bytes();
        if self.bytes + bytes > PENDING_BYTES_MAX {
            self.lost += 1;
            return;
        }
        self.bytes += bytes;
        self.records.push(record);
    }
}

#[cfg(test)]
mod tests;
