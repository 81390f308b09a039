//! The server under test on the simulated network. Anything that speaks [`BootServer`] can be
//! plugged in: the bare responder with a policy, or a whole engine.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use pxe_dhcp::respond::{
    Inbound, ProxyAnswer, ProxyConfig, ProxyEvent, ProxyRequest, ProxyResponder, ProxyStyle,
    ProxyStyles, Received, ServerPort,
};

use crate::network::{Arrival, Datagram, Mac, Node, Outbox};

/// How a datagram reached the server.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// Sender.
    pub source: SocketAddrV4,
    /// The port it came to, by number.
    pub port: u16,
    /// Our address on the receiving interface.
    pub local_address: Ipv4Addr,
    /// The receiving interface, from 1.
    pub interface: u32,
    /// Whether it was sent to us alone.
    pub unicast: bool,
}

/// A datagram that the server wants sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Address and port to send from.
    pub source: SocketAddrV4,
    /// Receiver.
    pub destination: SocketAddrV4,
    /// Interface to send by, from 1; 0 stands for the first.
    pub interface: u32,
    /// The station it goes to, where the server says so ([`Datagram::link`]).
    pub link: Option<Mac>,
    /// The payload.
    pub payload: Vec<u8>,
}

/// A sans-IO boot server.
pub trait BootServer {
    /// Takes a datagram.
    fn handle_datagram(&mut self, now: Instant, meta: &Meta, datagram: &[u8]);
    /// The next datagram to send, if any.
    fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing>;
    /// When [`handle_timeout`](Self::handle_timeout) is due.
    fn poll_timeout(&self) -> Option<Instant>;
    /// The time has come.
    fn handle_timeout(&mut self, now: Instant);
    /// Lines for the transcript, since the last call.
    fn poll_note(&mut self) -> Option<String> {
        None
    }
}

/// A [`BootServer`] as a host of the network.
#[derive(Debug)]
pub struct ServerHost<S>(S);

impl<S: BootServer> ServerHost<S> {
    /// Puts a server on a host.
    #[must_use]
    pub fn new(server: S) -> Self {
        Self(server)
    }

    fn drain(&mut self, now: Instant, out: &mut Outbox) {
        while let Some(outgoing) = self.0.poll_transmit(now) {
            let interface = outgoing.interface.saturating_sub(1) as usize;
            let Outgoing { source, destination, link, payload, .. } = outgoing;
            out.send(interface, Datagram { source, destination, link, payload });
        }
        while let Some(note) = self.0.poll_note() {
            out.note(note);
        }
    }
}

impl<S: BootServer> Node for ServerHost<S> {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        let meta = Meta {
            source: arrival.source,
            port: arrival.destination.port(),
            local_address: arrival.local_address,
            interface: arrival.interface as u32 + 1,
            unicast: !arrival.destination.ip().is_broadcast(),
        };
        self.0.handle_datagram(now, &meta, arrival.payload);
        self.drain(now, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        self.0.handle_timeout(now);
        self.drain(now, out);
    }
}

/// What to tell a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Name or URL.
    pub file: Vec<u8>,
    /// How to phrase it; `None` leaves it to the request.
    pub style: Option<ProxyStyle>,
}

/// The bare responder with a function that decides; `None` ignores the client.
pub struct ProxyServer<D> {
    responder: ProxyResponder,
    decide: D,
    notes: Vec<String>,
    /// Requests accepted and not yet answered: each draws one reply, in one style.
    owed: usize,
}

impl<D: FnMut(&ProxyRequest<'_>) -> Option<Verdict>> ProxyServer<D> {
    /// A proxy with the registered ports, which adapts its offers as the server does.
    #[must_use]
    pub fn new(decide: D) -> Self {
        Self::with_styles(ProxyStyles::Adaptive, decide)
    }

    /// The same, with offers in these styles.
    #[must_use]
    pub fn with_styles(styles: ProxyStyles, decide: D) -> Self {
        let mut config = ProxyConfig::default();
        config.styles = styles;
        let responder = ProxyResponder::new(config);
        Self { responder, decide, notes: Vec::new(), owed: 0 }
    }
}

impl<D: FnMut(&ProxyRequest<'_>) -> Option<Verdict>> BootServer for ProxyServer<D> {
    fn handle_datagram(&mut self, now: Instant, meta: &Meta, datagram: &[u8]) {
        let ports = self.responder.config().ports;
        let port = match meta.port {
            port if port == ports.server => ServerPort::Dhcp,
            port if port == ports.boot_server => ServerPort::BootServer,
            _ => return,
        };
        let received = Received::new(meta.source, port, meta.local_address, meta.interface);
        let request = match self.responder.handle_datagram(now, &received, datagram) {
            Ok(Inbound::Request(request)) => request,
            Ok(Inbound::Overheard(_, silence)) => {
                self.notes.push(format!("overhears: {silence:?}"));
                return;
            }
            Err(dropped) => {
                self.notes.push(format!("drops: {dropped}"));
                return;
            }
        };
        let Some(verdict) = (self.decide)(&request) else {
            self.notes.push("holds".to_owned());
            self.responder.ignore(request);
            return;
        };
        let mut answer = ProxyAnswer::new(meta.local_address, &verdict.file);
        answer.style = verdict.style;
        match self.responder.accept(now, request, &answer) {
            Ok(()) => self.owed += 1,
            Err(error) => self.notes.push(format!("cannot answer: {error}")),
        }
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        let mut payload = Vec::new();
        let transmit = self.responder.poll_transmit(now, &mut payload)?;
        self.owed = self.owed.checked_sub(1).expect("a reply to nobody's request");
        while let Some(event) = self.responder.poll_event() {
            match event {
                ProxyEvent::Discarded(answered) => {
                    self.owed -= 1;
                    self.notes.push(format!("discards a reply to {}", answered.client));
                }
                ProxyEvent::StyleChanged(change) => self.notes.push(format!("{change:?}")),
                _ => {}
            }
        }
        let ports = self.responder.config().ports;
        let port = match transmit.port {
            ServerPort::Dhcp => ports.server,
            ServerPort::BootServer => ports.boot_server,
        };
        Some(Outgoing {
            source: SocketAddrV4::new(transmit.source_address, port),
            destination: transmit.destination,
            interface: transmit.interface,
            link: transmit.link,
            payload,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.responder.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.responder.handle_timeout(now);
        let next = self.responder.poll_timeout();
        assert!(next.is_none_or(|next| next > now), "a timer in the past");
    }

    fn poll_note(&mut self) -> Option<String> {
        (!self.notes.is_empty()).then(|| self.notes.remove(0))
    }
}
