//! A set of positions in which the next member is found at once.

use core::ops::Range;

const WORD_BITS: u32 = u64::BITS;

/// One bit for each position, and above them one for each word that has a bit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bitmap {
    words: Vec<u64>,
    summary: Vec<u64>,
}

impl Bitmap {
    pub(super) fn new(bits: u32) -> Self {
        let words = bits.div_ceil(WORD_BITS);
        let zeros = |count: u32| vec![0; usize::try_from(count).unwrap_or(0)];
        Self { words: zeros(words), summary: zeros(words.div_ceil(WORD_BITS)) }
    }

    pub(super) fn set(&mut self, bit: u32, value: bool) {
        let any = set_bit(&mut self.words, bit, value) != 0;
        set_bit(&mut self.summary, bit / WORD_BITS, any);
    }

    #[cfg(test)]
    pub(super) fn contains(&self, bit: u32) -> bool {
        self.next_in(bit..bit + 1, bit).is_some()
    }

    /// The first member in `range` at or behind `from`, going on at the front of the range.
    pub(super) fn next_in(&self, range: Range<u32>, from: u32) -> Option<u32> {
        let from = from.clamp(range.start, range.end);
        self.first_in(from..range.end).or_else(|| self.first_in(range.start..from))
    }

    fn first_in(&self, range: Range<u32>) -> Option<u32> {
        if range.is_empty() {
            return None;
        }
        let first = range.start / WORD_BITS;
        let word = if from_bit(at(&self.words, first)?, range.start) == 0 {
            self.next_word(first.checked_add(1)?)?
        } else {
            first
        };
        let mut bits = at(&self.words, word)?;
        if word == first {
            bits = from_bit(bits, range.start);
        }
        let found = word.checked_mul(WORD_BITS)?.checked_add(bits.trailing_zeros())?;
        (found < range.end).then_some(found)
    }

    /// The first word at or behind this one that has a member.
    fn next_word(&self, from: u32) -> Option<u32> {
        let mut index = from / WORD_BITS;
        let mut bits = from_bit(at(&self.summary, index)?, from);
        while bits == 0 {
            index = index.checked_add(1)?;
            bits = at(&self.summary, index)?;
        }
        index.checked_mul(WORD_BITS)?.checked_add(bits.trailing_zeros())
    }
}

fn at(words: &[u64], index: u32) -> Option<u64> {
    words.get(usize::try_from(index).ok()?).copied()
}

/// The word without the bits before this one.
fn from_bit(word: u64, bit: u32) -> u64 {
    word & u64::MAX.checked_shl(bit % WORD_BITS).unwrap_or(0)
}

/// The word as it is afterwards; 0 if there is no such bit.
fn set_bit(words: &mut [u64], bit: u32, value: bool) -> u64 {
    let mask = 1_u64.checked_shl(bit % WORD_BITS).unwrap_or(0);
    let index = usize::try_from(bit / WORD_BITS).unwrap_or(usize::MAX);
    let Some(word) = words.get_mut(index) else { return 0 };
    *word = if value { *word | mask } else { *word & !mask };
    *word
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compared with a search bit by bit, over sets of every density.
    #[test]
    fn the_next_member_is_found() {
        let bits = 64 * 64 * 2 + 17;
        let mut seed = 1_u64;
        let mut random = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from(seed >> 33).unwrap()
        };
        for members in [0, 1, 3, 100, 8000] {
            let mut map = Bitmap::new(bits);
            let mut set = std::collections::BTreeSet::new();
            for _ in 0..members {
                let bit = random() % bits;
                map.set(bit, true);
                set.insert(bit);
            }
            for bit in set.iter().copied().step_by(3).collect::<Vec<_>>() {
                map.set(bit, false);
                set.remove(&bit);
            }
            for _ in 0..300 {
                let (start, from) = (random() % bits, random() % bits);
                let end = start + random() % (bits - start + 1);
                let clamped = from.clamp(start, end);
                let slow = set.range(clamped..end).chain(set.range(start..clamped)).next();
                assert_eq!(
                    map.next_in(start..end, from),
                    slow.copied(),
                    "{start}..{end} from {from}"
                );
            }
            assert!((0..bits).all(|bit| map.contains(bit) == set.contains(&bit)));
        }
    }
}
