//! Error codes on the wire (RFC 1350 section 5, RFC 2347) and this crate's own errors.

use core::fmt;

use thiserror::Error;

use crate::limits::ERROR_TEXT_BYTES_MAX;

/// The code in an ERROR packet. Open: codes without a name are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u16);

impl ErrorCode {
    /// 0: see the message.
    pub const NOT_DEFINED: Self = Self(0);
    /// 1: file not found.
    pub const FILE_NOT_FOUND: Self = Self(1);
    /// 2: access violation.
    pub const ACCESS_VIOLATION: Self = Self(2);
    /// 3: disk full or allocation exceeded.
    pub const DISK_FULL: Self = Self(3);
    /// 4: illegal TFTP operation.
    pub const ILLEGAL_OPERATION: Self = Self(4);
    /// 5: unknown transfer id (port).
    pub const UNKNOWN_TRANSFER_ID: Self = Self(5);
    /// 6: file already exists.
    pub const FILE_EXISTS: Self = Self(6);
    /// 7: no such user.
    pub const NO_SUCH_USER: Self = Self(7);
    /// 8: option negotiation failed (RFC 2347).
    pub const OPTION_NEGOTIATION: Self = Self(8);

    /// The registry's text, none for a code without a name.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "not defined",
            1 => "file not found",
            2 => "access violation",
            3 => "disk full",
            4 => "illegal operation",
            5 => "unknown transfer id",
            6 => "file exists",
            7 => "no such user",
            8 => "option negotiation failed",
            _ => return None,
        })
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The text of an ERROR packet, at most [`ERROR_TEXT_BYTES_MAX`] bytes of it, in no known character set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ErrorText {
    octets: [u8; ERROR_TEXT_BYTES_MAX],
    used: u8,
}

impl ErrorText {
    /// Keeps as much of `text` as there is room for, up to a NUL.
    pub(crate) fn new(text: &[u8], bytes_max: usize) -> Self {
        let mut octets = [0; ERROR_TEXT_BYTES_MAX];
        let mut used = 0_u8;
        let kept = text.iter().take_while(|&&byte| byte != 0).take(bytes_max);
        for (octet, &byte) in octets.iter_mut().zip(kept) {
            *octet = byte;
            used += 1;
        }
        Self { octets, used }
    }

    /// The bytes, without NUL.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..usize::from(self.used)]
    }
}

impl fmt::Debug for ErrorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Escaped, so that it can be written to a log.
impl fmt::Display for ErrorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

const _: () = assert!(ERROR_TEXT_BYTES_MAX <= u8::MAX as usize);

/// Why a datagram is not a TFTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
#[non_exhaustive]
pub struct DecodeError {
    /// Where in the datagram, in bytes from its start.
    pub offset: usize,
    /// What is wrong there.
    pub kind: DecodeErrorKind,
}

impl DecodeError {
    pub(crate) const fn new(offset: usize, kind: DecodeErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// What is wrong with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The datagram ends before the field that begins here.
    #[error("the datagram ends early")]
    Truncated,
    /// No packet has this opcode.
    #[error("unknown opcode {0}")]
    UnknownOpcode(u16),
    /// A text of a request has no NUL at its end; `opcode` 1 or 2 says which request.
    #[error("a text in the request (opcode {opcode}) does not end")]
    Unterminated {
        /// 1 for a read request, 2 for a write request.
        opcode: u16,
    },
}

/// Why a packet cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A file name with a NUL byte would end there on the wire.
    #[error("the file name holds a NUL byte")]
    NulInFileName,
    /// The request would be longer than RFC 2347 allows.
    #[error("the request would have {0} bytes, more than {max}", max = crate::limits::REQUEST_BYTES_MAX)]
    RequestTooLong(usize),
}
