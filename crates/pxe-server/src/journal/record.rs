//! One event as the journal keeps it, in memory and as a line of its file.

use core::net::IpAddr;
use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::{Event, Field, Stage, Weight};

/// Bytes of one entry, with its fields and reasons; what is longer is cut.
pub const ENTRY_BYTES_MAX: usize = 8_192;
/// Bytes of one text of an entry.
const TEXT_BYTES_MAX: usize = 1_024;

/// What an event told, owned and without its types: older programs' files are read by newer ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// When, in milliseconds of UNIX time.
    pub at: u64,
    /// Whose boot: a hardware address, or an IP address where nothing else is known.
    pub client: String,
    /// The word of the step (`offered`, `delivered`, …).
    pub stage: Cow<'static, str>,
    /// The step in words, as the log has it.
    pub text: String,
    /// How much it matters.
    #[serde(skip_serializing_if = "is_step")]
    pub weight: Weight,
    /// The machine's firmware, if this event tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// Whether iPXE runs, if this event tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipxe: Option<bool>,
    /// The machine's address, if this event tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The file it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Bytes of it that the machine has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its size, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// For how long it has its address from us, in seconds, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_seconds: Option<u32>,
    /// What the packet said.
    #[serde(skip_serializing_if = "is_empty")]
    pub fields: Arc<Vec<Field>>,
    /// Every reason of the decision; the last one decided.
    #[serde(skip_serializing_if = "is_empty")]
    pub reasons: Arc<Vec<String>>,
    /// What likely causes a silence, likeliest first; each continues "because".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cow<'static, str>>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Cow<'static, str>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_step(weight: &Weight) -> bool {
    *weight == Weight::Step
}

fn is_empty<T>(list: &Arc<Vec<T>>) -> bool {
    list.is_empty()
}

impl Record {
    /// Of an event.
    pub fn new(unix_ms: u64, event: &Event) -> Self {
        let Event { client, stage, detail, .. } = event;
        let mut record = Self {
            at: unix_ms,
            client: client.to_string(),
            stage: Cow::Borrowed(stage.word()),
            text: stage.to_string(),
            weight: stage.weight(),
            ..Self::default()
        };
        if let Some(detail) = detail {
            record.address = detail.address;
            record.fields = Arc::clone(&detail.fields);
            record.reasons = Arc::clone(&detail.reasons);
        }
        record.take(stage);
        record.cut();
        record
    }

    fn take(&mut self, stage: &Stage) {
        self.file = stage.file().map(str::to_owned);
        match stage {
            Stage::Discovered { firmware, ipxe, .. } | Stage::Heard { firmware, ipxe, .. } => {
                self.firmware = firmware.map(|firmware| firmware.to_string());
                self.ipxe = Some(*ipxe);
            }
            Stage::Leased { address, seconds, .. } => {
                (self.address, self.lease_seconds) = (Some((*address).into()), Some(*seconds));
            }
            Stage::Addressed { address, .. } => self.address = Some((*address).into()),
            Stage::Requested { bytes, .. } => (self.bytes, self.size) = (Some(0), Some(*bytes)),
            Stage::Progress { bytes, size, .. } => {
                (self.bytes, self.size) = (Some(*bytes), Some(*size));
            }
            Stage::Delivered { bytes, .. } | Stage::Stored { bytes, .. } => {
                (self.bytes, self.size) = (Some(*bytes), Some(*bytes));
            }
            Stage::Closed { bytes, .. } | Stage::Part { bytes, .. } => self.bytes = Some(*bytes),
            Stage::Uploading { bytes, .. } => self.size = *bytes,
            // A log has it in one line; here each cause is one of its own.
            Stage::Silent { what, causes, advice, .. } => {
                self.text = format!("{}: {what}", stage.word());
                self.causes = causes.iter().copied().map(Cow::Borrowed).collect();
                self.advice = Some(Cow::Borrowed(advice));
            }
            Stage::Rival { what, advice, .. } => {
                self.text = format!("{}: {what}", stage.word());
                self.advice = Some(Cow::Borrowed(advice));
            }
            _ => {}
        }
    }

    /// Bytes it takes in memory, about.
    pub fn bytes(&self) -> usize {
        let fields = self
            .fields
            .iter()
            .map(|field| size_of::<Field>() + field.value.len() + field.name.len());
        let reasons = self.reasons.iter().map(|reason| size_of::<String>() + reason.len());
        let causes = self.causes.iter().chain(&self.advice);
        let causes = causes.map(|text| size_of::<Cow<'static, str>>() + text.len());
        let file = self.file.as_ref().map_or(0, String::len);
        let firmware = self.firmware.as_ref().map_or(0, String::len);
        size_of::<Self>()
            + self.client.len()
            + self.text.len()
            + file
            + firmware
            + fields.sum::<usize>()
            + reasons.sum::<usize>()
            + causes.sum::<usize>()
    }

    /// Long texts are cut, and fields and reasons left out, until it is as small as it must be.
    pub(super) fn cut(&mut self) {
        for text in [&mut self.text].into_iter().chain(&mut self.file) {
            cut(text);
        }
        // Most are short, and stay shared.
        if self.fields.iter().any(|field| field.value.len() > TEXT_BYTES_MAX) {
            Arc::make_mut(&mut self.fields).iter_mut().for_each(|field| cut(&mut field.value));
        }
        if self.reasons.iter().any(|reason| reason.len() > TEXT_BYTES_MAX) {
            Arc::make_mut(&mut self.reasons).iter_mut().for_each(cut);
        }
        // Ours are short; a file may hold anything.
        for text in self.causes.iter_mut().chain(&mut self.advice) {
            if text.len() > TEXT_BYTES_MAX {
                cut(text.to_mut());
            }
        }
        while self.bytes() > ENTRY_BYTES_MAX && Arc::make_mut(&mut self.fields).pop().is_some() {}
        while self.bytes() > ENTRY_BYTES_MAX && self.causes.pop().is_some() {}
        // The one that decided is the last, and stays.
        while self.bytes() > ENTRY_BYTES_MAX && self.reasons.len() > 1 {
            Arc::make_mut(&mut self.reasons).remove(0);
        }
    }

    /// A field of the packet.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name).map(|field| &*field.value)
    }
}

fn cut(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        let most = TEXT_BYTES_MAX - '…'.len_utf8();
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}
