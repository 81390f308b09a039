//! The ports of transfers (TIDs, RFC 1350 section 4): one for each, until so many are open that
//! asking each of them costs more than it is worth. Further transfers share a few ports, so that one
//! call takes the acknowledgements of many clients; no client ever sees two transfers at one.

use core::net::{IpAddr, SocketAddr};
use std::io;

use mio::{Interest, Registry, Token};
use pxe_tftp::TransferId;

use super::batch::{Family, TransferBatch};
use super::port::Port;
use super::segments;

/// Transfers of one loop that have a port to themselves; those beyond share. A room of machines never
/// comes so far, and in a boot storm most acknowledgements come to the shared ports.
pub const UNSHARED_PORTS_MAX: usize = 32;
/// Transfers at one shared port: as many acknowledgements fit the receive buffer that Linux grants
/// without being asked (212 992 bytes, 768 for each).
pub const TRANSFERS_PER_PORT_MAX: usize = 256;

/// Names a port until it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PortId(usize);

/// Where a transfer's datagrams leave.
#[derive(Clone, Copy)]
struct Place {
    transfer: TransferId,
    client: IpAddr,
    port: usize,
}

/// All transfers' ports of one loop.
pub(super) struct TransferPorts {
    ports: Vec<Option<Port>>,
    free: Vec<usize>,
    /// By the transfer's index.
    places: Vec<Option<Place>>,
    /// Ports open that have one transfer only.
    unshared: usize,
    first_token: usize,
    offload: bool,
}

impl TransferPorts {
    /// Tokens from `first_token` on belong to transfers' ports.
    pub(super) fn new(first_token: usize) -> Self {
        Self {
            ports: Vec::new(),
            free: Vec::new(),
            places: Vec::new(),
            unshared: 0,
            first_token,
            offload: true,
        }
    }

    pub(super) fn of_token(&self, token: Token) -> Option<PortId> {
        let port = PortId(token.0.checked_sub(self.first_token)?);
        self.get(port).map(|_| port)
    }

    fn get(&self, port: PortId) -> Option<&Port> {
        self.ports.get(port.0)?.as_ref()
    }

    pub(super) fn family(&self, port: PortId) -> Family {
        self.get(port).map_or(Family::V4, Port::family)
    }

    /// Takes what waits at a port, at most a batch of it.
    pub(super) fn receive(&self, port: PortId, batch: &mut TransferBatch) -> io::Result<()> {
        match self.get(port) {
            Some(port) => port.receive(batch),
            None => {
                batch.clear();
                Ok(())
            }
        }
    }

    /// The transfer that a datagram from `client` at this port is for.
    pub(super) fn user(&self, port: PortId, client: IpAddr) -> Option<TransferId> {
        self.get(port)?.user(client)
    }

    /// Sends by a transfer's port, in datagrams of `segment` bytes; finds a port for a new transfer.
    pub(super) fn send(
        &mut self,
        registry: &Registry,
        transfer: TransferId,
        (local, to): (IpAddr, SocketAddr),
        segment: Option<usize>,
        bytes: &[u8],
    ) -> io::Result<()> {
        let place = self.place(registry, transfer, local, to.ip())?;
        let Some(Some(port)) = self.ports.get_mut(place) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if let Some(size) = segment.filter(|&size| size < bytes.len())
            && self.offload
        {
            let size = u16::try_from(size).unwrap_or(u16::MAX);
            match port.send_row(size, to, bytes) {
                Err(error) if segments::is_refusal(&error) => {
                    let _ = port.forget_segments();
                    self.offload = false;
                }
                sent => return sent,
            }
        }
        segments::of(bytes, segment).try_for_each(|datagram| port.send_one(to, datagram))
    }

    /// Which port a transfer uses.
    fn place(
        &mut self,
        registry: &Registry,
        transfer: TransferId,
        local: IpAddr,
        client: IpAddr,
    ) -> io::Result<usize> {
        let index = transfer.index();
        if let Some(Some(place)) = self.places.get(index)
            && place.transfer == transfer
        {
            return Ok(place.port);
        }
        let shared = self.unshared >= UNSHARED_PORTS_MAX;
        let known = if shared { self.shareable(local, client) } else { None };
        let port = match known {
            Some(port) => port,
            None => self.open(registry, local, shared)?,
        };
        if let Some(Some(taken)) = self.ports.get_mut(port) {
            taken.admit(client, transfer);
        }
        if self.places.len() <= index {
            self.places.resize(index + 1, None);
        }
        self.places[index] = Some(Place { transfer, client, port });
        Ok(port)
    }

    /// A shared port that this client does not know yet.
    fn shareable(&self, local: IpAddr, client: IpAddr) -> Option<usize> {
        let suits = |port: &Option<Port>| port.as_ref().is_some_and(|p| p.suits(local, client));
        self.ports.iter().position(suits)
    }

    fn open(&mut self, registry: &Registry, local: IpAddr, shared: bool) -> io::Result<usize> {
        let users_max = if shared { TRANSFERS_PER_PORT_MAX } else { 1 };
        let mut port = Port::bind(local, users_max)?;
        let index = self.free.last().copied().unwrap_or(self.ports.len());
        let token = Token(self.first_token + index);
        registry.register(port.source(), token, Interest::READABLE)?;
        if self.free.pop().is_none() {
            self.ports.push(None);
        }
        self.ports[index] = Some(port);
        self.unshared += usize::from(!shared);
        Ok(index)
    }

    /// A transfer is over: its port is closed, unless others use it.
    pub(super) fn close(&mut self, registry: &Registry, transfer: TransferId) {
        let Some(slot) = self.places.get_mut(transfer.index()) else { return };
        let Some(place) = slot.take_if(|place| place.transfer == transfer) else { return };
        let Some(slot) = self.ports.get_mut(place.port) else { return };
        if slot.as_mut().is_some_and(|port| port.dismiss(place.client, transfer))
            && let Some(mut port) = slot.take()
        {
            // Closing the descriptor takes it out of the poll anyway.
            let _ = registry.deregister(port.source());
            self.unshared -= usize::from(!port.is_shared());
            self.free.push(place.port);
        }
    }
}
