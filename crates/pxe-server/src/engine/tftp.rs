//! TFTP requests: the decision asked, the content opened, the transfer begun.

use core::error::Error;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::Poll;
use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::time::Instant;

use pxe_select::Asked;
use pxe_tftp::limits::{BLOCK_SIZE_MIN, ERRORS_QUEUED_MAX};
use pxe_tftp::{
    BlockSource, ContentInfo, ErrorCode, LocalPort, ReadFailure, Request, Server, ServerConfig,
    TransferId, WriteFailure,
};

use super::asked::{self, Choice};
use super::client::ClientId;
use super::content::{ContentError, ContentId, ContentRequest, ContentStore, UploadError};
use super::detail::Detail;
use super::event::{Stage, printable};
use super::orders::LastPiece;
use super::recipient::Introduction;
use super::upload::write_failure;
use super::wanted::{Try, Wanted};
use super::{Arrival, Engine, SocketId, Transmit};

/// The TFTP machine and what each of its transfers reads.
pub(super) struct Files {
    pub(super) server: Server,
    open: Vec<Option<OpenTransfer>>,
    /// How many of them there are.
    count: usize,
    /// Who asked which address of ours, until what they draw from the listening port is sent.
    asked: VecDeque<(SocketAddr, IpAddr)>,
    single_port: bool,
}

/// A transfer under way, with what it has open.
pub(super) struct OpenTransfer {
    pub(super) content: ContentId,
    pub(super) client: ClientId,
    pub(super) file: String,
    /// Our address that was asked.
    local: IpAddr,
    /// The file's size, in bytes; 0 for an upload.
    pub(super) size: u64,
    pub(super) is_upload: bool,
    /// Bytes of a block and blocks of a window, once the client has acknowledged something.
    pub(super) agreed: Option<(u16, u16)>,
    /// When progress was told last, and how many bytes that were.
    pub(super) told: (Instant, u64),
    /// What the store said when it failed.
    pub(super) trouble: Option<String>,
    /// Who fetches what stands for a bait: with the whole file its firmware's boot is over.
    pub(super) baited: Option<(IpAddr, Option<ClientId>)>,
    /// With the whole file an order is spent.
    pub(super) last_piece: Option<LastPiece>,
}

/// Who asks for a file, and what its story tells of that.
struct Asking {
    client: ClientId,
    /// Who it is where the file stands for a bait.
    bait: Option<(IpAddr, Option<ClientId>)>,
    detail: Detail,
}

impl OpenTransfer {
    pub(super) fn new(
        now: Instant,
        content: ContentId,
        client: ClientId,
        file: String,
        local: IpAddr,
    ) -> Self {
        let told = (now, 0);
        Self {
            content,
            client,
            file,
            local,
            size: 0,
            is_upload: false,
            agreed: None,
            told,
            trouble: None,
            baited: None,
            last_piece: None,
        }
    }
}

impl Files {
    pub(super) fn new(config: ServerConfig) -> Self {
        let single_port = config.single_port;
        let server = Server::new(config);
        Self { server, open: Vec::new(), count: 0, asked: VecDeque::new(), single_port }
    }

    /// Errors leave from the address that was asked, as data does.
    fn note_asked(&mut self, arrival: &Arrival) {
        if self.asked.len() >= ERRORS_QUEUED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back((arrival.source, arrival.local));
    }

    fn asked_by(&self, peer: SocketAddr) -> IpAddr {
        let asked = self.asked.iter().find(|(from, _)| *from == peer);
        asked.map_or_else(|| any_address(peer), |(_, local)| *local)
    }

    pub(super) fn put(&mut self, transfer: TransferId, open: OpenTransfer) {
        let index = transfer.index();
        if self.open.len() <= index {
            self.open.resize_with(index + 1, || None);
        }
        self.count += usize::from(self.open[index].replace(open).is_none());
    }

    fn get(&self, transfer: TransferId) -> Option<&OpenTransfer> {
        self.open.get(transfer.index()).and_then(Option::as_ref)
    }

    pub(super) fn get_mut(&mut self, transfer: TransferId) -> Option<&mut OpenTransfer> {
        self.open.get_mut(transfer.index()).and_then(Option::as_mut)
    }

    pub(super) fn take(&mut self, transfer: TransferId) -> Option<OpenTransfer> {
        let taken = self.open.get_mut(transfer.index()).and_then(Option::take);
        self.count -= usize::from(taken.is_some());
        taken
    }

    /// Transfers under way.
    pub(super) fn transfers(&self) -> usize {
        self.count
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        content: &mut dyn ContentStore,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let mut source = Source { open: &mut self.open, content };
        let Some(transmit) = self.server.poll_transmit(now, &mut source, out) else {
            self.asked.clear();
            return None;
        };
        let (socket, local) = match transmit.port {
            LocalPort::Listener => (SocketId::Tftp, self.asked_by(transmit.peer)),
            LocalPort::Transfer(transfer) => {
                let open = self.get(transfer);
                let local = open.map_or_else(|| any_address(transmit.peer), |open| open.local);
                let own = SocketId::Transfer(transfer);
                (if self.single_port { SocketId::Tftp } else { own }, local)
            }
        };
        Some(Transmit {
            socket,
            destination: transmit.peer,
            source: local,
            interface: 0,
            segment_bytes: transmit.segment_bytes,
            link: None,
        })
    }
}

/// Lets the system choose our address towards `peer`.
fn any_address(peer: SocketAddr) -> IpAddr {
    match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Blocks of a transfer are read from what it has open, or written there.
struct Source<'a> {
    open: &'a mut [Option<OpenTransfer>],
    content: &'a mut dyn ContentStore,
}

impl Source<'_> {
    fn content_of(&self, transfer: TransferId) -> Option<ContentId> {
        let open = self.open.get(transfer.index()).and_then(Option::as_ref);
        open.map(|open| open.content)
    }

    /// Keeps the store's words for the story, since the TFTP machine has few.
    fn note(&mut self, transfer: TransferId, trouble: &dyn Error) {
        if let Some(open) = self.open.get_mut(transfer.index()).and_then(Option::as_mut) {
            open.trouble = Some(trouble.to_string());
        }
    }

    fn read<T>(
        &mut self,
        transfer: TransferId,
        read: impl FnOnce(&mut dyn ContentStore, ContentId) -> io::Result<T>,
    ) -> Result<T, ReadFailure> {
        let content = self.content_of(transfer).ok_or(ReadFailure::Failed)?;
        read(self.content, content).map_err(|error| {
            self.note(transfer, &error);
            ReadFailure::Failed
        })
    }

    fn not_stored(&mut self, transfer: TransferId, error: &UploadError) -> WriteFailure {
        self.note(transfer, error);
        write_failure(error)
    }
}

impl BlockSource for Source<'_> {
    fn read_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        block: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        self.read(transfer, |store, content| store.read_at(content, offset, block))
    }

    fn read_row(
        &mut self,
        transfer: TransferId,
        offset: u64,
        blocks: &mut [IoSliceMut<'_>],
    ) -> Result<(), ReadFailure> {
        self.read(transfer, |store, content| store.read_row(content, offset, blocks))
    }

    fn write_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), WriteFailure> {
        let content = self.content_of(transfer).ok_or(WriteFailure::Failed)?;
        let written = self.content.write_at(content, offset, bytes);
        written.map_err(|error| self.not_stored(transfer, &error))
    }

    fn finish(&mut self, transfer: TransferId) -> Poll<Result<(), WriteFailure>> {
        let content = self.content_of(transfer).ok_or(WriteFailure::Failed)?;
        let finished = self.content.finish(content);
        finished.map_err(|error| self.not_stored(transfer, &error))
    }
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
            Ok(Some(request)) => {
                // An older transfer of this port, which the request ends, is told of first.
                self.collect_transfers(now, content);
                self.answer(now, arrival, request, content);
            }
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
                let mut info = ContentInfo::new(opened.size);
                info.block_size_max = arrival.mtu.map(|mtu| block_bytes_max(peer, mtu));
                let told = (wanted.why(found), detail);
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
