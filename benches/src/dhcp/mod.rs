//! `pxe-benches dhcp`: our DHCP server, Kea and dnsmasq across a veth pair, and offers of our proxy.

pub mod clients;
pub mod disk;
pub mod perfdhcp;
pub mod report;
pub mod search;
pub mod servers;
pub mod wire;

use core::time::Duration;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use self::clients::{Clients, Offers};
use self::search::{Found, Trial, search};
use self::servers::{Lab, Server};
use self::wire::Wire;
use crate::tftp::machine::{self, Cores};

/// What generates the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Generator {
    /// perfdhcp, of Kea
    Perfdhcp,
    /// Our own, which can take more
    Own,
}

/// `pxe-benches dhcp`
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Only these servers
    #[arg(long, value_delimiter = ',', value_enum)]
    pub only: Vec<Server>,
    /// Only these generators
    #[arg(long, value_delimiter = ',', value_enum)]
    pub generators: Vec<Generator>,
    /// Only the offers of our proxy, or all but them
    #[arg(long)]
    pub offers: Option<bool>,
    /// Searches that each server gets
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Seconds of each trial
    #[arg(long, default_value_t = 4)]
    pub seconds: u32,
    /// Clients
    #[arg(long, default_value_t = 50_000)]
    pub clients: u32,
    /// Fail if a goal is missed
    #[arg(long)]
    pub assert: bool,
    /// Show every trial
    #[arg(long)]
    pub trials: bool,
    /// Cores that a server may use; the generator has another one
    #[arg(long, default_value_t = 1)]
    pub server_cores: usize,
    /// Our program; default: the one beside this program
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,
    /// Folder with the peers' programs; the system's own are found anyway
    #[arg(long, value_name = "FOLDER")]
    pub peers: Option<PathBuf>,
    /// Where leases are stored, on the disk that is to be measured
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// One search, and the trial at half the rate that it found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// The highest rate.
    pub found: Found,
    /// Half of it.
    pub half: Trial,
}

/// All searches of a server with a generator.
#[derive(Clone, Debug)]
pub struct Series {
    /// The server.
    pub server: Server,
    /// The generator.
    pub generator: Generator,
    /// Its searches, up to the first that failed.
    pub rounds: Vec<Round>,
    /// Why it takes no part, or no longer.
    pub failure: Option<String>,
}

/// Runs what the options say; whether all goals are reached.
///
/// # Errors
/// If the wire, files or cores cannot be had.
pub fn run(options: &Options) -> io::Result<bool> {
    let place = env::current_exe()?;
    // `TARGET/PROFILE/pxe-benches`
    let profile = place.parent().ok_or(io::ErrorKind::NotFound)?;
    let target = profile.parent().ok_or(io::ErrorKind::NotFound)?;
    let folder = options.folder.clone().unwrap_or_else(|| target.join("bench-dhcp"));
    let folder = folder.join(std::process::id().to_string());
    fs::create_dir_all(&folder)?;
    let lab = Lab {
        wire: Wire::new()?,
        server: options.server.clone().unwrap_or_else(|| profile.join("pxe-server")),
        folder: fs::canonicalize(&folder)?,
        cores: Cores::divide(options.server_cores)?,
    };
    let peers = options.peers.clone().unwrap_or_else(|| target.join("peers"));
    let reached = measure(options, &lab, &peers)?;
    // What went wrong is kept, with the servers' logs.
    fs::remove_dir_all(&lab.folder)?;
    Ok(reached || !options.assert)
}

fn measure(options: &Options, lab: &Lab, peers: &Path) -> io::Result<bool> {
    machine::pin(&[lab.cores.generator])?;
    let Cores { generator, servers } = &lab.cores;
    println!("generator on core {generator}, server on {servers:?}, a veth pair between them");
    let before = disk::flushes(&lab.folder)?;
    report::disk(&lab.folder, before);
    let mut reached = true;
    if options.offers != Some(true) {
        let all = exchanges(options, lab, peers);
        // Again: others may have used it meanwhile.
        let after = disk::flushes(&lab.folder)?;
        report::disk(&lab.folder, after);
        reached &= report::exchanges(options.clients, &all, before.p99.max(after.p99));
    }
    if options.offers != Some(false) {
        let all: io::Result<Vec<(Offers, f64)>> =
            (0..options.rounds.max(1)).map(|_| offers(options, lab)).collect();
        reached &= report::offers(&all?);
    }
    Ok(reached)
}

/// Every server by every generator, in turn.
fn exchanges(options: &Options, lab: &Lab, peers: &Path) -> Vec<Series> {
    let all = |server: &Server| options.only.is_empty() || options.only.contains(server);
    let generators = [Generator::Perfdhcp, Generator::Own].into_iter().filter(|generator| {
        options.generators.is_empty() || options.generators.contains(generator)
    });
    let mut series: Vec<Series> = generators
        .flat_map(|generator| Server::ALL.into_iter().filter(all).map(move |it| (generator, it)))
        .map(|(generator, server)| Series { server, generator, rounds: vec![], failure: None })
        .collect();
    for _ in 0..options.rounds.max(1) {
        for one in series.iter_mut().filter(|one| one.failure.is_none()) {
            match round(options, lab, peers, one) {
                Ok(round) => one.rounds.push(round),
                Err(why) => one.failure = Some(why.to_string()),
            }
        }
    }
    series
}

fn round(options: &Options, lab: &Lab, peers: &Path, series: &Series) -> io::Result<Round> {
    let perfdhcp = match series.generator {
        Generator::Perfdhcp => Some(perfdhcp::find(peers)?),
        Generator::Own => None,
    };
    let mut trial = |rate: f64| {
        let process = lab.start(series.server)?;
        let before = process.seconds();
        let load = match &perfdhcp {
            Some(program) => perfdhcp::run(program, rate, options.seconds, options.clients)?,
            None => Clients::bind()?.exchanges(rate, options.seconds, options.clients)?,
        };
        let server_seconds = (process.seconds() - before) * 1000.0 / load.exchanges as f64;
        let trial = Trial { load, server_seconds };
        if options.trials {
            report::trial(series, &trial);
        }
        Ok(trial)
    };
    let found = search(series.server.first_rate(), &mut trial)?;
    let half = trial(found.best.load.completed / 2.0)?;
    Ok(Round { found, half })
}

/// Offers of our proxy, and the processor seconds that the server took for a thousand.
fn offers(options: &Options, lab: &Lab) -> io::Result<(Offers, f64)> {
    let process = lab.start_proxy()?;
    let mut clients = Clients::bind()?;
    // Once through, so that what is remembered of clients has its full size.
    clients.offers(Duration::from_secs(1), options.clients)?;
    let before = process.seconds();
    let offers = clients.offers(Duration::from_secs(options.seconds.into()), options.clients)?;
    Ok((offers, (process.seconds() - before) * 1000.0 / offers.offers as f64))
}
