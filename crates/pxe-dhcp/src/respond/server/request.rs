//! A datagram, read: a request that waits for its answer, something to know, or nothing; and requests
//! kept until their lease is stored.

use alloc::vec::Vec;

use super::ServerMessage;
use super::classify::{ServerNotice, ServerRequestKind, ServerSilence};
use super::message::Context;
use crate::MessageView;

/// What a datagram turned out to be.
#[derive(Debug)]
pub enum ServerInbound<'d> {
    /// A client asks. End it with [`ServerResponder::accept`], [`ServerResponder::refuse`] or
    /// [`ServerResponder::ignore`], or keep it with [`ServerResponder::hold`].
    ///
    /// [`ServerResponder::accept`]: super::ServerResponder::accept
    /// [`ServerResponder::refuse`]: super::ServerResponder::refuse
    /// [`ServerResponder::ignore`]: super::ServerResponder::ignore
    /// [`ServerResponder::hold`]: super::ServerResponder::hold
    Request(ServerRequest<'d>),
    /// A client tells us something that is never answered.
    Notice(ServerMessage<'d>, ServerNotice),
    /// Nothing to us.
    Overheard(MessageView<'d>, ServerSilence),
}

/// A request that waits for a decision. Holds nothing back: dropping it is the same as
/// [`ServerResponder::ignore`].
///
/// [`ServerResponder::ignore`]: super::ServerResponder::ignore
#[must_use = "end a request with accept, refuse or ignore, or hold it"]
#[derive(Debug)]
pub struct ServerRequest<'d> {
    pub(super) message: ServerMessage<'d>,
    pub(super) kind: ServerRequestKind,
}

impl<'d> ServerRequest<'d> {
    /// Who asks, from where, and about which address.
    #[must_use]
    pub fn message(&self) -> &ServerMessage<'d> {
        &self.message
    }

    /// What is asked.
    #[must_use]
    pub fn kind(&self) -> ServerRequestKind {
        self.kind
    }
}

/// A held request, by which the caller knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeldId(pub(super) u64);

/// A request that was held, with the bytes it came in.
#[must_use = "read it with `request`, and end that"]
#[derive(Debug)]
pub struct HeldRequest {
    pub(super) datagram: Vec<u8>,
    pub(super) context: Context,
    pub(super) kind: ServerRequestKind,
}

impl HeldRequest {
    pub(super) fn new(request: &ServerRequest<'_>) -> Self {
        let message = &request.message;
        Self {
            datagram: message.view.datagram().to_vec(),
            context: message.context,
            kind: request.kind,
        }
    }

    /// The request, as it was.
    ///
    /// # Panics
    /// Never: a datagram that could be read once can be read again.
    pub fn request(&self) -> ServerRequest<'_> {
        let view = MessageView::parse(&self.datagram).expect("a datagram that was read before");
        let message = ServerMessage { view, facts: view.boot_facts(), context: self.context };
        ServerRequest { message, kind: self.kind }
    }
}
