//! What a server has done, for logs, metrics and the story of each client.

use core::net::Ipv4Addr;

use super::{HeldRequest, ServerMessage, ServerRequestKind};
use crate::respond::queue::Discard;
use crate::respond::{ClientClass, HardwareAddress, Transmit};

/// Something a [`ServerResponder`](super::ServerResponder) did.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// An OFFER was handed over for sending.
    Offered(ServerAnswered),
    /// An ACK, or a BOOTP reply, was handed over for sending.
    Acknowledged(ServerAnswered),
    /// A NAK was handed over for sending.
    Refused(ServerAnswered),
    /// A reply was never sent: the queue was full, or nobody took it in time. The client asks again.
    Discarded(ServerAnswered),
    /// A held request was given up: too many are held, it waited too long, or the client began anew.
    Abandoned(ServerAbandoned),
}

/// One reply and whom it was for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerAnswered {
    /// The client's hardware address.
    pub client: HardwareAddress,
    /// `xid` of the exchange.
    pub transaction_id: u32,
    /// What was asked.
    pub kind: ServerRequestKind,
    /// Which boot protocol the client speaks, if any.
    pub class: Option<ClientClass>,
    /// The address given, denied, or, for an INFORM, confirmed by no word.
    pub address: Ipv4Addr,
    /// The lease in seconds; 0 without one.
    pub lease_seconds: u32,
    /// The relay in between, if any.
    pub relay: Option<Ipv4Addr>,
    /// Where the reply went.
    pub transmit: Transmit,
    /// Its length, in bytes of UDP payload.
    pub bytes: usize,
}

/// A request that got no answer though it was held for one.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerAbandoned {
    /// The client's hardware address.
    pub client: HardwareAddress,
    /// `xid` of the exchange.
    pub transaction_id: u32,
    /// What was asked.
    pub kind: ServerRequestKind,
}

impl ServerAbandoned {
    pub(super) fn of(held: &HeldRequest) -> Self {
        let request = held.request();
        let message: &ServerMessage<'_> = request.message();
        Self {
            client: message.hardware_address(),
            transaction_id: message.view().transaction_id(),
            kind: request.kind(),
        }
    }
}

impl Discard for ServerEvent {
    fn into_discarded(self) -> Self {
        match self {
            Self::Offered(answered)
            | Self::Acknowledged(answered)
            | Self::Refused(answered)
            | Self::Discarded(answered) => Self::Discarded(answered),
            Self::Abandoned(_) => self,
        }
    }
}
