//! What can be wrong with a topology.

use core::fmt;
use core::net::Ipv4Addr;
use std::vec;

use thiserror::Error;

use crate::limits::{ADDRESSES_MAX, RELAY_ID_BYTES_MAX, RESERVATIONS_MAX, SUBNETS_MAX};
use crate::topology::{AddressRange, Prefix};

/// One fault of a topology: in which subnet, and what.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("subnet {}, {key}: {fault}", subnet.saturating_add(1))]
pub struct TopologyError {
    /// Index of the subnet, from 0 in the order given; printed, from 1.
    pub subnet: usize,
    /// The key, as configuration spells it: `network`, `pool`, `exclude`, `host`.
    pub key: &'static str,
    /// What is wrong.
    pub fault: Fault,
}

/// Every fault of a topology at once; there is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyErrors(pub(crate) Vec<TopologyError>);

impl TopologyErrors {
    /// The faults, in the order in which they were found.
    #[must_use]
    pub fn as_slice(&self) -> &[TopologyError] {
        &self.0
    }

    /// The same, one by one.
    pub fn iter(&self) -> core::slice::Iter<'_, TopologyError> {
        self.0.iter()
    }
}

impl IntoIterator for TopologyErrors {
    type Item = TopologyError;
    type IntoIter = vec::IntoIter<TopologyError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'e> IntoIterator for &'e TopologyErrors {
    type Item = &'e TopologyError;
    type IntoIter = core::slice::Iter<'e, TopologyError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A line for each.
impl fmt::Display for TopologyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl core::error::Error for TopologyErrors {}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not a subnet.
    #[error("`{text}` is no subnet like 192.0.2.0/24")]
    BadPrefix {
        /// The text.
        text: String,
    },
    /// An address with bits set outside its prefix.
    #[error("`{text}` has bits outside its prefix; the subnet is {network}")]
    HostBits {
        /// The text.
        text: String,
        /// The address of the subnet.
        network: Ipv4Addr,
    },
    /// Not a range.
    #[error("`{text}` is no range like 192.0.2.100-192.0.2.200")]
    BadRange {
        /// The text.
        text: String,
    },
    /// A range whose end is before its beginning.
    #[error("`{text}` ends before it begins")]
    Reversed {
        /// The text.
        text: String,
    },
    /// A subnet that shares addresses with another.
    #[error("{prefix} shares addresses with {other} of subnet {}", index.saturating_add(1))]
    SubnetsOverlap {
        /// This subnet.
        prefix: Prefix,
        /// The earlier one.
        other: Prefix,
        /// Its index.
        index: usize,
    },
    /// A range that does not lie in the subnet.
    #[error("{range} does not lie within {prefix}")]
    OutsideSubnet {
        /// The range.
        range: AddressRange,
        /// The subnet.
        prefix: Prefix,
    },
    /// Two pools that share addresses.
    #[error("{range} shares addresses with the pool {other}")]
    PoolsOverlap {
        /// This pool.
        range: AddressRange,
        /// The earlier one.
        other: AddressRange,
    },
    /// A pool of which nothing is left.
    #[error("the pool {range} is empty: exclusions, network and broadcast address take all of it")]
    EmptyPool {
        /// The pool.
        range: AddressRange,
    },
    /// A reservation of an address that no host can have.
    #[error("{address} is the network or broadcast address of {prefix}")]
    NotAHostAddress {
        /// The address.
        address: Ipv4Addr,
        /// The subnet.
        prefix: Prefix,
    },
    /// A reserved address that does not lie in the subnet.
    #[error("{address} does not lie within {prefix}")]
    AddressOutside {
        /// The address.
        address: Ipv4Addr,
        /// The subnet.
        prefix: Prefix,
    },
    /// An address that is reserved twice.
    #[error("{address} is reserved twice")]
    AddressReservedTwice {
        /// The address.
        address: Ipv4Addr,
    },
    /// A client that has two reservations on one network.
    #[error("{address} and {other} are reserved for the same client; one network gives it one")]
    ClientReservedTwice {
        /// The address of this reservation.
        address: Ipv4Addr,
        /// That of the earlier one.
        other: Ipv4Addr,
    },
    /// A reservation that no client can match.
    #[error(
        "the reservation of {address} names no client: give a MAC, a client id, a circuit id or a remote id"
    )]
    NobodyReserved {
        /// The address.
        address: Ipv4Addr,
    },
    /// An id of more than [`RELAY_ID_BYTES_MAX`] bytes.
    #[error(
        "the reservation of {address} has an id of {bytes} bytes; a message has room for {RELAY_ID_BYTES_MAX}"
    )]
    IdTooLong {
        /// The address.
        address: Ipv4Addr,
        /// Its length.
        bytes: usize,
    },
    /// Subnets of one shared network that differ in what belongs to the network.
    #[error("`{name}` is shared with subnet {}, so {what} must be the same for both", index.saturating_add(1))]
    SharedNetworkDiffers {
        /// The shared network.
        name: String,
        /// The earlier subnet.
        index: usize,
        /// The key: `identify-by` or `authoritative`.
        what: &'static str,
    },
    /// More than [`SUBNETS_MAX`] subnets.
    #[error("there are {found} subnets; at most {SUBNETS_MAX} are allowed")]
    TooManySubnets {
        /// How many there are.
        found: usize,
    },
    /// More than [`RESERVATIONS_MAX`] reservations.
    #[error("there are {found} reservations; at most {RESERVATIONS_MAX} are allowed")]
    TooManyReservations {
        /// How many there are.
        found: usize,
    },
    /// More than [`ADDRESSES_MAX`] addresses.
    #[error("with this subnet there are {found} addresses; at most {ADDRESSES_MAX} are allowed")]
    TooManyAddresses {
        /// How many there are.
        found: u64,
    },
}
