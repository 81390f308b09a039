//! The tables, and how they came to be. A migration that was published is never changed; another one follows it.

use postgres::Client;
use postgres::error::SqlState;

use super::Fault;
use crate::limits::POSTGRES_RETRIES_MAX;

/// The format that this library writes: the number of migrations.
pub(super) const FORMAT: u64 = MIGRATIONS.len() as u64;

const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE pxe_lease (
        address inet PRIMARY KEY,
        version bigint NOT NULL,
        state smallint NOT NULL,
        hardware_type smallint NOT NULL,
        hardware_address bytea NOT NULL,
        client_identifier bytea,
        host_name bytea,
        netboot boolean NOT NULL,
        granted bigint NOT NULL,
        expires bigint NOT NULL,
        change bigint NOT NULL
    );
    CREATE INDEX pxe_lease_change ON pxe_lease (change, address);
    CREATE TABLE pxe_lease_counter (
        only_row smallint PRIMARY KEY CHECK (only_row = 1),
        change bigint NOT NULL
    );
    INSERT INTO pxe_lease_counter VALUES (1, 0);
"];

const FORMAT_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS pxe_lease_format (
        only_row smallint PRIMARY KEY CHECK (only_row = 1),
        format bigint NOT NULL
    );
    INSERT INTO pxe_lease_format VALUES (1, 0) ON CONFLICT DO NOTHING;
";

/// Brings the tables up to date. Servers that start together may all try: one of them does it.
pub(super) fn migrate(client: &mut Client) -> Result<(), Fault> {
    let mut tries = 0;
    loop {
        match try_migrate(client) {
            Err(Fault::Database(error))
                if tries < POSTGRES_RETRIES_MAX && is_race(error.code()) =>
            {
                tries = u8::saturating_add(tries, 1);
            }
            result => return result,
        }
    }
}

/// Another server made the same table at the same moment.
fn is_race(code: Option<&SqlState>) -> bool {
    let known = [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT];
    code.is_some_and(|code| known.contains(code) || code.code().starts_with("40"))
}

fn try_migrate(client: &mut Client) -> Result<(), Fault> {
    // A user without the right to make tables is enough once they are there.
    match client.query_opt("SELECT format FROM pxe_lease_format WHERE only_row = 1", &[]) {
        Ok(Some(row)) if check(row.try_get(0)?)? == FORMAT => return Ok(()),
        Ok(_) => {}
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {}
        Err(error) => return Err(error.into()),
    }
    client.batch_execute(FORMAT_TABLE)?;
    let mut transaction = client.transaction()?;
    let row = transaction
        .query_one("SELECT format FROM pxe_lease_format WHERE only_row = 1 FOR UPDATE", &[])?;
    let done = usize::try_from(check(row.try_get(0)?)?).unwrap_or(usize::MAX);
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.batch_execute(migration)?;
    }
    let format = i64::try_from(FORMAT).unwrap_or(i64::MAX);
    transaction.execute("UPDATE pxe_lease_format SET format = $1", &[&format])?;
    transaction.commit()?;
    Ok(())
}

fn check(format: i64) -> Result<u64, Fault> {
    let format = u64::try_from(format)
        .map_err(|_| Fault::Damaged(format!("{format} is no format of tables")))?;
    if format > FORMAT { Err(Fault::Format(format)) } else { Ok(format) }
}
