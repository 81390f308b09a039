//! What a server tells its driver.

use core::net::SocketAddr;
use core::time::Duration;

use thiserror::Error;

use super::interface::WriteFailure;
use super::table::TransferId;
use crate::error::{ErrorCode, ErrorText};

/// News of a transfer. Every accepted one ends in exactly one of [`Finished`](Self::Finished),
/// [`ProbeEnded`](Self::ProbeEnded) and [`Failed`](Self::Failed); from then on its id is dead and its port can
/// be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The client acknowledged something for the first time, or sent the first block of an upload.
    #[non_exhaustive]
    Started {
        /// Which transfer.
        transfer: TransferId,
        /// The client.
        peer: SocketAddr,
        /// Bytes of the file; of an upload those announced, 0 if none were.
        size: u64,
        /// Negotiated bytes in a block.
        block_size: u16,
        /// Negotiated blocks in a window.
        window_size: u16,
    },
    /// The client goes on; told from time to time for a transfer that takes long.
    #[non_exhaustive]
    Progress {
        /// Which transfer.
        transfer: TransferId,
        /// The client.
        peer: SocketAddr,
        /// Bytes acknowledged (of blocks; in netascii mode more than of the file); of an upload those stored.
        bytes: u64,
        /// Bytes of the file; of an upload those announced, 0 if none were.
        size: u64,
    },
    /// An upload's whole file is stored and acknowledged. Its port is kept for a client that missed that, and its
    /// end follows.
    #[non_exhaustive]
    Stored {
        /// Which transfer.
        transfer: TransferId,
        /// The client.
        peer: SocketAddr,
        /// Bytes of the file.
        bytes: u64,
        /// From the acceptance of the request.
        elapsed: Duration,
    },
    /// The client has the whole file; or, of an upload, we have.
    #[non_exhaustive]
    Finished {
        /// Which transfer.
        transfer: TransferId,
        /// The client.
        peer: SocketAddr,
        /// Bytes of the file.
        bytes: u64,
        /// From the acceptance of the request to the last acknowledgement.
        elapsed: Duration,
        /// DATA packets sent.
        blocks_sent: u64,
        /// DATA packets among them that had been sent before.
        blocks_resent: u64,
        /// Everything was sent and all but the end acknowledged: some clients do not acknowledge the last block.
        last_ack_missing: bool,
    },
    /// The client ended the transfer itself, and that is normal: it wanted the size only (EDK2, Intel's ROM), or
    /// closed a file of which it had read enough (GRUB, PXELINUX, Raspberry Pi).
    #[non_exhaustive]
    ProbeEnded {
        /// Which transfer.
        transfer: TransferId,
        /// The client.
        peer: SocketAddr,
        /// Bytes it acknowledged before, 0 after a probe of the size.
        bytes: u64,
        /// DATA packets sent.
        blocks_sent: u64,
        /// DATA packets among them that had been sent before.
        blocks_resent: u64,
        /// See [`Failed`](Self::Failed).
        repeated_acks: u32,
    },
    /// The client does not have the file.
    #[non_exhaustive]
    Failed {
        /// Which transfer.
        transfer: TransferId,
        /// The client.
        peer: SocketAddr,
        /// Why.
        reason: FailureReason,
        /// Bytes it acknowledged before.
        bytes: u64,
        /// From the acceptance of the request.
        elapsed: Duration,
        /// DATA packets sent.
        blocks_sent: u64,
        /// DATA packets among them that had been sent before.
        blocks_resent: u64,
        /// Acknowledgements of what it had acknowledged already, since then and after more was sent: the client is
        /// there, and waits for what does not reach it. 0 of an upload.
        repeated_acks: u32,
    },
}

impl Event {
    /// The transfer it is about.
    #[must_use]
    pub const fn transfer(&self) -> TransferId {
        match *self {
            Self::Started { transfer, .. }
            | Self::Progress { transfer, .. }
            | Self::Stored { transfer, .. }
            | Self::Finished { transfer, .. }
            | Self::ProbeEnded { transfer, .. }
            | Self::Failed { transfer, .. } => transfer,
        }
    }

    /// Whether the transfer is over: the id is dead, its port and file can be closed.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        !matches!(self, Self::Started { .. } | Self::Progress { .. } | Self::Stored { .. })
    }
}

/// Why a transfer failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FailureReason {
    /// The client said so in an ERROR packet.
    #[error("the client reported error {code}: {message}")]
    ClientError {
        /// Its code.
        code: ErrorCode,
        /// Its text.
        message: ErrorText,
    },
    /// The client does not know this transfer: the request was a late copy, and another transfer serves it.
    #[error("the request was a copy: the client is served by another transfer")]
    UnwantedCopy,
    /// The client sent another request from the same port.
    #[error("the client began anew")]
    Superseded,
    /// Nothing was ever acknowledged.
    #[error("the client never answered")]
    NeverAcknowledged,
    /// Nothing was acknowledged for too long.
    #[error("the client stopped answering")]
    NoProgress,
    /// The system said that the client's port is closed.
    #[error("the client's port is closed")]
    Unreachable,
    /// The file has another size than when it was opened.
    #[error("the file changed while it was sent")]
    ContentChanged,
    /// The file could not be read.
    #[error("the file could not be read")]
    ContentFailed,
    /// An upload's block is larger than agreed.
    #[error("a block is larger than agreed")]
    BlockTooLarge,
    /// An upload's file is larger than allowed.
    #[error("the file is larger than allowed")]
    TooLarge,
    /// An upload's file has another size than its client announced.
    #[error("the file has another size than announced")]
    SizeMismatch,
    /// An upload's file was not stored.
    #[error("the file was not stored: {0}")]
    NotStored(WriteFailure),
    /// The driver ended it.
    #[error("ended by this server with error {0}")]
    Aborted(ErrorCode),
}
