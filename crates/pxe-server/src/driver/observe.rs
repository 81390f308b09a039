//! Sockets that hear DHCP and have no way to send: that of `observe` mode, and one for what others offer beside us.
//!
//! A packet socket sees what reaches the machine before any UDP socket does, so that a DHCP server on
//! this very host keeps port 67 to itself, undisturbed; and it sees the replies that go to port 68. A
//! filter in the kernel lets through what is addressed to these two ports, and nothing else wakes us.
//! Without the right to one (`CAP_NET_RAW`) port 67 itself is listened to, as long as it is free.

use core::net::{IpAddr, Ipv4Addr};
use std::io;
use std::os::fd::AsRawFd;

use log::warn;
use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use nix::libc;
use nix::sys::socket::{SockaddrStorage, recvfrom};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::batch::ListenBatch;
use super::frame::{self, Frame};
use super::holder;
use super::listen::{ListenSocket, Sharing};
use super::ports::BindFault;
use crate::engine::Arrival;

/// Packets taken in one turn before timers and sends have theirs.
const PACKETS_PER_TURN_MAX: usize = 64;
/// Room for a packet; DHCP never needs more than an Ethernet frame.
const PACKET_BYTES: usize = 2_048;
/// Receive buffer asked for, in bytes: a network's DISCOVERs after a power cut wait here.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;

/// Hears DHCP. There is no method to send, on purpose.
pub(super) enum ObserveSocket {
    /// Everything that reaches this machine for the two ports.
    Packet { socket: Socket, ports: [u16; 2], buffer: Box<[u8; PACKET_BYTES]> },
    /// What is sent to the server port, clients' broadcasts and relays' copies.
    Datagram(ListenSocket),
}

impl ObserveSocket {
    /// Listens to DHCP on `port` and the client port beside it.
    pub(super) fn open(port: u16, client_port: u16) -> Result<Self, BindFault> {
        let ports = [port, client_port];
        let refused = match packet_socket(&filter(ports, None)) {
            Ok(socket) => {
                let buffer = Box::new([0; PACKET_BYTES]);
                return Ok(Self::Packet { socket, ports, buffer });
            }
            Err(error) => error,
        };
        match ListenSocket::bind_ipv4(port, Sharing::Nobody) {
            Ok(socket) => {
                warn!(
                    "observing by UDP port {port} alone, a packet socket is refused ({refused}): DHCP \
                     servers' replies are not heard; {}",
                    holder::grant()
                );
                Ok(Self::Datagram(socket))
            }
            Err(error) => Err(fault(port, &refused, &error)),
        }
    }

    /// Listens to what servers broadcast to clients, and to nothing else: no message of a client wakes us. What this
    /// machine sends itself does not come to it, save what leaves by the loopback.
    ///
    /// # Errors
    /// If there is no right to a packet socket (`CAP_NET_RAW`).
    pub(super) fn open_replies(client_port: u16) -> io::Result<Self> {
        let socket = packet_socket(&filter([client_port; 2], Some(Ipv4Addr::BROADCAST)))?;
        let buffer = Box::new([0; PACKET_BYTES]);
        Ok(Self::Packet { socket, ports: [client_port; 2], buffer })
    }

    /// Gives what waits to `take`, a bounded number of datagrams; whether nothing more waits.
    pub(super) fn receive(
        &mut self,
        batch: &mut ListenBatch,
        mut take: impl FnMut(Arrival, &[u8]),
    ) -> io::Result<bool> {
        match self {
            Self::Datagram(socket) => {
                socket.receive(batch)?;
                for (arrival, datagram) in batch.datagrams() {
                    take(arrival, datagram);
                }
                Ok(!batch.is_full())
            }
            Self::Packet { socket, ports, buffer } => {
                for _ in 0..PACKETS_PER_TURN_MAX {
                    let received = recvfrom::<SockaddrStorage>(socket.as_raw_fd(), &mut buffer[..]);
                    let (bytes, from) = match received {
                        Ok(received) => received,
                        Err(nix::Error::EAGAIN) => return Ok(true),
                        Err(error) => return Err(error.into()),
                    };
                    let Some(frame) =
                        buffer.get(..bytes).and_then(|packet| frame::udp(packet, *ports))
                    else {
                        continue;
                    };
                    take(arrival(&frame, from.as_ref()), frame.payload);
                }
                Ok(false)
            }
        }
    }
}

/// Every IPv4 packet that comes to this machine (not what it sends), cut down by the filter. Packets
/// from before the filter was there are looked at like any others.
fn packet_socket(filter: &[SockFilter]) -> io::Result<Socket> {
    let protocol = i32::from((libc::ETH_P_IP as u16).to_be());
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(protocol)))?;
    socket.attach_filter(filter)?;
    socket.set_nonblocking(true)?;
    // A smaller buffer than asked for still works.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    Ok(socket)
}

/// Classic BPF over an IPv4 packet: UDP, no fragment, to one of two ports; to this address alone, if there is one.
fn filter([first, second]: [u16; 2], to: Option<Ipv4Addr>) -> Vec<SockFilter> {
    use libc::{
        BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX,
        BPF_MSH, BPF_RET, BPF_W,
    };
    let code = |parts: u32| parts as u16;
    // Over everything between, to the last step.
    let refused = if to.is_some() { 9 } else { 7 };
    let mut steps = vec![
        SockFilter::new(code(BPF_LD | BPF_B | BPF_ABS), 0, 0, 9),
        SockFilter::new(code(BPF_JMP | BPF_JEQ | BPF_K), 0, refused, libc::IPPROTO_UDP as u32),
    ];
    if let Some(to) = to {
        steps.push(SockFilter::new(code(BPF_LD | BPF_W | BPF_ABS), 0, 0, 16));
        steps.push(SockFilter::new(code(BPF_JMP | BPF_JEQ | BPF_K), 0, 7, to.to_bits()));
    }
    steps.extend([
        SockFilter::new(code(BPF_LD | BPF_H | BPF_ABS), 0, 0, 6),
        SockFilter::new(code(BPF_JMP | BPF_JSET | BPF_K), 5, 0, frame::FRAGMENT_BITS.into()),
        SockFilter::new(code(BPF_LDX | BPF_B | BPF_MSH), 0, 0, 0),
        SockFilter::new(code(BPF_LD | BPF_H | BPF_IND), 0, 0, 2),
        SockFilter::new(code(BPF_JMP | BPF_JEQ | BPF_K), 1, 0, first.into()),
        SockFilter::new(code(BPF_JMP | BPF_JEQ | BPF_K), 0, 1, second.into()),
        SockFilter::new(code(BPF_RET | BPF_K), 0, 0, u32::MAX),
        SockFilter::new(code(BPF_RET | BPF_K), 0, 0, 0),
    ]);
    steps
}

/// A packet socket is bound to no address: ours on the link is filled in by the driver.
fn arrival(frame: &Frame<'_>, from: Option<&SockaddrStorage>) -> Arrival {
    let interface = from.and_then(SockaddrStorage::as_link_addr).map_or(0, |link| link.ifindex());
    Arrival {
        source: frame.source.into(),
        local: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        interface: u32::try_from(interface).unwrap_or(0),
        mtu: None,
        unicast: None,
    }
}

fn fault(port: u16, refused: &io::Error, error: &io::Error) -> BindFault {
    let problem = format!(
        "cannot listen to DHCP: a packet socket is refused ({refused}), and so is UDP port {port} ({error})"
    );
    BindFault {
        key: "dhcp.mode",
        problem,
        remedy: holder::grant(),
        holder: None,
        kind: error.kind(),
    }
}

impl Source for ObserveSocket {
    fn register(&mut self, r: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Packet { socket, .. } => {
                SourceFd(&socket.as_raw_fd()).register(r, token, interest)
            }
            Self::Datagram(socket) => socket.register(r, token, interest),
        }
    }

    fn reregister(&mut self, r: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Packet { socket, .. } => {
                SourceFd(&socket.as_raw_fd()).reregister(r, token, interest)
            }
            Self::Datagram(socket) => socket.reregister(r, token, interest),
        }
    }

    fn deregister(&mut self, r: &Registry) -> io::Result<()> {
        match self {
            Self::Packet { socket, .. } => SourceFd(&socket.as_raw_fd()).deregister(r),
            Self::Datagram(socket) => socket.deregister(r),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::super::batch::{Batches, Family};
    use super::*;

    /// Without the right to a packet socket the other way is tested.
    #[test]
    fn what_is_sent_to_the_ports_is_heard_and_nothing_else() {
        let free = |_| UdpSocket::bind("127.0.0.1:0").expect("a port");
        let [server, client, other] = [0, 1, 2].map(free);
        let port = |socket: &UdpSocket| socket.local_addr().expect("address").port();
        let (server_port, client_port) = (port(&server), port(&client));
        let packet = packet_socket(&filter([server_port, client_port], None)).is_ok();
        if !packet {
            drop(server);
        }
        let mut observer = ObserveSocket::open(server_port, client_port).expect("a socket");
        assert_eq!(matches!(observer, ObserveSocket::Packet { .. }), packet);
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        for (to, text) in [(server_port, "one"), (port(&other), "two"), (client_port, "three")] {
            sender.send_to(text.as_bytes(), ("127.0.0.1", to)).expect("send");
        }
        let mut heard = Vec::new();
        let mut batches: Batches<ListenBatch> = Batches::new();
        let empty = observer
            .receive(batches.of_family(Family::V4), |arrival, payload| {
                assert_eq!(arrival.source, sender.local_addr().expect("address"));
                assert!(arrival.interface > 0);
                heard.push(String::from_utf8_lossy(payload).into_owned());
            })
            .expect("receive");
        assert!(empty);
        assert_eq!(heard, if packet { vec!["one", "three"] } else { vec!["one"] });
    }

    #[test]
    fn what_servers_broadcast_to_clients_is_heard_and_nothing_else() {
        let sender = UdpSocket::bind("127.0.0.3:0").expect("a socket");
        let port = sender.local_addr().expect("address").port();
        let (client_port, other_port) = (port ^ 1, port ^ 2);
        let mut observer = match ObserveSocket::open_replies(client_port) {
            Ok(observer) => observer,
            Err(error) => {
                assert!(!nix::unistd::geteuid().is_root(), "root may have one: {error}");
                return;
            }
        };
        sender.set_broadcast(true).expect("a socket");
        socket2::SockRef::from(&sender).bind_device(Some(b"lo")).expect("the loopback");
        let (all, one) = (Ipv4Addr::BROADCAST, Ipv4Addr::LOCALHOST);
        for (to, port, text) in
            [(one, client_port, "one"), (all, other_port, "two"), (all, client_port, "three")]
        {
            sender.send_to(text.as_bytes(), (to, port)).expect("send");
        }
        let mut heard = Vec::new();
        let mut batches: Batches<ListenBatch> = Batches::new();
        let take = |arrival: Arrival, payload: &[u8]| {
            assert_eq!(arrival.source, sender.local_addr().expect("address"));
            heard.push(String::from_utf8_lossy(payload).into_owned());
        };
        assert!(observer.receive(batches.of_family(Family::V4), take).expect("receive"));
        assert_eq!(heard, ["three"]);
    }
}
