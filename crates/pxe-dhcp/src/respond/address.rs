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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::{Flags, Message, Operation, SizeBudget};

    const ZERO: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
    const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
    const RELAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
    const BROADCAST: Ipv4Addr = Ipv4Addr::BROADCAST;

    /// One request and its reply; the default is a client without an address on our segment.
    #[derive(Clone, Copy)]
    struct Case {
        port: ServerPort,
        source: (Ipv4Addr, u16),
        flags: u16,
        ciaddr: Ipv4Addr,
        giaddr: Ipv4Addr,
        hardware: &'static [u8],
        relay_information: &'static [u8],
        reply: MessageType,
        yiaddr: Ipv4Addr,
    }

    const CASE: Case = Case {
        port: ServerPort::Dhcp,
        source: (ZERO, 68),
        flags: 0,
        ciaddr: ZERO,
        giaddr: ZERO,
        hardware: &[0x52, 0x54, 0, 0xaa, 0, 1],
        relay_information: &[],
        reply: MessageType::OFFER,
        yiaddr: CLIENT,
    };

    fn destination(case: Case) -> ReplyDestination {
        let mut message = Message::new(Operation::BootRequest);
        message
            .set_flags(Flags(case.flags))
            .set_client_address(case.ciaddr)
            .set_relay_address(case.giaddr)
            .push(OptionCode::MESSAGE_TYPE, &[MessageType::DISCOVER.0]);
        message.set_hardware(HardwareType::ETHERNET, case.hardware).expect("at most 16 bytes");
        if !case.relay_information.is_empty() {
            message.push(OptionCode::RELAY_AGENT_INFORMATION, case.relay_information);
        }
        let mut bytes = Vec::new();
        message.encode(SizeBudget::default(), &mut bytes).expect("a small message");
        let request = MessageView::parse(&bytes).expect("what was just encoded");
        let source = SocketAddrV4::new(case.source.0, case.source.1);
        let received = Received::new(source, case.port, Ipv4Addr::new(192, 0, 2, 5), 1);
        reply_destination(&request, &received, case.reply, case.yiaddr, &Ports::default())
    }

    #[track_caller]
    fn check(case: Case, port: ServerPort, to: (Ipv4Addr, u16), delivery: Delivery, flag: bool) {
        let address = SocketAddrV4::new(to.0, to.1);
        let expected = ReplyDestination { port, address, delivery, broadcast_flag: flag };
        assert_eq!(destination(case), expected);
    }

    #[test]
    fn boot_server_answers_the_source() {
        let port = ServerPort::BootServer;
        let ack = Case { port, reply: MessageType::ACK, yiaddr: ZERO, ..CASE };
        let asked = Case { source: (CLIENT, 4011), ciaddr: CLIENT, ..ack };
        check(asked, port, (CLIENT, 4011), Delivery::Unicast, false);
        // From port 68, as iPXE does; `giaddr` and the broadcast flag change nothing.
        let asked = Case { source: (CLIENT, 68), giaddr: RELAY, flags: 0x8000, ..asked };
        check(asked, port, (CLIENT, 68), Delivery::Unicast, false);
        let nobody = Case { source: (ZERO, 68), ..ack };
        check(nobody, port, (BROADCAST, 68), Delivery::Broadcast, true);
    }

    #[test]
    fn relays_get_what_came_through_them() {
        let relayed = Case { source: (RELAY, 67), giaddr: RELAY, ..CASE };
        check(relayed, ServerPort::Dhcp, (RELAY, 67), Delivery::Unicast, false);
        // A proxy offer has no address a relay could unicast to.
        let offer = Case { yiaddr: ZERO, ..relayed };
        check(offer, ServerPort::Dhcp, (RELAY, 67), Delivery::Unicast, true);
        let nak = Case { reply: MessageType::NAK, yiaddr: ZERO, ciaddr: CLIENT, ..relayed };
        check(nak, ServerPort::Dhcp, (RELAY, 67), Delivery::Unicast, true);
        let own_port = Case {
            source: (RELAY, 6767),
            relay_information: &[1, 2, b'e', b'1', 19, 0],
            ..relayed
        };
        check(own_port, ServerPort::Dhcp, (RELAY, 6767), Delivery::Unicast, false);
        let not_asked = Case { relay_information: &[1, 2, 19, 0], ..own_port };
        check(not_asked, ServerPort::Dhcp, (RELAY, 67), Delivery::Unicast, false);
        let cut_off = Case { relay_information: &[1, 200, 19, 0], ..own_port };
        check(cut_off, ServerPort::Dhcp, (RELAY, 67), Delivery::Unicast, false);
    }

    #[test]
    fn a_nak_is_broadcast() {
        let nak = Case { reply: MessageType::NAK, yiaddr: ZERO, ciaddr: CLIENT, ..CASE };
        check(nak, ServerPort::Dhcp, (BROADCAST, 68), Delivery::Broadcast, true);
    }

    #[test]
    fn clients_with_an_address_get_a_unicast() {
        let renewing = Case {
            source: (CLIENT, 1068),
            ciaddr: CLIENT,
            flags: 0x8000,
            reply: MessageType::ACK,
            ..CASE
        };
        check(renewing, ServerPort::Dhcp, (CLIENT, 1068), Delivery::Unicast, false);
        let elsewhere = Case { source: (ZERO, 1068), ..renewing };
        check(elsewhere, ServerPort::Dhcp, (CLIENT, 68), Delivery::Unicast, false);
    }

    #[test]
    fn clients_without_an_address() {
        check(CASE, ServerPort::Dhcp, (CLIENT, 68), Delivery::HardwareAddress, false);
        let asked = Case { flags: 0x8000, ..CASE };
        check(asked, ServerPort::Dhcp, (BROADCAST, 68), Delivery::Broadcast, false);
        let other_bits = Case { flags: 0x7f80, ..CASE };
        check(other_bits, ServerPort::Dhcp, (CLIENT, 68), Delivery::HardwareAddress, false);
        let guid = Case { hardware: &[0xa0; 16], ..CASE };
        check(guid, ServerPort::Dhcp, (BROADCAST, 68), Delivery::Broadcast, false);
        let proxy = Case { yiaddr: ZERO, ..CASE };
        check(proxy, ServerPort::Dhcp, (BROADCAST, 68), Delivery::Broadcast, true);
    }

    #[test]
    fn a_forged_header_aims_nowhere() {
        for forged in [[127, 0, 0, 1], [224, 0, 0, 1], [255; 4], [0, 0, 0, 7]] {
            let forged = Ipv4Addr::from(forged);
            let relayed = Case { giaddr: forged, yiaddr: ZERO, ..CASE };
            assert_eq!(destination(relayed).address, SocketAddrV4::new(BROADCAST, 68));
            let renewing = Case { ciaddr: forged, yiaddr: ZERO, ..CASE };
            assert_eq!(destination(renewing).address, SocketAddrV4::new(BROADCAST, 68));
        }
    }

    #[test]
    fn broadcast_stands_in_for_a_hardware_address_only() {
        let ports = Ports::default();
        let unicast = destination(CASE).broadcast_instead(&ports);
        assert_eq!(unicast.address, SocketAddrV4::new(BROADCAST, 68));
        assert_eq!(unicast.delivery, Delivery::Broadcast);
        let relayed = destination(Case { giaddr: RELAY, ..CASE });
        assert_eq!(relayed.broadcast_instead(&ports), relayed);
    }
}
