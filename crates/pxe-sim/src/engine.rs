//! The whole server's engine as a [`BootServer`]: the same machine that the real driver feeds, with
//! simulated ports and files in memory.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

use pxe_server::engine::{
    Arrival, ContentError, ContentId, ContentRequest, ContentStore, Engine, InventoryAnswer,
    InventorySettings, Opened, Output, SocketId, Transmit,
};
use pxe_server::watch::Watcher;
use pxe_tftp::TransferId;

use crate::server::{BootServer, Meta, Outgoing};

const DHCP_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
const BOOT_SERVER_PORT: u16 = 4011;
const TFTP_PORT: u16 = 69;
/// Transfers get ports from here on, as a kernel would give them.
const FIRST_EPHEMERAL_PORT: u16 = 49_152;

/// Files in memory. Every file's content is [`content_of`] its name.
#[derive(Debug, Default)]
pub struct MemoryFiles {
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    open: Vec<Option<Vec<u8>>>,
}

/// What a simulated file holds: its own name over and over, `bytes` long, so that a test can tell
/// from the content which file a client got.
#[must_use]
pub fn content_of(name: &[u8], bytes: usize) -> Vec<u8> {
    let line: Vec<u8> = name.iter().chain(b"\n").copied().collect();
    line.iter().cycle().take(bytes).copied().collect()
}

impl MemoryFiles {
    /// Files of these names and sizes in bytes.
    #[must_use]
    pub fn new<'n>(files: impl IntoIterator<Item = (&'n str, usize)>) -> Self {
        let content = |(name, bytes): (&str, usize)| {
            (name.as_bytes().to_vec(), content_of(name.as_bytes(), bytes))
        };
        Self { files: files.into_iter().map(content).collect(), open: Vec::new() }
    }
}

impl ContentStore for MemoryFiles {
    fn open(&mut self, request: &ContentRequest<'_>) -> Result<Opened, ContentError> {
        let content = match (request.text, self.files.get(request.name), request.generated) {
            (Some(text), ..) => text.to_vec(),
            (None, Some(content), _) => content.clone(),
            (None, None, Some(_)) => content_of(request.name, 700),
            (None, None, None) => return Err(ContentError::NotFound),
        };
        let size = content.len() as u64;
        self.open.push(Some(content));
        Ok(Opened { id: ContentId(self.open.len() - 1), size })
    }

    fn read_at(&mut self, id: ContentId, offset: u64, into: &mut [u8]) -> std::io::Result<usize> {
        let content = self.open[id.0].as_ref().expect("the engine reads what it has open");
        let rest = &content[(offset as usize).min(content.len())..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn close(&mut self, id: ContentId) {
        assert!(self.open[id.0].take().is_some(), "the engine closes a file twice");
    }
}

/// An engine with its files and its ports.
pub struct EngineServer {
    engine: Engine,
    files: MemoryFiles,
    ports: BTreeMap<u16, TransferId>,
    next_port: u16,
    pending: VecDeque<Outgoing>,
    notes: VecDeque<String>,
    observes: bool,
    watcher: Watcher,
    inventory: Option<Inventory>,
}

/// Somebody who says what machines boot, after a while.
struct Inventory {
    takes: Duration,
    knows: Box<dyn FnMut([u8; 6]) -> InventoryAnswer>,
    asked: VecDeque<(Instant, [u8; 6])>,
}

impl EngineServer {
    /// An engine that serves these files on the registered ports.
    #[must_use]
    pub fn new(engine: Engine, files: MemoryFiles) -> Self {
        Self {
            engine,
            files,
            ports: BTreeMap::new(),
            next_port: FIRST_EPHEMERAL_PORT,
            pending: VecDeque::new(),
            notes: VecDeque::new(),
            observes: false,
            inventory: None,
            watcher: Watcher::default(),
        }
    }

    /// The same with an inventory that takes its time for each answer, which is fresh for ten seconds.
    #[must_use]
    pub fn with_inventory(
        self,
        takes: Duration,
        knows: impl FnMut([u8; 6]) -> InventoryAnswer + 'static,
    ) -> Self {
        let settings = InventorySettings { fresh_for: Duration::from_secs(10) };
        self.engine.shared().set_inventory(settings);
        let inventory = Inventory { takes, knows: Box::new(knows), asked: VecDeque::new() };
        Self { inventory: Some(inventory), ..self }
    }

    /// The same, which only listens to DHCP (`observe` mode).
    #[must_use]
    pub fn observing(self) -> Self {
        Self { observes: true, ..self }
    }

    /// The engine, for those who store its leases.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    fn port_of(&mut self, transfer: TransferId) -> u16 {
        let known = self.ports.iter().find(|(_, known)| **known == transfer);
        if let Some((port, _)) = known {
            return *port;
        }
        let port = self.next_port;
        self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_EPHEMERAL_PORT);
        self.ports.insert(port, transfer);
        port
    }

    /// Splits what the engine sends in one go into datagrams.
    fn queue(&mut self, transmit: &Transmit, bytes: &[u8]) {
        let port = match transmit.socket {
            SocketId::Dhcp => DHCP_PORT,
            SocketId::BootServer => BOOT_SERVER_PORT,
            SocketId::Observer => panic!("what only listens sends: {transmit:?}"),
            SocketId::Tftp => TFTP_PORT,
            SocketId::Transfer(transfer) => self.port_of(transfer),
        };
        let (IpAddr::V4(source), SocketAddr::V4(destination)) =
            (transmit.source, transmit.destination)
        else {
            panic!("no IPv6 in this network: {transmit:?}");
        };
        for datagram in bytes.chunks(transmit.segment_bytes.unwrap_or(bytes.len()).max(1)) {
            self.pending.push_back(Outgoing {
                source: SocketAddrV4::new(source, port),
                destination,
                interface: transmit.interface,
                link: None,
                payload: datagram.to_vec(),
            });
        }
    }

    /// Takes the engine's look-ups, and brings the answers that are due.
    fn look_up(&mut self, now: Instant) {
        let Some(inventory) = &mut self.inventory else { return };
        while let Some((_, mac)) = inventory.asked.front().copied().filter(|(due, _)| *due <= now) {
            inventory.asked.pop_front();
            let answer = (inventory.knows)(mac);
            self.engine.handle_lookup(now, mac, answer);
        }
        while let Some(mac) = self.engine.poll_lookup() {
            inventory.asked.push_back((now + inventory.takes, mac));
        }
    }

    fn collect(&mut self, now: Instant) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Event(event) => {
                    self.watcher.handle_event(now, event.client, &event.stage);
                    self.notes.push_back(format!("{:?}", event.stage));
                }
                Output::Notice(notice) => self.notes.push_back(notice.to_string()),
                Output::Close(transfer) => self.ports.retain(|_, known| *known != transfer),
            }
        }
    }
}

impl BootServer for EngineServer {
    fn handle_datagram(&mut self, now: Instant, meta: &Meta, datagram: &[u8]) {
        let socket = match meta.port {
            DHCP_PORT | CLIENT_PORT if self.observes => SocketId::Observer,
            // What other servers broadcast to clients.
            CLIENT_PORT if !meta.unicast => SocketId::Observer,
            DHCP_PORT => SocketId::Dhcp,
            BOOT_SERVER_PORT => SocketId::BootServer,
            TFTP_PORT => SocketId::Tftp,
            port => match self.ports.get(&port) {
                Some(transfer) => SocketId::Transfer(*transfer),
                // A closed port.
                None => return,
            },
        };
        let arrival = Arrival {
            source: SocketAddr::V4(meta.source),
            local: IpAddr::V4(meta.local_address),
            interface: meta.interface,
            mtu: None,
            unicast: Some(meta.unicast),
        };
        self.engine.handle_datagram(now, socket, &arrival, datagram, &mut self.files);
        self.look_up(now);
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        let mut out = Vec::new();
        while self.pending.is_empty() {
            let Some(transmit) = self.engine.poll_transmit(now, &mut self.files, &mut out) else {
                break;
            };
            self.queue(&transmit, &out);
        }
        self.collect(now);
        self.pending.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let inventory = self.inventory.as_ref().and_then(|inventory| inventory.asked.front());
        let silence = self.watcher.poll_timeout();
        let known = [self.engine.poll_timeout(), silence, inventory.map(|(due, _)| *due)];
        known.into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.engine.handle_timeout(now, &mut self.files);
        self.look_up(now);
        self.watcher.handle_timeout(now);
        while let Some((_, stage)) = self.watcher.poll_event() {
            self.notes.push_back(format!("{stage:?}"));
        }
    }

    fn poll_note(&mut self) -> Option<String> {
        self.notes.pop_front()
    }
}

/// The unspecified address stands for a link that names no server.
pub(crate) fn parse_tftp_url(url: &[u8]) -> Option<(Ipv4Addr, Vec<u8>)> {
    let rest = std::str::from_utf8(url).ok()?.strip_prefix("tftp://")?;
    let (host, path) = rest.split_once('/')?;
    let address = host.split(':').next()?.parse().ok()?;
    Some((address, path.as_bytes().to_vec()))
}
