//! Leases in one file, for one server, by redb.
//!
//! One batch is one transaction and one flush. redb checks its pages by their sums and never overwrites one that is in
//! use, so after a power cut the file holds the last commit that was answered, or one that was on its way.

#[cfg(test)]
mod power;
#[cfg(test)]
mod tests;

use core::fmt;
use core::net::Ipv4Addr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, Error, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::{Cursor, LeaseStore, Outcome, StoreError};
use crate::limits::EMBEDDED_CACHE_BYTES_MAX;
use crate::record::{LeaseRecord, RecordErrorKind};

/// By address; what [`LeaseRecord::encode`] writes.
const LEASES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("leases");
/// The format of the file, and when it was last asked for its health.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const FORMAT_KEY: &str = "format";
const FORMAT: u64 = 1;
const HEALTH_KEY: &str = "health-checks";

/// Opens the file, which the store does anew after a failure.
type Open = Box<dyn Fn() -> Result<Database, StoreFault> + Send>;

/// A lease store in one file. It belongs to one process; a second one is refused.
pub struct EmbeddedStore {
    place: String,
    open: Open,
    /// `None` after a failure.
    database: Option<Database>,
}

impl EmbeddedStore {
    /// Opens the file, or makes it; its folder must be there. Every sum in the file is checked.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, is damaged, or belongs to another process.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let place = path.display().to_string();
        let store = Self::with(place, Box::new(move || create(&path)))?;
        Ok(store)
    }

    fn with(place: String, open: Open) -> Result<Self, StoreError> {
        let mut store = Self { place, open, database: None };
        store.database()?;
        Ok(store)
    }

    /// The database, opened again if it failed before.
    fn database(&mut self) -> Result<&Database, StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => {
                let opened = (self.open)().and_then(|database| {
                    prepare(&database)?;
                    Ok(database)
                });
                opened.map_err(|fault| self.fault(fault))?
            }
        };
        Ok(self.database.insert(database))
    }

    /// Does something with the database; after a failure it is closed, since redb takes nothing more then.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&Database) -> Result<T, StoreFault>,
    ) -> Result<T, StoreError> {
        let result = work(self.database()?);
        result.map_err(|fault| {
            self.database = None;
            self.fault(fault)
        })
    }

    fn fault(&self, fault: StoreFault) -> StoreError {
        match fault {
            StoreFault::Database(error) => self.error(*error),
            StoreFault::Format(found) => {
                StoreError::TooNew { place: self.place.clone(), found, known: FORMAT }
            }
            StoreFault::Record(address, error) => match error.kind {
                RecordErrorKind::UnknownFormat(found) => {
                    StoreError::TooNew { place: self.place.clone(), found: found.into(), known: 1 }
                }
                _ => self.damaged(format!("the record of {address}, {error}")),
            },
        }
    }

    fn error(&self, error: Error) -> StoreError {
        let io = |detail: String| StoreError::Io { place: self.place.clone(), detail };
        match error {
            Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => {
                StoreError::Locked { place: self.place.clone() }
            }
            Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.damaged(error.to_string())
            }
            Error::Io(error) => io(error.to_string()),
            Error::Corrupted(detail) => self.damaged(detail),
            error @ (Error::UpgradeRequired(_)
            | Error::RepairAborted
            | Error::TableTypeMismatch { .. }
            | Error::TypeDefinitionChanged { .. }
            | Error::TableIsMultimap(_)) => self.damaged(error.to_string()),
            error => io(error.to_string()),
        }
    }

    fn damaged(&self, detail: String) -> StoreError {
        StoreError::Damaged { place: self.place.clone(), detail }
    }
}

impl LeaseStore for EmbeddedStore {
    fn load(&mut self, visit: &mut dyn FnMut(LeaseRecord)) -> Result<Cursor, StoreError> {
        self.attempt(|database| {
            let transaction = database.begin_read()?;
            let table = transaction.open_table(LEASES)?;
            for entry in table.iter()? {
                let (address, bytes) = entry?;
                visit(decode(address.value(), bytes.value())?);
            }
            Ok(Cursor(0))
        })
    }

    fn apply(&mut self, batch: &[LeaseRecord]) -> Result<Vec<Outcome>, StoreError> {
        self.attempt(|database| apply(database, batch))
    }

    fn changes_since(
        &mut self,
        cursor: Cursor,
        _visit: &mut dyn FnMut(LeaseRecord),
    ) -> Result<Cursor, StoreError> {
        Ok(cursor)
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("place", &self.place).finish_non_exhaustive()
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(EMBEDDED_CACHE_BYTES_MAX);
    // Without it redb trusts a file that was closed well, and may panic if it was changed since.
    builder.set_check_integrity_on_open(true);
    builder
}

/// Opens the file. A new one is made under another name and renamed when it is whole, since redb cannot open what a
/// power cut leaves of its first steps.
fn create(path: &Path) -> Result<Database, StoreFault> {
    if !path.try_exists()? {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let unfinished = PathBuf::from(name);
        if unfinished.try_exists()? {
            fs::remove_file(&unfinished)?;
        }
        let database = builder().create(&unfinished)?;
        prepare(&database)?;
        database.close()?;
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, path)?;
        // A name is durable only when its folder is.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(builder().open(path)?)
}

enum StoreFault {
    Database(Box<Error>),
    Format(u64),
    Record(Ipv4Addr, crate::record::RecordError),
}

impl<E: Into<Error>> From<E> for StoreFault {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// Makes the tables, and checks whether the file is one of ours.
fn prepare(database: &Database) -> Result<(), StoreFault> {
    let transaction = database.begin_write()?;
    let found = {
        let mut meta = transaction.open_table(META)?;
        let found = meta.get(FORMAT_KEY)?.map(|format| format.value());
        if found.is_none() {
            meta.insert(FORMAT_KEY, FORMAT)?;
            transaction.open_table(LEASES)?;
        }
        found
    };
    match found {
        None => Ok(transaction.commit()?),
        Some(FORMAT) => Ok(transaction.abort()?),
        Some(newer) => {
            transaction.abort()?;
            Err(StoreFault::Format(newer))
        }
    }
}

fn apply(database: &Database, batch: &[LeaseRecord]) -> Result<Vec<Outcome>, StoreFault> {
    let transaction = database.begin_write()?;
    let mut outcomes = Vec::with_capacity(batch.len());
    {
        let mut leases = transaction.open_table(LEASES)?;
        let mut bytes = Vec::new();
        for record in batch {
            let key = record.address.to_bits();
            let held = leases.get(key)?.map(|bytes| decode(key, bytes.value())).transpose()?;
            if let Some(held) = held.filter(|held| !record.follows(held)) {
                outcomes.push(Outcome::Conflict(held));
                continue;
            }
            bytes.clear();
            record.encode(&mut bytes);
            leases.insert(key, &bytes[..])?;
            outcomes.push(Outcome::Stored);
        }
    }
    if batch.is_empty() {
        // Only what is written shows that writing works.
        let mut meta = transaction.open_table(META)?;
        let checks = meta.get(HEALTH_KEY)?.map_or(0, |checks| checks.value());
        meta.insert(HEALTH_KEY, checks.wrapping_add(1))?;
    } else if !outcomes.contains(&Outcome::Stored) {
        transaction.abort()?;
        return Ok(outcomes);
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn decode(key: u32, bytes: &[u8]) -> Result<LeaseRecord, StoreFault> {
    let address = Ipv4Addr::from_bits(key);
    LeaseRecord::decode(address, bytes).map_err(|error| StoreFault::Record(address, error))
}
