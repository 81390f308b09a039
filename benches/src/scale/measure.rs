//! The model beside what is measured: our server behind a link of a known rate, and N clients that fetch at once.
//!
//! First what a gigabyte costs the server's processor where no link limits; with that figure, and no other, the model says
//! how long the other points take.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use super::{CPU_S_PER_GB, Load, Server as Model, Way, times};
use crate::http::clients::{fetch, verify};
use crate::http::servers::{Lab, Server};
use crate::tftp::files::{Files, MIB};
use crate::tftp::machine::{self, Cores};
use crate::tftp::measure::median;

/// `pxe-benches scale`
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// Measure some points too, and print them beside the model (needs root, for a network of its own)
    #[arg(long)]
    measure: bool,
    /// Our program; default: the one beside this program
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// A link that is as good as none.
const NO_LINK_BIT_PER_S: f64 = 1e12;
/// Clients, and how often each fetches 1 GiB, where the processor alone limits.
const COST: [(usize, usize); 2] = [(1, 4), (8, 1)];
const COST_ROUNDS: usize = 3;
/// The link's rate in bit/s, clients, and MiB that each fetches.
const POINTS: [(f64, usize, u64); 6] = [
    (1e8, 1, 8),
    (1e8, 8, 8),
    (1e9, 1, 40),
    (1e9, 8, 40),
    (1e9, 32, 40),
    (NO_LINK_BIT_PER_S, 16, 256),
];

/// Prints the tables, and the points if they are wanted.
///
/// # Errors
/// If they are, and cannot be measured here.
pub fn run(options: &Options) -> io::Result<()> {
    print!("{}", super::tables());
    if !options.measure {
        return Ok(());
    }
    if !machine::isolate() {
        return Err(io::Error::other(
            "links are made in a network of its own, which needs root and ip",
        ));
    }
    let benches = env::current_exe()?;
    let profile = benches.parent().ok_or(io::ErrorKind::NotFound)?;
    let target = profile.parent().ok_or(io::ErrorKind::NotFound)?;
    let server = options.server.clone().unwrap_or_else(|| profile.join("pxe-server"));
    let files = Files::beneath(&target.join("bench-scale/files"))?;
    let cores = Cores::divide(1)?;
    machine::pin(&[cores.generator])?;
    let lab = Lab { server, files, cores };
    let cost = cost(&lab)?;
    println!(
        "\n{cost:.3} processor seconds for a gigabyte, measured on one core; the tables above have {CPU_S_PER_GB}\n"
    );
    println!(
        "| link | clients | MiB each | model | measured | off by |\n|---|---|---|---|---|---|"
    );
    for (link, clients, mib) in POINTS {
        set_link(link)?;
        let measured = point(&lab, mib * MIB, clients, 1)?.0;
        let model = Model { link_bit_per_s: link, cores: 1.0, cpu_s_per_gb: cost };
        let (machines, bytes) = (clients as f64, (mib * MIB) as f64);
        let load = Load { machines, bytes, link_bit_per_s: link, way: Way::Http };
        let said = times(&model, &load);
        println!(
            "| {} | {clients} | {mib} | {:.2} s ({}) | {measured:.2} s | {:+.0} % |",
            shown(link),
            said.total_s(),
            said.limit(),
            100.0 * (measured / said.total_s() - 1.0)
        );
    }
    Ok(())
}

/// Processor seconds of the server for 10⁹ bytes.
fn cost(lab: &Lab) -> io::Result<f64> {
    set_link(NO_LINK_BIT_PER_S)?;
    let mut costs = Vec::new();
    for (clients, each) in COST {
        for _ in 0..COST_ROUNDS {
            costs.push(point(lab, 1024 * MIB, clients, each)?.1);
        }
    }
    Ok(median(costs))
}

/// Seconds until all have all, and processor seconds of the server for 10⁹ bytes.
fn point(lab: &Lab, bytes: u64, clients: usize, each: usize) -> io::Result<(f64, f64)> {
    let file = lab.files.of(bytes)?.swap_remove(0);
    let running = lab.start(Server::Ours)?;
    let url = running.url(&file.name);
    // Also brings the file into the system's cache.
    if bytes <= 8 * MIB {
        verify(&url, &file)?;
    }
    let before = running.process.seconds();
    let outcome = fetch(&url, bytes, clients, each, &mut || {})?;
    let cost = (running.process.seconds() - before) / (outcome.bytes as f64 / 1e9);
    Ok((outcome.elapsed.as_secs_f64(), cost))
}

/// Makes the loopback of this network such a link, with frames as Ethernet has them.
fn set_link(bit_per_s: f64) -> io::Result<()> {
    let run = |words: &str| {
        Command::new(words.split(' ').next().unwrap_or_default())
            .args(words.split(' ').skip(1))
            .output()
    };
    // It may not be one yet.
    let _ = run("tc qdisc del dev lo root")?;
    let is_link = bit_per_s < NO_LINK_BIT_PER_S;
    run(&format!("ip link set lo mtu {}", if is_link { 1500 } else { 65536 }))?;
    if !is_link {
        return Ok(());
    }
    // The bucket holds what goes out in a millisecond, and a large segment at least. Each frame has 24 bytes more on a
    // wire than it has here: preamble, check sum and gap.
    let burst = (bit_per_s / 8000.0).max(65_536.0);
    let rate = format!(
        "tc qdisc add dev lo root tbf rate {bit_per_s:.0}bit burst {burst:.0} latency 50ms overhead 24"
    );
    let made = run(&rate)?;
    if made.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&made.stderr).trim().to_owned();
    Err(io::Error::other(format!("tc: {said}")))
}

fn shown(bit_per_s: f64) -> &'static str {
    match bit_per_s {
        rate if rate < 5e8 => "100 Mbit/s",
        rate if rate < 5e9 => "1 Gbit/s",
        _ => "none",
    }
}
