//! The transfers: dense slots that are used again, found by id and by peer, and counted by address.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use thiserror::Error;

use super::config::ServerConfig;
use super::transfer::Transfer;

/// Names a transfer. The index is dense and used again after the transfer's end; the generation tells its
/// users apart, so that a late datagram never reaches another client's transfer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl TransferId {
    /// A number below `transfers_max` that no other live transfer has: a place in the driver's own table.
    #[must_use]
    pub const fn index(self) -> usize {
        self.slot as usize
    }
}

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// Why no transfer is begun. The client was told with error 0, and may ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Busy {
    /// As many transfers as the server may have.
    #[error("the server has as many transfers as it may have")]
    Transfers,
    /// As many transfers as one address may have.
    #[error("the client's address has as many transfers as it may have")]
    TransfersOfAddress,
    /// As many uploads as the server may have.
    #[error("the server has as many uploads as it may have")]
    Uploads,
    /// As many transfers without any answer as one address may have.
    #[error("the client's address does not answer the transfers it already has")]
    UnprovenOfAddress,
    /// As many transfers as one network may have.
    #[error("the client's network has as many transfers as it may have")]
    TransfersOfPrefix,
    /// As many transfers without any answer as one network may have.
    #[error("the client's network does not answer the transfers it already has")]
    UnprovenOfPrefix,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    /// None while free, and between a transfer's end and the driver's learning of it.
    transfer: Option<Transfer>,
}

/// Transfers of one address or network.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    transfers: u16,
    unproven: u16,
}

impl Count {
    fn end(&mut self, proven: bool) {
        self.transfers = self.transfers.saturating_sub(1);
        if !proven {
            self.unproven = self.unproven.saturating_sub(1);
        }
    }
}

/// The network a host belongs to, as far as its address tells: IPv4 /24, IPv6 /64.
fn prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & !0xff).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_peer: HashMap<SocketAddr, u32>,
    addresses: HashMap<IpAddr, Count>,
    prefixes: HashMap<IpAddr, Count>,
    live: usize,
}

impl Table {
    pub(super) fn admit(&self, peer: SocketAddr, config: &ServerConfig) -> Result<(), Busy> {
        let used = self.slots.len() - self.free.len();
        let slots_max = config.transfers_max.min(u32::MAX as usize - 1);
        if used >= slots_max {
            return Err(Busy::Transfers);
        }
        let count = self.addresses.get(&peer.ip()).copied().unwrap_or_default();
        if count.transfers >= config.transfers_per_address_max {
            return Err(Busy::TransfersOfAddress);
        }
        if count.unproven >= config.unproven_per_address_max {
            return Err(Busy::UnprovenOfAddress);
        }
        let count = self.prefixes.get(&prefix(peer.ip())).copied().unwrap_or_default();
        if count.transfers >= config.transfers_per_prefix_max {
            return Err(Busy::TransfersOfPrefix);
        }
        if count.unproven >= config.unproven_per_prefix_max {
            return Err(Busy::UnprovenOfPrefix);
        }
        Ok(())
    }

    /// Puts a transfer, unproven yet, into a slot. The caller has asked [`admit`](Self::admit).
    pub(super) fn insert(&mut self, build: impl FnOnce(TransferId) -> Transfer) -> TransferId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let entry = &mut self.slots[slot as usize];
        let id = TransferId { slot, generation: entry.generation };
        let transfer = entry.transfer.insert(build(id));
        self.by_peer.insert(transfer.peer, slot);
        let address = transfer.peer.ip();
        for count in [
            self.addresses.entry(address).or_default(),
            self.prefixes.entry(prefix(address)).or_default(),
        ] {
            count.transfers += 1;
            count.unproven += 1;
        }
        self.live += 1;
        id
    }

    pub(super) fn get(&self, id: TransferId) -> Option<&Transfer> {
        let slot = self.slots.get(id.index()).filter(|slot| slot.generation == id.generation)?;
        slot.transfer.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: TransferId) -> Option<&mut Transfer> {
        let slot =
            self.slots.get_mut(id.index()).filter(|slot| slot.generation == id.generation)?;
        slot.transfer.as_mut()
    }

    /// The id of the transfer in a slot.
    pub(super) fn at(&self, slot: u32) -> Option<TransferId> {
        let entry = self.slots.get(slot as usize)?;
        entry.transfer.as_ref().map(|_| TransferId { slot, generation: entry.generation })
    }

    /// The newest transfer of a peer.
    pub(super) fn of_peer(&self, peer: SocketAddr) -> Option<TransferId> {
        self.by_peer.get(&peer).and_then(|&slot| self.at(slot))
    }

    /// The transfer's address answered.
    pub(super) fn prove(&mut self, peer: SocketAddr) {
        let address = peer.ip();
        for count in [self.addresses.get_mut(&address), self.prefixes.get_mut(&prefix(address))]
            .into_iter()
            .flatten()
        {
            count.unproven = count.unproven.saturating_sub(1);
        }
    }

    /// Takes a transfer out. Its slot stays taken until [`free`](Self::free).
    pub(super) fn remove(&mut self, id: TransferId) -> Option<Transfer> {
        self.get(id)?;
        let transfer = self.slots[id.index()].transfer.take()?;
        self.live -= 1;
        if self.by_peer.get(&transfer.peer) == Some(&id.slot) {
            self.by_peer.remove(&transfer.peer);
        }
        let address = transfer.peer.ip();
        for (counts, key) in [(&mut self.addresses, address), (&mut self.prefixes, prefix(address))]
        {
            if let Entry::Occupied(mut count) = counts.entry(key) {
                count.get_mut().end(transfer.is_proven());
                if count.get().transfers == 0 {
                    count.remove();
                }
            }
        }
        Some(transfer)
    }

    /// The driver knows of the end: the slot may be used again.
    pub(super) fn free(&mut self, id: TransferId) {
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        if slot.generation == id.generation && slot.transfer.is_none() {
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(id.slot);
        }
    }

    /// Transfers that are not over.
    pub(super) const fn live(&self) -> usize {
        self.live
    }
}
