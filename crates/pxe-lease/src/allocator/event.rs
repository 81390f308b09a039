//! What people should know.

use core::fmt;
use core::net::Ipv4Addr;
use std::collections::VecDeque;

use crate::hardware::HardwareAddress;
use crate::limits::EVENTS_QUEUED_MAX;
use crate::topology::NetworkId;

/// Something worth a line in a log. What happens to single leases is in the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A network has no address left for a new client. Said once, until it has recovered.
    Exhausted {
        /// The network.
        network: NetworkId,
        /// Addresses in its pools.
        addresses: u64,
    },
    /// An exhausted network has addresses again.
    Recovered {
        /// The network.
        network: NetworkId,
    },
    /// A client found its address used by another machine.
    Declined {
        /// The address, which is set aside.
        address: Ipv4Addr,
        /// The client.
        hardware: HardwareAddress,
    },
    /// A client declines the address that is reserved for it.
    ReservedDeclined {
        /// The address, which stays reserved.
        address: Ipv4Addr,
        /// The client.
        hardware: HardwareAddress,
    },
    /// A client declines one address after the other; it is no longer listened to.
    DeclineStorm {
        /// The client.
        hardware: HardwareAddress,
    },
    /// A probe found an address in use by somebody it was not given to.
    Conflict {
        /// The address, which is set aside.
        address: Ipv4Addr,
    },
    /// The client for which an address is reserved asks while another machine has it.
    ReservationHeld {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        holder: HardwareAddress,
    },
    /// The store failed. No new lease until it is back.
    StoreAway {
        /// What it said.
        reason: String,
    },
    /// The store works again.
    StoreBack,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted { network, addresses } => write!(
                f,
                "network {}: all {addresses} addresses are in use, new clients get no answer; \
                 widen the pool or shorten the leases",
                network.0
            ),
            Self::Recovered { network } => {
                write!(f, "network {}: there are free addresses again", network.0)
            }
            Self::Declined { address, hardware } => write!(
                f,
                "{hardware} found {address} used by another machine; it is set aside: look for a \
                 machine with that address set by hand, or for another DHCP server"
            ),
            Self::ReservedDeclined { address, hardware } => write!(
                f,
                "{hardware} found {address}, which is reserved for it, used by another machine; \
                 find that machine"
            ),
            Self::DeclineStorm { hardware } => write!(
                f,
                "{hardware} declines one address after the other; its declines are ignored for a while"
            ),
            Self::Conflict { address } => {
                write!(
                    f,
                    "{address} answers a probe, but was not given to anybody; it is set aside"
                )
            }
            Self::ReservationHeld { address, holder } => write!(
                f,
                "{address} is reserved for another client, but {holder} has it until its lease ends"
            ),
            Self::StoreAway { reason } => {
                write!(f, "the lease store failed, no new leases until it is back: {reason}")
            }
            Self::StoreBack => f.write_str("the lease store works again"),
        }
    }
}

/// Events not yet read.
#[derive(Clone, Debug, Default)]
pub(super) struct Events(VecDeque<Event>);

impl Events {
    pub(super) fn push(&mut self, event: Event) {
        if self.0.len() >= EVENTS_QUEUED_MAX {
            self.0.pop_front();
        }
        self.0.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}
