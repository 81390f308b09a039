//! Orders for one boot of a machine: which one stands, and when it is spent.
//!
//! An order is asked for at each decision about its machine. A machine that says that it is done spends it at once. One
//! that is spent by delivery goes on for the files of that boot, since loaders ask for more than one, and is over for the
//! next message to DHCP.

use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use pxe_select::{Action, Decision, Generated, NextBoot, RAM_DISK_ENTRY, Target};

/// Orders spent by delivery whose boots go on, about 200 bytes each and their names; further ones are over at once.
pub const DELIVERED_ORDERS_MAX: usize = 1_024;
/// So long after the delivery a machine's files are of that boot, unless DHCP hears of it before.
const BOOT_GOES_ON: Duration = Duration::from_secs(600);

/// What spends an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Once {
    /// The machine says that it is done.
    #[default]
    Done,
    /// What the order names has gone to the machine.
    Delivered,
}

/// An order for one boot of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What it boots.
    pub boots: NextBoot,
    /// What spends it.
    pub once: Once,
    /// When it was given, in milliseconds of UNIX time: tells it from a later one for the same machine.
    pub given_ms: u64,
}

/// When no crash can bring back what was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// As soon as the call returns.
    ForGood,
    /// A little later: nobody waits for a disk.
    Soon,
}

/// Orders, kept by somebody who survives a restart.
pub trait Orders: Send + Sync {
    /// What is ordered for this machine.
    fn order(&self, mac: [u8; 6]) -> Option<Order>;
    /// Whether there is an order for any machine.
    fn is_any(&self) -> bool;
    /// Takes this order away, unless another stands by now: whether it did.
    ///
    /// # Errors
    /// The order stands: it could not be taken away.
    fn spend(&self, mac: [u8; 6], given_ms: u64, gone: Gone) -> io::Result<bool>;
}

/// What is ordered, and which boots go on.
#[derive(Default)]
pub struct OrderBook {
    kept: OnceLock<Box<dyn Orders>>,
    delivered: Mutex<HashMap<[u8; 6], (Instant, Order)>>,
}

impl OrderBook {
    /// Asks these. Only the first call counts.
    pub fn set(&self, kept: Box<dyn Orders>) {
        // Set once, before the loops run.
        let _ = self.kept.set(kept);
    }

    /// The order that stands for a machine.
    pub fn standing(&self, mac: [u8; 6]) -> Option<Order> {
        self.kept.get()?.order(mac)
    }

    pub(super) fn is_any(&self) -> bool {
        self.kept.get().is_some_and(|kept| kept.is_any()) || !self.lock().is_empty()
    }

    /// For a message to DHCP: what was delivered before it was for another boot.
    pub(super) fn of_boot(&self, hardware_address: &[u8]) -> Option<NextBoot> {
        let mac = hardware_address.try_into().ok()?;
        let kept = self.kept.get()?;
        self.lock().remove(&mac);
        kept.order(mac).map(|order| order.boots)
    }

    /// For a file that a machine asks for.
    pub(super) fn of_file(&self, now: Instant, hardware_address: &[u8]) -> Option<Order> {
        let mac = hardware_address.try_into().ok()?;
        self.standing(mac).or_else(|| {
            let delivered = self.lock();
            let (until, order) = delivered.get(&mac)?;
            (now < *until).then(|| order.clone())
        })
    }

    /// The machine has done what it was ordered: whether this order stood until now.
    ///
    /// # Errors
    /// The order stands: it could not be taken away.
    pub fn done(&self, mac: [u8; 6], order: &Order) -> io::Result<bool> {
        self.kept.get().map_or(Ok(false), |kept| kept.spend(mac, order.given_ms, Gone::ForGood))
    }

    /// What the order names has gone to the machine: whether that spent it.
    ///
    /// # Errors
    /// The order stands: it could not be taken away.
    pub fn delivered(&self, now: Instant, last: LastPiece) -> io::Result<bool> {
        let LastPiece { mac, order } = last;
        let Some(kept) = self.kept.get() else { return Ok(false) };
        if !kept.spend(mac, order.given_ms, Gone::Soon)? {
            return Ok(false);
        }
        let mut delivered = self.lock();
        delivered.retain(|_, (until, _)| now < *until);
        if delivered.len() < DELIVERED_ORDERS_MAX {
            delivered.insert(mac, (now + BOOT_GOES_ON, order));
        }
        Ok(true)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 6], (Instant, Order)>> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file whose delivery spends an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPiece {
    mac: [u8; 6],
    order: Order,
}

impl LastPiece {
    /// Whether what was decided is the last thing that we see of an order.
    pub(super) fn of(
        hardware_address: &[u8],
        order: Option<&Order>,
        decision: &Decision<'_>,
    ) -> Option<Self> {
        let mac = hardware_address.try_into().ok()?;
        let order = order.filter(|order| order.once == Once::Delivered)?;
        let (name, generated) = match &decision.action {
            Action::File { name, trimmed, generated, .. } => {
                (trimmed.and_then(|length| name.get(..length)).unwrap_or(name), *generated)
            }
            Action::Script { name, generated } => (name.as_bytes(), *generated),
            _ => return None,
        };
        let is_last = match &order.boots {
            NextBoot::Boots(Target::Script(script)) => {
                script.trim_start_matches('/').as_bytes() == name
            }
            // Firmware that starts the image by itself asks for no text.
            NextBoot::Boots(Target::Image(image)) if is_whole(image, name) => true,
            _ => matches!(
                generated,
                Some(Generated::IpxeMenu | Generated::GrubConfig | Generated::PxelinuxConfig)
            ),
        };
        is_last.then(|| Self { mac, order: order.clone() })
    }
}

/// Whether an order is for all of an image in memory, and the file is that image.
fn is_whole(image: &str, file: &[u8]) -> bool {
    image.split_once('#').is_some_and(|(name, entry)| {
        entry == RAM_DISK_ENTRY && file.strip_prefix(b"images/") == Some(name.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

    struct One(Mutex<Option<Order>>);

    impl Orders for One {
        fn order(&self, mac: [u8; 6]) -> Option<Order> {
            self.0.lock().expect("a lock").clone().filter(|_| mac == MAC)
        }

        fn is_any(&self) -> bool {
            self.0.lock().expect("a lock").is_some()
        }

        fn spend(&self, _: [u8; 6], given_ms: u64, _: Gone) -> io::Result<bool> {
            let mut order = self.0.lock().expect("a lock");
            Ok(order.take_if(|order| order.given_ms == given_ms).is_some())
        }
    }

    fn book(order: &Order) -> OrderBook {
        let book = OrderBook::default();
        book.set(Box::new(One(Mutex::new(Some(order.clone())))));
        book
    }

    #[test]
    fn a_delivered_order_goes_on_for_the_files_of_its_boot_alone() {
        let order = Order { boots: NextBoot::Menu, once: Once::Delivered, given_ms: 7 };
        let (book, start) = (book(&order), Instant::now());
        assert_eq!(book.of_boot(&MAC), Some(NextBoot::Menu));
        let last = LastPiece { mac: MAC, order: order.clone() };
        assert!(book.delivered(start, last.clone()).expect("spent"));
        assert!(!book.delivered(start, last).expect("once"), "it was spent before");
        let late = start + BOOT_GOES_ON;
        assert_eq!(book.of_file(start, &MAC), Some(order));
        assert_eq!((book.of_file(late, &MAC), book.is_any()), (None, true));
        assert_eq!(book.of_boot(&MAC), None, "a new boot");
        assert_eq!((book.of_file(start, &MAC), book.is_any()), (None, false));
    }

    #[test]
    fn the_image_itself_ends_an_order_for_all_of_it() {
        assert!(is_whole("a b.iso#ram-disk", b"images/a b.iso"));
        for (image, file) in [
            ("a.iso", &b"images/a.iso"[..]),
            ("a.iso#install", b"images/a.iso"),
            ("a.iso#ram-disk", b"images/b.iso"),
            ("a.iso#ram-disk", b"images/a.iso/files/x"),
        ] {
            assert!(!is_whole(image, file), "{image} {file:?}");
        }
    }

    #[test]
    fn an_older_order_spends_no_newer_one() {
        let order = Order { boots: NextBoot::Menu, once: Once::Done, given_ms: 8 };
        let book = book(&order);
        let older = Order { given_ms: 7, ..order.clone() };
        assert!(!book.done(MAC, &older).expect("nothing to do"));
        assert_eq!(book.standing(MAC), Some(order.clone()));
        assert!(book.done(MAC, &order).expect("spent"));
        assert_eq!(book.standing(MAC), None);
        assert_eq!(book.of_file(Instant::now(), &MAC), None, "it said that it is done");
    }
}
