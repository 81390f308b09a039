//! All addresses: by position, by client, and by when they can be used again.

use core::net::Ipv4Addr;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::bitmap::Bitmap;
use super::slot::{Slot, available_from};
use crate::client::Anchor;
use crate::time::UnixSeconds;
use crate::topology::{NetworkId, Position, Topology};

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) topology: Topology,
    pub(super) rest_seconds: u64,
    slots: Vec<Option<Box<Slot>>>,
    /// The server's own addresses, which nobody gets.
    own: HashSet<Ipv4Addr>,
    /// Pool addresses that nobody has, had or was offered.
    fresh: Bitmap,
    /// By network.
    shelves: Vec<Shelf>,
    /// Where a client's addresses are.
    places: HashMap<Anchor, Vec<Position>>,
}

/// Pool addresses with a past, ordered by when they can be used again.
#[derive(Clone, Debug, Default)]
struct Shelf {
    idle: BTreeSet<(UnixSeconds, Position)>,
    quarantined: BTreeSet<(UnixSeconds, Position)>,
}

/// Where in a shelf an address stands.
struct Filing {
    network: NetworkId,
    quarantined: bool,
    from: UnixSeconds,
}

impl Table {
    pub(super) fn new(topology: Topology, rest_seconds: u64) -> Self {
        let positions = topology.positions();
        let mut table = Self {
            slots: vec![None; usize::try_from(positions).unwrap_or(0)],
            own: HashSet::new(),
            fresh: Bitmap::new(positions),
            shelves: topology.networks().map(|_| Shelf::default()).collect(),
            places: HashMap::new(),
            topology,
            rest_seconds,
        };
        for position in (0..positions).map(Position) {
            table.file(position);
        }
        table
    }

    pub(super) fn slot(&self, position: Position) -> Option<&Slot> {
        self.slots.get(usize::try_from(position.0).ok()?)?.as_deref()
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = (Position, &Slot)> {
        let all = (0..self.topology.positions()).map(Position);
        all.zip(&self.slots).filter_map(|(at, slot)| Some((at, slot.as_deref()?)))
    }

    /// Changes a slot; it is found and filed by what it is afterwards.
    pub(super) fn update<T>(
        &mut self,
        position: Position,
        change: impl FnOnce(&mut Slot) -> T,
    ) -> Option<T> {
        self.unfile(position);
        let place = self.slots.get_mut(usize::try_from(position.0).ok()?)?;
        let mut slot = place.take().unwrap_or_default();
        let before = slot.anchors();
        let result = change(&mut slot);
        let after = slot.anchors();
        *place = (!slot.is_empty()).then_some(slot);
        for anchor in before.iter().filter(|anchor| !after.contains(anchor)) {
            self.forget_place(anchor, position);
        }
        for anchor in after.into_iter().filter(|anchor| !before.contains(anchor)) {
            self.places.entry(anchor).or_default().push(position);
        }
        self.file(position);
        Some(result)
    }

    fn forget_place(&mut self, anchor: &Anchor, position: Position) {
        if let Some(places) = self.places.get_mut(anchor) {
            places.retain(|place| *place != position);
            if places.is_empty() {
                self.places.remove(anchor);
            }
        }
    }

    /// Where the client's addresses are, on any network.
    pub(super) fn places(&self, anchor: &Anchor) -> &[Position] {
        self.places.get(anchor).map(|places| &places[..]).unwrap_or_default()
    }

    pub(super) fn is_own(&self, position: Position) -> bool {
        !self.own.is_empty() && self.own.contains(&self.topology.address(position))
    }

    pub(super) fn own(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.own.iter().copied()
    }

    pub(super) fn set_own(&mut self, own: HashSet<Ipv4Addr>) {
        let both = self.own.iter().chain(&own);
        let positions: Vec<_> =
            both.filter_map(|address| self.topology.position(*address)).collect();
        for position in &positions {
            self.unfile(*position);
        }
        self.own = own;
        for position in positions {
            self.file(position);
        }
    }

    /// Whether anybody may be given the address, were it free.
    pub(super) fn is_dynamic(&self, position: Position) -> bool {
        self.topology.is_dynamic(position) && !self.is_own(position)
    }

    fn filing(&self, position: Position) -> Option<Filing> {
        let slot = self.slot(position)?;
        if slot.pending.is_some() {
            return None;
        }
        let network = self.topology.network_at(position)?;
        let free = slot.record.as_ref().map(|record| available_from(record, self.rest_seconds));
        if let Some(hold) = &slot.hold {
            let from = free.map_or(hold.until, |free| free.max(hold.until));
            return Some(Filing { network, quarantined: false, from });
        }
        let quarantined = slot.record.as_ref()?.state.is_quarantine();
        Some(Filing { network, quarantined, from: free? })
    }

    fn unfile(&mut self, position: Position) {
        if let Some(filing) = self.filing(position)
            && let Some(shelf) = self.shelves.get_mut(usize::from(filing.network.0))
        {
            shelf.row(filing.quarantined).remove(&(filing.from, position));
        }
    }

    fn file(&mut self, position: Position) {
        let dynamic = self.is_dynamic(position);
        self.fresh.set(position.0, dynamic && self.slot(position).is_none());
        if dynamic
            && let Some(filing) = self.filing(position)
            && let Some(shelf) = self.shelves.get_mut(usize::from(filing.network.0))
        {
            shelf.row(filing.quarantined).insert((filing.from, position));
        }
    }

    /// An address that nobody ever had, searched from a place that `hash` says.
    pub(super) fn fresh_in(&self, pool: core::ops::Range<u32>, hash: u64) -> Option<Position> {
        let length = u64::from(pool.end.saturating_sub(pool.start));
        let from = hash.checked_rem(length).and_then(|from| u32::try_from(from).ok()).unwrap_or(0);
        self.fresh.next_in(pool.clone(), pool.start.saturating_add(from)).map(Position)
    }

    /// The address that has been free for longest; of those set aside only if there is no other.
    pub(super) fn longest_free(&self, network: NetworkId, now: UnixSeconds) -> Option<Position> {
        let shelf = self.shelves.get(usize::from(network.0))?;
        let first = |row: &BTreeSet<(UnixSeconds, Position)>| {
            row.first().filter(|(from, _)| *from <= now).map(|(_, position)| *position)
        };
        first(&shelf.idle).or_else(|| first(&shelf.quarantined))
    }

    /// When the next address of a network becomes free.
    pub(super) fn next_free(&self, network: NetworkId) -> Option<UnixSeconds> {
        let shelf = self.shelves.get(usize::from(network.0))?;
        let first = |row: &BTreeSet<(UnixSeconds, Position)>| row.first().map(|(from, _)| *from);
        first(&shelf.idle).into_iter().chain(first(&shelf.quarantined)).min()
    }

    /// Addresses that are set aside, or were and not used since.
    pub(super) fn quarantined(&self, network: NetworkId) -> u64 {
        let shelf = self.shelves.get(usize::from(network.0));
        shelf.map_or(0, |shelf| u64::try_from(shelf.quarantined.len()).unwrap_or(u64::MAX))
    }
}

impl Shelf {
    fn row(&mut self, quarantined: bool) -> &mut BTreeSet<(UnixSeconds, Position)> {
        if quarantined { &mut self.quarantined } else { &mut self.idle }
    }
}
