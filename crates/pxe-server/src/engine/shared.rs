//! What all loops of one server know together: the policy that decides, and what was heard of the
//! clients. It is asked once for a request, never for a block of a transfer.

use core::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use pxe_select::{
    Asker, Bait, Beside, ClientFacts, Evidence, Heard, Inventory, Known, Pin, Policy, Query,
    RamDisk, Source, Target,
};

use super::client::ClientId;
use super::clients::Clients;
use super::detail::Detail;
use super::event::{Event, OrderEnd, Stage};
use super::inventory::{Inventories, InventoryAnswer, InventorySettings};
use super::orders::{LastPiece, OrderBook};
use super::searches::Searches;
use super::tokens::{BootToken, Tokens};

/// Tells which machine of this very link has an address, as the kernel's neighbour table does.
pub trait Neighbours: Send + Sync {
    /// Its hardware address; `None` when it is not known, or when the address is behind a router.
    fn hardware_address(&self, address: IpAddr) -> Option<[u8; 6]>;
}

/// Tells what is known of images, at once: it is asked while machines wait for an answer to DHCP.
pub trait Images: Send + Sync {
    /// On which firmware the image of this name starts by itself.
    fn ram_disk(&self, name: &str) -> RamDisk;
}

/// Whoever reads what stands behind a step: a flood of strangers has no readers, and is not put into words.
pub trait Audience: Send + Sync {
    /// Whether anybody would read it of this machine's step.
    fn reads(&self, client: ClientId, stage: &Stage) -> bool;
}

/// The decision and the story, shared by every [`Engine`](super::Engine) of a server.
pub struct Shared {
    state: Mutex<State>,
    neighbours: OnceLock<Box<dyn Neighbours>>,
    images: OnceLock<Arc<dyn Images>>,
    audience: OnceLock<Box<dyn Audience>>,
    /// Set when there is an inventory, so that the others need no lock to know.
    asks: OnceLock<()>,
    orders: OrderBook,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// An instant, and the milliseconds of UNIX time it was.
    clock: OnceLock<(Instant, u64)>,
}

struct State {
    policy: Arc<Policy>,
    evidence: Evidence,
    changed: bool,
    clients: Clients,
    searches: Searches,
    inventories: Option<Inventories>,
    tokens: Tokens,
}

/// When no clock was set: ages are right all the same, as long as nothing is kept.
const EPOCH_MS: u64 = 1_000_000_000_000;

impl Shared {
    /// For engines that decide by `policy`.
    pub fn new(policy: Policy) -> Arc<Self> {
        let state = State {
            policy: Arc::new(policy),
            evidence: Evidence::new(),
            changed: false,
            clients: Clients::default(),
            searches: Searches::default(),
            inventories: None,
            tokens: Tokens::default(),
        };
        let (neighbours, clock, audience) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let (asks, wake, orders) = (OnceLock::new(), OnceLock::new(), OrderBook::default());
        let (state, images) = (Mutex::new(state), OnceLock::new());
        Arc::new(Self { state, neighbours, images, audience, asks, orders, wake, clock })
    }

    /// An inventory says which machines boot, and what. Only the first call counts.
    pub fn set_inventory(&self, settings: InventorySettings) {
        if self.asks.set(()).is_ok() {
            self.lock().inventories = Some(Inventories::new(settings));
        }
    }

    /// What is ordered for the next boot of machines.
    pub fn orders(&self) -> &OrderBook {
        &self.orders
    }

    /// A machine has the last thing of an order: what its story tells of that.
    pub fn has_got(&self, now: Instant, last: LastPiece) -> Option<Stage> {
        match self.orders.delivered(now, last) {
            Ok(true) => Some(Stage::Done { end: OrderEnd::Delivered }),
            Ok(false) => None,
            Err(error) => Some(Stage::order_stands(&error)),
        }
    }

    /// Calls this when a machine is to be looked up in the inventory. Only the first call counts.
    pub fn set_wake(&self, wake: Box<dyn Fn() + Send + Sync>) {
        // Set once, before the loops run.
        let _ = self.wake.set(wake);
    }

    pub(super) fn has_inventory(&self) -> bool {
        self.asks.get().is_some()
    }

    /// What the inventory says of a machine; it is asked if that is not known, or has to be `fresh` and is not.
    pub(super) fn inventory(
        &self,
        now: Instant,
        hardware_address: &[u8],
        fresh: bool,
    ) -> Inventory {
        if !self.has_inventory() {
            return Inventory::Silent;
        }
        let Ok(mac) = <[u8; 6]>::try_from(hardware_address) else { return Inventory::Silent };
        let mut state = self.lock();
        if !state.policy.leaves_open(hardware_address) {
            return Inventory::Silent;
        }
        let Some(inventories) = &mut state.inventories else { return Inventory::Silent };
        let found = inventories.look_up(now, mac, fresh);
        drop(state);
        if let (Inventory::Asked, Some(wake)) = (found, self.wake.get()) {
            wake();
        }
        found
    }

    pub(super) fn next_lookup(&self) -> Option<[u8; 6]> {
        if !self.has_inventory() {
            return None;
        }
        self.lock().inventories.as_mut()?.next()
    }

    pub(super) fn handle_lookup(&self, now: Instant, mac: [u8; 6], answer: InventoryAnswer) {
        if let Some(inventories) = &mut self.lock().inventories {
            inventories.answered(now, mac, Arc::new(answer));
        }
    }

    /// The script that was made for a machine.
    pub(super) fn machine_script(&self, mac: [u8; 6]) -> Option<Arc<[u8]>> {
        let answer = self.lock().inventories.as_ref()?.answer(mac)?;
        match &*answer {
            InventoryAnswer::Boots { script, .. } => Some(script.as_bytes().into()),
            InventoryAnswer::Ignores { .. } => None,
        }
    }

    /// What the inventory boots a machine with, for loaders that read no script of iPXE.
    pub(super) fn inventory_target(&self, hardware_address: &[u8]) -> Option<Target> {
        let mac = hardware_address.try_into().ok()?;
        if !self.has_inventory() {
            return None;
        }
        let answer = self.lock().inventories.as_ref()?.answer(mac)?;
        match &*answer {
            InventoryAnswer::Boots { target, .. } => target.clone(),
            InventoryAnswer::Ignores { .. } => None,
        }
    }

    /// Decides by another policy from now on; transfers under way go on.
    pub fn set_policy(&self, policy: Policy) {
        self.lock().policy = Arc::new(policy);
    }

    /// Asks these neighbours whose an address is. Only the first call counts.
    pub fn set_neighbours(&self, neighbours: Box<dyn Neighbours>) {
        // Nobody else sets it: the server does so once, before its loops run.
        let _ = self.neighbours.set(neighbours);
    }

    /// Asks these what is known of an image. Only the first call counts.
    pub fn set_images(&self, images: Arc<dyn Images>) {
        // Set once, before the loops run.
        let _ = self.images.set(images);
    }

    /// What is known of the image that a machine is to boot.
    pub(crate) fn ram_disk(
        &self,
        policy: &Policy,
        hardware_address: &[u8],
        beside: Beside<'_>,
    ) -> RamDisk {
        let images = self.images.get();
        let found = images
            .and_then(|images| Some(images.ram_disk(policy.image_of(hardware_address, beside)?)));
        found.unwrap_or_default()
    }

    /// Asks these readers what they read; without any, everything is told. Only the first call counts.
    pub fn set_audience(&self, audience: Box<dyn Audience>) {
        // Set once, before the loops run.
        let _ = self.audience.set(audience);
    }

    /// Takes over evidence of an earlier run. `unix_ms` is the time of `now` in milliseconds of UNIX
    /// time; only the first call tells the time.
    pub fn restore(&self, now: Instant, unix_ms: u64, evidence: Evidence) {
        self.clock.get_or_init(|| (now, unix_ms));
        self.lock().evidence = evidence;
    }

    /// What has been heard, if anything was since the last call.
    pub fn take_changed(&self) -> Option<Evidence> {
        let mut state = self.lock();
        core::mem::take(&mut state.changed).then(|| state.evidence.clone())
    }

    /// The policy that decides now.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.lock().policy)
    }

    /// A client's message, with its address in the facts.
    pub(super) fn hear(
        &self,
        now: Instant,
        source: Source,
        exchange: u32,
        facts: &ClientFacts<'_>,
    ) -> Option<Heard> {
        let time = self.unix_ms(now);
        let mut state = self.lock();
        state.changed = true;
        state.evidence.hear(time, source, exchange, facts)
    }

    /// A server's message that gives a client its address.
    pub(super) fn hear_reply(&self, now: Instant, hardware_address: &[u8], address: Ipv4Addr) {
        let time = self.unix_ms(now);
        let mut state = self.lock();
        state.changed = true;
        state.evidence.hear_reply(time, hardware_address, address);
    }

    /// A client's message that gives its address back.
    pub(super) fn hear_leaving(&self, now: Instant, hardware_address: &[u8], address: Ipv4Addr) {
        let time = self.unix_ms(now);
        let mut state = self.lock();
        state.changed = true;
        state.evidence.hear_leaving(time, hardware_address, address);
    }

    /// Who asks for a file. The neighbour table is looked at where it matters: for a bait, and where
    /// rules tell machines apart.
    pub(super) fn look_up(
        &self,
        now: Instant,
        policy: &Policy,
        peer: IpAddr,
        asker: Asker,
        bait: Option<Bait>,
    ) -> Known {
        let time = self.unix_ms(now);
        let query = Query::new(peer, asker).with_bait(bait);
        let tells_apart =
            policy.tells_machines_apart() || self.has_inventory() || self.orders.is_any();
        if bait.is_none() && !tells_apart {
            return self.lock().evidence.look_up(time, &query);
        }
        let neighbours = self.neighbours.get();
        let neighbour = neighbours.and_then(|table| table.hardware_address(peer));
        let query = query.with_neighbour(neighbour.as_ref().map(|mac| &mac[..]));
        self.lock().evidence.look_up(time, &query)
    }

    /// The same where it matters who asks, whatever for.
    pub(super) fn look_up_closely(&self, now: Instant, peer: IpAddr) -> Known {
        let time = self.unix_ms(now);
        let neighbours = self.neighbours.get();
        let neighbour = neighbours.and_then(|table| table.hardware_address(peer));
        let query = Query::new(peer, Asker::Unknown);
        let query = query.with_neighbour(neighbour.as_ref().map(|mac| &mac[..]));
        self.lock().evidence.look_up(time, &query)
    }

    /// The token of a machine's boot; `fresh` if it has none.
    pub fn boot_token(&self, now: Instant, mac: [u8; 6], fresh: BootToken) -> BootToken {
        self.lock().tokens.of_boot(now, mac, fresh)
    }

    /// Whether this is the token of a machine's boot.
    pub fn is_token(&self, now: Instant, mac: [u8; 6], shown: BootToken) -> bool {
        self.lock().tokens.is_of(now, mac, shown)
    }

    pub(super) fn pin(&self, now: Instant, peer: IpAddr, hardware_address: &[u8], pin: Pin) {
        let time = self.unix_ms(now);
        let mut state = self.lock();
        state.changed = true;
        state.evidence.pin(time, peer, hardware_address, pin);
    }

    /// A machine has the file that a bait stood for.
    pub fn delivered(&self, now: Instant, peer: IpAddr, hardware_address: &[u8]) {
        let time = self.unix_ms(now);
        let mut state = self.lock();
        state.changed = true;
        state.evidence.delivered(time, peer, hardware_address);
    }

    /// The client was offered a file by the loop that has the DHCP ports.
    pub(super) fn expect_fetch(&self, now: Instant, id: ClientId) {
        self.lock().clients.expect_fetch(now, id);
    }

    /// The client asks one of the loops, or HTTP, for a file.
    pub fn note_fetch(&self, id: ClientId) {
        self.lock().clients.note_fetch(id);
    }

    /// For the loop that made the offers: the next client that came for what it was offered.
    pub(super) fn next_fetch(&self) -> Option<ClientId> {
        self.lock().clients.next_fetch()
    }

    pub(super) fn is_repeated(&self, now: Instant, id: ClientId, stage: &Stage) -> bool {
        self.lock().clients.is_repeated(now, id, stage)
    }

    /// Whether this client has a story already.
    pub fn knows(&self, id: ClientId) -> bool {
        self.lock().clients.knows(id)
    }

    /// One step of a client's story. `detail` is asked for news that somebody reads.
    pub fn event(
        &self,
        now: Instant,
        client: ClientId,
        stage: Stage,
        detail: impl FnOnce() -> Option<Detail>,
    ) -> Event {
        let repeated = self.is_repeated(now, client, &stage);
        let audience = self.audience.get();
        let is_read = || audience.is_none_or(|readers| readers.reads(client, &stage));
        let detail = if repeated || !is_read() { None } else { detail().map(Box::new) };
        Event { client, repeated, stage, detail }
    }

    /// A client asked for a file that is not there: told when its search has ended.
    pub fn missed(&self, now: Instant, id: ClientId, file: &str) {
        self.lock().searches.missed(now, id, file);
    }

    /// A client got a file: whatever it looked for before, it goes on.
    pub fn found(&self, id: ClientId) {
        self.lock().searches.found(id);
    }

    /// The searches that have ended in vain, and when the next one may have.
    pub fn ended_searches(&self, now: Instant) -> (Vec<(ClientId, Stage)>, Option<Instant>) {
        self.lock().searches.ended(now)
    }

    fn unix_ms(&self, now: Instant) -> u64 {
        let (instant, unix_ms) = *self.clock.get_or_init(|| (now, EPOCH_MS));
        let since = now.saturating_duration_since(instant).as_millis();
        unix_ms.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// A panic elsewhere leaves nothing half-done here: every change is one call.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads of machines that fetch files, and of no others.
    struct Picky;

    impl Audience for Picky {
        fn reads(&self, _: ClientId, stage: &Stage) -> bool {
            stage.word() == "requested"
        }
    }

    #[test]
    fn what_nobody_reads_is_not_put_into_words() {
        let shared = Shared::new(Policy::default());
        let (now, client) = (Instant::now(), ClientId::Mac([2, 0, 0, 0, 0, 1]));
        let offered = || Stage::Offered { file: "ipxe.efi".into() };
        let asked = || Stage::Requested { file: "ipxe.efi".into(), bytes: 1, why: String::new() };
        let told = |stage| shared.event(now, client, stage, || Some(Detail::default()));
        assert!(told(offered()).detail.is_some(), "there is no audience yet");
        assert!(told(offered()).detail.is_none(), "it is a repetition");
        shared.set_audience(Box::new(Picky));
        let other = ClientId::Mac([2, 0, 0, 0, 0, 2]);
        let event = shared.event(now, other, offered(), || unreachable!("nobody reads it"));
        assert_eq!((event.repeated, event.detail), (false, None));
        assert!(shared.event(now, other, offered(), || None).repeated, "it counts all the same");
        assert!(told(asked()).detail.is_some());
    }
}
