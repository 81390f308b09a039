//! What attaches a TFTP client to the network: one UDP port, and perhaps a moment from which nobody is there.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use std::time::Instant;

use crate::network::{Arrival, Datagram, Node, Outbox};

/// The server's address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Where requests go.
pub const LISTENER: u16 = 69;

/// How a client's transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It says that it has, or has sent, every byte.
    Whole,
    /// It gave up, or was refused; and why.
    Failed(String),
}

/// A TFTP client without a network. Ports are the server's.
pub trait Peer {
    /// The port it has now; what comes to an older one is not for it.
    fn own_port(&self) -> u16 {
        2070
    }
    /// A datagram came from this port of the server.
    fn receive(&mut self, now: Instant, port: u16, datagram: &[u8]);
    /// The time has come.
    fn handle_timeout(&mut self, now: Instant);
    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` once it does nothing more by itself.
    fn poll_timeout(&self) -> Option<Instant>;
    /// The next datagram, and the server's port it goes to.
    fn poll_transmit(&mut self, now: Instant) -> Option<(u16, Vec<u8>)>;
    /// How it ended, if it has.
    fn end(&self) -> Option<&End>;
    /// What it has received.
    fn content(&self) -> &[u8];
}

/// A peer on the network.
pub struct Station<P> {
    /// The client itself.
    pub peer: P,
    address: Ipv4Addr,
    /// When it is switched on; `None` afterwards.
    start: Option<Instant>,
    /// Datagrams that it still hears before its machine is switched off.
    hears: Option<u32>,
    /// When its transfer ended, or its machine was switched off.
    ended: Option<Instant>,
}

impl<P: Peer> Station<P> {
    /// A peer at this address, which begins at `start`. If `hears` is given, the machine is switched off after so
    /// many datagrams.
    pub fn new(peer: P, address: Ipv4Addr, start: Instant, hears: Option<u32>) -> Self {
        Self { peer, address, start: Some(start), hears, ended: None }
    }

    /// Whether its machine is switched off.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.hears == Some(0)
    }

    /// When its transfer ended, or its machine was switched off.
    #[must_use]
    pub fn ended(&self) -> Option<Instant> {
        self.ended
    }

    fn drain(&mut self, now: Instant, out: &mut Outbox) {
        while let Some((port, payload)) = self.peer.poll_transmit(now) {
            let source = SocketAddrV4::new(self.address, self.peer.own_port());
            let destination = SocketAddrV4::new(SERVER, port);
            out.send(0, Datagram { source, destination, link: None, payload });
        }
        if self.peer.end().is_some() || self.is_gone() {
            self.ended.get_or_insert(now);
        }
    }
}

impl<P: Peer> Node for Station<P> {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if self.is_gone() || arrival.destination.port() != self.peer.own_port() {
            return;
        }
        self.peer.receive(now, arrival.source.port(), arrival.payload);
        self.hears = self.hears.map(|left| left.saturating_sub(1));
        self.drain(now, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.start.or_else(|| self.peer.poll_timeout().filter(|_| !self.is_gone()))
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        if self.start.take().is_none() {
            self.peer.handle_timeout(now);
        }
        self.drain(now, out);
    }
}

/// A node that the test goes on holding.
#[derive(Default)]
pub struct Shared<N>(Rc<RefCell<N>>);

impl<N> Shared<N> {
    /// Around this node.
    pub fn new(node: N) -> Self {
        Self(Rc::new(RefCell::new(node)))
    }

    /// Looks at it.
    pub fn with<T>(&self, look: impl FnOnce(&N) -> T) -> T {
        look(&self.0.borrow())
    }

    /// Does something to it.
    pub fn change<T>(&self, act: impl FnOnce(&mut N) -> T) -> T {
        act(&mut self.0.borrow_mut())
    }
}

impl<N> Clone for Shared<N> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<N: Node> Node for Shared<N> {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        self.0.borrow_mut().handle_datagram(now, arrival, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.borrow().poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        self.0.borrow_mut().handle_timeout(now, out);
    }
}
