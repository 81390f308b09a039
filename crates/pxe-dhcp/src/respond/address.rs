//! Where a reply goes: RFC 2131 section 4.1 and the PXE 2.1 boot-server rule, in one pure function.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::{Received, ServerPort};
use crate::{HardwareType, MessageType, MessageView, OptionCode};

/// UDP port numbers of one deployment. [`Default`] has the registered ones; tests and unprivileged
/// runs use others.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Where DHCP servers and relays listen: 67.
    pub server: u16,
    /// Where clients listen: 68.
    pub client: u16,
    /// Where PXE boot servers listen: 4011.
    pub boot_server: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { server: 67, client: 68, boot_server: 4011 }
    }
}

/// How the link layer must carry a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// An ordinary unicast: the receiver answers ARP or is behind a router.
    Unicast,
    /// The limited broadcast on the interface the request came by.
    Broadcast,
    /// A unicast to an address that its owner does not answer ARP for yet: the sender must supply
    /// the link-layer address from `chaddr` itself. Where it cannot, RFC 2131 allows the
    /// broadcast that [`ReplyDestination::broadcast_instead`] gives.
    HardwareAddress,
}

/// The answer of [`reply_destination`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyDestination {
    /// The socket to answer from. Clients drop replies from another port: iPXE wants 4011 for what
    /// it asked on 4011, and everybody wants 67 for the rest.
    pub port: ServerPort,
    /// Destination address and port.
    pub address: SocketAddrV4,
    /// How to get it there.
    pub delivery: Delivery,
    /// Whether the reply must carry the broadcast flag whatever the request said, so that a relay
    /// does not try to unicast to an address the client does not have.
    pub broadcast_flag: bool,
}

impl ReplyDestination {
    /// The same reply for a sender that cannot address a client by its hardware address: a
    /// broadcast in place of [`Delivery::HardwareAddress`], everything else unchanged.
    #[must_use]
    pub fn broadcast_instead(self, ports: &Ports) -> Self {
        match self.delivery {
            Delivery::HardwareAddress => Self {
                address: SocketAddrV4::new(Ipv4Addr::BROADCAST, ports.client),
                delivery: Delivery::Broadcast,
                ..self
            },
            Delivery::Unicast | Delivery::Broadcast => self,
        }
    }
}

/// Where the reply of kind `reply` to `request` goes, when it gives the client `your_address`
/// (`yiaddr`; unspecified in every proxy reply, NAK and answer to an INFORM).
///
/// The rows, first match wins:
/// 1. asked on 4011: back to the packet's source address and port, from 4011; broadcast when the
///    source is `0.0.0.0`;
/// 2. relayed: to `giaddr`, port 67, or the relay's own source port when it says so
///    (RFC 8357, sub-option 19);
/// 3. NAK: broadcast, since the client's idea of its address is what we deny;
/// 4. `ciaddr` set: to it; to the source port if the packet came from that very address;
/// 5. the broadcast flag, no `yiaddr`, or a hardware address that is no Ethernet address (EDK2 can
///    put a 16-byte GUID there): broadcast;
/// 6. otherwise `yiaddr`, by hardware address.
///
/// Addresses that no host can have (multicast, broadcast, loopback, `0.x`) in `giaddr` and `ciaddr`
/// count as absent, so a forged header cannot aim a reply at them.
#[must_use]
pub fn reply_destination(
    request: &MessageView<'_>,
    received: &Received,
    reply: MessageType,
    your_address: Ipv4Addr,
    ports: &Ports,
) -> ReplyDestination {
    let nak = reply == MessageType::NAK;
    let nobody_home = your_address.is_unspecified() && request.client_address().is_unspecified();
    let to = |port, ip, number, delivery| ReplyDestination {
        port,
        address: SocketAddrV4::new(ip, number),
        delivery,
        broadcast_flag: nak || nobody_home,
    };
    let broadcast = |port| to(port, Ipv4Addr::BROADCAST, ports.client, Delivery::Broadcast);

    if received.port == ServerPort::BootServer {
        let source = received.source;
        return if is_host(*source.ip()) {
            to(ServerPort::BootServer, *source.ip(), source.port(), Delivery::Unicast)
        } else {
            broadcast(ServerPort::BootServer)
        };
    }
    let relay = request.relay_address();
    if is_host(relay) {
        let port = if relay_wants_source_port(request) && received.source.port() != 0 {
            received.source.port()
        } else {
            ports.server
        };
        return to(ServerPort::Dhcp, relay, port, Delivery::Unicast);
    }
    if nak {
        return broadcast(ServerPort::Dhcp);
    }
    let client = request.client_address();
    if is_host(client) {
        let same_host = *received.source.ip() == client && received.source.port() != 0;
        let port = if same_host { received.source.port() } else { ports.client };
        return to(ServerPort::Dhcp, client, port, Delivery::Unicast);
    }
    let ethernet = request.hardware_type() == HardwareType::ETHERNET
        && request.hardware_address().len() == ETHERNET_ADDRESS_BYTES;
    if request.flags().broadcast() || !is_host(your_address) || !ethernet {
        return broadcast(ServerPort::Dhcp);
    }
    to(ServerPort::Dhcp, your_address, ports.client, Delivery::HardwareAddress)
}

/// Whether one host can have this address, so that a reply may be sent to it.
pub(super) fn is_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first < FIRST_MULTICAST_OCTET && !address.is_loopback()
}

/// RFC 8357: the relay sends from a port of its own and wants the answer there.
fn relay_wants_source_port(request: &MessageView<'_>) -> bool {
    let Some(relay_information) = request.first(OptionCode::RELAY_AGENT_INFORMATION) else {
        return false;
    };
    let mut rest = relay_information;
    while let [code, length, tail @ ..] = rest {
        if *code == RELAY_SOURCE_PORT {
            return true;
        }
        let Some(next) = tail.get(usize::from(*length)..) else { return false };
        rest = next;
    }
    false
}

const ETHERNET_ADDRESS_BYTES: usize = 6;
/// Class D and E addresses, the limited broadcast among them, begin here.
const FIRST_MULTICAST_OCTET: u8 = 224;
/// Sub-option 19 of option 82, RFC 8357 section 5.4.
const RELAY_SOURCE_PORT: u8 = 19;
