//! The fuzz body of the DHCP server as a whole machine.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::time::Instant;

use super::{
    BootAnswer, Denial, HeldId, Lease, RefusalSilence, Refused, RequestState, ServerAnswer,
    ServerConfig, ServerEvent, ServerInbound, ServerNotice, ServerRequest, ServerRequestKind,
    ServerResponder,
};
use crate::limits::{MESSAGE_BYTES_MIN, PAYLOAD_BYTES_MAX};
use crate::options::OptionSet;
use crate::respond::fuzz::assert_only_echoed_anomalies;
use crate::respond::{HELD_REQUESTS_MAX, Ports, Received, ServerPort, Transmit};
use crate::{MessageKind, MessageType, MessageView, Operation, OptionCode, SizeBudget};

/// Plays `data` as a script against one server. Panics when an answer goes out that must not, or is not what every
/// answer promises.
///
/// The script is a sequence of steps. A step is a control byte (bits 0 to 2: accept, accept with a boot file, hold,
/// refuse with authority, refuse without, ignore, finish the oldest held request, five seconds pass; bit 3: by unicast;
/// bit 4: from the source address 192.0.2.100; bit 5: a driver that can reach hardware addresses; bit 6: configured
/// options; bit 7: trust in option 82), a byte for the length of the file name, two bytes for that of the datagram, and
/// the datagram.
pub fn server_responder(data: &[u8]) {
    let mut machine = Machine::new();
    let mut script = data;
    while let [control, file_length, high, low, rest @ ..] = script {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (datagram, after) = rest.split_at(length);
        script = after;
        machine.step(*control, *file_length, datagram);
    }
}

struct Machine {
    responder: ServerResponder,
    options: OptionSet,
    now: Instant,
    held: VecDeque<HeldId>,
    out: Vec<u8>,
}

/// What a reply must be, taken from the request before it is answered.
struct Expectation {
    datagram: Vec<u8>,
    received: Received,
    kind: ServerRequestKind,
    server: Ipv4Addr,
    /// None for a NAK.
    given: Option<Ipv4Addr>,
}

impl Machine {
    fn new() -> Self {
        let mut options = OptionSet::new();
        for (option, text) in OPTIONS {
            options.set(option, text).expect("a sound option");
        }
        Self {
            responder: ServerResponder::new(ServerConfig::default()),
            options,
            now: Instant::now(),
            held: VecDeque::new(),
            out: Vec::new(),
        }
    }

    fn step(&mut self, control: u8, file_length: u8, datagram: &[u8]) {
        self.responder.reconfigure(ServerConfig {
            server_identifiers: [ADVERTISED].into(),
            reach_by_hardware_address: control & 0x20 != 0,
            trust_snooped_relay_information: control & 0x80 != 0,
            ..ServerConfig::default()
        });
        match control & 7 {
            6 => return self.finish_oldest(control, file_length),
            7 => {
                self.now += Duration::from_secs(5);
                self.responder.handle_timeout(self.now);
                self.read_events(0);
            }
            _ => {}
        }
        let ip = if control & 0x10 != 0 { CLIENT } else { Ipv4Addr::UNSPECIFIED };
        let received = Received::new(SocketAddrV4::new(ip, 68), ServerPort::Dhcp, LOCAL, 7)
            .sent_as_unicast(control & 8 != 0);
        let duplicates = self.responder.duplicates_dropped();
        match self.responder.handle_datagram(self.now, &received, datagram) {
            Ok(ServerInbound::Request(request)) => {
                assert_may_answer(&request);
                self.decide(control, file_length, request);
            }
            Ok(ServerInbound::Notice(message, notice)) => {
                let (ServerNotice::Decline { address }
                | ServerNotice::Release { address }
                | ServerNotice::OtherChosen { server: address }) = notice;
                assert_eq!(message.view().kind(), MessageKind::Dhcp);
                let by_other = matches!(notice, ServerNotice::OtherChosen { .. });
                assert!(by_other || Some(address) == message.address());
            }
            Ok(ServerInbound::Overheard(..)) | Err(_) => {}
        }
        assert!(self.responder.duplicates_dropped() - duplicates <= 1);
        self.expect_nothing();
    }

    fn decide(&mut self, control: u8, file_length: u8, request: ServerRequest<'_>) {
        match control & 7 {
            0 | 1 => self.accept(control, file_length, request),
            2 => {
                let id = self.responder.hold(self.now, request);
                self.held.push_back(id);
                assert!(self.responder.held() <= HELD_REQUESTS_MAX);
                self.read_events(0);
                self.expect_nothing();
            }
            3 | 4 => self.refuse(control & 7 == 3, usize::from(file_length), request),
            _ => {
                self.responder.ignore(request);
                self.expect_nothing();
            }
        }
    }

    fn accept(&mut self, control: u8, file_length: u8, request: ServerRequest<'_>) {
        let kind = request.kind();
        let address = match kind {
            ServerRequestKind::Request(_) => request.message().address().expect("an address"),
            _ => CLIENT,
        };
        let lease = Lease { address, seconds: u32::from(file_length) + 1, spread: file_length };
        let mut answer = match kind {
            ServerRequestKind::Inform => ServerAnswer::inform(ADVERTISED, MASK),
            _ => ServerAnswer::new(ADVERTISED, MASK, lease),
        };
        let layers = [&self.options];
        if control & 0x40 != 0 {
            answer = answer.with_options(&layers);
        }
        let file = [b'f'; u8::MAX as usize];
        if control & 1 != 0 {
            answer = answer.with_boot(BootAnswer::new(&file[..usize::from(file_length)]));
        }
        let given = answer.lease.map_or(Ipv4Addr::UNSPECIFIED, |lease| lease.address);
        let expectation = Expectation::of(&request, Some(given));
        if self.responder.accept(self.now, request, &answer).is_ok() {
            self.expect(&expectation);
        }
        self.expect_nothing();
    }

    fn refuse(&mut self, authoritative: bool, denial: usize, request: ServerRequest<'_>) {
        let denial = DENIALS[denial % DENIALS.len()];
        let expectation = Expectation::of(&request, None);
        let kind = request.kind();
        match self.responder.refuse(self.now, request, ADVERTISED, denial, authoritative) {
            Ok(Refused::Nak) => {
                assert!(
                    matches!(kind, ServerRequestKind::Request(_)),
                    "refused what is no REQUEST"
                );
                let selecting = kind == ServerRequestKind::Request(RequestState::Selecting);
                let reboot = kind == ServerRequestKind::Request(RequestState::InitReboot);
                let known = matches!(denial, Denial::WrongNetwork | Denial::OtherAddress);
                assert!(
                    authoritative || selecting || (reboot && known),
                    "refused another's client"
                );
                self.expect(&expectation);
            }
            Ok(Refused::Silent(RefusalSilence::NotAuthoritative)) => assert!(!authoritative),
            Ok(Refused::Silent(_)) | Err(_) => {}
        }
        self.expect_nothing();
    }

    fn finish_oldest(&mut self, control: u8, file_length: u8) {
        let Some(id) = self.held.pop_front() else { return };
        let Some(held) = self.responder.take_held(id) else { return };
        self.accept(control, file_length, held.request());
    }

    fn expect(&mut self, expectation: &Expectation) {
        let mut out = core::mem::take(&mut self.out);
        let transmit = self.responder.poll_transmit(self.now, &mut out).expect("a reply");
        expectation.check(&transmit, &out);
        self.out = out;
        self.read_events(1);
    }

    fn expect_nothing(&mut self) {
        assert_eq!(self.responder.poll_transmit(self.now, &mut self.out), None, "a second reply");
    }

    fn read_events(&mut self, replies: usize) {
        let mut seen = 0;
        while let Some(event) = self.responder.poll_event() {
            match event {
                ServerEvent::Offered(answered)
                | ServerEvent::Acknowledged(answered)
                | ServerEvent::Refused(answered) => {
                    assert!(answered.bytes <= PAYLOAD_BYTES_MAX);
                    seen += 1;
                }
                ServerEvent::Abandoned(_) => {}
                ServerEvent::Discarded(_) => panic!("nobody was slow"),
            }
        }
        assert_eq!(seen, replies);
    }
}

/// The rule of silence, said once more and independently of the classifier.
fn assert_may_answer(request: &ServerRequest<'_>) {
    let message = request.message();
    let view = message.view();
    assert_eq!(view.operation(), Operation::BootRequest, "answered a reply");
    let facts = message.facts();
    let ours = [LOCAL, ADVERTISED];
    let names_us = facts.server_identifier.is_some_and(|server| {
        ours.contains(&server) || message.server_identifier_override() == Some(server)
    });
    match request.kind() {
        ServerRequestKind::Bootp => assert_ne!(view.kind(), MessageKind::Dhcp),
        ServerRequestKind::Discover => assert_eq!(view.message_type(), Some(MessageType::DISCOVER)),
        ServerRequestKind::Inform => {
            assert_eq!(view.message_type(), Some(MessageType::INFORM));
            let here = *message.received().source.ip() == view.client_address();
            assert!(here || message.relay().is_some(), "an answer to somebody who did not ask");
        }
        ServerRequestKind::Request(state) => {
            assert_eq!(view.message_type(), Some(MessageType::REQUEST));
            assert!(facts.server_identifier.is_none() || names_us, "answered for another server");
            assert!(message.address().is_some());
            let selects = names_us && message.requested_address().is_some();
            assert_eq!(state == RequestState::Selecting, selects);
        }
    }
}

impl Expectation {
    fn of(request: &ServerRequest<'_>, given: Option<Ipv4Addr>) -> Self {
        let message = request.message();
        Self {
            datagram: message.view().datagram().to_vec(),
            received: *message.received(),
            kind: request.kind(),
            server: message.server_identifier_override().unwrap_or(ADVERTISED),
            given,
        }
    }

    fn check(&self, transmit: &Transmit, sent: &[u8]) {
        let request = MessageView::parse(&self.datagram).expect("was parsed before");
        let reply = MessageView::parse(sent).expect("we sent what we cannot read");
        assert_only_echoed_anomalies(sent);
        let budget = SizeBudget::for_request(request.boot_facts().max_message_size);
        let relays = request.parts(OptionCode::RELAY_AGENT_INFORMATION).map(<[u8]>::len).sum();
        let most = match self.kind {
            ServerRequestKind::Bootp => MESSAGE_BYTES_MIN + with_heads(relays),
            _ => budget.payload_bytes(),
        };
        assert!((MESSAGE_BYTES_MIN..=most.min(PAYLOAD_BYTES_MAX)).contains(&sent.len()));

        assert_eq!(reply.operation(), Operation::BootReply);
        assert_eq!(reply.transaction_id(), request.transaction_id());
        assert_eq!(reply.hardware_address(), request.hardware_address());
        assert_eq!(reply.relay_address(), request.relay_address());
        assert_eq!((reply.hops(), reply.seconds(), reply.flags().reserved()), (0, 0, 0));
        assert_eq!(reply.your_address(), self.given.unwrap_or(Ipv4Addr::UNSPECIFIED));
        assert_eq!(reply.first(OptionCode::OVERLOAD), None);
        if request.kind() != MessageKind::Bootp {
            assert_eq!(
                reply.option(OptionCode::RELAY_AGENT_INFORMATION).unwrap_or_default(),
                request.option(OptionCode::RELAY_AGENT_INFORMATION).unwrap_or_default()
            );
        }
        self.check_options(&reply);
        self.check_destination(&request, transmit);
    }

    fn check_options(&self, reply: &MessageView<'_>) {
        let value = |code| reply.first(code);
        if self.kind == ServerRequestKind::Bootp {
            assert_eq!(reply.message_type(), None);
            assert_eq!(value(OptionCode::LEASE_TIME), None);
            return;
        }
        let expected = match (self.kind, self.given) {
            (_, None) => MessageType::NAK,
            (ServerRequestKind::Discover, _) => MessageType::OFFER,
            _ => MessageType::ACK,
        };
        assert_eq!(reply.message_type(), Some(expected));
        assert_eq!(value(OptionCode::SERVER_IDENTIFIER), Some(&self.server.octets()[..]));
        let has_lease = expected != MessageType::NAK && self.kind != ServerRequestKind::Inform;
        assert_eq!(value(OptionCode::LEASE_TIME).is_some(), has_lease);
        assert_eq!(value(OptionCode::SUBNET_MASK).is_some(), expected != MessageType::NAK);
        if value(OptionCode::VENDOR_CLASS) == Some(b"PXEClient") {
            assert!(value(OptionCode::VENDOR_SPECIFIC).is_some(), "a claim that nobody keeps");
        }
        if expected == MessageType::NAK {
            let codes = [53, 54, 56, 61, 82];
            assert!(reply.options().all(|option| codes.contains(&option.code.0)));
        }
    }

    fn check_destination(&self, request: &MessageView<'_>, transmit: &Transmit) {
        assert_eq!((transmit.source_address, transmit.interface), (LOCAL, self.received.interface));
        let destination = transmit.destination;
        assert!(!destination.ip().is_multicast() && destination.port() != 0);
        assert!(transmit.link.is_none() || Some(*destination.ip()) == self.given);
        let to_relay = *destination.ip() == request.relay_address();
        let back = destination == self.received.source;
        assert!(to_relay || back || destination.port() == Ports::default().client, "{transmit:?}");
    }
}

/// Bytes of a value in as many instances as it takes.
const fn with_heads(bytes: usize) -> usize {
    bytes + 2 * bytes.div_ceil(255)
}

const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const ADVERTISED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 6);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
const DENIALS: [Denial; 4] =
    [Denial::WrongNetwork, Denial::OtherAddress, Denial::NotForClient, Denial::Unknown];
const OPTIONS: [(&str, &str); 9] = [
    ("routers", "192.0.2.1"),
    ("domain-name-servers", "192.0.2.1, 192.0.2.2"),
    ("host-name", "a-rather-long-name-of-a-host-that-takes-some-of-the-room"),
    ("domain-name", "a-rather-long-domain.of-a-laboratory.example"),
    ("domain-search", "one.example, two.example, three.example, four.example, five.example"),
    ("root-path", "nfs:192.0.2.5:/a/rather/long/path/that/goes/on/and/on/for/quite/some/more"),
    ("classless-static-route", "10.0.0.0/8 via 192.0.2.1, 172.16.0.0/12 via 192.0.2.1"),
    ("vendor-specific-information", "01:02:03"),
    ("bootfile-name", "never-for-boot-clients"),
];
