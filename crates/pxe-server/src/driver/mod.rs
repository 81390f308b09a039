//! The mio loop: sockets, the clock and signals around the engine. The only place that reads the
//! time or knows a descriptor.

pub mod holder;
pub mod interfaces;
mod ports;
mod socket;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::time::Instant;

use log::{debug, info, warn};
use mio::{Events, Poll};

use crate::content::Files;
use crate::engine::{Arrival, Drops, Engine, Output, SocketId, Transmit};
use crate::logging;
use interfaces::Interfaces;
pub use ports::{BindFault, Ports};

/// Datagrams taken from one socket before timers and sends have their turn.
pub const DATAGRAMS_PER_WAKE_MAX: usize = 64;
/// Sends made before sockets are read again.
pub const TRANSMITS_PER_WAKE_MAX: usize = 256;
/// Readiness reports taken per wake-up.
const READINESS_PER_WAKE_MAX: usize = 256;
/// Largest datagram taken, in bytes: more than an Ethernet frame holds, so that an oversized one
/// is seen as such.
const DATAGRAM_BYTES_MAX: usize = 4096;
/// How often interfaces and loaders are looked at anew.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(10);
/// How often drops are summed up in the log, at most.
const DROPS_TOLD_EVERY: Duration = Duration::from_secs(60);

/// What the loop asks of its owner from time to time: the machine changes while we run.
pub trait Housekeeping {
    /// The interfaces to serve now.
    fn interfaces(&mut self) -> io::Result<Interfaces>;
    /// Looks at the loaders again and gives what changed to the engine and the files.
    fn refresh(&mut self, engine: &mut Engine, files: &mut Files);
}

/// The running server.
pub struct Driver<H> {
    poll: Poll,
    ports: Ports,
    engine: Engine,
    files: Files,
    interfaces: Interfaces,
    housekeeping: H,
    next_housekeeping: Instant,
    told_drops: Drops,
    next_drops: Instant,
}

impl<H: Housekeeping> Driver<H> {
    /// Takes bound ports and everything they serve.
    pub fn new(
        mut ports: Ports,
        engine: Engine,
        files: Files,
        interfaces: Interfaces,
        housekeeping: H,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        ports.register(poll.registry())?;
        let now = Instant::now();
        Ok(Self {
            poll,
            ports,
            engine,
            files,
            interfaces,
            housekeeping,
            next_housekeeping: now + HOUSEKEEPING_EVERY,
            told_drops: Drops::default(),
            next_drops: now,
        })
    }

    /// Serves until a signal asks it to stop.
    pub fn run(mut self) -> io::Result<()> {
        let mut readiness = Events::with_capacity(READINESS_PER_WAKE_MAX);
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        let mut out = Vec::with_capacity(1 << 16);
        loop {
            let timeout = self.timeout(Instant::now());
            if let Err(error) = self.poll.poll(&mut readiness, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            for event in &readiness {
                self.ports.mark_ready(event.token());
            }
            if let Some(signal) = self.ports.stop_signal() {
                info!("stopped by {signal}");
                return Ok(());
            }
            self.receive(&mut buffer);
            let now = Instant::now();
            if self.engine.poll_timeout().is_some_and(|due| due <= now) {
                self.engine.handle_timeout(now, &mut self.files);
            }
            self.transmit(&mut out);
            self.report();
            self.keep_house(now);
        }
    }

    fn timeout(&self, now: Instant) -> Duration {
        if self.ports.has_ready() {
            return Duration::ZERO;
        }
        let due = self.engine.poll_timeout().unwrap_or(self.next_housekeeping);
        due.min(self.next_housekeeping).saturating_duration_since(now)
    }

    /// Gives waiting datagrams to the engine, a bounded number from each socket.
    fn receive(&mut self, buffer: &mut [u8]) {
        for socket in self.ports.take_ready() {
            for taken in 0.. {
                if taken == DATAGRAMS_PER_WAKE_MAX {
                    self.ports.mark_ready_again(socket);
                    break;
                }
                match self.ports.receive(socket, buffer) {
                    Ok(Some((bytes, arrival))) => self.take(socket, arrival, &buffer[..bytes]),
                    Ok(None) => break,
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                    Err(error) => {
                        debug!("receive on {socket:?}: {error}");
                        break;
                    }
                }
            }
        }
    }

    fn take(&mut self, socket: SocketId, mut arrival: Arrival, datagram: &[u8]) {
        if !matches!(socket, SocketId::Transfer(_)) {
            let Some(interface) = self.interfaces.get(arrival.interface) else {
                return debug!("{}: interface {} is not served", arrival.source, arrival.interface);
            };
            if arrival.local == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
                arrival.local = IpAddr::V4(interface.address);
            }
        }
        let now = Instant::now();
        self.engine.handle_datagram(now, socket, &arrival, datagram, &mut self.files);
    }

    fn transmit(&mut self, out: &mut Vec<u8>) {
        for _ in 0..TRANSMITS_PER_WAKE_MAX {
            let now = Instant::now();
            let Some(transmit) = self.engine.poll_transmit(now, &mut self.files, out) else {
                return;
            };
            if let Err(error) = self.ports.send(self.poll.registry(), &transmit, out) {
                self.send_failed(now, &transmit, &error);
            }
        }
        // More waits: read the sockets first, then go on.
        self.ports.mark_pending();
    }

    fn send_failed(&mut self, now: Instant, transmit: &Transmit, error: &io::Error) {
        let to = transmit.destination;
        match (transmit.socket, error.kind()) {
            // A full socket buffer is like loss on the wire: the timers repair it.
            (_, io::ErrorKind::WouldBlock) => debug!("send to {to}: the socket's buffer is full"),
            (SocketId::Transfer(transfer), _) => {
                warn!("cannot send to {to}: {error}");
                self.engine.fail_transfer(now, transfer, &mut self.files);
            }
            _ => warn!("cannot send to {to}: {error}"),
        }
    }

    fn report(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Event(event) => logging::tell(&event),
                Output::Close(transfer) => self.ports.close(self.poll.registry(), transfer),
            }
        }
    }

    fn keep_house(&mut self, now: Instant) {
        if now < self.next_housekeeping {
            return;
        }
        self.next_housekeeping = now + HOUSEKEEPING_EVERY;
        match self.housekeeping.interfaces() {
            Ok(interfaces) if interfaces != self.interfaces => {
                info!("now serving {}", describe(&interfaces));
                self.interfaces = interfaces;
            }
            Ok(_) => {}
            Err(error) => warn!("cannot list the network interfaces: {error}"),
        }
        self.housekeeping.refresh(&mut self.engine, &mut self.files);
        let drops = self.engine.drops();
        if drops != self.told_drops && now >= self.next_drops {
            self.next_drops = now + DROPS_TOLD_EVERY;
            warn!(
                "dropped since the last such line: {} DHCP and {} TFTP datagrams that were broken \
                 or not for us, {} log lines",
                drops.dhcp - self.told_drops.dhcp,
                drops.tftp - self.told_drops.tftp,
                drops.events - self.told_drops.events,
            );
            self.told_drops = drops;
        }
    }
}

/// The served interfaces as `eth0 (192.0.2.5)`, in a list.
pub fn describe(interfaces: &Interfaces) -> String {
    if interfaces.is_empty() {
        return "no interface".to_owned();
    }
    let list: Vec<_> =
        interfaces.iter().map(|served| format!("{} ({})", served.name, served.address)).collect();
    list.join(", ")
}

/// An arrival without interface, for the port of a transfer.
fn plain_arrival(source: SocketAddr, local: IpAddr) -> Arrival {
    Arrival { source, local, interface: 0 }
}
