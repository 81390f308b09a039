//! What is attached to the network, and what network and node say to each other.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use crate::firmware::Outcome;

/// An Ethernet address.
pub type Mac = [u8; 6];

/// A UDP datagram and how the link layer is to carry it.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Source address and port.
    pub source: SocketAddrV4,
    /// Destination address and port.
    pub destination: SocketAddrV4,
    /// A frame to this very station, although its owner may not answer ARP for
    /// `destination` yet. Ordinary servers get that from their kernel or a raw socket.
    pub link: Option<Mac>,
    /// The payload.
    pub payload: Vec<u8>,
}

/// A datagram as it reaches a node.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Which of the node's interfaces it came by.
    pub interface: usize,
    /// That interface's address; unspecified while it has none.
    pub local_address: Ipv4Addr,
    /// Source address and port.
    pub source: SocketAddrV4,
    /// Destination address and port, perhaps the limited broadcast.
    pub destination: SocketAddrV4,
    /// The payload.
    pub payload: &'a [u8],
}

/// What a node does in answer to an event.
#[derive(Debug, Default)]
pub struct Outbox {
    pub(super) sends: Vec<(usize, Datagram)>,
    pub(super) addresses: Vec<(usize, Ipv4Addr)>,
    pub(super) notes: Vec<String>,
}

impl Outbox {
    /// Sends a datagram by the node's interface number `interface`.
    pub fn send(&mut self, interface: usize, datagram: Datagram) {
        self.sends.push((interface, datagram));
    }

    /// Broadcasts a payload by interface 0, as a host without an address.
    pub fn broadcast(&mut self, source_port: u16, port: u16, payload: Vec<u8>) {
        let source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, source_port);
        let destination = SocketAddrV4::new(Ipv4Addr::BROADCAST, port);
        self.send(0, Datagram { source, destination, link: None, payload });
    }

    /// Gives the node's interface an address from now on.
    pub fn set_address(&mut self, interface: usize, address: Ipv4Addr) {
        self.addresses.push((interface, address));
    }

    /// What was sent, with the interface each datagram leaves by.
    #[must_use]
    pub fn into_sends(self) -> Vec<(usize, Datagram)> {
        self.sends
    }

    /// Adds a line to the transcript.
    pub fn note(&mut self, line: impl Into<String>) {
        self.notes.push(line.into());
    }
}

/// Anything attached to the network: a client, a server, a relay. Sans-IO.
pub trait Node {
    /// A datagram has arrived. Nodes hear every port; they filter for themselves.
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox);

    /// When [`handle_timeout`](Self::handle_timeout) shall be called next.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The time has come.
    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox);

    /// How a client's boot ended; `None` while it goes on, and for all that are no clients.
    fn outcome(&self) -> Option<&Outcome> {
        None
    }
}
