//! How much a step of a story matters to whoever reads along.

use pxe_dhcp::respond::StyleReason;
use serde::{Deserialize, Serialize};

use super::event::Stage;
use super::leased::LeaseStep;

/// How much a step matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub enum Weight {
    /// It belongs to the story, and only who looks for something wants to read it.
    Detail,
    /// A step of the boot.
    #[default]
    Step,
    /// Something is wrong, or seems so.
    Trouble,
}

/// Every [`Stage::word`].
pub const STAGE_WORDS: &[&str] = &[
    "acknowledged",
    "addressed",
    "asked",
    "booted",
    "closed",
    "declined",
    "delivered",
    "denied",
    "discovered",
    "done",
    "failed",
    "heard",
    "held",
    "ignored",
    "looked-up",
    "missing",
    "offered",
    "probed",
    "progress",
    "read",
    "refused",
    "released",
    "renewed",
    "requested",
    "rival",
    "settled",
    "silent",
    "stored",
    "tried",
    "trying",
    "unserved",
    "uploading",
];

impl Stage {
    /// How much it matters.
    pub fn weight(&self) -> Weight {
        match self {
            // Loaders search for names that need not be there.
            Self::Tried { .. }
            | Self::Probed { .. }
            | Self::Closed { .. }
            | Self::Part { .. }
            | Self::Addressed { .. }
            | Self::Rival { is_fault: false, .. }
            | Self::Leased { step: LeaseStep::Offered, file: None, .. }
            | Self::Leased { step: LeaseStep::Renewed, .. } => Weight::Detail,
            Self::Unserved { .. }
            | Self::Declined { .. }
            | Self::Held { .. }
            | Self::HeldBait { .. }
            | Self::Failed { .. }
            | Self::Rival { is_fault: true, .. }
            | Self::Silent { is_fault: true, .. }
            | Self::Phrased { reason: StyleReason::NoneWorked { .. }, .. } => Weight::Trouble,
            _ => Weight::Step,
        }
    }

    /// The file it is about.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Offered { file }
            | Self::Acknowledged { file }
            | Self::Baited { file, .. }
            | Self::Requested { file, .. }
            | Self::Probed { file }
            | Self::Progress { file, .. }
            | Self::Closed { file, .. }
            | Self::Part { file, .. }
            | Self::Delivered { file, .. }
            | Self::Tried { file }
            | Self::Missing { file, .. }
            | Self::Uploading { file, .. }
            | Self::Stored { file, .. }
            | Self::Failed { file, .. } => Some(file),
            Self::Leased { file, .. } => file.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_listed() {
        let source = include_str!("event/word.rs");
        let (_, words) = source.split_once("pub fn word(&self)").expect("the function");
        let (words, _) = words.split_once("\n    }\n").expect("its end");
        let mut found: Vec<&str> =
            words.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, STAGE_WORDS);
    }
}
