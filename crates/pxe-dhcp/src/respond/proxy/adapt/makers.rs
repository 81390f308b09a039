//! What worked for other machines of the same maker.

use core::num::NonZeroUsize;
use core::time::Duration;
use std::hash::RandomState;
use std::time::Instant;

use lru::LruCache;

use super::trial::{LADDER, slot};
use crate::respond::limits::ADAPTED_MAKERS_MAX;
use crate::respond::proxy::{HardwareAddress, ProxyStyle};

const MAKERS: NonZeroUsize = NonZeroUsize::new(ADAPTED_MAKERS_MAX).unwrap();
/// Machines that must agree before their maker's others begin with the same style.
const MACHINES_MIN: u16 = 2;
/// Age at which a maker's habit is forgotten: firmware is replaced in time.
const HABIT_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The first three octets of an Ethernet address (OUI).
type Prefix = [u8; 3];

/// A maker's machines of one kind: BIOS ROMs and UEFI firmware of one card differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    prefix: Prefix,
    usual: ProxyStyle,
}

#[derive(Debug)]
struct Habit {
    /// Machines that each style of [`LADDER`] worked for.
    machines: [u16; LADDER.len()],
    heard: Instant,
}

/// Makers by the prefix of their addresses; the one unheard for longest makes room.
#[derive(Debug)]
pub(super) struct Makers(LruCache<Key, Habit, RandomState>);

impl Makers {
    pub(super) fn new() -> Self {
        let mut makers = LruCache::unbounded_with_hasher(RandomState::new());
        makers.resize(MAKERS);
        Self(makers)
    }

    /// The style that machines of this maker took, if all that are known took the same.
    pub(super) fn habit(
        &mut self,
        now: Instant,
        client: &HardwareAddress,
        usual: ProxyStyle,
    ) -> Option<(ProxyStyle, u16)> {
        let key = Key { prefix: prefix(client)?, usual };
        if now.saturating_duration_since(self.0.peek(&key)?.heard) > HABIT_AGE {
            self.0.pop(&key);
            return None;
        }
        let machines = &self.0.get(&key)?.machines;
        let mut known = LADDER.into_iter().zip(*machines).filter(|(_, machines)| *machines > 0);
        let (style, machines) = known.next()?;
        (known.next().is_none() && machines >= MACHINES_MIN).then_some((style, machines))
    }

    /// `style` worked for a machine, for which `before` had worked until now.
    pub(super) fn note(
        &mut self,
        now: Instant,
        client: &HardwareAddress,
        usual: ProxyStyle,
        before: Option<ProxyStyle>,
        style: ProxyStyle,
    ) {
        let Some(prefix) = prefix(client) else { return };
        let key = Key { prefix, usual };
        let new = || Habit { machines: [0; LADDER.len()], heard: now };
        let habit = self.0.get_or_insert_mut(key, new);
        habit.heard = now;
        if before == Some(style) {
            return;
        }
        if let Some(count) = before.and_then(slot).map(|slot| &mut habit.machines[slot]) {
            *count = count.saturating_sub(1);
        }
        if let Some(slot) = slot(style) {
            habit.machines[slot] = habit.machines[slot].saturating_add(1);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn prefix(client: &HardwareAddress) -> Option<Prefix> {
    let [a, b, c, _, _, _] = <[u8; 6]>::try_from(client.as_bytes()).ok()?;
    Some([a, b, c])
}
