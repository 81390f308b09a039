//! Write requests: let in by the decision and the store, followed like any transfer.

use std::time::Instant;

use pxe_tftp::{ErrorCode, Mode, Request, UploadInfo, WriteFailure};

use super::client::ClientId;
use super::content::{ContentStore, UploadError, UploadRequest};
use super::event::{Stage, printable};
use super::open::OpenTransfer;
use super::tftp::block_bytes_max;
use super::wanted::Wanted;
use super::{Arrival, Engine};

/// Largest block of an upload, in bytes: drivers have 2 KiB of room for a datagram, which is an Ethernet frame and
/// more.
pub const UPLOAD_BLOCK_BYTES_MAX: u16 = 2_044;

impl Engine {
    /// Begins to take a file, in the client's own folder if there is one.
    pub(super) fn take_upload(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        request: Request<'_>,
        (client, wanted): (ClientId, &Wanted),
        content: &mut dyn ContentStore,
    ) {
        let peer = arrival.source.ip();
        // Of a text the client counts other bytes than we store; and 0 is said where nothing is known.
        let announced = request.options().transfer_size;
        let size = announced.filter(|bytes| *bytes > 0 && request.mode() == Mode::Octet);
        let mut file = wanted.asked.clone();
        let mut created = Err(UploadError::NoFolder);
        for tried in wanted.tries() {
            created = content.create(&UploadRequest { name: &tried.name, size, client: peer });
            if created != Err(UploadError::NoFolder) {
                file = printable(&tried.name);
                break;
            }
        }
        let upload = match created {
            Ok(upload) => upload,
            Err(error) => return self.refuse_upload(now, client, request, file, &error),
        };
        let mut info = UploadInfo::new(upload.bytes_max);
        let link_max = arrival.mtu.map_or(u16::MAX, |mtu| block_bytes_max(peer, mtu));
        info.block_size_max = Some(link_max.min(UPLOAD_BLOCK_BYTES_MAX));
        match self.tftp.server.accept_upload(now, request, info) {
            Ok(transfer) => {
                let mut open =
                    OpenTransfer::new(now, upload.id, client, file.clone(), arrival.local);
                open.is_upload = true;
                self.tftp.put(transfer, open);
                self.report(now, client, Stage::Uploading { file, bytes: size });
            }
            Err(busy) => {
                content.close(upload.id);
                self.report(now, client, not_stored(file, &busy.to_string()));
            }
        }
    }

    fn refuse_upload(
        &mut self,
        now: Instant,
        client: ClientId,
        request: Request<'_>,
        file: String,
        error: &UploadError,
    ) {
        // The client is told a fixed text: paths and system errors stay here.
        let (code, message) = match error {
            UploadError::Off => (ErrorCode::ACCESS_VIOLATION, "read only"),
            UploadError::Exists => (ErrorCode::FILE_EXISTS, "file exists"),
            UploadError::NoFolder => (ErrorCode::FILE_NOT_FOUND, "no such folder"),
            UploadError::TooLarge { .. } => (ErrorCode::DISK_FULL, "file too large"),
            UploadError::Full => (ErrorCode::DISK_FULL, "disk full"),
            UploadError::Busy(_) => (ErrorCode::NOT_DEFINED, "busy, try again later"),
            UploadError::Refused(_) => (ErrorCode::ACCESS_VIOLATION, "access violation"),
            UploadError::Failed(_) => (ErrorCode::NOT_DEFINED, "try again later"),
        };
        self.tftp.server.reject(now, request, code, message);
        self.report(now, client, not_stored(file, &error.to_string()));
    }
}

/// What the TFTP machine has to know of a failure, for the client.
pub(super) fn write_failure(error: &UploadError) -> WriteFailure {
    match error {
        UploadError::Exists => WriteFailure::Exists,
        UploadError::Full | UploadError::TooLarge { .. } => WriteFailure::Full,
        UploadError::Off | UploadError::NoFolder | UploadError::Refused(_) => WriteFailure::Refused,
        UploadError::Busy(_) | UploadError::Failed(_) => WriteFailure::Failed,
    }
}

/// The end of an upload that is not kept.
pub(super) fn not_stored(file: String, why: &str) -> Stage {
    Stage::Failed { file, reason: format!("not stored: {why}") }
}
