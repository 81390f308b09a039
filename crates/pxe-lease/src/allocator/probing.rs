//! Asking whether an address is in use before it is offered. The caller asks: by ARP or ICMP, with a timer of its own.

use core::net::Ipv4Addr;
use std::collections::HashMap;

use super::{Allocator, Event, ProbeResult};
use crate::hardware::HardwareAddress;
use crate::limits::{PROBE_SECONDS_MAX, PROBES_IN_FLIGHT_MAX};
use crate::record::{LeaseRecord, LeaseState};
use crate::time::UnixSeconds;

/// Addresses that are probed at this moment, and since when.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes(HashMap<Ipv4Addr, UnixSeconds>);

impl Probes {
    pub(super) fn is_waited_for(&self, now: UnixSeconds, address: Ipv4Addr) -> bool {
        self.0.get(&address).is_some_and(|since| is_fresh(now, *since))
    }

    /// `false` if there are so many that the address has to be given out without a probe.
    pub(super) fn begin(&mut self, now: UnixSeconds, address: Ipv4Addr) -> bool {
        if self.0.len() >= PROBES_IN_FLIGHT_MAX {
            self.0.retain(|_, since| is_fresh(now, *since));
        }
        if self.0.len() >= PROBES_IN_FLIGHT_MAX {
            return false;
        }
        self.0.insert(address, now);
        true
    }
}

fn is_fresh(now: UnixSeconds, since: UnixSeconds) -> bool {
    now.since(since) <= PROBE_SECONDS_MAX
}

impl Allocator {
    /// Takes what a probe found. Then the message that waited for it is to be handed to
    /// [`discover`](Self::discover) again: it gets this address, or another one and perhaps another probe.
    pub fn handle_probed(&mut self, now: UnixSeconds, address: Ipv4Addr, result: ProbeResult) {
        let waited_for = self.probes.0.remove(&address).is_some();
        if !waited_for || result == ProbeResult::Free {
            return;
        }
        let Some(position) = self.table.topology.position(address) else { return };
        let slot = self.table.slot(position);
        let leased = slot.is_some_and(|slot| {
            let active = slot.record.as_ref().is_some_and(|record| record.is_active(now));
            active || slot.pending.is_some()
        });
        if leased {
            // Meanwhile somebody asked for it and got it, and perhaps was who answered.
            return;
        }
        self.table.update(position, |slot| slot.hold = None);
        self.events.push(Event::Conflict { address });
        let until = now.plus(u64::from(self.config.conflict_seconds));
        let mut record = LeaseRecord::new(address, HardwareAddress::NONE, now, until);
        record.state = LeaseState::InUse;
        self.queue_unawaited(position, record);
    }
}
