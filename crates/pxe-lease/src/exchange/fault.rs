//! What can be wrong with a text.

use core::net::Ipv4Addr;

use thiserror::Error;

use crate::hardware::HardwareAddress;
use crate::limits::IMPORT_BYTES_MAX;
use crate::time::UnixSeconds;

/// Something that was not understood, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("line {line}: {kind}")]
pub struct ImportFault {
    /// The line, from 1; 0 for the text as a whole.
    pub line: usize,
    /// What.
    pub kind: ImportFaultKind,
}

/// What was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImportFaultKind {
    /// More than [`IMPORT_BYTES_MAX`] bytes.
    #[error("the text has more than {IMPORT_BYTES_MAX} bytes")]
    TooLarge,
    /// Bytes that are no UTF-8.
    #[error("this is no text")]
    NotText,
    /// No IPv4 address.
    #[error("`{0}` is no IPv4 address")]
    Address(String),
    /// No hardware address.
    #[error("`{0}` is no hardware address like 52:54:00:aa:00:01")]
    Hardware(String),
    /// No client identifier.
    #[error("`{0}` is no client identifier like 01:52:54:00:aa:00:01")]
    Identifier(String),
    /// No time.
    #[error("`{0}` is no time that is understood")]
    Time(String),
    /// No state of a lease.
    #[error("`{0}` is no state of a lease")]
    State(String),
    /// Neither true nor false.
    #[error("`{0}` is neither true nor false")]
    Flag(String),
    /// A backslash that stands for nothing.
    #[error("`{0}` has a backslash that stands for nothing")]
    Escape(String),
    /// A column or key that is needed.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The text is not built as its format wants it.
    #[error("{0}")]
    Shape(String),
}

/// As much of a text as an error shows.
pub(super) fn quoted(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_default).collect()
}

pub(super) fn address(text: &str) -> Result<Ipv4Addr, ImportFaultKind> {
    text.parse().map_err(|_| ImportFaultKind::Address(quoted(text)))
}

pub(super) fn hardware(text: &str) -> Result<HardwareAddress, ImportFaultKind> {
    if text.is_empty() || text == "*" {
        return Ok(HardwareAddress::NONE);
    }
    text.parse().map_err(|_| ImportFaultKind::Hardware(quoted(text)))
}

/// Pairs of digits between colons; nothing for an empty text or a star.
pub(super) fn identifier(text: &str) -> Result<Option<Box<[u8]>>, ImportFaultKind> {
    let text = if text == "*" { "" } else { text };
    let bytes = crate::hardware::pairs(text);
    match bytes.filter(|bytes| bytes.len() <= usize::from(u8::MAX)) {
        Some(bytes) => Ok((!bytes.is_empty()).then(|| bytes.into())),
        None => Err(ImportFaultKind::Identifier(quoted(text))),
    }
}

/// A name; nothing for an empty text or a star.
pub(super) fn host_name(text: &[u8]) -> Option<Box<[u8]>> {
    let text = text.get(..usize::from(u8::MAX)).unwrap_or(text);
    (!text.is_empty() && text != b"*").then(|| text.into())
}

/// Seconds since 1970.
pub(super) fn seconds(text: &str) -> Result<UnixSeconds, ImportFaultKind> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| digits).map(UnixSeconds);
    seconds.ok_or_else(|| ImportFaultKind::Time(quoted(text)))
}
