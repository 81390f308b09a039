//! What each client's story told last, so that repetitions can be told from news.

use core::hash::{Hash, Hasher};
use core::num::NonZeroUsize;
use core::time::Duration;
use std::collections::VecDeque;
use std::collections::hash_map::DefaultHasher;
use std::time::Instant;

use lru::LruCache;

use super::client::ClientId;
use super::event::Stage;

/// Clients whose last steps are remembered; the one silent for longest makes room, if it was for a minute: a flood of
/// made-up clients makes nobody else's repetitions news. About 200 bytes each, 3 MB in all when full.
pub const CLIENTS_MAX: usize = 16_384;
/// Clients that came for the file they were offered, not yet told to the loop that offered it. Beyond
/// this the oldest is lost: its offer counts as ignored if it asks again soon.
pub const FETCHES_MAX: usize = 256;
/// A step reported again within this time is a repetition.
const REPEATED_WITHIN: Duration = Duration::from_secs(60);
/// Steps remembered per client for telling repetitions.
const STAGES_REMEMBERED: usize = 4;

/// One client's last steps.
struct Client {
    /// When anything was told of it last.
    told: Instant,
    /// It was offered a file, and has not asked for one since.
    is_expected: bool,
    recent: [Option<(Instant, u64)>; STAGES_REMEMBERED],
    next: usize,
}

impl Client {
    fn new(told: Instant) -> Self {
        Self { told, is_expected: false, recent: [None; STAGES_REMEMBERED], next: 0 }
    }
}

/// All clients, bounded by [`CLIENTS_MAX`].
pub(super) struct Clients {
    by_id: LruCache<ClientId, Client>,
    fetched: VecDeque<ClientId>,
}

impl Default for Clients {
    fn default() -> Self {
        let most = NonZeroUsize::new(CLIENTS_MAX).unwrap_or(NonZeroUsize::MIN);
        Self { by_id: LruCache::new(most), fetched: VecDeque::new() }
    }
}

impl Clients {
    /// Notes that a client was offered a file, and will ask for it if it took the offer.
    pub(super) fn expect_fetch(&mut self, now: Instant, id: ClientId) {
        if let Some(client) = self.touch(now, id) {
            client.is_expected = true;
        }
    }

    /// Notes that a client asks for a file; only the first after an offer is news.
    pub(super) fn note_fetch(&mut self, id: ClientId) {
        let Some(client) = self.by_id.peek_mut(&id) else { return };
        if core::mem::take(&mut client.is_expected) {
            if self.fetched.len() >= FETCHES_MAX {
                self.fetched.pop_front();
            }
            self.fetched.push_back(id);
        }
    }

    /// The next client that came for what it was offered.
    pub(super) fn next_fetch(&mut self) -> Option<ClientId> {
        self.fetched.pop_front()
    }

    /// Whether this client is remembered.
    pub(super) fn knows(&self, id: ClientId) -> bool {
        self.by_id.contains(&id)
    }

    /// Whether this step was reported for this client a moment ago; notes it as reported.
    pub(super) fn is_repeated(&mut self, now: Instant, id: ClientId, stage: &Stage) -> bool {
        let Some(client) = self.touch(now, id) else { return false };
        let digest = digest(stage);
        let seen = client.recent.iter_mut().flatten().find(|(_, known)| *known == digest);
        if let Some((when, _)) = seen {
            let repeated = now.saturating_duration_since(*when) < REPEATED_WITHIN;
            *when = now;
            return repeated;
        }
        client.recent[client.next] = Some((now, digest));
        client.next = (client.next + 1) % STAGES_REMEMBERED;
        false
    }

    /// It is the youngest now; none if it is new, and there is no room for it.
    fn touch(&mut self, now: Instant, id: ClientId) -> Option<&mut Client> {
        let is_over =
            |oldest: &Client| now.saturating_duration_since(oldest.told) >= REPEATED_WITHIN;
        let has_room = self.by_id.len() < CLIENTS_MAX
            || self.by_id.peek_lru().is_some_and(|(_, oldest)| is_over(oldest));
        let client = match has_room {
            true => self.by_id.get_or_insert_mut(id, || Client::new(now)),
            false => self.by_id.get_mut(&id)?,
        };
        client.told = now;
        Some(client)
    }
}

/// Equal steps have equal digests. The time a transfer took is not part of the step, nor how old a
/// piece of evidence was.
fn digest(stage: &Stage) -> u64 {
    let mut hasher = DefaultHasher::new();
    stage.word().hash(&mut hasher);
    match stage {
        Stage::Discovered { reasons, .. } | Stage::Held { reasons } | Stage::Denied { reasons } => {
            reasons.hash(&mut hasher);
        }
        Stage::Heard { firmware, ipxe, .. } => (firmware, ipxe).hash(&mut hasher),
        Stage::Baited { asked, file, .. } => (asked, file).hash(&mut hasher),
        Stage::HeldBait { asked, .. } => asked.hash(&mut hasher),
        Stage::Offered { file }
        | Stage::Acknowledged { file }
        | Stage::Requested { file, .. }
        | Stage::Probed { file }
        | Stage::Closed { file, .. }
        | Stage::Delivered { file, .. }
        | Stage::Tried { file }
        | Stage::Missing { file, .. }
        | Stage::Uploading { file, .. }
        | Stage::Part { file, .. }
        | Stage::Stored { file, .. } => file.hash(&mut hasher),
        Stage::Leased { address, file, .. } => (address, file).hash(&mut hasher),
        Stage::Refused { address, reason } => (address, reason).hash(&mut hasher),
        Stage::Unserved { reason } => reason.hash(&mut hasher),
        Stage::Released { address } => address.hash(&mut hasher),
        Stage::Declined { address, ignored } => (address, ignored).hash(&mut hasher),
        Stage::Booted { from, .. } => from.hash(&mut hasher),
        Stage::Progress { file, bytes, .. } => (file, bytes).hash(&mut hasher),
        Stage::Addressed { address, server } => (address, server).hash(&mut hasher),
        Stage::Silent { what, .. } => what.hash(&mut hasher),
        // How often it was sent is chance.
        Stage::Lost { file, lost } => (file, lost.block_bytes()).hash(&mut hasher),
        Stage::Failed { file, reason } => (file, reason).hash(&mut hasher),
        Stage::Done { end } => end.hash(&mut hasher),
        Stage::LookedUp { boots, what } => (boots, what).hash(&mut hasher),
        Stage::Phrased { style, reason } => (style, reason).hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_story_makes_room_once_it_is_old() {
        let mut clients = Clients::default();
        let now = Instant::now();
        let stage = Stage::Tried { file: "x".into() };
        let id = |number: u32| {
            let [a, b, c, d] = number.to_be_bytes();
            ClientId::Mac([2, 0, a, b, c, d])
        };
        for number in 0..CLIENTS_MAX as u32 {
            assert!(!clients.is_repeated(now, id(number), &stage));
        }
        let late = id(CLIENTS_MAX as u32);
        for _ in 0..2 {
            assert!(!clients.is_repeated(now, late, &stage), "there is no room for it");
        }
        assert!(clients.is_repeated(now, id(0), &stage), "nobody was pushed out");
        let later = now + REPEATED_WITHIN;
        assert!(!clients.is_repeated(later, late, &stage));
        assert!(clients.is_repeated(later, late, &stage));
        assert_eq!(clients.by_id.len(), CLIENTS_MAX);
        assert!(clients.knows(id(0)) && !clients.knows(id(1)), "it was silent for longest");
    }
}
