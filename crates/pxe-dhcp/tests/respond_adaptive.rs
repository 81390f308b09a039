//! Offers to firmware that ignores offers: which style it gets when, what is held back until when,
//! what is remembered, and what is told of it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use pxe_dhcp::options::{PxeOption, PxeOptions};
use pxe_dhcp::respond::{
    ADAPTED_CLIENTS_MAX, Inbound, OFFER_DELAY, OFFERS_DELAYED_MAX, ProxyAnswer, ProxyConfig,
    ProxyEvent, ProxyResponder, ProxyStyle, ProxyStyles, REPLIES_QUEUED_MAX, Received, ServerPort,
    StyleChange, StyleReason,
};
use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const FOREIGN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const UEFI: &[u8] = b"PXEClient:Arch:00007:UNDI:003016";
const BIOS: &[u8] = b"PXEClient:Arch:00000:UNDI:002001";

fn message(message_type: MessageType, mac: &[u8], class: &[u8]) -> Message {
    let mut message = Message::new(Operation::BootRequest);
    message.set_transaction_id(0x1234_5678);
    message.set_hardware(HardwareType::ETHERNET, mac).expect("an address");
    message.push(OptionCode::MESSAGE_TYPE, &[message_type.0]).push(OptionCode::VENDOR_CLASS, class);
    message
}

fn bytes(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(SizeBudget::of_payload(1472), &mut bytes).expect("a message that fits");
    bytes
}

/// One responder and the clock.
struct Lab {
    responder: ProxyResponder,
    now: Instant,
}

impl Lab {
    fn new(styles: ProxyStyles) -> Self {
        let mut config = ProxyConfig::default();
        config.styles = styles;
        Self { responder: ProxyResponder::new(config), now: Instant::now() }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.responder.handle_timeout(self.now);
        assert!(self.responder.poll_timeout().is_none_or(|due| due > self.now), "a late timer");
    }

    fn receive(&mut self, port: ServerPort, message: &Message) -> bool {
        let datagram = bytes(message);
        let received = Received::new(SocketAddrV4::new(CLIENT, 68), port, US, 2);
        match self.responder.handle_datagram(self.now, &received, &datagram) {
            Ok(Inbound::Request(request)) => {
                let answer = ProxyAnswer::new(US, b"loader");
                self.responder.accept(self.now, request, &answer).expect("an answer");
                true
            }
            Ok(Inbound::Overheard(..)) => false,
            Err(dropped) => panic!("{dropped}"),
        }
    }

    /// The next reply's option 43, if there is a reply.
    fn reply(&mut self) -> Option<Option<Vec<u8>>> {
        let mut reply = Vec::new();
        self.responder.poll_transmit(self.now, &mut reply)?;
        let view = MessageView::parse(&reply).expect("a sound reply");
        assert_eq!(view.boot_file(), b"loader", "every style names the file in the header");
        Some(view.first(OptionCode::VENDOR_SPECIFIC).map(<[u8]>::to_vec))
    }

    /// The style of the offer to a DISCOVER, a round after the last one.
    fn discover(&mut self, class: &[u8]) -> ProxyStyle {
        self.wait(Duration::from_secs(4));
        assert!(self.receive(ServerPort::Dhcp, &message(MessageType::DISCOVER, &MAC, class)));
        let now = self.reply();
        if now.is_some() {
            assert_eq!(self.responder.poll_timeout(), None);
        } else {
            self.wait(OFFER_DELAY);
            assert!(self.reply().is_some(), "neither now nor later");
        }
        let event = self.events().pop();
        let Some(ProxyEvent::Offered(offered)) = event else { panic!("{event:?}") };
        assert_eq!(now.is_none(), offered.style == ProxyStyle::Delayed);
        offered.style
    }

    fn ask_boot_server(&mut self, class: &[u8]) {
        let mut request = message(MessageType::REQUEST, &MAC, class);
        request.set_client_address(CLIENT);
        assert!(self.receive(ServerPort::BootServer, &request));
        assert!(self.reply().is_some());
    }

    fn events(&mut self) -> Vec<ProxyEvent> {
        core::iter::from_fn(|| self.responder.poll_event()).collect()
    }

    fn changes(&mut self) -> Vec<StyleChange> {
        let change = |event| match event {
            ProxyEvent::StyleChanged(change) => Some(change),
            _ => None,
        };
        self.events().into_iter().filter_map(change).collect()
    }
}

#[test]
fn firmware_that_ignores_an_offer_is_offered_the_next_style() {
    use ProxyStyle::{Binl, Delayed, JustBoot, Menu};
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    let offered: Vec<ProxyStyle> = (0..9).map(|_| lab.discover(UEFI)).collect();
    assert_eq!(offered, [Binl, Binl, JustBoot, JustBoot, Menu, Menu, Delayed, Delayed, Binl]);
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    let offered: Vec<ProxyStyle> = (0..5).map(|_| lab.discover(BIOS)).collect();
    assert_eq!(offered, [JustBoot, JustBoot, Binl, Binl, Menu]);
}

#[test]
fn each_style_says_what_its_name_promises() {
    let offer = |style| {
        let mut lab = Lab::new(ProxyStyles::Only(style));
        assert!(lab.receive(ServerPort::Dhcp, &message(MessageType::DISCOVER, &MAC, UEFI)));
        lab.reply()
    };
    assert_eq!(offer(ProxyStyle::Binl), Some(None));
    assert_eq!(offer(ProxyStyle::JustBoot), Some(Some(vec![6, 1, 8, 255])));
    assert_eq!(offer(ProxyStyle::Delayed), None);
    let menu = offer(ProxyStyle::Menu).flatten().expect("option 43");
    let menu = PxeOptions::decode(&menu).expect("a sound menu");
    let codes: Vec<u8> = menu.sub_options().map(|option| option.code).collect();
    let promised = [
        PxeOption::DISCOVERY_CONTROL,
        PxeOption::BOOT_SERVERS,
        PxeOption::BOOT_MENU,
        PxeOption::MENU_PROMPT,
    ];
    assert_eq!(codes, promised.map(|option| option.0));
    assert!(menu.boot_servers().expect("servers").all(|server| server.addresses.iter().eq([US])));
}

#[test]
fn a_delayed_offer_leaves_when_its_time_has_come() {
    let mut lab = Lab::new(ProxyStyles::Only(ProxyStyle::Delayed));
    assert!(lab.receive(ServerPort::Dhcp, &message(MessageType::DISCOVER, &MAC, BIOS)));
    let due = lab.responder.poll_timeout().expect("a timer");
    assert_eq!(due, lab.now + OFFER_DELAY);
    lab.wait(OFFER_DELAY - Duration::from_millis(1));
    assert_eq!(lab.reply(), None, "early");
    lab.wait(Duration::from_millis(1));
    // It says what a punctual one would, and has its full time to leave from now on.
    assert!(lab.responder.poll_timeout().is_some_and(|expiry| expiry > due));
    assert_eq!(lab.reply(), Some(Some(vec![6, 1, 8, 255])));
    assert_eq!(lab.responder.poll_timeout(), None);
    // There is nothing to hold back on port 4011.
    lab.ask_boot_server(BIOS);

    // A driver that overslept sends no offer that nobody waits for any more.
    assert!(lab.receive(ServerPort::Dhcp, &message(MessageType::DISCOVER, &MAC, BIOS)));
    lab.events();
    lab.wait(Duration::from_secs(10));
    assert_eq!(lab.reply(), None);
    assert!(matches!(lab.events()[..], [ProxyEvent::Discarded(_)]));
}

#[test]
fn offers_held_back_are_bounded() {
    let mut lab = Lab::new(ProxyStyles::Only(ProxyStyle::Delayed));
    for number in 0..=OFFERS_DELAYED_MAX as u32 {
        let mut discover = message(MessageType::DISCOVER, &MAC, UEFI);
        discover.set_transaction_id(number);
        assert!(lab.receive(ServerPort::Dhcp, &discover));
    }
    let events = lab.events();
    let [ProxyEvent::Discarded(lost)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(lost.transaction_id, 0, "the oldest");
    lab.wait(OFFER_DELAY);
    let sent = core::iter::from_fn(|| lab.reply()).count();
    assert_eq!(sent, OFFERS_DELAYED_MAX);
}

#[test]
fn a_request_on_4011_ends_the_trial_and_is_remembered() {
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    for _ in 0..10 {
        assert_eq!(lab.discover(UEFI), ProxyStyle::Binl, "whoever comes back is not tried");
        lab.ask_boot_server(UEFI);
    }
    assert_eq!(lab.changes(), [], "and nothing is told");
}

#[test]
fn a_fetched_file_ends_the_trial_and_is_remembered() {
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    while lab.discover(UEFI) != ProxyStyle::JustBoot {}
    lab.responder.note_fetch(lab.now, &MAC);
    let [change] = lab.changes()[..] else { panic!("one change") };
    assert_eq!((change.style, change.reason), (ProxyStyle::JustBoot, StyleReason::Worked));
    assert_eq!(change.client.as_bytes(), MAC);
    for _ in 0..5 {
        assert_eq!(lab.discover(UEFI), ProxyStyle::JustBoot);
        // The file runs, and is iPXE.
        let mut next = message(MessageType::DISCOVER, &MAC, UEFI);
        next.push(OptionCode::USER_CLASS, b"iPXE");
        assert!(lab.receive(ServerPort::Dhcp, &next));
        assert_eq!(lab.reply(), Some(Some(vec![6, 1, 8, 255])));
        assert_eq!(lab.changes(), [], "no news");
    }
    // A stranger's fetch, or one of a client that was offered nothing, is nothing.
    lab.responder.note_fetch(lab.now, &[2; 6]);
    lab.responder.note_fetch(lab.now, &[]);
    assert_eq!(lab.responder.clients_remembered(), 1);
}

#[test]
fn a_menu_choice_ends_the_trial_and_is_remembered() {
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    while lab.discover(BIOS) != ProxyStyle::Menu {}
    let mut choice = message(MessageType::REQUEST, &MAC, BIOS);
    choice.set_client_address(CLIENT);
    choice.push(OptionCode::VENDOR_SPECIFIC, &[71, 4, 0x80, 0, 0, 0, 255]);
    assert!(lab.receive(ServerPort::Dhcp, &choice));
    assert!(lab.reply().is_some());
    assert_eq!(lab.discover(BIOS), ProxyStyle::Menu);
}

#[test]
fn the_story_of_a_hopeless_client_is_told_once() {
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    let mut told = Vec::new();
    for _ in 0..40 {
        lab.wait(Duration::from_secs(4));
        lab.receive(ServerPort::Dhcp, &message(MessageType::DISCOVER, &MAC, UEFI));
        lab.wait(OFFER_DELAY);
        assert!(lab.reply().is_some());
        told.extend(lab.changes().into_iter().map(|change| (change.style, change.reason)));
    }
    use ProxyStyle::{Binl, Delayed, JustBoot, Menu};
    let ignored = |previous| StyleReason::Ignored { previous, rounds: 2 };
    assert_eq!(
        told,
        [
            (JustBoot, ignored(Binl)),
            (Menu, ignored(JustBoot)),
            (Delayed, ignored(Menu)),
            (Binl, StyleReason::NoneWorked { tried: [Binl, JustBoot, Menu, Delayed] }),
        ]
    );
}

#[test]
fn firmware_whose_taste_is_known_keeps_its_style() {
    type Client<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);
    let others: [Client<'_>; 4] = [
        (UEFI, Some(b"iPXE"), &MAC),
        (b"HTTPClient:Arch:00016:UNDI:003001", None, &MAC),
        // A Raspberry Pi, by its maker.
        (BIOS, None, &[0xb8, 0x27, 0xeb, 0, 0, 1]),
        // Somebody without an address cannot be told from the next.
        (UEFI, None, &[]),
    ];
    for styles in [ProxyStyles::Adaptive, ProxyStyles::Only(ProxyStyle::Menu)] {
        for (class, user_class, mac) in others {
            if mac.is_empty() && styles != ProxyStyles::Adaptive {
                continue;
            }
            let mut discover = message(MessageType::DISCOVER, mac, class);
            if let Some(user_class) = user_class {
                discover.push(OptionCode::USER_CLASS, user_class);
            }
            let mut plain = Lab::new(ProxyStyles::ByRequest);
            assert!(plain.receive(ServerPort::Dhcp, &discover));
            let expected = plain.reply();
            let mut lab = Lab::new(styles);
            for _ in 0..10 {
                lab.wait(Duration::from_secs(4));
                assert!(lab.receive(ServerPort::Dhcp, &discover));
                assert_eq!(lab.reply(), expected, "{class:?}");
            }
            assert_eq!((lab.changes(), lab.responder.clients_remembered()), (vec![], 0));
        }
    }
}

#[test]
fn the_callers_word_goes_before_any_memory() {
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    let datagram = bytes(&message(MessageType::DISCOVER, &MAC, UEFI));
    let received = Received::new(SocketAddrV4::new(CLIENT, 68), ServerPort::Dhcp, US, 2);
    for _ in 0..5 {
        lab.wait(Duration::from_secs(4));
        let inbound = lab.responder.handle_datagram(lab.now, &received, &datagram);
        let Ok(Inbound::Request(request)) = inbound else { panic!("{inbound:?}") };
        let mut answer = ProxyAnswer::new(US, b"loader");
        answer.style = Some(ProxyStyle::JustBoot);
        lab.responder.accept(lab.now, request, &answer).expect("an answer");
        assert_eq!(lab.reply(), Some(Some(vec![6, 1, 8, 255])));
    }
    assert_eq!(lab.responder.clients_remembered(), 0);
}

#[test]
fn offers_that_never_left_are_not_counted_as_ignored() {
    // Nobody takes the replies, so each is discarded.
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    for _ in 0..5 {
        lab.receive(ServerPort::Dhcp, &message(MessageType::DISCOVER, &MAC, UEFI));
        lab.wait(Duration::from_secs(5));
    }
    assert_eq!(lab.discover(UEFI), ProxyStyle::Binl);

    // The queue is full of others.
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    for _ in 0..3 {
        lab.receive(ServerPort::Dhcp, &message(MessageType::DISCOVER, &MAC, UEFI));
        for number in 0..REPLIES_QUEUED_MAX as u16 {
            let [high, low] = number.to_be_bytes();
            let mac = [2, 0, 0, 0, high, low];
            lab.receive(ServerPort::Dhcp, &message(MessageType::DISCOVER, &mac, UEFI));
        }
        while lab.reply().is_some() {}
        lab.wait(Duration::from_secs(5));
    }
    lab.events();
    assert_eq!(lab.discover(UEFI), ProxyStyle::Binl);

    // No answer can be said.
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    let datagram = bytes(&message(MessageType::DISCOVER, &MAC, UEFI));
    let received = Received::new(SocketAddrV4::new(CLIENT, 68), ServerPort::Dhcp, US, 2);
    for _ in 0..5 {
        let inbound = lab.responder.handle_datagram(lab.now, &received, &datagram);
        let Ok(Inbound::Request(request)) = inbound else { panic!("{inbound:?}") };
        lab.responder.accept(lab.now, request, &ProxyAnswer::new(US, b"")).expect_err("no name");
        lab.wait(Duration::from_secs(5));
    }
    assert_eq!(lab.discover(UEFI), ProxyStyle::Binl);
    assert_eq!(lab.changes(), []);
}

#[test]
fn a_request_to_the_dhcp_server_shows_that_there_is_one() {
    let styles = |takes_address: bool| {
        let mut lab = Lab::new(ProxyStyles::Adaptive);
        let mut styles = Vec::new();
        for attempt in 0..3_u32 {
            for _ in 0..2 {
                lab.wait(Duration::from_secs(4));
                let mut discover = message(MessageType::DISCOVER, &MAC, UEFI);
                discover.set_transaction_id(attempt);
                lab.receive(ServerPort::Dhcp, &discover);
                lab.reply();
            }
            let mut request = message(MessageType::REQUEST, &MAC, UEFI);
            request.push_addresses(OptionCode::REQUESTED_ADDRESS, &[CLIENT]);
            request.push_addresses(OptionCode::SERVER_IDENTIFIER, &[FOREIGN]);
            if takes_address {
                assert!(!lab.receive(ServerPort::Dhcp, &request), "not ours to answer");
            }
            let offered = lab.events().into_iter().filter_map(|event| match event {
                ProxyEvent::Offered(offered) => Some(offered.style),
                _ => None,
            });
            styles.extend(offered);
        }
        styles
    };
    use ProxyStyle::{Binl, JustBoot, Menu};
    assert_eq!(styles(true), [Binl, Binl, JustBoot, JustBoot, Menu, Menu]);
    assert_eq!(styles(false), [Binl, Binl, Binl, JustBoot, Binl, JustBoot]);
}

#[test]
fn a_hundred_thousand_strangers_are_not_all_remembered() {
    let mut lab = Lab::new(ProxyStyles::Adaptive);
    let mut out = Vec::new();
    let received = Received::new(SocketAddrV4::new(CLIENT, 68), ServerPort::Dhcp, US, 2);
    let mut datagram = bytes(&message(MessageType::DISCOVER, &MAC, UEFI));
    for number in 0..100_000_u32 {
        datagram[29..33].copy_from_slice(&number.to_be_bytes());
        lab.now += Duration::from_micros(50);
        let inbound = lab.responder.handle_datagram(lab.now, &received, &datagram);
        let Ok(Inbound::Request(request)) = inbound else { panic!("{inbound:?}") };
        lab.responder.accept(lab.now, request, &ProxyAnswer::new(US, b"loader")).expect("an offer");
        assert!(lab.responder.poll_transmit(lab.now, &mut out).is_some());
        assert!(lab.responder.clients_remembered() <= ADAPTED_CLIENTS_MAX);
    }
    assert_eq!(lab.responder.clients_remembered(), ADAPTED_CLIENTS_MAX);
}
