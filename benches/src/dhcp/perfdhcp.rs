//! perfdhcp, of Kea's authors: one trial, and what it printed.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use super::search::{Load, percentile};
use super::wire::SERVER;

/// How long an answer may take before it counts as lost, in milliseconds, and how long is waited for the last ones.
const PATIENCE_MS: u32 = 1000;

/// One of the two kinds of exchange that a four-way exchange consists of.
#[derive(Clone, Debug, Default, PartialEq)]
struct Half {
    sent: u64,
    received: u64,
    /// Seconds from each question to its answer.
    delays: Vec<f64>,
}

/// Where the program is.
///
/// # Errors
/// If it is nowhere.
pub fn find(peers: &Path) -> io::Result<PathBuf> {
    let unpacked = peers.join("kea-admin/usr/sbin/perfdhcp");
    let places = [unpacked, "/usr/sbin/perfdhcp".into(), "/usr/bin/perfdhcp".into()];
    let found = places.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| io::Error::other("perfdhcp is not there: Debian has it in kea-admin"))
}

/// Offers `rate` exchanges a second for some seconds, by so many clients.
///
/// # Errors
/// If it cannot be run, or prints something else than expected.
pub fn run(program: &Path, rate: f64, seconds: u32, clients: u32) -> io::Result<Load> {
    let before = children_seconds();
    let mut command = Command::new(program);
    command
        .args(["-4", "-g", "single", "-x", "t"])
        .args(["-r", &format!("{rate:.0}"), "-R", &clients.to_string()])
        .args(["-p", &seconds.to_string(), "-W", &(PATIENCE_MS * 1000).to_string()])
        .args(["-d", &(f64::from(PATIENCE_MS) / 1000.0).to_string(), &SERVER.to_string()]);
    // Its exit code only says whether there were drops.
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let halves = [half(&text, "DISCOVER-OFFER"), half(&text, "REQUEST-ACK")];
    let [Some(offers), Some(acks)] = halves else {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("perfdhcp said something else: {text}{said}")));
    };
    let seconds = f64::from(seconds);
    Ok(Load {
        asked: rate,
        offered: offers.sent as f64 / seconds,
        completed: acks.received as f64 / seconds,
        p99: offers_and_acks(offers.delays, acks.delays),
        // It spins while it waits, so this says less than what it failed to send.
        generator_busy: (children_seconds() - before) / (seconds + f64::from(PATIENCE_MS) / 1000.0),
        exchanges: acks.received,
    })
}

/// It does not tell which OFFER and which ACK belong together: the sum of both is what one slow in either half would
/// see, and more than 98 in 100 are faster than it.
fn offers_and_acks(offers: Vec<f64>, acks: Vec<f64>) -> f64 {
    percentile(offers, 99) + percentile(acks, 99)
}

fn children_seconds() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return 0.0 };
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    microseconds as f64 / 1e6
}

fn half(text: &str, name: &str) -> Option<Half> {
    let mut half = Half::default();
    let (_, statistics) = text.split_once(&format!("***Statistics for: {name}***"))?;
    let number = |label: &str| {
        let line = statistics.lines().find_map(|line| line.strip_prefix(label))?;
        line.trim().parse().ok()
    };
    half.sent = number("sent packets:")?;
    half.received = number("received packets:")?;
    let (_, times) = text.split_once(&format!("***Timestamps for packets: {name}***"))?;
    let times = times.split("***").next()?;
    for line in times.lines() {
        let Some(line) = line.strip_prefix("sent / received:") else { continue };
        let (sent, received) = line.split_once('/')?;
        // What got no answer has no second time.
        let Ok(received) = received.trim().parse::<f64>() else { continue };
        half.delays.push(received - sent.trim().parse::<f64>().ok()?);
    }
    Some(half)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn its_figures_are_found() {
        let text = "Scenario: basic.\n***Statistics for: DISCOVER-OFFER***\nsent packets: 3\n\
                    received packets: 2\ndrops: 1\n\n***Timestamps for packets: DISCOVER-OFFER***\n\
                    sent / received: 000000.010000 / 000000.012000\nsent / received: \
                    000000.020000 / n/a\n\n***Statistics for: REQUEST-ACK***\nsent packets: 2\n\
                    received packets: 1\n\n***Timestamps for packets: REQUEST-ACK***\n";
        let offers = half(text, "DISCOVER-OFFER").expect("it is there");
        assert_eq!((offers.sent, offers.received, offers.delays.len()), (3, 2, 1));
        assert!((offers.delays[0] - 0.002).abs() < 1e-9);
        let acks = half(text, "REQUEST-ACK").expect("it is there");
        assert_eq!((acks.sent, acks.received, acks.delays.len()), (2, 1, 0));
        assert_eq!(half(text, "SOLICIT-ADVERTISE"), None);
    }
}
