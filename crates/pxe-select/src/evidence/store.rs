//! What was heard, of whom and at which address.

use core::net::{IpAddr, Ipv4Addr};

use super::{
    item::Source,
    machine::{Machine, Statement},
    owned::{Bytes, Key, OwnedFacts},
    pin::Pin,
    place::{Claim, Link, Pinned, Place},
    recent::Recent,
};
use crate::{
    facts::ClientFacts,
    firmware::Firmware,
    identity::{self, Ipxe},
    limits::{ADDRESSES_MAX, MACHINES_MAX},
    reason::Reasons,
};

/// What a message added to what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// The sender's firmware, if the message names one.
    pub firmware: Option<Firmware>,
    /// Whether iPXE runs on it.
    pub ipxe: bool,
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
}

fn says_boot(vendor_class: Option<&[u8]>) -> bool {
    let classes: [&[u8]; 3] = [b"PXEClient", b"HTTPClient", b"U-Boot"];
    vendor_class.is_some_and(|class| classes.iter().any(|known| class.starts_with(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_as_large_as_the_limits_say() {
        let machine =
            size_of::<(u64, Machine)>() + size_of::<(Key, Box<()>)>() + size_of::<(u64, Key)>();
        let place =
            size_of::<(u64, Place)>() + size_of::<(IpAddr, Box<()>)>() + size_of::<(u64, IpAddr)>();
        assert!((500..=700).contains(&machine), "{machine} bytes for a machine");
        assert!((300..=550).contains(&place), "{place} bytes for an address");
    }
}
