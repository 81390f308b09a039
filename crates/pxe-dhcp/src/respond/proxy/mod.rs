//! The proxyDHCP and boot-server responder: dispatch. What is asked is decided in `classify`, what
//! an answer holds in `offer` and `boot_server`, which way of phrasing it is tried in `adapt`.

mod adapt;
mod answer;
mod boot_server;
mod classify;
mod event;
mod offer;
mod request;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use std::time::Instant;

pub use answer::ProxyAnswer;
pub use classify::{RequestKind, Silence};
pub use event::{Answered, ProxyEvent, StyleChange, StyleReason};
pub use request::{Dropped, Inbound, ProxyRequest};

use self::adapt::{Adaptation, Choice, FollowUp};
use super::limits::{EVENTS_QUEUED_MAX, REPLIES_QUEUED_MAX};
use super::phrase::is_ipxe;
use super::queue::{Replies, Reply};
use super::{
    ClientClass, HardwareAddress, Ports, ProxyStyle, ProxyStyles, Received, Transmit,
    reply_destination,
};
use crate::{EncodeError, Flags, Message, MessageType, MessageView, Operation, SizeBudget};

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
    /// How offers are phrased whose answer leaves it open. By the request alone unless set.
    pub styles: ProxyStyles,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            ports: Ports::default(),
            server_identifiers: Vec::new(),
            answer_u_boot: true,
            styles: ProxyStyles::default(),
        }
    }
}

/// Answers network-boot clients beside a DHCP server that somebody else runs. Sans-IO; see the
/// [module documentation](super) for the loop around it.
///
/// Unless it is [`ProxyStyles::Adaptive`] it is stateless towards clients: every retransmission is
/// answered alike, and two copies of it with the same decisions give the same bytes. Between calls
/// it holds what waits to be sent and read, at most [`REPLIES_QUEUED_MAX`](super::REPLIES_QUEUED_MAX)
/// replies, [`OFFERS_DELAYED_MAX`](super::OFFERS_DELAYED_MAX) offers held back and
/// [`EVENTS_QUEUED_MAX`] events, and what an adaptive one remembers, at most
/// [`ADAPTED_CLIENTS_MAX`](super::ADAPTED_CLIENTS_MAX) clients and
/// [`ADAPTED_MAKERS_MAX`](super::ADAPTED_MAKERS_MAX) makers. Buffers are recycled, so after the first
/// rounds no datagram of a known client costs an allocation.
///
/// One datagram draws at most one reply, which exceeds neither 1472 bytes nor the request by more
/// than [`REPLY_GROWTH_BYTES_MAX`](super::REPLY_GROWTH_BYTES_MAX).
#[derive(Debug)]
pub struct ProxyResponder {
    config: ProxyConfig,
    /// Rebuilt for each answer; kept for its buffers.
    message: Message,
    replies: Replies<ProxyEvent>,
    events: VecDeque<ProxyEvent>,
    adaptation: Adaptation,
}

impl ProxyResponder {
    /// A responder with nothing to do.
    #[must_use]
    pub fn new(config: ProxyConfig) -> Self {
        Self {
            config,
            message: Message::new(Operation::BootReply),
            replies: Replies::new(REPLIES_QUEUED_MAX),
            events: VecDeque::new(),
            adaptation: Adaptation::new(),
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
        now: Instant,
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
                let request = ProxyRequest { view, facts, received, kind, class };
                self.learn_from(now, &request);
                Ok(Inbound::Request(request))
            }
            Err(silence) => {
                if silence == Silence::RequestToDhcpServer && self.is_adaptive() {
                    self.adaptation.take_address(HardwareAddress::of(&view));
                }
                Ok(Inbound::Overheard(view, silence))
            }
        }
    }

    /// A client asks for a file, by TFTP or HTTP: it has believed an offer, if it was made one. For
    /// [`ProxyStyles::Adaptive`], which else takes offers for ignored that make clients fetch their
    /// file without another word.
    pub fn note_fetch(&mut self, now: Instant, hardware_address: &[u8]) {
        self.follow_up(now, HardwareAddress::new(hardware_address), FollowUp::Fetch);
    }

    /// Clients that an adaptive responder remembers.
    #[must_use]
    pub fn clients_remembered(&self) -> usize {
        self.adaptation.len()
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
        let Choice { style, reason } = self.choose(now, &request, answer);
        let client = HardwareAddress::of(&request.view);
        let (transmit, bytes) = match self.compose(&request, answer, style) {
            Ok(composed) => composed,
            Err(error) => {
                self.adaptation.withdraw(client);
                return Err(error);
            }
        };
        if let Some(reason) = reason {
            self.push_event(ProxyEvent::StyleChanged(StyleChange { client, style, reason }));
        }
        let event = ProxyEvent::answered(&request, answer, style, transmit, bytes.len());
        let reply = Reply { transmit, bytes, event };
        let is_delayed = style == ProxyStyle::Delayed && request.kind == RequestKind::Discover;
        let lost = match is_delayed {
            true => self.replies.push_delayed(now, reply),
            false => self.replies.push(now, reply),
        };
        self.note_discarded(lost);
        Ok(())
    }

    /// Leaves `request` unanswered: another server may own the client.
    pub fn ignore(&mut self, request: ProxyRequest<'_>) {
        let _ = request;
    }

    /// Takes the next datagram to send: its bytes replace the content of `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.handle_timeout(now);
        let (transmit, event) = self.replies.pop(out)?;
        self.push_event(event);
        Some(transmit)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next useful: when an offer that is held back
    /// may leave, or when the oldest reply that nobody has taken loses its worth. `None` while
    /// nothing is queued. Changes with `accept`, `poll_transmit` and `handle_timeout`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.replies.next_change()
    }

    /// Makes offers ready that were held back until now, and discards replies that have waited so
    /// long that their clients have asked again.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(event) = self.replies.expire(now) {
            self.note_discarded(Some(event));
        }
        while let (true, lost) = self.replies.release(now) {
            self.note_discarded(lost);
        }
    }

    /// The next thing that happened, in order.
    pub fn poll_event(&mut self) -> Option<ProxyEvent> {
        self.events.pop_front()
    }

    /// Offers that are held back now.
    #[cfg(feature = "_fuzz")]
    pub(in crate::respond) fn delayed(&self) -> usize {
        self.replies.delayed()
    }

    /// The style for `request`: the caller's word, else what the settings say for a client whose
    /// taste is not known beforehand.
    fn choose(
        &mut self,
        now: Instant,
        request: &ProxyRequest<'_>,
        answer: &ProxyAnswer<'_>,
    ) -> Choice {
        let usual = request.default_style();
        let plain = |style| Choice { style, reason: None };
        if let Some(style) = answer.style {
            return plain(style);
        }
        let is_open = request.kind == RequestKind::Discover
            && request.class == ClientClass::Pxe
            && Adaptation::knows(usual)
            && !is_ipxe(&request.facts);
        match self.config.styles {
            ProxyStyles::Only(style) if is_open => plain(style),
            // Without an address nobody can be told from the next.
            ProxyStyles::Adaptive if is_open && !request.view.hardware_address().is_empty() => {
                let client = HardwareAddress::of(&request.view);
                let transaction_id = request.view.transaction_id();
                self.adaptation.discover(now, client, usual, transaction_id)
            }
            ProxyStyles::ByRequest | ProxyStyles::Only(_) | ProxyStyles::Adaptive => plain(usual),
        }
    }

    /// Writes the reply into a buffer of our own.
    fn compose(
        &mut self,
        request: &ProxyRequest<'_>,
        answer: &ProxyAnswer<'_>,
        style: ProxyStyle,
    ) -> Result<(Transmit, Vec<u8>), EncodeError> {
        let (reply_type, your_address) = match request.kind {
            RequestKind::Discover => (MessageType::OFFER, Ipv4Addr::UNSPECIFIED),
            RequestKind::BootServer => (MessageType::ACK, Ipv4Addr::UNSPECIFIED),
            RequestKind::BootItem(_) => (MessageType::ACK, request.view.client_address()),
        };
        let ports = &self.config.ports;
        let destination =
            reply_destination(&request.view, &request.received, reply_type, your_address, ports)
                .broadcast_instead(ports);

        let message = &mut self.message;
        message.reset_reply_to(&request.view, reply_type);
        let phrase = style.phrase(request.default_style());
        match request.kind {
            RequestKind::Discover => offer::fill(message, request, answer, phrase)?,
            RequestKind::BootServer => boot_server::fill(message, request, answer, phrase)?,
            RequestKind::BootItem(item) => boot_server::fill_item(message, request, answer, item)?,
        }
        if destination.broadcast_flag {
            message.set_flags(Flags::BROADCAST);
        }
        let budget = SizeBudget::for_request(request.facts.max_message_size);
        let mut bytes = self.replies.buffer();
        if let Err(error) = message.encode(budget, &mut bytes) {
            self.replies.recycle(bytes);
            return Err(error);
        }
        let transmit = Transmit::reply(&request.received, &destination, None);
        Ok((transmit, bytes))
    }

    fn is_adaptive(&self) -> bool {
        self.config.styles == ProxyStyles::Adaptive
    }

    /// What a request shows of the offer before it.
    fn learn_from(&mut self, now: Instant, request: &ProxyRequest<'_>) {
        let follow_up = match request.kind {
            RequestKind::BootServer => FollowUp::BootServer,
            RequestKind::BootItem(_) => FollowUp::BootItem,
            // The file of the offer is running: iPXE asks for what comes next.
            RequestKind::Discover if is_ipxe(&request.facts) => FollowUp::Fetch,
            RequestKind::Discover => return,
        };
        self.follow_up(now, HardwareAddress::of(&request.view), follow_up);
    }

    fn follow_up(&mut self, now: Instant, client: HardwareAddress, follow_up: FollowUp) {
        if self.is_adaptive()
            && let Some(style) = self.adaptation.follow_up(now, client, follow_up)
        {
            let reason = StyleReason::Worked;
            self.push_event(ProxyEvent::StyleChanged(StyleChange { client, style, reason }));
        }
    }

    /// An offer that was never sent cannot have been ignored.
    fn note_discarded(&mut self, event: Option<ProxyEvent>) {
        let Some(event) = event else { return };
        if let ProxyEvent::Discarded(answered) = event {
            self.adaptation.withdraw(answered.client);
        }
        self.push_event(event);
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
            let spares = responder.replies.spares();
            assert_eq!(spares.len(), 1, "one reply, one buffer");
            spares
        };
        let first = round(&mut responder);
        for _ in 0..100 {
            assert_eq!(round(&mut responder), first);
        }
    }
}
