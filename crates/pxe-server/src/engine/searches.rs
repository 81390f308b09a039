//! Loaders look for their configuration under many names, and most are not there: `PXELINUX` tries eleven, GRUB as many.
//! All the misses of one search are one step of the story, told when the search has ended without a file.

use core::time::Duration;
use std::collections::HashMap;
use std::time::Instant;

use super::client::ClientId;
use super::event::Stage;

/// Clients whose searches are followed at once, about 1 kB each; of further ones the single misses are told alone.
pub const SEARCHES_MAX: usize = 1_024;
/// A client that asked for nothing else for this long has given up, or goes on without.
pub(crate) const SEARCH_ENDS_AFTER: Duration = Duration::from_secs(3);

/// What clients looked for in vain, and have not found since.
#[derive(Default)]
pub(super) struct Searches {
    by_client: HashMap<ClientId, Search>,
}

struct Search {
    first: String,
    last: String,
    names: u32,
    at: Instant,
}

impl Searches {
    /// A client asked for a file that is not there.
    pub(super) fn missed(&mut self, now: Instant, client: ClientId, file: &str) {
        if let Some(search) = self.by_client.get_mut(&client) {
            file.clone_into(&mut search.last);
            search.names = search.names.saturating_add(1);
            search.at = now;
        } else if self.by_client.len() < SEARCHES_MAX {
            let (first, last) = (file.to_owned(), file.to_owned());
            self.by_client.insert(client, Search { first, last, names: 1, at: now });
        }
    }

    /// A client got a file: whatever it looked for before, it goes on.
    pub(super) fn found(&mut self, client: ClientId) {
        self.by_client.remove(&client);
    }

    /// The searches that ended in vain, and when the next one may have.
    pub(super) fn ended(&mut self, now: Instant) -> (Vec<(ClientId, Stage)>, Option<Instant>) {
        let ended = self.by_client.extract_if(|_, search| search.at + SEARCH_ENDS_AFTER <= now);
        let ended = ended.map(|(client, search)| {
            let Search { first, last: file, names, .. } = search;
            (client, Stage::Missing { file, first, names })
        });
        let ended = ended.collect();
        let next = self.by_client.values().map(|search| search.at).min();
        (ended, next.map(|at| at + SEARCH_ENDS_AFTER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> ClientId {
        ClientId::Address(core::net::Ipv4Addr::from(number).into())
    }

    #[test]
    fn a_search_is_one_step_and_none_if_it_finds() {
        let start = Instant::now();
        let mut searches = Searches::default();
        for (second, file) in [(0, "a"), (2, "b"), (4, "c")] {
            let now = start + Duration::from_secs(second);
            searches.missed(now, client(1), file);
            assert_eq!(searches.ended(now).0, []);
        }
        searches.missed(start, client(2), "x");
        searches.found(client(2));
        let due = start + Duration::from_secs(4) + SEARCH_ENDS_AFTER;
        assert_eq!(searches.ended(due - Duration::from_millis(1)), (vec![], Some(due)));
        let stage = Stage::Missing { file: "c".into(), first: "a".into(), names: 3 };
        assert_eq!(searches.ended(due), (vec![(client(1), stage)], None));
        assert_eq!(searches.ended(due), (vec![], None));
    }

    #[test]
    fn searches_are_bounded() {
        let now = Instant::now();
        let mut searches = Searches::default();
        for number in 0..2 * SEARCHES_MAX as u32 {
            searches.missed(now, client(number), "a");
        }
        assert_eq!(searches.ended(now + SEARCH_ENDS_AFTER).0.len(), SEARCHES_MAX);
    }
}
