//! Asks whether anybody uses an address before it is offered: by ARP on our own links, by ICMP echo elsewhere, and
//! where no packet socket is allowed. The sockets are opened by the first question; without the right to any the
//! addresses are given unasked.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;

use log::warn;
use mio::unix::SourceFd;
use mio::{Interest, Registry};
use nix::libc;
use nix::sys::socket::{MsgFlags, SockaddrStorage, recvfrom, sendto};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::links::Links;
use super::ports::{PROBE_BY_ARP, PROBE_BY_ECHO};
use super::{arp, echo, holder};
use crate::engine::AddressProbe;

/// Answers taken before timers and sends have their turn.
const ANSWERS_PER_TURN_MAX: usize = 64;
/// Room for an answer: what of a packet is read.
const PACKET_BYTES: usize = 128;

/// A socket that is opened when it is first needed.
enum Lazy<T> {
    NotYet,
    Open(T),
    Refused,
}

/// A ping socket, for which the kernel counts and sorts, or a raw one that does it by its identifier.
struct Echo {
    socket: Socket,
    raw: Option<u16>,
}

/// The asking side of the engine's probes.
pub(super) struct Prober {
    arp: Lazy<Socket>,
    echo: Lazy<Echo>,
    links: Links,
    sequence: u16,
}

impl Prober {
    pub(super) fn new() -> Self {
        Self { arp: Lazy::NotYet, echo: Lazy::NotYet, links: Links::default(), sequence: 0 }
    }

    /// Asks; whether an answer can be hoped for.
    pub(super) fn ask(&mut self, registry: &Registry, probe: AddressProbe) -> bool {
        let on_link = probe.interface.is_some_and(|index| {
            self.links.of(index).is_some_and(|link| {
                let frame = arp::probe(link.mac, probe.address);
                self.arp(registry).is_some_and(|socket| {
                    let fd = socket.as_raw_fd();
                    sendto(fd, &frame, &link.address, MsgFlags::empty()).is_ok()
                })
            })
        });
        on_link || self.ask_by_echo(registry, probe.address)
    }

    fn ask_by_echo(&mut self, registry: &Registry, address: Ipv4Addr) -> bool {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        let Some(echo) = self.echo(registry) else { return false };
        let request = echo::request(echo.raw.unwrap_or(0), sequence);
        echo.socket.send_to(&request, &SocketAddrV4::new(address, 0).into()).is_ok()
    }

    /// Tells `heard` which addresses have answered, and from which Ethernet address; whether nothing more waits.
    pub(super) fn receive(&mut self, mut heard: impl FnMut(Ipv4Addr, Option<[u8; 6]>)) -> bool {
        let mut buffer = [0; PACKET_BYTES];
        let mut is_empty = true;
        if let Lazy::Open(socket) = &mut self.arp {
            is_empty &= drain(|| {
                let bytes = socket.read(&mut buffer)?;
                if let Some((address, mac)) = buffer.get(..bytes).and_then(arp::reply) {
                    heard(address, Some(mac));
                }
                Ok(())
            });
        }
        if let Lazy::Open(echo) = &self.echo {
            is_empty &= drain(|| {
                let fd = echo.socket.as_raw_fd();
                let (bytes, from) = recvfrom::<SockaddrStorage>(fd, &mut buffer)?;
                let is_ours = echo.raw.is_none_or(|identifier| {
                    buffer.get(..bytes).is_some_and(|packet| echo::is_reply(packet, identifier))
                });
                let from = from.and_then(|from| Some(from.as_sockaddr_in()?.ip()));
                if let (true, Some(from)) = (is_ours, from) {
                    heard(from, None);
                }
                Ok(())
            });
        }
        is_empty
    }

    /// The machine changes while we run.
    pub(super) fn forget_links(&mut self) {
        self.links.forget();
    }

    fn arp(&mut self, registry: &Registry) -> Option<&Socket> {
        if let Lazy::NotYet = self.arp {
            let opened = arp_socket().and_then(|socket| {
                let mut source = SourceFd(&socket.as_raw_fd());
                registry.register(&mut source, PROBE_BY_ARP, Interest::READABLE)?;
                Ok(socket)
            });
            self.arp = kept(opened, "ARP");
        }
        match &self.arp {
            Lazy::Open(socket) => Some(socket),
            Lazy::NotYet | Lazy::Refused => None,
        }
    }

    fn echo(&mut self, registry: &Registry) -> Option<&Echo> {
        if let Lazy::NotYet = self.echo {
            let opened = echo_socket().and_then(|echo| {
                let mut source = SourceFd(&echo.socket.as_raw_fd());
                registry.register(&mut source, PROBE_BY_ECHO, Interest::READABLE)?;
                Ok(echo)
            });
            self.echo = kept(opened, "ICMP echo");
        }
        match &self.echo {
            Lazy::Open(echo) => Some(echo),
            Lazy::NotYet | Lazy::Refused => None,
        }
    }
}

/// Says once what cannot be had.
fn kept<T>(opened: io::Result<T>, by: &str) -> Lazy<T> {
    match opened {
        Ok(socket) => Lazy::Open(socket),
        Err(error) => {
            warn!(
                "dhcp.probe: addresses are not asked for by {by}, the socket is refused ({error}); sudo setcap \
                 cap_net_bind_service,cap_net_raw=+ep {}",
                holder::program()
            );
            Lazy::Refused
        }
    }
}

/// Calls `take` until nothing waits, or it is the others' turn; whether nothing waits.
fn drain(mut take: impl FnMut() -> io::Result<()>) -> bool {
    for _ in 0..ANSWERS_PER_TURN_MAX {
        match take() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            // An error of an earlier question, such as a host that is not there.
            Err(_) => {}
        }
    }
    false
}

/// Sends frames, and hears ARP answers alone.
fn arp_socket() -> io::Result<Socket> {
    let protocol = i32::from((libc::ETH_P_ARP as u16).to_be());
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(protocol)))?;
    socket.attach_filter(&answers())?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Classic BPF over a frame.
fn answers() -> [SockFilter; 4] {
    use libc::{BPF_ABS, BPF_H, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET};
    let code = |parts: u32| parts as u16;
    [
        SockFilter::new(code(BPF_LD | BPF_H | BPF_ABS), 0, 0, arp::OPERATION_AT),
        SockFilter::new(code(BPF_JMP | BPF_JEQ | BPF_K), 0, 1, arp::REPLY.into()),
        SockFilter::new(code(BPF_RET | BPF_K), 0, 0, PACKET_BYTES as u32),
        SockFilter::new(code(BPF_RET | BPF_K), 0, 0, 0),
    ]
}

/// A ping socket needs no rights where `net.ipv4.ping_group_range` has our group.
fn echo_socket() -> io::Result<Echo> {
    let open = |kind| {
        let socket = Socket::new(Domain::IPV4, kind, Some(Protocol::ICMPV4))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    match open(Type::DGRAM) {
        Ok(socket) => Ok(Echo { socket, raw: None }),
        Err(_) => {
            let identifier = std::process::id() as u16;
            open(Type::RAW).map(|socket| Echo { socket, raw: Some(identifier) })
        }
    }
}
