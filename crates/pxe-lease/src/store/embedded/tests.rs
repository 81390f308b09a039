use super::power::{Cut, PowerDisk, Random, after_cut};
use super::*;
use crate::hardware::HardwareAddress;
use crate::time::UnixSeconds;
use std::collections::BTreeMap;

fn on(disk: &PowerDisk) -> Result<EmbeddedStore, StoreError> {
    let disk = disk.clone();
    EmbeddedStore::with(
        "a disk".to_owned(),
        Box::new(move || Ok(builder().create_with_backend(disk.clone())?)),
    )
}

fn record(address: u32, version: u64) -> LeaseRecord {
    let hardware = HardwareAddress::ethernet([2, 0, 0, 0, 0, address as u8]);
    LeaseRecord {
        version,
        identifier: Some([7; 19].into()),
        ..LeaseRecord::new(
            Ipv4Addr::from_bits(address),
            hardware,
            UnixSeconds(version),
            UnixSeconds(version + 3600),
        )
    }
}

fn held(store: &mut EmbeddedStore) -> BTreeMap<u32, LeaseRecord> {
    let mut held = BTreeMap::new();
    store
        .load(&mut |record| {
            held.insert(record.address.to_bits(), record);
        })
        .unwrap();
    held
}

#[test]
fn what_was_stored_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leases.redb");
    let mut store = EmbeddedStore::open(&path).unwrap();
    let first = [record(1, 1), record(2, 1)];
    assert_eq!(store.apply(&first).unwrap(), [Outcome::Stored, Outcome::Stored]);
    let second = [record(1, 2), record(2, 1), record(3, 9)];
    let outcomes = store.apply(&second).unwrap();
    assert_eq!(outcomes, [Outcome::Stored, Outcome::Conflict(record(2, 1)), Outcome::Stored]);
    drop(store);
    let mut store = EmbeddedStore::open(&path).unwrap();
    let expected = BTreeMap::from([(1, record(1, 2)), (2, record(2, 1)), (3, record(3, 9))]);
    assert_eq!(held(&mut store), expected);
}

#[test]
fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leases.redb");
    let _store = EmbeddedStore::open(&path).unwrap();
    let error = EmbeddedStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("leases.redb is open in another process"), "{error}");
}

#[test]
fn what_is_no_store_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leases.redb");
    fs::write(&path, "address,state\n".repeat(1000)).unwrap();
    let error = EmbeddedStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    let error = EmbeddedStore::open(folder.path().join("no/leases.redb")).unwrap_err();
    assert!(error.to_string().ends_with("; make the folder"), "{error}");
}

#[test]
fn a_file_that_was_never_finished_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leases.redb");
    let unfinished = folder.path().join("leases.redb.new");
    fs::write(&unfinished, [0; 5000]).unwrap();
    let mut store = EmbeddedStore::open(&path).unwrap();
    assert_eq!(store.apply(&[record(1, 1)]).unwrap(), [Outcome::Stored]);
    assert!(path.is_file() && !unfinished.exists());
}

#[test]
fn a_newer_format_is_refused() {
    let disk = PowerDisk::default();
    drop(on(&disk).unwrap());
    let database = builder().create_with_backend(disk.clone()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert(FORMAT_KEY, FORMAT + 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = on(&disk).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 2, known: 1, .. }), "{error}");
}

/// Whatever byte is changed, the store says so or still has all that it had, and never panics.
#[test]
fn a_damaged_file_is_noticed() {
    let disk = PowerDisk::default();
    let mut store = on(&disk).unwrap();
    let batch: Vec<_> = (0..200).map(|address| record(address, 1)).collect();
    store.apply(&batch).unwrap();
    drop(store);
    let whole = disk.bytes();
    let mut random = Random(1);
    let mut refused = 0;
    for _ in 0..400 {
        let mut bytes = whole.clone();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        match on(&PowerDisk::holding(bytes)) {
            Ok(mut store) => {
                let expected: BTreeMap<_, _> = (0..200).zip(batch.iter().cloned()).collect();
                assert_eq!(held(&mut store), expected, "byte {at}");
            }
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged { .. }), "byte {at}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "only {refused} of 400 changes were noticed");
}

#[test]
fn a_full_disk_fails_and_room_mends_it() {
    let disk = PowerDisk::default();
    let mut store = on(&disk).unwrap();
    store.apply(&[record(1, 1)]).unwrap();
    disk.set_full(true);
    for _ in 0..3 {
        let error = store.apply(&[record(1, 2), record(2, 1)]).unwrap_err();
        assert!(error.to_string().contains("make room on that disk"), "{error}");
        assert!(store.apply(&[]).is_err());
    }
    disk.set_full(false);
    assert_eq!(store.apply(&[]).unwrap(), []);
    assert_eq!(held(&mut store), BTreeMap::from([(1, record(1, 1))]));
    assert_eq!(store.apply(&[record(1, 2)]).unwrap(), [Outcome::Stored]);
}

/// What was answered by the time of each operation of the disk.
struct Answered {
    operations: usize,
    leases: BTreeMap<u32, LeaseRecord>,
}

/// Power fails at every operation of the disk, and each time what was not flushed is there, is not, or is there in
/// part. The file always opens, has every batch that was answered, and of the one on its way all or nothing.
#[test]
fn every_power_cut_keeps_what_was_answered() {
    let disk = PowerDisk::default();
    let mut store = on(&disk).unwrap();
    let mut leases = BTreeMap::new();
    let mut answered = vec![Answered { operations: disk.operations(), leases: leases.clone() }];
    let mut random = Random(42);
    for version in 1..=24 {
        let addresses: std::collections::BTreeSet<usize> =
            (0..=random.below(40)).map(|_| random.below(300)).collect();
        let batch: Vec<_> = addresses
            .into_iter()
            .map(|address| {
                let address = address as u32;
                let next = leases.get(&address).map_or(1, |held: &LeaseRecord| held.version + 1);
                LeaseRecord { granted: UnixSeconds(version), ..record(address, next) }
            })
            .collect();
        store.apply(&batch).unwrap();
        leases.extend(batch.into_iter().map(|record| (record.address.to_bits(), record)));
        answered.push(Answered { operations: disk.operations(), leases: leases.clone() });
    }
    drop(store);
    let history = disk.history();
    let mut cuts = 0;
    // A file has its name only when it is whole, see `create`.
    for count in answered[0].operations..=history.len() {
        let torn = (0..4).map(|seed| Cut::Torn(seed * 1_000_003 + count as u64));
        for cut in [Cut::AfterAll, Cut::AtFlush].into_iter().chain(torn) {
            let survivor = PowerDisk::holding(after_cut(&history, count, cut));
            let mut store = on(&survivor)
                .unwrap_or_else(|error| panic!("cut {cut:?} behind operation {count}: {error}"));
            let found = held(&mut store);
            let last = answered.iter().rposition(|it| it.operations <= count).unwrap();
            let on_its_way = &answered[(last + 1).min(answered.len() - 1)].leases;
            assert!(
                found == answered[last].leases || found == *on_its_way,
                "cut {cut:?} behind operation {count}: neither the answered batch nor the next"
            );
            cuts += 1;
        }
    }
    println!("{cuts} power cuts over {} operations of the disk", history.len());
    assert!(cuts > 500, "{cuts}");
}
