//! The mio loops: sockets, the clock and signals around the engines. The only place that reads the
//! time or knows a descriptor.
//!
//! The first loop has the DHCP ports, the signals and the housekeeping; every loop serves files.

mod arp;
mod asker;
mod batch;
pub(crate) mod blocking;
mod control;
mod desk;
mod direct;
mod echo;
pub mod foreign;
mod frame;
pub mod holder;
pub mod interfaces;
mod leases;
mod links;
mod listen;
mod lookups;
pub mod neighbours;
mod observe;
mod port;
mod ports;
mod probes;
mod replies;
mod segments;
mod sending;
mod store;
mod transfers;
mod vitals;

use core::net::IpAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use log::{debug, info, warn};
use mio::{Events, Poll};
use pxe_tftp::TransferId;

use crate::config::Faults;
use crate::content::Files;
use crate::engine::{AddressPlan, Arrival, Drops, Engine, OwnAddress, SocketId};
use crate::journal::{Journal, STRANGERS_MAX};
pub use asker::{Answer, AskError, Asker, Question};
use batch::{Batches, ListenBatch, TransferBatch};
pub use control::{Control, Crew};
pub use desk::Desk;
use interfaces::{Interfaces, SharedInterfaces};
use lookups::Lookups;
pub use lookups::{Ask, LOOKUP_THREADS_MAX, LOOKUPS_IN_FLIGHT_MAX};
use ports::Ready;
pub use ports::{BindFault, Ports};
use probes::Prober;
use sending::Outgoing;
pub use store::Store;
use store::StoreThread;
use transfers::PortId;
pub use transfers::{TRANSFERS_PER_PORT_MAX, UNSHARED_PORTS_MAX};
pub use vitals::{STUCK_AFTER, Vitals};

/// Batches of 32 datagrams taken from one listening socket before timers and sends have their turn.
pub const BATCHES_PER_WAKE_MAX: usize = 2;
/// Sends made between two sockets that are read: as many as one batch of acknowledgements draws.
pub const TRANSMITS_PER_SOCKET_MAX: usize = 32;
/// Sends made before sockets are read again.
pub const TRANSMITS_PER_WAKE_MAX: usize = 256;
/// Readiness reports taken per wake-up.
const READINESS_PER_WAKE_MAX: usize = 256;
/// How often interfaces and loaders are looked at anew.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(10);
/// How often drops are summed up in the log, at most.
const DROPS_TOLD_EVERY: Duration = Duration::from_secs(60);

/// What the first loop asks of its owner from time to time: the machine changes while we run.
pub trait Housekeeping {
    /// The interfaces to serve now.
    fn interfaces(&mut self) -> io::Result<Interfaces>;
    /// Looks at the loaders again and passes on what changed.
    fn refresh(&mut self);
    /// Every IPv4 address of this machine.
    fn own_addresses(&mut self) -> io::Result<Vec<OwnAddress>>;
    /// Reads the configuration again.
    ///
    /// # Errors
    /// Its faults; everything stays as it is.
    fn reload(&mut self) -> Result<Reloaded, Faults>;
}

/// What the first loop takes over of a new configuration.
#[derive(Debug)]
pub struct Reloaded {
    /// How addresses are given from now on, in `server` mode.
    pub plan: Option<AddressPlan>,
}

/// What gives addresses besides the engine.
pub struct Leasing {
    /// Where leases are durable.
    pub store: Store,
    /// Where the `leases` command asks, if the store is ours alone.
    pub desk: Option<Desk>,
}

/// What the first loop has besides; the others have nothing of it.
#[derive(Default)]
pub struct First {
    /// What the machine's changes are looked at by.
    pub housekeeping: Option<Box<dyn Housekeeping + Send>>,
    /// What gives addresses.
    pub leasing: Option<Leasing>,
    /// An inventory, if one is asked.
    pub inventory: Option<Arc<dyn Ask>>,
}

/// Room for what is received, used again and again.
struct Received {
    listeners: Batches<ListenBatch>,
    transfers: Batches<TransferBatch>,
}

/// One running loop.
pub struct Driver {
    poll: Poll,
    ports: Ports,
    engine: Engine,
    files: Files,
    interfaces: Arc<SharedInterfaces>,
    control: Control,
    housekeeping: Option<Box<dyn Housekeeping + Send>>,
    journal: Arc<Journal>,
    store: Option<StoreThread>,
    asker: Asker,
    asked: Receiver<asker::Asked>,
    lookups: Option<Lookups>,
    prober: Prober,
    /// Since when the DHCP port was not read to its end.
    behind_since: Option<Instant>,
    /// Transfers that are over, their ports still open: their last packets may wait. Bounded by the transfers at once.
    ended: Vec<TransferId>,
    next_housekeeping: Instant,
    told_drops: Drops,
    /// Steps that were left out of log and journal, as far as that was told.
    told_left_out: u64,
    next_drops: Instant,
}

impl Driver {
    /// Takes bound ports and everything they serve.
    pub fn new(
        mut ports: Ports,
        engine: Engine,
        files: Files,
        interfaces: Arc<SharedInterfaces>,
        crew: &Crew,
        journal: Arc<Journal>,
        first: First,
    ) -> io::Result<Self> {
        let First { housekeeping, leasing, inventory } = first;
        let poll = Poll::new()?;
        ports.register(poll.registry())?;
        let control = crew.join(poll.registry(), housekeeping.is_some())?;
        let (asker, asked) = Asker::new(control.waker());
        let mut lookups = None;
        if let Some(inventory) = inventory {
            let waker = control.waker();
            lookups = Some(Lookups::start(inventory, &waker)?);
            // HTTP and the other loops may be the first to see a machine.
            engine.shared().set_wake(Box::new(move || drop(waker.wake())));
        }
        let mut store = None;
        if let Some(leasing) = leasing {
            store = Some(leasing.store.start(control.waker())?);
            if let Some(desk) = leasing.desk {
                desk.start(asker.clone())?;
            }
        }
        let now = Instant::now();
        let mut driver = Self {
            poll,
            ports,
            engine,
            files,
            interfaces,
            control,
            housekeeping,
            journal,
            store,
            asker,
            asked,
            lookups,
            prober: Prober::new(),
            behind_since: None,
            ended: Vec::new(),
            next_housekeeping: now + HOUSEKEEPING_EVERY,
            told_drops: Drops::default(),
            told_left_out: 0,
            next_drops: now,
        };
        driver.refresh_own_addresses();
        driver.load_leases();
        Ok(driver)
    }

    /// What asks this loop from other threads.
    pub fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// Serves until a signal, or another loop's end, asks it to stop.
    pub fn run(mut self) -> io::Result<()> {
        let ran = self.serve();
        self.flush_leases(&mut Outgoing::new());
        self.control.stop_others();
        ran
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut readiness = Events::with_capacity(READINESS_PER_WAKE_MAX);
        let mut batches = Received { listeners: Batches::new(), transfers: Batches::new() };
        let mut out = Outgoing::new();
        loop {
            let timeout = self.timeout(Instant::now());
            if let Err(error) = self.poll.poll(&mut readiness, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            for event in &readiness {
                if event.token() == ports::CONTROL {
                    if self.control.must_stop() {
                        return Ok(());
                    }
                } else {
                    self.ports.mark_ready(event.token());
                }
            }
            if self.control.take_reload() {
                self.reload_by_signal(Instant::now());
            }
            self.receive(&mut batches, &mut out);
            let now = Instant::now();
            if self.engine.poll_timeout().is_some_and(|due| due <= now) {
                self.engine.handle_timeout(now, &mut self.files);
            }
            self.attend(now);
            self.look_up(now);
            self.attend_probes(now);
            self.exchange_with_store(now)?;
            if !self.transmit(now, TRANSMITS_PER_WAKE_MAX, &mut out) {
                // More waits: read the sockets first, then go on.
                self.ports.mark_pending();
            }
            self.control.pulse.beat(now, self.engine.drops(), self.engine.transfers());
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

    /// Gives waiting datagrams to the engine, a bounded number from each socket, and sends what they
    /// draw as it comes: the first client need not wait for the last.
    fn receive(&mut self, batches: &mut Received, out: &mut Outgoing) {
        let now = Instant::now();
        for ready in self.ports.take_ready() {
            let drained = match ready {
                Ready::Listener(SocketId::Observer, _) => self.observe(now, batches),
                Ready::Transfers(port) => self.receive_batch(now, port, batches),
                Ready::Listener(socket, is_ipv6) => self.drain(now, socket, is_ipv6, batches),
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
        is_ipv6: bool,
        batches: &mut Received,
    ) -> io::Result<bool> {
        let batch = batches.listeners.of_family(is_ipv6);
        for _ in 0..BATCHES_PER_WAKE_MAX {
            self.ports.receive(socket, is_ipv6, batch)?;
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
        ports.observe(batches.listeners.of_family(false), |mut arrival, datagram| {
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

    /// Hands look-ups to those who ask the inventory, and their answers to the engine.
    fn look_up(&mut self, now: Instant) {
        let Some(lookups) = &mut self.lookups else { return };
        while let Some((mac, answer)) = lookups.poll() {
            self.engine.handle_lookup(now, mac, answer);
        }
        while lookups.has_room()
            && let Some(mac) = self.engine.poll_lookup()
        {
            lookups.ask(mac);
        }
    }

    fn keep_house(&mut self, now: Instant) {
        if now < self.next_housekeeping {
            return;
        }
        self.next_housekeeping = now + HOUSEKEEPING_EVERY;
        if let Some(housekeeping) = &mut self.housekeeping {
            match housekeeping.interfaces() {
                Ok(interfaces) => {
                    let none = interfaces.is_empty();
                    match self.interfaces.replace(interfaces) {
                        Some(_) if none => {
                            warn!("nobody can be answered: {}", interfaces::NONE);
                        }
                        Some(served) => info!("now serving {served}"),
                        None => {}
                    }
                }
                Err(error) => warn!("cannot list the network interfaces: {error}"),
            }
            housekeeping.refresh();
        }
        self.refresh_own_addresses();
        self.prober.forget_links();
        if let Some(direct) = self.ports.direct() {
            direct.forget_links();
        }
        self.tell_drops(now);
    }

    fn tell_drops(&mut self, now: Instant) {
        if now < self.next_drops {
            return;
        }
        self.tell_left_out(now);
        let drops = self.engine.drops();
        if drops == self.told_drops {
            return;
        }
        self.next_drops = now + DROPS_TOLD_EVERY;
        warn!(
            "dropped since the last such line: {} DHCP and {} TFTP datagrams that were broken or not \
             for us, {} DHCP requests that the lease store or the network was too slow for, {} log lines",
            drops.dhcp - self.told_drops.dhcp,
            drops.tftp - self.told_drops.tftp,
            drops.lost - self.told_drops.lost,
            drops.events - self.told_drops.events,
        );
        self.told_drops = drops;
    }

    /// The journal is everybody's, so one loop tells it.
    fn tell_left_out(&mut self, now: Instant) {
        let left_out = self.journal.counts().left_out;
        if self.housekeeping.is_none() || left_out == self.told_left_out {
            return;
        }
        self.next_drops = now + DROPS_TOLD_EVERY;
        warn!(
            "more machines than can have a story ({STRANGERS_MAX} that fetched no file): {} steps of others are not \
             told here; -v tells them",
            left_out - self.told_left_out,
        );
        self.told_left_out = left_out;
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
