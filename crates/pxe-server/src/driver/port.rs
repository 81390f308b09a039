//! One UDP port of transfers: a window out in one call, acknowledgements in by the handful.

use core::net::{IpAddr, SocketAddr};
use std::collections::HashMap;
use std::io;

use mio::event::Source;
use nix::sys::socket::{setsockopt, sockopt};
use pxe_tftp::TransferId;
use socket2::{Domain, Protocol, Socket, Type};

use super::batch::{Family, TransferBatch};

/// Receive buffer asked for, in bytes: an acknowledgement of each transfer that shares the port may
/// wait here. The kernel may grant less.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;

/// A socket and the transfers that use it, at most one for each client address.
pub(super) struct Port {
    socket: mio::net::UdpSocket,
    local: IpAddr,
    users: HashMap<IpAddr, TransferId>,
    users_max: usize,
    /// The segment size the socket was told; 0: none.
    segment_bytes: u16,
}

impl Port {
    /// Bound to the address that was asked, at a port of the system's choice, for so many transfers.
    pub(super) fn bind(local: IpAddr, users_max: usize) -> io::Result<Self> {
        let address = SocketAddr::new(local, 0);
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if users_max > 1 {
            // A smaller buffer than asked for still works.
            let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        }
        socket.bind(&address.into())?;
        let socket = mio::net::UdpSocket::from_std(socket.into());
        Ok(Self { socket, local, users: HashMap::new(), users_max, segment_bytes: 0 })
    }

    pub(super) fn source(&mut self) -> &mut impl Source {
        &mut self.socket
    }

    pub(super) const fn family(&self) -> Family {
        Family::of(self.local)
    }

    pub(super) const fn is_shared(&self) -> bool {
        self.users_max > 1
    }

    /// Whether another transfer, to this client, may use it: what comes to a port is told apart by
    /// the sender's address alone.
    pub(super) fn suits(&self, local: IpAddr, client: IpAddr) -> bool {
        self.local == local
            && self.users.len() < self.users_max
            && !self.users.contains_key(&client)
    }

    pub(super) fn admit(&mut self, client: IpAddr, transfer: TransferId) {
        self.users.insert(client, transfer);
    }

    /// Takes a transfer out; whether the port is left without any.
    pub(super) fn dismiss(&mut self, client: IpAddr, transfer: TransferId) -> bool {
        if self.users.get(&client) == Some(&transfer) {
            self.users.remove(&client);
        }
        self.users.is_empty()
    }

    /// Whose a datagram from this address is. A stranger's goes to any of the transfers, which
    /// knows how to turn it away.
    pub(super) fn user(&self, client: IpAddr) -> Option<TransferId> {
        self.users.get(&client).or_else(|| self.users.values().next()).copied()
    }

    /// Takes what waits, at most a batch of it.
    pub(super) fn receive(&self, batch: &mut TransferBatch) -> io::Result<()> {
        batch.receive(&self.socket)
    }

    /// Sends a row of datagrams of `segment` bytes each, which the kernel cuts apart. Told once, the
    /// socket cuts every row of that size: no control message, and nothing allocated, for each.
    pub(super) fn send_row(&mut self, segment: u16, to: SocketAddr, row: &[u8]) -> io::Result<()> {
        self.tell_segments(segment)?;
        self.socket.send_to(row, to).map(drop)
    }

    /// Sends one datagram, whole.
    pub(super) fn send_one(&mut self, to: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        if self.segment_bytes != 0 && datagram.len() > usize::from(self.segment_bytes) {
            // What another transfer's rows are cut into is not for this one.
            self.forget_segments()?;
        }
        self.socket.send_to(datagram, to).map(drop)
    }

    pub(super) fn forget_segments(&mut self) -> io::Result<()> {
        self.tell_segments(0)
    }

    fn tell_segments(&mut self, segment: u16) -> io::Result<()> {
        if self.segment_bytes != segment {
            setsockopt(&self.socket, sockopt::UdpGsoSegment, &i32::from(segment))?;
            self.segment_bytes = segment;
        }
        Ok(())
    }
}
