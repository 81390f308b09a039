//! `pxe-benches tftp`: our server, its peers and a bare sender under the same load.

pub mod bare;
pub mod batch;
pub mod files;
pub mod load;
pub mod machine;
pub mod measure;
pub mod options;
pub mod process;
pub mod report;
pub mod rows;
pub mod self_test;
pub mod servers;

use std::env;
use std::io::{self, IsTerminal as _, Write as _};

use self::files::Files;
use self::machine::Cores;
use self::measure::{Manner, Series};
use self::options::Options;
use self::rows::ROWS;
use self::servers::{Lab, Server};

/// Runs what the options say; whether all goals are reached.
///
/// # Errors
/// If files or cores cannot be had.
pub fn run(options: &Options) -> io::Result<bool> {
    let isolated = machine::isolate();
    if !isolated {
        println!(
            "note: not root, so there is no network of its own, and dnsmasq cannot have port 69"
        );
    }
    let descriptors = machine::raise_descriptor_limit();
    let lab = lab(options)?;
    machine::pin(&[lab.cores.generator])?;
    let Cores { generator, servers } = &lab.cores;
    println!("generator on core {generator}, server on {servers:?}; {descriptors} descriptors");
    println!("block size {}, MB = 10^6 bytes", measure::BLOCK_SIZE);
    if options.self_test {
        return self_test::run(&lab, options.quick).map(|()| true);
    }
    let servers = if options.only.is_empty() { Server::ALL.to_vec() } else { options.only.clone() };
    let rounds = if options.quick { 1 } else { options.rounds.max(1) };
    let manner = Manner { rounds, servers, join: options.join };
    println!("medians of {rounds} rounds in turn\n");
    let mut reached = true;
    for row in ROWS {
        if !options.rows.is_empty() && !options.rows.iter().any(|name| name == row.name) {
            continue;
        }
        let row = if options.quick { row.quick() } else { row };
        println!("{}", row.describe());
        let all = measure::run(&lab, &row, &manner, &mut tell);
        reached &= report::print(&row, &all);
    }
    Ok(reached || !options.assert)
}

fn lab(options: &Options) -> io::Result<Lab> {
    let benches = env::current_exe()?;
    // `TARGET/PROFILE/pxe-benches`
    let profile = benches.parent().ok_or(io::ErrorKind::NotFound)?;
    let target = profile.parent().ok_or(io::ErrorKind::NotFound)?;
    Ok(Lab {
        server: options.server.clone().unwrap_or_else(|| profile.join("pxe-server")),
        sockets: options.bare,
        peers: options.peers.clone().unwrap_or_else(|| target.join("peers")),
        files: Files::beneath(&target.join("bench-tftp/files"))?,
        settings: options.settings.clone(),
        cores: Cores::divide(options.server_cores)?,
        benches,
    })
}

/// Shows on a terminal that something goes on.
fn tell(series: &Series) {
    if !io::stderr().is_terminal() {
        return;
    }
    let speed = series.samples.last().map_or(0.0, |sample| sample.megabytes_per_second);
    eprint!("\r{:<14}{speed:>8.1} MB/s\r", series.server.name());
    let _ = io::stderr().flush();
}
