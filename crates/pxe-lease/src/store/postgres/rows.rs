//! Records as columns of parameters, and rows as records.

use core::net::Ipv4Addr;

use postgres::Row;
use postgres::types::ToSql;

use super::Fault;
use crate::hardware::HardwareAddress;
use crate::limits::HARDWARE_ADDRESS_BYTES_MAX;
use crate::record::{LeaseRecord, LeaseState};
use crate::time::UnixSeconds;

/// What is selected for [`record`].
pub(super) const COLUMNS: &str = "host(address) AS address, version, state, hardware_type, \
     hardware_address, client_identifier, host_name, netboot, granted, expires";

/// A batch, turned on its side: one array for each column.
#[derive(Default)]
pub(super) struct Columns<'a> {
    address: Vec<String>,
    version: Vec<i64>,
    state: Vec<i16>,
    hardware_type: Vec<i16>,
    hardware_address: Vec<&'a [u8]>,
    client_identifier: Vec<Option<&'a [u8]>>,
    host_name: Vec<Option<&'a [u8]>>,
    netboot: Vec<bool>,
    granted: Vec<i64>,
    expires: Vec<i64>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(batch: &'a [LeaseRecord]) -> Self {
        let mut columns = Self::default();
        for record in batch {
            columns.address.push(record.address.to_string());
            columns.version.push(signed(record.version));
            columns.state.push(record.state.code().into());
            columns.hardware_type.push(record.hardware.kind().into());
            columns.hardware_address.push(record.hardware.as_bytes());
            columns.client_identifier.push(record.identifier.as_deref());
            columns.host_name.push(record.host_name.as_deref());
            columns.netboot.push(record.netboot);
            columns.granted.push(signed(record.granted.0));
            columns.expires.push(signed(record.expires.0));
        }
        columns
    }

    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.address,
            &self.version,
            &self.state,
            &self.hardware_type,
            &self.hardware_address,
            &self.client_identifier,
            &self.host_name,
            &self.netboot,
            &self.granted,
            &self.expires,
        ]
    }
}

/// PostgreSQL has no unsigned numbers; its largest one stands for never.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    if number == i64::MAX { u64::MAX } else { u64::try_from(number).unwrap_or(0) }
}

pub(super) fn address(text: &str) -> Result<Ipv4Addr, Fault> {
    text.parse().map_err(|_| Fault::Damaged(format!("pxe_lease has the address {text}")))
}

pub(super) fn record(row: &Row) -> Result<LeaseRecord, Fault> {
    let address = address(row.try_get("address")?)?;
    let damaged = |what: &str| Fault::Damaged(format!("the row of {address} has {what}"));
    let state: i16 = row.try_get("state")?;
    let state = u8::try_from(state).ok().and_then(LeaseState::from_code);
    let kind = u8::try_from(row.try_get::<_, i16>("hardware_type")?);
    let bytes: &[u8] = row.try_get("hardware_address")?;
    if bytes.len() > HARDWARE_ADDRESS_BYTES_MAX {
        return Err(damaged("a hardware address that is too long"));
    }
    let text = |name: &str| -> Result<Option<Box<[u8]>>, Fault> {
        let bytes: Option<&[u8]> = row.try_get(name)?;
        let bytes = bytes.filter(|bytes| !bytes.is_empty());
        Ok(bytes.map(|bytes| bytes.get(..usize::from(u8::MAX)).unwrap_or(bytes).into()))
    };
    Ok(LeaseRecord {
        address,
        version: unsigned(row.try_get("version")?),
        state: state.ok_or_else(|| damaged("an unknown state"))?,
        hardware: HardwareAddress::new(kind.map_err(|_| damaged("an odd hardware type"))?, bytes),
        identifier: text("client_identifier")?,
        host_name: text("host_name")?,
        netboot: row.try_get("netboot")?,
        granted: UnixSeconds(unsigned(row.try_get("granted")?)),
        expires: UnixSeconds(unsigned(row.try_get("expires")?)),
    })
}
