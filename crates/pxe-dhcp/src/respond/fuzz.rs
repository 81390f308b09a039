//! The fuzz body of the proxy responder as a whole machine, and that of the server. Always compiled with
//! `_fuzz`, so that they cannot rot; the corpora replay under plain `cargo test`.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::time::Instant;

use super::limits::{ADAPTED_CLIENTS_MAX, OFFERS_DELAYED_MAX, REPLY_GROWTH_BYTES_MAX};
pub use super::server::server_responder;
use super::{
    Answered, ClientClass, Inbound, Ports, ProxyAnswer, ProxyConfig, ProxyEvent, ProxyResponder,
    ProxyStyle, ProxyStyles, Received, RequestKind, ServerPort, Transmit,
};
use crate::limits::{MESSAGE_BYTES_MIN, PAYLOAD_BYTES_MAX};
use crate::{
    AnomalyKind, DecodeErrorKind, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

/// Plays `data` as a script against one responder: datagrams on either port from any source, each
/// accepted with some answer or ignored. Panics when an answer goes out that must not, or is not
/// what every recipe promises. Each script is played twice: by the request alone, and adapting to
/// clients that ignore offers.
///
/// The script is a sequence of steps. A step is a control byte (bit 0: port 4011; bit 1: ignore;
/// bit 2: read no reply yet; bits 3 and 4: style; bit 5: source without address; bit 6: another
/// TFTP server, or if ignored: the client fetches a file; bit 7: five seconds pass), a byte for the length of the file name, two bytes for
/// that of the datagram, and the datagram.
pub fn proxy_responder(data: &[u8]) {
    play(ProxyStyles::ByRequest, data);
    play(ProxyStyles::Adaptive, data);
}

fn play(styles: ProxyStyles, data: &[u8]) {
    let mut machine = Machine::new(styles);
    let mut script = data;
    while let [control, file_length, high, low, rest @ ..] = script {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (datagram, after) = rest.split_at(length);
        script = after;
        machine.step(*control, *file_length, datagram);
    }
    machine.finish();
}

struct Machine {
    responder: ProxyResponder,
    now: Instant,
    /// Datagrams accepted and not yet seen as sent or discarded.
    owed: usize,
    out: Vec<u8>,
}

impl Machine {
    fn new(styles: ProxyStyles) -> Self {
        let mut config = ProxyConfig::default();
        config.server_identifiers.push(ADVERTISED);
        config.styles = styles;
        Self { responder: ProxyResponder::new(config), now: epoch(), owed: 0, out: Vec::new() }
    }

    fn step(&mut self, control: u8, file_length: u8, datagram: &[u8]) {
        if control & 0x80 != 0 {
            self.let_time_pass();
        }
        let port = if control & 1 != 0 { ServerPort::BootServer } else { ServerPort::Dhcp };
        let source = match control & 0x20 {
            0 => SocketAddrV4::new(CLIENT, 68),
            _ => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, u16::from(file_length)),
        };
        let received = Received::new(source, port, LOCAL, 7);
        let silent_before = self.responder.poll_timeout();
        let request = match self.responder.handle_datagram(self.now, &received, datagram) {
            Ok(Inbound::Request(request)) => request,
            Ok(Inbound::Overheard(..)) | Err(_) => {
                assert_eq!(self.responder.poll_timeout(), silent_before, "silence made a reply");
                return;
            }
        };
        assert_may_answer(request.view(), request.kind(), &received);
        if control & 2 != 0 {
            if control & 0x40 != 0 {
                self.responder.note_fetch(self.now, request.view().hardware_address());
            }
            self.responder.ignore(request);
            return;
        }
        let file = [b'f'; u8::MAX as usize];
        let mut answer = ProxyAnswer::new(ADVERTISED, &file[..usize::from(file_length)]);
        answer.style = STYLES[usize::from(control >> 3 & 3)];
        answer.next_server = (control & 0x40 != 0).then_some(ELSEWHERE);
        let expectation = Expectation {
            usual: request.default_style(),
            asked: answer.style,
            budget: SizeBudget::for_request(request.facts().max_message_size).payload_bytes(),
        };
        let delayed = self.responder.delayed();
        if self.responder.accept(self.now, request, &answer).is_err() {
            return;
        }
        self.owed += 1;
        assert!(self.responder.clients_remembered() <= ADAPTED_CLIENTS_MAX);
        let is_delayed = self.responder.delayed() > delayed || delayed == OFFERS_DELAYED_MAX;
        if control & 4 == 0 {
            self.drain((!is_delayed).then_some((datagram, &received, expectation)));
        }
    }

    /// Five seconds: longer than a reply may wait, and than an offer is held back.
    fn let_time_pass(&mut self) {
        self.now += Duration::from_secs(5);
        self.responder.handle_timeout(self.now);
        assert_eq!(self.responder.delayed(), 0, "an offer was held back for too long");
        assert!(self.responder.poll_timeout().is_none_or(|due| due > self.now), "a late timer");
        self.read_events();
    }

    /// Takes every waiting reply; checks the last, which is the one to `newest`.
    fn drain(&mut self, newest: Option<(&[u8], &Received, Expectation)>) {
        let mut last = None;
        let mut out = core::mem::take(&mut self.out);
        while let Some(transmit) = self.responder.poll_transmit(self.now, &mut out) {
            let answered = self.read_events();
            assert_eq!(answered.map(|answered| answered.transmit), Some(transmit));
            last = answered;
        }
        if let (Some(answered), Some((datagram, received, expectation))) = (last, newest) {
            expectation.check(datagram, received, &answered, &out);
        }
        self.out = out;
        assert_eq!(self.owed, self.responder.delayed(), "one reply for each accepted request");
    }

    /// Returns the last reply that was sent or lost.
    fn read_events(&mut self) -> Option<Answered> {
        let mut last = None;
        while let Some(event) = self.responder.poll_event() {
            let (ProxyEvent::Offered(answered)
            | ProxyEvent::Acknowledged(answered)
            | ProxyEvent::Discarded(answered)) = event
            else {
                continue;
            };
            assert!(answered.bytes <= PAYLOAD_BYTES_MAX);
            self.owed = self.owed.checked_sub(1).expect("an event without a request");
            last = Some(answered);
        }
        last
    }

    fn finish(mut self) {
        self.drain(None);
    }
}

/// The rule of silence, said once more and independently of the classifier.
fn assert_may_answer(view: &MessageView<'_>, kind: RequestKind, received: &Received) {
    assert_eq!(view.operation(), Operation::BootRequest, "answered a reply");
    let message_type = view.message_type().expect("answered BOOTP");
    match (received.port, kind) {
        (ServerPort::Dhcp, RequestKind::Discover) => {
            assert_eq!(message_type, MessageType::DISCOVER);
            let class = view.first(OptionCode::VENDOR_CLASS).unwrap_or_default();
            let named = [&b"PXEClient"[..], b"HTTPClient", b"U-Boot"];
            let ipxe = [OptionCode::USER_CLASS, OptionCode::IPXE];
            assert!(
                named.iter().any(|name| class.starts_with(name))
                    || ipxe.iter().any(|code| view.first(*code).is_some()),
                "offered to an ordinary client"
            );
        }
        (ServerPort::Dhcp, RequestKind::BootItem(_)) => {
            assert_eq!(message_type, MessageType::REQUEST);
            assert!(view.first(OptionCode::REQUESTED_ADDRESS).is_none(), "answered a selection");
            assert!(view.first(OptionCode::VENDOR_SPECIFIC).is_some());
        }
        (ServerPort::Dhcp, RequestKind::BootServer) => panic!("a boot-server ACK from port 67"),
        (ServerPort::BootServer, RequestKind::BootServer | RequestKind::BootItem(_)) => {
            assert_eq!(message_type, MessageType::REQUEST);
        }
        (ServerPort::BootServer, RequestKind::Discover) => panic!("an OFFER from port 4011"),
    }
    if let (RequestKind::BootServer | RequestKind::BootItem(_), Some(server)) =
        (kind, view.boot_facts().server_identifier)
    {
        assert!(server == LOCAL || server == ADVERTISED, "answered for another server");
    }
}

struct Expectation {
    usual: ProxyStyle,
    asked: Option<ProxyStyle>,
    budget: usize,
}

impl Expectation {
    fn check(&self, asked: &[u8], received: &Received, answered: &Answered, sent: &[u8]) {
        assert!(self.asked.is_none_or(|style| style == answered.style), "the caller's word counts");
        let request = MessageView::parse(asked).expect("was parsed before");
        let reply = MessageView::parse(sent).expect("we sent what we cannot read");
        assert_only_echoed_anomalies(sent);

        assert!(sent.len() >= MESSAGE_BYTES_MIN && sent.len() <= self.budget);
        assert!(sent.len() <= MESSAGE_BYTES_MIN.max(asked.len() + REPLY_GROWTH_BYTES_MAX));

        assert_eq!(reply.operation(), Operation::BootReply);
        assert_eq!(reply.transaction_id(), request.transaction_id());
        assert_eq!(reply.hardware_address(), request.hardware_address());
        assert_eq!(reply.relay_address(), request.relay_address());
        assert_eq!((reply.hops(), reply.seconds(), reply.flags().reserved()), (0, 0, 0));
        assert!(reply.flags().broadcast() || !request.flags().broadcast());
        assert_eq!(reply.first(OptionCode::OVERLOAD), None);
        assert_eq!(
            reply.option(OptionCode::RELAY_AGENT_INFORMATION).unwrap_or_default(),
            request.option(OptionCode::RELAY_AGENT_INFORMATION).unwrap_or_default()
        );
        self.check_boot_information(&request, &reply, answered);

        let Transmit { destination, .. } = answered.transmit;
        let transmit = &answered.transmit;
        assert_eq!(transmit.port, received.port);
        assert_eq!((transmit.source_address, transmit.interface), (LOCAL, received.interface));
        assert!(!destination.ip().is_multicast());
        assert_ne!(destination.port(), 0);
        let to_relay = *destination.ip() == request.relay_address();
        let back = destination == received.source;
        let client_port = destination.port() == Ports::default().client;
        assert!(to_relay || back || client_port, "{transmit:?}");
    }

    fn check_boot_information(
        &self,
        request: &MessageView<'_>,
        reply: &MessageView<'_>,
        answered: &Answered,
    ) {
        let (message_type, your_address) = match answered.kind {
            RequestKind::Discover => (MessageType::OFFER, Ipv4Addr::UNSPECIFIED),
            RequestKind::BootServer => (MessageType::ACK, Ipv4Addr::UNSPECIFIED),
            RequestKind::BootItem(_) => (MessageType::ACK, request.client_address()),
        };
        assert_eq!(reply.message_type(), Some(message_type));
        assert_eq!(reply.your_address(), your_address);
        assert_eq!(reply.first(OptionCode::SERVER_IDENTIFIER), Some(&ADVERTISED.octets()[..]));
        let class = match answered.class {
            ClientClass::Http => &b"HTTPClient"[..],
            ClientClass::Pxe | ClientClass::UBoot => b"PXEClient",
        };
        assert_eq!(reply.first(OptionCode::VENDOR_CLASS), Some(class));
        let item = matches!(answered.kind, RequestKind::BootItem(_));
        let phrase = match answered.style {
            ProxyStyle::Delayed => self.usual,
            style => style,
        };
        let quiet = answered.class != ClientClass::Pxe || phrase == ProxyStyle::Binl;
        let vendor = reply.first(OptionCode::VENDOR_SPECIFIC);
        assert_eq!(vendor.is_none(), quiet && !item, "option 43 where it harms or missing");
        let has_name = !reply.boot_file().is_empty()
            || reply.first(OptionCode::BOOT_FILE_NAME).is_some_and(|name| name.ends_with(b"\0"));
        assert!(has_name || phrase == ProxyStyle::RaspberryPi, "a reply without boot file");
    }
}

/// What we send is strictly well-formed but for what we must echo as it came.
pub(in crate::respond) fn assert_only_echoed_anomalies(sent: &[u8]) {
    let Err(error) = MessageView::parse_strict(sent) else { return };
    let echoed = match error.kind {
        DecodeErrorKind::Anomaly(AnomalyKind::HardwareAddressMissing) => true,
        DecodeErrorKind::Anomaly(AnomalyKind::Length { code, .. }) => [
            OptionCode::CLIENT_IDENTIFIER,
            OptionCode::MACHINE_ID,
            OptionCode::RELAY_AGENT_INFORMATION,
        ]
        .contains(&code),
        _ => false,
    };
    assert!(echoed, "{error}");
}

/// The one instant a test may read from the clock: the origin of its own time.
fn epoch() -> Instant {
    Instant::now()
}

const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const ADVERTISED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 6);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const STYLES: [Option<ProxyStyle>; 4] =
    [None, Some(ProxyStyle::Binl), Some(ProxyStyle::JustBoot), Some(ProxyStyle::RaspberryPi)];
