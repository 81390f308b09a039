//! Our own list, as CSV (RFC 4180).

use super::Found;
use super::escape::{escaped, unescaped};
use super::fault::{self, ImportFaultKind, quoted};
use crate::client::write_pairs;
use crate::record::{LeaseRecord, LeaseState};
use crate::time::UnixSeconds;

/// The columns, which are the keys in JSON too.
pub(super) const NAMES: [&str; 8] = [
    "address",
    "state",
    "hardware_address",
    "client_identifier",
    "host_name",
    "netboot",
    "granted",
    "expires",
];

/// The values of a record, in the order of [`NAMES`].
pub(super) fn values(record: &LeaseRecord) -> [String; 8] {
    [
        record.address.to_string(),
        record.state.name().to_owned(),
        record.hardware.to_string(),
        record.identifier.as_deref().map(|bytes| Pairs(bytes).to_string()).unwrap_or_default(),
        record.host_name.as_deref().map(escaped).unwrap_or_default(),
        record.netboot.to_string(),
        record.granted.to_string(),
        record.expires.to_string(),
    ]
}

struct Pairs<'a>(&'a [u8]);

impl core::fmt::Display for Pairs<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write_pairs(f, self.0)
    }
}

/// A record of values that are asked for by name; an absent one is empty.
pub(super) fn record<'v>(
    value: impl Fn(&'static str) -> Option<&'v str>,
) -> Result<LeaseRecord, ImportFaultKind> {
    let needed = |name| value(name).ok_or(ImportFaultKind::Missing(name));
    let optional = |name| value(name).unwrap_or_default();
    let expires = time(needed("expires")?)?;
    let granted = match optional("granted") {
        "" => expires,
        text => time(text)?,
    };
    let state = match optional("state") {
        "" => LeaseState::Leased,
        name => LeaseState::from_name(name).ok_or_else(|| ImportFaultKind::State(quoted(name)))?,
    };
    let netboot = match optional("netboot") {
        "" | "false" => false,
        "true" => true,
        other => return Err(ImportFaultKind::Flag(quoted(other))),
    };
    let hardware = match optional("hardware_address") {
        "" | "00-" => crate::hardware::HardwareAddress::NONE,
        text => fault::hardware(text)?,
    };
    Ok(LeaseRecord {
        state,
        netboot,
        identifier: fault::identifier(optional("client_identifier"))?,
        host_name: fault::host_name(&unescaped(optional("host_name"))?),
        ..LeaseRecord::new(fault::address(needed("address")?)?, hardware, granted, expires)
    })
}

fn time(text: &str) -> Result<UnixSeconds, ImportFaultKind> {
    if text == "never" { Ok(UnixSeconds::NEVER) } else { fault::seconds(text) }
}

pub(super) fn write<'r>(records: impl IntoIterator<Item = &'r LeaseRecord>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory does not fail.
    let _ = writer.write_record(NAMES);
    for record in records {
        let _ = writer.write_record(values(record));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

pub(super) fn read(text: &[u8], found: &mut Found) {
    rows(text, found, &["address", "expires"], |row, _| record(|name| row.get(name)).map(Some));
}

/// One line beneath a line of names.
pub(super) struct Row<'r> {
    names: &'r csv::StringRecord,
    values: &'r csv::StringRecord,
}

impl<'r> Row<'r> {
    pub(super) fn get(&self, name: &str) -> Option<&'r str> {
        self.values.get(self.names.iter().position(|known| known == name)?)
    }
}

/// Makes a record of each line beneath the line of names; none of a line that only takes one away.
pub(super) fn rows(
    text: &[u8],
    found: &mut Found,
    needed: &[&'static str],
    make: impl Fn(&Row<'_>, &mut Found) -> Result<Option<LeaseRecord>, ImportFaultKind>,
) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let names = match reader.headers() {
        Ok(names) => names.clone(),
        Err(_) => return found.fault(1, ImportFaultKind::NotText),
    };
    for name in needed {
        if !names.iter().any(|known| known == *name) {
            return found.fault(1, ImportFaultKind::Missing(name));
        }
    }
    for (index, values) in reader.records().enumerate() {
        // Names on the first line, and no value has a line break in it, unless by hand.
        let at = |position: Option<&csv::Position>| {
            let line = position.and_then(|position| usize::try_from(position.line()).ok());
            line.unwrap_or_else(|| index.saturating_add(2))
        };
        let values = match &values {
            Ok(values) => values,
            Err(error) => {
                found.fault(at(error.position()), ImportFaultKind::NotText);
                continue;
            }
        };
        let line = at(values.position());
        match make(&Row { names: &names, values }, found) {
            Ok(Some(record)) => found.add(line, Ok(record)),
            Ok(None) => {}
            Err(kind) => found.fault(line, kind),
        }
    }
}
