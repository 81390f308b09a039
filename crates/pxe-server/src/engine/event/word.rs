//! The word of each step, by which logs, filters and metrics know it.

use pxe_dhcp::respond::StyleReason;

use super::Stage;
use crate::engine::leased::LeaseStep;

impl Stage {
    /// The word that names the step, for logs and for counting.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Discovered { .. } => "discovered",
            Self::Heard { .. } => "heard",
            Self::Done { .. } => "done",
            Self::LookedUp { .. } => "looked-up",
            Self::Offered { .. } => "offered",
            Self::Phrased { reason: StyleReason::Worked, .. } => "settled",
            Self::Phrased { reason: StyleReason::NoneWorked { .. }, .. } => "ignored",
            Self::Phrased { .. } => "trying",
            Self::Leased { step: LeaseStep::Offered, .. } => "offered",
            Self::Leased { step: LeaseStep::Acknowledged, .. } => "acknowledged",
            Self::Leased { step: LeaseStep::Renewed, .. } => "renewed",
            Self::Refused { .. } => "refused",
            Self::Unserved { .. } => "unserved",
            Self::Released { .. } => "released",
            Self::Rival { .. } => "rival",
            Self::Declined { .. } => "declined",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Baited { .. } => "asked",
            Self::Held { .. } | Self::HeldBait { .. } => "held",
            Self::Denied { .. } => "denied",
            Self::Requested { .. } => "requested",
            Self::Probed { .. } => "probed",
            Self::Progress { .. } => "progress",
            Self::Closed { .. } => "closed",
            Self::Part { .. } => "read",
            Self::Delivered { .. } => "delivered",
            Self::Tried { .. } => "tried",
            Self::Missing { .. } => "missing",
            Self::Uploading { .. } => "uploading",
            Self::Stored { .. } => "stored",
            Self::Booted { .. } => "booted",
            Self::Addressed { .. } => "addressed",
            Self::Silent { .. } => "silent",
            Self::Failed { .. } => "failed",
        }
    }
}
