//! ICMP echo (RFC 792): the question of an address probe where no ARP reaches, and its answer.

use super::frame::checksum;

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
const HEADER_BYTES: usize = 8;
const IPV4_HEADER_BYTES_MIN: usize = 20;

/// An echo request without data. A ping socket has the kernel set the identifier.
pub(super) fn request(identifier: u16, sequence: u16) -> [u8; HEADER_BYTES] {
    let [id_high, id_low] = identifier.to_be_bytes();
    let [high, low] = sequence.to_be_bytes();
    let mut message = [ECHO_REQUEST, 0, 0, 0, id_high, id_low, high, low];
    let [sum_high, sum_low] = checksum(&[&message]).to_be_bytes();
    (message[2], message[3]) = (sum_high, sum_low);
    message
}

/// Whether a raw socket's packet is the answer to a request with this identifier.
pub(super) fn is_reply(packet: &[u8], identifier: u16) -> bool {
    let header_bytes = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    let Some(message) = packet.get(header_bytes.max(IPV4_HEADER_BYTES_MIN)..) else { return false };
    let [id_high, id_low] = identifier.to_be_bytes();
    matches!(message, [ECHO_REPLY, 0, _, _, high, low, _, _, ..] if [*high, *low] == [id_high, id_low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_a_good_checksum() {
        let message = request(0xbeef, 7);
        assert_eq!(message, [8, 0, 0x39, 0x09, 0xbe, 0xef, 0, 7]);
        assert_eq!(checksum(&[&message]), 0);
    }

    #[test]
    fn answers_to_others_are_not_ours() {
        let mut packet = vec![0x45; IPV4_HEADER_BYTES_MIN];
        packet.extend([0, 0, 0, 0, 0xbe, 0xef, 0, 7]);
        assert!(is_reply(&packet, 0xbeef));
        assert!(!is_reply(&packet, 0xbee0));
        for end in 0..packet.len() {
            assert!(!is_reply(&packet[..end], 0xbeef), "{end} bytes");
        }
        packet[20] = ECHO_REQUEST;
        assert!(!is_reply(&packet, 0xbeef), "a request is no answer");
        packet[0] = 0x4f;
        assert!(!is_reply(&packet, 0xbeef), "options longer than the packet");
    }
}
