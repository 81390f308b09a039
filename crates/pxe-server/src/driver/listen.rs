//! Listening sockets that know which interface and address a datagram came to, and answer from
//! there.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, RawFd};

use mio::event::Source;
use mio::{Interest, Registry, Token};
use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::batch::{Family, ListenBatch};
use super::segments;

/// Receive buffer asked for on the listening sockets, in bytes: a boot storm's requests wait here
/// while one wake-up is worked off. The kernel may grant less.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// Who has the port besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    Nobody,
    /// Several sockets of ours take turns on it (`SO_REUSEPORT`).
    AmongLoops,
}

/// A socket bound to every address of one family, with packet information.
pub(super) struct ListenSocket {
    socket: mio::net::UdpSocket,
    /// The kernel cuts a row of datagrams apart for us (UDP segmentation offload).
    offload: bool,
}

impl ListenSocket {
    /// Binds `port` on every IPv4 address. DF stays clear: some boot ROMs and relays cannot cope
    /// with it (as dnsmasq and tftp-hpa do).
    pub(super) fn bind_ipv4(port: u16, sharing: Sharing) -> io::Result<Self> {
        Self::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), sharing, None)
    }

    /// The same on one interface, as it is now: what comes by others is for others.
    pub(super) fn bind_ipv4_on(port: u16, interface: &str) -> io::Result<Self> {
        let every_address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        Self::bind(every_address, Sharing::Nobody, Some(interface))
    }

    /// Binds `port` on every IPv6 address, and on none of IPv4.
    pub(super) fn bind_ipv6(port: u16, sharing: Sharing) -> io::Result<Self> {
        Self::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), sharing, None)
    }

    fn bind(address: SocketAddr, sharing: Sharing, interface: Option<&str>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // A smaller buffer than asked for still works.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        match Family::of(address.ip()) {
            Family::V4 => {
                socket.set_broadcast(true)?;
                setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
            }
            Family::V6 => {
                socket.set_only_v6(true)?;
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
            }
        }
        if sharing == Sharing::AmongLoops {
            socket.set_reuse_port(true)?;
        }
        if let Some(interface) = interface {
            socket.bind_device(Some(interface.as_bytes()))?;
        }
        socket.bind(&address.into())?;
        Ok(Self { socket: mio::net::UdpSocket::from_std(socket.into()), offload: true })
    }

    /// Takes what waits, at most a batch of it.
    pub(super) fn receive(&self, batch: &mut ListenBatch) -> io::Result<()> {
        batch.receive(&self.socket)
    }

    /// For replies that are sent together.
    pub(super) fn descriptor(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Sends `bytes`, in datagrams of `segment_bytes`, from `source`; a broadcast leaves through
    /// `interface`.
    pub(super) fn send(
        &mut self,
        bytes: &[u8],
        segment_bytes: Option<usize>,
        destination: SocketAddr,
        source: IpAddr,
        interface: u32,
    ) -> io::Result<()> {
        if let (Some(segment), true) =
            (segment_bytes.filter(|&size| size < bytes.len()), self.offload)
        {
            let segment = u16::try_from(segment).unwrap_or(u16::MAX);
            match self.send_one(bytes, Some(&segment), destination, source, interface) {
                Err(error) if segments::is_refusal(&error) => self.offload = false,
                sent => return sent,
            }
        }
        for datagram in segments::of(bytes, segment_bytes) {
            self.send_one(datagram, None, destination, source, interface)?;
        }
        Ok(())
    }

    fn send_one(
        &self,
        bytes: &[u8],
        segment: Option<&u16>,
        destination: SocketAddr,
        source: IpAddr,
        interface: u32,
    ) -> io::Result<()> {
        let (info4, info6);
        let info = match (source, destination) {
            (IpAddr::V4(source), SocketAddr::V4(destination)) => {
                info4 = info_ipv4(source, *destination.ip(), interface);
                ControlMessage::Ipv4PacketInfo(&info4)
            }
            (IpAddr::V6(source), SocketAddr::V6(_)) => {
                let ipi6_addr = libc::in6_addr { s6_addr: source.octets() };
                info6 = libc::in6_pktinfo { ipi6_addr, ipi6_ifindex: 0 };
                ControlMessage::Ipv6PacketInfo(&info6)
            }
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let slices = [IoSlice::new(bytes)];
        let to = SockaddrStorage::from(destination);
        let fd = self.socket.as_raw_fd();
        let flags = MsgFlags::empty();
        match segment {
            Some(segment) => {
                let control = [info, ControlMessage::UdpGsoSegments(segment)];
                sendmsg(fd, &slices, &control, flags, Some(&to))?;
            }
            None => {
                sendmsg(fd, &slices, &[info], flags, Some(&to))?;
            }
        }
        Ok(())
    }
}

/// Only a broadcast must be aimed at an interface; towards one host the routing table knows better
/// (the client of a relay is not on the interface its request came by).
pub(super) fn info_ipv4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    interface: u32,
) -> libc::in_pktinfo {
    let aimed = if destination.is_broadcast() { interface } else { 0 };
    libc::in_pktinfo {
        ipi_ifindex: libc::c_int::try_from(aimed).unwrap_or(0),
        ipi_spec_dst: libc::in_addr { s_addr: u32::from(source).to_be() },
        ipi_addr: libc::in_addr { s_addr: 0 },
    }
}

impl Source for ListenSocket {
    fn register(&mut self, r: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.socket.register(r, token, interest)
    }

    fn reregister(&mut self, r: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.socket.reregister(r, token, interest)
    }

    fn deregister(&mut self, r: &Registry) -> io::Result<()> {
        self.socket.deregister(r)
    }
}
