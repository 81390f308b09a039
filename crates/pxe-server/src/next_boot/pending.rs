//! Orders as those see them who only look.

use core::fmt;
use std::io;

use serde::Serialize;

use super::{NextBoots, text};
use crate::engine::{Gone, Order, Orders};
use crate::state::time;

/// An order that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// `menu`, `local`, `image NAME` or `script NAME`.
    what: String,
    /// `done` or `delivered`.
    once: String,
    /// When it was given, in milliseconds of UNIX time.
    given: u64,
}

impl Pending {
    /// The order as it is told.
    pub fn of(order: &Order) -> Self {
        let Order { boots, once, given_ms } = order;
        Self { what: text(boots), once: once.to_string(), given: *given_ms }
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, once {} (given {})", self.what, self.once, time(self.given))
    }
}

/// The orders of a server for a rehearsal, which spends none: a machine waits for them.
#[derive(Debug)]
pub(crate) struct Rehearsed(pub(crate) NextBoots);

impl Orders for Rehearsed {
    fn order(&self, mac: [u8; 6]) -> Option<Order> {
        self.0.get(mac)
    }

    fn is_any(&self) -> bool {
        self.0.is_any()
    }

    fn spend(&self, _: [u8; 6], _: u64, _: Gone) -> io::Result<bool> {
        Ok(false)
    }
}
