//! Which address a client gets (RFC 2131 section 4.3.1), and what keeps addresses from others.

mod support;

use pxe_lease::{
    AllocatorConfig, Client, Discovered, Event, HardwareAddress, IdentifyBy, Ignored, LeaseState,
    NakReason, ProbeResult, RequestKind, Requested, Reservation, ReservedFor, Silence,
};
use support::{Server, address, client, mac, subnet};

#[test]
fn the_same_client_gets_the_same_offer() {
    let mut server = Server::new(&[subnet("10.0.0.0/16", "10.0.0.0/16")]);
    let first = server.offer(&client(1));
    for _ in 0..5 {
        server.pass(25);
        assert_eq!(server.offer(&client(1)), first);
    }
    // Without any memory of it too: the search begins where it began.
    let mut other = Server::new(&[subnet("10.0.0.0/16", "10.0.0.0/16")]);
    assert_eq!(other.offer(&client(1)), first);
}

#[test]
fn binding_then_history_then_wish_then_pool() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10-192.0.2.20")]);
    let has = server.lease(&client(1));
    let wish = address("192.0.2.20");
    assert_ne!(has, wish);
    let discover = |server: &mut Server, client: &Client<'_>| match server.allocator.discover(
        server.now,
        server.scope,
        client,
        Some(wish),
    ) {
        Discovered::Offer(offer) => offer.address,
        other => panic!("{other:?}"),
    };
    assert_eq!(discover(&mut server, &client(1)), has, "its binding goes first");
    server.pass(10 * 3600);
    assert_eq!(discover(&mut server, &client(1)), has, "then its expired one");
    assert_eq!(discover(&mut server, &client(2)), wish, "then what it asks for");
    assert_ne!(discover(&mut server, &client(3)), wish, "which is free only once");
}

#[test]
fn addresses_that_were_never_used_go_first_then_the_longest_unused() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10-192.0.2.12")]);
    let first = server.lease(&client(1));
    server.pass(10);
    let second = server.lease(&client(2));
    server.pass(10 * 3600);
    let third = server.lease(&client(3));
    assert!(third != first && third != second);
    assert_eq!(server.lease(&client(4)), first, "the lease that ended first");
    assert_eq!(server.lease(&client(5)), second);
}

#[test]
fn an_address_rests_behind_the_end_of_its_lease() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10")]);
    let only = server.lease(&client(1));
    server.pass(3600);
    assert_eq!(server.discover(&client(2)), Discovered::Silent(Silence::Exhausted));
    assert_eq!(server.offer(&client(1)).address, only, "but not for its client");
    server.pass(120 + 60);
    assert_eq!(server.offer(&client(2)).address, only);
}

#[test]
fn a_client_that_boots_from_an_offer_keeps_it_for_a_while() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10")]);
    let raspberry = server.offer(&client(1)).address;
    server.pass(119);
    assert_eq!(server.discover(&client(2)), Discovered::Silent(Silence::Exhausted));
    server.pass(1);
    assert_eq!(server.offer(&client(2)).address, raspberry);
}

#[test]
fn network_broadcast_own_and_excluded_addresses_are_nobodys() {
    let mut config = subnet("192.0.2.0/29", "192.0.2.0/29");
    config.exclusions.push("192.0.2.3-192.0.2.4".parse().unwrap());
    let mut server = Server::new(&[config]);
    server.allocator.set_own_addresses([address("192.0.2.1")]);
    let mut given: Vec<_> = (1..=3).map(|number| server.lease(&client(number))).collect();
    given.sort();
    assert_eq!(given, ["192.0.2.2", "192.0.2.5", "192.0.2.6"].map(address));
    assert_eq!(server.discover(&client(4)), Discovered::Silent(Silence::Exhausted));
    for own in ["192.0.2.0", "192.0.2.1", "192.0.2.3", "192.0.2.7"] {
        let asked = server.ask(&client(4), address(own), RequestKind::Selecting);
        assert_eq!(asked, Requested::Nak(NakReason::NotForClient), "{own}");
    }
    // The address is taken from the interface, and can be given.
    server.allocator.set_own_addresses([]);
    assert_eq!(server.offer(&client(4)).address, address("192.0.2.1"));
}

#[test]
fn reservations_are_for_their_clients_alone() {
    let mut config = subnet("192.0.2.0/24", "192.0.2.10-192.0.2.11");
    let circuit = ReservedFor::Circuit { circuit_id: Some(b"eth0/7".to_vec()), remote_id: None };
    for (last, holder) in [
        ("192.0.2.10", ReservedFor::Hardware(mac(1))),
        ("192.0.2.50", ReservedFor::Identifier(b"host-2".to_vec())),
        ("192.0.2.60", circuit),
    ] {
        config.reservations.push(Reservation::new(address(last), holder));
    }
    let mut server = Server::new(&[config]);
    assert_eq!(
        server.lease(&client(9)),
        address("192.0.2.11"),
        "the pool without what is reserved"
    );
    assert_eq!(server.discover(&client(8)), Discovered::Silent(Silence::Exhausted));
    let by_mac = server.offer(&client(1));
    assert_eq!((by_mac.address, by_mac.reserved), (address("192.0.2.10"), true));
    let by_id = client(2).identified_by(b"host-2");
    assert_eq!(server.lease(&by_id), address("192.0.2.50"));
    let typed = client(2).identified_by(b"\0host-2");
    assert_eq!(server.lease(&typed), address("192.0.2.50"), "with the type of a name");
    let by_port = client(3).behind(Some(b"eth0/7"), Some(b"sw"));
    assert_eq!(server.lease(&by_port), address("192.0.2.60"));
    // Another machine at the same port, while the first still has the address.
    let second = client(4).behind(Some(b"eth0/7"), None);
    assert_eq!(server.discover(&second), Discovered::Silent(Silence::Exhausted));
    let held = Event::ReservationHeld { address: address("192.0.2.60"), holder: mac(3) };
    assert!(server.events().contains(&held));
    server.pass(3600 + 60);
    assert_eq!(server.offer(&second).address, address("192.0.2.60"));
    // Nobody else gets a reserved address by asking for it.
    let asked = server.ask(&client(7), address("192.0.2.10"), RequestKind::Selecting);
    assert_eq!(asked, Requested::Nak(NakReason::NotForClient));
}

#[test]
fn a_new_reservation_moves_its_client() {
    let config = subnet("192.0.2.0/24", "192.0.2.10-192.0.2.20");
    let mut server = Server::new(std::slice::from_ref(&config));
    let before = server.lease(&client(1));
    let mut with = config;
    with.reservations.push(Reservation::new(address("192.0.2.99"), ReservedFor::Hardware(mac(1))));
    let topology = pxe_lease::Topology::new(&[with]).unwrap();
    assert!(server.allocator.reconfigure(topology, AllocatorConfig::default()));
    let renewed = server.ask(&client(1), before, RequestKind::Renewing);
    assert_eq!(renewed, Requested::Nak(NakReason::ReservedOther));
    assert_eq!(server.lease(&client(1)), address("192.0.2.99"));
}

#[test]
fn a_shared_network_gives_addresses_of_all_its_subnets() {
    let mut first = subnet("192.0.2.0/24", "192.0.2.10-192.0.2.11");
    let mut second = subnet("198.51.100.0/24", "198.51.100.10-198.51.100.11");
    first.shared_network = Some("floor".to_owned());
    second.shared_network = Some("floor".to_owned());
    let elsewhere = subnet("203.0.113.0/24", "203.0.113.10-203.0.113.20");
    let mut server = Server::new(&[first, second, elsewhere]);
    let given: Vec<_> = (1..=4).map(|number| server.lease(&client(number))).collect();
    assert!(
        given[..2].iter().all(|it| it.octets()[0] == 192),
        "the relay's subnet first: {given:?}"
    );
    assert!(given[2..].iter().all(|it| it.octets()[0] == 198), "{given:?}");
    assert_eq!(server.discover(&client(5)), Discovered::Silent(Silence::Exhausted));
    let scope = server.allocator.topology().scope_of(address("203.0.113.1")).unwrap();
    // The same machine elsewhere has an address there.
    let there = server.allocator.discover(server.now, scope, &client(1), None);
    assert!(matches!(there, Discovered::Offer(it) if it.address.octets()[0] == 203), "{there:?}");
    let moved = server.allocator.request(
        server.now,
        scope,
        &client(1),
        given[0],
        RequestKind::InitReboot,
        60,
    );
    assert_eq!(moved, Requested::Nak(NakReason::WrongNetwork));
}

#[test]
fn one_machine_keeps_one_address_through_its_boot_stages() {
    for by in [IdentifyBy::HardwareAddress, IdentifyBy::ClientIdentifier] {
        let mut config = subnet("192.0.2.0/24", "192.0.2.10-192.0.2.200");
        config.identify_by = by;
        let mut server = Server::new(&[config]);
        let rom = client(1).netbooting();
        let ipxe = client(1).identified_by(b"\x01\x02\0\0\0\0\x01").netbooting();
        let system = client(1).identified_by(b"\xff\0\0\0\x01duid");
        let first = server.lease(&rom);
        for stage in [&ipxe, &system, &rom, &ipxe, &system] {
            assert_eq!(server.lease(stage), first, "{by:?} {stage:?}");
            server.pass(30);
        }
    }
}

#[test]
fn guests_behind_one_hardware_address_and_clones_with_one_identifier() {
    let mut config = subnet("192.0.2.0/24", "192.0.2.10-192.0.2.200");
    config.identify_by = IdentifyBy::ClientIdentifier;
    let mut server = Server::new(&[config]);
    let guest = |identifier| client(1).identified_by(identifier);
    let (one, other) = (server.lease(&guest(b"one")), server.lease(&guest(b"other")));
    assert_ne!(one, other);
    assert_eq!(server.lease(&guest(b"one")), one);
    let clone = |number| client(number).identified_by(b"cloned");
    assert_ne!(server.lease(&clone(5)), server.lease(&clone(6)));
    // One hardware address does not empty the pool.
    let mut config = subnet("10.0.0.0/16", "10.0.0.0/16");
    config.identify_by = IdentifyBy::ClientIdentifier;
    let mut server = Server::new(&[config]);
    for number in 0..256_u16 {
        let identifier = number.to_be_bytes();
        server.offer(&client(1).identified_by(&identifier));
    }
    let more = client(1).identified_by(b"more");
    assert_eq!(server.discover(&more), Discovered::Silent(Silence::TooMany));
}

#[test]
fn who_says_nothing_gets_nothing() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10-192.0.2.20")]);
    let nobody = Client::new(HardwareAddress::ethernet([0; 6]));
    assert_eq!(server.discover(&nobody), Discovered::Silent(Silence::NoIdentity));
    let infiniband = nobody.identified_by(b"guid-1");
    let address = server.lease(&infiniband);
    assert_eq!(server.lease(&infiniband), address);
    assert_ne!(server.lease(&nobody.identified_by(b"guid-2")), address);
}

#[test]
fn a_full_network_is_told_once_and_recovers() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10-192.0.2.11")]);
    server.lease(&client(1));
    server.lease(&client(2));
    for number in 3..50 {
        assert_eq!(server.discover(&client(number)), Discovered::Silent(Silence::Exhausted));
    }
    let network = server.scope.network;
    assert_eq!(server.events(), [Event::Exhausted { network, addresses: 2 }]);
    assert_eq!(server.allocator.usage(server.now, network).leased, 2);
    // Who has an address is still served, which is no recovery.
    server.lease(&client(1));
    assert_eq!(server.events(), []);
    let due = server.allocator.poll_timeout().expect("a time");
    server.pass(due.since(server.now));
    assert_eq!(server.events(), [Event::Recovered { network }]);
    server.offer(&client(3));
    // A network of reservations alone is not full.
    let mut server = Server::new(&[pxe_lease::SubnetConfig::new("192.0.2.0/24".parse().unwrap())]);
    assert_eq!(server.discover(&client(1)), Discovered::Silent(Silence::NoPool));
    assert_eq!(server.events(), []);
}

#[test]
fn usage_is_counted() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10-192.0.2.19")]);
    let first = server.lease(&client(1));
    server.lease(&client(2));
    server.offer(&client(3));
    server.allocator.decline(server.now, &client(1), first).unwrap();
    server.commit();
    let usage = server.allocator.usage(server.now, server.scope.network);
    let counts = [usage.addresses, usage.leased, usage.offered, usage.quarantined, usage.free];
    assert_eq!(counts, [10, 1, 1, 1, 7]);
    server.pass(3600 + 59);
    let usage = server.allocator.usage(server.now, server.scope.network);
    // What was offered and not taken is free; the lease that ended rests.
    assert_eq!([usage.leased, usage.offered, usage.quarantined, usage.free], [0, 0, 1, 8]);
}

#[test]
fn releases_and_declines_must_fit() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10-192.0.2.99")]);
    let owner = client(1).identified_by(b"me");
    let has = server.lease(&owner);
    for forged in [client(1), client(2).identified_by(b"me"), client(2)] {
        assert_eq!(server.allocator.release(server.now, &forged, has), Err(Ignored::NotTheirs));
        assert_eq!(server.allocator.decline(server.now, &forged, has), Err(Ignored::NotTheirs));
    }
    let elsewhere = address("203.0.113.1");
    assert_eq!(server.allocator.release(server.now, &owner, elsewhere), Err(Ignored::NotOurs));
    server.allocator.release(server.now, &owner, has).unwrap();
    server.commit();
    assert_eq!(server.allocator.record(has).unwrap().state, LeaseState::Released);
    assert_eq!(server.offer(&owner).address, has, "it finds its address again");
    assert_eq!(server.allocator.release(server.now, &owner, has), Err(Ignored::NotTheirs));
}

#[test]
fn a_storm_of_declines_leaves_addresses_for_others() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10-192.0.2.49")]);
    let mut declined = Vec::new();
    let mut verdicts = Vec::new();
    for _ in 0..6 {
        let address = server.lease(&client(1));
        verdicts.push(server.allocator.decline(server.now, &client(1), address));
        server.commit();
        declined.push(address);
    }
    assert_eq!(verdicts[..3], [Ok(()); 3]);
    assert_eq!(verdicts[3..], [Err(Ignored::DeclineStorm); 3]);
    assert!(declined[3..].iter().all(|it| *it == declined[3]), "from then on one address");
    let storms =
        server.events().iter().filter(|it| matches!(it, Event::DeclineStorm { .. })).count();
    assert_eq!(storms, 1);
    // Many clients together take a quarter at most.
    for number in 2..20 {
        let address = server.lease(&client(number));
        let _ = server.allocator.decline(server.now, &client(number), address);
        server.commit();
    }
    let usage = server.allocator.usage(server.now, server.scope.network);
    assert_eq!(usage.quarantined, 10);
    // A day later they are free again, but others go first.
    server.pass(86_400);
    let usage = server.allocator.usage(server.now, server.scope.network);
    assert_eq!((usage.quarantined, usage.free), (0, 40));
    assert!(!declined[..3].contains(&server.lease(&client(90))));
}

#[test]
fn a_reserved_address_is_not_set_aside() {
    let mut config = subnet("192.0.2.0/24", "192.0.2.10-192.0.2.19");
    let reserved = address("192.0.2.50");
    config.reservations.push(Reservation::new(reserved, ReservedFor::Hardware(mac(1))));
    let mut server = Server::new(&[config]);
    server.lease(&client(1));
    let declined = server.allocator.decline(server.now, &client(1), reserved);
    assert_eq!(declined, Err(Ignored::Reserved));
    assert!(matches!(server.events()[..], [Event::ReservedDeclined { .. }]));
    assert_eq!(server.offer(&client(1)).address, reserved);
}

#[test]
fn new_clients_get_probed_addresses() {
    let subnets = [subnet("192.0.2.0/24", "192.0.2.10-192.0.2.19")];
    let mut server = Server::configured(&subnets, |config| config.probe = true);
    let Discovered::Probe(probe) = server.discover(&client(1)) else { panic!("no probe") };
    assert_eq!(server.discover(&client(1)), Discovered::Probing(probe), "it asks again meanwhile");
    server.allocator.handle_probed(server.now, probe.address, ProbeResult::InUse);
    assert_eq!(server.events(), [Event::Conflict { address: probe.address }]);
    server.commit();
    assert_eq!(server.allocator.record(probe.address).unwrap().state, LeaseState::InUse);
    let Discovered::Probe(second) = server.discover(&client(1)) else { panic!("no probe") };
    assert_ne!(second.address, probe.address);
    server.allocator.handle_probed(server.now, second.address, ProbeResult::Free);
    let address = server.lease(&client(1));
    assert_eq!(address, second.address);
    // Who had an address is not probed, since it would answer.
    server.pass(30);
    assert_eq!(server.offer(&client(1)).address, address);
    // A probe that nobody answers for does not hold an address for ever.
    let Discovered::Probe(third) = server.discover(&client(2)) else { panic!("no probe") };
    server.pass(3);
    assert_eq!(server.offer(&client(2)).address, third.address);
}

#[test]
fn probes_are_spared_under_load() {
    let subnets = [subnet("10.0.0.0/16", "10.0.0.0/16")];
    let mut server = Server::configured(&subnets, |config| config.probe = true);
    let probed = (0..400)
        .filter(|number| matches!(server.discover(&client(*number)), Discovered::Probe(_)))
        .count();
    assert_eq!(probed, pxe_lease::limits::PROBES_IN_FLIGHT_MAX);
    server.pass(3);
    assert!(matches!(server.discover(&client(500)), Discovered::Probe(_)), "later ones are again");
}

#[test]
fn a_chosen_rival_frees_our_offer() {
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10")]);
    let offer = server.offer(&client(1));
    server.allocator.handle_other_chosen(&client(1));
    assert_eq!(server.offer(&client(2)).address, offer.address);
}
