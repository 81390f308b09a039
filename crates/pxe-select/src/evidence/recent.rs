//! A bounded map that forgets what was touched longest ago.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(super) struct Recent<K, V> {
    /// Boxed, since the map moves its entries about, and these are large.
    entries: BTreeMap<K, Box<(u64, V)>>,
    /// Who was touched when, oldest first.
    order: BTreeMap<u64, K>,
    clock: u64,
    max: usize,
}

impl<K: Ord + Copy, V> Recent<K, V> {
    pub(super) const fn new(max: usize) -> Self {
        Self { entries: BTreeMap::new(), order: BTreeMap::new(), clock: 0, max }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.1)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|entry| &mut entry.1)
    }

    /// The entry of `key`, made by `new` if there is none; it is the youngest now. The oldest makes room.
    pub(super) fn touch(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        self.clock = self.clock.saturating_add(1);
        let now = self.clock;
        let mut room = None;
        if let Some(entry) = self.entries.get(&key) {
            self.order.remove(&entry.0);
        } else if self.entries.len() >= self.max
            && let Some((_, oldest)) = self.order.pop_first()
        {
            room = self.entries.remove(&oldest);
        }
        self.order.insert(now, key);
        let entry = self.entries.entry(key).or_insert_with(|| match room {
            Some(mut room) => {
                *room = (now, new());
                room
            }
            None => Box::new((now, new())),
        });
        entry.0 = now;
        &mut entry.1
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.order.values().filter_map(|key| Some((key, self.get(key)?)))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_touched_longest_ago_makes_room() {
        let mut recent = Recent::new(3);
        for key in [1, 2, 3, 1] {
            *recent.touch(key, || 0) += key;
        }
        recent.touch(4, || 4);
        let kept: Vec<_> = recent.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(kept, [(3, 3), (1, 2), (4, 4)]);
        assert_eq!((recent.get(&2), recent.len(), recent.order.len()), (None, 3, 3));
        *recent.get_mut(&3).unwrap() = 9;
        assert_eq!(recent.get(&3), Some(&9));
    }
}
