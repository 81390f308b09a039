//! All sockets of the server: bound together, polled together, found by their name.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::VecDeque;
use std::io;

use mio::{Interest, Registry, Token};
use pxe_tftp::TransferId;
use signal_hook_mio::v1_0::Signals;

use super::holder;
use super::plain_arrival;
use super::socket::{ListenSocket, bind_transfer};
use crate::config::Config;
use crate::engine::{Arrival, SocketId, Transmit};

const DHCP: Token = Token(0);
const BOOT_SERVER: Token = Token(1);
const TFTP: Token = Token(2);
const SIGNALS: Token = Token(3);
/// Tokens from here on are transfers, by index.
const TRANSFERS: usize = 4;

/// A port that could not be bound, with who holds it and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindFault {
    /// The configuration's key of the port.
    pub key: &'static str,
    /// Which port, for what, and why not.
    pub problem: String,
    /// The one thing to do.
    pub remedy: String,
}

/// The server's sockets.
pub struct Ports {
    dhcp: Option<ListenSocket>,
    boot_server: Option<ListenSocket>,
    tftp: Option<ListenSocket>,
    transfers: Vec<Option<TransferPort>>,
    signals: Signals,
    signalled: bool,
    ready: VecDeque<SocketId>,
    pending: bool,
}

struct TransferPort {
    transfer: TransferId,
    socket: mio::net::UdpSocket,
    local: IpAddr,
}

impl Ports {
    /// Binds every port of the configuration; reports every one that cannot be.
    pub fn bind(config: &Config) -> Result<Self, Vec<BindFault>> {
        let mut faults = Vec::new();
        let mut bind = |wanted: bool, what, key, port| {
            if !wanted {
                return None;
            }
            match ListenSocket::bind(port) {
                Ok(socket) => Some(socket),
                Err(error) => {
                    let (problem, remedy) =
                        holder::explain(what, key, (Ipv4Addr::UNSPECIFIED, port), &error);
                    faults.push(BindFault { key, problem, remedy });
                    None
                }
            }
        };
        let proxy = config.dhcp.mode == crate::config::DhcpMode::Proxy;
        let dhcp = bind(proxy, "DHCP", "dhcp.port", config.dhcp.port);
        let boot_server = bind(proxy, "PXE boot server", "dhcp.boot_port", config.dhcp.boot_port);
        let tftp = bind(config.tftp.enabled, "TFTP", "tftp.port", config.tftp.port);
        let signals = Signals::new([nix::libc::SIGTERM, nix::libc::SIGINT]);
        let signals = signals.map_err(|error| {
            faults.push(BindFault {
                key: "",
                problem: format!("cannot watch for signals: {error}"),
                remedy: String::new(),
            });
        });
        match signals {
            Ok(signals) if faults.is_empty() => Ok(Self {
                dhcp,
                boot_server,
                tftp,
                transfers: Vec::new(),
                signals,
                signalled: false,
                ready: VecDeque::new(),
                pending: false,
            }),
            _ => Err(faults),
        }
    }

    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let listeners =
            [(&mut self.dhcp, DHCP), (&mut self.boot_server, BOOT_SERVER), (&mut self.tftp, TFTP)];
        for (socket, token) in listeners {
            if let Some(socket) = socket {
                registry.register(socket, token, Interest::READABLE)?;
            }
        }
        registry.register(&mut self.signals, SIGNALS, Interest::READABLE)
    }

    pub(super) fn mark_ready(&mut self, token: Token) {
        let socket = match token {
            DHCP => SocketId::Dhcp,
            BOOT_SERVER => SocketId::BootServer,
            TFTP => SocketId::Tftp,
            SIGNALS => {
                self.signalled = true;
                return;
            }
            Token(token) => {
                let port = self.transfers.get(token - TRANSFERS).and_then(Option::as_ref);
                let Some(port) = port else { return };
                SocketId::Transfer(port.transfer)
            }
        };
        self.mark_ready_again(socket);
    }

    /// mio tells of readiness once: a socket that was left before it was empty is asked again.
    pub(super) fn mark_ready_again(&mut self, socket: SocketId) {
        if !self.ready.contains(&socket) {
            self.ready.push_back(socket);
        }
    }

    /// The engine has more to send.
    pub(super) fn mark_pending(&mut self) {
        self.pending = true;
    }

    pub(super) fn has_ready(&self) -> bool {
        self.pending || !self.ready.is_empty()
    }

    pub(super) fn take_ready(&mut self) -> VecDeque<SocketId> {
        self.pending = false;
        core::mem::take(&mut self.ready)
    }

    /// The signal that asks us to stop.
    pub(super) fn stop_signal(&mut self) -> Option<&'static str> {
        if !core::mem::take(&mut self.signalled) {
            return None;
        }
        let signal = self.signals.pending().next()?;
        Some(if signal == nix::libc::SIGINT { "SIGINT" } else { "SIGTERM" })
    }

    fn listener(&mut self, socket: SocketId) -> Option<&mut ListenSocket> {
        match socket {
            SocketId::Dhcp => self.dhcp.as_mut(),
            SocketId::BootServer => self.boot_server.as_mut(),
            SocketId::Tftp => self.tftp.as_mut(),
            SocketId::Transfer(_) => None,
        }
    }

    /// The next datagram of a socket, `Ok(None)` if none waits.
    pub(super) fn receive(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> io::Result<Option<(usize, Arrival)>> {
        if let SocketId::Transfer(transfer) = socket {
            let port = self.transfers.get(transfer.index()).and_then(Option::as_ref);
            let Some(port) = port.filter(|port| port.transfer == transfer) else { return Ok(None) };
            return match port.socket.recv_from(buffer) {
                Ok((bytes, source)) => Ok(Some((bytes, plain_arrival(source, port.local)))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            };
        }
        let Some(listener) = self.listener(socket) else { return Ok(None) };
        Ok(listener.receive(buffer)?.map(|arrival| {
            let source = SocketAddr::V4(arrival.source);
            let local = IpAddr::V4(arrival.local);
            (arrival.bytes, Arrival { source, local, interface: arrival.interface })
        }))
    }

    /// Sends what the engine made; opens the port of a new transfer.
    pub(super) fn send(
        &mut self,
        registry: &Registry,
        transmit: &Transmit,
        bytes: &[u8],
    ) -> io::Result<()> {
        if let SocketId::Transfer(transfer) = transmit.socket {
            let socket = self.transfer_socket(registry, transfer, transmit.source)?;
            for datagram in segments(bytes, transmit.segment_bytes) {
                socket.send_to(datagram, transmit.destination)?;
            }
            return Ok(());
        }
        let (SocketAddr::V4(destination), IpAddr::V4(source)) =
            (transmit.destination, transmit.source)
        else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let Some(listener) = self.listener(transmit.socket) else { return Ok(()) };
        listener.send(bytes, destination, source, transmit.interface)
    }

    fn transfer_socket(
        &mut self,
        registry: &Registry,
        transfer: TransferId,
        local: IpAddr,
    ) -> io::Result<&mio::net::UdpSocket> {
        let index = transfer.index();
        if self.transfers.len() <= index {
            self.transfers.resize_with(index + 1, || None);
        }
        let slot = &mut self.transfers[index];
        if slot.as_ref().is_none_or(|port| port.transfer != transfer) {
            let mut socket = bind_transfer(local)?;
            registry.register(&mut socket, Token(TRANSFERS + index), Interest::READABLE)?;
            *slot = Some(TransferPort { transfer, socket, local });
        }
        match slot {
            Some(port) => Ok(&port.socket),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(super) fn close(&mut self, registry: &Registry, transfer: TransferId) {
        let Some(slot) = self.transfers.get_mut(transfer.index()) else { return };
        if let Some(mut port) = slot.take_if(|port| port.transfer == transfer) {
            // Closing the descriptor takes it out of the poll anyway.
            let _ = registry.deregister(&mut port.socket);
        }
    }
}

fn segments(bytes: &[u8], segment_bytes: Option<usize>) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(segment_bytes.unwrap_or(bytes.len()).max(1))
}
