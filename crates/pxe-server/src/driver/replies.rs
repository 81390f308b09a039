//! DHCP replies on their way out: those that leave by one interface share a system call.
//! A client that has no address yet, and did not ask for a broadcast, is reached by its Ethernet address.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::io::{self, IoSlice};
use std::os::fd::RawFd;

use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};

use super::TRANSMITS_PER_SOCKET_MAX;
use super::direct::Direct;
use super::frame;
use super::listen::info_ipv4;
use crate::engine::{SocketId, Transmit};

/// Replies sent by one call.
const REPLIES_PER_CALL_MAX: usize = TRANSMITS_PER_SOCKET_MAX;

/// Replies that are not sent yet.
pub(super) struct Replies {
    headers: MultiHeaders<SockaddrStorage>,
    /// For frames, which have no control message.
    bare_headers: MultiHeaders<SockaddrStorage>,
    waiting: Vec<Reply>,
    /// How many of `waiting` are in use; the others lend their buffers.
    count: usize,
}

struct Reply {
    /// A datagram, or with `link` a whole frame.
    bytes: Vec<u8>,
    socket: SocketId,
    destination: SocketAddr,
    info: libc::in_pktinfo,
    /// The interface that the frame leaves by.
    link: Option<SockaddrStorage>,
}

/// What replies leave by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Socket(SocketId),
    /// The packet socket.
    Frames,
}

impl Replies {
    pub(super) fn new() -> Self {
        let space = nix::cmsg_space!(libc::in_pktinfo);
        Self {
            headers: MultiHeaders::preallocate(REPLIES_PER_CALL_MAX, Some(space)),
            bare_headers: MultiHeaders::preallocate(REPLIES_PER_CALL_MAX, None),
            waiting: Vec::new(),
            count: 0,
        }
    }

    /// Adds a reply; whether it is one. Anything else has to be sent at once.
    pub(super) fn take(
        &mut self,
        transmit: &Transmit,
        bytes: &[u8],
        direct: Option<&mut Direct>,
    ) -> bool {
        let Transmit { socket, destination, source, interface, .. } = *transmit;
        let is_reply = matches!(socket, SocketId::Dhcp | SocketId::BootServer);
        let (true, IpAddr::V4(source), SocketAddr::V4(mut to)) = (is_reply, source, destination)
        else {
            return false;
        };
        if self.waiting.len() == self.count {
            let info = info_ipv4(source, *to.ip(), interface);
            self.waiting.push(Reply { bytes: Vec::new(), socket, destination, info, link: None });
        }
        if let Some(reply) = self.waiting.get_mut(self.count) {
            reply.bytes.clear();
            reply.link = direct.and_then(|it| it.frame(&mut reply.bytes, transmit, bytes));
            if reply.link.is_none() {
                reply.bytes.extend_from_slice(bytes);
            }
            if transmit.link.is_some() {
                // Also where the frame cannot leave.
                to.set_ip(Ipv4Addr::BROADCAST);
            }
            reply.info = info_ipv4(source, *to.ip(), interface);
            (reply.socket, reply.destination) = (socket, to.into());
            self.count += 1;
        }
        true
    }

    /// Whether it is time to send.
    pub(super) const fn is_full(&self) -> bool {
        self.count >= REPLIES_PER_CALL_MAX
    }

    /// Sends what waits, by the sockets that `descriptor` knows. One that cannot be sent is told to `failed`, and does
    /// not hold up the others; a frame that cannot be sent is broadcast instead.
    pub(super) fn flush(
        &mut self,
        descriptor: impl Fn(By) -> Option<RawFd>,
        mut failed: impl FnMut(SocketAddr, io::Error),
    ) {
        let Self { headers, bare_headers, waiting, count } = self;
        let waiting = waiting.get_mut(..*count).unwrap_or_default();
        let mut rest = 0;
        while let Some(first) = waiting.get(rest) {
            let by = first.by();
            // The control message is one for all of a call.
            let alike = waiting.iter().skip(rest).take_while(|reply| reply.is_like(first)).count();
            let run = waiting.get(rest..rest + alike.min(REPLIES_PER_CALL_MAX)).unwrap_or_default();
            let control = [ControlMessage::Ipv4PacketInfo(&first.info)];
            let sent = descriptor(by).map(|fd| match by {
                By::Socket(_) => send(fd, headers, run, &control),
                By::Frames => send(fd, bare_headers, run, &[]),
            });
            let sent = match sent {
                Some(Ok(sent)) => sent.max(1),
                None if by != By::Frames => run.len(),
                Some(Err(error)) if by != By::Frames => {
                    failed(first.destination, error);
                    1
                }
                Some(Err(_)) | None => {
                    if let Some(first) = waiting.get_mut(rest) {
                        first.broadcast_instead();
                    }
                    continue;
                }
            };
            rest += sent;
        }
        *count = 0;
    }
}

impl Reply {
    fn by(&self) -> By {
        if self.link.is_some() { By::Frames } else { By::Socket(self.socket) }
    }

    /// Whether one call can send both.
    fn is_like(&self, other: &Self) -> bool {
        let key = |reply: &Self| (reply.info.ipi_ifindex, reply.info.ipi_spec_dst.s_addr);
        self.by() == other.by() && (self.by() == By::Frames || key(self) == key(other))
    }

    /// Makes of a frame the datagram in it.
    fn broadcast_instead(&mut self) {
        self.link = None;
        self.bytes.drain(..frame::HEADERS_BYTES.min(self.bytes.len()));
    }
}

/// How many were sent, from the first on; an error is the first one's.
fn send(
    fd: RawFd,
    headers: &mut MultiHeaders<SockaddrStorage>,
    run: &[Reply],
    control: &[ControlMessage<'_>],
) -> io::Result<usize> {
    let empty: &[u8] = &[];
    let mut slices = [[IoSlice::new(empty)]; REPLIES_PER_CALL_MAX];
    let mut addresses = [None; REPLIES_PER_CALL_MAX];
    for ((slice, address), reply) in slices.iter_mut().zip(&mut addresses).zip(run) {
        *slice = [IoSlice::new(&reply.bytes)];
        *address = reply.link.or_else(|| Some(SockaddrStorage::from(reply.destination)));
    }
    let slices = slices.iter().take(run.len());
    let sent = sendmmsg(fd, headers, slices, addresses, control, MsgFlags::empty())?;
    Ok(sent.count())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};
    use std::os::fd::AsRawFd as _;

    use super::*;

    fn transmit(socket: SocketId, source: IpAddr, destination: SocketAddr) -> Transmit {
        Transmit { socket, destination, source, interface: 0, segment_bytes: None, link: None }
    }

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
            let transmit = transmit(socket, source, destination);
            assert!(replies.take(&transmit, bytes, None));
        }
        let ports = sockets.each_ref().map(|it| it.local_addr().expect("address").port());
        let is_second = |by| by != By::Socket(SocketId::Dhcp);
        let descriptor = |by| Some(sockets[usize::from(is_second(by))].as_raw_fd());
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
    fn a_frame_that_cannot_leave_is_a_datagram_again() {
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("socket");
        let ours = UdpSocket::bind("127.0.0.1:0").expect("socket");
        let destination = receiver.local_addr().expect("address");
        let mut replies = Replies::new();
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let socket = SocketId::Dhcp;
        for payload in [b"one", b"two"] {
            let transmit = transmit(socket, source, destination);
            assert!(replies.take(&transmit, payload, None));
        }
        // As if it were for a client without an address; there is no broadcast on the loopback.
        let link = SockaddrStorage::from(SocketAddr::from(([127, 0, 0, 1], 9)));
        let reply = &mut replies.waiting[0];
        reply.link = Some(link);
        reply.bytes = [&[0; frame::HEADERS_BYTES][..], b"one"].concat();
        let descriptor = |by| (by == By::Socket(SocketId::Dhcp)).then(|| ours.as_raw_fd());
        replies.flush(descriptor, |to, error| panic!("{to}: {error}"));
        let mut buffer = [0; 16];
        for expected in [b"one", b"two"] {
            let bytes = receiver.recv(&mut buffer).expect("a datagram");
            assert_eq!(buffer[..bytes], expected[..]);
        }
    }

    #[test]
    fn files_are_not_held_back() {
        let destination = "127.0.0.1:9".parse().expect("an address");
        let transmit = transmit(SocketId::Tftp, IpAddr::V4(Ipv4Addr::LOCALHOST), destination);
        assert!(!Replies::new().take(&transmit, b"a", None));
    }
}
