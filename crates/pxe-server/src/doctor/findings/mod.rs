//! What the facts say: pure, and in words shared with stories and captures (`diagnose`).

mod answers;
mod files;
mod local;
mod silence;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub(super) use self::answers::servers_of;
use super::facts::Facts;
use crate::diagnose;

/// One thing to change, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name, for programs.
    pub id: &'static str,
    /// Whether it keeps machines from booting, or seems to.
    pub is_fault: bool,
    /// What was seen.
    pub what: String,
    /// What causes that, likeliest first.
    pub causes: Vec<String>,
    /// The next thing to do.
    pub advice: String,
    /// The firmware it is about; empty if it is about all.
    pub firmware: Vec<String>,
}

/// By importance: who mends the first may find that others are gone.
const ORDER: [&str; 30] = [
    "not-asked",
    "container-without-broadcasts",
    "relay-missing",
    "no-answer",
    "own-server-silent",
    "server-unheard",
    "pool-exhausted",
    "proxy-only",
    "two-dhcp-servers",
    "option-60-trap",
    "two-proxies",
    "own-address-in-pool",
    "own-address-offered",
    "host-denied",
    "bait-nobody-listens",
    "port-closed",
    "boot-server-silent",
    "file-silence",
    "transfer-stalls",
    "mtu-too-small",
    "file-refused",
    "loader-missing",
    "loader-wrong-architecture",
    "wrong-architecture",
    "next-server-empty",
    "ipxe-loop",
    "file-too-long",
    "mask-missing",
    "no-boot-information",
    "image-cannot-boot",
];

impl Finding {
    fn fault(id: &'static str, what: String, advice: impl Into<String>) -> Self {
        let (causes, firmware) = (Vec::new(), Vec::new());
        Self { id, is_fault: true, what, causes, advice: advice.into(), firmware }
    }

    fn note(id: &'static str, what: String, advice: impl Into<String>) -> Self {
        Self { is_fault: false, ..Self::fault(id, what, advice) }
    }

    fn because(mut self, causes: &[&str]) -> Self {
        self.causes = causes.iter().map(|cause| (*cause).to_owned()).collect();
        self
    }

    fn of(mut self, firmware: impl Into<String>) -> Self {
        self.firmware.push(firmware.into());
        self
    }
}

impl From<diagnose::Finding> for Finding {
    fn from(known: diagnose::Finding) -> Self {
        let found = Self::fault(known.id, known.what, known.advice).because(known.causes);
        Self { is_fault: known.is_fault, ..found }
    }
}

/// Everything that is wrong, the most important first, and then what is worth knowing.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut list = Vec::new();
    silence::look(facts, &mut list);
    answers::look(facts, &mut list);
    files::look(facts, &mut list);
    local::look(facts, &mut list);
    let rank = |finding: &Finding| {
        let place = ORDER.iter().position(|id| *id == finding.id);
        (!finding.is_fault, place.unwrap_or(ORDER.len()))
    };
    list.sort_by_key(rank);
    list
}

/// Adds a finding, or its firmware to the same one that is there: `is_same` besides the name.
fn merge(list: &mut Vec<Finding>, finding: Finding, is_same: impl Fn(&Finding) -> bool) {
    match list.iter_mut().find(|known| known.id == finding.id && is_same(known)) {
        Some(known) => {
            let more = finding.firmware.into_iter();
            let new: Vec<String> = more.filter(|name| !known.firmware.contains(name)).collect();
            known.firmware.extend(new);
        }
        None => list.push(finding),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
