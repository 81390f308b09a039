//! The head of every descriptor (ECMA-167 3/7.2): what it is, and that it is whole.

use crate::error::ImageError;
use crate::image::disc::{Fields, broken};

const TAG_BYTES: usize = 16;

/// Anchor of the volume.
pub(super) const ANCHOR: u16 = 2;
/// Where a sequence of descriptors goes on.
pub(super) const POINTER: u16 = 3;
pub(super) const PRIMARY: u16 = 1;
pub(super) const PARTITION: u16 = 5;
pub(super) const LOGICAL: u16 = 6;
pub(super) const TERMINATOR: u16 = 8;
pub(super) const FILE_SET: u16 = 256;
/// A name in a folder.
pub(super) const NAME: u16 = 257;
/// More allocation descriptors.
pub(super) const ALLOCATION: u16 = 258;
pub(super) const FILE: u16 = 261;
pub(super) const EXTENDED_FILE: u16 = 266;

/// Returns what a descriptor is, having checked its sums and, if told, that it lies where it says.
pub(super) fn check(bytes: &[u8], offset: u64, location: Option<u32>) -> Result<u16, ImageError> {
    let fields = Fields(bytes);
    let head = fields.bytes(0, TAG_BYTES);
    let sum = head.iter().enumerate().filter(|(at, _)| *at != 4);
    let sum = sum.fold(0_u8, |sum, (_, byte)| sum.wrapping_add(*byte));
    if head.len() < TAG_BYTES || sum != fields.u8(4) || !matches!(fields.u16(2), 2 | 3) {
        return Err(broken(offset, "no descriptor where UDF says there is one"));
    }
    let covered = usize::from(fields.u16(10));
    let body = fields.bytes(TAG_BYTES, covered);
    if body.len() < covered || crc(body) != fields.u16(8) {
        return Err(broken(offset, "a descriptor of UDF is damaged: its check sum differs"));
    }
    if location.is_some_and(|location| location != fields.u32(12)) {
        return Err(broken(offset, "a descriptor of UDF lies where it does not belong"));
    }
    Ok(fields.u16(0))
}

/// The same, for one that must be of one kind.
pub(super) fn expect(
    bytes: &[u8],
    offset: u64,
    location: Option<u32>,
    id: u16,
) -> Result<(), ImageError> {
    if check(bytes, offset, location)? == id {
        Ok(())
    } else {
        Err(broken(offset, "another descriptor of UDF than belongs there"))
    }
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "worked out by the compiler, from 0 to 255"
)]
const CRC_TABLE: [u16; 256] = {
    let mut table = [0_u16; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 0x8000 == 0 { value << 1 } else { value << 1 ^ 0x1021 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

/// CRC-CCITT, from zero.
pub(crate) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let index = usize::from((crc >> 8) ^ u16::from(*byte));
        CRC_TABLE.get(index).copied().unwrap_or(0) ^ crc << 8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_the_standard() {
        // The example of ECMA-167 7.2.6.
        assert_eq!(crc(&[0x70, 0x6a, 0x77]), 0x3299);
    }

    #[test]
    fn damage_is_noticed() {
        let mut bytes = vec![0; 64];
        bytes[0] = 2;
        bytes[2] = 3;
        bytes[12] = 9;
        bytes[20] = 77;
        bytes[10..12].copy_from_slice(&48_u16.to_le_bytes());
        let sum = crc(&bytes[16..]);
        bytes[8..10].copy_from_slice(&sum.to_le_bytes());
        bytes[4] = bytes[..16].iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        assert_eq!(check(&bytes, 0, Some(9)).expect("sound"), ANCHOR);
        assert!(check(&bytes, 0, Some(8)).is_err());
        assert!(expect(&bytes, 0, None, FILE).is_err());
        for (at, len) in [(0, 64), (4, 64), (10, 64), (20, 64), (63, 64), (0, 63), (0, 10)] {
            let mut damaged = bytes[..len].to_vec();
            if let Some(byte) = damaged.get_mut(at).filter(|_| len == 64) {
                *byte ^= 0x40;
            }
            assert!(check(&damaged, 0, None).is_err(), "byte {at} of {len}");
        }
    }
}
