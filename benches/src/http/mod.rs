//! `pxe-benches http`: our server and nginx with `sendfile`, in turn, under the same clients.
//!
//! Clients throw away what they get without copying it (`MSG_TRUNC`), so that they are not what limits. Both servers
//! have the same core and the same file, which lies in the system's cache.

pub mod clients;
pub mod servers;

use std::env;
use std::io;
use std::path::PathBuf;

use clap::Args;

use self::clients::{Outcome, fetch, idle, verify};
use self::servers::{Lab, Running, Server};
use crate::tftp::files::{Files, MIB};
use crate::tftp::machine::{self, Cores};
use crate::tftp::measure::median;

/// At least so many times nginx's bytes a second.
const SPEED_GOAL: f64 = 0.9;
/// At most so many times nginx's processor seconds for a byte.
const COST_GOAL: f64 = 1.3;
/// Memory that downloads may take, over idle and whatever their number.
const DOWNLOADS_BYTES_GOAL: u64 = 16 * MIB;
/// Memory that [`IDLE`] connections may take over none, in bytes.
const IDLE_BYTES_GOAL: u64 = 30_000_000;
const IDLE: usize = 1_000;
/// Clients, and how often each fetches the file.
const ROWS: [(usize, usize); 3] = [(1, 16), (8, 2), (64, 1)];

/// `pxe-benches http`
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Only with so many clients: 1, 8, 64, or 1000 for idle connections (may be repeated)
    #[arg(long = "clients", value_name = "NUMBER")]
    clients: Vec<usize>,
    /// Turns that each server gets
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A smaller file and one round: shows that everything works, the figures mean little
    #[arg(long)]
    quick: bool,
    /// Fail if a goal is missed
    #[arg(long)]
    assert: bool,
    /// Cores that a server may use; the clients have another one
    #[arg(long, default_value_t = 1)]
    server_cores: usize,
    /// Our program; default: the one beside this program
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// Figures of one run.
struct Sample {
    outcome: Outcome,
    /// Processor seconds of the server for 10⁹ bytes.
    cost: f64,
    idle_bytes: u64,
    peak_bytes: u64,
}

/// Runs what the options say; whether all goals are reached.
///
/// # Errors
/// If files, cores or one of the servers cannot be had.
pub fn run(options: &Options) -> io::Result<bool> {
    if !machine::isolate() {
        println!("note: not root, so there is no network of its own");
    }
    machine::raise_descriptor_limit();
    let benches = env::current_exe()?;
    // `TARGET/PROFILE/pxe-benches`
    let profile = benches.parent().ok_or(io::ErrorKind::NotFound)?;
    let target = profile.parent().ok_or(io::ErrorKind::NotFound)?;
    let files = Files::beneath(&target.join("bench-http/files"))?;
    let bytes = if options.quick { 64 * MIB } else { 1024 * MIB };
    let file = files.of(bytes)?.swap_remove(0);
    let server = options.server.clone().unwrap_or_else(|| profile.join("pxe-server"));
    let cores = Cores::divide(options.server_cores)?;
    machine::pin(&[cores.generator])?;
    println!(
        "clients on core {}, server on {:?}, {} MiB in the system's cache, MB = 10^6 bytes",
        cores.generator,
        cores.servers,
        bytes / MIB
    );
    let rounds = if options.quick { 1 } else { options.rounds.max(1) };
    println!("medians of {rounds} rounds in turn\n");
    let lab = Lab { server, files, cores };
    for server in Server::ALL {
        verify(&lab.start(server)?.url(&file.name), &file)?;
    }
    let wanted = |clients: usize| options.clients.is_empty() || options.clients.contains(&clients);
    let mut reached = true;
    for (clients, each) in ROWS.into_iter().filter(|row| wanted(row.0)) {
        let mut all = Server::ALL.map(|_| Vec::new());
        for _ in 0..rounds {
            for (server, samples) in Server::ALL.into_iter().zip(&mut all) {
                let running = lab.start(server)?;
                samples.push(measure(&running, &file.name, bytes, clients, each)?);
            }
        }
        reached &= print(clients, &all);
    }
    if wanted(IDLE) {
        reached &= idle_row(&lab, &file.name)?;
    }
    Ok(reached || !options.assert)
}

fn measure(
    running: &Running,
    name: &[u8],
    bytes: u64,
    clients: usize,
    each: usize,
) -> io::Result<Sample> {
    let process = &running.process;
    let (idle_bytes, before) = (process.family_bytes(), process.seconds());
    let mut peak_bytes = idle_bytes;
    let mut look = || peak_bytes = peak_bytes.max(process.family_bytes());
    let outcome = fetch(&running.url(name), bytes, clients, each, &mut look)?;
    let cost = (process.seconds() - before) / (outcome.bytes as f64 / 1e9);
    Ok(Sample { outcome, cost, idle_bytes, peak_bytes })
}

fn print(clients: usize, all: &[Vec<Sample>; 2]) -> bool {
    println!(
        "{:<12}{:>9}{:>17}{:>10}{:>14}{:>14}{:>10}",
        format!("{clients} clients"),
        "MB/s",
        "(least–most)",
        "CPU s/GB",
        "MiB at start",
        "MiB at most",
        "clients'"
    );
    let figure = |samples: &[Sample], figure: &dyn Fn(&Sample) -> f64| {
        median(samples.iter().map(figure).collect())
    };
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    for (server, samples) in Server::ALL.iter().zip(all) {
        let speeds = || samples.iter().map(|sample| sample.outcome.megabytes_per_second());
        println!(
            "{:<12}{:>9.0}{:>17}{:>10.3}{:>14.1}{:>14.1}{:>8.0} %",
            server.name(),
            median(speeds().collect()),
            format!(
                "({:.0}–{:.0})",
                speeds().fold(f64::INFINITY, f64::min),
                speeds().fold(0.0, f64::max)
            ),
            figure(samples, &|sample| sample.cost),
            figure(samples, &|sample| mib(sample.idle_bytes)),
            figure(samples, &|sample| mib(sample.peak_bytes)),
            figure(samples, &|sample| 100.0 * sample.outcome.busy),
        );
    }
    let [ours, nginx] = all;
    // Of each round: a disturbance of a while hits both.
    let ratio = |figure: &dyn Fn(&Sample) -> f64| {
        median(ours.iter().zip(nginx).map(|(ours, nginx)| figure(ours) / figure(nginx)).collect())
    };
    let speed = ratio(&|sample| sample.outcome.megabytes_per_second());
    let cost = ratio(&|sample| sample.cost);
    let grown = |sample: &Sample| sample.peak_bytes.saturating_sub(sample.idle_bytes);
    let grown = ours.iter().map(grown).max().unwrap_or_default();
    let mut reached =
        judge(&format!("{speed:.2} × nginx's MB/s"), speed >= SPEED_GOAL, "0.9 at least");
    reached &= judge(&format!("{cost:.2} × nginx's CPU s/GB"), cost <= COST_GOAL, "1.3 at most");
    let memory = format!("{:.1} MiB of memory more than idle", mib(grown));
    reached &= judge(&memory, grown <= DOWNLOADS_BYTES_GOAL, "16 at most");
    println!();
    reached
}

fn idle_row(lab: &Lab, name: &[u8]) -> io::Result<bool> {
    let mut ours = 0;
    println!("{IDLE} idle connections, each after one answer");
    for server in Server::ALL {
        let running = lab.start(server)?;
        let before = running.process.family_bytes();
        let connections = idle(&running.url(name), IDLE)?;
        let grown = running.process.family_bytes().saturating_sub(before);
        drop(connections);
        println!("{:<12}{:>9.1} MB over none", server.name(), grown as f64 / 1e6);
        if server == Server::Ours {
            ours = grown;
        }
    }
    Ok(judge(&format!("{:.1} MB", ours as f64 / 1e6), ours < IDLE_BYTES_GOAL, "below 30"))
}

fn judge(figure: &str, reached: bool, goal: &str) -> bool {
    println!("goal: {figure}, {goal}: {}", if reached { "reached" } else { "MISSED" });
    reached
}
