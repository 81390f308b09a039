//! The few fields of a frame that a proof needs, read without any of the codecs under test.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use crate::lab::capture::Frame;

/// DHCPDISCOVER, RFC 2132 section 9.6.
pub(crate) const DISCOVER: u8 = 1;
/// DHCPOFFER.
pub(crate) const OFFER: u8 = 2;
/// DHCPACK.
pub(crate) const ACK: u8 = 5;
/// DHCPNAK.
pub(crate) const NAK: u8 = 6;

const UDP: u8 = 17;
const DHCP_PORTS: [u16; 3] = [67, 68, 4011];

/// A UDP datagram in a frame.
pub(crate) struct Datagram<'a> {
    pub(crate) at: Duration,
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) payload: &'a [u8],
}

/// The fields of a DHCP message that a proof needs.
#[derive(Debug, Clone)]
pub(crate) struct DhcpSeen {
    pub(crate) at: Duration,
    pub(crate) source: SocketAddrV4,
    pub(crate) is_reply: bool,
    pub(crate) message_type: u8,
    pub(crate) hardware_address: [u8; 6],
    pub(crate) your_address: Ipv4Addr,
    pub(crate) boot_server: Ipv4Addr,
    /// The header's boot file name.
    pub(crate) file: Vec<u8>,
    /// Option 54: which server says this, whoever brings it.
    pub(crate) server: Option<Ipv4Addr>,
    /// Option 77, raw.
    pub(crate) user_class: Vec<u8>,
    /// Option 93, raw.
    pub(crate) arch: Vec<u8>,
    /// Option 43, raw.
    pub(crate) vendor: Vec<u8>,
}

impl<'a> Datagram<'a> {
    /// `None` for a frame that holds none, or a part of one.
    pub(crate) fn read(frame: &'a Frame) -> Option<Self> {
        let (source, destination, udp) = internet(frame, UDP)?;
        let number = |at: usize| -> Option<u16> {
            udp.get(at..)?.first_chunk::<2>().map(|octets| u16::from_be_bytes(*octets))
        };
        Some(Self {
            at: frame.at,
            source: SocketAddrV4::new(source, number(0)?),
            destination: SocketAddrV4::new(destination, number(2)?),
            payload: udp.get(8..usize::from(number(4)?))?,
        })
    }

    /// Whether one of its ports is one of DHCP's.
    pub(crate) fn is_dhcp(&self) -> bool {
        DHCP_PORTS.contains(&self.source.port()) || DHCP_PORTS.contains(&self.destination.port())
    }
}

impl DhcpSeen {
    /// `None` where the payload is no DHCP message.
    pub(crate) fn read(datagram: &Datagram<'_>) -> Option<Self> {
        let message = datagram.payload;
        if message.get(236..240)? != [99, 130, 83, 99] {
            return None;
        }
        let mut seen = Self {
            at: datagram.at,
            source: datagram.source,
            is_reply: *message.first()? == 2,
            message_type: 0,
            hardware_address: *message.get(28..)?.first_chunk()?,
            your_address: address(message, 16)?,
            boot_server: address(message, 20)?,
            file: until_nul(message.get(108..236)?).to_vec(),
            server: None,
            user_class: Vec::new(),
            arch: Vec::new(),
            vendor: Vec::new(),
        };
        let mut options = message.get(240..)?;
        while let Some((&code, rest)) = options.split_first() {
            options = rest;
            match code {
                0 => continue,
                255 => break,
                _ => {}
            }
            let Some((&length, rest)) = options.split_first() else { break };
            let Some((value, rest)) = rest.split_at_checked(length.into()) else { break };
            options = rest;
            match code {
                43 => seen.vendor = value.to_vec(),
                53 => seen.message_type = value.first().copied().unwrap_or_default(),
                54 => seen.server = address(value, 0),
                77 => seen.user_class = value.to_vec(),
                93 => seen.arch = value.to_vec(),
                _ => {}
            }
        }
        Some(seen)
    }
}

/// Ethernet and IPv4 without fragments: who sent what to whom by this protocol. The frame may be
/// padded: IP's own length counts.
pub(crate) fn internet(frame: &Frame, protocol: u8) -> Option<(Ipv4Addr, Ipv4Addr, &[u8])> {
    let packet = frame.bytes.get(12..)?.strip_prefix(&[0x08, 0x00])?;
    let header_bytes = usize::from(*packet.first()? & 0x0f) * 4;
    let fragment = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]) & 0x3fff;
    if *packet.get(9)? != protocol || fragment != 0 {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
    Some((address(packet, 12)?, address(packet, 16)?, packet.get(header_bytes..total)?))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    bytes.get(at..)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
}

pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::lab::wire::SERVER_ADDRESS;

    pub(crate) const MACHINE: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

    /// A frame that the machine sends or gets.
    pub(crate) fn frame(source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) -> Frame {
        let mut bytes = [0; 12].to_vec();
        bytes[6..].copy_from_slice(&MACHINE);
        let total = u16::try_from(28 + payload.len()).unwrap().to_be_bytes();
        bytes.extend([8, 0, 0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 17, 0, 0]);
        bytes.extend(source.ip().octets());
        bytes.extend(destination.ip().octets());
        bytes.extend(source.port().to_be_bytes());
        bytes.extend(destination.port().to_be_bytes());
        bytes.extend(u16::try_from(payload.len() + 8).unwrap().to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        bytes.extend([0; 10]); // padding of a short frame
        Frame { at: Duration::from_secs(1), bytes }
    }

    /// A DHCP server's reply that names the file and our server.
    pub(crate) fn reply(server: Ipv4Addr, message_type: u8, file: &str) -> DhcpSeen {
        DhcpSeen {
            at: Duration::from_secs(1),
            source: SocketAddrV4::new(server, 67),
            is_reply: true,
            message_type,
            hardware_address: MACHINE,
            your_address: Ipv4Addr::UNSPECIFIED,
            boot_server: SERVER_ADDRESS,
            file: file.as_bytes().to_vec(),
            server: Some(server),
            user_class: Vec::new(),
            arch: Vec::new(),
            vendor: Vec::new(),
        }
    }

    /// What a machine of this architecture asks with.
    pub(crate) fn discover(arch: u16) -> DhcpSeen {
        let mut message = reply(Ipv4Addr::UNSPECIFIED, DISCOVER, "");
        message.is_reply = false;
        message.server = None;
        message.arch = arch.to_be_bytes().to_vec();
        message
    }

    /// A reply as a frame.
    pub(crate) fn reply_frame(server: Ipv4Addr, message_type: u8) -> Frame {
        let mut message = vec![0; 236];
        message[0] = 2;
        message[20..24].copy_from_slice(&SERVER_ADDRESS.octets());
        message[28..34].copy_from_slice(&MACHINE);
        message[108..116].copy_from_slice(b"ipxe.efi");
        message.extend([99, 130, 83, 99, 53, 1, message_type, 54, 4]);
        message.extend(server.octets());
        message.extend([0, 77, 4]);
        message.extend(b"iPXE");
        message.extend([93, 2, 0, 7, 255, 1]);
        let port = |address, port| SocketAddrV4::new(address, port);
        frame(port(server, 67), port(Ipv4Addr::BROADCAST, 68), &message)
    }

    #[test]
    fn an_offer_shows_who_named_which_file() {
        let foreign = Ipv4Addr::new(10, 77, 0, 1);
        let frame = reply_frame(foreign, OFFER);
        let datagram = Datagram::read(&frame).unwrap();
        assert!(datagram.is_dhcp());
        let offer = DhcpSeen::read(&datagram).unwrap();
        assert!(offer.is_reply && offer.message_type == OFFER);
        assert_eq!(offer.hardware_address, MACHINE);
        assert_eq!(offer.file, b"ipxe.efi");
        assert_eq!((offer.server, offer.source.ip()), (Some(foreign), &foreign));
        assert_eq!(offer.boot_server, SERVER_ADDRESS);
        assert_eq!((&offer.user_class[..], &offer.arch[..]), (&b"iPXE"[..], &[0, 7][..]));
    }
}
