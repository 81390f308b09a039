//! The two ARP packets of an address probe: the question, and the answer of whoever has the address (RFC 826, RFC 5227
//! section 2.1.1).

use core::net::Ipv4Addr;

/// Bytes of an Ethernet header and an ARP packet.
pub(super) const FRAME_BYTES: usize = 42;
/// Where the operation stands, and what it is in an answer.
pub(super) const OPERATION_AT: u32 = 20;
pub(super) const REPLY: u16 = 2;

/// Ethernet, IPv4, and the lengths of their addresses.
const KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];
const ARP: [u8; 2] = [0x08, 0x06];
const REQUEST: u16 = 1;

/// The broadcast that asks who has `address`. It names no sender's address, so that nobody's ARP cache learns a wrong
/// one.
pub(super) fn probe(own: [u8; 6], address: Ipv4Addr) -> [u8; FRAME_BYTES] {
    let mut frame = [0; FRAME_BYTES];
    let parts: [&[u8]; 8] = [
        &[0xff; 6],
        &own,
        &ARP,
        &KIND,
        &REQUEST.to_be_bytes(),
        &own,
        // The sender's IPv4 address and the Ethernet address looked for.
        &[0; 10],
        &address.octets(),
    ];
    for (byte, value) in frame.iter_mut().zip(parts.into_iter().flatten()) {
        *byte = *value;
    }
    frame
}

/// Who answers, and for which address.
pub(super) fn reply(frame: &[u8]) -> Option<(Ipv4Addr, [u8; 6])> {
    let packet = frame.strip_prefix(frame.get(..12)?)?.strip_prefix(&ARP)?;
    let packet = packet.strip_prefix(&KIND)?.strip_prefix(&REPLY.to_be_bytes())?;
    let (hardware, rest) = packet.split_first_chunk::<6>()?;
    let (address, rest) = rest.split_first_chunk::<4>()?;
    (rest.len() >= 10).then(|| (Ipv4Addr::from(*address), *hardware))
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

    /// As Linux answers it.
    fn answer() -> Vec<u8> {
        let host = [2, 0, 0, 0, 0, 9];
        let mut frame = [&US[..], &host, &ARP, &KIND, &[0, 2], &host, &ADDRESS.octets()].concat();
        frame.extend(US);
        frame.extend([0; 4]);
        frame
    }

    #[test]
    fn a_probe_names_no_sender_address() {
        let frame = probe(US, ADDRESS);
        let expected = [
            &[0xff; 6][..],
            &US,
            &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
            &US,
            &[0, 0, 0, 0],
            &[0, 0, 0, 0, 0, 0],
            &[192, 0, 2, 7],
        ];
        assert_eq!(frame[..], expected.concat());
        assert_eq!(frame.get(OPERATION_AT as usize..).map(|it| &it[..2]), Some(&[0, 1][..]));
        assert_eq!(reply(&frame), None, "a question is no answer");
    }

    #[test]
    fn who_has_the_address_is_read() {
        let mut frame = answer();
        assert_eq!(reply(&frame), Some((ADDRESS, [2, 0, 0, 0, 0, 9])));
        for end in 0..frame.len() {
            assert_eq!(reply(&frame[..end]), None, "{end} bytes");
        }
        frame.extend([0; 18]);
        assert!(reply(&frame).is_some(), "a short frame is padded");
        for at in 12..22 {
            let mut other = answer();
            other[at] ^= 1;
            assert_eq!(reply(&other), None, "byte {at}");
        }
    }
}
