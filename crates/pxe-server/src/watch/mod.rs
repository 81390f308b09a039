//! Notices when the next step of a boot does not come.
//!
//! # Run loop
//! Give every event to [`Watcher::handle_event`] with the time it came; call [`Watcher::handle_timeout`] when the time
//! of [`Watcher::poll_timeout`] has come; after either, drain [`Watcher::poll_event`].
//!
//! A machine waits for at most one step. The step cancels the wait, and so does anything that tells the story of its
//! failure. The same silence is told once in a boot, and once in `TOLD_AGAIN_AFTER` of a machine that tries for ever.

mod expect;

use core::time::Duration;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use pxe_select::Firmware;

use crate::diagnose::{self, Silence};
use crate::engine::{ClientId, Stage};
use expect::{Next, next};

/// Machines that are watched, about 200 bytes each, 3 MB in all. Further ones are not until others have ended.
pub const WATCHED_MAX: usize = 16_384;
/// A machine that tries for ever is told of again after this.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// A machine of which nothing is awaited is forgotten after this.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(900);
/// So many rounds without any progress, over at least [`ROUNDS_WITHIN`], are a silence however short the pauses are.
const ROUNDS: u32 = 8;
const ROUNDS_WITHIN: Duration = Duration::from_secs(90);

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Watcher {
    watched: HashMap<ClientId, Watched>,
    due: BTreeSet<(Instant, ClientId)>,
    told: VecDeque<Noticed>,
}

/// A silence.
#[derive(Debug)]
pub struct Noticed {
    /// Whose.
    pub client: ClientId,
    /// As a step of the machine's story.
    pub stage: Stage,
    /// The boot program that it is about, if it is about one: whoever knows more of that knows more of the causes.
    pub program: Option<(Silence, String)>,
}

/// What is known of the boot of one machine.
#[derive(Debug)]
struct Watched {
    /// It is booting from the network, and has no kernel yet.
    boots: bool,
    /// It tells by a request which address it takes. The ROM of a Raspberry Pi boots from an offer alone, and then asks
    /// for its files from an address that nobody heard of.
    is_heard_to_ask: bool,
    /// It has fetched a file whole in this boot.
    has_file: bool,
    /// The file that was named to it last.
    named: String,
    wait: Option<Wait>,
    due: Instant,
    last_told: Option<(Silence, Instant)>,
    /// Its firmware, as long as that and not iPXE runs.
    firmware: Option<Firmware>,
    /// When it was told last that it got a program for others.
    wrong_told: Option<Instant>,
    /// What was told in this boot of others' offers, each of the few ids once.
    rivals: Vec<&'static str>,
}

#[derive(Debug)]
struct Wait {
    silence: Silence,
    file: String,
    since: Instant,
    /// When what it waits behind came last.
    last: Instant,
    times: u32,
}

impl Watcher {
    /// Takes an event of a machine; of a retransmission too.
    pub fn handle_event(&mut self, now: Instant, client: ClientId, stage: &Stage) {
        if !self.watched.contains_key(&client) {
            if !expect::begins(stage) || self.watched.len() >= WATCHED_MAX {
                return;
            }
            let due = now + FORGOTTEN_AFTER;
            self.due.insert((due, client));
            self.watched.insert(client, Watched::new(due));
        }
        let Some(watched) = self.watched.get_mut(&client) else { return };
        if let Some(not_started) = watched.began_anew(now, client, stage) {
            self.told.push_back(not_started);
        }
        let due = watched.take(now, stage);
        if let Some(wrong) = watched.given_wrong(now, stage) {
            self.told.push_back(Noticed { client, stage: wrong, program: None });
        }
        self.due.remove(&(watched.due, client));
        watched.due = due;
        self.due.insert((due, client));
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes note that the time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((due, client)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, client));
            let Some(watched) = self.watched.get_mut(&client) else { continue };
            let Some(wait) = watched.wait.take() else {
                self.watched.remove(&client);
                continue;
            };
            watched.due = now + FORGOTTEN_AFTER;
            self.due.insert((watched.due, client));
            if let Some(told) = watched.tell(now, client, &wait) {
                self.told.push_back(told);
            }
        }
    }

    /// The next silence.
    pub fn poll_event(&mut self) -> Option<Noticed> {
        self.told.pop_front()
    }
}

impl Watched {
    fn new(due: Instant) -> Self {
        Self {
            boots: false,
            is_heard_to_ask: true,
            has_file: false,
            named: String::new(),
            wait: None,
            due,
            last_told: None,
            firmware: None,
            wrong_told: None,
            rivals: Vec::new(),
        }
    }

    /// What is awaited now; when the wait, or the memory of this machine, ends.
    fn take(&mut self, now: Instant, stage: &Stage) -> Instant {
        if let Stage::Rival { id, .. } = stage
            && !self.rivals.contains(id)
        {
            self.rivals.push(id);
        }
        match next(self, stage) {
            Next::Same => {}
            Next::Nothing => self.wait = None,
            Next::Await { silence, file } => match &mut self.wait {
                Some(wait) if wait.silence == silence => {
                    (wait.times, wait.last) = (wait.times.saturating_add(1), now);
                    wait.file = file;
                }
                wait => *wait = Some(Wait { silence, file, since: now, last: now, times: 1 }),
            },
        }
        match &self.wait {
            Some(wait) => wait.due(),
            None => now + FORGOTTEN_AFTER,
        }
    }

    /// That its firmware asks for an address behind its boot program, of which nothing was heard. EDK2 does so with its next
    /// way to boot, when it refuses a program.
    fn began_anew(&mut self, now: Instant, client: ClientId, stage: &Stage) -> Option<Noticed> {
        let Stage::Discovered { firmware: Some(_), ipxe: false, .. } = stage else { return None };
        let wait = self.wait.as_ref().filter(|wait| wait.silence == Silence::LoaderNeverHeard)?;
        if self.was_wrong(now) {
            return None;
        }
        let (file, last) = (wait.file.clone(), wait.last);
        let silence = Silence::LoaderNotStarted;
        self.tell(now, client, &Wait { silence, file, since: last, last, times: 1 })
    }

    /// That the file it has now is none that its firmware starts, by its name.
    fn given_wrong(&mut self, now: Instant, stage: &Stage) -> Option<Stage> {
        let file = match stage {
            Stage::Discovered { firmware, ipxe, .. } | Stage::Heard { firmware, ipxe, .. } => {
                self.firmware = firmware.filter(|_| !ipxe);
                return None;
            }
            Stage::Delivered { file, .. } => file,
            _ => return None,
        };
        let found = diagnose::given(self.firmware?, file)?;
        if self.was_wrong(now) {
            return None;
        }
        self.wrong_told = Some(now);
        let diagnose::Finding { what, causes, advice, is_fault, .. } = found;
        Some(Stage::Silent { what, causes: causes.to_vec(), advice, is_fault })
    }

    /// Whether it was told of late that it got a program for others, which explains the rest.
    fn was_wrong(&self, now: Instant) -> bool {
        let is_known = |told: Instant| now.saturating_duration_since(told) < TOLD_AGAIN_AFTER;
        self.wrong_told.is_some_and(is_known)
    }

    fn tell(&mut self, now: Instant, client: ClientId, wait: &Wait) -> Option<Noticed> {
        let silence = wait.silence;
        if let Some((told, at)) = self.last_told
            && told == silence
            && now.saturating_duration_since(at) < TOLD_AGAIN_AFTER
        {
            return None;
        }
        self.last_told = Some((silence, now));
        let seconds = now.saturating_duration_since(wait.last).as_secs();
        let stage = Stage::Silent {
            what: silence.what(wait.times, &wait.file, seconds),
            causes: silence.causes_after(&self.rivals),
            advice: silence.advice(),
            is_fault: silence.is_fault(),
        };
        let is_of_program =
            matches!(silence, Silence::LoaderNotStarted | Silence::LoaderNeverHeard);
        let program = is_of_program.then(|| (silence, wait.file.clone()));
        Some(Noticed { client, stage, program })
    }
}

impl Wait {
    fn due(&self) -> Instant {
        let due = self.last + expect::patience(self.silence);
        let rounds = self.since + ROUNDS_WITHIN;
        if self.times >= ROUNDS && rounds < due { rounds.max(self.last) } else { due }
    }
}

#[cfg(test)]
mod tests;
