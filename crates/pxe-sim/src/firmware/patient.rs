//! What stands above a boot attempt: a boot manager that goes through its list again, a ROM that
//! starts over, a person who presses the key once more. Up to a point.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::Outcome;
use crate::network::{Arrival, Node, Outbox};

/// How long a machine goes on.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Attempts until it gives up.
    pub attempts: usize,
    /// Time between the end of one and the beginning of the next.
    pub pause: Duration,
}

impl Patience {
    /// One try, and then the next boot device.
    pub const ONE_ATTEMPT: Self = Self { attempts: 1, pause: Duration::ZERO };
    /// A UEFI boot manager with network entries only: IPv6 and HTTP have their turn in between.
    pub const BOOT_MANAGER: Self = Self { attempts: 3, pause: Duration::from_secs(90) };
    /// A BIOS that finds nothing else to boot from (INT 18h) and asks its ROM again.
    pub const BIOS: Self = Self { attempts: 4, pause: Duration::from_secs(5) };
}

/// A model that is started again when it fails.
pub struct Patient<M> {
    start: Box<dyn Fn(u32, Instant) -> M>,
    model: M,
    patience: Patience,
    attempt: u32,
    again: Option<Instant>,
}

impl<M: Node> Patient<M> {
    /// A machine whose attempts `start` makes, from the number of the attempt and its time. Each
    /// needs a transaction id of its own.
    #[must_use]
    pub fn new(
        patience: Patience,
        now: Instant,
        start: impl Fn(u32, Instant) -> M + 'static,
    ) -> Self {
        let model = start(0, now);
        Self { start: Box::new(start), model, patience, attempt: 0, again: None }
    }

    fn is_last(&self) -> bool {
        self.attempt as usize + 1 >= self.patience.attempts
    }

    fn follow_model(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(Outcome::Failed(reason)) = self.model.outcome()
            && self.again.is_none()
            && !self.is_last()
        {
            out.note(format!("attempt {} fails: {reason}", self.attempt + 1));
            self.again = Some(now + self.patience.pause);
        }
    }
}

impl<M: Node> Node for Patient<M> {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if self.again.is_none() {
            self.model.handle_datagram(now, arrival, out);
            self.follow_model(now, out);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.again.or_else(|| self.model.poll_timeout())
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        match self.again {
            Some(again) if again <= now => {
                self.again = None;
                self.attempt += 1;
                self.model = (self.start)(self.attempt, now);
                out.set_address(0, Ipv4Addr::UNSPECIFIED);
            }
            Some(_) => {}
            None => {
                self.model.handle_timeout(now, out);
                self.follow_model(now, out);
            }
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        self.model.outcome().filter(|outcome| outcome.boot().is_some() || self.is_last())
    }
}
