//! Who sends a request, as far as what was heard tells it.

use core::net::{IpAddr, Ipv4Addr};

use super::{
    item::{Item, Said, Source, WEIGHT_RECENT, WEIGHT_SUFFIX},
    machine::{Statement, weight},
    owned::{Bytes, Key, OwnedFacts},
    pin::Pin,
    place::{Claim, FRESH_MS, Link, Origin, Place, seconds},
    store::Evidence,
};
use crate::{asker::Asker, bait::Bait, facts::ClientFacts, firmware::Firmware};

/// Within this time of each other two statements of one machine may have come in the wrong order, in milliseconds.
const REORDERED_MS: u64 = 2_000;
/// The same when a relay's copy is among them.
const RELAYED_MS: u64 = 30_000;
/// Pieces of evidence about one request.
const ITEMS_KEPT: usize = 4;

/// A request whose sender is looked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Query<'q> {
    /// The address it came from.
    pub address: IpAddr,
    /// The hardware address that the neighbour table has for it; only from a table that tells machines of this very
    /// link.
    pub neighbour: Option<&'q [u8]>,
    /// The program that asks, by the shape of its request.
    pub asker: Asker,
    /// The bait that it asks for. For other names the last machine at the address is named, however long ago that
    /// was.
    pub bait: Option<Bait>,
}

impl<'q> Query<'q> {
    /// A request for an ordinary name.
    #[must_use]
    pub const fn new(address: IpAddr, asker: Asker) -> Self {
        Self { address, neighbour: None, asker, bait: None }
    }

    /// The same with what the neighbour table says.
    #[must_use]
    pub const fn with_neighbour(self, neighbour: Option<&'q [u8]>) -> Self {
        Self { neighbour, ..self }
    }

    /// The same for a bait, if it is one.
    #[must_use]
    pub const fn with_bait(self, bait: Option<Bait>) -> Self {
        Self { bait, ..self }
    }

    /// Whether a firmware fits the request itself.
    fn fits(&self, firmware: Option<Firmware>) -> bool {
        let Some(firmware) = firmware else { return true };
        let shape = self.asker.item().is_none_or(|item| item.said.allows(firmware));
        let suffix = self.bait.and_then(|bait| bait.firmware);
        let suffix = suffix.is_none_or(|named| Said::Firmware(named).allows(firmware));
        shape && suffix
    }
}

/// What is known about the sender of a request.
#[derive(Clone, Debug)]
pub struct Known {
    facts: OwnedFacts,
    items: [Item; ITEMS_KEPT],
    item_count: usize,
    origin: Origin,
    asker: Asker,
    pin: Option<Pin>,
    last: Option<Key>,
}

impl Known {
    /// As the decision wants it.
    #[must_use]
    pub fn as_facts(&self) -> ClientFacts<'_> {
        let mut facts = self.facts.as_facts();
        facts.evidence = self.items.get(..self.item_count).unwrap_or_default();
        facts.origin = self.origin;
        facts.asker = self.asker;
        facts.pin = self.pin.as_ref();
        facts
    }

    /// The machine's hardware address; empty when it is not known.
    #[must_use]
    pub fn hardware_address(&self) -> &[u8] {
        self.facts.as_facts().hardware_address
    }

    /// The hardware address of the machine that was last heard at the address, or got a bait's file there, for a log.
    /// It decides nothing: by now another one can be there.
    #[must_use]
    pub fn last_hardware_address(&self) -> &[u8] {
        self.last.as_ref().map(Bytes::get).unwrap_or_default()
    }

    fn push(&mut self, item: Item) {
        if let Some(slot) = self.items.get_mut(self.item_count) {
            *slot = item;
            self.item_count = self.item_count.saturating_add(1);
        }
    }
}

impl Evidence {
    /// Who asks, as far as it is known.
    ///
    /// The neighbour table is believed first: it tells who has the address now. Else a machine whose own message or
    /// DHCP server tied it to the address within the last 25 s, in a boot that is not over yet. Where two
    /// machines qualify, those that the request itself excludes are left out.
    #[must_use]
    pub fn look_up(&self, now: u64, query: &Query<'_>) -> Known {
        let neighbour = query.neighbour.filter(|address| !address.is_empty()).map(Bytes::new);
        let mut known = self.stranger(now, query, neighbour);
        let place = self.places.get(&query.address);
        if let Some(key) = neighbour {
            known.origin = Origin::Address { link: Link::Neighbour, age_s: 0 };
            self.name(&mut known, now, key, query);
            self.add(&mut known, now, &key, query);
            return known;
        }
        let Some(place) = place else { return known };
        if query.bait.is_none() {
            if let Some(claim) = place.last(now) {
                let age_s = seconds(now, claim.at);
                known.origin = Origin::Address { link: claim.link, age_s };
                self.name(&mut known, now, claim.key, query);
                self.add(&mut known, now, &claim.key, query);
            }
            return known;
        }
        self.by_claims(&mut known, now, place, query);
        known
    }

    fn stranger(&self, now: u64, query: &Query<'_>, neighbour: Option<Key>) -> Known {
        let mut facts = ClientFacts::new(&[]);
        facts.address = ipv4(query.address);
        let nothing = Item { said: Said::NotBios, source: Source::Before, age_s: 0, weight: 0 };
        let place = self.places.get(&query.address);
        Known {
            facts: OwnedFacts::new(&facts),
            items: [nothing; ITEMS_KEPT],
            item_count: 0,
            origin: Origin::Nobody,
            asker: query.asker,
            pin: place.and_then(|place| place.pin(now, neighbour)),
            last: place.and_then(|place| place.last_key(now)),
        }
    }

    /// A bait's sender by what was heard at its address.
    fn by_claims(&self, known: &mut Known, now: u64, place: &Place, query: &Query<'_>) {
        let fits = |claim: &&Claim| {
            let machine = self.machines.get(&claim.key);
            machine.is_some_and(|machine| query.fits(machine.named()))
        };
        let all = place.fresh(now).count();
        let fitting = place.fresh(now).filter(fits).count();
        let chosen = |claim: &&Claim| fitting == 0 || fits(claim);
        let Some(youngest) = place.fresh(now).find(chosen) else {
            if let Some(age_s) = place.age_s(now) {
                known.origin = Origin::Stale { age_s };
            }
            return;
        };
        let age_s = seconds(now, youngest.at);
        known.origin = Origin::Address { link: youngest.link, age_s };
        self.name(known, now, youngest.key, query);
        for claim in place.fresh(now).filter(chosen) {
            self.add(known, now, &claim.key, query);
        }
        // Another machine that had this address and begins to boot again may well have it again.
        for other in place.claims.iter().flatten() {
            let Some(machine) = self.machines.get(&other.key) else { continue };
            let at_it = machine.address.is_some_and(|(at, _)| IpAddr::V4(at) == query.address);
            let boots = other.is_of_this_boot(now, machine.heard);
            let counted = place.fresh(now).any(|claim| claim.key == other.key);
            if at_it && boots && !counted && query.fits(machine.named()) {
                self.add(known, now, &other.key, query);
                known.origin = Origin::Shared;
            }
        }
        if fitting.max(usize::from(fitting == 0).saturating_mul(all)) > 1 {
            known.origin = Origin::Shared;
        }
        if known.origin == Origin::Shared {
            // What is about one of them must not be taken for the other.
            known.facts = OwnedFacts::new(&known.facts.as_facts().of_nobody().without_ipxe());
        }
    }

    /// Takes over a machine's facts, of the program that asks: an iPXE, or the firmware below it.
    fn name(&self, known: &mut Known, now: u64, key: Key, query: &Query<'_>) {
        let machine = self.machines.get(&key).copied().unwrap_or_default();
        let (firmware, running) = (machine.firmware, machine.running);
        let is_later = |one: &Statement, other: &Option<Statement>| {
            other.is_none_or(|other| one.at >= other.at)
        };
        let runs = running.filter(|running| match query.asker {
            Asker::Ipxe => true,
            Asker::Unknown => {
                now.saturating_sub(running.at) <= FRESH_MS && is_later(running, &firmware)
            }
            _ => query.bait.is_none() && is_later(running, &firmware),
        });
        // What iPXE said of the machine holds for its firmware as well.
        let stripped =
            running.map(|running| OwnedFacts::new(&running.facts.as_facts().without_ipxe()));
        let below = firmware.map(|firmware| firmware.facts).or(stripped);
        let facts = runs.map(|running| running.facts).or(below);
        known.facts = facts.unwrap_or_else(|| OwnedFacts::new(&ClientFacts::new(key.get())));
        known.facts.address = ipv4(query.address).or(known.facts.address);
    }

    /// Adds what a machine said of its firmware.
    fn add(&self, known: &mut Known, now: u64, key: &Key, query: &Query<'_>) {
        let Some(machine) = self.machines.get(key) else { return };
        let Some(last) = machine.last() else { return };
        let Some(firmware) = last.firmware else { return };
        let Some(weight) = weight(now, last.at) else { return };
        let before = machine.before.filter(|(_, at)| {
            let relayed = last.source == Source::Relayed;
            last.at.saturating_sub(*at) <= if relayed { RELAYED_MS } else { REORDERED_MS }
        });
        let doubtful = before.is_some_and(|(before, _)| query.fits(Some(before)));
        // The request itself tells which of two statements is the older one.
        if !doubtful || query.fits(Some(firmware)) {
            let said = Said::Firmware(firmware);
            known.push(Item { said, source: last.source, age_s: seconds(now, last.at), weight });
        }
        if let Some((before, at)) = before
            && doubtful
        {
            let said = Said::Firmware(before);
            known.push(Item { said, source: Source::Before, age_s: seconds(now, at), weight });
        }
    }
}

const fn ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

const _: () = assert!(WEIGHT_SUFFIX > WEIGHT_RECENT);
