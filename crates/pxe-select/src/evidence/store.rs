//! The store: messages in, what is known about a request out.

use core::net::{IpAddr, Ipv4Addr};

use super::{
    item::{Item, Said, Source, WEIGHT_FRESH, WEIGHT_OLD, WEIGHT_RECENT, WEIGHT_SUFFIX},
    owned::{Bytes, Key, OwnedFacts},
    pin::Pin,
    place::{Claim, FRESH_MS, Link, Origin, Pinned, Place, seconds},
    recent::Recent,
};
use crate::{
    asker::Asker,
    bait::Bait,
    facts::ClientFacts,
    firmware::Firmware,
    identity::{self, Ipxe},
    limits::{ADDRESSES_MAX, MACHINES_MAX},
    reason::Reasons,
};

/// Within this time of each other two statements of one machine may have come in the wrong order, in milliseconds.
const REORDERED_MS: u64 = 2_000;
/// The same when a relay's copy is among them.
const RELAYED_MS: u64 = 30_000;
/// What was heard longer ago than this is forgotten, in milliseconds.
pub(super) const FORGOTTEN_MS: u64 = 90 * 86_400_000;
/// What counts as fresh and as recent, in milliseconds.
const HOUR_MS: u64 = 3_600_000;
const WEEK_MS: u64 = 7 * 86_400_000;
/// Pieces of evidence about one request.
const ITEMS_KEPT: usize = 4;

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

/// What a message added to what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// The sender's firmware, if the message names one.
    pub firmware: Option<Firmware>,
    /// Whether iPXE runs on it.
    pub ipxe: bool,
}

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

/// Everything that was heard, bounded: at most [`MACHINES_MAX`] machines and [`ADDRESSES_MAX`] addresses, those
/// unheard for longest make room. Times are milliseconds of UNIX time, given by the caller, so that ages survive a
/// restart; they may repeat, and what comes late is noticed by its content, not by its time.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub(super) machines: Recent<Key, Machine>,
    pub(super) places: Recent<IpAddr, Place>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { machines: Recent::new(MACHINES_MAX), places: Recent::new(ADDRESSES_MAX) }
    }
}

impl Evidence {
    /// Nothing heard yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Machines and addresses that are remembered.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        (self.machines.len(), self.places.len())
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// Takes a client's own message: `facts` as the message says them, with the address that the client has, wants
    /// or was offered in [`ClientFacts::address`]. A message that says nothing of booting tells whose an address is,
    /// and no more. `exchange` is the message's transaction number: copies of one message are told by it.
    pub fn hear(
        &mut self,
        now: u64,
        source: Source,
        exchange: u32,
        facts: &ClientFacts<'_>,
    ) -> Option<Heard> {
        if facts.hardware_address.is_empty() {
            return None;
        }
        let key = Bytes::new(facts.hardware_address);
        let identity = identity::identify(facts, false, &mut Reasons::new());
        let ipxe = identity.ipxe != Ipxe::Absent;
        let boots = identity.firmware.is_some() || ipxe || says_boot(facts.vendor_class);
        if boots {
            let machine = self.machines.touch(key, Machine::default);
            machine.heard = machine.heard.max(now);
            let facts = OwnedFacts::new(facts);
            let firmware = identity.firmware;
            machine.state(Statement { facts, firmware, source, at: now }, ipxe);
            let address = machine.address.map(|(address, _)| IpAddr::V4(address));
            if !ipxe
                && let Some(address) = address
                && let Some(place) = self.places.get_mut(&address)
            {
                place.unpin(now, &key);
            }
        }
        if let Some(address) = facts.address {
            self.claim(Claim::new(key, now, Link::Client, Some(exchange)), address);
        }
        boots.then_some(Heard { firmware: identity.firmware, ipxe })
    }

    /// Takes a DHCP server's reply to somebody: it ties an address to a machine.
    pub fn hear_reply(&mut self, now: u64, hardware_address: &[u8], address: Ipv4Addr) {
        if !hardware_address.is_empty() && !address.is_unspecified() {
            let key = Bytes::new(hardware_address);
            self.claim(Claim::new(key, now, Link::Server, None), address);
        }
    }

    /// Takes a client's RELEASE or DECLINE: the address is not its own any more.
    pub fn hear_leaving(&mut self, now: u64, hardware_address: &[u8], address: Ipv4Addr) {
        if let Some(place) = self.places.get_mut(&IpAddr::V4(address)) {
            place.left(now, &Bytes::new(hardware_address));
        }
    }

    /// A machine uses an address. Strangers are noted only where they take an address over.
    fn claim(&mut self, claim: Claim, address: Ipv4Addr) {
        let place = IpAddr::V4(address);
        match self.machines.get_mut(&claim.key) {
            Some(machine) => machine.address = Some((address, claim.at)),
            None if self.places.get(&place).is_none() => return,
            None => {}
        }
        self.places.touch(place, Place::default).claim(claim);
    }

    /// Remembers what a decision gave for a bait ([`crate::Decision::pin`]).
    pub fn pin(&mut self, now: u64, address: IpAddr, hardware_address: &[u8], pin: Pin) {
        let key = (!hardware_address.is_empty()).then(|| Bytes::new(hardware_address));
        let place = self.places.touch(address, Place::default);
        place.pinned = Some(Pinned { pin, key, at: now, delivered: None });
    }

    /// A machine has fetched what a bait stood for, as a whole: its next request for it is of another boot, and what
    /// was heard of it before counts no more. The hardware address is empty when it is not known.
    pub fn delivered(&mut self, now: u64, address: IpAddr, hardware_address: &[u8]) {
        let key = (!hardware_address.is_empty()).then(|| Bytes::new(hardware_address));
        if let Some(place) = self.places.get_mut(&address) {
            place.delivered(now, key);
        }
    }

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

impl Machine {
    /// Takes a statement in place of the last one of its kind.
    fn state(&mut self, statement: Statement, ipxe: bool) {
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
    fn last(&self) -> Option<&Statement> {
        let both = [&self.firmware, &self.running].into_iter().flatten();
        both.filter(|statement| statement.firmware.is_some()).max_by_key(|statement| statement.at)
    }

    fn named(&self) -> Option<Firmware> {
        self.last().and_then(|last| last.firmware)
    }
}

/// How much a statement counts; `None` when it is forgotten.
fn weight(now: u64, then: u64) -> Option<u8> {
    match now.saturating_sub(then) {
        0..=HOUR_MS => Some(WEIGHT_FRESH),
        age if age <= WEEK_MS => Some(WEIGHT_RECENT),
        age if age <= FORGOTTEN_MS => Some(WEIGHT_OLD),
        _ => None,
    }
}

fn says_boot(vendor_class: Option<&[u8]>) -> bool {
    let classes: [&[u8]; 3] = [b"PXEClient", b"HTTPClient", b"U-Boot"];
    vendor_class.is_some_and(|class| classes.iter().any(|known| class.starts_with(known)))
}

const fn ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

const _: () = assert!(WEIGHT_SUFFIX > WEIGHT_RECENT);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_as_large_as_the_limits_say() {
        let machine = size_of::<(Key, u64, Machine)>() + size_of::<(u64, Key)>();
        let place = size_of::<(IpAddr, u64, Place)>() + size_of::<(u64, IpAddr)>();
        assert!((500..=700).contains(&machine), "{machine} bytes for a machine");
        assert!((300..=550).contains(&place), "{place} bytes for an address");
    }
}
