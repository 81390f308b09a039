//! What a DHCP server makes of every message in every state (RFC 2131 section 4.3), from where it takes the subnet,
//! and when it says no. The exact bytes of replies are in `respond_server_replies.rs`.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use pxe_dhcp::options::RelayAgentInformationBuilder;
use pxe_dhcp::options::RelayOption as Relay;
use pxe_dhcp::respond::{
    Denial, Dropped, LinkSource, Received, RefusalSilence, RequestState, ServerConfig,
    ServerInbound, ServerNotice, ServerPort, ServerRequestKind, ServerResponder, ServerSilence,
};
use pxe_dhcp::{HardwareType, Message, MessageType, Operation, OptionCode, SizeBudget};

const ZERO: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const ADVERTISED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 6);
const FOREIGN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const ROUTED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const RELAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const LINK: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 0);

/// What a datagram came to.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Request(ServerRequestKind, Option<Ipv4Addr>),
    Notice(ServerNotice),
    Silence(ServerSilence),
}

/// One message on its way to us.
struct Case {
    message: Message,
    source: Ipv4Addr,
    unicast: Option<bool>,
    port: ServerPort,
    config: ServerConfig,
}

fn case(message_type: MessageType, change: impl FnOnce(&mut Message)) -> Case {
    let mut message = Message::new(Operation::BootRequest);
    message.set_transaction_id(0x1234_5678);
    message.set_hardware(HardwareType::ETHERNET, &[0x52, 0x54, 0, 0xaa, 0, 1]).expect("6 bytes");
    message.push_octet(OptionCode::MESSAGE_TYPE, message_type.0);
    change(&mut message);
    let mut config = ServerConfig::default();
    config.server_identifiers.push(ADVERTISED);
    Case { message, source: ZERO, unicast: None, port: ServerPort::Dhcp, config }
}

fn request(change: impl FnOnce(&mut Message)) -> Case {
    case(MessageType::REQUEST, change)
}

impl Case {
    fn from(self, source: Ipv4Addr) -> Self {
        Self { source, ..self }
    }

    fn by_unicast(self, unicast: bool) -> Self {
        Self { unicast: Some(unicast), ..self }
    }

    fn with<T>(&self, look: impl FnOnce(ServerInbound<'_>) -> T) -> T {
        let mut datagram = Vec::new();
        self.message.encode(SizeBudget::of_payload(1472), &mut datagram).expect("it fits");
        let source = SocketAddrV4::new(self.source, 68);
        let mut received = Received::new(source, self.port, US, 2);
        received.unicast = self.unicast;
        let mut responder = ServerResponder::new(self.config.clone());
        let inbound = responder.handle_datagram(Instant::now(), &received, &datagram);
        look(inbound.expect("a message"))
    }

    fn came(&self) -> Came {
        self.with(|inbound| match inbound {
            ServerInbound::Request(request) => {
                Came::Request(request.kind(), request.message().address())
            }
            ServerInbound::Notice(_, notice) => Came::Notice(notice),
            ServerInbound::Overheard(_, silence) => Came::Silence(silence),
        })
    }

    fn link(&self) -> (Ipv4Addr, LinkSource) {
        self.with(|inbound| match inbound {
            ServerInbound::Request(request) => {
                let link = request.message().link();
                (link.address, link.source)
            }
            other => panic!("{other:?}"),
        })
    }
}

fn asks(state: RequestState, address: Ipv4Addr) -> Came {
    Came::Request(ServerRequestKind::Request(state), Some(address))
}

fn server(message: &mut Message, address: Ipv4Addr) {
    message.push_addresses(OptionCode::SERVER_IDENTIFIER, &[address]);
}

fn wanted(message: &mut Message, address: Ipv4Addr) {
    message.push_addresses(OptionCode::REQUESTED_ADDRESS, &[address]);
}

fn relayed(message: &mut Message, information: &[(Relay, &[u8])]) {
    message.set_relay_address(RELAY);
    information_of(message, information);
}

fn information_of(message: &mut Message, information: &[(Relay, &[u8])]) {
    let mut builder = RelayAgentInformationBuilder::new();
    for (code, value) in information {
        builder.push(*code, value);
    }
    if !information.is_empty() {
        message.push(OptionCode::RELAY_AGENT_INFORMATION, builder.finish().expect("it fits"));
    }
}

#[test]
fn a_discover_is_a_request_with_or_without_a_wish() {
    let plain = case(MessageType::DISCOVER, |_| {});
    assert_eq!(plain.came(), Came::Request(ServerRequestKind::Discover, None));
    let wish = case(MessageType::DISCOVER, |m| wanted(m, CLIENT));
    assert_eq!(wish.came(), Came::Request(ServerRequestKind::Discover, Some(CLIENT)));
    for nonsense in [ZERO, Ipv4Addr::BROADCAST, Ipv4Addr::LOCALHOST, Ipv4Addr::new(224, 0, 0, 1)] {
        let wish = case(MessageType::DISCOVER, |m| wanted(m, nonsense));
        assert_eq!(wish.came(), Came::Request(ServerRequestKind::Discover, None), "{nonsense}");
    }
}

#[test]
fn selecting_us_is_a_request_and_selecting_another_is_news() {
    for ours in [US, ADVERTISED] {
        let selecting = request(|m| {
            server(m, ours);
            wanted(m, CLIENT);
        });
        assert_eq!(selecting.came(), asks(RequestState::Selecting, CLIENT));
    }
    let other = request(|m| {
        server(m, FOREIGN);
        wanted(m, CLIENT);
    });
    assert_eq!(other.came(), Came::Notice(ServerNotice::OtherChosen { server: FOREIGN }));
    // Wrong by RFC 2131, and seen: the address in both places.
    let both = request(|m| {
        server(m, US);
        wanted(m, CLIENT);
        m.set_client_address(CLIENT);
    });
    assert_eq!(both.came(), asks(RequestState::Selecting, CLIENT));
    let nothing = request(|m| server(m, US));
    assert_eq!(nothing.came(), Came::Silence(ServerSilence::NoAddress));
}

#[test]
fn the_relays_name_for_us_is_ours() {
    let over = [(Relay::SERVER_IDENTIFIER_OVERRIDE, &RELAY.octets()[..])];
    let selecting = request(|m| {
        relayed(m, &over);
        server(m, RELAY);
        wanted(m, CLIENT);
    });
    assert_eq!(selecting.came(), asks(RequestState::Selecting, CLIENT));
    // A client cannot make itself one.
    let forged = request(|m| {
        information_of(m, &over);
        server(m, RELAY);
        wanted(m, CLIENT);
    });
    assert_eq!(forged.came(), Came::Notice(ServerNotice::OtherChosen { server: RELAY }));
}

#[test]
fn init_reboot_has_an_address_and_no_server() {
    let reboot = request(|m| wanted(m, CLIENT));
    assert_eq!(reboot.came(), asks(RequestState::InitReboot, CLIENT));
    assert_eq!(reboot.link(), (US, LinkSource::Interface));
}

#[test]
fn renewing_is_unicast_and_rebinding_is_not() {
    let extend = || {
        request(|m| {
            m.set_client_address(CLIENT);
        })
        .from(CLIENT)
    };
    assert_eq!(extend().by_unicast(true).came(), asks(RequestState::Renewing, CLIENT));
    assert_eq!(extend().by_unicast(false).came(), asks(RequestState::Rebinding, CLIENT));
    // A driver that cannot tell never makes us say too much.
    assert_eq!(extend().came(), asks(RequestState::Rebinding, CLIENT));
    let through_relay = |flags: &'static [u8]| {
        request(|m| {
            m.set_client_address(CLIENT);
            relayed(m, &[(Relay::FLAGS, flags)]);
        })
        .by_unicast(true)
    };
    assert_eq!(through_relay(&[0x80]).came(), asks(RequestState::Renewing, CLIENT));
    assert_eq!(through_relay(&[0]).came(), asks(RequestState::Rebinding, CLIENT));
    // Known violations: server identifier or requested address in a renewal; no address at all but
    // that of the sender.
    let odd = request(|m| {
        m.set_client_address(CLIENT);
        server(m, US);
    });
    assert_eq!(odd.by_unicast(true).came(), asks(RequestState::Renewing, CLIENT));
    let odd = request(|m| {
        m.set_client_address(CLIENT);
        wanted(m, ROUTED);
    });
    assert_eq!(odd.by_unicast(true).came(), asks(RequestState::Renewing, CLIENT));
    let bare = request(|_| {}).from(CLIENT).by_unicast(true);
    assert_eq!(bare.came(), asks(RequestState::Renewing, CLIENT));
    assert_eq!(request(|_| {}).came(), Came::Silence(ServerSilence::NoAddress));
}

#[test]
fn declines_are_news_if_they_are_for_us() {
    let decline = |change: fn(&mut Message)| {
        case(MessageType::DECLINE, |m| {
            wanted(m, CLIENT);
            change(m);
        })
        .came()
    };
    let news = Came::Notice(ServerNotice::Decline { address: CLIENT });
    assert_eq!(decline(|m| server(m, US)), news);
    assert_eq!(decline(|_| {}), news);
    assert_eq!(decline(|m| server(m, FOREIGN)), Came::Silence(ServerSilence::OtherServer));
    let nothing = case(MessageType::DECLINE, |m| server(m, US));
    assert_eq!(nothing.came(), Came::Silence(ServerSilence::NoAddress));
}

#[test]
fn releases_count_from_the_address_they_give_back() {
    let release = |change: fn(&mut Message)| {
        case(MessageType::RELEASE, |m| {
            m.set_client_address(CLIENT);
            change(m);
        })
    };
    let news = Came::Notice(ServerNotice::Release { address: CLIENT });
    assert_eq!(release(|m| server(m, US)).from(CLIENT).came(), news);
    assert_eq!(release(|m| relayed(m, &[])).from(RELAY).came(), news);
    let silent = Came::Silence(ServerSilence::ForeignSource);
    assert_eq!(release(|m| server(m, US)).from(ROUTED).came(), silent);
    let other = release(|m| server(m, FOREIGN)).from(CLIENT);
    assert_eq!(other.came(), Came::Silence(ServerSilence::OtherServer));
    let nothing = case(MessageType::RELEASE, |_| {}).from(CLIENT);
    assert_eq!(nothing.came(), Came::Silence(ServerSilence::NoAddress));
}

#[test]
fn informs_are_answered_where_they_come_from() {
    let inform = |change: fn(&mut Message)| {
        case(MessageType::INFORM, |m| {
            m.set_client_address(CLIENT);
            change(m);
        })
    };
    let asks = Came::Request(ServerRequestKind::Inform, Some(CLIENT));
    assert_eq!(inform(|_| {}).from(CLIENT).came(), asks);
    assert_eq!(inform(|m| relayed(m, &[])).from(RELAY).came(), asks);
    // An answer would hit somebody who never asked.
    assert_eq!(inform(|_| {}).from(ROUTED).came(), Came::Silence(ServerSilence::ForeignSource));
    assert_eq!(inform(|_| {}).came(), Came::Silence(ServerSilence::ForeignSource));
    let bsdp = inform(|m| {
        m.push(OptionCode::VENDOR_CLASS, b"AAPLBSDPC/i386/Mac");
    });
    assert_eq!(bsdp.from(CLIENT).came(), Came::Silence(ServerSilence::Bsdp));
    let nothing = case(MessageType::INFORM, |_| {}).from(CLIENT);
    assert_eq!(nothing.came(), Came::Silence(ServerSilence::NoAddress));
}

#[test]
fn bootp_is_answered_with_and_without_cookie() {
    let mut bootp = case(MessageType::DISCOVER, |_| {});
    bootp.message.remove(OptionCode::MESSAGE_TYPE);
    assert_eq!(bootp.came(), Came::Request(ServerRequestKind::Bootp, None));
    let mut datagram = Vec::new();
    bootp.message.encode(SizeBudget::default(), &mut datagram).expect("it fits");
    datagram.truncate(236);
    let received = Received::new(SocketAddrV4::new(ZERO, 68), ServerPort::Dhcp, US, 2);
    let mut responder = ServerResponder::new(ServerConfig::default());
    let inbound = responder.handle_datagram(Instant::now(), &received, &datagram);
    let Ok(ServerInbound::Request(request)) = inbound else { panic!("{inbound:?}") };
    assert_eq!(request.kind(), ServerRequestKind::Bootp);
}

#[test]
fn everything_else_is_silence_with_a_name() {
    for (message_type, silence) in [
        (MessageType::LEASE_QUERY, ServerSilence::LeaseQuery),
        (MessageType::BULK_LEASE_QUERY, ServerSilence::LeaseQuery),
        (MessageType::OFFER, ServerSilence::OtherMessage(MessageType::OFFER)),
        (MessageType::NAK, ServerSilence::OtherMessage(MessageType::NAK)),
        (MessageType::FORCE_RENEW, ServerSilence::OtherMessage(MessageType::FORCE_RENEW)),
        (MessageType(200), ServerSilence::OtherMessage(MessageType(200))),
    ] {
        assert_eq!(case(message_type, |_| {}).came(), Came::Silence(silence));
    }
    let on_4011 = Case { port: ServerPort::BootServer, ..case(MessageType::DISCOVER, |_| {}) };
    assert_eq!(on_4011.came(), Came::Silence(ServerSilence::NotDhcpPort));
    let mut reply = case(MessageType::OFFER, |_| {});
    let mut changed = Message::new(Operation::BootReply);
    changed.push_octet(OptionCode::MESSAGE_TYPE, MessageType::OFFER.0);
    reply.message = changed;
    assert_eq!(reply.came(), Came::Silence(ServerSilence::ServerReply));

    // A choice from a menu is the boot server's; one that selects an address is ours.
    let choice = |change: fn(&mut Message)| {
        request(|m| {
            m.push(OptionCode::VENDOR_CLASS, b"PXEClient:Arch:00000:UNDI:002001")
                .push(OptionCode::VENDOR_SPECIFIC, &[71, 4, 0x80, 0, 0, 1, 255])
                .set_client_address(CLIENT);
            change(m);
        })
        .came()
    };
    assert_eq!(choice(|_| {}), Came::Silence(ServerSilence::MenuChoice));
    let selecting = choice(|m| {
        server(m, US);
        wanted(m, CLIENT);
    });
    assert_eq!(selecting, asks(RequestState::Selecting, CLIENT));
}

#[test]
fn whoever_cannot_be_told_from_others_gets_nothing() {
    let anonymous = |hardware: &'static [u8], identifier: &'static [u8]| {
        case(MessageType::DISCOVER, |m| {
            m.set_hardware(HardwareType::INFINIBAND, hardware).expect("up to 16 bytes");
            if identifier.len() > 1 {
                m.push(OptionCode::CLIENT_IDENTIFIER, identifier);
            }
        })
        .came()
    };
    assert_eq!(anonymous(&[], &[]), Came::Silence(ServerSilence::Anonymous));
    assert_eq!(anonymous(&[0; 6], &[]), Came::Silence(ServerSilence::Anonymous));
    let asks = Came::Request(ServerRequestKind::Discover, None);
    assert_eq!(anonymous(&[], &[255, 1, 2, 3]), asks);
    assert_eq!(anonymous(&[0, 0, 0, 0, 0, 1], &[]), asks);
}

#[test]
fn what_is_no_message_is_dropped() {
    let mut responder = ServerResponder::new(ServerConfig::default());
    let now = Instant::now();
    let received = |port| Received::new(SocketAddrV4::new(CLIENT, port), ServerPort::Dhcp, US, 2);
    let malformed = responder.handle_datagram(now, &received(68), &[1; 100]);
    assert!(matches!(malformed, Err(Dropped::Malformed(_))));
    let nowhere = responder.handle_datagram(now, &received(0), &[1; 300]);
    assert!(matches!(nowhere, Err(Dropped::SourcePortZero)));
    let long = responder.handle_datagram(now, &received(68), &[1; 2049]);
    assert!(matches!(long, Err(Dropped::TooLong(2049))));
}

#[test]
fn the_subnet_is_the_relays_the_links_or_the_clients_choice() {
    let link = |change: fn(&mut Message)| case(MessageType::DISCOVER, change).link();
    assert_eq!(link(|_| {}), (US, LinkSource::Interface));
    assert_eq!(link(|m| relayed(m, &[])), (RELAY, LinkSource::Relay));
    let selection: fn(&mut Message) = |m| {
        relayed(m, &[(Relay::CIRCUIT_ID, b"e1"), (Relay::LINK_SELECTION, &LINK.octets())]);
        m.push_addresses(OptionCode::SUBNET_SELECTION, &[CLIENT]);
    };
    assert_eq!(link(selection), (LINK, LinkSource::LinkSelection));
    let by_client: fn(&mut Message) = |m| {
        relayed(m, &[]);
        m.push_addresses(OptionCode::SUBNET_SELECTION, &[LINK]);
    };
    assert_eq!(link(by_client), (LINK, LinkSource::SubnetSelection));
    let mut unheard = case(MessageType::DISCOVER, by_client);
    unheard.config.honour_subnet_selection = false;
    assert_eq!(unheard.link(), (RELAY, LinkSource::Relay));
    // Addresses that nobody can have select nothing.
    assert_eq!(
        link(|m| relayed(m, &[(Relay::LINK_SELECTION, &[255; 4])])),
        (RELAY, LinkSource::Relay)
    );
    assert_eq!(
        link(|m| {
            m.set_relay_address(Ipv4Addr::new(224, 0, 0, 1));
        }),
        (US, LinkSource::Interface)
    );
    // From behind a router, without a relay: only its address says where the client is.
    let renewing = request(|m| {
        m.set_client_address(ROUTED);
    });
    let renewing = renewing.from(ROUTED).by_unicast(true);
    assert_eq!(renewing.link(), (ROUTED, LinkSource::ClientAddress));
    let rebinding = request(|m| {
        m.set_client_address(ROUTED);
    });
    let rebinding = rebinding.from(ROUTED).by_unicast(false);
    assert_eq!(rebinding.link(), (US, LinkSource::Interface));
}

#[test]
fn option_82_without_a_relay_counts_if_it_is_trusted() {
    let snooped = || {
        case(MessageType::DISCOVER, |m| {
            information_of(
                m,
                &[
                    (Relay::CIRCUIT_ID, b"port7"),
                    (Relay::REMOTE_ID, b"switch"),
                    (Relay::LINK_SELECTION, &LINK.octets()),
                ],
            );
        })
    };
    let ids = |case: &Case| {
        case.with(|inbound| match inbound {
            ServerInbound::Request(request) => {
                let message = request.message();
                (message.circuit_id().map(<[u8]>::to_vec), message.remote_id().map(<[u8]>::to_vec))
            }
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(ids(&snooped()), (None, None));
    assert_eq!(snooped().link(), (US, LinkSource::Interface));
    let mut trusted = snooped();
    trusted.config.trust_snooped_relay_information = true;
    assert_eq!(ids(&trusted), (Some(b"port7".to_vec()), Some(b"switch".to_vec())));
    assert_eq!(trusted.link(), (LINK, LinkSource::LinkSelection));
}

/// Every cell of the table, for a server that is not authoritative and for one that is.
#[test]
fn no_is_said_where_it_is_known_or_where_we_alone_decide() {
    use Denial::{NotForClient, OtherAddress, Unknown, WrongNetwork};
    use RequestState::{InitReboot, Rebinding, Renewing, Selecting};
    let unsure = Err(RefusalSilence::NotAuthoritative);
    let everybody = Err(RefusalSilence::AsksEverybody);
    for (denial, state, otherwise, authoritative) in [
        (WrongNetwork, Selecting, Ok(()), Ok(())),
        (OtherAddress, Selecting, Ok(()), Ok(())),
        (NotForClient, Selecting, Ok(()), Ok(())),
        (Unknown, Selecting, Ok(()), Ok(())),
        (WrongNetwork, InitReboot, Ok(()), Ok(())),
        (OtherAddress, InitReboot, Ok(()), Ok(())),
        (NotForClient, InitReboot, unsure, Ok(())),
        (Unknown, InitReboot, unsure, Ok(())),
        (WrongNetwork, Renewing, unsure, Ok(())),
        (OtherAddress, Renewing, unsure, Ok(())),
        (NotForClient, Renewing, unsure, Ok(())),
        (Unknown, Renewing, unsure, Ok(())),
        (WrongNetwork, Rebinding, unsure, Ok(())),
        (OtherAddress, Rebinding, unsure, Ok(())),
        (NotForClient, Rebinding, unsure, Ok(())),
        (Unknown, Rebinding, everybody, everybody),
    ] {
        let kind = ServerRequestKind::Request(state);
        assert_eq!(denial.verdict(kind, false), otherwise, "{denial:?} {state:?}");
        assert_eq!(denial.verdict(kind, true), authoritative, "{denial:?} {state:?}");
    }
    for kind in [ServerRequestKind::Discover, ServerRequestKind::Inform, ServerRequestKind::Bootp] {
        for denial in [WrongNetwork, OtherAddress, NotForClient, Unknown] {
            assert_eq!(denial.verdict(kind, true), Err(RefusalSilence::NotARequest));
        }
    }
}
