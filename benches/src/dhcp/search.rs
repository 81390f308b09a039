//! The highest rate that a server keeps up with, found by offering more and more.

use std::io;

/// More than this share lost is too much.
pub const DROPS_MAX: f64 = 0.01;
/// A generator that sends less than this share of what it was asked for is what limits the rate.
const OFFERED_MIN: f64 = 0.97;
/// How much more is offered at each step.
const STEP: f64 = 1.6;
/// Halvings of the last step, by ratio: the rate is found to 1.6^(1/8), 6 %.
const HALVINGS: u32 = 3;

/// What one trial gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Exchanges a second that the generator was to begin.
    pub asked: f64,
    /// Exchanges a second that it began.
    pub offered: f64,
    /// Exchanges a second that ended with an ACK.
    pub completed: f64,
    /// Seconds that 99 of 100 take at most.
    pub p99: f64,
    /// Share of the time that the generator used its core, from 0 to 1.
    pub generator_busy: f64,
    /// Exchanges that ended with an ACK.
    pub exchanges: u64,
}

/// One trial, and what it cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What was offered and answered.
    pub load: Load,
    /// Processor seconds of the server for a thousand exchanges.
    pub server_seconds: f64,
}

/// Where the search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The highest rate that was kept up with.
    pub best: Trial,
    /// Whether it was the generator that could not do more.
    pub generator_limit: bool,
}

impl Load {
    /// Share of the exchanges begun that did not end well.
    pub fn drops(&self) -> f64 {
        if self.offered > 0.0 { (1.0 - self.completed / self.offered).max(0.0) } else { 1.0 }
    }

    fn is_kept_up_with(&self) -> bool {
        self.drops() < DROPS_MAX && self.is_offered()
    }

    /// Whether the generator sent what it was to send.
    pub fn is_offered(&self) -> bool {
        self.offered >= self.asked * OFFERED_MIN
    }
}

/// Steps the rate up from `first` until it is no longer kept up with, then closes in. A rate has failed when it failed
/// twice, since a machine has its moods.
///
/// # Errors
/// If a trial has one, or even `first` is too much.
pub fn search(first: f64, trial: &mut dyn FnMut(f64) -> io::Result<Trial>) -> io::Result<Found> {
    let mut generator_limit = false;
    let mut attempt = |rate: f64| -> io::Result<Option<Trial>> {
        for _ in 0..2 {
            let tried = trial(rate)?;
            if tried.load.is_kept_up_with() {
                return Ok(Some(tried));
            }
            // Nothing lost of what was sent: then it is not the server's fault.
            generator_limit = !tried.load.is_offered() && tried.load.drops() < DROPS_MAX;
        }
        Ok(None)
    };
    let Some(mut best) = attempt(first)? else {
        return Err(io::Error::other(format!("it does not keep up with {first:.0} a second")));
    };
    while let Some(better) = attempt(best.load.asked * STEP)? {
        best = better;
    }
    let mut ratio = STEP;
    for _ in 0..HALVINGS {
        ratio = ratio.sqrt();
        if let Some(better) = attempt(best.load.asked * ratio)? {
            best = better;
        }
    }
    Ok(Found { best, generator_limit })
}

/// The value that `percent` in 100 do not exceed; not a number if there is none.
pub fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod unit {
    use super::*;

    /// A server that can do `server` a second, and a generator.
    fn limits(server: f64, generator: f64) -> Found {
        let mut trial = |asked: f64| {
            let offered = asked.min(generator);
            let completed = offered.min(server);
            let load = Load {
                asked,
                offered,
                completed,
                p99: 0.0,
                generator_busy: 0.0,
                exchanges: completed as u64,
            };
            Ok(Trial { load, server_seconds: 0.0 })
        };
        search(100.0, &mut trial).expect("the first rate is low enough")
    }

    #[test]
    fn the_highest_rate_is_found_closely() {
        for server in [130.0, 1000.0, 23_456.0] {
            let found = limits(server, 1e9);
            let ratio = found.best.load.completed / server;
            assert!((0.94..=1.01).contains(&ratio), "{server}: {found:?}");
            assert!(!found.generator_limit);
        }
    }

    #[test]
    fn a_generator_at_its_end_is_told_from_a_server() {
        let found = limits(1e9, 5000.0);
        assert!(found.generator_limit, "{found:?}");
    }

    #[test]
    fn a_server_that_cannot_even_begin_is_an_error() {
        let lost = Load {
            asked: 10.0,
            offered: 10.0,
            completed: 0.0,
            p99: f64::NAN,
            generator_busy: 0.0,
            exchanges: 0,
        };
        let mut trial = |_| Ok(Trial { load: lost, server_seconds: 0.0 });
        assert!(search(10.0, &mut trial).is_err());
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(values, 99), 198.0);
        assert_eq!(percentile(vec![7.0], 99), 7.0);
        assert!(percentile(Vec::new(), 99).is_nan());
    }
}
