//! One connection, and the statements that are sent by it.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::HashSet;

use postgres::config::Host;
use postgres::{Client, Config, NoTls, Statement};

use super::rows::{self, Columns};
use super::{Cursor, Fault, schema};
use crate::limits::POSTGRES_PAGE_ROWS_MAX;
use crate::record::LeaseRecord;

pub(super) struct Session {
    client: Client,
    write: Statement,
    held: Statement,
    page: Statement,
}

const COUNT: &str = "UPDATE pxe_lease_counter SET change = change + 1 WHERE only_row = 1";

/// The counter's row is locked first, by all servers alike, so none waits for one that waits for it.
const WRITE: &str = "
    WITH tick AS (
        UPDATE pxe_lease_counter SET change = change + 1 WHERE only_row = 1 RETURNING change
    )
    INSERT INTO pxe_lease AS held
        (address, version, state, hardware_type, hardware_address, client_identifier, host_name,
         netboot, granted, expires, change)
    SELECT wanted.address::inet, wanted.version, wanted.state, wanted.hardware_type,
           wanted.hardware_address, wanted.client_identifier, wanted.host_name, wanted.netboot,
           wanted.granted, wanted.expires, tick.change
    FROM tick CROSS JOIN unnest($1::text[], $2::int8[], $3::int2[], $4::int2[], $5::bytea[],
                                $6::bytea[], $7::bytea[], $8::bool[], $9::int8[], $10::int8[])
        AS wanted (address, version, state, hardware_type, hardware_address, client_identifier,
                   host_name, netboot, granted, expires)
    ON CONFLICT (address) DO UPDATE SET
        version = excluded.version, state = excluded.state,
        hardware_type = excluded.hardware_type, hardware_address = excluded.hardware_address,
        client_identifier = excluded.client_identifier, host_name = excluded.host_name,
        netboot = excluded.netboot, granted = excluded.granted, expires = excluded.expires,
        change = excluded.change
    WHERE held.version = excluded.version - 1
    RETURNING host(address)";

impl Session {
    pub(super) fn open(config: &Config, statement_timeout: Duration) -> Result<Self, Fault> {
        let mut client = config.connect(NoTls)?;
        client.batch_execute(&format!(
            "SET statement_timeout = {}; SET default_transaction_isolation = 'read committed'",
            statement_timeout.as_millis()
        ))?;
        make_durable(&mut client)?;
        schema::migrate(&mut client)?;
        let columns = rows::COLUMNS;
        let held = format!(
            "SELECT {columns} FROM pxe_lease \
             WHERE address IN (SELECT wanted.address::inet FROM unnest($1::text[]) AS wanted (address))"
        );
        let page = format!(
            "SELECT {columns}, change FROM pxe_lease \
             WHERE (change, address) > ($1, ($2::text)::inet) \
             ORDER BY change, address LIMIT {POSTGRES_PAGE_ROWS_MAX}"
        );
        Ok(Self {
            write: client.prepare(WRITE)?,
            held: client.prepare(&held)?,
            page: client.prepare(&page)?,
            client,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Writes something, to see whether that works.
    pub(super) fn raise_counter(&mut self) -> Result<(), Fault> {
        match self.client.execute(COUNT, &[])? {
            0 => Err(Fault::Damaged("the row of pxe_lease_counter is missing".into())),
            _ => Ok(()),
        }
    }

    /// The addresses whose records were written.
    pub(super) fn write(&mut self, columns: &Columns<'_>) -> Result<HashSet<Ipv4Addr>, Fault> {
        let written = self.client.query(&self.write, &columns.parameters())?;
        written.iter().map(|row| rows::address(row.try_get(0)?)).collect()
    }

    /// What the database holds for these addresses.
    pub(super) fn held(&mut self, addresses: &[Ipv4Addr]) -> Result<Vec<LeaseRecord>, Fault> {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let held = self.client.query(&self.held, &[&addresses])?;
        held.iter().map(rows::record).collect()
    }

    pub(super) fn changes(
        &mut self,
        cursor: Cursor,
        visit: &mut dyn FnMut(LeaseRecord),
    ) -> Result<Cursor, Fault> {
        let counter = "SELECT change FROM pxe_lease_counter WHERE only_row = 1";
        let last: i64 = match self.client.query_opt(counter, &[])? {
            Some(row) => row.try_get(0)?,
            None => return Err(Fault::Damaged("the row of pxe_lease_counter is missing".into())),
        };
        let mut change = i64::try_from(cursor.0).unwrap_or(i64::MAX);
        if change > last {
            // The database was restored from a backup: all of it may be news.
            change = 0;
        }
        // Behind every address, so that the page begins with the next change.
        let mut address = "255.255.255.255".to_owned();
        loop {
            let page = self.client.query(&self.page, &[&change, &address])?;
            for row in &page {
                visit(rows::record(row)?);
            }
            if let Some(row) = page.last() {
                change = row.try_get("change")?;
                address = row.try_get("address")?;
            }
            if page.len() < POSTGRES_PAGE_ROWS_MAX {
                return Ok(Cursor(u64::try_from(change).unwrap_or(0)));
            }
        }
    }
}

/// A database may be set to answer before anything is on disk.
fn make_durable(client: &mut Client) -> Result<(), Fault> {
    let row = client.query_one("SHOW synchronous_commit", &[])?;
    if row.try_get::<_, String>(0)? == "off" {
        client.batch_execute("SET synchronous_commit = on")?;
    }
    Ok(())
}

/// Host and database, for messages.
pub(super) fn place(config: &Config) -> String {
    let mut places = Vec::new();
    for (index, host) in config.get_hosts().iter().enumerate() {
        let ports = config.get_ports();
        let port = ports.get(index).or_else(|| ports.first());
        places.push(match host {
            Host::Tcp(name) => match port {
                Some(port) => format!("{name}:{port}"),
                None => name.clone(),
            },
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
    }
    let database = config.get_dbname().or_else(|| config.get_user()).unwrap_or_default();
    format!("{}/{database}", places.join(","))
}
