//! IPv4 and UDP headers of a packet that came by a packet socket. Whatever does not fit is left alone.

use core::net::{Ipv4Addr, SocketAddrV4};

/// More fragments, and the offset of one: a whole packet has neither.
pub(super) const FRAGMENT_BITS: u16 = 0x3fff;

/// A UDP datagram in its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'p> {
    pub(super) source: SocketAddrV4,
    pub(super) payload: &'p [u8],
}

/// The datagram of an IPv4 packet to one of `ports`. Checksums are not looked at: between virtual machines
/// of one host they are left to a network card that does not exist.
pub(super) fn udp(packet: &[u8], ports: [u16; 2]) -> Option<Frame<'_>> {
    let version_and_length = *packet.first()?;
    let header_bytes = usize::from(version_and_length & 0x0f) * 4;
    if version_and_length >> 4 != 4 || header_bytes < 20 || packet.get(9) != Some(&17) {
        return None;
    }
    if short(packet, 6)? & FRAGMENT_BITS != 0 {
        return None;
    }
    let packet = packet.get(..usize::from(short(packet, 2)?))?;
    let address = <[u8; 4]>::try_from(packet.get(12..16)?).ok()?;
    let datagram = packet.get(header_bytes..)?;
    if !ports.contains(&short(datagram, 2)?) {
        return None;
    }
    let payload = datagram.get(8..usize::from(short(datagram, 4)?))?;
    let source = SocketAddrV4::new(Ipv4Addr::from(address), short(datagram, 0)?);
    Some(Frame { source, payload })
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    pair.try_into().ok().map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> Vec<u8> {
        let mut packet =
            vec![0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 9, 255, 255, 255, 255];
        packet.extend([0, 68, 0, 67, 0, 11, 0, 0, b'a', b'b', b'c']);
        packet
    }

    #[test]
    fn a_datagram_is_found_in_its_packet() {
        let mut packet = packet();
        // Padding of a short Ethernet frame.
        packet.extend([0; 15]);
        let frame = udp(&packet, [67, 68]).expect("a datagram");
        assert_eq!((frame.source, frame.payload), ("192.0.2.9:68".parse().unwrap(), &b"abc"[..]));
        assert_eq!(udp(&packet, [69, 70]), None);
    }

    #[test]
    fn every_broken_packet_is_left_alone() {
        let whole = packet();
        for end in 0..whole.len() {
            assert_eq!(udp(&whole[..end], [67, 68]), None, "{end} bytes");
        }
        for (at, value) in
            [(0, 0x65), (0, 0x44), (0, 0x4f), (6, 0x20), (7, 1), (9, 6), (25, 7), (25, 12), (3, 32)]
        {
            let mut broken = whole.clone();
            broken[at] = value;
            assert_eq!(udp(&broken, [67, 68]), None, "byte {at} is {value}");
        }
        // No byte of it can make a read go astray.
        for at in 0..whole.len() {
            for value in 0..=255 {
                let mut broken = whole.clone();
                broken[at] = value;
                let _ = udp(&broken, [67, 68]);
            }
        }
    }
}
