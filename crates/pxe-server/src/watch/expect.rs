//! Which step should follow which, and how long that may take.

use core::time::Duration;

use pxe_select::Firmware;

use super::Watched;
use crate::diagnose::Silence;
use crate::engine::{LeaseStep, Stage};
use crate::journal::Role;

/// A boot program as large as this is a system of its own (a unified kernel image), and may need nothing more, in bytes.
const SYSTEM_BYTES_MIN: u64 = 8 << 20;

/// What an event means for what is awaited.
pub(super) enum Next {
    /// Nothing.
    Same,
    /// What was awaited has come, or will not.
    Nothing,
    /// From now on this would be a silence.
    Await { silence: Silence, file: String },
}

/// How long the next step may take.
pub(super) fn patience(silence: Silence) -> Duration {
    Duration::from_secs(match silence {
        // The longest pause in EDK2's schedule is 32 s, at whose end it decides (Dhcp4Dxe: 4, 8, 16, 32).
        Silence::OfferedNeverAsked | Silence::LeaseNeverTaken | Silence::HeardNeverAsked => 45,
        // EDK2 asks a boot server for 10 s. iPXE on emulated UEFI firmware was seen to ask for its menu 28 s after it had its
        // address, for which it opens the card anew.
        Silence::AddressedNeverCame => 40,
        Silence::AcknowledgedNeverFetched | Silence::LeasedNeverFetched => 40,
        Silence::ProbedNeverRead => 25,
        // Links that come up anew behind spanning tree take 30 s and more.
        // The other is told at once.
        Silence::LoaderNeverHeard | Silence::LoaderNotStarted => 90,
        Silence::MenuNothingChosen => 300,
    })
}

/// Whether a machine that is not watched yet is from this step on.
pub(super) fn begins(stage: &Stage) -> bool {
    matches!(
        stage,
        Stage::Discovered { .. }
            | Stage::Heard { .. }
            | Stage::Offered { .. }
            | Stage::Acknowledged { .. }
            | Stage::Baited { .. }
            | Stage::Requested { .. }
            | Stage::Probed { .. }
            | Stage::Delivered { .. }
    )
}

/// What is awaited behind this step.
pub(super) fn next(watched: &mut Watched, stage: &Stage) -> Next {
    let wait = watched.wait.as_ref().map(|wait| wait.silence);
    match stage {
        Stage::Discovered { ipxe, firmware, .. } => {
            begin(watched, *ipxe);
            watched.is_heard_to_ask = *firmware != Some(Firmware::Rpi);
            match wait {
                // It tries again.
                Some(Silence::OfferedNeverAsked | Silence::LeaseNeverTaken) => Next::Same,
                _ => Next::Nothing,
            }
        }
        Stage::Heard { ipxe, .. } => {
            begin(watched, *ipxe);
            Next::Await { silence: Silence::HeardNeverAsked, file: String::new() }
        }
        Stage::Offered { file } if watched.is_heard_to_ask => {
            named(watched, Silence::OfferedNeverAsked, file)
        }
        Stage::Acknowledged { file } => named(watched, Silence::AcknowledgedNeverFetched, file),
        Stage::Leased { step, file: Some(file), .. } if watched.boots => match step {
            LeaseStep::Offered => named(watched, Silence::LeaseNeverTaken, file),
            LeaseStep::Acknowledged => named(watched, Silence::LeasedNeverFetched, file),
            LeaseStep::Renewed => Next::Same,
        },
        Stage::Addressed { .. } if wait == Some(Silence::OfferedNeverAsked) => {
            let file = watched.named.clone();
            Next::Await { silence: Silence::AddressedNeverCame, file }
        }
        Stage::Phrased { .. }
        | Stage::Rival { .. }
        | Stage::Offered { .. }
        | Stage::Addressed { .. }
        | Stage::Leased { .. } => Next::Same,
        Stage::Probed { file } if !watched.has_file && is_loader(watched, file) => {
            Next::Await { silence: Silence::ProbedNeverRead, file: file.clone() }
        }
        Stage::Baited { file, .. } => {
            watched.named.clone_from(file);
            Next::Nothing
        }
        Stage::Delivered { file, bytes, .. } => delivered(watched, wait, file, *bytes),
        Stage::Silent { .. } => Next::Same,
        _ => Next::Nothing,
    }
}

/// A machine asks for an address, and will boot.
fn begin(watched: &mut Watched, ipxe: bool) {
    watched.boots = true;
    if !ipxe && core::mem::take(&mut watched.has_file) {
        watched.rivals.clear();
    }
}

fn named(watched: &mut Watched, silence: Silence, file: &str) -> Next {
    file.clone_into(&mut watched.named);
    Next::Await { silence, file: file.to_owned() }
}

fn delivered(watched: &mut Watched, wait: Option<Silence>, file: &str, bytes: u64) -> Next {
    watched.has_file = true;
    let silence = match Role::of(file) {
        Role::Menu => Silence::MenuNothingChosen,
        // What a menu looks like: fonts, pictures, modules.
        Role::Other | Role::Loader if wait == Some(Silence::MenuNothingChosen) => {
            return Next::Same;
        }
        _ if is_loader(watched, file) && bytes < SYSTEM_BYTES_MIN => Silence::LoaderNeverHeard,
        Role::Other => return Next::Nothing,
        // It has what it boots.
        _ => {
            watched.boots = false;
            return Next::Nothing;
        }
    };
    Next::Await { silence, file: file.to_owned() }
}

/// Whether a file is what the machine was told to boot, or looks like it.
fn is_loader(watched: &Watched, file: &str) -> bool {
    let tail = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    Role::of(file) == Role::Loader
        || !watched.named.is_empty() && tail(&watched.named) == tail(file)
}
