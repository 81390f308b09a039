//! How often each client declined lately.

use std::collections::{HashMap, VecDeque};

use crate::client::Anchor;
use crate::limits::{DECLINE_WINDOW_SECONDS, DECLINERS_MAX, DECLINES_PER_CLIENT_MAX};
use crate::time::UnixSeconds;

#[derive(Clone, Debug, Default)]
pub(super) struct Declines {
    counts: HashMap<Anchor, Count>,
    /// Those counted, oldest first.
    order: VecDeque<Anchor>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: UnixSeconds,
    declines: u8,
}

/// What to do with a decline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Heard,
    /// The first one too many.
    First,
    /// One more.
    Ignored,
}

impl Declines {
    pub(super) fn count(&mut self, now: UnixSeconds, client: Anchor) -> Verdict {
        if let Some(count) = self.counts.get_mut(&client) {
            if now.since(count.since) >= DECLINE_WINDOW_SECONDS {
                *count = Count { since: now, declines: 0 };
            }
            count.declines = count.declines.saturating_add(1);
            let first_too_many = DECLINES_PER_CLIENT_MAX.saturating_add(1);
            return match count.declines {
                0..=DECLINES_PER_CLIENT_MAX => Verdict::Heard,
                declines if declines == first_too_many => Verdict::First,
                _ => Verdict::Ignored,
            };
        }
        if self.order.len() >= DECLINERS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.order.push_back(client.clone());
        self.counts.insert(client, Count { since: now, declines: 1 });
        Verdict::Heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: usize) -> Anchor {
        Anchor::Identifier(number.to_be_bytes().into())
    }

    #[test]
    fn a_storm_is_noticed_and_ends() {
        let mut declines = Declines::default();
        let now = UnixSeconds(1000);
        let verdicts: Vec<_> = (0..6).map(|_| declines.count(now, client(0))).collect();
        let [heard, first, ignored] = [Verdict::Heard, Verdict::First, Verdict::Ignored];
        assert_eq!(verdicts, [heard, heard, heard, first, ignored, ignored]);
        assert_eq!(declines.count(now, client(1)), heard);
        assert_eq!(declines.count(now.plus(DECLINE_WINDOW_SECONDS), client(0)), heard);
    }

    #[test]
    fn many_clients_take_no_more_room() {
        let mut declines = Declines::default();
        for number in 0..DECLINERS_MAX * 3 {
            declines.count(UnixSeconds(0), client(number));
        }
        assert_eq!((declines.counts.len(), declines.order.len()), (DECLINERS_MAX, DECLINERS_MAX));
    }
}
