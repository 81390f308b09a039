//! Every fault of a topology, all at once, with the place and what to do.

mod support;

use pxe_lease::{IdentifyBy, Reservation, ReservedFor, SubnetConfig, Topology};
use support::{address, mac, subnet};

fn faults(subnets: &[SubnetConfig]) -> Vec<String> {
    let faults = Topology::new(subnets).expect_err("faults");
    let lines = faults.to_string();
    assert!(lines.lines().eq(faults.iter().map(ToString::to_string)), "{lines}");
    faults.into_iter().map(|fault| fault.to_string()).collect()
}

#[test]
fn all_faults_are_told_together() {
    let mut first = subnet("192.0.2.0/24", "192.0.2.10-192.0.2.20");
    first.pools.push("192.0.2.20-192.0.2.30".parse().unwrap());
    first.pools.push("192.0.3.1-192.0.3.9".parse().unwrap());
    first.pools.push("192.0.2.255".parse().unwrap());
    first.exclusions.push("10.0.0.1".parse().unwrap());
    first.shared_network = Some("floor".to_owned());
    let hardware = || ReservedFor::Hardware(mac(1));
    let nobody = ReservedFor::Circuit { circuit_id: None, remote_id: None };
    let long = ReservedFor::Identifier(vec![1; 300]);
    for (host, holder) in [
        ("192.0.2.50", hardware()),
        ("192.0.2.51", hardware()),
        ("192.0.2.50", ReservedFor::Hardware(mac(2))),
        ("192.0.2.255", ReservedFor::Hardware(mac(3))),
        ("10.0.0.1", ReservedFor::Hardware(mac(4))),
        ("192.0.2.60", nobody),
        ("192.0.2.61", ReservedFor::Identifier(Vec::new())),
        ("192.0.2.62", long),
    ] {
        first.reservations.push(Reservation::new(address(host), holder));
    }
    let mut second = subnet("192.0.2.128/25", "192.0.2.130-192.0.2.140");
    second.shared_network = Some("floor".to_owned());
    second.identify_by = IdentifyBy::ClientIdentifier;
    assert_eq!(
        faults(&[first, second]),
        [
            "subnet 1, exclude: 10.0.0.1 does not lie within 192.0.2.0/24",
            "subnet 1, pool: 192.0.2.20-192.0.2.30 shares addresses with the pool 192.0.2.10-192.0.2.20",
            "subnet 1, pool: 192.0.3.1-192.0.3.9 does not lie within 192.0.2.0/24",
            "subnet 1, pool: the pool 192.0.2.255 is empty: exclusions, network and broadcast address take all of it",
            "subnet 1, host: 192.0.2.51 and 192.0.2.50 are reserved for the same client; one network gives it one",
            "subnet 1, host: 192.0.2.50 is reserved twice",
            "subnet 1, host: 192.0.2.255 is the network or broadcast address of 192.0.2.0/24",
            "subnet 1, host: 10.0.0.1 does not lie within 192.0.2.0/24",
            "subnet 1, host: the reservation of 192.0.2.60 names no client: give a MAC, a client id, a circuit id or a remote id",
            "subnet 1, host: the reservation of 192.0.2.61 names no client: give a MAC, a client id, a circuit id or a remote id",
            "subnet 1, host: the reservation of 192.0.2.62 has an id of 300 bytes; a message has room for 255",
            "subnet 2, network: 192.0.2.128/25 shares addresses with 192.0.2.0/24 of subnet 1",
            "subnet 2, shared-network: `floor` is shared with subnet 1, so identify-by must be the same for both",
        ]
    );
}

#[test]
fn a_topology_has_bounds() {
    let wide = subnet("10.0.0.0/8", "10.0.0.0/8");
    let found = faults(&[wide.clone(), subnet("11.0.0.0/24", "11.0.0.0/24")]);
    assert_eq!(
        found,
        [
            "subnet 1, pool: with this subnet there are 16777214 addresses; at most 1048576 are allowed"
        ]
    );
    let many: Vec<SubnetConfig> = (0..5000_u32)
        .map(|number| {
            let network = std::net::Ipv4Addr::from_bits(0x0a00_0000 + (number << 8));
            SubnetConfig::new(pxe_lease::Prefix::containing(network, 24))
        })
        .collect();
    assert_eq!(
        faults(&many),
        ["subnet 4097, network: there are 5000 subnets; at most 4096 are allowed"]
    );
}

#[test]
fn addresses_find_their_subnets() {
    let topology = Topology::new(&[
        subnet("192.0.2.128/25", "192.0.2.130"),
        subnet("10.0.0.0/8", "10.1.0.0/24"),
        subnet("192.0.2.0/25", "192.0.2.10"),
    ])
    .unwrap();
    let subnet_of = |text| topology.scope_of(address(text)).map(|scope| scope.subnet.0);
    assert_eq!(subnet_of("192.0.2.127"), Some(2));
    assert_eq!(subnet_of("192.0.2.128"), Some(0));
    assert_eq!(subnet_of("10.255.255.255"), Some(1));
    assert_eq!(subnet_of("9.255.255.255"), None);
    assert_eq!(subnet_of("192.0.3.0"), None);
}
