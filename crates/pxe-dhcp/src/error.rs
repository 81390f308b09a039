//! What can be wrong with bytes from the wire, and with a message that should go there.

use crate::anomaly::AnomalyKind;
use crate::code::OptionCode;

/// A datagram that is no BOOTP or DHCP message, or, in strict decoding, one with an anomaly.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct DecodeError {
    /// Offset from the start of the datagram, in bytes.
    pub offset: usize,
    /// What was found there.
    pub kind: DecodeErrorKind,
}

/// Why a datagram was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The datagram ends inside the fixed header of 236 bytes.
    #[error("the header is cut off")]
    HeaderTruncated,
    /// `op` is neither 1 (BOOTREQUEST) nor 2 (BOOTREPLY).
    #[error("unknown operation {0}")]
    Operation(u8),
    /// `hlen` is larger than the 16 bytes of `chaddr`.
    #[error("hardware address length {0} exceeds 16")]
    HardwareAddressLength(u8),
    /// Strict decoding met an anomaly.
    #[error("{0}")]
    Anomaly(AnomalyKind),
}

/// An option value that does not have the form its option prescribes, or cannot be given it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset} of the value")]
pub struct ValueError {
    /// Offset from the start of the option's value, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ValueErrorKind,
}

impl ValueError {
    pub(crate) const fn new(offset: usize, kind: ValueErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// Why an option value was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueErrorKind {
    /// The value is shorter or longer than its form allows; the number is its length in bytes.
    #[error("illegal length {0}")]
    Length(usize),
    /// An element inside the value runs past the value's end.
    #[error("an element is cut off")]
    Truncated,
    /// Bytes follow the END of an encapsulated option space.
    #[error("bytes after the end mark")]
    AfterEnd,
    /// A number is outside its range.
    #[error("number {0} out of range")]
    Range(u32),
    /// A domain name breaks the rules of RFC 1035: label type, length or pointer.
    #[error("malformed domain name")]
    DomainName,
    /// The value to build does not fit the 255 bytes of one option.
    #[error("the value does not fit 255 bytes")]
    TooLong,
}

/// Why a message could not be encoded, or a header field not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The options that may not be left out need more room than the budget gives.
    #[error("mandatory options need {needed_bytes} bytes, the budget is {budget_bytes}")]
    NoRoom {
        /// Bytes of the shortest acceptable message.
        needed_bytes: usize,
        /// Bytes the budget, or the BOOTP format, allows.
        budget_bytes: usize,
    },
    /// The caller's buffer is shorter than the message.
    #[error("the message needs {needed_bytes} bytes, the buffer has {buffer_bytes}")]
    BufferTooSmall {
        /// Bytes of the message.
        needed_bytes: usize,
        /// Bytes the buffer could still take.
        buffer_bytes: usize,
    },
    /// The value exceeds 255 bytes, and boot clients do not join this option (RFC 3396).
    #[error("option {code} has {bytes} bytes and must not be split")]
    ValueTooLong {
        /// The option.
        code: OptionCode,
        /// Length of its value.
        bytes: usize,
    },
    /// The value has a length for which firmware discards the whole message; zero among them.
    #[error("option {code} must not have {bytes} bytes")]
    ValueLength {
        /// The option.
        code: OptionCode,
        /// Length of its value.
        bytes: usize,
    },
    /// PAD, END and option overload are the encoder's own business.
    #[error("option {0} cannot be pushed")]
    Reserved(OptionCode),
    /// A name does not fit its header field with a terminating NUL, or contains a NUL.
    #[error("a name of {bytes} bytes does not fit the header field of {field_bytes}")]
    Name {
        /// Length of the name.
        bytes: usize,
        /// Length of the field.
        field_bytes: usize,
    },
    /// A hardware address is longer than the 16 bytes of `chaddr`; the number is its length.
    #[error("a hardware address of {0} bytes exceeds 16")]
    HardwareAddress(usize),
}
