//! What all loops of one server know together: the policy that decides, and what was heard of the
//! clients. It is asked once for a request, never for a block of a transfer.

mod evidence;
mod inventory;
mod story;

use core::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use pxe_select::{Beside, Evidence, Policy, RamDisk};

use super::client::ClientId;
use super::clients::Clients;
use super::event::{OrderEnd, Stage};
use super::inventory::Inventories;
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

    /// Decides by another policy from now on; transfers under way go on.
    pub fn set_policy(&self, policy: Policy) {
        self.lock().policy = Arc::new(policy);
    }

    /// The policy that decides now.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.lock().policy)
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

    /// The token of a machine's boot; `fresh` if it has none.
    pub fn boot_token(&self, now: Instant, mac: [u8; 6], fresh: BootToken) -> BootToken {
        self.lock().tokens.of_boot(now, mac, fresh)
    }

    /// Whether this is the token of a machine's boot.
    pub fn is_token(&self, now: Instant, mac: [u8; 6], shown: BootToken) -> bool {
        self.lock().tokens.is_of(now, mac, shown)
    }

    /// A panic elsewhere leaves nothing half-done here: every change is one call.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
