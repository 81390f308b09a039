//! The store in one file: what is killed keeps what it answered.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pxe_lease::store::EmbeddedStore;
use pxe_lease::{AllocatorConfig, LeaseRecord, LeaseStore, Outcome, RequestKind, UnixSeconds};
use support::{Random, Server, client, mac, subnet};

const CHILD_FILE: &str = "PXE_LEASE_TEST_CHILD_FILE";
const ADDRESSES: u32 = 500;

fn versions(store: &mut EmbeddedStore) -> BTreeMap<u32, u64> {
    let mut found = BTreeMap::new();
    store
        .load(&mut |record| {
            found.insert(record.address.to_bits(), record.version);
        })
        .expect("records");
    found
}

/// Not a test of its own: what `a_killed_server_keeps_what_it_answered` starts and kills. It raises the versions of
/// all addresses together, and says each version when it is durable.
#[test]
fn child_that_writes() {
    let Some(path) = std::env::var_os(CHILD_FILE) else { return };
    let mut store = EmbeddedStore::open(path).expect("a store");
    let mut version = versions(&mut store).values().copied().max().unwrap_or(0);
    loop {
        version += 1;
        let batch: Vec<LeaseRecord> = (0..ADDRESSES)
            .map(|address| {
                let address = Ipv4Addr::from_bits(0x0a00_0000 + address);
                let mut record =
                    LeaseRecord::new(address, mac(1), UnixSeconds(version), UnixSeconds(9));
                record.version = version;
                record
            })
            .collect();
        let outcomes = store.apply(&batch).expect("a commit");
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
        println!("durable {version}");
    }
}

#[test]
fn a_killed_server_keeps_what_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leases.redb");
    let program = std::env::current_exe().unwrap();
    let mut random = Random(7);
    let mut commits = 0;
    for round in 0..20 {
        let mut child = Command::new(&program)
            .args(["--exact", "child_that_writes", "--nocapture", "--test-threads=1"])
            .env(CHILD_FILE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = |line: &str| line.split("durable ").nth(1).and_then(|it| it.parse::<u64>().ok());
        // Killed some time after its first commit, and so in the middle of another.
        let mut durable = 0;
        while durable == 0 {
            durable = said(&lines.next().expect("a line").unwrap()).unwrap_or(0);
        }
        std::thread::sleep(Duration::from_micros(random.below(20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.map_while(Result::ok).filter_map(|line| said(&line)).last();
        let durable = last.unwrap_or(durable);
        commits += 1;
        let found = versions(&mut EmbeddedStore::open(&path).unwrap());
        assert_eq!(found.len(), ADDRESSES as usize, "round {round}");
        let one = *found.values().next().unwrap();
        assert!(found.values().all(|version| *version == one), "round {round}: half a batch");
        assert!(
            one == durable || one == durable + 1,
            "round {round}: {one}, but {durable} was said"
        );
    }
    assert_eq!(commits, 20);
}

/// Prints how long it takes; the benchmark measures it with optimised code.
#[test]
fn many_leases_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leases.redb");
    let subnets = [subnet("10.0.0.0/16", "10.0.0.0/16")];
    let store = EmbeddedStore::open(&path).unwrap();
    let mut server = Server::with(&subnets, AllocatorConfig::default(), store);
    let mut leases = Vec::new();
    for number in 0..10_000 {
        let address = server.offer(&client(number)).address;
        let _ = server.ask(&client(number), address, RequestKind::Selecting);
        leases.push(address);
    }
    server.commit();
    assert_eq!(server.answers().iter().filter(|it| it.result.is_ok()).count(), 10_000);
    drop(server);

    let started = Instant::now();
    let store = EmbeddedStore::open(&path).unwrap();
    let mut server = Server::with(&subnets, AllocatorConfig::default(), store);
    println!("10000 leases loaded in {:?}", started.elapsed());
    for (number, address) in (0..).zip(leases) {
        assert_eq!(server.offer(&client(number)).address, address);
    }
}
