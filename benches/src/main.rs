//! `cargo run --release -p pxe-benches -- codec | tftp | dhcp | http | lease | scale`: times us and peers in turn, in many rounds, and prints
//! medians. With `--assert` a missed target makes the program fail.

use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use pxe_benches::codec::{READERS, Reader};
use pxe_benches::dhcp;
use pxe_benches::http;
use pxe_benches::lease;
use pxe_benches::messages::{Sample, samples};
use pxe_benches::scale;
use pxe_benches::tftp::{self, bare};

/// Turns each competitor gets.
const ROUNDS: usize = 301;
/// Times all messages are read in one turn: short enough that a disturbance hits few turns.
const REPEATS: u32 = 40;
/// How many times faster than owned dhcproto we have to be.
const OWNED_TARGET: f64 = 3.0;
/// How many times faster than borrowed dhcproto we have to be.
const BORROWED_TARGET: f64 = 1.0;

/// Benchmarks that run us and peers side by side
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    bench: Option<Bench>,
    /// Fail if a target is missed
    #[arg(long)]
    assert: bool,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Reading DHCP messages (the default)
    Codec {
        /// Fail if a target is missed
        #[arg(long)]
        assert: bool,
    },
    /// Serving files
    Tftp(tftp::options::Options),
    /// Giving addresses, and offers of our proxy, across a wire
    Dhcp(dhcp::Options),
    /// Serving large files by HTTP, beside nginx
    Http(http::Options),
    /// Giving out leases and making them durable
    Lease(lease::Options),
    /// How long machines take, by a model: the tables of docs/scale.md, and measured points beside it
    Scale(scale::measure::Options),
    /// The bare sender, which the tftp bench starts
    #[command(hide = true)]
    BareSender {
        #[arg(long)]
        port: u16,
        #[arg(long, value_enum)]
        sockets: bare::Sockets,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: add --release for figures that mean something");
    }
    let bench = arguments.bench.unwrap_or(Bench::Codec { assert: false });
    let ran = match bench {
        Bench::Codec { assert } => Ok(codec() || !(assert || arguments.assert)),
        Bench::Tftp(options) => tftp::run(&options),
        Bench::Dhcp(options) => dhcp::run(&options),
        Bench::Http(options) => http::run(&options),
        Bench::Lease(options) => lease::run(&options),
        Bench::Scale(options) => scale::measure::run(&options).map(|()| true),
        Bench::BareSender { port, sockets } => bare::serve(port, sockets).map(|()| true),
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the figures; whether they reach the targets.
fn codec() -> bool {
    let samples = samples();
    let bytes: usize = samples.iter().map(|sample| sample.datagram.len()).sum();
    println!("parse and read ten boot facts of {} DISCOVERs, {bytes} bytes", samples.len());
    println!("medians of {ROUNDS} rounds in turn, {REPEATS} times each message a round\n");

    let all = medians(&samples);
    let [ours, owned, at_sight, kept] = all;
    for ((name, _), nanoseconds) in READERS.iter().zip(all) {
        println!("{name:<30}{nanoseconds:>8.1} ns/message {:>7.2} times ours", nanoseconds / ours);
    }
    println!("\n{:<56}{:>8}{:>8}{:>8}{:>8}", "ns for each", "ours", "owned", "sight", "kept");
    for sample in &samples {
        let each = medians(core::slice::from_ref(sample));
        println!(
            "{:<56}{:>8.1}{:>8.1}{:>8.1}{:>8.1}",
            sample.name, each[0], each[1], each[2], each[3]
        );
    }

    println!();
    let owned_reached = judge("owned", owned / ours, OWNED_TARGET);
    // The better of the two ways is what counts.
    let borrowed_reached = judge("borrowed", at_sight.min(kept) / ours, BORROWED_TARGET);
    owned_reached && borrowed_reached
}

fn judge(name: &str, ratio: f64, target: f64) -> bool {
    let reached = ratio >= target;
    let verdict = if reached { "reached" } else { "MISSED" };
    println!("{ratio:.2} times as fast as dhcproto {name}; target {target:.1}: {verdict}");
    reached
}

/// Nanoseconds for one message, by competitor.
fn medians(samples: &[Sample]) -> [f64; READERS.len()] {
    let mut rounds = READERS.map(|_| Vec::with_capacity(ROUNDS));
    for round in 0..=ROUNDS {
        for ((_, reader), nanoseconds) in READERS.iter().zip(&mut rounds) {
            let one = turn(*reader, samples);
            // The first round warms the caches.
            if round > 0 {
                nanoseconds.push(one);
            }
        }
    }
    rounds.map(|mut nanoseconds| {
        nanoseconds.sort_by(f64::total_cmp);
        nanoseconds[ROUNDS / 2]
    })
}

fn turn(reader: Reader, samples: &[Sample]) -> f64 {
    let started = Instant::now();
    for _ in 0..REPEATS {
        for sample in samples {
            reader(core::hint::black_box(&sample.datagram));
        }
    }
    let messages = f64::from(REPEATS) * samples.len() as f64;
    started.elapsed().as_nanos() as f64 / messages
}
