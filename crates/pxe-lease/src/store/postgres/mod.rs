//! Leases in PostgreSQL, for any number of servers.
//!
//! What keeps an address from being given twice is one statement: it inserts a record, or replaces the one whose
//! version is the one before, and nothing else. Which server wrote a record does not matter to it.
//!
//! Servers see each other's leases by a counter in a row of its own. Each batch raises it in its own statement, and so
//! holds that row until it is committed: batches are committed in the order of their numbers, and who has seen number
//! n has seen all before it. A plain sequence would not do, since its numbers are taken before they are committed.

mod rows;
mod schema;
mod session;

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use postgres::error::SqlState;
use postgres::{Config, Error};

use self::rows::Columns;
use self::session::Session;
use super::{Cursor, LeaseStore, Outcome, StoreError};
use crate::limits::{POSTGRES_RECONNECT_MAX, POSTGRES_RETRIES_MAX};
use crate::record::LeaseRecord;

/// How to reach the database.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database`, or `host=/run/postgresql user=pxe dbname=pxe`.
    pub url: String,
    /// How long connecting may take. Default 5 s.
    pub connect_timeout: Duration,
    /// How long a statement may take, and a lost packet to be noticed. Default 5 s.
    pub statement_timeout: Duration,
}

impl PostgresConfig {
    /// With this address, and the default timeouts.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let seconds = Duration::from_secs(5);
        Self { url: url.into(), connect_timeout: seconds, statement_timeout: seconds }
    }
}

/// Without the address, which may have a password in it.
impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}

/// A lease store in PostgreSQL, or in a database that speaks its protocol.
///
/// It connects when it is first used, and again after a failure, with growing pauses in which calls fail at once.
pub struct PostgresStore {
    config: Config,
    statement_timeout: Duration,
    /// Host and database, without a password.
    place: String,
    session: Option<Session>,
    pause: Option<Pause>,
}

/// The time before the next attempt to connect.
struct Pause {
    until: Instant,
    length: Duration,
    reason: StoreError,
}

impl PostgresStore {
    /// Reads the address; does not connect.
    ///
    /// # Errors
    ///
    /// If the address cannot be understood.
    pub fn new(config: &PostgresConfig) -> Result<Self, StoreError> {
        let parsed = config.url.parse::<Config>();
        let mut parsed = parsed.map_err(|error| StoreError::BadUrl { detail: chain(&error) })?;
        if parsed.get_hosts().is_empty() {
            return Err(StoreError::BadUrl { detail: "it names no host".to_owned() });
        }
        parsed
            .connect_timeout(config.connect_timeout)
            .tcp_user_timeout(config.statement_timeout)
            .keepalives_idle(config.statement_timeout)
            .application_name("pxe-lease");
        Ok(Self {
            place: session::place(&parsed),
            config: parsed,
            statement_timeout: config.statement_timeout,
            session: None,
            pause: None,
        })
    }

    fn session(&mut self) -> Result<&mut Session, StoreError> {
        let session = match self.session.take().filter(|session| !session.is_closed()) {
            Some(session) => session,
            None => self.connect()?,
        };
        Ok(self.session.insert(session))
    }

    fn connect(&mut self) -> Result<Session, StoreError> {
        let now = Instant::now();
        if let Some(pause) = self.pause.as_ref().filter(|pause| now < pause.until) {
            return Err(pause.reason.clone());
        }
        let result = Session::open(&self.config, self.statement_timeout);
        result.inspect(|_| self.pause = None).map_err(|fault| {
            let reason = self.error(fault);
            let before = self.pause.as_ref().map_or(RECONNECT_FIRST, |pause| pause.length);
            let length = before.saturating_mul(2).min(POSTGRES_RECONNECT_MAX);
            let until = now.checked_add(length).unwrap_or(now);
            self.pause = Some(Pause { until, length, reason: reason.clone() });
            reason
        })
    }

    /// Does something with the database. What failed because another transaction was in the way is tried again; after
    /// any other failure the connection is closed.
    fn attempt<T>(
        &mut self,
        mut work: impl FnMut(&mut Session) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut tries = 0;
        loop {
            let fault = match work(self.session()?) {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            tries = u8::saturating_add(tries, 1);
            if tries <= POSTGRES_RETRIES_MAX && fault.is_collision() {
                continue;
            }
            self.session = None;
            return Err(self.error(fault));
        }
    }

    fn error(&self, fault: Fault) -> StoreError {
        let place = self.place.clone();
        match fault {
            Fault::Damaged(detail) => StoreError::Damaged { place, detail },
            Fault::Format(found) => StoreError::TooNew { place, found, known: schema::FORMAT },
            Fault::Database(error) => {
                let detail = chain(&error);
                match error.as_db_error() {
                    // The server shuts down, or is not ready yet.
                    Some(said)
                        if ["57", "08"].iter().any(|it| said.code().code().starts_with(it)) =>
                    {
                        StoreError::Unreachable { place, detail }
                    }
                    Some(said) => {
                        let advice = advice(said.code());
                        StoreError::Refused { place, detail: format!("{detail}{advice}") }
                    }
                    None => StoreError::Unreachable { place, detail },
                }
            }
        }
    }
}

impl LeaseStore for PostgresStore {
    fn load(&mut self, visit: &mut dyn FnMut(LeaseRecord)) -> Result<Cursor, StoreError> {
        self.changes_since(Cursor(0), visit)
    }

    fn apply(&mut self, batch: &[LeaseRecord]) -> Result<Vec<Outcome>, StoreError> {
        if batch.is_empty() {
            self.attempt(Session::raise_counter)?;
            return Ok(Vec::new());
        }
        let columns = Columns::of(batch);
        self.attempt(|session| {
            let stored = session.write(&columns)?;
            let refused: Vec<_> =
                batch.iter().map(|it| it.address).filter(|it| !stored.contains(it)).collect();
            let held = if refused.is_empty() { Vec::new() } else { session.held(&refused)? };
            batch
                .iter()
                .map(|record| {
                    if stored.contains(&record.address) {
                        return Ok(Outcome::Stored);
                    }
                    let held = held.iter().find(|held| held.address == record.address);
                    held.cloned().map(Outcome::Conflict).ok_or_else(|| {
                        Fault::Damaged(
                            "the row of pxe_lease_counter is missing, so nothing is written".into(),
                        )
                    })
                })
                .collect()
        })
    }

    fn changes_since(
        &mut self,
        cursor: Cursor,
        visit: &mut dyn FnMut(LeaseRecord),
    ) -> Result<Cursor, StoreError> {
        self.attempt(|session| session.changes(cursor, visit))
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("place", &self.place).finish_non_exhaustive()
    }
}

const RECONNECT_FIRST: Duration = Duration::from_millis(50);

/// Why something failed, in terms of the database.
enum Fault {
    Database(Error),
    Damaged(String),
    Format(u64),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl Fault {
    /// Whether another transaction was in the way, so that nothing was done and the next try may succeed (class 40).
    fn is_collision(&self) -> bool {
        match self {
            Self::Database(error) => error.code().is_some_and(|code| code.code().starts_with("40")),
            Self::Damaged(_) | Self::Format(_) => false,
        }
    }
}

/// The error and all that caused it; the database's own errors with their hint.
fn chain(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        let hint = said.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        return format!("{}{hint}", said.message());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

fn advice(code: &SqlState) -> &'static str {
    match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "; check user and password in the url, and pg_hba.conf of the database"
        }
        SqlState::INVALID_CATALOG_NAME => "; make it with: createdb",
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "; let the user make tables once: GRANT CREATE ON SCHEMA public"
        }
        SqlState::DISK_FULL => "; make room on the database's disk, it goes on by itself",
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            "; that is a read-only copy: name the primary, or add target_session_attrs=read-write"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_passwords_kept() {
        let store = |url: &str| PostgresStore::new(&PostgresConfig::new(url));
        let open = store("postgres://pxe:secret@db.example:5433/leases").unwrap();
        assert_eq!(open.place, "db.example:5433/leases");
        assert!(!format!("{open:?}").contains("secret"));
        assert!(
            !format!("{:?}", PostgresConfig::new("postgres://pxe:secret@db")).contains("secret")
        );
        assert_eq!(store("host=/run/postgresql user=pxe").unwrap().place, "/run/postgresql/pxe");
        for url in ["", "http://db.example", "dbname=leases"] {
            let error = store(url).unwrap_err();
            assert!(matches!(error, StoreError::BadUrl { .. }), "{url}: {error}");
        }
    }

    #[test]
    fn a_database_that_is_away_is_asked_with_pauses() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("host={} user=pxe dbname=pxe", folder.path().display());
        let mut store = PostgresStore::new(&PostgresConfig::new(url)).unwrap();
        let first = store.apply(&[]).unwrap_err();
        assert!(matches!(first, StoreError::Unreachable { .. }), "{first}");
        assert!(first.to_string().ends_with("it is tried again by itself"), "{first}");
        assert_eq!(store.apply(&[]).unwrap_err(), first);
        let pause = store.pause.as_ref().unwrap().length;
        assert_eq!(pause, RECONNECT_FIRST * 2, "the second call did not try");
    }
}
