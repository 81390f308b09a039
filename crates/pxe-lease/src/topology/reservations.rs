//! Who has what reserved on one network.

use core::net::Ipv4Addr;
use std::collections::HashMap;

use super::config::{Reservation, ReservedFor};
use crate::client::Client;

/// What option 61 begins with where a name follows and no hardware address (RFC 2132 section 9.14).
const UNTYPED: u8 = 0;

#[derive(Clone, Debug, Default)]
pub(super) struct Reservations {
    addresses: HashMap<ReservedFor, Ipv4Addr>,
    holders: HashMap<Ipv4Addr, ReservedFor>,
}

/// A second reservation for the same client or address.
pub(super) enum Twice {
    Address,
    /// And the address it has already.
    Client(Ipv4Addr),
}

impl Reservations {
    pub(super) fn add(&mut self, reservation: &Reservation) -> Result<(), Twice> {
        let Reservation { address, holder } = reservation;
        if let Some(other) = self.addresses.get(holder) {
            return Err(if other == address { Twice::Address } else { Twice::Client(*other) });
        }
        if self.holders.contains_key(address) {
            return Err(Twice::Address);
        }
        self.addresses.insert(holder.clone(), *address);
        self.holders.insert(*address, holder.clone());
        Ok(())
    }

    pub(super) fn holder(&self, address: Ipv4Addr) -> Option<&ReservedFor> {
        self.holders.get(&address)
    }

    pub(super) fn find(&self, client: &Client<'_>) -> Option<Ipv4Addr> {
        if self.addresses.is_empty() {
            return None;
        }
        let found = |holder: ReservedFor| self.addresses.get(&holder).copied();
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let circuit = |circuit_id: Option<&[u8]>, remote_id: Option<&[u8]>| {
            (circuit_id.is_some() || remote_id.is_some()).then(|| ReservedFor::Circuit {
                circuit_id: owned(circuit_id),
                remote_id: owned(remote_id),
            })
        };
        let identified = |identifier: &[u8]| found(ReservedFor::Identifier(identifier.to_vec()));
        let untyped = || client.known_identifier()?.strip_prefix(&[UNTYPED]);
        found(ReservedFor::Hardware(client.hardware))
            .or_else(|| identified(client.known_identifier()?))
            .or_else(|| identified(untyped()?))
            // What names both is more exact than what names one.
            .or_else(|| found(circuit(client.circuit_id, client.remote_id)?))
            .or_else(|| found(circuit(client.circuit_id, None)?))
            .or_else(|| found(circuit(None, client.remote_id)?))
    }
}
