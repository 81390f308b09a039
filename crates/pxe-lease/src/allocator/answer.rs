//! What an allocator says.

use core::net::Ipv4Addr;

use thiserror::Error;

use crate::record::LeaseRecord;
use crate::topology::SubnetId;

/// The answer to a DHCPDISCOVER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Discovered {
    /// Offer this address. It is kept for the client for a while.
    Offer(Offer),
    /// Find out whether anybody uses this address, and tell by [`handle_probed`](super::Allocator::handle_probed);
    /// then ask again. Keep the message until then.
    Probe(Probe),
    /// The same client asks again while its address is probed. Keep this message in place of the earlier one.
    Probing(Probe),
    /// Say nothing.
    Silent(Silence),
}

/// An address to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// `yiaddr`.
    pub address: Ipv4Addr,
    /// The subnet it lies in, which need not be the one the relay is in.
    pub subnet: SubnetId,
    /// Whether it is reserved for the client.
    pub reserved: bool,
    /// Seconds that the client's lease still has, if it has one.
    pub lease_seconds_left: Option<u32>,
}

/// An address that is to be probed: by ARP (RFC 5227) if its subnet is on link, else by ICMP echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// The address.
    pub address: Ipv4Addr,
    /// The subnet it lies in.
    pub subnet: SubnetId,
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// Nobody answered in time, or the probe could not be sent.
    Free,
    /// Somebody answered.
    InUse,
}

/// Which DHCPREQUEST it is (RFC 2131 section 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// Answers our offer: server identifier is ours, address in option 50. Also for BOOTP clients, after `discover`.
    Selecting,
    /// Has an address from earlier: option 50, no server identifier, `ciaddr` 0.
    InitReboot,
    /// Extends its lease: `ciaddr`, sent to us.
    Renewing,
    /// Extends its lease: `ciaddr`, sent to everybody.
    Rebinding,
}

impl RequestKind {
    /// Whether the client has the address at this moment.
    pub(super) fn extends(self) -> bool {
        matches!(self, Self::Renewing | Self::Rebinding)
    }
}

/// The answer to a DHCPREQUEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Requested {
    /// Say nothing until [`poll_answer`](super::Allocator::poll_answer) speaks of this commit. A repeated request has
    /// the commit of the first.
    Commit(CommitId),
    /// DHCPACK at once: what it promises is durable already.
    Ack(Granted),
    /// DHCPNAK.
    Nak(NakReason),
    /// Say nothing.
    Silent(Silence),
}

/// A lease that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Granted {
    /// `yiaddr`.
    pub address: Ipv4Addr,
    /// The subnet it lies in.
    pub subnet: SubnetId,
    /// Option 51: at most what is durable. [`LEASE_INFINITE`](crate::LEASE_INFINITE) is for ever.
    pub lease_seconds: u32,
    /// Whether it was confirmed without writing it, so that it may be shorter than what was asked for.
    pub unwritten: bool,
}

/// A change that waits to become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub u64);

/// A batch that was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// Records for one [`LeaseStore::apply`](crate::LeaseStore::apply).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Batch {
    /// To be given back to [`handle_committed`](super::Allocator::handle_committed).
    pub id: BatchId,
    /// At most one for each address. None if only the store's health is asked for.
    pub records: Vec<LeaseRecord>,
}

/// How a [`Requested::Commit`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Answer {
    /// Which.
    pub commit: CommitId,
    /// The lease, for a DHCPACK; or why there is none.
    pub result: Result<Granted, Refused>,
}

/// Why a commit gave no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// Another server gave the address to somebody else. DHCPNAK: the client begins anew and gets another.
    #[error("another server gave the address away")]
    Taken,
    /// The store failed, or took longer than the lease lasts. Say nothing: the client asks again.
    #[error("the lease could not be stored in time")]
    StoreAway,
    /// The client gave the address back, or the configuration lost it. Say nothing.
    #[error("it was overtaken by a later message or a new configuration")]
    Superseded,
}

/// Why a client is told that it cannot have an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NakReason {
    /// The address does not belong to the network the client is on.
    #[error("the address does not belong to this network")]
    WrongNetwork,
    /// It is in none of the pools, reserved for another client, or the server's own.
    #[error("the address is not for this client")]
    NotForClient,
    /// Another client has it.
    #[error("another client has the address")]
    Taken,
    /// It was declined, or a probe found it in use.
    #[error("the address is set aside, since another machine uses it")]
    Quarantined,
    /// Another address is reserved for the client.
    #[error("another address is reserved for this client")]
    ReservedOther,
}

/// Why nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Silence {
    /// Neither a hardware address nor a client identifier.
    #[error("the client says nothing that tells it from others")]
    NoIdentity,
    /// All addresses are in use.
    #[error("all addresses of the network are in use")]
    Exhausted,
    /// The network has no pools, and nothing is reserved for the client.
    #[error("the network has no pool, and no address is reserved for the client")]
    NoPool,
    /// One hardware address has too many.
    #[error("this hardware address has too many addresses already")]
    TooMany,
    /// A lease we do not know of: another server may.
    #[error("the lease is not known here; another server may know it")]
    Unknown,
    /// We would say no, but are not authoritative for the network.
    #[error("the address is refused ({0}), but this server is not authoritative here")]
    NotAuthoritative(NakReason),
    /// Nothing can be made durable at this moment.
    #[error("the lease store is away")]
    StoreAway,
}

/// Why a DHCPRELEASE or DHCPDECLINE changed nothing. Neither is ever answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Ignored {
    /// The address cannot be given out here.
    #[error("the address is in none of the pools")]
    NotOurs,
    /// The sender does not have the address; it may be forged.
    #[error("the address does not belong to the sender")]
    NotTheirs,
    /// It is the address reserved for the client.
    #[error("the address is reserved for its client, and is not set aside")]
    Reserved,
    /// The client has declined too many.
    #[error("the client has declined too many addresses")]
    DeclineStorm,
    /// Too much of the network's pools is set aside already.
    #[error("too many addresses of the network are set aside already")]
    QuarantineFull,
}
