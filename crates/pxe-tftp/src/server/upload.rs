//! Write requests: which reach the driver, and how one becomes a transfer.

use core::net::SocketAddr;
use std::time::Instant;

use super::config::{ContentInfo, UploadInfo};
use super::event::FailureReason;
use super::interface::WriteFailure;
use super::transfer::{Beginning, Next, Transfer};
use super::{Busy, Request, Server, TransferId};
use crate::error::ErrorCode;
use crate::limits::UPLOAD_WINDOW_BYTES_MAX;
use crate::negotiate::negotiate;

impl Server {
    /// Begins an upload: the client's file goes to [`BlockSource::write_at`](super::BlockSource::write_at), block
    /// by block in order, and [`BlockSource::finish`](super::BlockSource::finish) ends it. An older transfer of the
    /// same peer's port ends.
    ///
    /// # Errors
    /// If there are too many; the client is told with error 0.
    pub fn accept_upload(
        &mut self,
        now: Instant,
        request: Request<'_>,
        info: UploadInfo,
    ) -> Result<TransferId, Busy> {
        let Request { peer, datagram, view, .. } = request;
        self.supersede(now, peer);
        let admitted = match self.uploads.len() < self.config.uploads_max {
            true => self.table.admit(peer, &self.config),
            false => Err(Busy::Uploads),
        };
        if let Err(busy) = admitted {
            self.tell_busy(peer, datagram.len());
            return Err(busy);
        }
        let announced = view.options().values().transfer_size.unwrap_or(0);
        let mut content = ContentInfo::new(announced);
        content.block_size_max = info.block_size_max;
        let mut limits = self.limits(peer, &content);
        limits.window_bytes_max = limits.window_bytes_max.min(UPLOAD_WINDOW_BYTES_MAX);
        let beginning = Beginning {
            peer,
            digest: Request::digest(datagram),
            mode: view.mode(),
            size: announced,
            asked_size: false,
            negotiated: negotiate(view.options(), view.mode(), announced, &limits),
        };
        let id = self.table.insert(|id| Transfer::receiving(now, id, beginning, info));
        self.uploads.insert(id);
        self.follow(now, id, Next::Send);
        Ok(id)
    }

    /// Whether a write request is for the driver; others are answered here.
    pub(super) fn takes_upload(&mut self, now: Instant, peer: SocketAddr, datagram: &[u8]) -> bool {
        if self.config.uploads_max == 0 {
            self.refuse(now, peer, datagram, ErrorCode::ACCESS_VIOLATION, "read only");
        }
        self.config.uploads_max > 0
    }

    /// Takes note of an upload that is stored. It counts for nobody any more.
    pub(super) fn note_stored(&mut self, id: TransferId) {
        let stored = self.table.get_mut(id).and_then(Transfer::take_stored);
        if let Some(event) = stored {
            self.uploads.remove(&id);
            self.events.push_back(event);
        }
    }
}

/// What a client is told of a transfer that cannot go on.
pub(super) const fn last_words(reason: &FailureReason) -> (ErrorCode, &'static [u8]) {
    use WriteFailure::{Exists, Full, Refused};
    match reason {
        FailureReason::ContentChanged => (ErrorCode::NOT_DEFINED, b"file changed"),
        FailureReason::BlockTooLarge => (ErrorCode::ILLEGAL_OPERATION, b"block too large"),
        FailureReason::TooLarge => (ErrorCode::DISK_FULL, b"file too large"),
        FailureReason::SizeMismatch => (ErrorCode::NOT_DEFINED, b"size is not as announced"),
        FailureReason::NotStored(Full) => (ErrorCode::DISK_FULL, b"disk full"),
        FailureReason::NotStored(Exists) => (ErrorCode::FILE_EXISTS, b"file exists"),
        FailureReason::NotStored(Refused) => (ErrorCode::ACCESS_VIOLATION, b"access violation"),
        FailureReason::NotStored(_) => (ErrorCode::NOT_DEFINED, b"write error"),
        _ => (ErrorCode::NOT_DEFINED, b"read error"),
    }
}
