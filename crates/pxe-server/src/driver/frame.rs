//! IPv4 and UDP headers of packets that come and go by packet sockets. What comes and does not fit is left alone.

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

/// Bytes of the headers that [`write`] puts before a payload.
pub(super) const HEADERS_BYTES: usize = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;
const ETHERNET_BYTES: usize = 14;
const IPV4_BYTES: usize = 20;
const UDP_BYTES: usize = 8;
const UDP: u8 = 17;
const TIME_TO_LIVE: u8 = 64;

/// Who sends to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) from: ([u8; 6], SocketAddrV4),
    pub(super) to: ([u8; 6], SocketAddrV4),
}

/// Appends an Ethernet frame with a UDP datagram; whether it fits IPv4. DF stays clear, as on our sockets.
pub(super) fn write(frame: &mut Vec<u8>, ends: &Ends, payload: &[u8]) -> bool {
    let Ok(udp_bytes) = u16::try_from(payload.len() + UDP_BYTES) else { return false };
    let Some(bytes) = udp_bytes.checked_add(IPV4_BYTES as u16) else { return false };
    let ((from_mac, from), (to_mac, to)) = (ends.from, ends.to);
    let [length, udp_length] = [bytes, udp_bytes].map(u16::to_be_bytes);
    let addresses = [from.ip().octets(), to.ip().octets()].concat();

    let ports = [from.port(), to.port()].map(u16::to_be_bytes).concat();
    let pseudo = [&addresses[..], &[0, UDP], &udp_length].concat();
    let sum = checksum(&[&pseudo, &ports, &udp_length, payload]);
    // A sum of zero would say that there is none (RFC 768).
    let udp_sum = if sum == 0 { u16::MAX } else { sum }.to_be_bytes();

    let head = [0x45, 0, length[0], length[1], 0, 0, 0, 0, TIME_TO_LIVE, UDP];
    let sum = checksum(&[&head, &addresses]).to_be_bytes();

    frame.reserve(HEADERS_BYTES + payload.len());
    let parts: [&[u8]; 10] = [
        &to_mac,
        &from_mac,
        &[8, 0],
        &head,
        &sum,
        &addresses,
        &ports,
        &udp_length,
        &udp_sum,
        payload,
    ];
    for part in parts {
        frame.extend_from_slice(part);
    }
    true
}

/// RFC 1071, of parts that are one behind the other; all but the last have an even number of bytes.
pub(super) fn checksum(parts: &[&[u8]]) -> u16 {
    let pair = |pair: &[u8]| match *pair {
        [high, low] => u32::from(high) << 8 | u32::from(low),
        [high] => u32::from(high) << 8,
        _ => 0,
    };
    // A packet has too few bytes for it to overflow.
    let mut sum: u32 = parts.iter().flat_map(|part| part.chunks(2)).map(pair).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
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
    fn what_is_written_can_be_read() {
        let from = ([2, 0, 0, 0, 0, 1], "192.0.2.5:67".parse().unwrap());
        let to = ([2, 0, 0, 0, 0, 9], "192.0.2.100:68".parse().unwrap());
        for payload in [&b""[..], b"a", b"abcd", &[0xff; 1472]] {
            let mut frame = Vec::new();
            assert!(write(&mut frame, &Ends { from, to }, payload));
            assert_eq!(frame.len(), HEADERS_BYTES + payload.len());
            assert_eq!(frame[..14], [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0]);
            let packet = &frame[ETHERNET_BYTES..];
            let read = udp(packet, [68, 68]).expect("a datagram");
            assert_eq!(read, Frame { source: from.1, payload });
            // A sum over everything, itself included, is none.
            assert_eq!(checksum(&[&packet[..IPV4_BYTES]]), 0);
            let length = (payload.len() + UDP_BYTES) as u16;
            let pseudo = [&packet[12..20], &[0, UDP], &length.to_be_bytes()].concat();
            assert_eq!(checksum(&[&pseudo, &packet[IPV4_BYTES..]]), 0);
        }
        assert!(!write(&mut Vec::new(), &Ends { from, to }, &[0; 65_508]));
    }

    /// The example of RFC 1071 section 3.
    #[test]
    fn the_checksum_is_the_internets() {
        assert_eq!(checksum(&[&[0x00, 0x01, 0xf2, 0x03], &[0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
        assert_eq!(checksum(&[&[0x12]]), !0x1200);
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
