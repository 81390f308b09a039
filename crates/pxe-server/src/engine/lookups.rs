//! DHCP requests that wait until an inventory has said whether their machine boots.
//!
//! They cannot be left to the client to repeat: firmware that has heard a DHCP server takes its offer without a boot
//! file before it asks again (EDK2 `PxeBcDhcp4.c`, iPXE `net/udp/dhcp.c`). So the datagram is kept, and taken once more
//! when the answer is there.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use pxe_dhcp::{HardwareType, MessageKind, MessageType, MessageView, Operation, OptionCode};
use pxe_select::Inventory;

use super::client::ClientId;
use super::event::Stage;
use super::inventory::{InventoryAnswer, WantedBy};
use super::{Arrival, Engine, SocketId};

/// Requests that wait for an inventory, one for each machine, 2 KiB at most each. Beyond this the oldest is given up,
/// and its client asks again.
pub const LOOKUP_WAITERS_MAX: usize = 512;
/// Bytes of a request that can wait.
pub const WAITING_BYTES_MAX: usize = 2_048;
/// A client has given a request up by then.
const WAITS_AT_MOST: Duration = Duration::from_secs(10);

struct Waiter {
    mac: [u8; 6],
    since: Instant,
    socket: SocketId,
    arrival: Arrival,
    datagram: Box<[u8]>,
}

/// The requests that wait, oldest first.
#[derive(Default)]
pub(super) struct Waiters {
    list: VecDeque<Waiter>,
}

impl Waiters {
    /// A machine's newer request takes the place of its older one.
    fn keep(&mut self, waiter: Waiter) {
        self.list.retain(|known| known.mac != waiter.mac || known.socket != waiter.socket);
        if self.list.len() >= LOOKUP_WAITERS_MAX {
            self.list.pop_front();
        }
        self.list.push_back(waiter);
    }

    fn take(&mut self, mac: [u8; 6]) -> Option<Waiter> {
        let at = self.list.iter().position(|waiter| waiter.mac == mac)?;
        self.list.remove(at)
    }
}

impl Engine {
    /// The next machine that an inventory is to be asked about; the answer goes to
    /// [`handle_lookup`](Self::handle_lookup).
    pub fn poll_lookup(&mut self) -> Option<[u8; 6]> {
        self.shared.next_lookup()
    }

    /// What the inventory says. A request that waited for it is answered now.
    pub fn handle_lookup(&mut self, now: Instant, mac: [u8; 6], answer: InventoryAnswer) {
        let (boots, what) = match &answer {
            InventoryAnswer::Boots { what, .. } => (true, what.clone()),
            InventoryAnswer::Ignores { why, .. } => (false, why.clone()),
        };
        self.shared.handle_lookup(now, mac, answer);
        self.report(now, ClientId::Mac(mac), Stage::LookedUp { boots, what });
        while let Some(waiter) = self.waiters.take(mac) {
            if now.saturating_duration_since(waiter.since) < WAITS_AT_MOST {
                self.handle_dhcp(now, waiter.socket, &waiter.arrival, &waiter.datagram);
            }
        }
    }

    /// Asks the inventory about a machine that was heard and will want its file.
    pub(super) fn look_ahead(&self, now: Instant, datagram: &[u8]) {
        if self.shared.has_inventory()
            && let Some(mac) = who_boots(datagram, false)
        {
            self.shared.inventory(now, &mac, WantedBy::Dhcp);
        }
    }

    /// Whether a datagram has to wait for an inventory; then it is kept.
    pub(super) fn waits_for_inventory(
        &mut self,
        now: Instant,
        socket: SocketId,
        arrival: &Arrival,
        datagram: &[u8],
    ) -> bool {
        if !self.shared.has_inventory() || datagram.len() > WAITING_BYTES_MAX {
            return false;
        }
        let Some(mac) = who_boots(datagram, self.server.is_some()) else { return false };
        if self.shared.inventory(now, &mac, WantedBy::Dhcp) != Inventory::Asked {
            return false;
        }
        let (arrival, datagram) = (*arrival, datagram.into());
        self.waiters.keep(Waiter { mac, since: now, socket, arrival, datagram });
        true
    }
}

/// The machine that asks what to boot. A DHCP server is also asked by what has no boot class: BOOTP, and clients that
/// want option 67.
fn who_boots(datagram: &[u8], serves: bool) -> Option<[u8; 6]> {
    let view = MessageView::parse(datagram).ok()?;
    if view.operation() != Operation::BootRequest || view.hardware_type() != HardwareType::ETHERNET
    {
        return None;
    }
    let asks = match view.message_type() {
        None => true,
        Some(kind) => {
            [MessageType::DISCOVER, MessageType::REQUEST, MessageType::INFORM].contains(&kind)
        }
    };
    let facts = view.boot_facts();
    let class = facts.vendor_class.unwrap_or_default();
    let boots = class.starts_with(b"PXEClient")
        || class.starts_with(b"HTTPClient")
        // U-Boot, whose class is its own.
        || facts.archs.iter().next().is_some()
        || facts.ipxe.is_some()
        || facts.user_class.is_some_and(|class| class.windows(4).any(|word| word == b"iPXE"));
    let wanted = || {
        let wants = facts.parameter_request_list.unwrap_or_default();
        view.kind() != MessageKind::Dhcp || wants.contains(&OptionCode::BOOT_FILE_NAME.0)
    };
    let counts = asks && (boots || (serves && wanted()));
    counts.then(|| view.hardware_address().try_into().ok()).flatten()
}
