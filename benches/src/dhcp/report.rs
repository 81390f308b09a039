//! Printing what was measured, and judging it.

use std::path::Path;

use super::clients::Offers;
use super::disk::Flushes;
use super::search::{DROPS_MAX, Trial};
use super::servers::Server;
use super::{Generator, Round, Series};
use crate::tftp::measure::median;

/// How many times the rate of a Kea as durable as we are is to be reached.
const TIMES_KEA: f64 = 10.0;
/// What 99 of 100 exchanges are to take at most at half our rate, in milliseconds.
const P99_MS_MAX: f64 = 20.0;
/// Flushes that an ACK waits for at most, if the disk is as fast as it was before and after.
const FLUSHES_WAITED_FOR: f64 = 2.0;
/// Offers a second on one core that our proxy is to make.
const OFFERS_MIN: f64 = 100_000.0;
/// A generator that is busy for this share of the time is what limits the rate.
const GENERATOR_LIMIT: f64 = 0.95;

/// What the disk can do at the moment.
pub fn disk(folder: &Path, flushes: Flushes) {
    let Flushes { median, p99 } = flushes;
    println!(
        "leases in {}: a flush of 4 KiB takes {:.1} ms, 99 of 100 at most {:.1} ms",
        folder.display(),
        median * 1000.0,
        p99 * 1000.0
    );
}

/// One line for a trial.
pub fn trial(series: &Series, trial: &Trial) {
    let load = trial.load;
    eprintln!(
        "  {} by {}: {:.0} asked, {:.0} offered, {:.0} answered, {:.2} % dropped, p99 {:.1} ms, \
         generator {:.0} %, {:.3} CPU s/1000",
        series.server.name(),
        name(series.generator),
        load.asked,
        load.offered,
        load.completed,
        load.drops() * 100.0,
        load.p99 * 1000.0,
        load.generator_busy * 100.0,
        trial.server_seconds,
    );
}

/// The table of four-way exchanges; whether all goals are reached. `flush`: seconds that 99 of 100 flushes of the disk
/// take at most.
pub fn exchanges(clients: u32, all: &[Series], flush: f64) -> bool {
    println!(
        "\nfour-way exchanges, {clients} clients, under {} % dropped; every trial from an empty store",
        DROPS_MAX * 100.0
    );
    for server in Server::ALL.iter().filter(|it| all.iter().any(|one| one.server == **it)) {
        println!("  {}: {}", server.name(), server.durability());
    }
    println!(
        "{:<12}{:<10}{:>8}{:>17}{:>10}{:>11}{:>13}{:>11}",
        "", "by", "a second", "(least–most)", "ours is", "p99 half", "CPU s/1000", "generator"
    );
    for series in all {
        if let Some(why) = &series.failure {
            println!("{:<12}{:<10}no figure: {why}", series.server.name(), name(series.generator));
        }
        if !series.rounds.is_empty() {
            line(series, find(all, Server::Ours, series.generator));
        }
    }
    let mut reached = true;
    for generator in [Generator::Perfdhcp, Generator::Own] {
        if let Some(ours) = find(all, Server::Ours, generator) {
            // Durable on both sides.
            reached &= judge(ours, find(all, Server::KeaSync, generator), flush);
        }
    }
    reached
}

fn line(series: &Series, ours: Option<&Series>) {
    let rates = || series.rounds.iter().map(rate);
    let range = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
    let times = ours.filter(|ours| !ours.rounds.is_empty()).map(|ours| ratio(ours, series));
    let limited = series.rounds.iter().any(|round| round.found.generator_limit);
    println!(
        "{:<12}{:<10}{:>8.0}{:>17}{:>10}{:>11}{:>13.3}{:>9.0} %{}",
        series.server.name(),
        name(series.generator),
        series.median(rate),
        format!("({:.0}–{:.0})", range.0, range.1),
        times.map_or_else(|| "–".to_owned(), |times| format!("{times:.2} ×")),
        format!("{:.1} ms", series.median(p99)),
        series.median(|round| round.found.best.server_seconds),
        series.median(|round| round.found.best.load.generator_busy) * 100.0,
        if limited { "  the generator can do no more" } else { "" },
    );
}

fn judge(ours: &Series, kea: Option<&Series>, flush: f64) -> bool {
    let by = name(ours.generator);
    if ours.rounds.is_empty() {
        println!("goal: MISSED by {by}: there is no figure");
        return false;
    }
    let mut reached = true;
    if let Some(kea) = kea.filter(|kea| !kea.rounds.is_empty()) {
        let times = ratio(ours, kea);
        let limited = ours.rounds.iter().any(|round| round.found.generator_limit);
        let note =
            if limited && times < TIMES_KEA { " (the generator can do no more)" } else { "" };
        reached &= times >= TIMES_KEA;
        println!(
            "goal: {times:.2} × Kea-sync by {by}, at least {TIMES_KEA}: {}{note}",
            verdict(times >= TIMES_KEA)
        );
    }
    let slow = ours.median(p99);
    // Who comes while one batch is being written waits for that and for its own.
    let waited = FLUSHES_WAITED_FOR * flush * 1000.0;
    println!(
        "goal: p99 {slow:.1} ms at half the rate by {by}, of which two flushes of this disk may take {waited:.1} ms; \
         under {P99_MS_MAX}: {}",
        verdict(slow < P99_MS_MAX)
    );
    reached && slow < P99_MS_MAX
}

/// The table of offers; whether the goal is reached.
pub fn offers(all: &[(Offers, f64)]) -> bool {
    let figure = |figure: &dyn Fn(&(Offers, f64)) -> f64| median(all.iter().map(figure).collect());
    let rate = figure(&|(offers, _)| offers.rate);
    let seconds = figure(&|(_, seconds)| *seconds);
    let busy = figure(&|(offers, _)| offers.generator_busy);
    let lost = figure(&|(offers, _)| offers.lost as f64 / offers.asked as f64);
    // What the core could make if it did nothing else.
    let per_core = 1000.0 / seconds;
    println!("\nboot offers of our proxy to a UEFI machine behind a relay, our own generator");
    println!(
        "{rate:.0} a second, {seconds:.4} CPU s/1000: {per_core:.0} for each second of a core; \
         generator {:.0} % busy; {:.2} % lost",
        busy * 100.0,
        lost * 100.0,
    );
    let limited = busy >= GENERATOR_LIMIT && rate < OFFERS_MIN;
    let note = if limited { " (the generator can do no more)" } else { "" };
    println!(
        "goal: {rate:.0} offers a second, at least {OFFERS_MIN}: {}{note}",
        verdict(rate >= OFFERS_MIN)
    );
    rate >= OFFERS_MIN
}

impl Series {
    fn median(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }
}

fn rate(round: &Round) -> f64 {
    round.found.best.load.completed
}

fn p99(round: &Round) -> f64 {
    round.half.load.p99 * 1000.0
}

/// The median over the rounds of how many times faster `one` was: a disturbance of a while hits both.
fn ratio(one: &Series, other: &Series) -> f64 {
    let pairs = one.rounds.iter().zip(&other.rounds);
    median(pairs.map(|(a, b)| rate(a) / rate(b)).collect())
}

fn find(all: &[Series], server: Server, generator: Generator) -> Option<&Series> {
    all.iter().find(|series| series.server == server && series.generator == generator)
}

const fn name(generator: Generator) -> &'static str {
    match generator {
        Generator::Perfdhcp => "perfdhcp",
        Generator::Own => "our own",
    }
}

const fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}
