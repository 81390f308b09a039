//! Hardware addresses: `htype`, `hlen` and `chaddr` of a message (RFC 2131 section 2).

use core::{fmt, str::FromStr};

use crate::limits::HARDWARE_ADDRESS_BYTES_MAX;

/// A hardware type and an address of at most [`HARDWARE_ADDRESS_BYTES_MAX`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareAddress {
    kind: u8,
    length: u8,
    bytes: [u8; HARDWARE_ADDRESS_BYTES_MAX],
}

impl HardwareAddress {
    /// The hardware type of Ethernet (RFC 1700).
    pub const ETHERNET: u8 = 1;
    /// No address, as of a client that is known by its client identifier alone (RFC 4390: InfiniBand).
    pub const NONE: Self = Self { kind: 0, length: 0, bytes: [0; HARDWARE_ADDRESS_BYTES_MAX] };

    /// An address of six bytes on Ethernet.
    #[must_use]
    pub fn ethernet(address: [u8; 6]) -> Self {
        Self::new(Self::ETHERNET, &address)
    }

    /// An address of any type; bytes behind the [`HARDWARE_ADDRESS_BYTES_MAX`]th are cut off.
    #[must_use]
    pub fn new(kind: u8, address: &[u8]) -> Self {
        let mut bytes = [0; HARDWARE_ADDRESS_BYTES_MAX];
        let mut length = 0_u8;
        for (slot, byte) in bytes.iter_mut().zip(address) {
            *slot = *byte;
            length = length.saturating_add(1);
        }
        Self { kind, length, bytes }
    }

    /// `htype`.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// The first `hlen` bytes of `chaddr`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Whether it can tell one machine from another: not empty, and not all zeros.
    #[must_use]
    pub fn is_telling(&self) -> bool {
        self.as_bytes().iter().any(|byte| *byte != 0)
    }
}

/// `52:54:00:aa:00:01`; other types than Ethernet have theirs in front, as in `06-52:54:00:aa:00:01`.
impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != Self::ETHERNET {
            write!(f, "{:02x}-", self.kind)?;
        }
        crate::client::write_pairs(f, self.as_bytes())
    }
}

impl fmt::Debug for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no hardware address like 52:54:00:aa:00:01")]
pub struct BadHardwareAddress;

/// What `Display` writes.
impl FromStr for HardwareAddress {
    type Err = BadHardwareAddress;

    fn from_str(text: &str) -> Result<Self, BadHardwareAddress> {
        // A type of two digits and `-`; an address with `-` between its pairs has more of them.
        let (kind, rest) = match text.split_once('-') {
            Some((kind, rest)) if !rest.contains('-') => {
                (byte(kind).ok_or(BadHardwareAddress)?, rest)
            }
            _ => (Self::ETHERNET, text),
        };
        let bytes = pairs(rest).ok_or(BadHardwareAddress)?;
        if bytes.len() > HARDWARE_ADDRESS_BYTES_MAX {
            return Err(BadHardwareAddress);
        }
        Ok(Self::new(kind, &bytes))
    }
}

/// Bytes written as pairs of digits between colons, or dashes; empty for an empty text.
pub(crate) fn pairs(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let separator = if text.contains('-') { '-' } else { ':' };
    text.split(separator).map(byte).collect()
}

fn byte(digits: &str) -> Option<u8> {
    let only_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let fits = (1..=2).contains(&digits.len());
    (fits && only_digits).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let mac = HardwareAddress::ethernet([0x52, 0x54, 0, 0xaa, 0, 1]);
        for text in
            ["52:54:00:aa:00:01", "52-54-00-AA-00-01", "52:54:0:aa:0:1", "01-52:54:0:aa:0:1"]
        {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        assert_eq!(mac.to_string(), "52:54:00:aa:00:01");
        let token_ring = HardwareAddress::new(6, &[1, 2]);
        assert_eq!(token_ring.to_string(), "06-01:02");
        assert_eq!("06-01:02".parse(), Ok(token_ring));
        assert_eq!("00-".parse(), Ok(HardwareAddress::NONE));
        for text in ["52:54:00:aa:00:zz", "52:54::aa", "+1:02", "525400aa0001", &"00:".repeat(17)] {
            assert_eq!(text.parse::<HardwareAddress>(), Err(BadHardwareAddress), "{text}");
        }
    }

    #[test]
    fn an_address_of_zeros_tells_nobody_apart() {
        assert!(!HardwareAddress::NONE.is_telling());
        assert!(!HardwareAddress::ethernet([0; 6]).is_telling());
        assert!(HardwareAddress::ethernet([0, 0, 0, 0, 0, 1]).is_telling());
        assert_eq!(HardwareAddress::new(1, &[7; 300]).as_bytes().len(), 16);
    }
}
