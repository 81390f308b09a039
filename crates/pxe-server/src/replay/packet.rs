//! From a frame to what matters of it: UDP, the beginnings of HTTP requests, and ports that are closed.

use core::net::{Ipv4Addr, SocketAddrV4};

use etherparse::{Icmpv4Type, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::Linktype;

/// Bytes before the Ethernet type in Linux' cooked captures (`tcpdump -i any`), first and second version.
const COOKED_BYTES: usize = 16;
const COOKED2_BYTES: usize = 20;

/// A packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'p> {
    /// UDP on IPv4.
    Udp { source: SocketAddrV4, destination: SocketAddrV4, payload: &'p [u8] },
    /// The payload of a TCP segment on IPv4, if it has one.
    Tcp { source: SocketAddrV4, destination: SocketAddrV4, payload: &'p [u8] },
    /// Somebody says that this UDP port of his is closed, or that he does not let anybody through to it.
    Unreachable { said_to: Ipv4Addr, destination: SocketAddrV4 },
    /// A TCP connection was refused by this port.
    Refused { said_to: Ipv4Addr, destination: SocketAddrV4 },
    /// DHCP for IPv6: a client's message.
    Dhcpv6,
}

/// Reads a frame; none of what has nothing to do with booting.
pub(super) fn read(link: Linktype, bytes: &[u8]) -> Option<Packet<'_>> {
    let sliced = match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(bytes).ok()?,
        Linktype::RAW | Linktype::IPV4 | Linktype(12 | 14) => {
            LaxSlicedPacket::from_ip(bytes).ok()?
        }
        Linktype::LINUX_SLL => LaxSlicedPacket::from_ip(bytes.get(COOKED_BYTES..)?).ok()?,
        Linktype(276) => LaxSlicedPacket::from_ip(bytes.get(COOKED2_BYTES..)?).ok()?,
        _ => return None,
    };
    let (source, destination) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(packet)) => {
            (packet.header().source_addr(), packet.header().destination_addr())
        }
        Some(LaxNetSlice::Ipv6(_)) => {
            let Some(TransportSlice::Udp(udp)) = &sliced.transport else { return None };
            return (udp.destination_port() == 547).then_some(Packet::Dhcpv6);
        }
        _ => return None,
    };
    match sliced.transport? {
        TransportSlice::Udp(udp) => Some(Packet::Udp {
            source: SocketAddrV4::new(source, udp.source_port()),
            destination: SocketAddrV4::new(destination, udp.destination_port()),
            payload: udp.payload(),
        }),
        TransportSlice::Tcp(tcp) => {
            let from = SocketAddrV4::new(source, tcp.source_port());
            let to = SocketAddrV4::new(destination, tcp.destination_port());
            let payload = tcp.payload();
            if tcp.rst() && tcp.ack() && tcp.sequence_number() == 0 {
                return Some(Packet::Refused { said_to: destination, destination: from });
            }
            (!payload.is_empty()).then_some(Packet::Tcp { source: from, destination: to, payload })
        }
        TransportSlice::Icmpv4(icmp) => {
            if !matches!(icmp.icmp_type(), Icmpv4Type::DestinationUnreachable(_)) {
                return None;
            }
            let inner = LaxSlicedPacket::from_ip(icmp.payload()).ok()?;
            let (Some(LaxNetSlice::Ipv4(ip)), Some(TransportSlice::Udp(udp))) =
                (&inner.net, &inner.transport)
            else {
                return None;
            };
            let destination =
                SocketAddrV4::new(ip.header().destination_addr(), udp.destination_port());
            Some(Packet::Unreachable { said_to: ip.header().source_addr(), destination })
        }
        _ => None,
    }
}
