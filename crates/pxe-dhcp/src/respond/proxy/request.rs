//! A datagram, read: a request that waits for its answer, something overheard, or nothing.

use super::{ClientClass, ProxyStyle, RequestKind, Silence};
use crate::respond::Received;
use crate::{BootFacts, DecodeError, MessageView};

/// What a datagram turned out to be.
#[derive(Debug)]
pub enum Inbound<'d> {
    /// A network-boot client asks us. End it with [`ProxyResponder::accept`] or
    /// [`ProxyResponder::ignore`].
    ///
    /// [`ProxyResponder::accept`]: super::ProxyResponder::accept
    /// [`ProxyResponder::ignore`]: super::ProxyResponder::ignore
    Request(ProxyRequest<'d>),
    /// Well-formed, and not ours to answer: evidence about clients and other servers, no more.
    Overheard(MessageView<'d>, Silence),
}

/// Why a datagram is not even evidence.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// It is no BOOTP message.
    #[error("malformed: {0}")]
    Malformed(DecodeError),
    /// It came from UDP port 0, to which nothing can be answered.
    #[error("source port 0")]
    SourcePortZero,
    /// It is longer than anything a client sends ([`REQUEST_BYTES_MAX`]). A proxy reads it all the same.
    ///
    /// [`REQUEST_BYTES_MAX`]: crate::respond::REQUEST_BYTES_MAX
    #[error("{0} bytes long")]
    TooLong(usize),
}

/// A request that waits for a decision. Holds nothing back: dropping it is the same as
/// [`ProxyResponder::ignore`].
///
/// [`ProxyResponder::accept`]: super::ProxyResponder::accept
/// [`ProxyResponder::ignore`]: super::ProxyResponder::ignore
#[must_use = "end a request with accept or ignore"]
#[derive(Debug)]
pub struct ProxyRequest<'d> {
    pub(super) view: MessageView<'d>,
    pub(super) facts: BootFacts<'d>,
    pub(super) received: Received,
    pub(super) kind: RequestKind,
    pub(super) class: ClientClass,
}

impl<'d> ProxyRequest<'d> {
    /// The message itself.
    #[must_use]
    pub fn view(&self) -> &MessageView<'d> {
        &self.view
    }

    /// What the message says about booting.
    #[must_use]
    pub fn facts(&self) -> &BootFacts<'d> {
        &self.facts
    }

    /// Where the message came from.
    #[must_use]
    pub fn received(&self) -> &Received {
        &self.received
    }

    /// What is asked.
    #[must_use]
    pub fn kind(&self) -> RequestKind {
        self.kind
    }

    /// Which boot protocol the client speaks.
    #[must_use]
    pub fn class(&self) -> ClientClass {
        self.class
    }

    /// The style that suits this request: what an answer has that leaves it open
    /// ([`ProxyAnswer::style`]), unless the settings say otherwise ([`ProxyStyles`]).
    ///
    /// [`ProxyAnswer::style`]: super::ProxyAnswer::style
    /// [`ProxyStyles`]: super::ProxyStyles
    #[must_use]
    pub fn default_style(&self) -> ProxyStyle {
        ProxyStyle::for_request(&self.view, &self.facts)
    }
}
