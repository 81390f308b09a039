//! Where leases are durable.

#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;

#[cfg(feature = "embedded")]
pub use self::embedded::EmbeddedStore;
pub use self::error::StoreError;
pub use self::memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresConfig, PostgresStore};
use crate::record::LeaseRecord;

/// A store of lease records, one for each address.
///
/// Its calls wait for disks and networks: they belong on a thread of their own, never in an event loop.
pub trait LeaseStore: Send {
    /// Visits every record. Returns a point in time, for [`changes_since`](Self::changes_since).
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn load(&mut self, visit: &mut dyn FnMut(LeaseRecord)) -> Result<Cursor, StoreError>;

    /// Stores each record if what is stored for its address has the version before, or nothing is. When this returns
    /// `Ok`, all that is [`Outcome::Stored`] is durable. There is one outcome for each record, in their order. At most
    /// one record for each address.
    ///
    /// An empty batch asks whether the store would take one.
    ///
    /// # Errors
    ///
    /// If the store cannot be written. Then each record may be stored or not.
    fn apply(&mut self, batch: &[LeaseRecord]) -> Result<Vec<Outcome>, StoreError>;

    /// Visits the records that changed since `cursor`, whoever wrote them, some of them perhaps again. Returns where to
    /// go on. A store that only one server uses has nothing to tell.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn changes_since(
        &mut self,
        cursor: Cursor,
        visit: &mut dyn FnMut(LeaseRecord),
    ) -> Result<Cursor, StoreError>;
}

/// A point in the history of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub u64);

/// What became of one record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable.
    Stored,
    /// The store has another version, which is this.
    Conflict(LeaseRecord),
}
