//! Packets that are too large for their way: what a transfer tells that never got beyond its first block.

/// Bytes of the packets that every way carries (RFC 791 section 3.2). What is lost of these is lost for another reason.
const CARRIED_BYTES: u32 = 576;
/// Bytes before a block: the headers of IP, UDP and TFTP.
const HEADER_BYTES_IPV4: u32 = 20 + 8 + 4;
const HEADER_BYTES_IPV6: u32 = 40 + 8 + 4;

/// How something on the way differs from its ends, in the words of everybody who finds it.
pub const SMALLER_MTU: &str = "something on the way carries smaller packets (MTU) than both ends";

const CAUSES: &[&str] = &[
    "a switch, VLAN, tunnel or virtual network on the way carries smaller packets (MTU) than both ends",
    "a firewall on the way drops fragments, or its firmware cannot put them together",
    "a firewall lets the first packets of a transfer through, and not those that follow",
];
/// One that says nothing more may be gone.
const CAUSES_UNASKED: &[&str] = &[
    CAUSES[0],
    CAUSES[1],
    CAUSES[2],
    "it was switched off, or lost its link, at that very moment",
];

/// The first block of a file, which was sent again and again and never acknowledged, although the options of its transfer
/// were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LostBlocks {
    block_bytes: u16,
    /// With the headers of IP and UDP.
    packet_bytes: u32,
    times: u64,
    asked_again: u32,
}

impl LostBlocks {
    /// Of a first block of so many bytes, sent so often, and asked for so often after that. None if it says nothing of the
    /// way: it was sent once only, or is small enough for every way.
    pub fn new(block_bytes: u16, is_ipv4: bool, times: u64, asked_again: u32) -> Option<Self> {
        let headers = if is_ipv4 { HEADER_BYTES_IPV4 } else { HEADER_BYTES_IPV6 };
        let packet_bytes = u32::from(block_bytes) + headers;
        let lost = Self { block_bytes, packet_bytes, times, asked_again };
        (times > 1 && packet_bytes > CARRIED_BYTES).then_some(lost)
    }

    /// What was seen, as a sentence without its period.
    pub fn what(&self) -> String {
        let Self { block_bytes, packet_bytes, times, asked_again } = self;
        let (asked, are) = match asked_again {
            0 => (String::new(), "seem to be"),
            1 => (", and it asked for the block once more".to_owned(), "are"),
            times => (format!(", and it asked for the block {times} times more"), "are"),
        };
        format!(
            "a block of {block_bytes} bytes was sent {times} times and never acknowledged, although it acknowledged the \
             options{asked}: packets of {packet_bytes} bytes {are} lost on the way"
        )
    }

    /// Bytes of the block.
    pub fn block_bytes(&self) -> u16 {
        self.block_bytes
    }

    /// What causes that, likeliest first; each continues "because".
    pub fn causes(&self) -> &'static [&'static str] {
        if self.asked_again == 0 { CAUSES_UNASKED } else { CAUSES }
    }

    /// The next thing to do.
    pub fn advice(&self) -> &'static str {
        "Set `block_size_max = 1024` in `[tftp]`, or 512, and it gets its file; then compare the MTU of everything on the \
         way: `pxe-server doctor` on a machine of that network says whether large blocks arrive."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_block_that_was_sent_again_speaks_of_the_way() {
        assert_eq!(LostBlocks::new(1468, true, 1, 0), None);
        assert_eq!(LostBlocks::new(512, true, 9, 3), None);
        let lost = LostBlocks::new(1448, false, 9, 0).expect("lost");
        assert!(lost.what().ends_with("packets of 1500 bytes seem to be lost on the way"));
        assert!(lost.causes().last().is_some_and(|cause| cause.contains("switched off")));
        let lost = LostBlocks::new(1468, true, 9, 3).expect("lost");
        assert_eq!(
            lost.what(),
            "a block of 1468 bytes was sent 9 times and never acknowledged, although it acknowledged the options, and it \
             asked for the block 3 times more: packets of 1500 bytes are lost on the way"
        );
        assert!(lost.causes().iter().all(|cause| !cause.contains("switched off")));
    }
}
