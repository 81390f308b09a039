//! What a client hands out: parts of the file, and why there are no more.

use thiserror::Error;

use crate::error::{ErrorCode, ErrorText};

/// A part of the file. Parts come in order and without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk<'d> {
    /// Where it begins, in bytes from the start of what travels.
    pub offset: u64,
    /// Its bytes, perhaps none.
    pub payload: &'d [u8],
    /// Whether it ends the file.
    pub last: bool,
}

/// Why a transfer failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The server said so.
    #[error("the server reported error {code}: {message}")]
    Remote {
        /// Its code.
        code: ErrorCode,
        /// Its text.
        message: ErrorText,
    },
    /// The server said nothing, or nothing more.
    #[error("the server does not answer")]
    TimedOut,
    /// The server answered with options that were not asked for, or other values.
    #[error("the server's options are not what was asked for")]
    OptionNegotiation,
    /// A block is larger than agreed.
    #[error("a block of {0} bytes is larger than agreed")]
    BlockTooLarge(usize),
    /// The file has another size than announced.
    #[error("{received} bytes came where {announced} were announced")]
    SizeMismatch {
        /// `tsize` of the answer, in bytes.
        announced: u64,
        /// Bytes received.
        received: u64,
    },
}
