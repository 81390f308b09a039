//! The machine and the configuration change while we run: looked at again from time to time, and what was dropped meanwhile
//! is told.

use core::time::Duration;
use std::io;
use std::time::Instant;

use log::{error, info, warn};

use super::Driver;
use super::interfaces::{Interfaces, NONE};
use crate::config::Faults;
use crate::engine::{AddressPlan, OwnAddress};
use crate::journal::STRANGERS_MAX;

/// How often interfaces and loaders are looked at anew.
pub(super) const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(10);
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

impl Driver {
    pub(super) fn keep_house(&mut self, now: Instant) {
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
                            warn!("nobody can be answered: {}", NONE);
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

    /// The addresses of this machine change while we run.
    pub(super) fn refresh_own_addresses(&mut self) {
        let Some(housekeeping) = &mut self.housekeeping else { return };
        match housekeeping.own_addresses() {
            Ok(own) => self.engine.set_own_addresses(own),
            Err(error) => warn!("cannot list this machine's addresses: {error}"),
        }
    }

    /// SIGHUP.
    pub(super) fn reload_by_signal(&mut self, now: Instant) {
        if let Err(faults) = self.reload(now) {
            error!("the configuration has faults, and everything stays as it was:\n{faults}");
        }
    }

    pub(super) fn reload(&mut self, now: Instant) -> Result<(), Faults> {
        let Some(housekeeping) = &mut self.housekeeping else { return Ok(()) };
        let reloaded = housekeeping.reload()?;
        if let Some(plan) = reloaded.plan {
            let has_more = self.engine.set_plan(plan);
            if let Some(store) = self.store.as_mut().filter(|_| has_more) {
                store.read_again();
            }
            self.report();
        }
        // Interfaces may be others now.
        self.next_housekeeping = now;
        info!("the configuration was read again");
        Ok(())
    }
}
