//! What a lease costs in memory, as `limits` says.

mod support;

use pxe_lease::{Allocator, AllocatorConfig, LeaseRecord, Topology, UnixSeconds};
use support::{mac, subnet};

const LEASES: u32 = 60_000;

/// A full allocator, and the bytes that it holds.
fn held(identifier: usize, host_name: usize) -> i64 {
    let mut kept = None;
    let measured = allocation_counter::measure(|| {
        let topology = Topology::new(&[subnet("10.0.0.0/16", "10.0.0.0/16")]).unwrap();
        let mut allocator = Allocator::new(topology, AllocatorConfig::default());
        for number in 0..LEASES {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0001 + number);
            let end = UnixSeconds(u64::from(number));
            let mut record = LeaseRecord::new(address, mac(number), UnixSeconds(0), end);
            record.version = 1;
            record.identifier = Some(vec![1; identifier].into());
            record.host_name = Some(vec![b'x'; host_name].into());
            assert!(allocator.handle_record(record));
        }
        kept = Some(allocator);
    });
    drop(kept);
    measured.bytes_current
}

#[test]
fn a_lease_takes_no_more_than_is_documented() {
    for (identifier, host_name, documented) in [(19, 12, 400), (255, 255, 950)] {
        let each = held(identifier, host_name) / i64::from(LEASES);
        println!("{each} bytes a lease with {identifier} and {host_name} bytes of text");
        assert!(each <= documented, "{each} bytes, not {documented}");
        assert!(each > documented / 2, "{each} bytes: the documentation says too much");
    }
}
