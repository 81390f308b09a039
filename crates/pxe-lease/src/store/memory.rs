//! A store that forgets: for tests, and for servers that need no durability.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Cursor, LeaseStore, Outcome, StoreError};
use crate::record::LeaseRecord;

/// Keeps records in memory. Clones share them, as servers share a database.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    records: BTreeMap<Ipv4Addr, (u64, LeaseRecord)>,
    /// Number of the last batch that changed something.
    change: u64,
}

impl LeaseStore for MemoryStore {
    fn load(&mut self, visit: &mut dyn FnMut(LeaseRecord)) -> Result<Cursor, StoreError> {
        self.changes_since(Cursor(0), visit)
    }

    fn apply(&mut self, batch: &[LeaseRecord]) -> Result<Vec<Outcome>, StoreError> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let change = shared.change.saturating_add(1);
        let outcomes = batch.iter().map(|record| {
            let held = shared.records.get(&record.address);
            if let Some((_, held)) = held.filter(|(_, held)| !record.follows(held)) {
                return Outcome::Conflict(held.clone());
            }
            shared.records.insert(record.address, (change, record.clone()));
            Outcome::Stored
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        if outcomes.contains(&Outcome::Stored) {
            shared.change = change;
        }
        Ok(outcomes)
    }

    fn changes_since(
        &mut self,
        cursor: Cursor,
        visit: &mut dyn FnMut(LeaseRecord),
    ) -> Result<Cursor, StoreError> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = shared.records.values().filter(|(change, _)| *change > cursor.0);
        newer.for_each(|(_, record)| visit(record.clone()));
        Ok(Cursor(shared.change))
    }
}
