//! Hardware addresses: as configuration writes them, as patterns see them, and whose they are.

use alloc::{string::String, vec::Vec};

use crate::limits::HARDWARE_ADDRESS_BYTES_MAX;

/// A six-byte address written `52:54:00:aa:00:01`, with `-`, as `5254.00aa.0001`, or as twelve digits.
#[must_use]
pub fn parse(text: &str) -> Option<[u8; 6]> {
    let separator = text.bytes().find(|byte| !byte.is_ascii_hexdigit());
    let group_digits = match separator {
        None => 12,
        Some(b':' | b'-') => 2,
        Some(b'.') => 4,
        Some(_) => return None,
    };
    let mut mac = [0_u8; 6];
    let mut slots = mac.iter_mut();
    for group in text.as_bytes().split(|byte| Some(*byte) == separator) {
        if group.len() != group_digits {
            return None;
        }
        for pair in group.chunks_exact(2) {
            let pair = core::str::from_utf8(pair).ok()?;
            if !pair.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            *slots.next()? = u8::from_str_radix(pair, 16).ok()?;
        }
    }
    slots.next().is_none().then_some(mac)
}

/// Why a pattern for hardware addresses cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadPattern {
    /// A byte that no address contains, at this offset.
    Byte(usize),
    /// The pieces do not line up with pairs of digits between colons.
    Shape,
}

/// The pattern in the form addresses are compared in (lower case, colons), if it can match any.
pub(crate) fn normalise_pattern(pattern: &str) -> Result<String, BadPattern> {
    let canonical: String = pattern
        .chars()
        .map(|letter| if letter == '-' { ':' } else { letter.to_ascii_lowercase() })
        .collect();
    let bytes = canonical.as_bytes();
    let allowed = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'*' | b'?');
    if let Some(offset) = bytes.iter().position(|byte| !allowed(byte)) {
        return Err(BadPattern::Byte(offset));
    }
    let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == b'*').collect();
    let (Some(head), Some(tail)) = (pieces.first(), pieces.last()) else {
        return Err(BadPattern::Shape);
    };
    let fits = if pieces.len() == 1 {
        aligned(head.iter()) && head.len() % 3 == 2
    } else {
        aligned(head.iter()) && aligned(tail.iter().rev())
    };
    // A piece in the middle has a colon at every third byte, wherever it begins.
    let inner = pieces.iter().all(|piece| {
        (0..3).any(|shift| {
            piece.iter().enumerate().all(|(at, byte)| suits(at.saturating_add(shift), *byte))
        })
    });
    let longest = HARDWARE_ADDRESS_BYTES_MAX.saturating_mul(3);
    if fits && inner && bytes.len() < longest { Ok(canonical) } else { Err(BadPattern::Shape) }
}

fn aligned<'a>(bytes: impl Iterator<Item = &'a u8>) -> bool {
    bytes.enumerate().all(|(at, byte)| suits(at, *byte))
}

/// Whether `byte` may stand at `position` of `xx:xx:…` (the shape reads the same from both ends).
fn suits(position: usize, byte: u8) -> bool {
    match byte {
        b':' => position % 3 == 2,
        b'?' => true,
        _ => position % 3 != 2,
    }
}

/// An address as text: lower-case pairs between colons, without an allocation.
pub(crate) struct MacText {
    bytes: [u8; HARDWARE_ADDRESS_BYTES_MAX * 3],
    length: usize,
}

impl MacText {
    /// At most [`HARDWARE_ADDRESS_BYTES_MAX`] bytes of `address` are used.
    pub(crate) fn new(address: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |value: u8| DIGITS.get(usize::from(value & 0x0f)).copied().unwrap_or(b'?');
        let mut bytes = [b':'; HARDWARE_ADDRESS_BYTES_MAX * 3];
        let mut used = 0_usize;
        for (slot, byte) in bytes.chunks_exact_mut(3).zip(address) {
            if let [high, low, _] = slot {
                *high = digit(byte >> 4);
                *low = digit(*byte);
            }
            used = used.saturating_add(1);
        }
        Self { bytes, length: used.saturating_mul(3).saturating_sub(1) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// MAC prefixes of Raspberry Pi boards (tinkerbell/smee `isRaspberryPI`; the last two from the IEEE list).
const RASPBERRY_PI_PREFIXES: [[u8; 3]; 7] = [
    [0xb8, 0x27, 0xeb],
    [0xdc, 0xa6, 0x32],
    [0xe4, 0x5f, 0x01],
    [0x28, 0xcd, 0xc1],
    [0xd8, 0x3a, 0xdd],
    [0x2c, 0xcf, 0x67],
    [0x88, 0xa2, 0x9e],
];

/// Whether the address was given out to a Raspberry Pi board.
pub(crate) fn is_raspberry_pi(address: &[u8]) -> bool {
    address.len() == 6 && RASPBERRY_PI_PREFIXES.iter().any(|prefix| address.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_every_spelling() {
        let expected = Some([0x52, 0x54, 0x00, 0xaa, 0x00, 0x01]);
        for text in ["52:54:00:aa:00:01", "52-54-00-AA-00-01", "5254.00aa.0001", "525400aa0001"] {
            assert_eq!(parse(text), expected, "{text}");
        }
        for text in [
            "",
            "52:54:00:aa:00",
            "52:54:00:aa:00:0",
            "52:54:00:aa:00:01:02",
            "52:54-00:aa:00:01",
            "5254:00aa:0001",
            "g2:54:00:aa:00:01",
            "52:54:00:aa:00:0é",
            "+25400aa0001",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn patterns() {
        for (text, canonical) in [
            ("52:54:00:*", "52:54:00:*"),
            ("52-54-00-AA-*", "52:54:00:aa:*"),
            ("*", "*"),
            ("*:01", "*:01"),
            ("*01", "*01"),
            ("5*", "5*"),
            ("52:54:0?:aa:00:01", "52:54:0?:aa:00:01"),
            ("52:*:aa:*:01", "52:*:aa:*:01"),
        ] {
            assert_eq!(normalise_pattern(text).as_deref(), Ok(canonical), "{text}");
        }
        for text in ["", "525400*", "52:54:00:aa:00:", "52::*", "*1:1:1", "*5254*", "52:5"] {
            assert_eq!(normalise_pattern(text), Err(BadPattern::Shape), "{text}");
        }
        assert_eq!(normalise_pattern("52:54:x0:*"), Err(BadPattern::Byte(6)));
        assert_eq!(normalise_pattern("52.54*"), Err(BadPattern::Byte(2)));
        assert_eq!(normalise_pattern(&"00:".repeat(15)), Err(BadPattern::Shape));
        assert!(normalise_pattern(&format!("{}00", "00:".repeat(15))).is_ok());
        assert!(normalise_pattern(&format!("{}00", "00:".repeat(16))).is_err());
    }

    #[test]
    fn text_of_any_length() {
        assert_eq!(MacText::new(&[]).as_bytes(), b"");
        assert_eq!(MacText::new(&[0xf]).as_bytes(), b"0f");
        assert_eq!(MacText::new(&[0x52, 0x54, 0, 0xaa, 0, 1]).as_bytes(), b"52:54:00:aa:00:01");
        assert_eq!(MacText::new(&[0xff; 40]).as_bytes().len(), 47);
    }
}
