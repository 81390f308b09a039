//! The DHCP server's responder: dispatch. What is asked is decided in `classify`, what a reply holds in
//! `reply`, when no is said in `refuse`. Who gets which address is the caller's business.

mod answer;
mod classify;
mod event;
#[cfg(feature = "_fuzz")]
mod fuzz;
mod held;
mod message;
mod refuse;
mod reply;
mod request;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use std::time::Instant;

pub use answer::{
    BootAnswer, LEASE_SECONDS_INFINITE, Lease, LeaseTimes, LeaseTimesFault, ServerAnswer,
    ServerAnswerError,
};
pub use classify::{RequestState, ServerNotice, ServerRequestKind, ServerSilence};
pub use event::{ServerAbandoned, ServerAnswered, ServerEvent};
#[cfg(feature = "_fuzz")]
pub use fuzz::server_responder;
pub use message::{Link, LinkSource, ServerMessage};
pub use refuse::{Denial, RefusalSilence, Refused};
pub use request::{HeldId, HeldRequest, ServerInbound, ServerRequest};

use self::classify::Verdict;
use self::held::HeldRequests;
use super::limits::{EVENTS_QUEUED_MAX, REQUEST_BYTES_MAX, SERVER_REPLIES_QUEUED_MAX};
use super::queue::{Replies, Reply};
use super::{Delivery, Dropped, Ports, Received, Transmit, reply_destination};
use crate::{EncodeError, Flags, Message, MessageType, MessageView, Operation, SizeBudget};

/// Settings of a [`ServerResponder`].
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// UDP port numbers.
    pub ports: Ports,
    /// Addresses besides [`Received::local_address`] by which clients know us: what
    /// [`ServerAnswer::server`] may hold, and our addresses on other interfaces.
    pub server_identifiers: Vec<Ipv4Addr>,
    /// Whether what option 82 says counts without a relay (`giaddr` 0): from switches that snoop, where
    /// no client can send it by itself. Off by default.
    pub trust_snooped_relay_information: bool,
    /// Whether clients may choose their subnet (option 118, RFC 3011). On by default.
    pub honour_subnet_selection: bool,
    /// Whether the driver can send to an address whose owner does not answer ARP yet, by
    /// [`Transmit::link`]. Off by default: such replies are broadcast, as RFC 2131 allows.
    pub reach_by_hardware_address: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            ports: Ports::default(),
            server_identifiers: Vec::new(),
            trust_snooped_relay_information: false,
            honour_subnet_selection: true,
            reach_by_hardware_address: false,
        }
    }
}

/// Answers DHCP and BOOTP clients with what its caller decides. Sans-IO; the loop around it is that of
/// the [module documentation](super).
///
/// An acknowledgement must not leave before its lease is durable. Where that takes time, the caller
/// [holds](Self::hold) the request, takes it back when the lease is stored, and accepts it then;
/// repetitions of a held request are dropped meanwhile.
///
/// It remembers nothing else of clients: the same request with the same answer gives the same bytes.
/// It holds at most [`HELD_REQUESTS_MAX`](super::HELD_REQUESTS_MAX) requests,
/// [`SERVER_REPLIES_QUEUED_MAX`] replies and [`EVENTS_QUEUED_MAX`] events. One datagram draws at most one
/// reply, of at most 1472 bytes.
#[derive(Debug)]
pub struct ServerResponder {
    config: ServerConfig,
    /// Rebuilt for each answer; kept for its buffers.
    message: Message,
    replies: Replies<ServerEvent>,
    held: HeldRequests,
    duplicates: u64,
    events: VecDeque<ServerEvent>,
}

impl ServerResponder {
    /// A responder with nothing to do.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            message: Message::new(Operation::BootReply),
            replies: Replies::new(SERVER_REPLIES_QUEUED_MAX),
            held: HeldRequests::default(),
            duplicates: 0,
            events: VecDeque::new(),
        }
    }

    /// The settings in use.
    #[must_use]
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Takes new settings. What is held and queued stays as it is.
    pub fn reconfigure(&mut self, config: ServerConfig) {
        self.config = config;
    }

    /// Reads a datagram and says what it wants. Queues nothing.
    ///
    /// # Errors
    /// [`Dropped`] when the datagram is no BOOTP message, longer than
    /// [`REQUEST_BYTES_MAX`](super::REQUEST_BYTES_MAX), or nobody could be answered.
    pub fn handle_datagram<'d>(
        &mut self,
        _now: Instant,
        received: &Received,
        datagram: &'d [u8],
    ) -> Result<ServerInbound<'d>, Dropped> {
        if received.source.port() == 0 {
            return Err(Dropped::SourcePortZero);
        }
        if datagram.len() > REQUEST_BYTES_MAX {
            return Err(Dropped::TooLong(datagram.len()));
        }
        let view = MessageView::parse(datagram).map_err(Dropped::Malformed)?;
        let (message, verdict) = classify::classify(&self.config, received, view);
        match verdict {
            Ok(Verdict::Request(kind)) => {
                let request = ServerRequest { message, kind };
                if self.held.holds(&request) {
                    self.duplicates += 1;
                    return Ok(ServerInbound::Overheard(view, ServerSilence::Duplicate));
                }
                Ok(ServerInbound::Request(request))
            }
            Ok(Verdict::Notice(notice)) => Ok(ServerInbound::Notice(message, notice)),
            Err(silence) => Ok(ServerInbound::Overheard(view, silence)),
        }
    }

    /// Gives the client what it asks for: an OFFER to a DISCOVER, an ACK to a REQUEST or INFORM, a reply
    /// to a BOOTP request. Queues one datagram and, once that is taken, one event.
    ///
    /// # Errors
    /// [`ServerAnswerError`] when the answer does not fit the question or cannot be said. Nothing is
    /// queued then.
    pub fn accept(
        &mut self,
        now: Instant,
        request: ServerRequest<'_>,
        answer: &ServerAnswer<'_>,
    ) -> Result<(), ServerAnswerError> {
        reply::fill(&mut self.message, &request, answer)?;
        let given = answer.lease.map(|lease| lease.address);
        let your_address = given.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let reply_type = reply::reply_type(request.kind);
        let (transmit, bytes) = self.compose(&request, reply_type, your_address)?;
        let address = given.or_else(|| request.message.address()).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let mut answered = answered(&request, address, transmit, bytes.len());
        answered.lease_seconds = match request.kind {
            ServerRequestKind::Bootp => LEASE_SECONDS_INFINITE,
            _ => answer.lease.map_or(0, |lease| lease.seconds),
        };
        let event = match request.kind {
            ServerRequestKind::Discover => ServerEvent::Offered(answered),
            _ => ServerEvent::Acknowledged(answered),
        };
        self.queue(now, Reply { transmit, bytes, event });
        Ok(())
    }

    /// Tells the client that it cannot have the address it asks for, if that is the thing to do
    /// ([`Denial::verdict`]). `server` is our address as in [`ServerAnswer::server`]. A caller whose
    /// allocator has decided that a NAK is due passes `authoritative`.
    ///
    /// # Errors
    /// [`EncodeError`] when what must be echoed does not fit the client's message size. Nothing is
    /// queued then.
    pub fn refuse(
        &mut self,
        now: Instant,
        request: ServerRequest<'_>,
        server: Ipv4Addr,
        denial: Denial,
        authoritative: bool,
    ) -> Result<Refused, EncodeError> {
        if let Err(silence) = denial.verdict(request.kind, authoritative) {
            return Ok(Refused::Silent(silence));
        }
        reply::fill_refusal(&mut self.message, &request.message, server, denial);
        let (transmit, bytes) = self.compose(&request, MessageType::NAK, Ipv4Addr::UNSPECIFIED)?;
        let address = request.message.address().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let event = ServerEvent::Refused(answered(&request, address, transmit, bytes.len()));
        self.queue(now, Reply { transmit, bytes, event });
        Ok(Refused::Nak)
    }

    /// Leaves `request` unanswered: another server may own the client, or there is nothing to give.
    pub fn ignore(&mut self, request: ServerRequest<'_>) {
        let _ = request;
    }

    /// Keeps `request`, with a copy of its bytes, until its lease is stored. If
    /// [`HELD_REQUESTS_MAX`](super::HELD_REQUESTS_MAX) are held, the oldest is given up, and an event says
    /// so.
    pub fn hold(&mut self, now: Instant, request: ServerRequest<'_>) -> HeldId {
        let (id, lost) = self.held.insert(now, &request);
        self.abandon(lost);
        id
    }

    /// Gives a held request back, to be accepted, refused or ignored. `None` if it was given up: the
    /// client has asked again since or soon will, and finds its lease stored.
    pub fn take_held(&mut self, id: HeldId) -> Option<HeldRequest> {
        self.held.take(id)
    }

    /// Requests that are held now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Repetitions of held requests that were dropped.
    #[must_use]
    pub fn duplicates_dropped(&self) -> u64 {
        self.duplicates
    }

    /// Takes the next datagram to send: its bytes replace the content of `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.handle_timeout(now);
        let (transmit, event) = self.replies.pop(out)?;
        self.push_event(event);
        Some(transmit)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next useful: when the oldest reply that nobody has
    /// taken loses its worth, or the oldest held request. `None` while there is neither.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.replies.next_change().into_iter().chain(self.held.next_expiry()).min()
    }

    /// Discards replies and gives up held requests that have waited so long that their clients have
    /// asked again.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(event) = self.replies.expire(now) {
            self.push_event(event);
        }
        while let Some(old) = self.held.expire(now) {
            self.abandon(Some(old));
        }
    }

    /// The next thing that happened, in order.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    /// Writes the message that was filled into a buffer of our own.
    fn compose(
        &mut self,
        request: &ServerRequest<'_>,
        reply_type: MessageType,
        your_address: Ipv4Addr,
    ) -> Result<(Transmit, Vec<u8>), EncodeError> {
        let asked = &request.message;
        let ports = &self.config.ports;
        let received = asked.received();
        let mut to = reply_destination(asked.view(), received, reply_type, your_address, ports);
        let mut link = None;
        if to.delivery == Delivery::HardwareAddress {
            link = asked.view().hardware_address().try_into().ok();
            if link.is_none() || !self.config.reach_by_hardware_address {
                link = None;
                to = to.broadcast_instead(ports);
            }
        }
        if to.broadcast_flag {
            self.message.set_flags(Flags::BROADCAST);
        }
        let budget = SizeBudget::for_request(asked.facts().max_message_size);
        let mut bytes = self.replies.buffer();
        if let Err(error) = self.message.encode(budget, &mut bytes) {
            self.replies.recycle(bytes);
            return Err(error);
        }
        Ok((Transmit::reply(received, &to, link), bytes))
    }

    fn queue(&mut self, now: Instant, reply: Reply<ServerEvent>) {
        if let Some(lost) = self.replies.push(now, reply) {
            self.push_event(lost);
        }
    }

    fn abandon(&mut self, lost: Option<HeldRequest>) {
        if let Some(lost) = lost {
            self.push_event(ServerEvent::Abandoned(ServerAbandoned::of(&lost)));
        }
    }

    fn push_event(&mut self, event: ServerEvent) {
        if self.events.len() == EVENTS_QUEUED_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

fn answered(
    request: &ServerRequest<'_>,
    address: Ipv4Addr,
    transmit: Transmit,
    bytes: usize,
) -> ServerAnswered {
    let message = &request.message;
    ServerAnswered {
        client: message.hardware_address(),
        transaction_id: message.view().transaction_id(),
        kind: request.kind,
        class: message.class(),
        address,
        lease_seconds: 0,
        relay: message.relay(),
        transmit,
        bytes,
    }
}
