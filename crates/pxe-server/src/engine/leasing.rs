//! The engine's part in giving addresses: what the driver asks of it for the store.

use core::net::Ipv4Addr;
use std::time::Instant;

use pxe_lease::{Batch, BatchId, LeaseRecord, Outcome, StoreError};

use super::server::{AddressPlan, AddressProbe};
use super::{EVENTS_MAX, Engine, Output};

/// How full one network's pools are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The network's name, or its first subnet.
    pub network: String,
    /// How its addresses are used.
    pub usage: pxe_lease::Usage,
}

/// An IPv4 address of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// Index of the interface that has it.
    pub interface: u32,
    /// The address.
    pub address: Ipv4Addr,
}

/// All of it but our own addresses does nothing in other modes than `server`.
impl Engine {
    /// The civil time at `now`, in milliseconds since 1970. It may jump.
    pub fn set_time(&mut self, now: Instant, unix_ms: u64) {
        if let Some(server) = &mut self.server {
            server.set_time(now, unix_ms);
        }
    }

    /// All IPv4 addresses of this machine, which nobody is given, those of an interface in the kernel's order.
    pub fn set_own_addresses(&mut self, own: Vec<OwnAddress>) {
        if let Some(server) = &mut self.server {
            server.set_own_addresses(own.clone());
        }
        self.own = own;
    }

    /// Gives addresses by another plan from now on; what was given or is on its way is kept. Returns whether it has
    /// addresses that were not ours before: then the store is to be read again, and its records handed over.
    #[must_use = "the store may know leases of the new addresses"]
    pub fn set_plan(&mut self, plan: AddressPlan) -> bool {
        self.server.as_mut().is_some_and(|server| server.reconfigure(plan))
    }

    /// Whether messages come faster than they can be read: then DISCOVERs are dropped, so that those who were made an
    /// offer get their lease.
    pub fn set_behind(&mut self, is_behind: bool) {
        if let Some(server) = &mut self.server {
            server.set_behind(is_behind);
        }
    }

    /// A record from the store.
    pub fn handle_record(&mut self, record: LeaseRecord) {
        if let Some(server) = &mut self.server {
            server.handle_record(record);
        }
    }

    /// The store has told all its records: DHCP is answered from now on.
    pub fn handle_loaded(&mut self) {
        if let Some(server) = &mut self.server {
            server.loaded();
        }
    }

    /// What is to be stored, for a store that has time. Poll again after
    /// [`handle_committed`](Self::handle_committed).
    pub fn poll_commit(&mut self, now: Instant) -> Option<Batch> {
        self.server.as_mut()?.poll_commit(now)
    }

    /// What the store said. Then there may be more to send.
    pub fn handle_committed(
        &mut self,
        now: Instant,
        batch: BatchId,
        result: Result<Vec<Outcome>, StoreError>,
    ) {
        if let Some(server) = &mut self.server {
            server.handle_committed(now, batch, result);
        }
        self.collect_server();
    }

    /// An address that is to be asked for on the wire, before it is offered. Who answers is told to
    /// [`handle_in_use`](Self::handle_in_use); silence need not be told. Poll after every other call.
    pub fn poll_probe(&mut self) -> Option<AddressProbe> {
        self.server.as_mut()?.poll_probe()
    }

    /// An address has answered a probe, from this Ethernet address if that is known.
    pub fn handle_in_use(&mut self, now: Instant, address: Ipv4Addr, hardware: Option<[u8; 6]>) {
        if let Some(server) = &mut self.server {
            server.handle_in_use(now, address, hardware);
        }
        self.collect_server();
    }

    /// An address could not be asked for: it is offered at once.
    pub fn handle_unprobed(&mut self, now: Instant, address: Ipv4Addr) {
        if let Some(server) = &mut self.server {
            server.handle_unprobed(now, address);
        }
        self.collect_server();
    }

    /// Every lease that is known.
    pub fn leases(&self) -> impl Iterator<Item = &LeaseRecord> {
        self.server.iter().flat_map(|server| server.records())
    }

    /// How full the pools are; takes time with their size.
    pub fn pools(&self, now: Instant) -> Vec<PoolUse> {
        self.server.as_ref().map(|server| server.pools(now)).unwrap_or_default()
    }

    /// Ends the lease of an address, as if its client had given it back.
    ///
    /// # Errors
    /// Why that cannot be.
    pub fn release(&mut self, now: Instant, address: Ipv4Addr) -> Result<(), String> {
        let server = self.server.as_mut().ok_or("this server gives no addresses")?;
        server.release(now, address)
    }

    /// Whether no new lease can be given, since the store is away or was not read yet.
    pub fn is_store_away(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.is_store_away())
    }

    /// What the server has to say goes with the rest.
    pub(super) fn collect_server(&mut self) {
        let Some(server) = &mut self.server else { return };
        self.drops.lost += server.take_lost();
        while let Some(event) = server.poll_event() {
            if self.outputs.len() < EVENTS_MAX {
                self.outputs.push_back(Output::Event(event));
            } else {
                self.drops.events += 1;
            }
        }
        self.outputs.extend(core::iter::from_fn(|| server.poll_notice()).map(Output::Notice));
    }
}
