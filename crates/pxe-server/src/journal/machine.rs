//! One machine's story: an event in, and what it says of the boot.

use core::net::IpAddr;
use std::collections::VecDeque;
use std::sync::Arc;

use pxe_select::Asker;

use super::ENTRIES_PER_STORY_MAX;
use super::record::Record;
use super::role::Role;
use super::story::{MachineStory, MachineSummary, Progress, StageTime, Step, StoryEntry, Verdict};
use crate::engine::{ClientId, Weight};

/// A machine that was silent for so long begins a new boot with whatever comes next, in milliseconds.
const BOOT_ENDS_AFTER_MS: u64 = 15 * 60_000;
/// Entries among which the one that is repeated is looked for.
const REPEATS_LOOKED_AT: usize = 16;
/// What a machine takes besides its entries, in bytes.
const MACHINE_BYTES: usize = 1_024;

/// One entry; the record is shared with what waits for the file.
#[derive(Debug)]
struct Entry {
    sequence: u64,
    record: Arc<Record>,
    repeats: u32,
    repeated_at: Option<u64>,
}

/// One machine.
#[derive(Debug)]
pub(super) struct Machine {
    id: ClientId,
    sequence: u64,
    pub(super) first_seen: u64,
    pub(super) last_seen: u64,
    pub(super) address: Option<IpAddr>,
    pub(super) firmware: Option<Arc<str>>,
    runs: Option<Arc<str>>,
    boots: u32,
    step: Option<Step>,
    stages: Vec<StageTime>,
    /// What it was told to boot.
    loader: Option<String>,
    progress: Option<Progress>,
    verdict: Verdict,
    /// The last record that says how it goes.
    shown: Option<Arc<Record>>,
    entries: VecDeque<Entry>,
    entries_dropped: u64,
    pub(super) bytes: usize,
    /// It fetched a file: it is there.
    pub(super) is_proven: bool,
}

/// Whether it tells of an address and of nothing to boot.
fn is_of_address(record: &Record) -> bool {
    match &*record.stage {
        "addressed" | "renewed" | "released" => true,
        "offered" | "acknowledged" => record.lease_seconds.is_some() && record.file.is_none(),
        _ => false,
    }
}

impl Machine {
    pub(super) fn new(id: ClientId, at: u64) -> Self {
        Self {
            id,
            sequence: 0,
            first_seen: at,
            last_seen: at,
            address: if let ClientId::Address(address) = id { Some(address) } else { None },
            firmware: None,
            runs: None,
            boots: 0,
            step: None,
            stages: Vec::new(),
            loader: None,
            progress: None,
            verdict: Verdict::Waiting,
            shown: None,
            entries: VecDeque::new(),
            entries_dropped: 0,
            bytes: MACHINE_BYTES,
            is_proven: false,
        }
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn touch(&mut self, sequence: u64, at: u64) {
        (self.sequence, self.last_seen) = (sequence, at.max(self.last_seen));
    }

    /// The same step again; whether there is an entry of it.
    pub(super) fn repeat(&mut self, at: u64, stage: &str, file: Option<&str>) -> bool {
        if matches!(stage, "discovered" | "heard") && self.step >= Some(Step::LoaderAsked) {
            // The same machine, started anew.
            return false;
        }
        let mut recent = self.entries.iter_mut().rev().take(REPEATS_LOOKED_AT);
        let is_same = |record: &Record| record.stage == stage && record.file.as_deref() == file;
        let Some(entry) = recent.find(|entry| is_same(&entry.record)) else { return false };
        entry.repeats = entry.repeats.saturating_add(1);
        entry.repeated_at = Some(at);
        if entry.record.weight != Weight::Detail {
            let record = Arc::clone(&entry.record);
            self.judge(&record);
        }
        true
    }

    pub(super) fn apply(&mut self, sequence: u64, record: &Arc<Record>) {
        self.begin_boot(record);
        self.identify(record);
        self.advance(record);
        self.judge(record);
        self.touch(sequence, record.at);
        self.push(sequence, record);
    }

    /// Another machine's entries become this one's: it was known by its address alone.
    pub(super) fn absorb(&mut self, other: Self) {
        for entry in &other.entries {
            self.is_proven |= proves(&entry.record.stage);
        }
        self.first_seen = self.first_seen.min(other.first_seen);
        self.entries_dropped += other.entries_dropped;
        self.bytes += other.bytes - MACHINE_BYTES;
        self.entries.extend(other.entries);
        self.entries.make_contiguous().sort_by_key(|entry| entry.sequence);
        self.progress = self.progress.take().or(other.progress);
        self.trim();
    }

    /// Firmware that is heard anew after its loader came has been started anew.
    fn begin_boot(&mut self, record: &Record) {
        let begins = matches!(&*record.stage, "discovered" | "heard") && record.ipxe == Some(false);
        let was_far = self.step.is_some_and(|step| step >= Step::LoaderAsked);
        // A lease that goes on is no boot, however long ago that was.
        let was_away =
            record.at.saturating_sub(self.last_seen) > BOOT_ENDS_AFTER_MS && !is_of_address(record);
        if begins && was_far || was_away || self.boots == 0 {
            self.boots = self.boots.saturating_add(1);
            self.step = None;
            self.stages.clear();
            self.progress = None;
        }
    }

    fn identify(&mut self, record: &Record) {
        if let Some(firmware) = &record.firmware
            && (self.firmware.is_none() || record.ipxe == Some(false))
        {
            self.firmware = Some(firmware.as_str().into());
        }
        match (record.ipxe, record.field("program")) {
            (Some(true), _) => self.runs = Some("iPXE".into()),
            (Some(false), _) => self.runs = Some("firmware".into()),
            // A request that fits many programs is no news.
            (None, Some(program)) if program != Asker::Unknown.to_string() => {
                self.runs = Some(program.into())
            }
            _ => {}
        }
        self.address = record.address.or(self.address);
        self.is_proven |= proves(&record.stage) && !matches!(self.id, ClientId::Address(_));
    }

    fn advance(&mut self, record: &Record) {
        if let (Some(file), "offered" | "acknowledged" | "asked") = (&record.file, &*record.stage) {
            // The second program is told a script, which is a step of its own.
            if self.step.is_none_or(|step| step < Step::LoaderAsked) {
                self.loader = Some(file.clone());
            }
        }
        if let (Some(file), Some(bytes)) = (&record.file, record.bytes)
            && !matches!(&*record.stage, "read" | "closed")
        {
            let (file, role) = (file.clone(), self.role(file));
            self.progress = Some(Progress { file, role, bytes, size: record.size.unwrap_or(0) });
        }
        let Some(step) = self.step_of(record) else { return };
        // Steps of DHCP are repeated by every program of a boot, and are no way back.
        if self.step.is_none_or(|now| step > now || step >= Step::LoaderAsked) {
            self.step = Some(step);
        }
        if !self.stages.iter().any(|known| known.step == step) {
            self.stages.push(StageTime { step, at: record.at });
        }
    }

    fn step_of(&self, record: &Record) -> Option<Step> {
        Some(match &*record.stage {
            "discovered" | "heard" => Step::Discovered,
            "offered" => Step::Offered,
            "addressed" | "renewed" => Step::Addressed,
            "acknowledged" if record.lease_seconds.is_some() => Step::Addressed,
            "acknowledged" => Step::Asked,
            "booted" => Step::Booted,
            "asked" | "probed" | "requested" | "progress" | "delivered" | "read" => {
                let file = record.file.as_deref()?;
                let is_done = record.stage == "delivered";
                match self.role(file) {
                    Role::Loader if is_done => Step::LoaderDelivered,
                    Role::Loader if self.step >= Some(Step::LoaderDelivered) => return None,
                    Role::Loader => Step::LoaderAsked,
                    Role::Menu => Step::Menu,
                    Role::Kernel => Step::Kernel,
                    Role::Initrd => Step::Initrd,
                    Role::Image => Step::Image,
                    Role::Other => return None,
                }
            }
            _ => return None,
        })
    }

    /// What a file is for; what it was told to boot is its loader, whatever it is called.
    fn role(&self, file: &str) -> Role {
        let is_loader = self.loader.as_deref().is_some_and(|loader| {
            let tail = |name: &str| name.rsplit('/').next().map(str::to_owned);
            loader == file || tail(loader) == tail(file)
        });
        match Role::of(file) {
            Role::Other if is_loader => Role::Loader,
            role => role,
        }
    }

    fn judge(&mut self, record: &Arc<Record>) {
        let is_system = self.step.is_some_and(|step| step >= Step::Kernel);
        let verdict = match &*record.stage {
            "booted" => Verdict::Ok,
            "requested" | "progress" | "uploading" => Verdict::Busy,
            "delivered" | "read" | "closed" | "stored" if is_system => Verdict::Ok,
            "silent" | "ignored" => Verdict::Silent,
            "held" => Verdict::Held,
            "denied" => Verdict::Denied,
            "failed" | "missing" | "refused" | "unserved" | "declined" => Verdict::Failed,
            // Searches are no news of how it goes, nor are leases that go on, nor what others say.
            "tried" | "renewed" | "released" | "rival" => return,
            // An address alone is what an operating system asks for: it changes nothing of a boot that went well, badly
            // or not at all.
            _ if is_of_address(record) && self.verdict != Verdict::Waiting => return,
            _ => Verdict::Waiting,
        };
        self.verdict = verdict;
        self.shown = Some(Arc::clone(record));
    }

    fn push(&mut self, sequence: u64, record: &Arc<Record>) {
        if record.stage == "progress"
            && let Some(last) = self.entries.back_mut()
            && last.record.stage == "progress"
            && last.record.file == record.file
        {
            self.bytes = self.bytes + record.bytes() - last.record.bytes();
            (last.sequence, last.record) = (sequence, Arc::clone(record));
            return;
        }
        self.bytes += size_of::<Entry>() + record.bytes();
        let record = Arc::clone(record);
        self.entries.push_back(Entry { sequence, record, repeats: 0, repeated_at: None });
        self.trim();
    }

    fn trim(&mut self) {
        while self.entries.len() > ENTRIES_PER_STORY_MAX {
            self.drop_oldest();
        }
    }

    /// Gives up its oldest entry, if it has more than one.
    pub(super) fn drop_oldest(&mut self) -> bool {
        if self.entries.len() < 2 {
            return false;
        }
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= size_of::<Entry>() + entry.record.bytes();
            self.entries_dropped += 1;
        }
        true
    }

    pub(super) fn summary(&self) -> MachineSummary {
        let shown = self.shown.as_ref();
        MachineSummary {
            id: self.id.to_string(),
            sequence: self.sequence,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            address: self.address,
            firmware: self.firmware.as_deref().map(str::to_owned),
            runs: self.runs.as_deref().map(str::to_owned),
            step: self.step,
            stage: shown.map(|record| record.stage.to_string()).unwrap_or_default(),
            text: shown.map(|record| record.text.clone()).unwrap_or_default(),
            verdict: self.verdict,
            progress: self.progress.clone(),
            boots: self.boots,
        }
    }

    pub(super) fn story(&self) -> MachineStory {
        let entry = |entry: &Entry| {
            let record = &entry.record;
            StoryEntry {
                sequence: entry.sequence,
                at: record.at,
                stage: record.stage.to_string(),
                text: record.text.clone(),
                weight: record.weight,
                repeats: entry.repeats,
                repeated_at: entry.repeated_at,
                fields: record.fields.to_vec(),
                reasons: record.reasons.to_vec(),
                causes: record.causes.clone(),
                advice: record.advice.clone(),
            }
        };
        MachineStory {
            summary: self.summary(),
            stages: self.stages.clone(),
            entries: self.entries.iter().map(entry).collect(),
            entries_dropped: self.entries_dropped,
        }
    }
}

/// Steps that nobody takes who only makes up hardware addresses: they come from an address that was asked back.
pub(super) fn proves(stage: &str) -> bool {
    matches!(
        stage,
        "requested" | "progress" | "delivered" | "read" | "closed" | "probed" | "stored"
    )
}
