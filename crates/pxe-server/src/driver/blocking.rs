//! Sockets that wait: of the questions that are asked before, or beside, the loops.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::io;
use std::net::UdpSocket;

use socket2::{Domain, Protocol, Socket, Type};

use super::interfaces::Interface;

/// The port of DHCP clients, beside a DHCP client of this machine if that allows it. Broadcasts reach every socket of a
/// port.
///
/// # Errors
/// It cannot be had there.
pub(crate) fn client_socket(interface: &Interface, port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.bind_device(Some(interface.name.as_bytes()))?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    Ok(socket.into())
}

/// Whether nothing came in time, or the wait was cut short: no fault of the socket.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}
