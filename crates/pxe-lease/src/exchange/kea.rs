//! `kea-leases4.csv`: a journal of Kea's memfile backend, in which the last line of an address counts (Kea
//! `csv_lease_file4.cc`).

use super::Found;
use super::fault::{self, ImportFaultKind, quoted};
use super::list::{Row, rows};
use crate::record::{LeaseRecord, LeaseState};
use crate::time::UnixSeconds;

/// The lifetime that never ends.
const INFINITE: u64 = u32::MAX as u64;

pub(super) fn read(text: &[u8], found: &mut Found) {
    let needed =
        ["address", "hwaddr", "client_id", "valid_lifetime", "expire", "hostname", "state"];
    rows(text, found, &needed, |row, found| {
        let field = |name| row.get(name).ok_or(ImportFaultKind::Missing(name));
        let address = fault::address(field("address")?)?;
        let lifetime = fault::seconds(field("valid_lifetime")?)?.0;
        if lifetime == 0 {
            // So Kea writes that a lease is deleted.
            found.records.remove(&address);
            return Ok(None);
        }
        record(row, lifetime).map(Some)
    });
}

fn record(row: &Row<'_>, lifetime: u64) -> Result<LeaseRecord, ImportFaultKind> {
    let field = |name| row.get(name).ok_or(ImportFaultKind::Missing(name));
    let end = fault::seconds(field("expire")?)?;
    let granted = UnixSeconds(end.0.saturating_sub(lifetime));
    let state = match field("state")? {
        "0" => LeaseState::Leased,
        "1" => LeaseState::Declined,
        // Expired and reclaimed, released.
        "2" | "3" => LeaseState::Released,
        other => return Err(ImportFaultKind::State(quoted(other))),
    };
    let expires = if lifetime == INFINITE { UnixSeconds::NEVER } else { end };
    // Kea writes a comma within a value like this, and a name with the dot at its end.
    let name = field("hostname")?.trim_end_matches('.').replace("&#x2c", ",");
    let (address, hardware) =
        (fault::address(field("address")?)?, fault::hardware(field("hwaddr")?)?);
    Ok(LeaseRecord {
        state,
        identifier: fault::identifier(field("client_id")?)?,
        host_name: fault::host_name(name.as_bytes()),
        ..LeaseRecord::new(address, hardware, granted, expires)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Format, import};
    use super::*;

    const HEAD: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n";

    #[test]
    fn a_journal_is_read_to_its_end() {
        let text = format!(
            "{HEAD}\
             192.0.2.10,52:54:00:aa:00:01,01:52:54,3600,1700003600,1,0,0,node1.example.,0,,0\n\
             192.0.2.11,52:54:00:aa:00:02,,3600,1700003600,1,0,0,,0,,0\n\
             192.0.2.10,52:54:00:aa:00:01,01:52:54,3600,1700007200,1,0,0,a&#x2cb.,0,,0\n\
             192.0.2.11,52:54:00:aa:00:02,,0,1700003600,1,0,0,,0,,0\n\
             192.0.2.12,,,86400,1700086400,1,0,0,,1,,0\n\
             192.0.2.13,52:54:00:aa:00:03,,4294967295,5994967295,1,0,0,,0,,0\n\
             192.0.2.14,52:54:00:aa:00:03,,60,1700000000,1,0,0,,9,,0\n"
        );
        let read = import(Format::KeaMemfile, text.as_bytes(), UnixSeconds(0));
        let faults: Vec<_> = read.faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["line 8: `9` is no state of a lease"]);
        let [renewed, declined, forever] = &read.records[..] else { panic!("{:?}", read.records) };
        assert_eq!(renewed.host_name.as_deref(), Some(&b"a,b"[..]));
        assert_eq!((renewed.granted.0, renewed.expires.0), (1_700_003_600, 1_700_007_200));
        assert_eq!(declined.state, LeaseState::Declined);
        assert_eq!(forever.expires, UnixSeconds::NEVER);
    }

    #[test]
    fn another_file_is_refused_at_its_head() {
        let read = import(Format::KeaMemfile, b"a,b\n1,2\n", UnixSeconds(0));
        assert_eq!(read.faults[0].to_string(), "line 1: `address` is missing");
    }
}
