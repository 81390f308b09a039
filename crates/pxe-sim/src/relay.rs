//! A DHCP relay (RFC 1542 section 4, `ip helper-address`): interface 0 faces the clients,
//! interface 1 the servers.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use crate::network::{Arrival, Datagram, Node, Outbox};
use crate::wire::Reader;

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
/// Offsets in the BOOTP header.
const HOPS: usize = 3;
const GIADDR: core::ops::Range<usize> = 24..28;
/// RFC 1542 section 4.1.1.
const HOPS_MAX: u8 = 16;

/// A router that passes broadcasts of clients on to a list of servers.
#[derive(Debug)]
pub struct Relay {
    /// Its address on the clients' segment: `giaddr`.
    client_side: Ipv4Addr,
    helpers: Vec<Ipv4Addr>,
    /// Appended as option 82 and taken off again.
    circuit: Option<Vec<u8>>,
}

impl Relay {
    /// A relay with `client_side` as its address among the clients, forwarding to `helpers`.
    #[must_use]
    pub fn new(client_side: Ipv4Addr, helpers: Vec<Ipv4Addr>) -> Self {
        Self { client_side, helpers, circuit: None }
    }

    /// The same, adding option 82 with this circuit id.
    #[must_use]
    pub fn with_circuit(mut self, circuit: &[u8]) -> Self {
        self.circuit = Some(circuit.to_vec());
        self
    }

    fn relay_information(&self) -> Option<Vec<u8>> {
        let circuit = self.circuit.as_ref()?;
        let mut option = vec![82, circuit.len() as u8 + 2, 1, circuit.len() as u8];
        option.extend_from_slice(circuit);
        Some(option)
    }

    fn to_servers(&self, request: &Reader<'_>, out: &mut Outbox) {
        if request.hops() >= HOPS_MAX || !request.relay_address().is_unspecified() {
            return;
        }
        let mut payload = request.bytes().to_vec();
        payload[HOPS] += 1;
        payload[GIADDR].copy_from_slice(&self.client_side.octets());
        if let Some(option) = self.relay_information() {
            // In place of END and what follows it.
            let end = options_end(&payload);
            payload.truncate(end);
            payload.extend_from_slice(&option);
            payload.push(255);
        }
        for helper in &self.helpers {
            let source = SocketAddrV4::new(self.client_side, SERVER_PORT);
            let destination = SocketAddrV4::new(*helper, SERVER_PORT);
            out.send(1, Datagram { source, destination, link: None, payload: payload.clone() });
        }
    }

    fn to_client(&self, reply: &Reader<'_>, out: &mut Outbox) {
        if self.circuit.is_some() {
            let echoed = reply.option(82);
            let expected = self.relay_information();
            if echoed != expected.as_deref().map(|option| &option[2..]) {
                out.note("drops a reply that does not echo its option 82");
                return;
            }
        }
        let mut payload = reply.bytes().to_vec();
        payload[GIADDR].copy_from_slice(&[0; 4]);
        let source = SocketAddrV4::new(self.client_side, SERVER_PORT);
        let yiaddr = reply.your_address();
        // RFC 1542 section 5.4: by unicast to yiaddr unless the broadcast flag is set.
        let (to, link) = if reply.broadcast() {
            (Ipv4Addr::BROADCAST, None)
        } else {
            (yiaddr, <[u8; 6]>::try_from(reply.hardware_address()).ok())
        };
        if to.is_unspecified() {
            out.note("cannot deliver a reply without address and broadcast flag");
            return;
        }
        let destination = SocketAddrV4::new(to, CLIENT_PORT);
        out.send(0, Datagram { source, destination, link, payload });
    }
}

/// Where END stands.
fn options_end(message: &[u8]) -> usize {
    let mut at = 240;
    while let Some(code) = message.get(at) {
        match code {
            255 => return at,
            0 => at += 1,
            _ => at += 2 + usize::from(message.get(at + 1).copied().unwrap_or(0)),
        }
    }
    message.len()
}

impl Node for Relay {
    fn handle_datagram(&mut self, _now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if arrival.destination.port() != SERVER_PORT {
            return;
        }
        let Some(message) = Reader::new(arrival.payload) else { return };
        match (message.operation(), arrival.interface) {
            (1, 0) if arrival.destination.ip().is_broadcast() => self.to_servers(&message, out),
            (2, _) if message.relay_address() == self.client_side => self.to_client(&message, out),
            _ => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn handle_timeout(&mut self, _now: Instant, _out: &mut Outbox) {}
}
