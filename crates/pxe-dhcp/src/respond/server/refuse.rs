//! When no is said, and when nothing (RFC 2131 section 4.3.2, with the reticence of Kea and dnsmasq).
//!
//! A wrong NAK takes a working machine off the network; a missing one costs a client some seconds.

use super::{RequestState, ServerRequestKind};

/// Why a client cannot have the address it asks for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denial {
    /// The address does not belong to the network the client is on.
    #[error("the address does not belong to this network")]
    WrongNetwork,
    /// The client has, or is to have, another address here.
    #[error("another address is meant for this client")]
    OtherAddress,
    /// Another client has the address, or it is reserved, excluded or set aside.
    #[error("the address is not for this client")]
    NotForClient,
    /// Nothing is known of a lease: it may have been lost, or be another server's.
    #[error("the lease is not known here")]
    Unknown,
}

/// What a refusal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// A NAK is on its way.
    Nak,
    /// Nothing is said.
    Silent(RefusalSilence),
}

/// Why nothing is said to a client that cannot have what it asks for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RefusalSilence {
    /// Only a REQUEST can be refused.
    #[error("only a REQUEST is refused")]
    NotARequest,
    /// Another server may know better, and we are not authoritative for this subnet.
    #[error("another server may know better, and this one is not authoritative here")]
    NotAuthoritative,
    /// The client asks every server; the one that knows its lease will answer.
    #[error("the client asks every server, and this one does not know its lease")]
    AsksEverybody,
}

impl Denial {
    /// What to say to a client that cannot have its address for this reason, where we are
    /// `authoritative` for its subnet or not. `Ok` is a NAK.
    ///
    /// | | selecting | init-reboot | renewing | rebinding |
    /// |---|---|---|---|---|
    /// | wrong network | NAK | NAK | authoritative | authoritative |
    /// | other address | NAK | NAK | authoritative | authoritative |
    /// | not for client | NAK | authoritative | authoritative | authoritative |
    /// | unknown | NAK | authoritative | authoritative | silence |
    ///
    /// # Errors
    /// Why nothing is said.
    pub fn verdict(
        self,
        kind: ServerRequestKind,
        authoritative: bool,
    ) -> Result<(), RefusalSilence> {
        let ServerRequestKind::Request(state) = kind else {
            return Err(RefusalSilence::NotARequest);
        };
        let is_sure = match (state, self) {
            // It takes our own offer, so nobody else will answer.
            (RequestState::Selecting, _)
            | (RequestState::InitReboot, Self::WrongNetwork | Self::OtherAddress) => true,
            (RequestState::Rebinding, Self::Unknown) => return Err(RefusalSilence::AsksEverybody),
            _ => false,
        };
        if is_sure || authoritative { Ok(()) } else { Err(RefusalSilence::NotAuthoritative) }
    }
}
