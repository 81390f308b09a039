//! Leases as text: lists to keep and to edit, and the lease files of other servers.
//!
//! Reading takes any bytes. What cannot be understood is a [fault](ImportFault) with its line, and does not keep the
//! rest from being read.

mod dnsmasq;
mod escape;
mod fault;
mod isc;
mod json;
mod kea;
mod list;
mod write;

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

pub use self::fault::{ImportFault, ImportFaultKind};
pub use self::write::{Written, write_all};
use crate::limits::{IMPORT_BYTES_MAX, IMPORT_FAULTS_MAX};
use crate::record::LeaseRecord;
use crate::time::UnixSeconds;

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Our list: a line of names, then one line for each lease, values between commas.
    Csv,
    /// Our list as an array of objects with the same names.
    Json,
    /// `dnsmasq.leases`.
    Dnsmasq,
    /// `dhcpd.leases` of ISC dhcpd.
    IscDhcpd,
    /// `kea-leases4.csv` of Kea's memfile backend.
    KeaMemfile,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// One record for each address, ordered; their versions are 0. Of an address that is there twice, the last counts.
    pub records: Vec<LeaseRecord>,
    /// What was not understood; at most [`IMPORT_FAULTS_MAX`] are listed.
    pub faults: Vec<ImportFault>,
    /// How many faults there were.
    pub faults_count: usize,
}

/// Reads leases. `now` is taken for when a lease was given, where a format does not say.
#[must_use]
pub fn import(format: Format, text: &[u8], now: UnixSeconds) -> Imported {
    let mut found = Found::default();
    if text.len() > IMPORT_BYTES_MAX {
        found.fault(0, ImportFaultKind::TooLarge);
        return found.finish();
    }
    match format {
        Format::Csv => list::read(text, &mut found),
        Format::Json => json::read(text, &mut found),
        Format::Dnsmasq => dnsmasq::read(text, now, &mut found),
        Format::IscDhcpd => isc::read(text, &mut found),
        Format::KeaMemfile => kea::read(text, &mut found),
    }
    found.finish()
}

/// Writes leases as [`Format::Csv`].
#[must_use]
pub fn to_csv<'r>(records: impl IntoIterator<Item = &'r LeaseRecord>) -> String {
    list::write(records)
}

/// Writes leases as [`Format::Json`].
#[must_use]
pub fn to_json<'r>(records: impl IntoIterator<Item = &'r LeaseRecord>) -> String {
    json::write(records)
}

/// What a reader has found so far.
#[derive(Default)]
struct Found {
    records: BTreeMap<Ipv4Addr, LeaseRecord>,
    imported: Imported,
}

impl Found {
    fn add(&mut self, line: usize, record: Result<LeaseRecord, ImportFaultKind>) {
        match record {
            Ok(record) => {
                self.records.insert(record.address, record);
            }
            Err(kind) => self.fault(line, kind),
        }
    }

    fn fault(&mut self, line: usize, kind: ImportFaultKind) {
        self.imported.faults_count = self.imported.faults_count.saturating_add(1);
        if self.imported.faults.len() < IMPORT_FAULTS_MAX {
            self.imported.faults.push(ImportFault { line, kind });
        }
    }

    fn finish(self) -> Imported {
        Imported { records: self.records.into_values().collect(), ..self.imported }
    }
}

/// The lines of a text, with their numbers from 1; those that are no text are faults.
fn lines<'t>(text: &'t [u8], found: &mut Found) -> Vec<(usize, &'t str)> {
    let mut lines = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let number = index.saturating_add(1);
        match core::str::from_utf8(line) {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => lines.push((number, line.trim_end_matches('\r'))),
            Err(_) => found.fault(number, ImportFaultKind::NotText),
        }
    }
    lines
}
