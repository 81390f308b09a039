//! What a topology is made from.

use core::net::Ipv4Addr;

use super::range::{AddressRange, Prefix};
use crate::hardware::HardwareAddress;

/// One subnet: who gets which of its addresses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SubnetConfig {
    /// Its addresses.
    pub prefix: Prefix,
    /// Which of them are given to anybody. Network and broadcast address are left out by themselves.
    pub pools: Vec<AddressRange>,
    /// Which of the pools' addresses are not. They can be reserved.
    pub exclusions: Vec<AddressRange>,
    /// Addresses for certain clients, in or outside of the pools.
    pub reservations: Vec<Reservation>,
    /// Subnets with the same name are on one link: a client there may have an address of any of them.
    pub shared_network: Option<String>,
    /// How machines are told apart.
    pub identify_by: IdentifyBy,
    /// Whether a client that knows an address of this subnet which we do not know of is answered: with that address
    /// if it is free, else with DHCPNAK. For networks where no other server is.
    pub authoritative: bool,
}

impl SubnetConfig {
    /// A subnet that gives no addresses.
    #[must_use]
    pub const fn new(prefix: Prefix) -> Self {
        Self {
            prefix,
            pools: Vec::new(),
            exclusions: Vec::new(),
            reservations: Vec::new(),
            shared_network: None,
            identify_by: IdentifyBy::HardwareAddress,
            authoritative: false,
        }
    }
}

/// An address and the client it is for. Nobody else gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reservation {
    /// The address.
    pub address: Ipv4Addr,
    /// The client.
    pub holder: ReservedFor,
}

impl Reservation {
    /// An address for a client.
    #[must_use]
    pub const fn new(address: Ipv4Addr, holder: ReservedFor) -> Self {
        Self { address, holder }
    }
}

/// By what a client with a reservation is known. A hardware address goes before an identifier, and that before a
/// circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReservedFor {
    /// Its hardware address: the same through all boot stages.
    Hardware(HardwareAddress),
    /// Option 61, which firmware and operating system send differently. Of a name behind the type 0, which some send
    /// and others leave out (RFC 2132 section 9.14), the name alone is enough.
    Identifier(Vec<u8>),
    /// The port of a switch: sub-options 1 and 2 of option 82, as far as they are given. One machine at a time.
    Circuit {
        /// Sub-option 1.
        circuit_id: Option<Vec<u8>>,
        /// Sub-option 2.
        remote_id: Option<Vec<u8>>,
    },
}

/// How machines on a network are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentifyBy {
    /// One hardware address is one machine, whatever its boot stages send as option 61.
    #[default]
    HardwareAddress,
    /// One hardware address may be several machines, each with an option 61 of its own (containers on ipvlan, guests
    /// behind a wireless bridge). A boot stage and what follows it are still one.
    ClientIdentifier,
}
