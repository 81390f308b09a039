//! Who is connected: bounded in all and for each address, and whoever only waits makes room for others.
//!
//! A client that connects and does not ask, or asks byte by byte (a slow-header attack), holds a place until somebody
//! else wants it; one that has asked and gets its answer is never sent away for another.

use core::net::{IpAddr, Ipv6Addr};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// All connections.
pub(crate) struct Slots {
    state: Mutex<State>,
    connections_max: usize,
    per_address_max: usize,
    began: Instant,
    working: AtomicUsize,
}

#[derive(Default)]
struct State {
    next: u64,
    slots: HashMap<u64, Arc<Slot>>,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place.
pub(crate) struct Slot {
    address: IpAddr,
    /// Answers under way.
    working: AtomicU32,
    /// When it began to wait, in milliseconds since the beginning.
    waiting_since: AtomicU64,
    leave: Notify,
    /// The client took none of what was sent to it for too long.
    pub(super) stalled: AtomicBool,
}

/// A place that is taken, until it is dropped.
pub(crate) struct Admission {
    slots: Arc<Slots>,
    number: u64,
    pub(crate) slot: Arc<Slot>,
}

/// An answer under way: its connection is not sent away.
pub(crate) struct Work {
    slots: Arc<Slots>,
    slot: Arc<Slot>,
}

impl Slots {
    pub(crate) fn new(connections_max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            connections_max,
            per_address_max,
            began: Instant::now(),
            working: AtomicUsize::new(0),
        })
    }

    /// A place for a new connection; `None` if everybody who could make room is being served.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Admission> {
        let address = network(peer);
        let mut state = self.lock();
        let of_address = state.by_address.get(&address).copied().unwrap_or(0);
        if of_address >= self.per_address_max {
            state.send_away(|slot| slot.address == address)?;
        } else if state.slots.len() >= self.connections_max {
            state.send_away(|_| true)?;
        }
        let slot = Arc::new(Slot {
            address,
            working: AtomicU32::new(0),
            waiting_since: AtomicU64::new(self.milliseconds()),
            leave: Notify::new(),
            stalled: AtomicBool::new(false),
        });
        state.next += 1;
        let number = state.next;
        state.slots.insert(number, Arc::clone(&slot));
        *state.by_address.entry(address).or_default() += 1;
        Some(Admission { slots: Arc::clone(self), number, slot })
    }

    /// Answers under way, over all connections.
    pub(crate) fn working(&self) -> usize {
        self.working.load(Ordering::Relaxed)
    }

    /// Connections that have a place.
    pub(crate) fn count(&self) -> usize {
        self.lock().slots.len()
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Ends the connection that has waited for longest among those that suit.
    fn send_away(&mut self, suits: impl Fn(&Slot) -> bool) -> Option<()> {
        let waiting = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.working.load(Ordering::Relaxed) == 0 && suits(slot));
        let longest = waiting
            .min_by_key(|(number, slot)| (slot.waiting_since.load(Ordering::Relaxed), **number));
        let number = *longest?.0;
        self.remove(number)?.leave.notify_one();
        Some(())
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Slot>> {
        let slot = self.slots.remove(&number)?;
        if let Some(count) = self.by_address.get_mut(&slot.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&slot.address);
            }
        }
        Some(slot)
    }
}

impl Slot {
    /// Waits until the place is wanted by another connection.
    pub(crate) async fn must_leave(&self) {
        self.leave.notified().await;
    }
}

impl Admission {
    /// An answer begins.
    pub(crate) fn work(&self) -> Work {
        self.slot.working.fetch_add(1, Ordering::Relaxed);
        self.slots.working.fetch_add(1, Ordering::Relaxed);
        Work { slots: Arc::clone(&self.slots), slot: Arc::clone(&self.slot) }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.slots.lock().remove(self.number);
    }
}

impl Work {
    /// Whether the client stopped taking what it was sent.
    pub(crate) fn stalled(&self) -> bool {
        self.slot.stalled.load(Ordering::Relaxed)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.slot.waiting_since.store(self.slots.milliseconds(), Ordering::Relaxed);
        self.slot.working.fetch_sub(1, Ordering::Relaxed);
        self.slots.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What counts as one address: of IPv6 the /64, since a host has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn left(admission: &Admission) -> bool {
        !admission.slots.lock().slots.contains_key(&admission.number)
    }

    #[test]
    fn the_longest_waiting_makes_room_and_nobody_who_works() {
        let slots = Slots::new(3, 2);
        let first = slots.admit(address(1)).expect("a place");
        let second = slots.admit(address(1)).expect("a place");
        let work = first.work();
        let third = slots.admit(address(1)).expect("a place: the second waits");
        assert!(!left(&first) && left(&second));
        let others = third.work();
        assert!(slots.admit(address(1)).is_none(), "both are being served");
        let other = slots.admit(address(2)).expect("another address has places");
        assert!(slots.admit(address(3)).is_some(), "whoever waits, of whatever address");
        assert!(left(&other));
        assert_eq!(slots.working(), 2);
        drop((work, others));
        assert_eq!(slots.working(), 0);
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let slots = Slots::new(1, 1);
        for _ in 0..3 {
            let admission = slots.admit(address(1)).expect("a place");
            let _work = admission.work();
            assert!(slots.admit(address(1)).is_none());
        }
        assert!(slots.lock().by_address.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }
}
