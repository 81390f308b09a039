//! What the inventory said of machines, asked by all loops.

use std::sync::Arc;
use std::time::Instant;

use pxe_select::{Inventory, Target};

use super::Shared;
use crate::engine::inventory::{Inventories, InventoryAnswer, InventorySettings, WantedBy};

impl Shared {
    /// An inventory says which machines boot, and what. Only the first call counts.
    pub fn set_inventory(&self, settings: InventorySettings) {
        if self.asks.set(()).is_ok() {
            self.lock().inventories = Some(Inventories::new(settings));
        }
    }

    pub(in crate::engine) fn has_inventory(&self) -> bool {
        self.asks.get().is_some()
    }

    /// What the inventory says of a machine; it is asked if that is not known, or too old.
    pub(in crate::engine) fn inventory(
        &self,
        now: Instant,
        hardware_address: &[u8],
        wanted_by: WantedBy,
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
        let found = inventories.look_up(now, mac, wanted_by);
        drop(state);
        if let (Inventory::Asked, Some(wake)) = (found, self.wake.get()) {
            wake();
        }
        found
    }

    pub(in crate::engine) fn next_lookup(&self) -> Option<[u8; 6]> {
        if !self.has_inventory() {
            return None;
        }
        self.lock().inventories.as_mut()?.next()
    }

    pub(in crate::engine) fn handle_lookup(
        &self,
        now: Instant,
        mac: [u8; 6],
        answer: InventoryAnswer,
    ) {
        if let Some(inventories) = &mut self.lock().inventories {
            inventories.answered(now, mac, Arc::new(answer));
        }
    }

    /// The script that was made for a machine.
    pub(in crate::engine) fn machine_script(&self, mac: [u8; 6]) -> Option<Arc<[u8]>> {
        let answer = self.lock().inventories.as_ref()?.answer(mac)?;
        match &*answer {
            InventoryAnswer::Boots { script, .. } => Some(script.as_bytes().into()),
            InventoryAnswer::Ignores { .. } => None,
        }
    }

    /// What the inventory boots a machine with, for loaders that read no script of iPXE.
    pub(in crate::engine) fn inventory_target(&self, hardware_address: &[u8]) -> Option<Target> {
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
}
