//! DHCPRELEASE and DHCPDECLINE. Neither is answered, and both are easily forged, so each must fit what is known.

use core::net::Ipv4Addr;

use super::answer::Ignored;
use super::declines::Verdict;
use super::{Allocator, Event};
use crate::client::{Client, OwnerRef};
use crate::limits::QUARANTINE_PERCENT_MAX;
use crate::record::{LeaseRecord, LeaseState};
use crate::time::UnixSeconds;
use crate::topology::Position;

impl Allocator {
    /// The client gives its address (`ciaddr`) back. Hardware address and identifier must be those of its last
    /// request. The record is kept, so that the client finds the same address again if nobody needed it.
    ///
    /// # Errors
    ///
    /// If the address is not the sender's; nothing has changed then.
    pub fn release(
        &mut self,
        now: UnixSeconds,
        client: &Client<'_>,
        address: Ipv4Addr,
    ) -> Result<(), Ignored> {
        let position = self.table.topology.position(address).ok_or(Ignored::NotOurs)?;
        let record = self.lease_of(now, position, client).ok_or(Ignored::NotTheirs)?;
        let state = LeaseState::Released;
        let record = LeaseRecord { state, granted: now, expires: now, ..record.clone() };
        self.table.update(position, |slot| slot.hold = None);
        self.queue_unawaited(position, record);
        Ok(())
    }

    /// The client found another machine using its address (option 50), which is set aside for a while. The address
    /// must be leased or offered to exactly this client.
    ///
    /// # Errors
    ///
    /// If the address is not the sender's, is reserved for it, or too many were declined already; it is not set aside
    /// then.
    pub fn decline(
        &mut self,
        now: UnixSeconds,
        client: &Client<'_>,
        address: Ipv4Addr,
    ) -> Result<(), Ignored> {
        let position = self.table.topology.position(address).ok_or(Ignored::NotOurs)?;
        let held = self.table.slot(position).and_then(|slot| slot.hold.as_ref());
        let offered =
            held.is_some_and(|hold| hold.until > now && hold.owner.as_ref().is_exactly(client));
        if !offered && self.lease_of(now, position, client).is_none() {
            return Err(Ignored::NotTheirs);
        }
        let hardware = client.hardware;
        if self.holder(position).is_some() {
            // It would get the same address again, and setting it aside would take it from its owner.
            self.events.push(Event::ReservedDeclined { address, hardware });
            return Err(Ignored::Reserved);
        }
        if self.quarantine_is_full(position) {
            return Err(Ignored::QuarantineFull);
        }
        match client.anchor().map(|anchor| self.declines.count(now, anchor)) {
            Some(Verdict::Heard) => {}
            Some(Verdict::First) => {
                self.events.push(Event::DeclineStorm { hardware });
                return Err(Ignored::DeclineStorm);
            }
            Some(Verdict::Ignored) | None => return Err(Ignored::DeclineStorm),
        }
        self.events.push(Event::Declined { address, hardware });
        let until = now.plus(u64::from(self.config.decline_seconds));
        let mut record = LeaseRecord::new(address, hardware, now, until);
        record.state = LeaseState::Declined;
        record.identifier = client.known_identifier().map(Into::into);
        self.table.update(position, |slot| slot.hold = None);
        self.queue_unawaited(position, record);
        Ok(())
    }

    /// The lease that exactly this client has or waits for.
    fn lease_of(
        &self,
        now: UnixSeconds,
        position: Position,
        client: &Client<'_>,
    ) -> Option<&LeaseRecord> {
        let slot = self.table.slot(position)?;
        let pending = slot.pending.as_ref().map(|pending| &pending.last().record);
        let record = pending.or(slot.record.as_ref())?;
        let theirs = OwnerRef::of_record(record).is_exactly(client);
        (record.is_active(now) && theirs && client.anchor().is_some()).then_some(record)
    }

    fn quarantine_is_full(&self, position: Position) -> bool {
        let Some(network) = self.table.topology.network_at(position) else { return true };
        let aside = self.table.quarantined(network).saturating_mul(100);
        aside >= self.pool_addresses(network).saturating_mul(QUARANTINE_PERCENT_MAX).max(100)
    }
}
