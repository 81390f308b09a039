//! What each client's story told last, so that repetitions can be told from news.

use core::hash::{Hash, Hasher};
use core::net::Ipv4Addr;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::collections::VecDeque;
use std::collections::hash_map::DefaultHasher;
use std::time::Instant;

use lru::LruCache;
use pxe_select::Firmware;

use super::client::ClientId;
use super::event::Stage;

/// Clients whose last steps are remembered; the one silent for longest makes room, if it was for a minute: a flood of
/// made-up clients makes nobody else's repetitions news. About 300 bytes each, 5 MB in all when full, and the names of their
/// files, 4 MB at worst.
pub const CLIENTS_MAX: usize = 16_384;
/// Clients that came for the file they were offered, not yet told to the loop that offered it. Beyond
/// this the oldest is lost: its offer counts as ignored if it asks again soon.
pub const FETCHES_MAX: usize = 256;
/// A step reported again within this time is a repetition.
const REPEATED_WITHIN: Duration = Duration::from_secs(60);
/// Steps remembered per client for telling repetitions.
const STAGES_REMEMBERED: usize = 4;
/// Offers of others that are told of one client in one boot: anybody on the wire can make up more.
pub const RIVALS_PER_BOOT_MAX: usize = 4;
/// Of a client that tries for ever they are told again after this.
const RIVALS_TOLD_AGAIN_AFTER: Duration = Duration::from_secs(600);

/// What we offered a client last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OurOffer {
    /// The transaction it was in.
    pub(super) exchange: u32,
    /// What the client is.
    pub(super) firmware: Option<Firmware>,
    /// It runs iPXE already.
    pub(super) ipxe: bool,
    /// The file or URL.
    pub(super) file: Vec<u8>,
}

/// One client's last steps.
struct Client {
    /// When anything was told of it last.
    told: Instant,
    /// It was offered a file, and has not asked for one since.
    is_expected: bool,
    recent: [Option<(Instant, u64)>; STAGES_REMEMBERED],
    next: usize,
    offer: Option<OurOffer>,
    /// Whose offers were told in this boot, and what of them.
    rivals: Vec<(&'static str, Ipv4Addr)>,
    /// When the first of them was.
    rivals_told: Instant,
}

impl Client {
    fn new(told: Instant) -> Self {
        Self {
            told,
            is_expected: false,
            recent: [None; STAGES_REMEMBERED],
            next: 0,
            offer: None,
            rivals: Vec::new(),
            rivals_told: told,
        }
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
    pub(super) fn expect_fetch(&mut self, now: Instant, id: ClientId, offer: OurOffer) {
        if let Some(client) = self.touch(now, id) {
            // Firmware that asks anew after it fetched something boots anew.
            if !client.is_expected && !offer.ipxe {
                client.rivals.clear();
            }
            client.is_expected = true;
            client.offer = Some(offer);
        }
    }

    /// What we offered a client in this transaction, if that was its last.
    pub(super) fn offer(&self, id: ClientId, exchange: u32) -> Option<OurOffer> {
        self.by_id.peek(&id)?.offer.as_ref().filter(|it| it.exchange == exchange).cloned()
    }

    /// Whether this was not told yet, in this boot of the client, of this server's offer; notes it as told.
    pub(super) fn is_new_rival(
        &mut self,
        now: Instant,
        id: ClientId,
        (what, server): (&'static str, Ipv4Addr),
    ) -> bool {
        let Some(client) = self.by_id.peek_mut(&id) else { return false };
        if now.saturating_duration_since(client.rivals_told) >= RIVALS_TOLD_AGAIN_AFTER {
            client.rivals.clear();
        }
        let is_full = client.rivals.len() >= RIVALS_PER_BOOT_MAX;
        if is_full || client.rivals.contains(&(what, server)) {
            return false;
        }
        if client.rivals.is_empty() {
            client.rivals_told = now;
        }
        client.rivals.push((what, server));
        true
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
        // Another program that asks is news, even while the last file is on its way.
        Stage::Discovered { firmware, ipxe, reasons } => {
            (firmware, ipxe, reasons).hash(&mut hasher);
        }
        Stage::Held { reasons } | Stage::Denied { reasons } => reasons.hash(&mut hasher),
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
        Stage::Rival { id, server, .. } => (id, server).hash(&mut hasher),
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
    fn another_program_of_the_same_machine_is_news() {
        let (mut clients, now) = (Clients::default(), Instant::now());
        let discovered = |ipxe| Stage::Discovered {
            firmware: Some(Firmware::X64Uefi),
            ipxe,
            reasons: String::new(),
        };
        let id = ClientId::Mac([2, 0, 0, 0, 0, 1]);
        let mut repeats = |ipxe| clients.is_repeated(now, id, &discovered(ipxe));
        assert_eq!([false, true, true, false].map(&mut repeats), [false, false, true, true]);
    }

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

    #[test]
    fn others_offers_are_told_once_in_a_boot() {
        let mut clients = Clients::default();
        let now = Instant::now();
        let id = ClientId::Mac([2, 0, 0, 0, 0, 1]);
        let server = |number| ("two-proxies", Ipv4Addr::new(192, 0, 2, number));
        let offer = |ipxe, exchange| OurOffer { exchange, firmware: None, ipxe, file: b"x".into() };
        assert!(!clients.is_new_rival(now, id, server(1)), "nobody knows that client");
        clients.expect_fetch(now, id, offer(false, 7));
        assert_eq!(clients.offer(id, 7), Some(offer(false, 7)));
        assert_eq!(clients.offer(id, 8), None, "another transaction");
        assert!(clients.is_new_rival(now, id, server(1)));
        assert!(clients.is_new_rival(now, id, ("option-60-trap", server(1).1)));
        // It asks again; it fetches its loader, and that asks, too.
        clients.expect_fetch(now, id, offer(false, 7));
        assert!(!clients.is_new_rival(now, id, server(1)));
        clients.note_fetch(id);
        clients.expect_fetch(now, id, offer(true, 9));
        assert!(!clients.is_new_rival(now, id, server(1)));
        assert!(clients.is_new_rival(now, id, server(2)), "somebody else");
        // It begins anew.
        clients.note_fetch(id);
        clients.expect_fetch(now, id, offer(false, 10));
        assert!(clients.is_new_rival(now, id, server(1)));
        for number in 2..=9 {
            let has_room = usize::from(number) <= RIVALS_PER_BOOT_MAX;
            assert_eq!(clients.is_new_rival(now, id, server(number)), has_room, "{number}");
        }
        let later = now + RIVALS_TOLD_AGAIN_AFTER;
        assert!(clients.is_new_rival(later, id, server(9)), "it tries for ever");
        assert!(!clients.is_new_rival(later, id, server(9)));
    }
}
