//! DHCPREQUEST in every state (RFC 2131 section 4.3.2), and what the store has to do with it.

mod support;

use pxe_lease::{
    AddressRange, Discovered, Event, LEASE_INFINITE, LeaseRecord, LeaseState, LeaseStore,
    NakReason, Outcome, Refused, RequestKind, Requested, Silence, StoreError, SubnetConfig,
    UnixSeconds,
};
use support::{Server, address, client, mac, subnet};

use RequestKind::{InitReboot, Rebinding, Renewing, Selecting};

fn small() -> SubnetConfig {
    subnet("192.0.2.0/24", "192.0.2.10-192.0.2.19")
}

fn failure() -> StoreError {
    StoreError::Io { place: "here".to_owned(), detail: "No space left on device".to_owned() }
}

/// Lets everything that waits fail.
fn fail(server: &mut Server) {
    let batch = server.allocator.poll_commit(server.now).expect("a batch");
    server.allocator.handle_committed(server.now, batch.id, Err(failure()));
}

#[test]
fn nothing_is_promised_before_it_is_durable() {
    let mut server = Server::new(&[small()]);
    let offer = server.offer(&client(1));
    let Requested::Commit(commit) = server.ask(&client(1), offer.address, Selecting) else {
        panic!("no commit")
    };
    // The client asks again: it waits for the same.
    assert_eq!(server.ask(&client(1), offer.address, Selecting), Requested::Commit(commit));
    assert_eq!(server.answers(), []);
    assert_eq!(server.allocator.record(offer.address), None);
    let asked = server.ask(&client(2), offer.address, Selecting);
    assert_eq!(asked, Requested::Nak(NakReason::Taken));
    server.pass(7);
    server.commit();
    let [answer] = server.answers()[..] else { panic!("one answer") };
    let granted = answer.result.unwrap();
    assert_eq!((answer.commit, granted.address), (commit, offer.address));
    assert_eq!(granted.lease_seconds, 3600 - 7, "no longer than what is durable");
    let record = server.allocator.record(offer.address).unwrap();
    assert_eq!((record.state, record.version), (LeaseState::Leased, 1));
}

#[test]
fn the_table_of_states() {
    let table = [
        // Who asks, for what, how; if not authoritative, if authoritative.
        ("its own", Renewing, "granted", "granted"),
        ("its own", Rebinding, "granted", "granted"),
        ("its own", InitReboot, "granted", "granted"),
        ("its own", Selecting, "granted", "granted"),
        ("another's", Renewing, "silent", "nak"),
        ("another's", Rebinding, "silent", "nak"),
        ("another's", InitReboot, "silent", "nak"),
        ("another's", Selecting, "nak", "nak"),
        ("another's, with one of its own", InitReboot, "nak", "nak"),
        ("an unknown one", Renewing, "silent", "granted"),
        ("an unknown one", Rebinding, "silent", "silent"),
        ("an unknown one", InitReboot, "silent", "granted"),
        ("an unknown one", Selecting, "granted", "granted"),
        ("elsewhere's", Renewing, "silent", "nak"),
        ("elsewhere's", InitReboot, "nak", "nak"),
        ("elsewhere's", Selecting, "nak", "nak"),
        ("one outside of the pools", InitReboot, "silent", "nak"),
        ("an expired one", Renewing, "granted", "granted"),
        ("an expired one", InitReboot, "granted", "granted"),
    ];
    for (what, kind, modest, sure) in table {
        for (authoritative, expected) in [(false, modest), (true, sure)] {
            let mut config = small();
            config.authoritative = authoritative;
            let mut server = Server::new(&[config]);
            let own = server.lease(&client(1));
            let (asker, asked) = match what {
                "its own" => (client(1), own),
                "another's" => (client(2), own),
                "another's, with one of its own" => {
                    server.lease(&client(2));
                    (client(2), own)
                }
                "an unknown one" => (client(3), address("192.0.2.19")),
                "elsewhere's" => (client(1), address("198.51.100.7")),
                "one outside of the pools" => (client(3), address("192.0.2.200")),
                _ => {
                    server.pass(7200);
                    (client(1), own)
                }
            };
            let found = match server.ask(&asker, asked, kind) {
                Requested::Commit(_) | Requested::Ack(_) => "granted",
                Requested::Nak(_) => "nak",
                Requested::Silent(_) => "silent",
            };
            assert_eq!(found, expected, "{what}, {kind:?}, authoritative: {authoritative}");
        }
    }
}

#[test]
fn a_lease_without_end_stays_without_end() {
    let mut server = Server::new(&[small()]);
    let address = server.offer(&client(1)).address;
    let asked = server.allocator.request(
        server.now,
        server.scope,
        &client(1),
        address,
        Selecting,
        LEASE_INFINITE,
    );
    assert!(matches!(asked, Requested::Commit(_)));
    server.commit();
    assert_eq!(server.answers()[0].result.unwrap().lease_seconds, LEASE_INFINITE);
    server.pass(u64::from(u32::MAX) * 5);
    assert!(server.allocator.record(address).unwrap().is_active(server.now));
}

#[test]
fn a_shorter_lease_takes_nothing_of_what_was_promised() {
    let mut server = Server::new(&[small()]);
    let address = server.lease(&client(1));
    let long = server.now.plus(3600);
    let ask = |server: &mut Server, seconds| {
        let (now, scope) = (server.now, server.scope);
        let asked = server.allocator.request(now, scope, &client(1), address, Renewing, seconds);
        assert!(matches!(asked, Requested::Commit(_)), "{asked:?}");
        server.commit();
        server.answers()[0].result.expect("a lease").lease_seconds
    };
    assert_eq!(ask(&mut server, 60), 60, "the client hears of the shorter lease");
    // But it may not hear, and believe in the longer one.
    assert_eq!(server.allocator.record(address).unwrap().expires, long);
    assert_eq!(ask(&mut server, LEASE_INFINITE), LEASE_INFINITE);
    assert_eq!(ask(&mut server, 60), 60);
    let end = server.allocator.record(address).unwrap().expires;
    assert_eq!(end, server.now.plus(60), "a lease without end comes to one");
}

#[test]
fn a_store_that_was_given_a_release_and_failed_is_not_relied_on() {
    let mut server = Server::new(&[small()]);
    let address = server.lease(&client(1));
    server.allocator.release(server.now, &client(1), address).unwrap();
    // It is stored, but the answer is lost.
    let batch = server.allocator.poll_commit(server.now).unwrap();
    server.store.apply(&batch.records).unwrap();
    server.allocator.handle_committed(server.now, batch.id, Err(failure()));
    let asked = server.ask(&client(1), address, Renewing);
    assert_eq!(asked, Requested::Silent(Silence::StoreAway));
}

#[test]
fn a_store_that_is_away_gives_no_new_lease_and_takes_none() {
    let mut server = Server::new(&[small()]);
    let old = server.lease(&client(1));
    server.pass(600);
    let new = server.offer(&client(2)).address;
    let Requested::Commit(_) = server.ask(&client(2), new, Selecting) else { panic!("no commit") };
    let Requested::Commit(_) = server.ask(&client(1), old, Renewing) else { panic!("no commit") };
    fail(&mut server);
    let answers = server.answers();
    let results: Vec<_> = answers.iter().map(|answer| answer.result).collect();
    let [Err(Refused::StoreAway), Ok(rest)] = results[..] else { panic!("{results:?}") };
    assert!(rest.unwritten && rest.lease_seconds == 3000, "what is durable: {rest:?}");
    assert!(
        matches!(&server.events()[..], [Event::StoreAway { reason }] if reason.contains("room"))
    );

    // Within the second: nothing is tried.
    assert_eq!(server.ask(&client(2), new, Selecting), Requested::Silent(Silence::StoreAway));
    assert_eq!(server.ask(&client(1), old, InitReboot), Requested::Silent(Silence::StoreAway));
    assert!(matches!(server.ask(&client(1), old, Rebinding), Requested::Ack(it) if it.unwritten));
    assert_eq!(server.allocator.poll_commit(server.now), None);
    assert_eq!(server.offer(&client(2)).address, new, "its offer stands");
    // The rest of a lease that is nearly over is no answer.
    server.pass(2999);
    fail(&mut server);
    assert_eq!(server.ask(&client(1), old, Renewing), Requested::Silent(Silence::StoreAway));

    // By itself it is tried again, with nothing to write.
    let due = server.allocator.poll_timeout().expect("a time");
    server.pass(due.since(server.now));
    let batch = server.allocator.poll_commit(server.now).expect("a batch");
    assert_eq!(batch.records, []);
    server.allocator.handle_committed(server.now, batch.id, Ok(Vec::new()));
    assert_eq!(server.events(), [Event::StoreBack]);
    assert_eq!(server.allocator.poll_timeout(), None);
    assert_eq!(server.lease(&client(2)), new);
}

#[test]
fn a_release_outlives_a_failure() {
    let mut server = Server::new(&[small()]);
    let address = server.lease(&client(1));
    server.allocator.release(server.now, &client(1), address).unwrap();
    fail(&mut server);
    assert_eq!(server.allocator.record(address).unwrap().state, LeaseState::Leased);
    server.pass(1);
    server.commit();
    assert_eq!(server.allocator.record(address).unwrap().state, LeaseState::Released);
}

#[test]
fn a_released_address_can_be_asked_for_at_once() {
    let mut server = Server::new(&[small()]);
    let address = server.lease(&client(1));
    server.allocator.release(server.now, &client(1), address).unwrap();
    let batch = server.allocator.poll_commit(server.now).unwrap();
    // While the release is on its way.
    assert_eq!(server.offer(&client(1)).address, address);
    let Requested::Commit(commit) = server.ask(&client(1), address, Selecting) else {
        panic!("no commit")
    };
    let result = server.store.apply(&batch.records);
    server.allocator.handle_committed(server.now, batch.id, result);
    assert_eq!(server.answers(), []);
    server.commit();
    let answers = server.answers();
    assert!(matches!(answers[..], [it] if it.commit == commit && it.result.is_ok()), "{answers:?}");
    assert_eq!(server.allocator.record(address).unwrap().version, 3);
}

#[test]
fn another_server_was_faster() {
    let subnets = [subnet("192.0.2.0/24", "192.0.2.10-192.0.2.11")];
    let mut one = Server::new(&subnets);
    let mut other = Server::with(&subnets, Default::default(), one.store.clone());
    let address = one.offer(&client(1)).address;
    let asked = other.allocator.discover(other.now, other.scope, &client(2), Some(address));
    assert!(matches!(asked, Discovered::Offer(it) if it.address == address));
    other.request(&client(2), address, Selecting).unwrap();
    let refused = one.request(&client(1), address, Selecting);
    assert_eq!(refused, Err(Refused::Taken));
    let second = one.lease(&client(1));
    assert_ne!(second, address, "it gets another one");
    // The other server hears of it, and renews it.
    let cursor = other.store.changes_since(Default::default(), &mut |record| {
        other.allocator.handle_record(record);
    });
    assert_eq!(cursor.unwrap().0, 2);
    assert!(other.request(&client(1), second, Renewing).is_ok());
    // And the first extends it again, though it did not hear: the client is the same.
    one.pass(60);
    assert!(one.request(&client(1), second, Renewing).is_ok());
    assert_eq!(one.allocator.record(second).unwrap().version, 3);
}

#[test]
fn an_answer_that_was_lost_is_found_again() {
    let mut server = Server::new(&[small()]);
    let address = server.offer(&client(1)).address;
    let Requested::Commit(_) = server.ask(&client(1), address, Selecting) else {
        panic!("no commit")
    };
    let batch = server.allocator.poll_commit(server.now).unwrap();
    assert_eq!(server.store.apply(&batch.records).unwrap(), [Outcome::Stored]);
    server.allocator.handle_committed(server.now, batch.id, Err(failure()));
    assert_eq!(server.answers()[0].result, Err(Refused::StoreAway));
    server.pass(1);
    let granted = server.request(&client(1), address, Selecting).expect("a lease");
    assert_eq!(granted.address, address);
    assert_eq!(server.allocator.record(address).unwrap().version, 2);
}

#[test]
fn a_store_that_miscounts_is_not_believed() {
    let mut server = Server::new(&[small()]);
    let address = server.offer(&client(1)).address;
    let Requested::Commit(_) = server.ask(&client(1), address, Selecting) else {
        panic!("no commit")
    };
    let batch = server.allocator.poll_commit(server.now).unwrap();
    server.allocator.handle_committed(server.now, batch.id, Ok(Vec::new()));
    assert_eq!(server.answers()[0].result, Err(Refused::StoreAway));
}

#[test]
fn young_leases_are_not_written_again_where_that_is_safe() {
    for (shared, kind, spared) in [
        (false, Selecting, true),
        (false, Renewing, true),
        (true, Selecting, false),
        (true, Renewing, true),
    ] {
        let mut server = Server::configured(&[small()], |config| {
            config.cache_threshold_percent = 25;
            config.shared_store = shared;
        });
        let address = server.lease(&client(1));
        server.pass(899);
        let asked = server.ask(&client(1), address, kind);
        let found = matches!(asked, Requested::Ack(it) if it.unwritten && it.lease_seconds == 2701);
        assert_eq!(found, spared, "shared: {shared}, {kind:?}: {asked:?}");
        server.commit();
        server.pass(901);
        let asked = server.ask(&client(1), address, kind);
        assert!(matches!(asked, Requested::Commit(_)), "no longer young: {asked:?}");
    }
    // The next boot stage releases by another identifier, so it is written.
    let mut server = Server::configured(&[small()], |it| it.cache_threshold_percent = 25);
    let address = server.lease(&client(1));
    let system = client(1).identified_by(b"system");
    assert!(matches!(server.ask(&system, address, Selecting), Requested::Commit(_)));
}

#[test]
fn a_configuration_changes_without_losing_anything() {
    let mut server = Server::new(&[small()]);
    let leased = server.lease(&client(1));
    let offered = server.offer(&client(2)).address;
    let waiting = server.offer(&client(3)).address;
    let Requested::Commit(commit) = server.ask(&client(3), waiting, Selecting) else {
        panic!("no commit")
    };
    let batch = server.allocator.poll_commit(server.now).unwrap();
    let gone = address("192.0.2.19");
    let Requested::Commit(lost) = server.ask(&client(4), gone, Selecting) else {
        panic!("no commit")
    };
    let topology = pxe_lease::Topology::new(&[
        subnet("10.0.0.0/24", "10.0.0.10-10.0.0.20"),
        subnet("192.0.2.0/24", "192.0.2.5-192.0.2.18"),
    ]);
    let has_more = server.allocator.reconfigure(topology.unwrap(), Default::default());
    assert!(has_more, "the store may know leases of these addresses");
    server.scope = server.allocator.topology().scope_of(leased).unwrap();
    let [answer] = server.answers()[..] else { panic!("one answer") };
    assert_eq!((answer.commit, answer.result), (lost, Err(Refused::Superseded)));
    let result = server.store.apply(&batch.records);
    server.allocator.handle_committed(server.now, batch.id, result);
    let [answer] = server.answers()[..] else { panic!("one answer") };
    assert!(answer.commit == commit && answer.result.is_ok());
    assert_eq!(server.offer(&client(2)).address, offered);
    assert!(server.request(&client(1), leased, Renewing).is_ok());
}

#[test]
fn addresses_that_are_new_are_told() {
    let topology = |pools: &[&str]| {
        let mut subnet = subnet("192.0.2.0/24", pools[0]);
        subnet.pools.extend(pools[1..].iter().map(|pool| pool.parse::<AddressRange>().unwrap()));
        pxe_lease::Topology::new(&[subnet]).unwrap()
    };
    let mut server = Server::new(&[subnet("192.0.2.0/24", "192.0.2.10-192.0.2.20")]);
    for (pools, has_more) in [
        (&["192.0.2.10-192.0.2.20"][..], false),
        // The same, and less of it, cut otherwise.
        (&["192.0.2.16-192.0.2.20", "192.0.2.10-192.0.2.15"], false),
        (&["192.0.2.10-192.0.2.20"], false),
        (&["192.0.2.10-192.0.2.12", "192.0.2.14-192.0.2.20"], false),
        // What was given up for a while is new again.
        (&["192.0.2.10-192.0.2.20"], true),
        (&["192.0.2.10-192.0.2.21"], true),
        (&["192.0.2.9-192.0.2.21"], true),
        (&["192.0.2.100"], true),
    ] {
        let found = server.allocator.reconfigure(topology(pools), Default::default());
        assert_eq!(found, has_more, "{pools:?}");
    }
}

#[test]
fn records_of_other_addresses_are_left_alone() {
    let mut server = Server::new(&[small()]);
    let record =
        LeaseRecord::new(address("203.0.113.1"), mac(1), UnixSeconds(0), UnixSeconds::NEVER);
    assert!(!server.allocator.handle_record(record));
    assert_eq!(server.allocator.records().count(), 0);
}
