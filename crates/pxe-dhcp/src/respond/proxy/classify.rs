//! Which datagrams are ours to answer, and why the others are not.
//!
//! The rules follow one thought: a proxy may only speak where no DHCP server is meant. A wrong
//! answer here breaks machines that have nothing to do with network boot.

use core::fmt;
use core::net::Ipv4Addr;

use super::{ClientClass, ProxyConfig};
use crate::options::BootItem;
use crate::respond::{Received, ServerPort, phrase};
use crate::{BootFacts, MessageType, MessageView, Operation, OptionCode};

/// What a request wants from us.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// DISCOVER on port 67: the client looks for an address and a boot server; we offer the latter.
    Discover,
    /// REQUEST on port 4011: the client has an address and asks for its boot file.
    BootServer,
    /// REQUEST with option 43 sub-option 71, on either port: the client chose this from a boot
    /// menu (PXE 2.1, boot server discovery).
    BootItem(BootItem),
}

/// Why a datagram gets no answer from us.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Silence {
    /// A BOOTREPLY: somebody else's answer.
    ServerReply,
    /// No option 53: plain BOOTP, which has no proxies.
    Bootp,
    /// A DISCOVER, or a REQUEST on 4011, of a client that does not boot from the network.
    OrdinaryClient,
    /// A REQUEST on port 67. It belongs to the DHCP server the client chose, and only that one may
    /// acknowledge or refuse it.
    RequestToDhcpServer,
    /// A boot-server request that names another server in option 54.
    OtherBootServer,
    /// An INFORM: the client has its address and asks DHCP servers for the rest.
    Inform,
    /// A DECLINE: about an address, and we give none.
    Decline,
    /// A RELEASE: about an address, and we give none.
    Release,
    /// Something other than a REQUEST on port 4011, or a class that has no business there.
    NotForBootServer,
    /// A message type no client of ours sends: a server's, lease query, reconfiguration, unknown.
    OtherMessage(MessageType),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerReply => "another server's answer",
            Self::Bootp => "BOOTP, which has no proxies",
            Self::OrdinaryClient => "from a client that does not boot from the network",
            Self::RequestToDhcpServer => "a REQUEST, which belongs to the DHCP server",
            Self::OtherBootServer => "for another boot server",
            Self::Inform => "an INFORM, which belongs to DHCP servers",
            Self::Decline => "a DECLINE, about an address of another server",
            Self::Release => "a RELEASE, about an address of another server",
            Self::NotForBootServer => "not what is asked on the boot-server port",
            Self::OtherMessage(kind) => return write!(f, "{kind}, which no boot client sends"),
        })
    }
}

/// Decides whether `view` is ours to answer.
pub(super) fn classify(
    config: &ProxyConfig,
    received: &Received,
    view: &MessageView<'_>,
    facts: &BootFacts<'_>,
) -> Result<(RequestKind, ClientClass), Silence> {
    if view.operation() != Operation::BootRequest {
        return Err(Silence::ServerReply);
    }
    let message_type = view.message_type().ok_or(Silence::Bootp)?;
    match message_type {
        MessageType::DISCOVER | MessageType::REQUEST => {}
        MessageType::INFORM => return Err(Silence::Inform),
        MessageType::DECLINE => return Err(Silence::Decline),
        MessageType::RELEASE => return Err(Silence::Release),
        other => return Err(Silence::OtherMessage(other)),
    }
    let class = class_of(config, facts);
    match (received.port, message_type) {
        (ServerPort::Dhcp, MessageType::DISCOVER) => {
            Ok((RequestKind::Discover, class.ok_or(Silence::OrdinaryClient)?))
        }
        (ServerPort::Dhcp, _) => menu_choice_on_dhcp_port(config, received, view, facts, class),
        (ServerPort::BootServer, MessageType::REQUEST) => {
            boot_server_request(config, received, facts, class)
        }
        (ServerPort::BootServer, _) => Err(Silence::NotForBootServer),
    }
}

/// A REQUEST on port 67 is ours only as boot server discovery: a menu choice in option 43, and
/// nothing in it that a DHCP server has to decide. A client that selects an address offered by a
/// DHCP server names that address (50) and that server (54), whatever else it carries.
fn menu_choice_on_dhcp_port(
    config: &ProxyConfig,
    received: &Received,
    view: &MessageView<'_>,
    facts: &BootFacts<'_>,
    class: Option<ClientClass>,
) -> Result<(RequestKind, ClientClass), Silence> {
    let item = boot_item(facts).ok_or(Silence::RequestToDhcpServer)?;
    if class != Some(ClientClass::Pxe) || view.first(OptionCode::REQUESTED_ADDRESS).is_some() {
        return Err(Silence::RequestToDhcpServer);
    }
    match facts.server_identifier {
        Some(server) if is_ours(config, received, server) => Ok((item, ClientClass::Pxe)),
        Some(_) => Err(Silence::RequestToDhcpServer),
        None => Ok((item, ClientClass::Pxe)),
    }
}

/// Port 4011 is nobody's but a boot server's, so here a missing class is forgiven.
fn boot_server_request(
    config: &ProxyConfig,
    received: &Received,
    facts: &BootFacts<'_>,
    class: Option<ClientClass>,
) -> Result<(RequestKind, ClientClass), Silence> {
    match (class, facts.vendor_class) {
        (Some(ClientClass::Pxe), _) | (None, None) => {}
        (Some(ClientClass::Http | ClientClass::UBoot), _) => return Err(Silence::NotForBootServer),
        (None, Some(_)) => return Err(Silence::OrdinaryClient),
    }
    if facts.server_identifier.is_some_and(|server| !is_ours(config, received, server)) {
        return Err(Silence::OtherBootServer);
    }
    Ok((boot_item(facts).unwrap_or(RequestKind::BootServer), ClientClass::Pxe))
}

fn is_ours(config: &ProxyConfig, received: &Received, server: Ipv4Addr) -> bool {
    server == received.local_address || config.server_identifiers.contains(&server)
}

fn class_of(config: &ProxyConfig, facts: &BootFacts<'_>) -> Option<ClientClass> {
    let class = phrase::class_of(facts);
    class.filter(|class| *class != ClientClass::UBoot || config.answer_u_boot)
}

fn boot_item(facts: &BootFacts<'_>) -> Option<RequestKind> {
    phrase::boot_item(facts).map(RequestKind::BootItem)
}
