//! UDP sockets that know which interface a datagram came in by, and answer through it.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, RawFd};

use mio::event::Source;
use mio::{Interest, Registry, Token};
use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg,
};
use socket2::{Domain, Protocol, Socket, Type};

/// Receive buffer asked for on the listening sockets, in bytes: a boot storm's requests wait here
/// while one wake-up is worked off. The kernel may grant less.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;

/// A datagram's surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// Bytes in the buffer.
    pub(crate) bytes: usize,
    pub(crate) source: SocketAddrV4,
    /// The address of ours it was sent to, or for a broadcast the one the kernel would answer
    /// from.
    pub(crate) local: Ipv4Addr,
    /// Kernel index of the interface.
    pub(crate) interface: u32,
}

/// A listening socket bound to every address, with packet information.
pub(crate) struct ListenSocket {
    socket: mio::net::UdpSocket,
    control: Vec<u8>,
}

impl ListenSocket {
    /// Binds `0.0.0.0:port`. DF stays clear: some boot ROMs and relays cannot cope with it
    /// (`IP_PMTUDISC_DONT`, as dnsmasq does).
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_broadcast(true)?;
        // A smaller buffer than asked for still works.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::Ipv4PacketInfo, &true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
        Ok(Self {
            socket: mio::net::UdpSocket::from_std(socket.into()),
            control: nix::cmsg_space!(libc::in_pktinfo),
        })
    }

    /// Takes one datagram; `Ok(None)` when there is none. A datagram that carries no packet
    /// information, or is longer than the buffer, is reported as an error of kind `InvalidData`.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Arrival>> {
        let fd = self.socket.as_raw_fd();
        let mut slices = [IoSliceMut::new(buffer)];
        let message =
            recvmsg::<SockaddrIn>(fd, &mut slices, Some(&mut self.control), MsgFlags::empty());
        let message = match message {
            Ok(message) => message,
            Err(nix::Error::EAGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let whole = !message.flags.contains(MsgFlags::MSG_TRUNC);
        let info = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => Some(info),
            _ => None,
        });
        let (Some(source), Some(info), true) = (message.address, info, whole) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        Ok(Some(Arrival {
            bytes: message.bytes,
            source: source.into(),
            local: Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr)),
            interface: u32::try_from(info.ipi_ifindex).unwrap_or(0),
        }))
    }

    /// Sends one datagram from `source` through `interface` (0: as the routing table says).
    pub(crate) fn send(
        &self,
        bytes: &[u8],
        destination: SocketAddrV4,
        source: Ipv4Addr,
        interface: u32,
    ) -> io::Result<()> {
        send_from(self.socket.as_raw_fd(), bytes, destination, source, interface)
    }
}

fn send_from(
    fd: RawFd,
    bytes: &[u8],
    destination: SocketAddrV4,
    source: Ipv4Addr,
    interface: u32,
) -> io::Result<()> {
    // Only a broadcast must be aimed at an interface; towards one host the routing table knows
    // better (the client of a relay is not on the interface its request came by).
    let aimed = if destination.ip().is_broadcast() { interface } else { 0 };
    let info = libc::in_pktinfo {
        ipi_ifindex: libc::c_int::try_from(aimed).unwrap_or(0),
        ipi_spec_dst: libc::in_addr { s_addr: u32::from(source).to_be() },
        ipi_addr: libc::in_addr { s_addr: 0 },
    };
    let control = [ControlMessage::Ipv4PacketInfo(&info)];
    let slices = [IoSlice::new(bytes)];
    let address = SockaddrIn::from(destination);
    sendmsg(fd, &slices, &control, MsgFlags::empty(), Some(&address))?;
    Ok(())
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

/// The port of one transfer (its TID, RFC 1350 section 4), bound to the address that was asked.
pub(crate) fn bind_transfer(local: IpAddr) -> io::Result<mio::net::UdpSocket> {
    let domain = if local.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(local, 0).into())?;
    Ok(mio::net::UdpSocket::from_std(socket.into()))
}
