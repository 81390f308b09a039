//! TFTP requests: the decision asked, the content opened, the transfer begun.

use core::net::IpAddr;
use std::time::Instant;

use pxe_select::Asked;
use pxe_tftp::limits::BLOCK_SIZE_MIN;
use pxe_tftp::{ContentInfo, ErrorCode, Request};

use super::asked::{self, Choice};
use super::client::ClientId;
use super::content::{ContentError, ContentRequest, ContentStore};
use super::detail::Detail;
use super::event::{Stage, printable};
use super::open::OpenTransfer;
use super::recipient::Introduction;
use super::wanted::{Try, Wanted};
use super::{Arrival, Engine};

/// Who asks for a file, and what its story tells of that.
struct Asking {
    client: ClientId,
    /// Who it is where the file stands for a bait.
    bait: Option<(IpAddr, Option<ClientId>)>,
    detail: Detail,
}

impl Engine {
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        datagram: &[u8],
        content: &mut dyn ContentStore,
    ) {
        self.tftp.note_asked(arrival);
        match self.tftp.server.handle_request(now, arrival.source, datagram) {
            Ok(Some(request)) => self.answer(now, arrival, request, content),
            Ok(None) => {}
            Err(_) => self.drops.tftp += 1,
        }
    }

    fn answer(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        request: Request<'_>,
        content: &mut dyn ContentStore,
    ) {
        let name = request.file_name();
        let peer = arrival.source.ip();
        let asker = asked::asker(&request, arrival.source.port());
        let is_upload = request.is_upload();
        let question = if is_upload { Asked::Upload(name) } else { Asked::Name(name) };
        let (client, choice) =
            asked::decide(&self.shared, now, peer, asker, question, Introduction::default());
        self.shared.note_fetch(client);
        self.learn_fetches(now);
        let detail = Detail::of_request(&request, arrival.source, asker);
        let (wanted, baited) = match choice {
            Choice::Open(wanted, baited) => (wanted, baited),
            Choice::Refuse(stage) => {
                self.tftp.server.reject(now, request, ErrorCode::ACCESS_VIOLATION, "denied");
                return self.report_with(now, client, stage, || Some(detail));
            }
            Choice::Missing(stage) => {
                self.tftp.server.reject(now, request, ErrorCode::FILE_NOT_FOUND, "not served");
                return self.report_with(now, client, stage, || Some(detail));
            }
            Choice::Silence(stage) => {
                self.tftp.server.ignore(request);
                return self.report_with(now, client, stage, || Some(detail));
            }
        };
        if is_upload {
            return self.take_upload(now, arrival, request, (client, &wanted), content);
        }
        let detail = detail.with_reasons(wanted.reasons());
        let bait = baited.map(|baited| {
            self.report_with(now, client, baited.stage, || Some(detail.clone()));
            (peer, baited.machine)
        });
        self.open(now, arrival, request, (Asking { client, bait, detail }, &wanted), content);
    }

    /// Opens the first name that is there and begins its transfer.
    fn open(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        request: Request<'_>,
        (asking, wanted): (Asking, &Wanted),
        content: &mut dyn ContentStore,
    ) {
        let peer = arrival.source.ip();
        let server = self.advertise.map_or(arrival.local, IpAddr::V4);
        let opened = wanted.open(|tried| {
            let Try { name, generated, goes_first, text, .. } = tried;
            let (generated, goes_first, text) = (*generated, *goes_first, text.as_ref());
            let recipient = &wanted.recipient;
            let request = ContentRequest { name, generated, goes_first, recipient, text, server };
            content.open(&request)
        });
        match opened {
            Ok((opened, found)) => {
                let file = printable(&found.name);
                let Asking { client, bait, detail } = asking;
                let mut open = OpenTransfer::new(now, opened.id, client, file, arrival.local);
                open.size = opened.size;
                open.baited = bait;
                open.last_piece = wanted.last_piece.clone();
                open.shortfall = content.shortfall(opened.id);
                let mut info = ContentInfo::new(opened.size);
                info.block_size_max = arrival.mtu.map(|mtu| block_bytes_max(peer, mtu));
                let mut why = wanted.why(found);
                if let Some(shortfall) = &open.shortfall {
                    why = shortfall.beside(why);
                }
                let told = (why, detail);
                self.begin(now, request, open, (info, told), content);
            }
            Err(error) => self.refuse(now, asking, request, wanted, &error),
        }
    }

    fn begin(
        &mut self,
        now: Instant,
        request: Request<'_>,
        open: OpenTransfer,
        (info, (why, detail)): (ContentInfo, (String, Detail)),
        content: &mut dyn ContentStore,
    ) {
        let (client, file) = (open.client, open.file.clone());
        match self.tftp.server.accept(now, request, info) {
            Ok(transfer) => {
                self.tftp.put(transfer, open);
                self.shared.found(client);
                let stage = Stage::Requested { file, bytes: info.size, why };
                self.report_with(now, client, stage, || Some(detail));
            }
            Err(busy) => {
                content.close(open.content);
                self.report(now, client, Stage::Failed { file, reason: busy.to_string() });
            }
        }
    }

    fn refuse(
        &mut self,
        now: Instant,
        Asking { client, bait, detail }: Asking,
        request: Request<'_>,
        wanted: &Wanted,
        error: &ContentError,
    ) {
        // The client is told a fixed text: paths and system errors stay here.
        let (code, message) = match error {
            ContentError::NotFound => (ErrorCode::FILE_NOT_FOUND, "not found"),
            ContentError::Refused(_) => (ErrorCode::ACCESS_VIOLATION, "access violation"),
            ContentError::Unavailable(_) => (ErrorCode::NOT_DEFINED, "try again later"),
        };
        self.tftp.server.reject(now, request, code, message);
        let stage = match error {
            // Of a bait the loader that is missing is worth telling.
            error if bait.is_some() => {
                Stage::Failed { file: wanted.looked_for(), reason: error.to_string() }
            }
            ContentError::NotFound => {
                let file = wanted.looked_for();
                self.miss(now, client, &file);
                Stage::Tried { file }
            }
            error => Stage::Failed { file: wanted.asked.clone(), reason: error.to_string() },
        };
        self.report_with(now, client, stage, || Some(detail));
    }
}

/// The largest block that needs no fragments on a link of this MTU: less the headers of IP, UDP and
/// TFTP.
pub(super) fn block_bytes_max(peer: IpAddr, mtu: u32) -> u16 {
    let headers = if peer.is_ipv4() { 20 + 8 + 4 } else { 40 + 8 + 4 };
    let bytes = u16::try_from(mtu.saturating_sub(headers)).unwrap_or(u16::MAX);
    bytes.max(BLOCK_SIZE_MIN)
}
