//! What the sockets hold, given to the engine: a bounded part of it in each turn.

use core::net::IpAddr;
use std::io;
use std::time::Instant;

use log::debug;

use super::batch::{Batches, Family, ListenBatch, TransferBatch};
use super::interfaces::SharedInterfaces;
use super::ports::Ready;
use super::sending::Outgoing;
use super::transfers::PortId;
use super::{BATCHES_PER_WAKE_MAX, Driver, TRANSMITS_PER_SOCKET_MAX};
use crate::engine::{Arrival, SocketId};

/// Room for what is received, used again and again.
pub(super) struct Received {
    listeners: Batches<ListenBatch>,
    transfers: Batches<TransferBatch>,
}

impl Received {
    pub(super) fn new() -> Self {
        Self { listeners: Batches::new(), transfers: Batches::new() }
    }
}

impl Driver {
    /// Gives waiting datagrams to the engine, a bounded number from each socket, and sends what they
    /// draw as it comes: the first client need not wait for the last.
    pub(super) fn receive(&mut self, batches: &mut Received, out: &mut Outgoing) {
        let now = Instant::now();
        for ready in self.ports.take_ready() {
            let drained = match ready {
                Ready::Listener(SocketId::Observer, _) => self.observe(now, batches),
                Ready::Transfers(port) => self.receive_batch(now, port, batches),
                Ready::Listener(socket, family) => self.drain(now, socket, family, batches),
            };
            if let Ready::Listener(SocketId::Dhcp, _) = ready {
                self.note_backlog(now, matches!(drained, Ok(false)));
            }
            match drained {
                Ok(true) => {}
                Ok(false) => self.ports.mark_ready_again(ready),
                Err(error) => debug!("receive on {ready:?}: {error}"),
            }
            self.transmit(now, TRANSMITS_PER_SOCKET_MAX, out);
        }
    }

    fn receive_batch(
        &mut self,
        now: Instant,
        port: PortId,
        batches: &mut Received,
    ) -> io::Result<bool> {
        let batch = self.ports.receive_batch(port, &mut batches.transfers)?;
        for (arrival, datagram) in batch.datagrams() {
            let Some(transfer) = self.ports.user(port, arrival.source.ip()) else { continue };
            let socket = SocketId::Transfer(transfer);
            self.engine.handle_datagram(now, socket, &arrival, datagram, &mut self.files);
        }
        Ok(!batch.is_full())
    }

    fn drain(
        &mut self,
        now: Instant,
        socket: SocketId,
        family: Family,
        batches: &mut Received,
    ) -> io::Result<bool> {
        let batch = batches.listeners.of_family(family);
        for _ in 0..BATCHES_PER_WAKE_MAX {
            self.ports.receive(socket, family, batch)?;
            for (arrival, datagram) in batch.datagrams() {
                self.take(now, socket, arrival, datagram);
            }
            if !batch.is_full() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Other people's DHCP, at most one turn of it.
    fn observe(&mut self, now: Instant, batches: &mut Received) -> io::Result<bool> {
        let Self { ports, engine, files, interfaces, .. } = self;
        ports.observe(batches.listeners.of_family(Family::V4), |mut arrival, datagram| {
            if is_served(interfaces, &mut arrival) {
                engine.handle_datagram(now, SocketId::Observer, &arrival, datagram, files);
            }
        })
    }

    fn take(&mut self, now: Instant, socket: SocketId, mut arrival: Arrival, datagram: &[u8]) {
        if !is_served(&self.interfaces, &mut arrival) {
            return debug!("{}: interface {} is not served", arrival.source, arrival.interface);
        }
        self.engine.handle_datagram(now, socket, &arrival, datagram, &mut self.files);
    }
}

/// Whether a datagram came by an interface that is served; fills in what that interface tells.
fn is_served(interfaces: &SharedInterfaces, arrival: &mut Arrival) -> bool {
    let Some((address, mtu)) = interfaces.of(arrival.interface) else { return false };
    arrival.mtu = mtu;
    if arrival.local.is_unspecified() {
        arrival.local = IpAddr::V4(address);
    }
    true
}
