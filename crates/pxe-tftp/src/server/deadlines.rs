//! Deadlines of many transfers: a binary heap that knows where each transfer's entry is, so that moving a
//! deadline costs `log n` and nothing is allocated once it has grown.

use std::time::Instant;

const NOWHERE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// The earliest at the root.
    heap: Vec<(Instant, u32)>,
    /// Place in the heap for each slot.
    places: Vec<u32>,
}

impl Deadlines {
    pub(super) fn first(&self) -> Option<Instant> {
        self.heap.first().map(|&(deadline, _)| deadline)
    }

    /// Takes one slot whose deadline has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let &(deadline, slot) = self.heap.first()?;
        (deadline <= now).then(|| {
            self.clear(slot);
            slot
        })
    }

    pub(super) fn set(&mut self, slot: u32, deadline: Instant) {
        if self.places.len() <= slot as usize {
            self.places.resize(slot as usize + 1, NOWHERE);
        }
        let place = match self.places[slot as usize] {
            NOWHERE => {
                self.heap.push((deadline, slot));
                self.heap.len() - 1
            }
            // An acknowledgement and the block it draws postpone to the same time.
            place if self.heap[place as usize].0 == deadline => return,
            place => {
                self.heap[place as usize].0 = deadline;
                place as usize
            }
        };
        self.settle(place);
    }

    pub(super) fn clear(&mut self, slot: u32) {
        let Some(place) = self.places.get_mut(slot as usize) else { return };
        let place = match core::mem::replace(place, NOWHERE) {
            NOWHERE => return,
            place => place as usize,
        };
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.settle(place);
        }
    }

    /// Moves the entry at `place` to where it belongs.
    fn settle(&mut self, mut place: usize) {
        let entry = self.heap[place];
        while place > 0 && entry < self.heap[(place - 1) / 2] {
            self.put(place, self.heap[(place - 1) / 2]);
            place = (place - 1) / 2;
        }
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let Some(&first) = self.heap.get(left) else { break };
            let (child, least) = match self.heap.get(right) {
                Some(&second) if second < first => (right, second),
                _ => (left, first),
            };
            if entry <= least {
                break;
            }
            self.put(place, least);
            place = child;
        }
        self.put(place, entry);
    }

    fn put(&mut self, place: usize, entry: (Instant, u32)) {
        self.heap[place] = entry;
        // Slots are counted in 32 bits, and there is one entry for each at most.
        self.places[entry.1 as usize] = u32::try_from(place).unwrap_or(NOWHERE);
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn behaves_like_a_sorted_map() {
        let start = Instant::now();
        let (mut deadlines, mut model) = (Deadlines::default(), BTreeMap::new());
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        for _ in 0..20_000 {
            let slot = u32::try_from(random(50)).unwrap();
            match random(4) {
                0 => {
                    deadlines.clear(slot);
                    model.remove(&slot);
                }
                1 => {
                    let now = start + Duration::from_millis(random(1000));
                    let due = deadlines.pop_due(now);
                    let earliest = model.values().min().copied();
                    assert_eq!(due.is_some(), earliest.is_some_and(|first| first <= now));
                    if let Some(due) = due {
                        assert_eq!(model.remove(&due), earliest);
                    }
                }
                _ => {
                    let deadline = start + Duration::from_millis(random(1000));
                    deadlines.set(slot, deadline);
                    model.insert(slot, deadline);
                }
            }
            assert_eq!(deadlines.first(), model.values().min().copied());
            assert_eq!(deadlines.heap.len(), model.len());
        }
    }
}
