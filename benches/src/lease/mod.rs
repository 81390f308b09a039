//! How fast leases are given out and made durable, and how fast they are loaded.
//!
//! The figure that counts is leases a second by batch: durability is paid once for each batch, and a server's batches
//! are as large as its load makes them.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pxe_lease::store::{EmbeddedStore, MemoryStore};
use pxe_lease::{
    Allocator, AllocatorConfig, Client, Discovered, HardwareAddress, LeaseStore, RequestKind,
    Requested, Scope, SubnetConfig, Topology, UnixSeconds,
};

/// What the lease bench was asked for.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where the store is made, on the disk that is to be measured
    #[arg(long, default_value = "target/lease-bench")]
    folder: PathBuf,
    /// Clients that ask for a lease
    #[arg(long, default_value_t = 50_000)]
    clients: u32,
    /// Seconds for each size of batches
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Fail if 100 000 leases are not loaded within a second
    #[arg(long)]
    assert: bool,
}

const BATCHES: [usize; 6] = [1, 8, 32, 128, 512, 1024];
const LOADED: u32 = 100_000;
const LOAD_TARGET: Duration = Duration::from_secs(1);
const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

/// Prints the figures; `Ok(false)` if a target was missed.
///
/// # Errors
///
/// If the disk cannot be written.
pub fn run(options: &Options) -> io::Result<bool> {
    fs::create_dir_all(&options.folder)?;
    let folder = options.folder.join(std::process::id().to_string());
    fs::create_dir(&folder)?;
    let result = measure(options, &folder);
    fs::remove_dir_all(&folder)?;
    result
}

fn measure(options: &Options, folder: &Path) -> io::Result<bool> {
    println!("leases, in {}", folder.display());
    let flushes = flushes_a_second(folder)?;
    println!("{flushes:>10.0} flushes of 4 KiB a second: what the disk can do\n");

    let (fast, usage) = in_memory(options.clients);
    println!("{fast:>10.0} leases a second without a store, {} clients, {usage}", options.clients);
    println!("\n{:>10}{:>12}{:>12}{:>14}", "batch", "leases/s", "commits/s", "ms a commit");
    for batch in BATCHES {
        let path = folder.join(format!("batch-{batch}.redb"));
        let length = Duration::from_secs(options.seconds);
        let (leases, commits) =
            durable(EmbeddedStore::open(path).map_err(io::Error::other)?, batch, length)?;
        let milliseconds = 1000.0 / commits;
        println!("{batch:>10}{leases:>12.0}{commits:>12.0}{milliseconds:>14.2}");
    }
    let took = start_up(&folder.join("load.redb"))?;
    let reached = took <= LOAD_TARGET;
    println!("start-up {}", if reached { "reached" } else { "MISSED" });
    Ok(reached || !options.assert)
}

fn flushes_a_second(folder: &Path) -> io::Result<f64> {
    let mut file = File::create(folder.join("flushes"))?;
    let started = Instant::now();
    let mut flushes = 0_u32;
    while started.elapsed() < Duration::from_secs(1) {
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        flushes += 1;
    }
    Ok(f64::from(flushes) / started.elapsed().as_secs_f64())
}

/// An allocator over a /15, which is more than any number of clients here.
fn allocator() -> (Allocator, Scope) {
    let mut subnet = SubnetConfig::new("10.0.0.0/15".parse().expect("a prefix"));
    subnet.pools.push("10.0.0.0/15".parse().expect("a range"));
    let topology = Topology::new(&[subnet]).expect("a topology");
    let scope = topology.scope_of(Ipv4Addr::new(10, 0, 0, 1)).expect("a scope");
    (Allocator::new(topology, AllocatorConfig::default()), scope)
}

fn client(number: u32, identifier: &[u8]) -> Client<'_> {
    let [.., a, b, c] = number.to_be_bytes();
    Client::new(HardwareAddress::ethernet([0x52, 0x54, 0, a, b, c])).identified_by(identifier)
}

/// DISCOVER and REQUEST of one client; its lease waits for the store then.
fn exchange(allocator: &mut Allocator, scope: Scope, number: u32) {
    let identifier = [&[1, 0x52, 0x54][..], &number.to_be_bytes()].concat();
    let client = client(number, &identifier);
    let Discovered::Offer(offer) = allocator.discover(NOW, scope, &client, None) else {
        panic!("no offer for client {number}")
    };
    let asked =
        allocator.request(NOW, scope, &client, offer.address, RequestKind::Selecting, 43_200);
    assert!(matches!(asked, Requested::Commit(_)), "client {number}: {asked:?}");
}

/// Stores all that waits; the number of leases that may be acknowledged now.
fn commit(allocator: &mut Allocator, store: &mut dyn LeaseStore) -> io::Result<u32> {
    while let Some(batch) = allocator.poll_commit(NOW) {
        let result = Ok(store.apply(&batch.records).map_err(io::Error::other)?);
        allocator.handle_committed(NOW, batch.id, result);
    }
    let answers = std::iter::from_fn(|| allocator.poll_answer());
    Ok(answers.map(|answer| u32::from(answer.result.is_ok())).sum())
}

fn in_memory(clients: u32) -> (f64, String) {
    let (mut allocator, scope) = allocator();
    let mut store = MemoryStore::default();
    let started = Instant::now();
    let mut leases = 0;
    for number in 0..clients {
        exchange(&mut allocator, scope, number);
        if number % 256 == 255 || number + 1 == clients {
            leases += commit(&mut allocator, &mut store).expect("a store that never fails");
        }
    }
    let took = started.elapsed().as_secs_f64();
    let usage = allocator.usage(NOW, scope.network);
    assert_eq!((usage.leased, leases), (u64::from(clients), clients));
    (f64::from(clients) / took, format!("{} of {} addresses", usage.leased, usage.addresses))
}

/// Leases and commits a second.
fn durable(mut store: EmbeddedStore, batch: usize, length: Duration) -> io::Result<(f64, f64)> {
    let (mut allocator, scope) = allocator();
    let started = Instant::now();
    let (mut leases, mut commits, mut number) = (0_u32, 0_u32, 0_u32);
    while started.elapsed() < length {
        for _ in 0..batch {
            exchange(&mut allocator, scope, number);
            // More than the pool has would be another measurement.
            number = (number + 1) % LOADED;
        }
        leases += commit(&mut allocator, &mut store)?;
        commits += 1;
    }
    let took = started.elapsed().as_secs_f64();
    Ok((f64::from(leases) / took, f64::from(commits) / took))
}

fn start_up(path: &Path) -> io::Result<Duration> {
    let mut store = EmbeddedStore::open(path).map_err(io::Error::other)?;
    let (mut before, scope) = allocator();
    for number in 0..LOADED {
        exchange(&mut before, scope, number);
    }
    commit(&mut before, &mut store)?;
    drop(store);
    let megabytes = fs::metadata(path)?.len() as f64 / 1e6;

    let started = Instant::now();
    let (mut allocator, scope) = allocator();
    let mut store = EmbeddedStore::open(path).map_err(io::Error::other)?;
    let opened = started.elapsed();
    let loaded = store.load(&mut |record| {
        allocator.handle_record(record);
    });
    loaded.map_err(io::Error::other)?;
    let took = started.elapsed();
    assert_eq!(allocator.usage(NOW, scope.network).leased, u64::from(LOADED));
    println!(
        "\n{LOADED} leases in a file of {megabytes:.1} MB: checked and opened in {opened:.0?}, \
         loaded in {took:.0?}; target {LOAD_TARGET:?}"
    );
    Ok(took)
}
