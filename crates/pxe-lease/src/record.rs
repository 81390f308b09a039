//! What is stored for an address, and its compact encoding.

use core::net::Ipv4Addr;

use thiserror::Error;

use crate::client::Client;
use crate::hardware::HardwareAddress;
use crate::limits::{CLIENT_IDENTIFIER_BYTES_MAX, HARDWARE_ADDRESS_BYTES_MAX, HOST_NAME_BYTES_MAX};
use crate::time::UnixSeconds;

/// What is durable about one address: its present or last use.
///
/// There is one record for each address that was ever given out. A lease that ended keeps its record, so that its
/// client finds the same address again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseRecord {
    /// The address.
    pub address: Ipv4Addr,
    /// How often the record was written; a store takes a new record only if it holds the version before.
    pub version: u64,
    /// What the address is used for.
    pub state: LeaseState,
    /// Hardware address of the client.
    pub hardware: HardwareAddress,
    /// Option 61 of the client's last message, at most [`CLIENT_IDENTIFIER_BYTES_MAX`] bytes.
    pub identifier: Option<Box<[u8]>>,
    /// The name the client gave itself, at most [`HOST_NAME_BYTES_MAX`] bytes.
    pub host_name: Option<Box<[u8]>>,
    /// Whether a boot stage holds it, which an operating system follows.
    pub netboot: bool,
    /// When the lease was given or last extended, and when it was released or found in use.
    pub granted: UnixSeconds,
    /// When the lease ends, or ended; for the other states: from when the address may be used again.
    pub expires: UnixSeconds,
}

/// What an address is used for. Whether a lease has expired is a matter of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaseState {
    /// Leased until `expires`.
    Leased,
    /// Given back by its client.
    Released,
    /// Its client found another machine using it (DHCPDECLINE); set aside until `expires`.
    Declined,
    /// A probe found a machine using it; set aside until `expires`.
    InUse,
}

impl LeaseState {
    const ALL: [(Self, u8, &'static str); 4] = [
        (Self::Leased, 1, "leased"),
        (Self::Released, 2, "released"),
        (Self::Declined, 3, "declined"),
        (Self::InUse, 4, "in-use"),
    ];

    /// The number it is stored as.
    #[must_use]
    pub fn code(self) -> u8 {
        Self::ALL.iter().find(|(state, ..)| *state == self).map_or(0, |(_, code, _)| *code)
    }

    /// The state with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == code).map(|(state, ..)| *state)
    }

    /// The word for it in exported lists.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, ..)| *state == self).map_or("", |(.., name)| name)
    }

    /// The state with this word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(.., known)| *known == name).map(|(state, ..)| *state)
    }

    /// Whether the address is set aside, and nobody's.
    pub(crate) fn is_quarantine(self) -> bool {
        matches!(self, Self::Declined | Self::InUse)
    }
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {offset}: {kind}")]
#[non_exhaustive]
pub struct RecordError {
    /// Where.
    pub offset: usize,
    /// What.
    pub kind: RecordErrorKind,
}

/// What is wrong with a stored record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// Written by a newer version of this library.
    #[error("its format {0} is not known; a newer version of this program wrote it")]
    UnknownFormat(u8),
    /// A state that is not known.
    #[error("{0} is no state of a lease")]
    UnknownState(u8),
    /// Flags that are not known.
    #[error("{0:#04x} are no flags of a lease")]
    UnknownFlags(u8),
    /// A hardware address of more bytes than there can be.
    #[error("a hardware address of {0} bytes")]
    HardwareTooLong(u8),
    /// An empty identifier or name, which is never written.
    #[error("an empty field")]
    EmptyField,
    /// It ends too early.
    #[error("it is cut short")]
    Truncated,
    /// It goes on behind its end.
    #[error("bytes behind its end")]
    Trailing,
}

const FORMAT: u8 = 1;
const NETBOOT: u8 = 1;
const IDENTIFIER: u8 = 1 << 1;
const HOST_NAME: u8 = 1 << 2;

// One byte counts each of them.
const _: () = assert!(CLIENT_IDENTIFIER_BYTES_MAX == 255 && HOST_NAME_BYTES_MAX == 255);

impl LeaseRecord {
    /// A record of a lease without identifier and name, not yet stored.
    #[must_use]
    pub const fn new(
        address: Ipv4Addr,
        hardware: HardwareAddress,
        granted: UnixSeconds,
        expires: UnixSeconds,
    ) -> Self {
        Self {
            address,
            version: 0,
            state: LeaseState::Leased,
            hardware,
            identifier: None,
            host_name: None,
            netboot: false,
            granted,
            expires,
        }
    }

    /// Whether a client may use the address at this time.
    #[must_use]
    pub fn is_active(&self, now: UnixSeconds) -> bool {
        self.state == LeaseState::Leased && self.expires > now
    }

    /// Whether it may replace the other: its version is the next.
    #[must_use]
    pub fn follows(&self, other: &Self) -> bool {
        other.version.checked_add(1) == Some(self.version)
    }

    /// Its client, as it would ask.
    pub(crate) fn client(&self) -> Client<'_> {
        let identifier = self.identifier.as_deref();
        Client { identifier, netboot: self.netboot, ..Client::new(self.hardware) }
    }

    /// Appends everything but the address: 29 bytes, the hardware address, and each text with a byte in front.
    /// Texts beyond their limits are cut.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let texts = [(IDENTIFIER, &self.identifier), (HOST_NAME, &self.host_name)];
        let mut flags = if self.netboot { NETBOOT } else { 0 };
        for (flag, text) in texts {
            flags |= if kept(text).is_empty() { 0 } else { flag };
        }
        out.extend([FORMAT, self.state.code(), flags]);
        out.extend(self.version.to_be_bytes());
        out.extend(self.granted.0.to_be_bytes());
        out.extend(self.expires.0.to_be_bytes());
        out.push(self.hardware.kind());
        put_counted(out, self.hardware.as_bytes());
        for (_, text) in texts {
            if !kept(text).is_empty() {
                put_counted(out, kept(text));
            }
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// For anything else, with the place.
    pub fn decode(address: Ipv4Addr, bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader { bytes, offset: 0 };
        let format = reader.byte()?;
        if format != FORMAT {
            return Err(reader.fault(RecordErrorKind::UnknownFormat(format)));
        }
        let state = reader.byte()?;
        let Some(state) = LeaseState::from_code(state) else {
            return Err(reader.fault(RecordErrorKind::UnknownState(state)));
        };
        let flags = reader.byte()?;
        if flags & !(NETBOOT | IDENTIFIER | HOST_NAME) != 0 {
            return Err(reader.fault(RecordErrorKind::UnknownFlags(flags)));
        }
        let version = reader.number()?;
        let granted = UnixSeconds(reader.number()?);
        let expires = UnixSeconds(reader.number()?);
        let kind = reader.byte()?;
        let length = reader.byte()?;
        if usize::from(length) > HARDWARE_ADDRESS_BYTES_MAX {
            return Err(reader.fault(RecordErrorKind::HardwareTooLong(length)));
        }
        let hardware = HardwareAddress::new(kind, reader.take(usize::from(length))?);
        let identifier = reader.text(flags & IDENTIFIER != 0)?;
        let host_name = reader.text(flags & HOST_NAME != 0)?;
        if !reader.bytes.is_empty() {
            return Err(RecordError { offset: reader.offset, kind: RecordErrorKind::Trailing });
        }
        let netboot = flags & NETBOOT != 0;
        Ok(Self {
            address,
            version,
            state,
            hardware,
            identifier,
            host_name,
            netboot,
            granted,
            expires,
        })
    }
}

/// As much of a text as is stored.
fn kept(text: &Option<Box<[u8]>>) -> &[u8] {
    let text = text.as_deref().unwrap_or_default();
    text.get(..usize::from(u8::MAX)).unwrap_or(text)
}

fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend(bytes);
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], RecordError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            return Err(RecordError { offset: self.offset, kind: RecordErrorKind::Truncated });
        };
        self.bytes = rest;
        self.offset = self.offset.saturating_add(count);
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, RecordError> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn number(&mut self) -> Result<u64, RecordError> {
        Ok(self.take(8)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn text(&mut self, present: bool) -> Result<Option<Box<[u8]>>, RecordError> {
        if !present {
            return Ok(None);
        }
        match self.byte()? {
            0 => Err(self.fault(RecordErrorKind::EmptyField)),
            count => Ok(Some(self.take(usize::from(count))?.into())),
        }
    }

    /// A fault of the byte just read.
    fn fault(&self, kind: RecordErrorKind) -> RecordError {
        RecordError { offset: self.offset.saturating_sub(1), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> LeaseRecord {
        LeaseRecord {
            version: 7,
            state: LeaseState::Declined,
            identifier: Some(Box::from(&b"\xff\0\0\0\x01duid"[..])),
            host_name: Some(Box::from(&b"node1"[..])),
            netboot: true,
            ..LeaseRecord::new(
                Ipv4Addr::new(192, 0, 2, 1),
                HardwareAddress::ethernet([2, 0, 0, 0, 0, 1]),
                UnixSeconds(5),
                UnixSeconds::NEVER,
            )
        }
    }

    fn encoded(record: &LeaseRecord) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let plain = LeaseRecord { identifier: None, host_name: None, netboot: false, ..full() };
        assert_eq!(encoded(&plain).len(), 29 + 6);
        for record in [full(), plain] {
            assert_eq!(LeaseRecord::decode(record.address, &encoded(&record)), Ok(record));
        }
    }

    #[test]
    fn every_cut_and_every_excess_is_noticed() {
        let record = full();
        let bytes = encoded(&record);
        for length in 0..bytes.len() {
            let fault = LeaseRecord::decode(record.address, &bytes[..length]).unwrap_err();
            assert_eq!(fault.kind, RecordErrorKind::Truncated, "{length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        let fault = LeaseRecord::decode(record.address, &longer).unwrap_err();
        assert_eq!(fault, RecordError { offset: bytes.len(), kind: RecordErrorKind::Trailing });
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (offset, value, kind) in [
            (0, 2, RecordErrorKind::UnknownFormat(2)),
            (1, 9, RecordErrorKind::UnknownState(9)),
            (2, 0x80, RecordErrorKind::UnknownFlags(0x80)),
            (28, 17, RecordErrorKind::HardwareTooLong(17)),
            (35, 0, RecordErrorKind::EmptyField),
        ] {
            let mut bytes = encoded(&full());
            bytes[offset] = value;
            let fault = LeaseRecord::decode(full().address, &bytes).unwrap_err();
            assert_eq!(fault, RecordError { offset, kind });
        }
    }

    #[test]
    fn states_keep_their_numbers_and_words() {
        for (state, code, name) in LeaseState::ALL {
            assert_eq!((state.code(), state.name()), (code, name));
            assert_eq!(LeaseState::from_code(code), Some(state));
            assert_eq!(LeaseState::from_name(name), Some(state));
        }
        assert_eq!(LeaseState::from_code(0), None);
        assert_eq!(LeaseState::from_name(""), None);
    }
}
