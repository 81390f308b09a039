//! `dnsmasq.leases`: a line for each lease with end, hardware address, address, name and client id (dnsmasq
//! `lease.c`). Leases of DHCPv6 follow behind a line that begins with `duid`.

use super::fault::{self, ImportFaultKind};
use super::{Found, lines};
use crate::record::LeaseRecord;
use crate::time::UnixSeconds;

pub(super) fn read(text: &[u8], now: UnixSeconds, found: &mut Found) {
    for (number, line) in lines(text, found) {
        let mut fields = line.split_whitespace();
        if fields.clone().next() == Some("duid") {
            return;
        }
        let mut next = || fields.next().unwrap_or_default();
        let parts = [next(), next(), next(), next(), next()];
        found.add(number, record(parts, now));
    }
}

fn record(
    [end, hardware, address, name, id]: [&str; 5],
    now: UnixSeconds,
) -> Result<LeaseRecord, ImportFaultKind> {
    if address.is_empty() {
        let shape = "a line has end, hardware address, address, name and client id";
        return Err(ImportFaultKind::Shape(shape.to_owned()));
    }
    let expires = match fault::seconds(end)? {
        UnixSeconds(0) => UnixSeconds::NEVER,
        end => end,
    };
    let (address, hardware) = (fault::address(address)?, fault::hardware(hardware)?);
    Ok(LeaseRecord {
        identifier: fault::identifier(id)?,
        host_name: fault::host_name(name.as_bytes()),
        ..LeaseRecord::new(address, hardware, now.min(expires), expires)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Format, import};
    use super::*;

    #[test]
    fn a_file_is_read() {
        let text = "1700000000 52:54:00:aa:00:01 192.0.2.10 node1 01:52:54:00:aa:00:01\n\
                    0 52:54:00:aa:00:02 192.0.2.11 * *\n\
                    1700000000 52:54:00:zz:00:02 192.0.2.12 * *\n\
                    soon\n\
                    duid 00:01:00:01:2a\n\
                    1700000000 1 2001:db8::1 node1 00:01\n";
        let now = UnixSeconds(1_600_000_000);
        let read = import(Format::Dnsmasq, text.as_bytes(), now);
        let faults: Vec<_> = read.faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "line 3: `52:54:00:zz:00:02` is no hardware address like 52:54:00:aa:00:01",
                "line 4: a line has end, hardware address, address, name and client id",
            ]
        );
        let [one, other] = &read.records[..] else { panic!("{:?}", read.records) };
        assert_eq!(one.host_name.as_deref(), Some(&b"node1"[..]));
        assert_eq!(one.identifier.as_deref(), Some(&[1, 0x52, 0x54, 0, 0xaa, 0, 1][..]));
        assert_eq!((one.granted, one.expires), (now, UnixSeconds(1_700_000_000)));
        assert_eq!((other.identifier.as_deref(), other.expires), (None, UnixSeconds::NEVER));
    }
}
