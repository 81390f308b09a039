//! What a message wants of a DHCP server (RFC 2131 section 4.3), and why some get nothing.

use core::fmt;
use core::net::Ipv4Addr;

use super::message::Context;
use super::{ServerConfig, ServerMessage};
use crate::options::{VendorClass, VendorSpace};
use crate::respond::address::is_host;
use crate::respond::phrase::{self, ClientClass};
use crate::respond::{Received, ServerPort};
use crate::{MessageKind, MessageType, MessageView, Operation};

/// What is asked, of that which draws an answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerRequestKind {
    /// DISCOVER: the client looks for an address; it is offered one.
    Discover,
    /// REQUEST: the client wants to have an address, or to keep it; it is acknowledged or refused.
    Request(RequestState),
    /// INFORM: the client has an address from elsewhere and wants the rest.
    Inform,
    /// A BOOTP request: the client takes what it is told, for ever.
    Bootp,
}

/// Which REQUEST it is (RFC 2131 section 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// It takes our offer: option 54 is us.
    Selecting,
    /// It comes back with an address from earlier: option 50, no 54, `ciaddr` 0.
    InitReboot,
    /// It extends its lease with us: `ciaddr`, by unicast.
    Renewing,
    /// It extends its lease with anybody: `ciaddr`, by broadcast or through a relay. A driver that
    /// cannot tell ([`Received::unicast`]) makes of every renewal one of these.
    Rebinding,
}

/// What needs no answer, but has to be known.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerNotice {
    /// DECLINE: another machine has the address we gave. Anybody can say so.
    Decline {
        /// The address.
        address: Ipv4Addr,
    },
    /// RELEASE: the client does not need its address any more. It came from that very address, or
    /// through a relay; still it can be forged.
    Release {
        /// The address.
        address: Ipv4Addr,
    },
    /// A REQUEST that takes the offer of another server: ours can be taken back.
    OtherChosen {
        /// The other server.
        server: Ipv4Addr,
    },
}

/// Why a message means nothing to us.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerSilence {
    /// A BOOTREPLY: somebody else's answer.
    ServerReply,
    /// It came to port 4011, where no addresses are given.
    NotDhcpPort,
    /// It says nothing that tells its sender from others: neither `chaddr` nor option 61.
    Anonymous,
    /// It is about an address, and does not say which.
    NoAddress,
    /// A DECLINE or RELEASE for another server (54).
    OtherServer,
    /// A RELEASE or INFORM for an address other than the one it came from, and not through a relay.
    /// An answer would go to somebody who did not ask.
    ForeignSource,
    /// A choice from a PXE boot menu: the boot server's to answer
    /// ([`ProxyResponder`](crate::respond::ProxyResponder)).
    MenuChoice,
    /// An INFORM of Apple's boot protocol (BSDP).
    Bsdp,
    /// A lease query (RFC 4388), which this server does not answer.
    LeaseQuery,
    /// The same message again, while the first waits for its lease to be stored.
    Duplicate,
    /// A message type that no client sends: a server's, reconfiguration, unknown.
    OtherMessage(MessageType),
}

impl fmt::Display for ServerSilence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerReply => "another server's answer",
            Self::NotDhcpPort => "on the boot-server port, where no addresses are given",
            Self::Anonymous => "it does not say who sent it",
            Self::NoAddress => "it does not say which address it is about",
            Self::OtherServer => "for another server",
            Self::ForeignSource => "about another address than the one it came from",
            Self::MenuChoice => "a choice from a boot menu, which belongs to the boot server",
            Self::Bsdp => "of Apple's boot protocol",
            Self::LeaseQuery => "a lease query",
            Self::Duplicate => "a repetition, while the first waits for its lease to be stored",
            Self::OtherMessage(kind) => return write!(f, "{kind}, which no client sends"),
        })
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    Request(ServerRequestKind),
    Notice(ServerNotice),
}

/// Reads a message.
pub(super) fn classify<'d>(
    config: &ServerConfig,
    received: &Received,
    view: MessageView<'d>,
) -> (ServerMessage<'d>, Result<Verdict, ServerSilence>) {
    let facts = view.boot_facts();
    let context = Context {
        received: *received,
        class: phrase::class_of(&facts),
        address: facts.requested_address.filter(|address| is_host(*address)),
        trusts_relay_information: is_host(view.relay_address())
            || config.trust_snooped_relay_information,
        honours_subnet_selection: config.honour_subnet_selection,
        is_routed: false,
    };
    let message = ServerMessage { view, facts, context };
    let mut asked = Asked { config, message };
    let verdict = asked.verdict();
    (asked.message, verdict)
}

struct Asked<'c, 'd> {
    config: &'c ServerConfig,
    message: ServerMessage<'d>,
}

impl Asked<'_, '_> {
    fn verdict(&mut self) -> Result<Verdict, ServerSilence> {
        let view = &self.message.view;
        if view.operation() != Operation::BootRequest {
            return Err(ServerSilence::ServerReply);
        }
        if self.message.context.received.port != ServerPort::Dhcp {
            return Err(ServerSilence::NotDhcpPort);
        }
        if self.message.client_identifier().is_none()
            && view.hardware_address().iter().all(|octet| *octet == 0)
        {
            return Err(ServerSilence::Anonymous);
        }
        let Some(message_type) = view.message_type() else {
            return match view.kind() {
                MessageKind::Bootp | MessageKind::BootpVendor => {
                    self.message.context.address = host(view.client_address());
                    Ok(Verdict::Request(ServerRequestKind::Bootp))
                }
                // An option 53 of illegal length.
                MessageKind::Dhcp => Err(ServerSilence::OtherMessage(MessageType(0))),
            };
        };
        match message_type {
            MessageType::DISCOVER => Ok(Verdict::Request(ServerRequestKind::Discover)),
            MessageType::REQUEST => self.request(),
            MessageType::DECLINE => self.decline(),
            MessageType::RELEASE => self.release(),
            MessageType::INFORM => self.inform(),
            MessageType::LEASE_QUERY
            | MessageType::BULK_LEASE_QUERY
            | MessageType::ACTIVE_LEASE_QUERY => Err(ServerSilence::LeaseQuery),
            other => Err(ServerSilence::OtherMessage(other)),
        }
    }

    /// RFC 2131 table 4, with room for clients that fill in too much or too little.
    fn request(&mut self) -> Result<Verdict, ServerSilence> {
        let facts = &self.message.facts;
        let client = host(self.message.view.client_address());
        let requested = self.message.context.address;
        let is_choice = phrase::boot_item(facts).is_some()
            && self.message.context.class == Some(ClientClass::Pxe)
            && requested.is_none();
        if is_choice {
            return Err(ServerSilence::MenuChoice);
        }
        if let Some(server) = facts.server_identifier {
            if !self.is_us(server) {
                return Ok(Verdict::Notice(ServerNotice::OtherChosen { server }));
            }
            if requested.is_some() {
                return Ok(state(RequestState::Selecting));
            }
        } else if client.is_none() && requested.is_some() {
            return Ok(state(RequestState::InitReboot));
        }
        // A client that names its address nowhere else has it as the source of its message.
        let extended = client.or_else(|| host(*self.message.context.received.source.ip()));
        let address = extended.ok_or(ServerSilence::NoAddress)?;
        self.message.context.address = Some(address);
        if self.was_unicast() {
            self.message.context.is_routed = client.is_some();
            return Ok(state(RequestState::Renewing));
        }
        Ok(state(RequestState::Rebinding))
    }

    fn decline(&self) -> Result<Verdict, ServerSilence> {
        self.for_us()?;
        let address = self.message.context.address.ok_or(ServerSilence::NoAddress)?;
        Ok(Verdict::Notice(ServerNotice::Decline { address }))
    }

    fn release(&mut self) -> Result<Verdict, ServerSilence> {
        self.for_us()?;
        let address = self.own_address()?;
        Ok(Verdict::Notice(ServerNotice::Release { address }))
    }

    fn inform(&mut self) -> Result<Verdict, ServerSilence> {
        let class = VendorClass::new(self.message.facts.vendor_class.unwrap_or_default());
        if class.space() == VendorSpace::Bsdp {
            return Err(ServerSilence::Bsdp);
        }
        self.own_address()?;
        Ok(Verdict::Request(ServerRequestKind::Inform))
    }

    /// `ciaddr`, of a client that has it and says so from there.
    fn own_address(&mut self) -> Result<Ipv4Addr, ServerSilence> {
        let address = host(self.message.view.client_address()).ok_or(ServerSilence::NoAddress)?;
        let is_relayed = self.message.relay().is_some();
        if !is_relayed && *self.message.context.received.source.ip() != address {
            return Err(ServerSilence::ForeignSource);
        }
        self.message.context.address = Some(address);
        self.message.context.is_routed = !is_relayed;
        Ok(address)
    }

    fn for_us(&self) -> Result<(), ServerSilence> {
        match self.message.facts.server_identifier {
            Some(server) if !self.is_us(server) => Err(ServerSilence::OtherServer),
            _ => Ok(()),
        }
    }

    fn is_us(&self, server: Ipv4Addr) -> bool {
        server == self.message.context.received.local_address
            || self.config.server_identifiers.contains(&server)
            || self.message.server_identifier_override() == Some(server)
    }

    /// Whether the client sent it to its server alone. A relay that says nothing of it passes on
    /// broadcasts.
    fn was_unicast(&self) -> bool {
        if self.message.relay().is_some() {
            let information = self.message.relay_information();
            return information.and_then(|it| it.was_unicast()).unwrap_or(false);
        }
        self.message.context.received.unicast.unwrap_or(false)
    }
}

fn state(state: RequestState) -> Verdict {
    Verdict::Request(ServerRequestKind::Request(state))
}

fn host(address: Ipv4Addr) -> Option<Ipv4Addr> {
    Some(address).filter(|address| is_host(*address))
}
