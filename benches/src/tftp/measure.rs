//! Running a row: each server in turn, started afresh for each run, several rounds.

use core::time::Duration;
use std::io;

use super::load::{Outcome, Plan};
use super::rows::Row;
use super::servers::{Lab, Server};

/// Block size of all rows, in bytes.
pub const BLOCK_SIZE: u16 = 1428;
/// After this long what is left of a run counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one run gave.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Throughput in 10⁶ bytes a second.
    pub megabytes_per_second: f64,
    /// Processor seconds of the server for 10⁹ bytes.
    pub seconds_per_gigabyte: f64,
    /// Most memory of the server's first process, in bytes.
    pub peak_bytes: u64,
    /// Share of the time that the generator was busy, from 0 to 1.
    pub busy: f64,
    /// Transfers that did not end well.
    pub failed: usize,
    /// Datagrams that came, for each block of the files.
    pub datagrams_per_block: f64,
    /// Memory of the server for each transfer, in bytes, if it was looked at while all were open.
    pub bytes_per_transfer: Option<f64>,
}

/// All runs of one server in one row.
#[derive(Clone, Debug)]
pub struct Series {
    /// The server.
    pub server: Server,
    /// Its runs, up to the first that failed.
    pub samples: Vec<Sample>,
    /// Why it takes no part, or no longer.
    pub failure: Option<String>,
}

impl Sample {
    /// Whether every transfer ended well.
    pub const fn is_whole(&self) -> bool {
        self.failed == 0
    }
}

impl Series {
    /// The median of a figure over the runs.
    pub fn median(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(figure).collect())
    }

    /// Whether there is a figure, and all runs succeeded.
    pub fn is_whole(&self) -> bool {
        self.is_measured() && self.samples.iter().all(Sample::is_whole)
    }

    /// Whether there is a figure, if only of the transfers that ended well.
    pub const fn is_measured(&self) -> bool {
        !self.samples.is_empty()
    }
}

/// The median; not a number if there is nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// How often, with whom and how.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Turns each server gets.
    pub rounds: usize,
    /// Who takes part, if the row has it.
    pub servers: Vec<Server>,
    /// Whether the generator lets the kernel join datagrams.
    pub join: bool,
}

/// Runs a row. `tell` is called after each run.
pub fn run(lab: &Lab, row: &Row, manner: &Manner, tell: &mut dyn FnMut(&Series)) -> Vec<Series> {
    let takes_part = |server: &Server| manner.servers.contains(server);
    let servers = row.servers.iter().copied().filter(takes_part);
    let mut all: Vec<Series> =
        servers.map(|server| Series { server, samples: Vec::new(), failure: None }).collect();
    for _ in 0..manner.rounds {
        // One that failed once is left out: it would take its whole patience again.
        for series in all.iter_mut().filter(|series| series.failure.is_none()) {
            match once(lab, row, manner, series.server) {
                Ok((sample, failure)) => {
                    series.samples.push(sample);
                    series.failure = failure;
                }
                Err(why) => series.failure = Some(why.to_string()),
            }
            tell(series);
        }
    }
    all
}

/// One run, and what went wrong with its transfers.
fn once(
    lab: &Lab,
    row: &Row,
    manner: &Manner,
    server: Server,
) -> io::Result<(Sample, Option<String>)> {
    let running = lab.start(server)?;
    let plan = Plan {
        files: lab.wanted(server, row.bytes, BLOCK_SIZE)?,
        clients: row.clients,
        files_each: row.files_each,
        block_size: BLOCK_SIZE,
        window: row.window,
        loss_permille: row.loss_permille,
        hold: row.hold,
        join: manner.join,
        patience: PATIENCE,
        ..Plan::single(running.address)
    };
    let process = &running.process;
    let (idle_bytes, idle_seconds) = (process.resident_bytes(), process.seconds());
    let mut open_bytes = None;
    let outcome = plan.run(&mut || open_bytes = Some(process.resident_bytes()))?;
    let seconds = process.seconds() - idle_seconds;
    let failure = (outcome.failed > 0).then(|| describe_failure(&outcome));
    let blocks = row.files() as u64 * (row.bytes / u64::from(BLOCK_SIZE) + 1);
    let sample = Sample {
        megabytes_per_second: outcome.megabytes_per_second(),
        seconds_per_gigabyte: seconds / (outcome.bytes as f64 / 1e9),
        peak_bytes: process.peak_bytes(),
        busy: outcome.busy(),
        failed: outcome.failed,
        datagrams_per_block: outcome.datagrams[0] as f64 / blocks as f64,
        bytes_per_transfer: open_bytes
            .map(|bytes| bytes.saturating_sub(idle_bytes) as f64 / row.clients as f64),
    };
    Ok((sample, failure))
}

fn describe_failure(outcome: &Outcome) -> String {
    let Outcome { complete, failed, elapsed, .. } = outcome;
    let total = complete + failed;
    let first = outcome.first_failure.as_deref().unwrap_or_default();
    format!("{failed} of {total} transfers failed in {elapsed:.1?}; first: {first}")
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn medians() {
        assert!(median(vec![]).is_nan());
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 2.5);
    }
}
