//! Printing a row, and judging it.

use super::measure::{Sample, Series, median};
use super::rows::{Goal, Row};
use super::servers::Server;

/// A generator that is busy for this share of the time is what limits the throughput.
const GENERATOR_LIMIT: f64 = 0.95;

/// Prints the figures of all and whether we reach the goals; whether all are reached.
pub fn print(row: &Row, all: &[Series]) -> bool {
    println!(
        "{:<14}{:>8}{:>17}{:>10}{:>10}{:>11}{:>11}{:>11}",
        "", "MB/s", "(least–most)", "ours is", "CPU s/GB", "peak MiB", "pkt/block", "generator"
    );
    let ours = find(all, Server::Ours);
    for series in all {
        if series.is_measured() {
            print_series(series, ours);
        }
        if let Some(why) = &series.failure {
            println!("{:<14}cannot do this: {why}", series.server.name());
        }
    }
    // Not a list with `all`, which would stop at the first that is missed.
    let mut reached = true;
    for goal in row.goals {
        reached &= judge(*goal, all, ours);
    }
    if let Some(why) = ours.and_then(|ours| ours.failure.as_ref()) {
        println!("goal: all complete: MISSED, {why}");
        reached = false;
    }
    println!();
    reached
}

fn print_series(series: &Series, ours: Option<&Series>) {
    let speeds = || series.samples.iter().map(|sample| sample.megabytes_per_second);
    let range = (speeds().fold(f64::INFINITY, f64::min), speeds().fold(0.0, f64::max));
    let ratio = ours.map_or(f64::NAN, |ours| ratio(ours, series));
    println!(
        "{:<14}{:>8.1}{:>17}{:>10}{:>10.2}{:>11.1}{:>11.2}{:>9.0} %",
        series.server.name(),
        series.median(|sample| sample.megabytes_per_second),
        format!("({:.0}–{:.0})", range.0, range.1),
        format!("{ratio:.2} ×"),
        series.median(|sample| sample.seconds_per_gigabyte),
        series.median(|sample| sample.peak_bytes as f64) / f64::from(1 << 20),
        series.median(|sample| sample.datagrams_per_block),
        series.median(|sample| sample.busy) * 100.0,
    );
}

fn judge(goal: Goal, all: &[Series], ours: Option<&Series>) -> bool {
    let Some(ours) = ours.filter(|ours| ours.is_whole()) else { return true };
    match goal {
        Goal::Times(server, target) => {
            let Some(series) = find(all, server).filter(|series| series.is_whole()) else {
                println!("goal: {target} × {}: it has no figure", server.name());
                return true;
            };
            say(ours, ratio(ours, series), target, &format!("× {}", server.name()))
        }
        Goal::TimesBestPeer(target) => {
            // Also one that did not deliver everything: by what it did deliver.
            let measured = all.iter().filter(|it| it.server.is_peer() && it.is_measured());
            let best = measured.max_by(|one, other| {
                let speed = |series: &Series| series.median(|sample| sample.megabytes_per_second);
                speed(one).total_cmp(&speed(other))
            });
            let Some(best) = best else { return true };
            let what = format!("× the best peer, {}", best.server.name());
            say(ours, ratio(ours, best), target, &what)
        }
        Goal::LeastProcessorTime => {
            let cost = |series: &Series| series.median(|sample| sample.seconds_per_gigabyte);
            let least = peers(all).map(cost).min_by(f64::total_cmp);
            let Some(least) = least else { return true };
            let verdict = verdict(cost(ours) < least);
            println!(
                "goal: {:.2} CPU s/GB, below {least:.2} of the best peer: {verdict}",
                cost(ours)
            );
            cost(ours) < least
        }
        Goal::BytesPerTransfer(target) => {
            let bytes = median(
                ours.samples
                    .iter()
                    .filter_map(|sample: &Sample| sample.bytes_per_transfer)
                    .collect(),
            );
            let reached = bytes <= target as f64;
            println!(
                "goal: {bytes:.0} bytes of memory for each transfer, at most {target}: {}",
                verdict(reached)
            );
            reached
        }
    }
}

fn say(ours: &Series, ratio: f64, target: f64, what: &str) -> bool {
    let reached = ratio >= target;
    // Then the figure is the generator's, not ours.
    let limited = ours.median(|sample| sample.busy) >= GENERATOR_LIMIT;
    let note = if limited && !reached { " (the generator can take no more)" } else { "" };
    println!("goal: {ratio:.2} {what}, at least {target}: {}{note}", verdict(reached));
    reached
}

const fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}

/// The median over the rounds of how many times faster `one` was: a disturbance of a while hits both.
fn ratio(one: &Series, other: &Series) -> f64 {
    let pairs = one.samples.iter().zip(&other.samples);
    median(pairs.map(|(a, b)| a.megabytes_per_second / b.megabytes_per_second).collect())
}

fn find(all: &[Series], server: Server) -> Option<&Series> {
    all.iter().find(|series| series.server == server)
}

fn peers(all: &[Series]) -> impl Iterator<Item = &Series> {
    all.iter().filter(|series| series.server.is_peer() && series.is_whole())
}
