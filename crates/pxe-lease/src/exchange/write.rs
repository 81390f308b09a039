//! Imported leases into a store.

use std::collections::HashMap;

use crate::limits::BATCH_CHANGES_MAX;
use crate::record::LeaseRecord;
use crate::store::{LeaseStore, Outcome, StoreError};
use crate::time::UnixSeconds;

/// What became of imported leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Stored.
    pub stored: usize,
    /// Not stored, since another client has a lease of the address that is not over.
    pub kept: usize,
    /// Not stored, since a server changed the address meanwhile.
    pub overtaken: usize,
}

/// Stores leases, with the versions that follow those of the store. A lease of another client that is not over is kept.
///
/// # Errors
///
/// If the store fails; then some of the leases may be stored.
pub fn write_all(
    store: &mut dyn LeaseStore,
    now: UnixSeconds,
    records: impl IntoIterator<Item = LeaseRecord>,
) -> Result<Written, StoreError> {
    let mut held = HashMap::new();
    store.load(&mut |record| {
        held.insert(record.address, record);
    })?;
    let mut written = Written::default();
    let mut wanted = Vec::new();
    for mut record in records {
        let before = held.get(&record.address);
        let other = before.is_some_and(|it| it.is_active(now) && it.hardware != record.hardware);
        if other {
            written.kept = written.kept.saturating_add(1);
            continue;
        }
        record.version = before.map_or(0, |before| before.version).saturating_add(1);
        wanted.push(record);
    }
    for batch in wanted.chunks(BATCH_CHANGES_MAX) {
        for outcome in store.apply(batch)? {
            let count = match outcome {
                Outcome::Stored => &mut written.stored,
                Outcome::Conflict(_) => &mut written.overtaken,
            };
            *count = count.saturating_add(1);
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::HardwareAddress;
    use crate::store::MemoryStore;

    #[test]
    fn what_others_use_is_kept() {
        let record = |last: u8, mac: u8, expires: u64| {
            let hardware = HardwareAddress::ethernet([2, 0, 0, 0, 0, mac]);
            LeaseRecord::new(
                [192, 0, 2, last].into(),
                hardware,
                UnixSeconds(0),
                UnixSeconds(expires),
            )
        };
        let mut store = MemoryStore::default();
        let first = write_all(&mut store, UnixSeconds(10), [record(1, 1, 100), record(2, 2, 5)]);
        assert_eq!(first.unwrap(), Written { stored: 2, ..Written::default() });
        let second = [record(1, 3, 100), record(2, 3, 100), record(1, 1, 200), record(4, 4, 9)];
        let second = write_all(&mut store, UnixSeconds(10), second).unwrap();
        assert_eq!(second, Written { stored: 3, kept: 1, overtaken: 0 });
        let mut ends = Vec::new();
        store
            .load(&mut |it| ends.push((it.address.octets()[3], it.version, it.expires.0)))
            .unwrap();
        assert_eq!(ends, [(1, 2, 200), (2, 2, 100), (4, 1, 9)]);
    }
}
