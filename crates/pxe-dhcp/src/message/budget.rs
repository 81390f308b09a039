//! How long a message may be.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use crate::limits::{
    DATAGRAM_BYTES_MIN, IP_UDP_HEADER_BYTES, MESSAGE_BYTES_MIN, PAYLOAD_BYTES_DEFAULT,
    PAYLOAD_BYTES_MAX,
};

/// How long a message may be: octets of UDP payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SizeBudget {
    payload_bytes: usize,
}

impl SizeBudget {
    /// The budget for an answer to a request with this option 57.
    ///
    /// Option 57 counts the IP datagram. It is taken as at least 576 (RFC 2132 section 9.10), and the payload is
    /// at most 1472 bytes: clients announce more than they accept. Without option 57 it is 548 bytes.
    #[must_use]
    pub fn for_request(max_message_size: Option<u16>) -> Self {
        let payload_bytes = match max_message_size {
            Some(datagram_bytes) => usize::from(datagram_bytes)
                .max(DATAGRAM_BYTES_MIN)
                .saturating_sub(IP_UDP_HEADER_BYTES)
                .min(PAYLOAD_BYTES_MAX),
            None => PAYLOAD_BYTES_DEFAULT,
        };
        Self { payload_bytes }
    }

    /// A budget of so many octets of UDP payload, at least 300: shorter messages are padded anyway.
    #[must_use]
    pub fn of_payload(payload_bytes: usize) -> Self {
        Self { payload_bytes: payload_bytes.max(MESSAGE_BYTES_MIN) }
    }

    /// Octets of UDP payload.
    #[must_use]
    pub const fn payload_bytes(self) -> usize {
        self.payload_bytes
    }
}

impl Default for SizeBudget {
    fn default() -> Self {
        Self { payload_bytes: PAYLOAD_BYTES_DEFAULT }
    }
}
