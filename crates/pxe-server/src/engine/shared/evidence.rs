//! What was heard of the machines, and whom an address therefore stands for. Its ages count in UNIX time, so that it
//! can be kept.

use core::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use pxe_select::{Asker, Bait, ClientFacts, Evidence, Heard, Known, Pin, Policy, Query, Source};

use super::Shared;

/// When no clock was set: ages are right all the same, as long as nothing is kept.
const EPOCH_MS: u64 = 1_000_000_000_000;

impl Shared {
    /// Takes over evidence of an earlier run. `unix_ms` is the time of `now` in milliseconds of UNIX
    /// time; only the first call tells the time.
    pub fn restore(&self, now: Instant, unix_ms: u64, evidence: Evidence) {
        self.clock.get_or_init(|| (now, unix_ms));
        self.lock().evidence = evidence;
    }

    /// What has been heard, if anything was since the last call.
    pub fn take_changed(&self) -> Option<Evidence> {
        let mut state = self.lock();
        core::mem::take(&mut state.changed).then(|| state.evidence.clone())
    }

    /// A client's message, with its address in the facts.
    pub(in crate::engine) fn hear(
        &self,
        now: Instant,
        source: Source,
        exchange: u32,
        facts: &ClientFacts<'_>,
    ) -> Option<Heard> {
        self.learn(now, |evidence, time| evidence.hear(time, source, exchange, facts))
    }

    /// A server's message that gives a client its address.
    pub(in crate::engine) fn hear_reply(
        &self,
        now: Instant,
        hardware_address: &[u8],
        address: Ipv4Addr,
    ) {
        self.learn(now, |evidence, time| evidence.hear_reply(time, hardware_address, address));
    }

    /// A client's message that gives its address back.
    pub(in crate::engine) fn hear_leaving(
        &self,
        now: Instant,
        hardware_address: &[u8],
        address: Ipv4Addr,
    ) {
        self.learn(now, |evidence, time| evidence.hear_leaving(time, hardware_address, address));
    }

    /// Who asks for a file. The neighbour table is looked at where it matters: for a bait, and where
    /// rules tell machines apart.
    pub(in crate::engine) fn look_up(
        &self,
        now: Instant,
        policy: &Policy,
        peer: IpAddr,
        asker: Asker,
        bait: Option<Bait>,
    ) -> Known {
        let time = self.unix_ms(now);
        let query = Query::new(peer, asker).with_bait(bait);
        let tells_apart =
            policy.tells_machines_apart() || self.has_inventory() || self.orders.is_any();
        if bait.is_none() && !tells_apart {
            return self.lock().evidence.look_up(time, &query);
        }
        self.look_up_beside(time, peer, query)
    }

    /// The same where it matters who asks, whatever for.
    pub(in crate::engine) fn look_up_closely(&self, now: Instant, peer: IpAddr) -> Known {
        self.look_up_beside(self.unix_ms(now), peer, Query::new(peer, Asker::Unknown))
    }

    /// With what the neighbour table says of the address.
    fn look_up_beside(&self, time: u64, peer: IpAddr, query: Query<'_>) -> Known {
        let neighbour = self.neighbours.get().and_then(|table| table.hardware_address(peer));
        let query = query.with_neighbour(neighbour.as_ref().map(|mac| &mac[..]));
        self.lock().evidence.look_up(time, &query)
    }

    pub(in crate::engine) fn pin(
        &self,
        now: Instant,
        peer: IpAddr,
        hardware_address: &[u8],
        pin: Pin,
    ) {
        self.learn(now, |evidence, time| evidence.pin(time, peer, hardware_address, pin));
    }

    /// A machine has the file that a bait stood for.
    pub fn delivered(&self, now: Instant, peer: IpAddr, hardware_address: &[u8]) {
        self.learn(now, |evidence, time| evidence.delivered(time, peer, hardware_address));
    }

    /// Changes what is known, at a time of UNIX.
    fn learn<T>(&self, now: Instant, change: impl FnOnce(&mut Evidence, u64) -> T) -> T {
        let time = self.unix_ms(now);
        let mut state = self.lock();
        state.changed = true;
        change(&mut state.evidence, time)
    }

    fn unix_ms(&self, now: Instant) -> u64 {
        let (instant, unix_ms) = *self.clock.get_or_init(|| (now, EPOCH_MS));
        let since = now.saturating_duration_since(instant).as_millis();
        unix_ms.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }
}
