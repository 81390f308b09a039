//! What one machine said of itself.

use core::net::Ipv4Addr;

use super::{
    item::{Source, WEIGHT_FRESH, WEIGHT_OLD, WEIGHT_RECENT},
    owned::OwnedFacts,
};
use crate::firmware::Firmware;

/// What was heard longer ago than this is forgotten, in milliseconds.
pub(super) const FORGOTTEN_MS: u64 = 90 * 86_400_000;
/// What counts as fresh and as recent, in milliseconds.
const HOUR_MS: u64 = 3_600_000;
const WEEK_MS: u64 = 7 * 86_400_000;

/// What one machine said of itself at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) facts: OwnedFacts,
    pub(super) firmware: Option<Firmware>,
    pub(super) source: Source,
    pub(super) at: u64,
}

/// One machine, by its hardware address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Machine {
    /// Its firmware's last statement.
    pub(super) firmware: Option<Statement>,
    /// The last statement of an iPXE that ran on it.
    pub(super) running: Option<Statement>,
    /// Another firmware that it named before, with the last time.
    pub(super) before: Option<(Firmware, u64)>,
    /// The address it has.
    pub(super) address: Option<(Ipv4Addr, u64)>,
    /// When anything was heard of it.
    pub(super) heard: u64,
}

impl Machine {
    /// Takes a statement in place of the last one of its kind.
    pub(super) fn state(&mut self, statement: Statement, ipxe: bool) {
        let named = self.last().map(|last| (last.firmware, last.at));
        if let (Some((Some(known), at)), Some(firmware)) = (named, statement.firmware)
            && known.over_tftp() != firmware.over_tftp()
        {
            self.before = Some((known, at));
        }
        let slot = if ipxe { &mut self.running } else { &mut self.firmware };
        // A later message of the same boot may say less: SLOF's DISCOVER, a Raspberry Pi's REQUEST.
        match slot {
            Some(known) if known.firmware.is_some() && statement.firmware.is_none() => {}
            slot => *slot = Some(statement),
        }
    }

    /// The youngest statement that names a firmware.
    pub(super) fn last(&self) -> Option<&Statement> {
        let both = [&self.firmware, &self.running].into_iter().flatten();
        both.filter(|statement| statement.firmware.is_some()).max_by_key(|statement| statement.at)
    }

    pub(super) fn named(&self) -> Option<Firmware> {
        self.last().and_then(|last| last.firmware)
    }
}

/// How much a statement counts; `None` when it is forgotten.
pub(super) fn weight(now: u64, then: u64) -> Option<u8> {
    match now.saturating_sub(then) {
        0..=HOUR_MS => Some(WEIGHT_FRESH),
        age if age <= WEEK_MS => Some(WEIGHT_RECENT),
        age if age <= FORGOTTEN_MS => Some(WEIGHT_OLD),
        _ => None,
    }
}
