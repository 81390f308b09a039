//! From a captured frame to a UDP datagram. Every length is checked; what does not add up is left out.

use std::net::{Ipv4Addr, SocketAddrV4};

use pcap_parser::Linktype;

/// A UDP datagram over IPv4.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) payload: &'a [u8],
    /// The payload was longer on the wire than in the capture.
    pub(crate) cut_off: bool,
}

impl<'a> Datagram<'a> {
    /// The datagram in a frame; none if it holds something else, or not the beginning of one.
    pub(crate) fn of(link: Linktype, frame: &'a [u8]) -> Option<Self> {
        match link {
            Linktype::ETHERNET => ethernet(frame),
            Linktype::RAW | Linktype::IPV4 => ipv4(frame),
            _ => None,
        }
    }
}

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
/// IEEE 802.1Q and 802.1ad: a tag of four bytes precedes the real type.
const ETHERTYPES_VLAN: [[u8; 2]; 3] = [[0x81, 0x00], [0x88, 0xa8], [0x91, 0x00]];
const PROTOCOL_UDP: u8 = 17;

fn ethernet(frame: &[u8]) -> Option<Datagram<'_>> {
    let (_addresses, mut rest) = frame.split_at_checked(12)?;
    loop {
        let (ethertype, after) = rest.split_first_chunk::<2>()?;
        match *ethertype {
            ETHERTYPE_IPV4 => return ipv4(after),
            tag if ETHERTYPES_VLAN.contains(&tag) => rest = after.get(2..)?,
            _ => return None,
        }
    }
}

fn ipv4(packet: &[u8]) -> Option<Datagram<'_>> {
    let fixed = packet.first_chunk::<20>()?;
    let header_bytes = usize::from(fixed[0] & 0x0f) * 4;
    let total_bytes = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    let fragment_offset = u16::from_be_bytes([fixed[6], fixed[7]]) & 0x1fff;
    let is_udp = fixed[0] >> 4 == 4 && fixed[9] == PROTOCOL_UDP;
    if !is_udp || fragment_offset != 0 || header_bytes < 20 || total_bytes < header_bytes {
        return None;
    }
    // Short frames are padded: what counts is the length in the header.
    let captured = packet.get(..total_bytes).unwrap_or(packet);
    let (udp, payload) = captured.get(header_bytes..)?.split_first_chunk::<8>()?;
    let payload_bytes = usize::from(u16::from_be_bytes([udp[4], udp[5]])).checked_sub(8)?;
    let address = |at: usize| Some(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?));
    Some(Datagram {
        source: SocketAddrV4::new(address(12)?, u16::from_be_bytes([udp[0], udp[1]])),
        destination: SocketAddrV4::new(address(16)?, u16::from_be_bytes([udp[2], udp[3]])),
        payload: payload.get(..payload_bytes).unwrap_or(payload),
        cut_off: payload.len() < payload_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10.0.0.1:68 to 10.0.0.2:67 with the payload `abc`, in an Ethernet frame padded to 60 bytes.
    fn frame() -> Vec<u8> {
        let mut frame = vec![0xff; 12];
        frame.extend([0x08, 0x00]);
        frame.extend([0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend([0, 68, 0, 67, 0, 11, 0, 0]);
        frame.extend(b"abc");
        frame.resize(60, 0);
        frame
    }

    fn expected() -> Datagram<'static> {
        Datagram {
            source: "10.0.0.1:68".parse().unwrap(),
            destination: "10.0.0.2:67".parse().unwrap(),
            payload: b"abc",
            cut_off: false,
        }
    }

    #[test]
    fn padding_is_no_payload() {
        assert_eq!(Datagram::of(Linktype::ETHERNET, &frame()), Some(expected()));
    }

    #[test]
    fn tags_of_virtual_networks_are_skipped() {
        let mut tagged = frame();
        tagged.splice(12..12, [0x88, 0xa8, 0, 5, 0x81, 0x00, 0, 7]);
        assert_eq!(Datagram::of(Linktype::ETHERNET, &tagged), Some(expected()));
    }

    #[test]
    fn any_cut_is_survived() {
        let frame = frame();
        for length in 0..frame.len() {
            let datagram = Datagram::of(Linktype::ETHERNET, &frame[..length]);
            assert_eq!(datagram.is_some(), length >= 42, "{length}");
            assert!(datagram.is_none_or(|it| it.cut_off == (length < 45)), "{length}");
        }
    }

    #[test]
    fn other_packets_are_left_out() {
        for (at, value) in
            [(12, 0x86), (14, 0x65), (14, 0x44), (17, 19), (20, 0x20 | 1), (23, 6), (39, 7)]
        {
            let mut other = frame();
            other[at] = value;
            assert_eq!(Datagram::of(Linktype::ETHERNET, &other), None, "byte {at}");
        }
    }
}
