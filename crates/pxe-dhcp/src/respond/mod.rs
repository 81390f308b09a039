//! Sans-IO responders: who answers a DHCP datagram, with what, and to which address.
//!
//! [`ProxyResponder`] answers network-boot clients beside a DHCP server that nobody touches
//! (PXE 2.1 section 2.2.3: a proxyDHCP server on port 67 and a boot server on port 4011).
//! [`ServerResponder`] is a DHCP server itself: it knows what each message asks, what a reply must hold
//! and when nothing may be said, and leaves to its caller who gets which address.
//! [`reply_destination`] is the addressing table of RFC 2131 section 4.1 with the PXE rows added;
//! both use it. [`ForeignProbe`] finds out whether another DHCP server is there.
//!
//! # The loop around a responder
//! Told of the proxy; the server's methods have the same names and meanings. With it, a request is also
//! refused ([`ServerResponder::refuse`]), or held until its lease is stored ([`ServerResponder::hold`]).
//!
//! 1. Give every datagram to [`ProxyResponder::handle_datagram`] with where it came from and by
//!    which of our addresses ([`Received`]).
//! 2. An [`Inbound::Request`] wants a decision: end it with [`ProxyResponder::accept`] or
//!    [`ProxyResponder::ignore`]. An [`Inbound::Overheard`] wants none, and no answer exists for it.
//! 3. Call [`ProxyResponder::poll_transmit`] until it returns `None`, sending each datagram from
//!    the port, address and interface that [`Transmit`] names.
//! 4. Read [`ProxyResponder::poll_event`] until it returns `None`.
//! 5. Sleep until [`ProxyResponder::poll_timeout`] or the next datagram; after the former call
//!    [`ProxyResponder::handle_timeout`] and go on at 3. Calls at the wrong time do no harm.
//! 6. With [`ProxyStyles::Adaptive`], tell [`ProxyResponder::note_fetch`] whenever a client asks for
//!    a file.

mod address;
#[cfg(feature = "_fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod hardware;
mod limits;
mod phrase;
mod probe;
mod proxy;
mod queue;
mod server;

use core::net::{Ipv4Addr, SocketAddrV4};

pub use address::{Delivery, Ports, ReplyDestination, reply_destination};
pub use hardware::HardwareAddress;
pub use limits::{
    ADAPTED_CLIENTS_MAX, ADAPTED_MAKERS_MAX, BOOT_FILE_BYTES_MAX, EVENTS_QUEUED_MAX,
    HEADER_FILE_BYTES_MAX, HELD_AGE_MAX, HELD_REQUESTS_MAX, OFFER_DELAY, OFFERS_DELAYED_MAX,
    PROBE_SENDS_MAX, REPLIES_QUEUED_MAX, REPLY_GROWTH_BYTES_MAX, REQUEST_BYTES_MAX,
    SERVER_REPLIES_QUEUED_MAX,
};
pub use phrase::{ClientClass, ProxyStyle, ProxyStyles};
pub use probe::{ForeignProbe, ForeignServer, ProbeTransmit, ProbeVerdict};
pub use proxy::{
    Answered, Dropped, Inbound, ProxyAnswer, ProxyConfig, ProxyEvent, ProxyRequest, ProxyResponder,
    RequestKind, Silence, StyleChange, StyleReason,
};
pub use server::{
    BootAnswer, Denial, HeldId, HeldRequest, LEASE_SECONDS_INFINITE, Lease, LeaseTimes,
    LeaseTimesFault, Link, LinkSource, RefusalSilence, Refused, RequestState, ServerAbandoned,
    ServerAnswer, ServerAnswerError, ServerAnswered, ServerConfig, ServerEvent, ServerInbound,
    ServerMessage, ServerNotice, ServerRequest, ServerRequestKind, ServerResponder, ServerSilence,
};

/// Which of our two sockets a datagram belongs to. The numbers are in [`Ports`], since tests and
/// unprivileged runs use others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerPort {
    /// The BOOTP and DHCP server port, 67 (RFC 951).
    Dhcp,
    /// The PXE boot-server port, 4011 (PXE 2.1 section 2.2.3).
    BootServer,
}

/// Where a datagram came from and how it reached us.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Received {
    /// Source address and port in the datagram's headers.
    pub source: SocketAddrV4,
    /// Which of our sockets received it.
    pub port: ServerPort,
    /// Our own unicast address on the receiving interface, also when the datagram was broadcast
    /// (`ipi_spec_dst` of `IP_PKTINFO`). `0.0.0.0` when the driver cannot tell.
    pub local_address: Ipv4Addr,
    /// Index of the receiving interface; 0 when the driver cannot tell.
    pub interface: u32,
    /// Whether the datagram was sent to us alone or to everybody (`ipi_addr` of `IP_PKTINFO`);
    /// `None` when the driver cannot tell. Tells a client that renews its lease from one that
    /// rebinds it.
    pub unicast: Option<bool>,
}

impl Received {
    /// A datagram from `source` that came in on `port`, by our address `local_address` on the
    /// interface with index `interface`.
    #[must_use]
    pub const fn new(
        source: SocketAddrV4,
        port: ServerPort,
        local_address: Ipv4Addr,
        interface: u32,
    ) -> Self {
        Self { source, port, local_address, interface, unicast: None }
    }

    /// The same, sent to us alone or to everybody.
    #[must_use]
    pub const fn sent_as_unicast(self, unicast: bool) -> Self {
        Self { unicast: Some(unicast), ..self }
    }
}

/// Where a datagram goes and how it leaves. The bytes travel beside it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transmit {
    /// The socket to send from: clients check the source port.
    pub port: ServerPort,
    /// Destination address and port; `255.255.255.255` needs `SO_BROADCAST` and [`Self::interface`].
    pub destination: SocketAddrV4,
    /// The address to send from: the one the request came to.
    pub source_address: Ipv4Addr,
    /// Index of the interface to send from: the one the request came by; 0 leaves it to routing.
    pub interface: u32,
    /// The Ethernet address the frame must go to, since the owner of [`Self::destination`] does
    /// not answer ARP for it yet: by a neighbour entry or a raw socket. Only with
    /// [`ServerConfig::reach_by_hardware_address`].
    pub link: Option<[u8; 6]>,
}

impl Transmit {
    /// A reply to what was `received`.
    fn reply(received: &Received, to: &ReplyDestination, link: Option<[u8; 6]>) -> Self {
        Self {
            port: to.port,
            destination: to.address,
            source_address: received.local_address,
            interface: received.interface,
            link,
        }
    }
}
