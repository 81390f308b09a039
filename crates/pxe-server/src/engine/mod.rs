//! The composition of the protocol machines: who is answered what, without a socket, a clock or a
//! file of its own.
//!
//! # Run loop
//! Give every datagram to [`Engine::handle_datagram`] with the time it came; call
//! [`Engine::handle_timeout`] when the time of [`Engine::poll_timeout`] has come; after either,
//! drain [`Engine::poll_transmit`], then [`Engine::poll_output`]. Calls too many do no harm.
//!
//! Which file a client gets is decided by [`pxe_select::Policy::decide`] alone, for DHCP and TFTP
//! alike; the engine only turns what the wire says into its facts and its answer into packets.

mod asked;
mod client;
mod clients;
mod content;
mod describe;
mod detail;
mod dhcp;
mod event;
mod facts;
mod inventory;
mod leased;
mod leasing;
mod lookups;
mod made_up;
mod named;
mod observe;
mod open;
mod orders;
mod recipient;
mod rivals;
mod searches;
mod seeds;
mod server;
mod shared;
mod styles;
mod tftp;
mod tokens;
mod transfers;
mod upload;
mod wanted;
mod weight;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use pxe_dhcp::respond::ProxyResponder;
use pxe_tftp::TransferId;

pub use asked::{Baited, Choice, decide};
pub use client::{ClientId, NoClient, hyphenated};
pub use clients::{CLIENTS_MAX, FETCHES_MAX, RIVALS_PER_BOOT_MAX};
pub use content::{
    ContentError, ContentId, ContentRequest, ContentStore, Opened, Shortfall, Upload, UploadError,
    UploadRequest,
};
pub use describe::{describe_dhcp, describe_tftp};
pub use detail::{Detail, Field, reason_lines};
pub(crate) use event::printable;
pub use event::{Event, OrderEnd, Stage};
pub(crate) use facts::of_boot as facts_of_message;
pub use inventory::{
    INVENTORY_MACHINES_MAX, InventoryAnswer, InventorySettings, LOOKUPS_QUEUED_MAX,
};
pub use leased::LeaseStep;
pub use leasing::{OwnAddress, PoolUse};
pub use lookups::{LOOKUP_WAITERS_MAX, WAITING_BYTES_MAX};
pub use made_up::DOCTOR_PREFIX;
pub use orders::{DELIVERED_ORDERS_MAX, Gone, LastPiece, Once, Order, OrderBook, Orders};
pub use recipient::{Introduction, Recipient};
pub(crate) use rivals::reply as reply_of_message;
pub(crate) use searches::SEARCH_ENDS_AFTER;
pub use searches::SEARCHES_MAX;
pub use seeds::may_have;
use server::DhcpServer;
pub use server::{
    AddressPlan, AddressProbe, ClassPlan, HELD_BEFORE_OFFERS_MAX, Notice, PROBE_PATIENCE,
    ServerSettings, SubnetPlan,
};
pub use shared::{Audience, Images, Neighbours, Shared};
pub use tokens::{BOOT_TOKENS_MAX, BootToken, parse_token, token_text};
#[cfg(feature = "http")]
pub(crate) use transfers::has_news;
pub use upload::UPLOAD_BLOCK_BYTES_MAX;
pub use wanted::{Try, Wanted};
pub use weight::{STAGE_WORDS, Weight};

/// Reports that wait to be polled; beyond this the oldest is lost and counted.
pub const EVENTS_MAX: usize = 4_096;

/// Which socket a datagram came to or is to leave by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketId {
    /// The DHCP server port (67).
    Dhcp,
    /// The PXE boot server port (4011).
    BootServer,
    /// What only listens to the DHCP of others: nothing leaves by it. In `proxy` mode it hears what others offer.
    Observer,
    /// The TFTP port (69).
    Tftp,
    /// The port of one TFTP transfer. The driver opens it when the first datagram is to leave by
    /// it, and closes it on [`Output::Close`].
    Transfer(TransferId),
}

/// Where a datagram came from and how.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Sender.
    pub source: SocketAddr,
    /// Our address that it was sent to; for a broadcast the address of the receiving interface.
    pub local: IpAddr,
    /// Kernel index of the receiving interface, 0 if unknown.
    pub interface: u32,
    /// Largest IP packet that interface carries, in bytes, if known.
    pub mtu: Option<u32>,
    /// Sent to us alone, or to everybody; `None` if unknown.
    pub unicast: Option<bool>,
}

/// A datagram, or a row of equal ones, to send now; the bytes are in the buffer of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Socket to send by.
    pub socket: SocketId,
    /// Receiver.
    pub destination: SocketAddr,
    /// Our address to send from.
    pub source: IpAddr,
    /// Interface a broadcast must leave by; 0: as routed.
    pub interface: u32,
    /// The buffer holds several datagrams of this many bytes each, the last may be shorter.
    pub segment_bytes: Option<usize>,
    /// The Ethernet address that the receiver is found at, since it does not answer ARP yet; else a broadcast has to
    /// do. Only if `ServerConfig::reach_by_hardware_address` is set.
    pub link: Option<[u8; 6]>,
}

/// What the engine has to say besides datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A step in a client's story.
    Event(Event),
    /// This transfer is over: its port can be closed.
    Close(TransferId),
    /// Something about the leases as a whole.
    Notice(Notice),
}

/// Datagrams that were not answered because they were not what they should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// On the DHCP ports.
    pub dhcp: u64,
    /// On the TFTP ports.
    pub tftp: u64,
    /// DHCP requests that waited too long for the lease store, and replies that could not be sent in time.
    pub lost: u64,
    /// Reports that nobody polled in time.
    pub events: u64,
}

/// What the engine is to do.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Answer as proxyDHCP; otherwise files only.
    pub proxy: Option<pxe_dhcp::respond::ProxyConfig>,
    /// Give addresses; the proxy then answers the boot server port alone.
    pub server: Option<ServerSettings>,
    /// TFTP limits.
    pub tftp: pxe_tftp::ServerConfig,
    /// Address that clients are told instead of the receiving interface's.
    pub advertise: Option<Ipv4Addr>,
    /// Port of our TFTP server, for links.
    pub tftp_port: u16,
}

impl Default for EngineConfig {
    /// Files alone, by the usual port, and no limits but the library's.
    fn default() -> Self {
        Self {
            proxy: None,
            server: None,
            tftp: pxe_tftp::ServerConfig::default(),
            advertise: None,
            tftp_port: 69,
        }
    }
}

/// The server without its sockets; or one of its loops, which share what they know.
pub struct Engine {
    shared: Arc<Shared>,
    advertise: Option<Ipv4Addr>,
    /// All addresses of this machine.
    own: Vec<OwnAddress>,
    tftp_port: u16,
    proxy: Option<ProxyResponder>,
    server: Option<Box<DhcpServer>>,
    tftp: open::Files,
    waiters: lookups::Waiters,
    outputs: VecDeque<Output>,
    drops: Drops,
    /// When a client's search may have ended.
    searches_due: Option<Instant>,
}

impl Engine {
    /// A server, or one loop of it, that decides and tells the story with the others of `shared`.
    pub fn new(config: EngineConfig, shared: Arc<Shared>) -> Self {
        let (advertise, tftp_port) = (config.advertise, config.tftp_port);
        let server = config.server.map(|settings| {
            Box::new(DhcpServer::new(settings, advertise, tftp_port, Arc::clone(&shared)))
        });
        Self {
            shared,
            server,
            advertise: config.advertise,
            own: Vec::new(),
            tftp_port: config.tftp_port,
            proxy: config.proxy.map(ProxyResponder::new),
            tftp: open::Files::new(config.tftp),
            waiters: lookups::Waiters::default(),
            outputs: VecDeque::new(),
            drops: Drops::default(),
            searches_due: None,
        }
    }

    /// Takes a datagram that came to `socket`.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        arrival: &Arrival,
        datagram: &[u8],
        content: &mut dyn ContentStore,
    ) {
        match socket {
            SocketId::Dhcp | SocketId::BootServer => {
                if !self.waits_for_inventory(now, socket, arrival, datagram) {
                    self.handle_dhcp(now, socket, arrival, datagram);
                }
            }
            SocketId::Observer if self.proxy.is_some() => {
                self.handle_rival(now, arrival, datagram);
            }
            SocketId::Observer => self.handle_observed(now, arrival, datagram),
            SocketId::Tftp => self.handle_request(now, arrival, datagram, content),
            SocketId::Transfer(transfer) => {
                let handled =
                    self.tftp.server.handle_datagram(now, transfer, arrival.source, datagram);
                self.drops.tftp += u64::from(handled.is_err());
            }
        }
        self.collect_transfers(now, content);
    }

    /// Takes note that the time has come.
    pub fn handle_timeout(&mut self, now: Instant, content: &mut dyn ContentStore) {
        if let Some(proxy) = &mut self.proxy {
            proxy.handle_timeout(now);
        }
        if let Some(server) = &mut self.server {
            server.handle_timeout(now);
            self.collect_server();
        }
        self.tftp.server.handle_timeout(now);
        self.collect_transfers(now, content);
        self.tell_searches(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due next. Changes with every call of the
    /// other methods.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let proxy = self.proxy.as_ref().and_then(ProxyResponder::poll_timeout);
        let server = self.server.as_ref().and_then(|server| server.poll_timeout());
        [proxy, server, self.tftp.server.poll_timeout(), self.searches_due]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next datagrams to send, written into `out`, which is cleared first.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        content: &mut dyn ContentStore,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        if let Some(transmit) = self.poll_dhcp(now, out) {
            return Some(transmit);
        }
        let transmit = self.tftp.poll_transmit(now, content, out);
        if transmit.is_none() {
            self.collect_transfers(now, content);
        }
        transmit
    }

    /// The next report.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A transfer's port could not be opened or sent by: ends it.
    pub fn fail_transfer(
        &mut self,
        now: Instant,
        transfer: TransferId,
        content: &mut dyn ContentStore,
    ) {
        let code = pxe_tftp::ErrorCode::NOT_DEFINED;
        self.tftp.server.abort(now, transfer, code, "server has no free port");
        self.collect_transfers(now, content);
    }

    /// What this engine shares with the server's other loops.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What was dropped since the start.
    pub fn drops(&self) -> Drops {
        self.drops
    }

    /// Files on their way by TFTP, in either direction.
    pub fn transfers(&self) -> usize {
        self.tftp.transfers()
    }

    /// A client asked for a file that is not there.
    fn miss(&mut self, now: Instant, client: ClientId, file: &str) {
        self.shared.missed(now, client, file);
        self.searches_due.get_or_insert(now + SEARCH_ENDS_AFTER);
    }

    /// Searches that have ended are told by whichever loop looks first.
    fn tell_searches(&mut self, now: Instant) {
        if self.searches_due.is_none_or(|due| now < due) {
            return;
        }
        let (ended, next) = self.shared.ended_searches(now);
        self.searches_due = next;
        for (client, stage) in ended {
            self.report(now, client, stage);
        }
    }

    fn report(&mut self, now: Instant, client: ClientId, stage: Stage) {
        self.report_with(now, client, stage, || None);
    }

    fn report_with(
        &mut self,
        now: Instant,
        client: ClientId,
        stage: Stage,
        detail: impl FnOnce() -> Option<Detail>,
    ) {
        let event = self.shared.event(now, client, stage, detail);
        self.push(Output::Event(event));
    }

    fn push(&mut self, output: Output) {
        // A port must be closed whatever else is lost.
        if self.outputs.len() >= EVENTS_MAX && matches!(output, Output::Event(_)) {
            self.drops.events += 1;
            return;
        }
        self.outputs.push_back(output);
    }
}
