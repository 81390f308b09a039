//! TFTP requests: the decision asked, the content opened, the transfer followed to its end.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::time::Instant;

use pxe_tftp::limits::{BLOCK_SIZE_MIN, ERRORS_QUEUED_MAX};
use pxe_tftp::{
    BlockSource, ContentInfo, ErrorCode, Event, FailureReason, LocalPort, ReadFailure, Request,
    Server, ServerConfig, TransferId,
};

use super::asked::{self, Choice, Wanted};
use super::content::{ContentError, ContentId, ContentRequest, ContentStore};
use super::event::{ClientId, Stage, printable};
use super::{Arrival, Engine, Output, SocketId, Transmit};

/// The TFTP machine and what each of its transfers reads.
pub(super) struct Files {
    pub(super) server: Server,
    open: Vec<Option<OpenTransfer>>,
    /// Who asked which address of ours, until what they draw from the listening port is sent.
    asked: VecDeque<(SocketAddr, IpAddr)>,
    single_port: bool,
}

struct OpenTransfer {
    content: ContentId,
    client: ClientId,
    file: String,
    local: IpAddr,
    /// Who fetches what stands for a bait: with the whole file its firmware's boot is over.
    baited: Option<IpAddr>,
}

impl Files {
    pub(super) fn new(config: ServerConfig) -> Self {
        let single_port = config.single_port;
        let server = Server::new(config);
        Self { server, open: Vec::new(), asked: VecDeque::new(), single_port }
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

    fn put(&mut self, transfer: TransferId, open: OpenTransfer) {
        let index = transfer.index();
        if self.open.len() <= index {
            self.open.resize_with(index + 1, || None);
        }
        self.open[index] = Some(open);
    }

    fn get(&self, transfer: TransferId) -> Option<&OpenTransfer> {
        self.open.get(transfer.index()).and_then(Option::as_ref)
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        content: &mut dyn ContentStore,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let mut source = Source { open: &self.open, content };
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

/// Blocks of a transfer are read from what it has open.
struct Source<'a> {
    open: &'a [Option<OpenTransfer>],
    content: &'a mut dyn ContentStore,
}

impl Source<'_> {
    fn content_of(&self, transfer: TransferId) -> Result<ContentId, ReadFailure> {
        let open = self.open.get(transfer.index()).and_then(Option::as_ref);
        open.map(|open| open.content).ok_or(ReadFailure::Failed)
    }
}

impl BlockSource for Source<'_> {
    fn read_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        block: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        let content = self.content_of(transfer)?;
        self.content.read_at(content, offset, block).map_err(|_| ReadFailure::Failed)
    }

    fn read_row(
        &mut self,
        transfer: TransferId,
        offset: u64,
        blocks: &mut [IoSliceMut<'_>],
    ) -> Result<(), ReadFailure> {
        let content = self.content_of(transfer)?;
        self.content.read_row(content, offset, blocks).map_err(|_| ReadFailure::Failed)
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
        let (client, choice) = asked::decide(&self.shared, now, peer, asker, name);
        match choice {
            Choice::Open(wanted, baited) => {
                let is_bait = baited.is_some();
                if let Some(stage) = baited {
                    self.report(now, client, stage);
                }
                self.open(now, arrival, request, (client, &wanted, is_bait), content);
            }
            Choice::Refuse(stage) => {
                self.tftp.server.reject(now, request, ErrorCode::ACCESS_VIOLATION, "denied");
                self.report(now, client, stage);
            }
            Choice::Missing(stage) => {
                self.tftp.server.reject(now, request, ErrorCode::FILE_NOT_FOUND, "not served");
                self.report(now, client, stage);
            }
            Choice::Silence(stage) => {
                self.tftp.server.ignore(request);
                self.report(now, client, stage);
            }
        }
    }

    /// Opens the first name that is there and begins its transfer.
    fn open(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        request: Request<'_>,
        (client, wanted, is_bait): (ClientId, &Wanted, bool),
        content: &mut dyn ContentStore,
    ) {
        let peer = arrival.source.ip();
        let server = self.advertise.map_or(arrival.local, IpAddr::V4);
        let mut refused = None;
        for (name, generated) in wanted.attempts() {
            match content.open(&ContentRequest { name, generated, server }) {
                Ok(opened) => {
                    let file = printable(name);
                    let (content_id, local) = (opened.id, arrival.local);
                    let baited = is_bait.then_some(peer);
                    let open = OpenTransfer { content: content_id, client, file, local, baited };
                    let mut info = ContentInfo::new(opened.size);
                    info.block_size_max = arrival.mtu.map(|mtu| block_bytes_max(peer, mtu));
                    return self.begin(now, request, open, info, content);
                }
                Err(error @ ContentError::NotFound) => refused = refused.or(Some(error)),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let error = refused.unwrap_or(ContentError::NotFound);
        let asked = match wanted.attempts().next() {
            // Of a bait the loader is worth telling, of other names what was asked.
            Some((name, _)) if is_bait => printable(name),
            _ => printable(request.file_name()),
        };
        self.refuse(now, client, request, (asked, is_bait), &error);
    }

    fn begin(
        &mut self,
        now: Instant,
        request: Request<'_>,
        open: OpenTransfer,
        info: ContentInfo,
        content: &mut dyn ContentStore,
    ) {
        let (client, file) = (open.client, open.file.clone());
        match self.tftp.server.accept(now, request, info) {
            Ok(transfer) => {
                self.tftp.put(transfer, open);
                self.report(now, client, Stage::Requested { file, bytes: info.size });
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
        client: ClientId,
        request: Request<'_>,
        (file, is_bait): (String, bool),
        error: &ContentError,
    ) {
        // The client is told a fixed text: paths and system errors stay here.
        let (code, message) = match error {
            ContentError::NotFound => (ErrorCode::FILE_NOT_FOUND, "file not found"),
            ContentError::Refused(_) => (ErrorCode::ACCESS_VIOLATION, "access violation"),
            ContentError::Unavailable(_) => (ErrorCode::NOT_DEFINED, "try again later"),
        };
        self.tftp.server.reject(now, request, code, message);
        let stage = match error {
            ContentError::NotFound if !is_bait => Stage::NotFound { file },
            error => Stage::Failed { file, reason: error.to_string() },
        };
        self.report(now, client, stage);
    }

    /// Turns what the TFTP machine has to say into the clients' stories, and gives back what ended
    /// transfers had open.
    pub(super) fn collect_transfers(&mut self, now: Instant, content: &mut dyn ContentStore) {
        while let Some(event) = self.tftp.server.poll_event() {
            let transfer = event.transfer();
            if let Event::Progress { bytes, size, .. } = event
                && let Some(open) = self.tftp.get(transfer)
            {
                let (client, file) = (open.client, open.file.clone());
                self.report(now, client, Stage::Progress { file, bytes, size });
            }
            if !event.is_end() {
                continue;
            }
            let open = self.tftp.open.get_mut(transfer.index()).and_then(Option::take);
            let Some(open) = open else { continue };
            content.close(open.content);
            self.push(Output::Close(transfer));
            if let (Some(peer), Event::Finished { .. }) = (open.baited, &event) {
                self.shared.delivered(now, peer, open.client.hardware_address());
            }
            if let Some(stage) = ending(open.file, event) {
                self.report(now, open.client, stage);
            }
        }
    }
}

fn ending(file: String, event: Event) -> Option<Stage> {
    Some(match event {
        Event::Finished { bytes, elapsed, .. } => Stage::Delivered { file, bytes, elapsed },
        Event::ProbeEnded { bytes: 0, .. } => Stage::Probed { file },
        Event::ProbeEnded { bytes, .. } => Stage::Closed { file, bytes },
        // Another transfer tells this client's story.
        Event::Failed {
            reason: FailureReason::UnwantedCopy | FailureReason::Superseded, ..
        } => {
            return None;
        }
        Event::Failed { reason, .. } => Stage::Failed { file, reason: reason.to_string() },
        _ => return None,
    })
}

/// The largest block that needs no fragments on a link of this MTU: less the headers of IP, UDP and
/// TFTP.
fn block_bytes_max(peer: IpAddr, mtu: u32) -> u16 {
    let headers = if peer.is_ipv4() { 20 + 8 + 4 } else { 40 + 8 + 4 };
    let bytes = u16::try_from(mtu.saturating_sub(headers)).unwrap_or(u16::MAX);
    bytes.max(BLOCK_SIZE_MIN)
}
