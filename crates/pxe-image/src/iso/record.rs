//! One record of a folder (ECMA-119 9.1).

use crate::image::disc::Fields;

/// Bytes before the name.
const HEAD_BYTES: usize = 33;
/// Bytes of a folder's first record, which names itself, without system use.
pub(crate) const DOT_BYTES: usize = 34;

const FLAG_FOLDER: u8 = 0x02;
const FLAG_ASSOCIATED: u8 = 0x04;
const FLAG_CONTINUES: u8 = 0x80;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// First logical block, where an extended attribute record may stand first.
    block: u32,
    attribute_blocks: u8,
    /// Bytes, without the extended attribute record.
    pub(crate) size: u32,
    flags: u8,
    unit: u8,
    gap: u8,
    pub(crate) name: &'a [u8],
    pub(crate) system_use: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record. What is behind the length that it states is not looked at, unless less than its name is stated:
    /// a folder's first record is also read without its system use.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let stated = usize::from(*bytes.first()?);
        let whole = Fields(bytes.get(..stated.min(bytes.len()))?);
        let name_len = usize::from(whole.u8(32));
        let name = whole.0.get(HEAD_BYTES..HEAD_BYTES.checked_add(name_len)?)?;
        if name.is_empty() {
            return None;
        }
        // A padding byte makes the length even.
        let behind = HEAD_BYTES.checked_add(name_len)?;
        let behind = behind.checked_add(behind % 2)?;
        Some(Self {
            block: whole.u32(2),
            attribute_blocks: whole.u8(1),
            size: whole.u32(10),
            flags: whole.u8(25),
            unit: whole.u8(26),
            gap: whole.u8(27),
            name,
            system_use: whole.rest(behind),
        })
    }

    /// The folder itself, or the one above.
    pub(crate) fn is_dot(&self) -> bool {
        matches!(self.name, [0 | 1])
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.flags & FLAG_FOLDER != 0
    }

    /// A second fork of the file with the same name (Macintosh).
    pub(crate) fn is_associated(&self) -> bool {
        self.flags & FLAG_ASSOCIATED != 0
    }

    /// The next record is about the same file.
    pub(crate) fn continues(&self) -> bool {
        self.flags & FLAG_CONTINUES != 0
    }

    pub(crate) fn is_interleaved(&self) -> bool {
        self.unit != 0 || self.gap != 0
    }

    /// Its first logical block of data, and its bytes.
    pub(crate) fn part(&self) -> (u32, u32) {
        (self.block.saturating_add(u32::from(self.attribute_blocks)), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &[u8], system_use: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 33];
        bytes[1] = 1;
        bytes[2..6].copy_from_slice(&20_u32.to_le_bytes());
        bytes[10..14].copy_from_slice(&5_u32.to_le_bytes());
        bytes[32] = name.len() as u8;
        bytes.extend_from_slice(name);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes.extend_from_slice(system_use);
        bytes[0] = bytes.len() as u8;
        bytes
    }

    #[test]
    fn an_extended_attribute_record_is_gone_past() {
        let bytes = record(b"A.TXT;1", b"XY");
        let record = Record::parse(&bytes).expect("sound");
        assert_eq!(record.part(), (21, 5));
        assert_eq!((record.name, record.system_use), (&b"A.TXT;1"[..], &b"XY"[..]));
    }

    #[test]
    fn a_name_that_reaches_out_of_its_record_is_broken() {
        let mut bytes = record(b"A.TXT;1", b"");
        bytes[32] = 20;
        bytes.resize(80, 0);
        assert!(Record::parse(&bytes).is_none());
        assert!(Record::parse(&record(b"", b"")).is_none());
        assert!(Record::parse(&[]).is_none());
    }
}
