//! The ports of transfers (TIDs, RFC 1350 section 4): a window out in one call, acknowledgements in
//! by the handful.

use core::net::{IpAddr, SocketAddr};
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use mio::{Interest, Registry, Token};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt};
use pxe_tftp::TransferId;
use socket2::{Domain, Protocol, Socket, Type};

use super::listen::socket_address;
use super::segments;
use crate::engine::Transmit;

/// Datagrams taken by one call. Fewer mean that the port is empty, so that a lockstep client costs
/// one call for each acknowledgement and not two.
pub(super) const DATAGRAMS_PER_CALL: usize = 4;
/// Room for one datagram. What clients send in a transfer is an acknowledgement or an ERROR; a
/// longer datagram is cut, and dropped by the codec.
const DATAGRAM_BYTES: usize = 768;

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

    pub(super) fn is_ipv6(&self, transfer: TransferId) -> Option<bool> {
        self.get(transfer).map(|port| port.is_ipv6)
    }

    /// Takes what waits at a port, [`DATAGRAMS_PER_CALL`] at most, and returns how many there were.
    pub(super) fn receive(&self, transfer: TransferId, batch: &mut Batch) -> io::Result<usize> {
        match self.get(transfer) {
            Some(port) => batch.receive(&port.socket),
            None => Ok(0),
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

/// One batch for each family: the kernel leaves the length of the last address in its headers.
pub(super) struct Batches {
    ipv4: Batch,
    ipv6: Batch,
}

impl Batches {
    pub(super) fn new() -> Self {
        Self { ipv4: Batch::new(), ipv6: Batch::new() }
    }

    pub(super) fn of_family(&mut self, is_ipv6: bool) -> &mut Batch {
        if is_ipv6 { &mut self.ipv6 } else { &mut self.ipv4 }
    }
}

/// A handful of datagrams and where they came from, in buffers that are used again.
pub(super) struct Batch {
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Box<[[u8; DATAGRAM_BYTES]; DATAGRAMS_PER_CALL]>,
    taken: [(usize, Option<SocketAddr>); DATAGRAMS_PER_CALL],
}

impl Batch {
    fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(DATAGRAMS_PER_CALL, None),
            buffers: Box::new([[0; DATAGRAM_BYTES]; DATAGRAMS_PER_CALL]),
            taken: [(0, None); DATAGRAMS_PER_CALL],
        }
    }

    fn receive(&mut self, socket: &mio::net::UdpSocket) -> io::Result<usize> {
        let mut slices = self.buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let fd = socket.as_raw_fd();
        let received = match recvmmsg(fd, &mut self.headers, slices.iter_mut(), flags, None) {
            Ok(received) => received,
            Err(nix::Error::EAGAIN) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let mut count = 0;
        for (message, taken) in received.zip(&mut self.taken) {
            *taken = (message.bytes, message.address.as_ref().and_then(socket_address));
            count += 1;
        }
        Ok(count)
    }

    /// The datagrams of the last call that had a source.
    pub(super) fn datagrams(&self, count: usize) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        self.taken
            .iter()
            .zip(self.buffers.iter())
            .take(count)
            .filter_map(|(&(bytes, source), buffer)| Some((source?, buffer.get(..bytes)?)))
    }
}
