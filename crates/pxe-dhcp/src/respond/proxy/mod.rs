//! The proxyDHCP and boot-server responder: queues and dispatch. What is asked is decided in
//! `classify`, what an answer holds in `offer` and `boot_server`.

mod answer;
mod boot_server;
mod classify;
mod event;
mod offer;
mod style;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use std::time::Instant;

pub use answer::ProxyAnswer;
pub use classify::{ClientClass, RequestKind, Silence};
pub use event::{Answered, HardwareAddress, ProxyEvent};
pub use style::ProxyStyle;

use super::limits::{EVENTS_QUEUED_MAX, REPLIES_QUEUED_MAX, REPLY_AGE_MAX};
use super::{Ports, Received, Transmit, reply_destination};
use crate::{
    BootFacts, DecodeError, EncodeError, Flags, Message, MessageType, MessageView, Operation,
    SizeBudget,
};

/// Settings of a [`ProxyResponder`].
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// UDP port numbers.
    pub ports: Ports,
    /// Addresses besides [`Received::local_address`] by which clients know us: what
    /// [`ProxyAnswer::server`] may hold, for instance an advertised address behind NAT. A
    /// boot-server request that names another server in option 54 gets no answer.
    pub server_identifiers: Vec<Ipv4Addr>,
    /// Whether a DISCOVER of U-Boot (`U-Boot…` in option 60 and an architecture in option 93)
    /// is a request. On by default: it is a boot loader, and builds that do not read proxy offers
    /// ignore them.
    pub answer_u_boot: bool,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self { ports: Ports::default(), server_identifiers: Vec::new(), answer_u_boot: true }
    }
}

/// What a datagram turned out to be.
#[derive(Debug)]
pub enum Inbound<'d> {
    /// A network-boot client asks us. End it with [`ProxyResponder::accept`] or
    /// [`ProxyResponder::ignore`].
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
}

/// A request that waits for a decision. Holds nothing back: dropping it is the same as
/// [`ProxyResponder::ignore`].
#[must_use = "end a request with accept or ignore"]
#[derive(Debug)]
pub struct ProxyRequest<'d> {
    view: MessageView<'d>,
    facts: BootFacts<'d>,
    received: Received,
    kind: RequestKind,
    class: ClientClass,
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

    /// The style an answer has when [`ProxyAnswer::style`] is `None`.
    #[must_use]
    pub fn default_style(&self) -> ProxyStyle {
        ProxyStyle::for_request(&self.view, &self.facts)
    }
}

/// Answers network-boot clients beside a DHCP server that somebody else runs. Sans-IO; see the
/// [module documentation](super) for the loop around it.
///
/// It is stateless towards clients: every retransmission is answered alike, and two copies of it
/// with the same decisions give the same bytes. Between calls it holds only what waits to be sent
/// and read: at most [`REPLIES_QUEUED_MAX`] replies and [`EVENTS_QUEUED_MAX`] events. Buffers are
/// recycled, so after the first rounds no datagram costs an allocation.
///
/// One datagram draws at most one reply, which exceeds neither 1472 bytes nor the request by more
/// than [`REPLY_GROWTH_BYTES_MAX`](super::REPLY_GROWTH_BYTES_MAX).
#[derive(Debug)]
pub struct ProxyResponder {
    config: ProxyConfig,
    /// Rebuilt for each answer; kept for its buffers.
    message: Message,
    replies: VecDeque<Reply>,
    spare: Vec<Vec<u8>>,
    events: VecDeque<ProxyEvent>,
}

#[derive(Debug)]
struct Reply {
    transmit: Transmit,
    bytes: Vec<u8>,
    queued_at: Instant,
    event: ProxyEvent,
}

impl ProxyResponder {
    /// A responder with nothing to do.
    #[must_use]
    pub fn new(config: ProxyConfig) -> Self {
        Self {
            config,
            message: Message::new(Operation::BootReply),
            replies: VecDeque::new(),
            spare: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// The settings in use.
    #[must_use]
    pub fn config(&self) -> &ProxyConfig {
        &self.config
    }

    /// Reads a datagram and says whether it is ours to answer. Queues nothing.
    ///
    /// # Errors
    /// [`Dropped`] when the datagram is no BOOTP message or nobody could be answered.
    pub fn handle_datagram<'d>(
        &mut self,
        _now: Instant,
        received: &Received,
        datagram: &'d [u8],
    ) -> Result<Inbound<'d>, Dropped> {
        if received.source.port() == 0 {
            return Err(Dropped::SourcePortZero);
        }
        let view = MessageView::parse(datagram).map_err(Dropped::Malformed)?;
        let facts = view.boot_facts();
        match classify::classify(&self.config, received, &view, &facts) {
            Ok((kind, class)) => {
                let received = *received;
                Ok(Inbound::Request(ProxyRequest { view, facts, received, kind, class }))
            }
            Err(silence) => Ok(Inbound::Overheard(view, silence)),
        }
    }

    /// Answers `request` with `answer`: queues one datagram and, once that is taken, one event.
    ///
    /// # Errors
    /// [`EncodeError`] when the answer cannot be said: an empty name (a Raspberry Pi needs none),
    /// a name longer than [`BOOT_FILE_BYTES_MAX`](super::BOOT_FILE_BYTES_MAX) or with a NUL in it,
    /// or more than the client's message size allows. Nothing is queued then.
    pub fn accept(
        &mut self,
        now: Instant,
        request: ProxyRequest<'_>,
        answer: &ProxyAnswer<'_>,
    ) -> Result<(), EncodeError> {
        let reply_type = match request.kind {
            RequestKind::Discover => MessageType::OFFER,
            RequestKind::BootServer | RequestKind::BootItem(_) => MessageType::ACK,
        };
        let your_address = match request.kind {
            RequestKind::BootItem(_) => request.view.client_address(),
            RequestKind::Discover | RequestKind::BootServer => Ipv4Addr::UNSPECIFIED,
        };
        let destination = reply_destination(
            &request.view,
            &request.received,
            reply_type,
            your_address,
            &self.config.ports,
        )
        .broadcast_instead(&self.config.ports);

        let message = &mut self.message;
        message.reset_reply_to(&request.view, reply_type);
        let style = answer.style.unwrap_or_else(|| request.default_style());
        match request.kind {
            RequestKind::Discover => offer::fill(message, &request, answer, style)?,
            RequestKind::BootServer => boot_server::fill(message, &request, answer, style)?,
            RequestKind::BootItem(item) => {
                boot_server::fill_item(message, &request, answer, item)?;
            }
        }
        if destination.broadcast_flag {
            message.set_flags(Flags::BROADCAST);
        }

        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        let budget = SizeBudget::for_request(request.facts.max_message_size);
        if let Err(error) = message.encode(budget, &mut bytes) {
            self.spare.push(bytes);
            return Err(error);
        }
        let transmit = Transmit {
            port: destination.port,
            destination: destination.address,
            source_address: request.received.local_address,
            interface: request.received.interface,
        };
        let event = ProxyEvent::answered(&request, answer, style, transmit, bytes.len());
        self.queue(Reply { transmit, bytes, queued_at: now, event });
        Ok(())
    }

    /// Leaves `request` unanswered: another server may own the client.
    pub fn ignore(&mut self, request: ProxyRequest<'_>) {
        let _ = request;
    }

    /// Takes the next datagram to send: its bytes replace the content of `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.handle_timeout(now);
        let reply = self.replies.pop_front()?;
        out.clear();
        out.extend_from_slice(&reply.bytes);
        self.spare.push(reply.bytes);
        self.push_event(reply.event);
        Some(reply.transmit)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next useful: when the oldest reply that
    /// nobody has taken loses its worth. `None` while nothing is queued. Changes with `accept`,
    /// `poll_transmit` and `handle_timeout`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(self.replies.front()?.queued_at + REPLY_AGE_MAX)
    }

    /// Discards replies that have waited so long that their clients have asked again.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.poll_timeout().is_some_and(|expiry| expiry <= now) {
            self.discard_oldest();
        }
    }

    /// The next thing that happened, in order.
    pub fn poll_event(&mut self) -> Option<ProxyEvent> {
        self.events.pop_front()
    }

    fn queue(&mut self, reply: Reply) {
        if self.replies.len() == REPLIES_QUEUED_MAX {
            self.discard_oldest();
        }
        self.replies.push_back(reply);
    }

    fn discard_oldest(&mut self) {
        if let Some(reply) = self.replies.pop_front() {
            self.spare.push(reply.bytes);
            self.push_event(reply.event.into_discarded());
        }
    }

    fn push_event(&mut self, event: ProxyEvent) {
        if self.events.len() == EVENTS_QUEUED_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddrV4;

    use super::*;
    use crate::OptionCode;
    use crate::respond::ServerPort;

    #[test]
    fn buffers_are_recycled() {
        let mut discover = Message::new(Operation::BootRequest);
        discover
            .push(OptionCode::MESSAGE_TYPE, &[MessageType::DISCOVER.0])
            .push(OptionCode::VENDOR_CLASS, b"PXEClient:Arch:00007:UNDI:003016");
        let mut datagram = Vec::new();
        discover.encode(SizeBudget::default(), &mut datagram).expect("a small message");
        let us = Ipv4Addr::new(192, 0, 2, 5);
        let source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
        let received = Received::new(source, ServerPort::Dhcp, us, 1);

        let mut responder = ProxyResponder::new(ProxyConfig::default());
        let mut out = Vec::new();
        let mut round = |responder: &mut ProxyResponder| {
            let now = Instant::now();
            let inbound = responder.handle_datagram(now, &received, &datagram);
            let Ok(Inbound::Request(request)) = inbound else { panic!("{inbound:?}") };
            responder.accept(now, request, &ProxyAnswer::new(us, b"ipxe.efi")).expect("an offer");
            assert!(responder.poll_transmit(now, &mut out).is_some());
            assert!(responder.poll_event().is_some());
            let [spare] = &responder.spare[..] else { panic!("one reply, one buffer") };
            (spare.as_ptr(), spare.capacity(), responder.replies.capacity())
        };
        let first = round(&mut responder);
        for _ in 0..100 {
            assert_eq!(round(&mut responder), first);
        }
    }
}
