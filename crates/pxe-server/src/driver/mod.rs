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
mod housekeeping;
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
mod receiving;
mod replies;
mod segments;
mod sending;
mod store;
mod transfers;
mod vitals;

use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use mio::{Events, Poll};
use pxe_tftp::TransferId;

use crate::content::Files;
use crate::engine::{Drops, Engine};
use crate::journal::Journal;
pub use asker::{Answer, AskError, Asker, Question};
pub use control::{Control, Crew};
pub use desk::Desk;
use housekeeping::HOUSEKEEPING_EVERY;
pub use housekeeping::{Housekeeping, Reloaded};
use interfaces::SharedInterfaces;
use lookups::Lookups;
pub use lookups::{Ask, LOOKUP_THREADS_MAX, LOOKUPS_IN_FLIGHT_MAX};
pub use ports::{BindFault, Ports};
use probes::Prober;
use receiving::Received;
use sending::Outgoing;
pub use store::Store;
use store::StoreThread;
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
        let mut batches = Received::new();
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
}
