//! What a server and its driver say to each other: where datagrams go, where bytes come from.

use core::net::SocketAddr;
use core::task::Poll;
use std::io::IoSliceMut;

use thiserror::Error;

use super::table::TransferId;
use crate::error::DecodeError;

/// Which socket a datagram leaves by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocalPort {
    /// The one that requests come to, usually port 69.
    Listener,
    /// The transfer's own (RFC 1350 section 4).
    Transfer(TransferId),
}

/// Where the bytes in `out` go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transmit {
    /// By which socket.
    pub port: LocalPort,
    /// To whom.
    pub peer: SocketAddr,
    /// If `out` holds several datagrams: the bytes of each but the last, which may be shorter. That is the shape
    /// of UDP segmentation offload.
    pub segment_bytes: Option<usize>,
}

impl Transmit {
    pub(super) const fn single(port: LocalPort, peer: SocketAddr) -> Self {
        Self { port, peer, segment_bytes: None }
    }

    /// The datagrams in `out`, for one send each.
    pub fn datagrams<'o>(
        &self,
        out: &'o [u8],
    ) -> impl ExactSizeIterator<Item = &'o [u8]> + use<'o> {
        out.chunks(self.segment_bytes.unwrap_or(out.len()).max(1))
    }
}

/// Where a transfer's bytes come from. They are read again for a retransmission, so nothing is kept. And, for a
/// server that takes uploads, where they go.
pub trait BlockSource {
    /// Fills `block` with the file's bytes from `offset`, and returns how many there were. Never asked for bytes
    /// behind the size given to [`Server::accept`](super::Server::accept); fewer than asked for mean that the file shrank.
    ///
    /// # Errors
    /// If the bytes cannot be had; the transfer ends with error 0.
    fn read_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        block: &mut [u8],
    ) -> Result<usize, ReadFailure>;

    /// Fills a row of consecutive blocks from `offset` on: together one stretch of the file, of which all but the
    /// last are whole blocks. Worth writing where one call can scatter a read (`preadv`).
    ///
    /// # Errors
    /// As for [`read_at`](Self::read_at); also if a block cannot be filled.
    fn read_row(
        &mut self,
        transfer: TransferId,
        mut offset: u64,
        blocks: &mut [IoSliceMut<'_>],
    ) -> Result<(), ReadFailure> {
        for block in blocks {
            if self.read_at(transfer, offset, block)? != block.len() {
                return Err(ReadFailure::Changed);
            }
            offset = offset.saturating_add(block.len() as u64);
        }
        Ok(())
    }

    /// Stores bytes of an upload at `offset`, which is where the last ones ended. They are acknowledged when this
    /// returns. Refuses, if not written: for servers without uploads.
    ///
    /// # Errors
    /// If they cannot be stored; the upload ends with an error.
    fn write_at(
        &mut self,
        _transfer: TransferId,
        _offset: u64,
        _bytes: &[u8],
    ) -> Result<(), WriteFailure> {
        Err(WriteFailure::Refused)
    }

    /// An upload's file is whole: it takes its place. Its last block is acknowledged when this is ready, and it is
    /// called again every [`FINISH_INTERVAL`](crate::limits::FINISH_INTERVAL) until then: a disk may take its time
    /// without holding up other transfers.
    ///
    /// # Errors
    /// If it cannot take its place; the upload ends with an error.
    fn finish(&mut self, _transfer: TransferId) -> Poll<Result<(), WriteFailure>> {
        Poll::Ready(Err(WriteFailure::Refused))
    }
}

/// Why an upload's bytes are not stored, and so what its client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteFailure {
    /// There is no room: error 3.
    #[error("there is no room for it")]
    Full,
    /// A file of that name is there by now: error 6.
    #[error("a file of that name exists")]
    Exists,
    /// It may not be written: error 2.
    #[error("it may not be written")]
    Refused,
    /// The system reported an error: error 0.
    #[error("it could not be written")]
    Failed,
}

/// Why a block cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadFailure {
    /// The file is not the one the request was accepted with.
    #[error("the file changed")]
    Changed,
    /// The system reported an error.
    #[error("the file could not be read")]
    Failed,
}

/// Why a datagram had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Dropped {
    /// It is no TFTP packet.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// It came to the listener and is no request.
    #[error("not a request")]
    NotARequest,
    /// Its source address cannot be answered.
    #[error("the source address is not a single host's")]
    Source,
    /// The transfer is over.
    #[error("unknown transfer")]
    UnknownTransfer,
    /// It is not from the transfer's client. Answered with error 5 unless it is an ERROR.
    #[error("from another address or port than the transfer's client")]
    ForeignSource,
    /// The transfer's client has no reason to send it now.
    #[error("unexpected packet")]
    Unexpected,
}
