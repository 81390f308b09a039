//! The kernel's neighbour table: which machine of our own links has an address.

use core::net::{IpAddr, Ipv4Addr};
use std::fs::File;
use std::io::Read;

use crate::engine::Neighbours;

/// Bytes of the table that are read: over 10 000 neighbours, ten times what a kernel keeps by default.
const TABLE_BYTES_MAX: u64 = 1 << 20;
/// A machine with more addresses than this answers for others: a router with proxy ARP.
const ADDRESSES_OF_ONE_MAX: usize = 4;
/// `ATF_COM`: the entry is complete.
const COMPLETE: u32 = 0x02;

/// `/proc/net/arp`, read for each question: it is short, and the answer is of this very moment. A
/// machine that asks us for a file has just been resolved, or it could not be answered.
#[derive(Debug)]
pub struct ArpTable;

impl Neighbours for ArpTable {
    fn hardware_address(&self, address: IpAddr) -> Option<[u8; 6]> {
        let IpAddr::V4(address) = address else { return None };
        let mut table = String::new();
        let file = File::open("/proc/net/arp").ok()?;
        file.take(TABLE_BYTES_MAX).read_to_string(&mut table).ok()?;
        look_up(&table, address)
    }
}

fn look_up(table: &str, address: Ipv4Addr) -> Option<[u8; 6]> {
    let entries = || table.lines().skip(1).filter_map(entry);
    let (_, found) = entries().find(|(known, _)| *known == address)?;
    let addresses = entries().filter(|(_, mac)| *mac == found).count();
    (addresses <= ADDRESSES_OF_ONE_MAX).then_some(found)
}

/// `IP address  HW type  Flags  HW address  Mask  Device`
fn entry(line: &str) -> Option<(Ipv4Addr, [u8; 6])> {
    let mut columns = line.split_ascii_whitespace();
    let address = columns.next()?.parse().ok()?;
    let ethernet = columns.next()? == "0x1";
    let flags = u32::from_str_radix(columns.next()?.strip_prefix("0x")?, 16).ok()?;
    let mut mac = [0; 6];
    let mut parts = columns.next()?.split(':');
    for byte in &mut mac {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    let usable = ethernet && flags & COMPLETE != 0 && parts.next().is_none() && mac != [0; 6];
    usable.then_some((address, mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
10.77.0.104      0x1         0x2         52:54:00:aa:00:03     *        br0
10.77.0.105      0x1         0x0         00:00:00:00:00:00     *        br0
10.77.0.106      0x1         0x6         52:54:00:AA:00:06     *        br0
10.77.0.107      0x20        0x2         52:54:00:aa:00:07     *        ib0
10.77.0.1        0x1         0x2         02:00:00:00:00:01     *        br0
10.1.0.1         0x1         0x2         02:00:00:00:00:01     *        br0
10.1.0.2         0x1         0x2         02:00:00:00:00:01     *        br0
10.1.0.3         0x1         0x2         02:00:00:00:00:01     *        br0
10.1.0.4         0x1         0x2         02:00:00:00:00:01     *        br0
broken
";

    #[test]
    fn complete_entries_of_machines_count() {
        let ask = |last| look_up(TABLE, Ipv4Addr::new(10, 77, 0, last));
        assert_eq!(ask(104), Some([0x52, 0x54, 0, 0xaa, 0, 3]));
        assert_eq!(ask(106), Some([0x52, 0x54, 0, 0xaa, 0, 6]));
        for (last, why) in
            [(105, "incomplete"), (107, "no Ethernet"), (1, "a router"), (9, "nobody")]
        {
            assert_eq!(ask(last), None, "{why}");
        }
    }

    #[test]
    fn the_kernel_is_asked() {
        // The loopback has no neighbours.
        assert_eq!(ArpTable.hardware_address(Ipv4Addr::LOCALHOST.into()), None);
    }
}
