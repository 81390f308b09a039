//! What the load generator can take: the bare sender drives it, and its own processor time tells.

use core::time::Duration;
use std::io;

use super::bare::Sockets;
use super::files::MIB;
use super::load::Plan;
use super::measure::BLOCK_SIZE;
use super::servers::{Lab, Server};

/// Clients and window.
const WORK: [(usize, u16); 6] = [(1, 1), (1, 16), (64, 16), (64, 44), (1000, 1), (1000, 4)];
/// Bytes fetched in each run.
const BYTES: u64 = 256 * MIB;

/// Prints what goes through, and what would if the generator alone were the limit.
///
/// # Errors
/// If the bare sender does not run, or a transfer fails.
pub fn run(lab: &Lab, quick: bool) -> io::Result<()> {
    println!(
        "\nbare sender to generator; 'can take' is what one busy core of the generator takes\n"
    );
    println!(
        "{:>8}{:>8}{:>9}{:>8}{:>9}{:>11}{:>10}{:>16}",
        "sockets", "clients", "window", "joined", "MB/s", "generator", "CPU s/GB", "can take MB/s"
    );
    for (clients, window) in WORK {
        for (sockets, join) in [(Sockets::One, false), (Sockets::Each, false), (Sockets::One, true)]
        {
            if join && window == 1 {
                continue;
            }
            let lab = Lab { sockets, ..lab.clone() };
            let running = lab.start(Server::Bare)?;
            let bytes = if quick { BYTES / 16 } else { BYTES };
            let each = if clients == 1 { bytes / 4 } else { MIB / 4 };
            let plan = Plan {
                files: lab.wanted(Server::Bare, each, BLOCK_SIZE)?,
                clients,
                files_each: ((bytes / each) as usize / clients).max(1),
                block_size: BLOCK_SIZE,
                window,
                join,
                patience: Duration::from_secs(30),
                ..Plan::single(running.address)
            };
            let before = running.process.seconds();
            let outcome = plan.run(&mut || ())?;
            let gigabytes = outcome.bytes as f64 / 1e9;
            println!(
                "{:>8}{clients:>8}{window:>9}{:>8}{:>9.1}{:>9.0} %{:>10.2}{:>16.0}",
                format!("{sockets:?}").to_lowercase(),
                if join { "yes" } else { "no" },
                outcome.megabytes_per_second(),
                outcome.busy() * 100.0,
                (running.process.seconds() - before) / gigabytes,
                gigabytes * 1e3 / outcome.own_seconds,
            );
            if outcome.failed > 0 {
                let why = outcome.first_failure.unwrap_or_default();
                return Err(io::Error::other(format!("{} failed: {why}", outcome.failed)));
            }
        }
    }
    Ok(())
}
