//! What TFTP has open: the library's transfers, and the content that each of them reads or writes.

use core::error::Error;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::Poll;
use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::time::Instant;

use pxe_tftp::limits::ERRORS_QUEUED_MAX;
use pxe_tftp::{
    BlockSource, LocalPort, ReadFailure, Server, ServerConfig, TransferId, WriteFailure,
};

use super::client::ClientId;
use super::content::{ContentId, ContentStore, Shortfall, UploadError};
use super::orders::LastPiece;
use super::upload::write_failure;
use super::{Arrival, SocketId, Transmit};

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
    /// When progress was told last, and how many bytes that were.
    pub(super) told: (Instant, u64),
    /// What the store said when it failed.
    pub(super) trouble: Option<String>,
    /// Who fetches what stands for a bait: with the whole file its firmware's boot is over.
    pub(super) baited: Option<(IpAddr, Option<ClientId>)>,
    /// With the whole file an order is spent.
    pub(super) last_piece: Option<LastPiece>,
    /// What the file, a text for this machine, should have had in it.
    pub(super) shortfall: Option<Shortfall>,
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
            told,
            trouble: None,
            baited: None,
            last_piece: None,
            shortfall: None,
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
    pub(super) fn note_asked(&mut self, arrival: &Arrival) {
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
