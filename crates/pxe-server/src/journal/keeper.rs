//! The thread that writes the journal's file, and looks for silences that are due.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::{info, warn};

use super::file::{self, FILE_BYTES_MAX, Log};
use super::{Counts, Journal, Noted};
use crate::engine::{Audience, ClientId, Stage};
use crate::logging;
use crate::routine::Routine;
use crate::state::unix_ms;

/// How often what was told is written: a kill costs no more than this.
const WRITTEN_EVERY: Duration = Duration::from_millis(500);

/// Writes what `journal` is told, in a thread of its own. Dropped, it writes for the last time.
pub struct Keeper {
    _routine: Routine,
}

impl Keeper {
    /// Reads what an earlier run kept in `folder` into the journal, and begins to keep it there.
    ///
    /// # Errors
    /// If no thread can be made. A folder that cannot be read or written is told, and costs only what it would hold.
    pub fn start(folder: PathBuf, journal: Arc<Journal>) -> io::Result<Self> {
        restore(&folder, &journal);
        journal.keep_pending();
        let mut writer = Writer { folder, log: None, failing: false };
        let keep = move || {
            let silences = journal.handle_timeout(Instant::now(), unix_ms());
            for event in &silences {
                let firmware = journal.firmware(event.client);
                logging::tell(event, &Noted { firmware, left_out: false });
            }
            writer.write(&journal);
        };
        let routine = Routine::start("journal", WRITTEN_EVERY, keep)?;
        Ok(Self { _routine: routine })
    }
}

/// Whether the journal keeps what stands behind a step.
pub struct Reader(Arc<Journal>);

impl Reader {
    /// Of this journal.
    pub fn new(journal: Arc<Journal>) -> Self {
        Self(journal)
    }
}

impl Audience for Reader {
    fn reads(&self, client: ClientId, stage: &Stage) -> bool {
        self.0.keeps(unix_ms(), client, stage)
    }
}

fn restore(folder: &Path, journal: &Journal) {
    match file::read(folder) {
        Ok((records, broken)) => {
            if broken > 0 {
                warn!(
                    "{}: {broken} lines of the journal cannot be read and are left out",
                    folder.display()
                );
            }
            journal.restore(records);
            let Counts { machines, .. } = journal.counts();
            if machines > 0 {
                info!("stories kept in {} go on: {machines}", folder.display());
            }
        }
        Err(error) => warn!("the journal in {} cannot be read: {error}", folder.display()),
    }
}

struct Writer {
    folder: PathBuf,
    log: Option<Log>,
    failing: bool,
}

impl Writer {
    fn write(&mut self, journal: &Journal) {
        let (records, lost) = journal.take_pending();
        if lost > 0 {
            warn!(
                "{lost} entries of the journal came faster than they can be written, and are in memory only"
            );
        }
        if records.is_empty() {
            return;
        }
        let log = match self.log.take() {
            Some(log) => Ok(log),
            None => Log::open(&self.folder, FILE_BYTES_MAX),
        };
        let written = log.and_then(|mut log| {
            log.append(&records)?;
            Ok(log)
        });
        match written {
            Ok(log) => {
                if self.failing {
                    info!("the journal in {} can be written again", self.folder.display());
                }
                (self.log, self.failing) = (Some(log), false);
            }
            Err(error) => {
                if !self.failing {
                    let folder = self.folder.display();
                    warn!(
                        "cannot keep the journal in {folder}: {error}; stories end with this run"
                    );
                }
                self.failing = true;
            }
        }
    }
}
