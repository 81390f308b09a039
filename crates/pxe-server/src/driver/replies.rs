//! DHCP replies on their way out: those that leave by one interface share a system call.

use core::net::{IpAddr, SocketAddr};
use std::io::{self, IoSlice};
use std::os::fd::RawFd;

use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};

use super::TRANSMITS_PER_SOCKET_MAX;
use super::listen::info_ipv4;
use crate::engine::{SocketId, Transmit};

/// Replies sent by one call.
const REPLIES_PER_CALL_MAX: usize = TRANSMITS_PER_SOCKET_MAX;

/// Replies that are not sent yet.
pub(super) struct Replies {
    headers: MultiHeaders<SockaddrStorage>,
    waiting: Vec<Reply>,
    /// How many of `waiting` are in use; the others lend their buffers.
    count: usize,
}

struct Reply {
    bytes: Vec<u8>,
    socket: SocketId,
    destination: SocketAddr,
    info: libc::in_pktinfo,
}

impl Replies {
    pub(super) fn new() -> Self {
        let space = nix::cmsg_space!(libc::in_pktinfo);
        Self {
            headers: MultiHeaders::preallocate(REPLIES_PER_CALL_MAX, Some(space)),
            waiting: Vec::new(),
            count: 0,
        }
    }

    /// Adds a reply; whether it is one. Anything else has to be sent at once.
    pub(super) fn take(&mut self, transmit: &Transmit, bytes: &[u8]) -> bool {
        let Transmit { socket, destination, source, interface, .. } = *transmit;
        let is_reply = matches!(socket, SocketId::Dhcp | SocketId::BootServer);
        let (true, IpAddr::V4(source), SocketAddr::V4(to)) = (is_reply, source, destination) else {
            return false;
        };
        let info = info_ipv4(source, *to.ip(), interface);
        if self.waiting.len() == self.count {
            self.waiting.push(Reply { bytes: Vec::new(), socket, destination, info });
        }
        if let Some(reply) = self.waiting.get_mut(self.count) {
            reply.bytes.clear();
            reply.bytes.extend_from_slice(bytes);
            (reply.socket, reply.destination, reply.info) = (socket, destination, info);
            self.count += 1;
        }
        true
    }

    /// Whether it is time to send.
    pub(super) const fn is_full(&self) -> bool {
        self.count >= REPLIES_PER_CALL_MAX
    }

    /// Sends what waits, by the sockets that `descriptor` knows. One that cannot be sent is told to `failed`, and does
    /// not hold up the others.
    pub(super) fn flush(
        &mut self,
        descriptor: impl Fn(SocketId) -> Option<RawFd>,
        mut failed: impl FnMut(SocketAddr, io::Error),
    ) {
        let mut rest = self.waiting.get(..self.count).unwrap_or_default();
        while let Some(first) = rest.first() {
            // The control message is one for all of a call.
            let alike = rest.iter().take_while(|reply| reply.is_like(first)).count();
            let run = rest.get(..alike.min(REPLIES_PER_CALL_MAX)).unwrap_or_default();
            let sent = descriptor(first.socket).map(|fd| send(fd, &mut self.headers, run));
            let sent = match sent {
                Some(Ok(sent)) => sent.max(1),
                Some(Err(error)) => {
                    failed(first.destination, error);
                    1
                }
                None => run.len(),
            };
            rest = rest.get(sent..).unwrap_or_default();
        }
        self.count = 0;
    }
}

impl Reply {
    /// Whether one call can send both.
    fn is_like(&self, other: &Self) -> bool {
        let key = |reply: &Self| (reply.info.ipi_ifindex, reply.info.ipi_spec_dst.s_addr);
        self.socket == other.socket && key(self) == key(other)
    }
}

/// How many were sent, from the first on; an error is the first one's.
fn send(
    fd: RawFd,
    headers: &mut MultiHeaders<SockaddrStorage>,
    run: &[Reply],
) -> io::Result<usize> {
    let Some(first) = run.first() else { return Ok(0) };
    let empty: &[u8] = &[];
    let mut slices = [[IoSlice::new(empty)]; REPLIES_PER_CALL_MAX];
    let mut addresses = [None; REPLIES_PER_CALL_MAX];
    for ((slice, address), reply) in slices.iter_mut().zip(&mut addresses).zip(run) {
        *slice = [IoSlice::new(&reply.bytes)];
        *address = Some(SockaddrStorage::from(reply.destination));
    }
    let control = [ControlMessage::Ipv4PacketInfo(&first.info)];
    let slices = slices.iter().take(run.len());
    let sent = sendmmsg(fd, headers, slices, addresses, control, MsgFlags::empty())?;
    Ok(sent.count())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn one_that_cannot_be_sent_holds_up_no_other() {
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("socket");
        let sockets = [(); 2].map(|()| UdpSocket::bind("0.0.0.0:0").expect("socket"));
        let destination = receiver.local_addr().expect("address");
        // A datagram that no IPv4 packet can hold.
        let huge = vec![0; 70_000];
        let [one, two] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
        let mut replies = Replies::new();
        for (bytes, socket, source) in [
            (&b"a"[..], SocketId::Dhcp, one),
            (&huge, SocketId::Dhcp, one),
            (b"bb", SocketId::Dhcp, one),
            (b"ccc", SocketId::Dhcp, two),
            (b"dddd", SocketId::BootServer, two),
        ] {
            let transmit =
                Transmit { socket, destination, source, interface: 0, segment_bytes: None };
            assert!(replies.take(&transmit, bytes));
        }
        let ports = sockets.each_ref().map(|it| it.local_addr().expect("address").port());
        let descriptor = |socket| Some(sockets[usize::from(socket != SocketId::Dhcp)].as_raw_fd());
        let mut failed = Vec::new();
        replies.flush(descriptor, |to, _| failed.push(to));
        assert_eq!(failed, [destination]);
        let mut buffer = [0; 16];
        let came: Vec<_> = (0..4)
            .map(|_| receiver.recv_from(&mut buffer).expect("a datagram"))
            .map(|(bytes, from)| (bytes, from.ip(), from.port()))
            .collect();
        let expected =
            [(1, one, ports[0]), (2, one, ports[0]), (3, two, ports[0]), (4, two, ports[1])];
        assert_eq!(came, expected);
        replies.flush(descriptor, |to, _| panic!("{to} again"));
    }

    #[test]
    fn files_are_not_held_back() {
        let destination = "127.0.0.1:9".parse().expect("an address");
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let socket = SocketId::Tftp;
        let transmit = Transmit { socket, destination, source, interface: 0, segment_bytes: None };
        assert!(!Replies::new().take(&transmit, b"a"));
    }
}
