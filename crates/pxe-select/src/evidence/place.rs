//! An address: which machines used it when, and what was given to the one that has it now.

use core::fmt;

use super::{item::Age, owned::Key, pin::Pin};

/// Machines remembered for one address.
const CLAIMS_KEPT: usize = 3;
/// How long a boot takes from its address to its last request for the bait, in milliseconds: firmware asks within a
/// second, and repeats itself for 24 s (EDK2). Later, the address may be another machine's that was not heard.
pub(super) const FRESH_MS: u64 = 25_000;
/// How long after it was pinned, or delivered, an answer stands whatever else is heard of its own machine:
/// firmware repeats itself.
const FIRM_MS: u64 = 5_000;
/// Within this time a message with the transaction number of one that was heard is a copy of it, in milliseconds.
/// Later, it may be a boot of firmware that has no other number.
const COPIED_MS: u64 = 30_000;
/// The longest boot, from the bait to the loader's last companion, in milliseconds.
const BOOT_MS: u64 = 600_000;
/// How long the last user of an address is called by its name in the log, in milliseconds.
const NAMED_MS: u64 = 86_400_000;

/// How an address is tied to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Link {
    /// The machine said so itself: it requested the address, or sent from it.
    Client,
    /// A DHCP server gave it the address.
    Server,
    /// The neighbour table of this host.
    Neighbour,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "it requested this address",
            Self::Server => "a DHCP server gave it this address",
            Self::Neighbour => "the neighbour table has it at this address",
        })
    }
}

/// How it is known whose request this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The client said all of its facts itself, in this very message.
    #[default]
    Itself,
    /// By its address.
    Address {
        /// Who ties it to the machine.
        link: Link,
        /// How long ago, in seconds.
        age_s: u32,
    },
    /// Two machines used the address within a moment; both are in the evidence.
    Shared,
    /// The last machine at this address was there too long ago.
    Stale {
        /// How long ago, in seconds.
        age_s: u32,
    },
    /// Nothing was heard from this address.
    Nobody,
}

/// One machine's use of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) key: Key,
    pub(super) at: u64,
    pub(super) link: Link,
    /// The transaction numbers of the last messages that said so, with their times: of the firmware, and of the
    /// iPXE that it loaded.
    pub(super) exchanges: [Option<(u32, u64)>; 2],
    /// When the machine last had here, as a whole, what a bait stood for. What was heard of it before belongs to a
    /// boot that is over.
    pub(super) over: Option<u64>,
}

impl Claim {
    pub(super) fn new(key: Key, at: u64, link: Link, exchange: Option<u32>) -> Self {
        let exchanges = [exchange.map(|exchange| (exchange, at)), None];
        Self { key, at, link, exchanges, over: None }
    }

    /// Whether `other` is made by a copy of a message that made this claim.
    fn is_repeated_by(&self, other: &Self) -> bool {
        let [Some((exchange, at)), _] = other.exchanges else { return false };
        self.exchanges
            .iter()
            .flatten()
            .any(|(known, heard)| *known == exchange && at.saturating_sub(*heard) <= COPIED_MS)
    }

    /// Whether what was heard of the machine at this time may be of a boot that goes on.
    pub(super) fn is_of_this_boot(&self, now: u64, heard: u64) -> bool {
        now.saturating_sub(heard) <= FRESH_MS && self.over.is_none_or(|over| heard > over)
    }
}

/// A pin with its time and its machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pinned {
    pub(super) pin: Pin,
    pub(super) key: Option<Key>,
    pub(super) at: u64,
    /// When it was fetched as a whole.
    pub(super) delivered: Option<u64>,
}

/// One address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Youngest first, each machine once.
    pub(super) claims: [Option<Claim>; CLAIMS_KEPT],
    pub(super) pinned: Option<Pinned>,
}

impl Place {
    /// Notes that a machine uses the address. Another machine's pin ends with it. A copy of a message that was heard
    /// already, by another relay or late, says nothing new.
    pub(super) fn claim(&mut self, claim: Claim) {
        let known = self.claims.iter().flatten().find(|known| known.key == claim.key);
        if known.is_some_and(|known| known.is_repeated_by(&claim)) {
            return;
        }
        // What comes late does not make a machine younger than it is.
        let at = known.map_or(claim.at, |known| known.at.max(claim.at));
        let over = known.and_then(|known| known.over);
        let [latest, _] = claim.exchanges;
        let [before, older] = known.map_or([None, None], |known| known.exchanges);
        let exchanges = if latest.is_some() { [latest, before] } else { [before, older] };
        let mut claims = [Some(Claim { at, over, exchanges, ..claim }), None, None];
        let others = self.claims.iter().flatten().filter(|other| other.key != claim.key);
        for (slot, other) in claims.iter_mut().skip(1).zip(others) {
            *slot = Some(*other);
        }
        self.claims = claims;
        if self.pinned.as_ref().is_some_and(|pinned| pinned.key != Some(claim.key)) {
            self.pinned = None;
        }
    }

    /// The claims of machines that may be the one that asks now: young, and not of a boot that is over.
    pub(super) fn fresh(&self, now: u64) -> impl Iterator<Item = &Claim> {
        self.claims.iter().flatten().filter(move |claim| claim.is_of_this_boot(now, claim.at))
    }

    /// A machine has fetched what a bait stood for. Another one that took the address meanwhile goes on booting.
    pub(super) fn delivered(&mut self, now: u64, key: Option<Key>) {
        for claim in self.claims.iter_mut().flatten() {
            if Some(claim.key) == key {
                claim.over = Some(now);
            }
        }
        if let Some(pinned) = &mut self.pinned
            && pinned.key == key
        {
            pinned.delivered = Some(now);
        }
    }

    /// A machine has given the address back.
    pub(super) fn left(&mut self, now: u64, key: &Key) {
        for claim in self.claims.iter_mut().flatten().filter(|claim| claim.key == *key) {
            claim.over = Some(now);
        }
        self.pinned = self.pinned.take().filter(|pinned| pinned.key.as_ref() != Some(key));
    }

    /// Who used the address last, for the story and for rules about machines.
    pub(super) fn last(&self, now: u64) -> Option<&Claim> {
        self.claims.iter().flatten().find(|claim| now.saturating_sub(claim.at) <= NAMED_MS)
    }

    /// The same for the log alone, also where nothing but the neighbour table told who asked for a bait.
    pub(super) fn last_key(&self, now: u64) -> Option<Key> {
        let claimed = self.last(now).map(|claim| (claim.at, claim.key));
        let pinned =
            self.pinned.as_ref().filter(|pinned| now.saturating_sub(pinned.at) <= NAMED_MS);
        let pinned = pinned.and_then(|pinned| Some((pinned.at, pinned.key?)));
        claimed.max(pinned).map(|(_, key)| key)
    }

    /// How long ago somebody used it, in seconds.
    pub(super) fn age_s(&self, now: u64) -> Option<u32> {
        self.claims.iter().flatten().map(|claim| seconds(now, claim.at)).min()
    }

    /// The pin, as far as it is this boot's; `key` is the machine that the neighbour table has there.
    pub(super) fn pin(&self, now: u64, key: Option<Key>) -> Option<Pin> {
        let pinned = self.pinned.as_ref()?;
        let other = key.is_some() && pinned.key.is_some() && key != pinned.key;
        if other || now.saturating_sub(pinned.at) > BOOT_MS {
            return None;
        }
        let over = pinned.delivered.is_some_and(|at| now.saturating_sub(at) > FIRM_MS);
        // Without a neighbour table the request may be another machine's that boots from this address as well.
        let contested = key.is_none() && self.fresh(now).any(|claim| Some(claim.key) != pinned.key);
        Some(Pin { open: pinned.pin.open && !over && !contested, ..pinned.pin.clone() })
    }

    /// The machine begins anew.
    pub(super) fn unpin(&mut self, now: u64, key: &Key) {
        if let Some(pinned) = &mut self.pinned
            && pinned.key.as_ref().is_none_or(|pinned| pinned == key)
            && now.saturating_sub(pinned.at) > FIRM_MS
        {
            pinned.pin.open = false;
        }
    }
}

/// From milliseconds to the age in seconds.
pub(super) fn seconds(now: u64, then: u64) -> u32 {
    u32::try_from(now.saturating_sub(then) / 1000).unwrap_or(u32::MAX)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => f.write_str("the client says so itself"),
            Self::Address { link, age_s } => write!(f, "{link} {} ago", Age(*age_s)),
            Self::Shared => f.write_str("two machines used this address within a moment"),
            Self::Stale { age_s } => write!(
                f,
                "the machine last heard at this address was there {} ago; by now it can be another one",
                Age(*age_s)
            ),
            Self::Nobody => f.write_str("no machine was heard at this address"),
        }
    }
}
