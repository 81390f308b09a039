//! The ports of transfers (TIDs, RFC 1350 section 4): a window out in one call, acknowledgements in
//! by the handful.

use core::net::{IpAddr, SocketAddr};
use std::io;

use mio::{Interest, Registry, Token};
use nix::sys::socket::{setsockopt, sockopt};
use pxe_tftp::TransferId;
use socket2::{Domain, Protocol, Socket, Type};

use super::batch::TransferBatch;
use super::segments;
use crate::engine::Transmit;

/// One transfer's socket.
struct Port {
    transfer: TransferId,
    socket: mio::net::UdpSocket,
    /// The segment size the socket was told; 0: none yet.
    segment_bytes: u16,
    is_ipv6: bool,
}

/// All transfers' sockets of one loop, by index.
pub(super) struct TransferPorts {
    ports: Vec<Option<Port>>,
    first_token: usize,
    offload: bool,
}

impl TransferPorts {
    /// Tokens from `first_token` on belong to transfers.
    pub(super) fn new(first_token: usize) -> Self {
        Self { ports: Vec::new(), first_token, offload: true }
    }

    pub(super) fn of_token(&self, token: Token) -> Option<TransferId> {
        let index = token.0.checked_sub(self.first_token)?;
        self.ports.get(index)?.as_ref().map(|port| port.transfer)
    }

    fn get(&self, transfer: TransferId) -> Option<&Port> {
        let port = self.ports.get(transfer.index())?.as_ref()?;
        (port.transfer == transfer).then_some(port)
    }

    pub(super) fn is_ipv6(&self, transfer: TransferId) -> bool {
        self.get(transfer).is_some_and(|port| port.is_ipv6)
    }

    /// Takes what waits at a port, at most a batch of it.
    pub(super) fn receive(
        &self,
        transfer: TransferId,
        batch: &mut TransferBatch,
    ) -> io::Result<()> {
        match self.get(transfer) {
            Some(port) => batch.receive(&port.socket),
            None => Ok(()),
        }
    }

    /// Sends by a transfer's port; opens it first if it is new.
    pub(super) fn send(
        &mut self,
        registry: &Registry,
        transfer: TransferId,
        transmit: &Transmit,
        bytes: &[u8],
    ) -> io::Result<()> {
        let offload = self.offload;
        let port = self.open(registry, transfer, transmit.source)?;
        let to = transmit.destination;
        if let Some(segment) = transmit.segment_bytes.filter(|&size| size < bytes.len())
            && offload
        {
            match port.send_row(segment, to, bytes) {
                Err(error) if segments::is_refusal(&error) => {
                    port.forget_segments();
                    self.offload = false;
                }
                sent => return sent,
            }
        }
        let port = self.open(registry, transfer, transmit.source)?;
        for datagram in segments::of(bytes, transmit.segment_bytes) {
            port.socket.send_to(datagram, to)?;
        }
        Ok(())
    }

    fn open(
        &mut self,
        registry: &Registry,
        transfer: TransferId,
        local: IpAddr,
    ) -> io::Result<&mut Port> {
        let index = transfer.index();
        if self.ports.len() <= index {
            self.ports.resize_with(index + 1, || None);
        }
        let slot = &mut self.ports[index];
        if slot.as_ref().is_none_or(|port| port.transfer != transfer) {
            let mut socket = bind(local)?;
            let token = Token(self.first_token + index);
            registry.register(&mut socket, token, Interest::READABLE)?;
            *slot = Some(Port { transfer, socket, segment_bytes: 0, is_ipv6: local.is_ipv6() });
        }
        slot.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    pub(super) fn close(&mut self, registry: &Registry, transfer: TransferId) {
        let Some(slot) = self.ports.get_mut(transfer.index()) else { return };
        if let Some(mut port) = slot.take_if(|port| port.transfer == transfer) {
            // Closing the descriptor takes it out of the poll anyway.
            let _ = registry.deregister(&mut port.socket);
        }
    }
}

impl Port {
    fn send_row(&mut self, segment: usize, to: SocketAddr, row: &[u8]) -> io::Result<()> {
        let segment = u16::try_from(segment).unwrap_or(u16::MAX);
        if self.segment_bytes != segment {
            // Told once, the socket cuts every row of this transfer: no control message, and
            // nothing allocated, for each window.
            setsockopt(&self.socket, sockopt::UdpGsoSegment, &i32::from(segment))?;
            self.segment_bytes = segment;
        }
        self.socket.send_to(row, to).map(drop)
    }

    fn forget_segments(&mut self) {
        if self.segment_bytes != 0 {
            let _ = setsockopt(&self.socket, sockopt::UdpGsoSegment, &0);
            self.segment_bytes = 0;
        }
    }
}

/// Bound to the address that was asked, at a port of the system's choice.
fn bind(local: IpAddr) -> io::Result<mio::net::UdpSocket> {
    let address = SocketAddr::new(local, 0);
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(mio::net::UdpSocket::from_std(socket.into()))
}
