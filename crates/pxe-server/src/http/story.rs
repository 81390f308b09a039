//! What HTTP clients do, told in their stories as TFTP's is: requested, delivered, tried, denied.

use core::net::IpAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use log::warn;
use tokio::sync::Notify;

use super::slots::Work;
use crate::engine::{
    ClientId, Detail, LastPiece, SEARCH_ENDS_AFTER, Shared, Shortfall, Stage, has_news,
};
use crate::journal::Journal;
use crate::logging;
use crate::state::unix_ms;

/// Lines of one second; further ones are counted. A stranger can ask many thousand times a second.
pub const LINES_PER_SECOND_MAX: u32 = 200;
/// Progress is looked at no more often, as in TFTP.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// Tells, and follows searches to their end.
pub(super) struct Story {
    pub(super) shared: Arc<Shared>,
    journal: Arc<Journal>,
    lines: Mutex<Lines>,
    missed: Notify,
    /// Bytes of files that left, over all connections.
    pub(super) sent_bytes: AtomicU64,
}

struct Lines {
    second: Instant,
    told: u32,
    left_out: u64,
}

impl Lines {
    /// Whether another line may be told, and how many were left out in a second that is over.
    fn count(&mut self, now: Instant) -> (bool, u64) {
        let mut left_out = 0;
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            left_out = core::mem::take(&mut self.left_out);
            (self.second, self.told) = (now, 0);
        }
        let may = self.told < LINES_PER_SECOND_MAX;
        if may {
            self.told += 1;
        } else {
            self.left_out += 1;
        }
        (may, left_out)
    }
}

impl Story {
    pub(super) fn new(shared: Arc<Shared>, journal: Arc<Journal>) -> Self {
        let lines = Lines { second: Instant::now(), told: 0, left_out: 0 };
        Self {
            shared,
            journal,
            lines: Mutex::new(lines),
            missed: Notify::new(),
            sent_bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn tell(&self, client: ClientId, stage: Stage) {
        self.tell_event(client, stage, None);
    }

    /// With what the request said.
    pub(super) fn tell_with(&self, client: ClientId, stage: Stage, detail: Detail) {
        self.tell_event(client, stage, Some(detail));
    }

    fn tell_event(&self, client: ClientId, stage: Stage, detail: Option<Detail>) {
        let now = Instant::now();
        let event = self.shared.event(now, client, stage, || detail);
        let noted = self.journal.tell(now, unix_ms(), &event);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (may, left_out) = lines.count(now);
        drop(lines);
        if left_out > 0 {
            warn!(
                "left out {left_out} lines about HTTP, more than {LINES_PER_SECOND_MAX} a second"
            );
        }
        if may {
            logging::tell(&event, &noted);
        }
    }

    /// A client asked for a file that is not there.
    pub(super) fn tell_missing(&self, client: ClientId, file: String) {
        self.shared.missed(Instant::now(), client, &file);
        self.missed.notify_one();
        self.tell(client, Stage::Tried { file });
    }

    /// Tells searches when they have ended in vain. Never ends itself.
    pub(super) async fn follow_searches(&self) {
        loop {
            self.missed.notified().await;
            let mut wait = Some(SEARCH_ENDS_AFTER);
            while let Some(time) = wait {
                tokio::time::sleep(time).await;
                let now = Instant::now();
                let (ended, next) = self.shared.ended_searches(now);
                for (client, stage) in ended {
                    self.tell(client, stage);
                }
                wait = next.map(|next| next.saturating_duration_since(now));
            }
        }
    }
}

/// An answer on its way to its client. What became of it is told when the last byte has gone or nobody is left to
/// send it.
pub(super) struct Delivery {
    work: Work,
    file: Option<File>,
}

/// The file of a delivery.
pub(super) struct File {
    pub(super) story: Arc<Story>,
    pub(super) client: ClientId,
    pub(super) name: String,
    /// Bytes of the answer.
    pub(super) bytes: u64,
    /// Where it begins, if it is a part.
    pub(super) part: Option<u64>,
    /// Where a machine asked for a bait, and which, if this is the answer.
    pub(super) baited: Option<(IpAddr, ClientId)>,
    /// With the whole file an order is spent.
    pub(super) last_piece: Option<LastPiece>,
    /// What the file, a text for this machine, should have had in it.
    pub(super) shortfall: Option<Shortfall>,
    started: Instant,
    /// Bytes that the system took to send.
    sent: AtomicU64,
    told: Mutex<(Instant, u64)>,
    trouble: Mutex<Option<String>>,
}

impl File {
    pub(super) fn new(
        story: Arc<Story>,
        client: ClientId,
        name: String,
        bytes: u64,
        part: Option<u64>,
    ) -> Self {
        let started = Instant::now();
        let told = Mutex::new((started, 0));
        let (sent, trouble) = (AtomicU64::new(0), Mutex::default());
        Self {
            story,
            client,
            name,
            bytes,
            part,
            baited: None,
            last_piece: None,
            shortfall: None,
            started,
            sent,
            told,
            trouble,
        }
    }

    fn sent(&self, bytes: usize) {
        let sent = self.sent.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        self.story.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now.saturating_duration_since(told.0) >= PROGRESS_EVERY && sent < self.bytes;
        if due && has_news(&mut told, now, sent, self.bytes) {
            drop(told);
            let (file, size) = (self.name.clone(), self.bytes);
            self.story.tell(self.client, Stage::Progress { file, bytes: sent, size });
        }
    }

    fn end(self, stalled: bool) {
        let (file, bytes) = (self.name, self.sent.into_inner());
        let shortfall = self.shortfall.and_then(|it| it.ending(&file));
        let trouble = self.trouble.into_inner().unwrap_or_else(PoisonError::into_inner);
        let broken = |reason: &str| Stage::Failed {
            file: file.clone(),
            reason: format!("{reason} (after {bytes} of {} bytes)", self.bytes),
        };
        let stage = match (self.part, trouble) {
            (_, Some(trouble)) => broken(&trouble),
            (None, None) if bytes >= self.bytes => {
                Stage::Delivered { file, bytes, elapsed: self.started.elapsed(), resent_percent: 0 }
            }
            (Some(from), None) if bytes >= self.bytes => Stage::Part { file, from, bytes },
            _ if stalled => broken("the client stopped taking it"),
            _ => Stage::Closed { file, bytes },
        };
        if let (Some((peer, machine)), Stage::Delivered { .. }) = (self.baited, &stage) {
            let hardware_address = machine.hardware_address().unwrap_or_default();
            self.story.shared.delivered(Instant::now(), peer, hardware_address);
        }
        let is_whole = matches!(stage, Stage::Delivered { .. });
        self.story.tell(self.client, stage);
        if let Some(last) = self.last_piece.filter(|_| is_whole) {
            let ended = self.story.shared.has_got(Instant::now(), last);
            ended.into_iter().for_each(|stage| self.story.tell(self.client, stage));
        }
        // Last, since it is how the boot stands now.
        if let Some(stage) = shortfall.filter(|_| is_whole) {
            self.story.tell(self.client, stage);
        }
    }
}

impl Delivery {
    pub(super) fn new(work: Work, file: Option<File>) -> Arc<Self> {
        Arc::new(Self { work, file })
    }

    /// The system took bytes to send.
    pub(super) fn sent(&self, bytes: usize) {
        if let Some(file) = &self.file {
            file.sent(bytes);
        }
    }

    /// It cannot be read on.
    pub(super) fn fail(&self, trouble: String) {
        if let Some(file) = &self.file {
            *file.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            file.end(self.work.stalled());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_counted() {
        let start = Instant::now();
        let mut lines = Lines { second: start, told: 0, left_out: 0 };
        let told = (0..1_000).filter(|_| lines.count(start).0).count();
        assert_eq!(told, 200);
        let later = start + Duration::from_secs(1);
        assert_eq!((lines.count(later), lines.count(later)), ((true, 800), (true, 0)));
    }
}
