//! What the journal shows of a machine: plain values, times in milliseconds of UNIX time.

use core::net::IpAddr;
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::role::Role;
use crate::engine::{Field, Weight};

/// How far a boot is, in the order of a good one. Not every boot has every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub enum Step {
    /// It was heard.
    Discovered,
    /// Its boot file was named.
    Offered,
    /// It has an address.
    Addressed,
    /// It asked our boot server port.
    Asked,
    /// It asked for the size of its boot program, or began to fetch it.
    LoaderAsked,
    /// It has the boot program.
    LoaderDelivered,
    /// It reads scripts and menus.
    Menu,
    /// It fetches a kernel.
    Kernel,
    /// It fetches an initial file system.
    Initrd,
    /// It fetches or reads an image.
    Image,
    /// It says that it has booted.
    Booted,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub enum Verdict {
    /// It booted: it said so, or has its kernel or image.
    Ok,
    /// It is fetching something now.
    Busy,
    /// Its next step is waited for.
    Waiting,
    /// The next step did not come.
    Silent,
    /// It gets no file: too little is known of it, or there is none for it.
    Held,
    /// A rule or a host entry says it gets nothing.
    Denied,
    /// It could not have what it asked for.
    Failed,
}

/// The file that is on its way, or came last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Its name.
    pub file: String,
    /// What it is for.
    pub role: Role,
    /// Bytes that the machine has.
    pub bytes: u64,
    /// Its size in bytes; 0 if unknown.
    pub size: u64,
}

/// When a step of this boot was first reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct StageTime {
    /// The step.
    pub step: Step,
    /// When, in milliseconds of UNIX time.
    pub at: u64,
}

/// A machine as one row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct MachineSummary {
    /// Its hardware address, or its IP address if nothing else is known.
    pub id: String,
    /// Number of its last change.
    pub sequence: u64,
    /// When it was first heard, in milliseconds of UNIX time.
    pub first_seen: u64,
    /// When it was last heard.
    pub last_seen: u64,
    /// Its IP address, as far as it was told.
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub address: Option<IpAddr>,
    /// Its firmware, by our name for it.
    pub firmware: Option<String>,
    /// The program that asked last: `firmware`, `iPXE`, `GRUB`, …
    pub runs: Option<String>,
    /// How far its boot is.
    pub step: Option<Step>,
    /// The word of the last step that matters (`offered`, `delivered`, …).
    pub stage: String,
    /// The same in words.
    pub text: String,
    /// How it goes.
    pub verdict: Verdict,
    /// The file that is on its way, or came last.
    pub progress: Option<Progress>,
    /// Boots that were seen to begin.
    pub boots: u32,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The number of the last change.
    pub sequence: u64,
    /// The machines with news, oldest news first.
    pub machines: Vec<MachineSummary>,
    /// Machines that are listed no more: their stories made room for others, or are another's by now, since they were known
    /// by an address alone.
    pub gone: Vec<String>,
    /// These are all of them. Else the list has to be read anew.
    pub is_whole: bool,
}

/// A machine with its story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct MachineStory {
    /// What a list shows of it.
    pub summary: MachineSummary,
    /// When each step of the last boot was first reached.
    pub stages: Vec<StageTime>,
    /// The entries that are kept, oldest first.
    pub entries: Vec<StoryEntry>,
    /// Older entries that are not.
    pub entries_dropped: u64,
}

/// One step of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct StoryEntry {
    /// Its number.
    pub sequence: u64,
    /// When, in milliseconds of UNIX time.
    pub at: u64,
    /// The word of the step.
    pub stage: String,
    /// The step in words.
    pub text: String,
    /// How much it matters.
    pub weight: Weight,
    /// How often the same was told again,
    pub repeats: u32,
    /// and when last.
    pub repeated_at: Option<u64>,
    /// What the packet said.
    pub fields: Vec<Field>,
    /// Every reason of the decision, those that lost included; the last one decided.
    pub reasons: Vec<String>,
    /// What likely causes a silence, likeliest first; each continues "because".
    #[cfg_attr(feature = "admin", schema(value_type = Vec<String>))]
    pub causes: Vec<Cow<'static, str>>,
    /// What to do about it.
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub advice: Option<Cow<'static, str>>,
}

/// Which machines to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A part of the id, the address, the firmware, the program, the file or the last step, without regard to case.
    pub text: Option<String>,
    /// Only those for which it goes like this.
    pub verdict: Option<Verdict>,
    /// Only these firmware names.
    pub firmware: Option<String>,
    /// So many of the list are left out at its beginning.
    pub offset: usize,
    /// At most so many; none: all.
    pub limit: Option<usize>,
}

impl Filter {
    /// Whether a machine passes.
    pub fn takes(&self, machine: &MachineSummary) -> bool {
        let has = |text: &str, part: &str| text.to_ascii_lowercase().contains(part);
        let text = self.text.as_ref().is_none_or(|part| {
            let part = part.to_ascii_lowercase();
            let address = machine.address.map(|address| address.to_string());
            let file = machine.progress.as_ref().map(|progress| progress.file.as_str());
            let options =
                [address.as_deref(), machine.firmware.as_deref(), machine.runs.as_deref(), file];
            has(&machine.id, &part)
                || has(&machine.text, &part)
                || options.into_iter().flatten().any(|text| has(text, &part))
        });
        text && self.verdict.is_none_or(|verdict| verdict == machine.verdict)
            && (self.firmware.is_none() || self.firmware == machine.firmware)
    }
}

/// How full the journal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Machines with a story.
    pub machines: usize,
    /// Of them, those that never fetched a file.
    pub strangers: usize,
    /// Bytes of all stories.
    pub bytes: usize,
    /// Stories that made room for others.
    pub evicted: u64,
    /// Machines that found no room.
    pub left_out: u64,
}
