//! The PostgreSQL store, against a real server that the test starts.

mod support;

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use pxe_lease::store::{PostgresConfig, PostgresStore};
use pxe_lease::{
    AllocatorConfig, Cursor, Discovered, LeaseRecord, LeaseState, LeaseStore, Outcome, RequestKind,
    Requested, StoreError, UnixSeconds,
};
use support::postgres::Postgres;
use support::{Random, Server, address, client, mac, subnet};

fn store(database: &Postgres) -> PostgresStore {
    PostgresStore::new(&PostgresConfig::new(database.url())).expect("an address")
}

fn record(last: u8, version: u64) -> LeaseRecord {
    let address = Ipv4Addr::new(192, 0, 2, last);
    let mut record =
        LeaseRecord::new(address, mac(last.into()), UnixSeconds(5), UnixSeconds::NEVER);
    record.version = version;
    record
}

fn everything(store: &mut PostgresStore) -> BTreeMap<Ipv4Addr, LeaseRecord> {
    let mut found = BTreeMap::new();
    store
        .load(&mut |record| {
            found.insert(record.address, record);
        })
        .expect("records");
    found
}

#[test]
fn records_come_back_and_versions_decide() {
    let Some(database) = Postgres::start() else { return };
    let mut store = store(&database);
    let mut full = record(1, 1);
    full.state = LeaseState::Declined;
    full.identifier = Some([0, 255, 7].into());
    full.host_name = Some(Box::from(&b"caf\xc3\xa9'; DROP TABLE pxe_lease; --"[..]));
    full.netboot = true;
    full.expires = UnixSeconds(77);
    let batch = [full.clone(), record(2, 1), record(3, 9)];
    assert_eq!(store.apply(&batch).unwrap(), [Outcome::Stored, Outcome::Stored, Outcome::Stored]);
    let expected = batch.iter().map(|it| (it.address, it.clone())).collect();
    assert_eq!(everything(&mut store), expected);

    let again = [record(1, 1), record(2, 3), record(3, 10), record(4, 1)];
    let outcomes = store.apply(&again).unwrap();
    assert_eq!(
        outcomes,
        [
            Outcome::Conflict(full),
            Outcome::Conflict(record(2, 1)),
            Outcome::Stored,
            Outcome::Stored,
        ]
    );
    assert_eq!(store.apply(&[]).unwrap(), []);
}

#[test]
fn servers_hear_of_one_another() {
    let Some(database) = Postgres::start() else { return };
    // Both make the tables at the same moment.
    let (mut one, mut other) = (store(&database), store(&database));
    thread::scope(|scope| {
        scope.spawn(|| one.apply(&[record(1, 1)]).unwrap());
        scope.spawn(|| other.apply(&[record(2, 1)]).unwrap());
    });
    let changes = |store: &mut PostgresStore, cursor| {
        let mut heard = Vec::new();
        let cursor = store.changes_since(cursor, &mut |it| heard.push(it.address.octets()[3]));
        (cursor.unwrap(), heard)
    };
    let (cursor, mut heard) = changes(&mut one, Cursor(0));
    heard.sort_unstable();
    assert_eq!(heard, [1, 2]);
    assert_eq!(changes(&mut one, cursor), (cursor, Vec::new()));
    other.apply(&[record(1, 2), record(7, 1)]).unwrap();
    let (later, heard) = changes(&mut one, cursor);
    assert_eq!(heard, [1, 7]);
    assert!(later > cursor);
    // A database from a backup has a smaller counter: everything is told again.
    assert_eq!(changes(&mut one, Cursor(1_000_000)).1.len(), 3);
}

#[test]
fn a_newer_schema_and_a_missing_right_are_told() {
    let Some(database) = Postgres::start() else { return };
    store(&database).apply(&[]).unwrap();
    let url = database.url().parse::<postgres::Config>().unwrap();
    let mut admin = url.connect(postgres::NoTls).unwrap();
    admin.batch_execute("CREATE USER guest; UPDATE pxe_lease_format SET format = 99").unwrap();
    let error = store(&database).apply(&[]).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 99, known: 1, .. }), "{error}");
    admin.batch_execute("UPDATE pxe_lease_format SET format = 1").unwrap();
    let guest = database.url().replace("user=pxe", "user=guest");
    let error = PostgresStore::new(&PostgresConfig::new(guest)).unwrap().apply(&[]).unwrap_err();
    assert!(error.to_string().contains("permission denied"), "{error}");
    let nowhere = database.url().replace("dbname=postgres", "dbname=nowhere");
    let error = PostgresStore::new(&PostgresConfig::new(nowhere)).unwrap().apply(&[]).unwrap_err();
    assert!(error.to_string().ends_with("make it with: createdb"), "{error}");
}

type Grants = HashMap<Ipv4Addr, u32>;

const CLIENTS: u32 = 5_000;

/// All clients ask one server, in an order of its own; in batches, and hearing of the other server now and then. The
/// clients' offers come from the same places of the pool in both servers, so that they meet.
fn serve(database: &Postgres, seed: u64) -> (Grants, u32) {
    let subnets = [subnet("10.0.0.0/16", "10.0.0.1-10.0.23.255")];
    let mut config = AllocatorConfig::default();
    config.shared_store = true;
    let mut server = Server::with(&subnets, config, store(database));
    let mut random = Random(seed);
    let mut order: Vec<u32> = (0..CLIENTS).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at as u64 + 1) as usize);
    }
    let (mut grants, mut refusals) = (Grants::new(), 0);
    let mut cursor = Cursor(0);
    let mut waiting = order;
    while !waiting.is_empty() {
        let turn = waiting.split_off(waiting.len().saturating_sub(200));
        let mut asked = HashMap::new();
        for number in turn {
            let Discovered::Offer(offer) = server.discover(&client(number)) else {
                panic!("seed {seed}: no offer")
            };
            match server.ask(&client(number), offer.address, RequestKind::Selecting) {
                Requested::Commit(commit) => {
                    asked.insert(commit, number);
                }
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        server.commit();
        for answer in server.answers() {
            let number = asked.remove(&answer.commit).expect("a commit");
            match answer.result {
                Ok(granted) => {
                    let before = grants.insert(granted.address, number);
                    assert_eq!(
                        before,
                        None,
                        "seed {seed}: {} twice, now to {number}: {:?}",
                        granted.address,
                        server.allocator.record(granted.address)
                    );
                }
                // The other server was faster: the client begins anew.
                Err(_) => {
                    refusals += 1;
                    waiting.insert(0, number);
                }
            }
        }
        if random.below(4) == 0 {
            let allocator = &mut server.allocator;
            let heard = server.store.changes_since(cursor, &mut |record| {
                allocator.handle_record(record);
            });
            cursor = heard.expect("changes");
        }
    }
    (grants, refusals)
}

#[test]
fn two_servers_never_give_one_address_twice() {
    let Some(database) = Postgres::start() else { return };
    let started = Instant::now();
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(|| serve(&database, 1));
        let other = scope.spawn(|| serve(&database, 2));
        (one.join().unwrap(), other.join().unwrap())
    });
    let ((one, one_refused), (other, other_refused)) = (one, other);
    assert_eq!((one.len(), other.len()), (5_000, 5_000));
    let mut shared = 0;
    for (address, number) in &one {
        if let Some(rival) = other.get(address) {
            assert_eq!(rival, number, "{address} was given to two clients");
            shared += 1;
        }
    }
    println!(
        "10000 leases in {:?}; {shared} clients got the same address from both, \
         {one_refused} + {other_refused} were refused because the other server was faster",
        started.elapsed()
    );
    assert!(one_refused + other_refused > 0, "the servers never met: this shows nothing");
    // What is stored is what was granted last.
    let held = everything(&mut store(&database));
    for (address, number) in one.iter().chain(&other) {
        assert_eq!(held[address].hardware, mac(*number), "{address}");
    }
}

#[test]
fn a_database_that_stops_and_starts_again() {
    let Some(database) = Postgres::start() else { return };
    let subnets = [subnet("192.0.2.0/24", "192.0.2.10-192.0.2.200")];
    let mut server = Server::with(&subnets, AllocatorConfig::default(), store(&database));
    let before = server.lease(&client(1));
    database.halt();
    let offer = server.offer(&client(2)).address;
    assert!(matches!(server.ask(&client(2), offer, RequestKind::Selecting), Requested::Commit(_)));
    server.commit();
    assert!(server.answers()[0].result.is_err());
    let error = server.store.apply(&[]).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    thread::sleep(Duration::from_millis(300));
    database.resume();

    let started = Instant::now();
    loop {
        server.pass(1);
        server.commit();
        if server.allocator.poll_timeout().is_none() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    println!("back {:?} after the database", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(server.lease(&client(2)), offer);
    let held = everything(&mut server.store);
    assert_eq!(held[&before].hardware, mac(1));
    assert_eq!(held[&offer].hardware, mac(2));
    assert!(!held.contains_key(&address("192.0.2.201")));
}
