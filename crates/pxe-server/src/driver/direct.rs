//! Sends to clients that have no address yet: by a packet socket, since nobody answers ARP for them (RFC 2131 section
//! 4.1). Without the right to one (`CAP_NET_RAW`), or on what is no Ethernet, such replies are broadcast.

use core::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};

use nix::sys::socket::SockaddrStorage;
use socket2::{Domain, Socket, Type};

use super::frame::{self, Ends};
use super::links::Links;
use crate::engine::Transmit;

/// The packet socket. It receives nothing.
pub(super) struct Direct {
    socket: Socket,
    /// That of our DHCP socket.
    port: u16,
    links: Links,
}

impl Direct {
    pub(super) fn open(port: u16) -> io::Result<Self> {
        // Of no protocol, so that the kernel hands it no packet.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, port, links: Links::default() })
    }

    /// Writes the frame for a reply that goes to an Ethernet address; none for others, and where that cannot be.
    pub(super) fn frame(
        &mut self,
        out: &mut Vec<u8>,
        transmit: &Transmit,
        payload: &[u8],
    ) -> Option<SockaddrStorage> {
        let client = transmit.link?;
        let (IpAddr::V4(source), SocketAddr::V4(to)) = (transmit.source, transmit.destination)
        else {
            return None;
        };
        let link = self.links.of(transmit.interface)?;
        let from = (link.mac, SocketAddrV4::new(source, self.port));
        frame::write(out, &Ends { from, to: (client, to) }, payload).then_some(link.address)
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// The machine changes while we run.
    pub(super) fn forget_links(&mut self) {
        self.links.forget();
    }
}
