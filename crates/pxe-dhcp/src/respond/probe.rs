//! Whether somebody else gives addresses on a segment: asked before a server answers there for the first
//! time, and heard in passing ever after.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::time::Instant;

use super::Ports;
use super::limits::PROBE_SENDS_MAX;
use crate::{
    EncodeError, Flags, HardwareType, Message, MessageType, MessageView, Operation, OptionCode,
    SizeBudget,
};

/// A DHCP server other than us.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForeignServer {
    /// Who it says it is: option 54, or the source of its message.
    pub server: Ipv4Addr,
    /// Where its message came from: itself, or a relay.
    pub source: Ipv4Addr,
    /// Whether it offered, acknowledged or refused.
    pub message_type: MessageType,
    /// The address it gave.
    pub address: Ipv4Addr,
}

impl ForeignServer {
    /// The server that speaks in `view`, which came from `source`; none if it is one of `own`
    /// addresses, gives no address (a proxyDHCP server), or no server at all.
    #[must_use]
    pub fn of_reply(view: &MessageView<'_>, source: Ipv4Addr, own: &[Ipv4Addr]) -> Option<Self> {
        let message_type = view.message_type()?;
        let gives = !view.your_address().is_unspecified();
        let speaks = match message_type {
            MessageType::OFFER | MessageType::ACK => gives,
            MessageType::NAK => true,
            _ => false,
        };
        if view.operation() != Operation::BootReply || !speaks {
            return None;
        }
        let server = view.boot_facts().server_identifier.unwrap_or(source);
        let address = view.your_address();
        let is_own = own.contains(&server) || own.contains(&source);
        (!is_own).then_some(Self { server, source, message_type, address })
    }
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeVerdict {
    /// Nobody answered.
    Alone,
    /// Another DHCP server did, the first of them.
    Found(ForeignServer),
}

/// A DISCOVER on its way: to be broadcast from port 68, with the answers expected there. A server that
/// answers from 67 to 68 needs a socket on 68 for the time of the probe.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeTransmit {
    /// The port to send from and to listen on.
    pub source_port: u16,
    /// The limited broadcast, server port.
    pub destination: SocketAddrV4,
}

/// Asks a segment for its DHCP servers, as a client would. Sans-IO: call
/// [`poll_transmit`](Self::poll_transmit) at once and whenever [`poll_timeout`](Self::poll_timeout)
/// says, give every datagram of port 68 to [`handle_datagram`](Self::handle_datagram), and read
/// [`verdict`](Self::verdict).
///
/// Three DISCOVERs leave within two seconds, and answers are waited for until the fifth: dnsmasq pings
/// for three seconds before it offers. No address is taken.
#[derive(Clone, Debug)]
pub struct ForeignProbe {
    ports: Ports,
    transaction_id: u32,
    hardware_address: [u8; 6],
    own: Vec<Ipv4Addr>,
    sent: usize,
    next: Instant,
    verdict: Option<ProbeVerdict>,
}

impl ForeignProbe {
    /// A probe that begins at `now`, by an interface with this Ethernet address. `transaction_id` is
    /// random; `own` are all our addresses.
    #[must_use]
    pub fn new(
        now: Instant,
        ports: Ports,
        transaction_id: u32,
        hardware_address: [u8; 6],
        own: Vec<Ipv4Addr>,
    ) -> Self {
        Self { ports, transaction_id, hardware_address, own, sent: 0, next: now, verdict: None }
    }

    /// The next DISCOVER to broadcast, if it is time: its bytes replace the content of `out`.
    ///
    /// # Errors
    /// Never in practice: the message has a fixed size.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Result<Option<ProbeTransmit>, EncodeError> {
        if self.verdict.is_some() || now < self.next || self.sent == PROBE_SENDS_MAX {
            return Ok(None);
        }
        out.clear();
        self.discover()?.encode(SizeBudget::default(), out)?;
        self.sent += 1;
        self.next = now + if self.sent == PROBE_SENDS_MAX { LAST_WAIT } else { SEND_INTERVAL };
        let destination = SocketAddrV4::new(Ipv4Addr::BROADCAST, self.ports.server);
        Ok(Some(ProbeTransmit { source_port: self.ports.client, destination }))
    }

    /// Takes a datagram that came from `source`. An answer of another server to our question ends the
    /// probe; everything else is nothing to it.
    pub fn handle_datagram(&mut self, source: SocketAddrV4, datagram: &[u8]) {
        let Ok(view) = MessageView::parse(datagram) else { return };
        let is_ours = view.transaction_id() == self.transaction_id
            && view.hardware_address() == self.hardware_address;
        if !is_ours || self.verdict.is_some() {
            return;
        }
        let found = ForeignServer::of_reply(&view, *source.ip(), &self.own);
        self.verdict = found.map(ProbeVerdict::Found);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, and
    /// [`poll_transmit`](Self::poll_transmit) after it; none once there is a verdict.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.verdict.is_none().then_some(self.next)
    }

    /// Ends the probe if it has waited long enough.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.verdict.is_none() && self.sent == PROBE_SENDS_MAX && now >= self.next {
            self.verdict = Some(ProbeVerdict::Alone);
        }
    }

    /// What was found; none while the probe goes on.
    #[must_use]
    pub fn verdict(&self) -> Option<ProbeVerdict> {
        self.verdict
    }

    fn discover(&self) -> Result<Message, EncodeError> {
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(HardwareType::ETHERNET, &self.hardware_address)?;
        message
            .set_transaction_id(self.transaction_id)
            .set_flags(Flags::BROADCAST)
            .push_octet(OptionCode::MESSAGE_TYPE, MessageType::DISCOVER.0)
            .push(OptionCode::PARAMETER_REQUEST_LIST, &[1, 3, 6]);
        Ok(message)
    }
}

const SEND_INTERVAL: Duration = Duration::from_secs(1);
/// From the last DISCOVER to the verdict.
const LAST_WAIT: Duration = Duration::from_secs(3);
