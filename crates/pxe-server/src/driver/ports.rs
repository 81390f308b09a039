//! The sockets of one loop: bound together, polled together, found by their name.

use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;
use std::io;

use log::{debug, info};
use mio::{Interest, Registry, Token};
use pxe_tftp::TransferId;

use super::batch::{Batches, Family, ListenBatch, TransferBatch};
use super::direct::Direct;
use super::holder::{self, Protocol};
use super::interfaces::{self, Interface};
use super::listen::{ListenSocket, Sharing};
use super::observe::ObserveSocket;
use super::replies::{By, Replies};
use super::transfers::{PortId, TransferPorts};
use crate::config::{Config, DhcpMode, Located};
use crate::engine::{Arrival, SocketId, Transmit};

const DHCP: Token = Token(0);
const BOOT_SERVER: Token = Token(1);
const TFTP: Token = Token(2);
const TFTP_IPV6: Token = Token(3);
/// For the loop's own signals and wake-ups.
pub(super) const CONTROL: Token = Token(4);
const OBSERVER: Token = Token(5);
/// Answers to address probes.
pub(super) const PROBE_BY_ARP: Token = Token(6);
pub(super) const PROBE_BY_ECHO: Token = Token(7);
/// Tokens from here on are transfers' ports, by index.
const TRANSFERS: usize = 8;

/// A port that could not be bound, with who holds it and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindFault {
    /// The configuration's key of the port.
    pub key: &'static str,
    /// Which port, for what, and why not.
    pub problem: String,
    /// The one thing to do.
    pub remedy: String,
    /// The process that has the port, if that can be seen.
    pub holder: Option<u32>,
    /// Why it could not be bound.
    pub kind: io::ErrorKind,
}

/// A socket as the loop knows it: TFTP has a listening one for each family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    Listener(SocketId, Family),
    Transfers(PortId),
}

/// One loop's sockets.
pub struct Ports {
    dhcp: Option<ListenSocket>,
    boot_server: Option<ListenSocket>,
    observer: Option<ObserveSocket>,
    direct: Option<Direct>,
    tftp: Option<ListenSocket>,
    tftp_ipv6: Option<ListenSocket>,
    transfers: TransferPorts,
    ready: VecDeque<Ready>,
    pending: bool,
}

impl Ports {
    /// Binds every port of the configuration for `loops` loops, the first of which has the DHCP
    /// ports. Reports every port that cannot be bound.
    pub fn bind(config: &Config, loops: usize) -> Result<Vec<Self>, Vec<BindFault>> {
        let mut binder = Binder { faults: Vec::new() };
        let answers = matches!(config.dhcp.mode, DhcpMode::Proxy | DhcpMode::Server);
        let dhcp = &config.dhcp;
        let mut first = Self::empty();
        if answers {
            first.dhcp = binder.dhcp(dhcp.port, &config.interfaces);
            first.boot_server = binder.alone("PXE boot server", "dhcp.boot_port", dhcp.boot_port);
        }
        if dhcp.mode == DhcpMode::Server {
            first.direct = Direct::open(dhcp.port)
                .inspect_err(|error| {
                    debug!("clients without an address are sent broadcasts: {error}")
                })
                .ok();
        }
        if dhcp.mode == DhcpMode::Proxy {
            first.observer = ObserveSocket::open_replies(dhcp.client_port())
                .inspect_err(|error| {
                    info!("what other servers offer is not heard, and told of no machine: {error} (needs cap_net_raw)")
                })
                .ok();
        }
        if dhcp.mode == DhcpMode::Observe {
            first.observer = binder.observer(dhcp.port, dhcp.client_port());
        }
        let mut all = vec![first];
        all.resize_with(loops.max(1), Self::empty);
        if config.tftp.enabled {
            binder.tftp(config.tftp.port, &mut all);
        }
        if binder.faults.is_empty() { Ok(all) } else { Err(binder.faults) }
    }

    fn empty() -> Self {
        Self {
            dhcp: None,
            boot_server: None,
            observer: None,
            direct: None,
            tftp: None,
            tftp_ipv6: None,
            transfers: TransferPorts::new(TRANSFERS),
            ready: VecDeque::new(),
            pending: false,
        }
    }

    /// Whether replies can go to clients that have no address yet.
    pub fn reach_by_hardware_address(&self) -> bool {
        self.direct.is_some()
    }

    /// What sends such replies.
    pub(super) fn direct(&mut self) -> Option<&mut Direct> {
        self.direct.as_mut()
    }

    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let listeners = [
            (&mut self.dhcp, DHCP),
            (&mut self.boot_server, BOOT_SERVER),
            (&mut self.tftp, TFTP),
            (&mut self.tftp_ipv6, TFTP_IPV6),
        ];
        for (socket, token) in listeners {
            if let Some(socket) = socket {
                registry.register(socket, token, Interest::READABLE)?;
            }
        }
        if let Some(observer) = &mut self.observer {
            registry.register(observer, OBSERVER, Interest::READABLE)?;
        }
        Ok(())
    }

    pub(super) fn mark_ready(&mut self, token: Token) {
        let ready = match token {
            DHCP => Ready::Listener(SocketId::Dhcp, Family::V4),
            BOOT_SERVER => Ready::Listener(SocketId::BootServer, Family::V4),
            OBSERVER => Ready::Listener(SocketId::Observer, Family::V4),
            TFTP => Ready::Listener(SocketId::Tftp, Family::V4),
            TFTP_IPV6 => Ready::Listener(SocketId::Tftp, Family::V6),
            token => match self.transfers.of_token(token) {
                Some(port) => Ready::Transfers(port),
                None => return,
            },
        };
        self.ready.push_back(ready);
    }

    /// mio tells of readiness once: a socket that was left before it was empty is asked again.
    pub(super) fn mark_ready_again(&mut self, ready: Ready) {
        if !self.ready.contains(&ready) {
            self.ready.push_back(ready);
        }
    }

    /// The engine has more to send.
    pub(super) fn mark_pending(&mut self) {
        self.pending = true;
    }

    pub(super) fn has_ready(&self) -> bool {
        self.pending || !self.ready.is_empty()
    }

    pub(super) fn take_ready(&mut self) -> VecDeque<Ready> {
        self.pending = false;
        core::mem::take(&mut self.ready)
    }

    fn listener(&mut self, socket: SocketId, family: Family) -> Option<&mut ListenSocket> {
        match socket {
            SocketId::Dhcp => self.dhcp.as_mut(),
            SocketId::BootServer => self.boot_server.as_mut(),
            SocketId::Tftp => match family {
                Family::V4 => self.tftp.as_mut(),
                Family::V6 => self.tftp_ipv6.as_mut(),
            },
            // What only listens sends nothing.
            SocketId::Observer | SocketId::Transfer(_) => None,
        }
    }

    /// Gives what was heard of other people's DHCP to `take`; whether nothing more waits.
    pub(super) fn observe(
        &mut self,
        batch: &mut ListenBatch,
        take: impl FnMut(Arrival, &[u8]),
    ) -> io::Result<bool> {
        match &mut self.observer {
            Some(observer) => observer.receive(batch, take),
            None => Ok(true),
        }
    }

    /// Takes what waits at a listening socket into the batch.
    pub(super) fn receive(
        &mut self,
        socket: SocketId,
        family: Family,
        batch: &mut ListenBatch,
    ) -> io::Result<()> {
        match self.listener(socket, family) {
            Some(listener) => listener.receive(batch),
            None => Ok(()),
        }
    }

    /// Takes what waits at a transfers' port into the batch of its family, which is returned.
    pub(super) fn receive_batch<'b>(
        &self,
        port: PortId,
        batches: &'b mut Batches<TransferBatch>,
    ) -> io::Result<&'b TransferBatch> {
        let batch = batches.of_family(self.transfers.family(port));
        self.transfers.receive(port, batch)?;
        Ok(batch)
    }

    /// The transfer that a datagram from `client` at this port is for.
    pub(super) fn user(&self, port: PortId, client: IpAddr) -> Option<TransferId> {
        self.transfers.user(port, client)
    }

    /// Sends the DHCP replies that wait; `failed` is told of each that cannot be sent.
    pub(super) fn flush(&self, replies: &mut Replies, failed: impl FnMut(SocketAddr, io::Error)) {
        let descriptor = |by| match by {
            By::Socket(SocketId::Dhcp) => self.dhcp.as_ref().map(ListenSocket::descriptor),
            By::Socket(SocketId::BootServer) => {
                self.boot_server.as_ref().map(ListenSocket::descriptor)
            }
            By::Socket(_) => None,
            By::Frames => self.direct.as_ref().map(Direct::descriptor),
        };
        replies.flush(descriptor, failed);
    }

    /// Sends what the engine made; opens the port of a new transfer.
    pub(super) fn send(
        &mut self,
        registry: &Registry,
        transmit: &Transmit,
        bytes: &[u8],
    ) -> io::Result<()> {
        let Transmit { socket, destination, source, interface, segment_bytes, .. } = *transmit;
        if let SocketId::Transfer(transfer) = socket {
            let ends = (source, destination);
            return self.transfers.send(registry, transfer, ends, segment_bytes, bytes);
        }
        match self.listener(socket, Family::of(destination.ip())) {
            Some(listener) => listener.send(bytes, segment_bytes, destination, source, interface),
            None => Ok(()),
        }
    }

    pub(super) fn close(&mut self, registry: &Registry, transfer: TransferId) {
        self.transfers.close(registry, transfer);
    }
}

/// Binds, and remembers what could not be bound.
struct Binder {
    faults: Vec<BindFault>,
}

impl Binder {
    fn alone(&mut self, what: &str, key: &'static str, port: u16) -> Option<ListenSocket> {
        self.note(what, key, port, ListenSocket::bind_ipv4(port, Sharing::Nobody))
    }

    /// A DHCP server of this host may have the port on other interfaces alone, as those of libvirt and LXD have for
    /// their virtual machines: then we can have it on ours.
    fn dhcp(&mut self, port: u16, interfaces: &[Located<String>]) -> Option<ListenSocket> {
        let error = match ListenSocket::bind_ipv4(port, Sharing::Nobody) {
            Ok(socket) => return Some(socket),
            Err(error) => error,
        };
        let mut fault = holder::explain(Protocol::Udp, ("DHCP", "dhcp.port"), port, &error);
        if error.kind() == io::ErrorKind::AddrInUse {
            if let [only] = interfaces
                && let Ok(socket) = ListenSocket::bind_ipv4_on(port, &only.value)
            {
                info!("{}, on other interfaces: ours is {} alone", fault.problem, only.value);
                return Some(socket);
            }
            let present = interfaces::present().unwrap_or_default();
            let is_free = |it: &&Interface| {
                it.broadcasts && ListenSocket::bind_ipv4_on(port, &it.name).is_ok()
            };
            if let Some(free) = present.iter().find(is_free) {
                fault.remedy = format!(
                    "it has other interfaces: name the one that is to be served, interfaces = [\"{}\"]; or {}",
                    free.name, fault.remedy
                );
            }
        }
        self.faults.push(fault);
        None
    }

    fn observer(&mut self, port: u16, client_port: u16) -> Option<ObserveSocket> {
        ObserveSocket::open(port, client_port).map_err(|fault| self.faults.push(fault)).ok()
    }

    fn note<T>(
        &mut self,
        what: &str,
        key: &'static str,
        port: u16,
        bound: io::Result<T>,
    ) -> Option<T> {
        bound
            .map_err(|error| {
                self.faults.push(holder::explain(Protocol::Udp, (what, key), port, &error));
            })
            .ok()
    }

    /// A socket for each loop and family. The kernel deals requests out among the sockets of a
    /// port, so that a client's repetitions reach the same loop.
    fn tftp(&mut self, port: u16, loops: &mut [Ports]) {
        let (what, key) = ("TFTP", "tftp.port");
        let sharing = if loops.len() > 1 { Sharing::AmongLoops } else { Sharing::Nobody };
        // A shared port could be shared with a stranger of the same user, another server of ours
        // for one: whoever holds it already is met by a socket that does not share.
        if sharing == Sharing::AmongLoops {
            let alone = ListenSocket::bind_ipv4(port, Sharing::Nobody);
            if self.note(what, key, port, alone).is_none() {
                return;
            }
        }
        for ports in loops {
            ports.tftp = self.note(what, key, port, ListenSocket::bind_ipv4(port, sharing));
            // Its IPv6 side would only say the same once more.
            if ports.tftp.is_none() {
                return;
            }
            match ListenSocket::bind_ipv6(port, sharing) {
                Ok(socket) => ports.tftp_ipv6 = Some(socket),
                // A kernel without IPv6 has no such addresses to listen on.
                Err(error) if error.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) => {}
                Err(error) => {
                    self.note::<()>("TFTP over IPv6", key, port, Err(error));
                }
            }
            if !self.faults.is_empty() {
                return;
            }
        }
    }
}
