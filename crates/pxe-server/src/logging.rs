//! Log lines: one client's story in order, on standard error.

use std::io::Write;

use log::{Level, LevelFilter, debug, info, warn};

use crate::engine::{Event, Weight};

/// Target of the one line that says every socket is bound; it is written bare, so that a script can
/// wait for a line that begins with `ready`.
pub const READY_TARGET: &str = "ready";

/// Sets the log up: `RUST_LOG` wins over the count of `-v`.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::Info,
        1 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    // systemd's journal has its own time and shows it beside ours.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    env_logger::Builder::new()
        .filter_level(level)
        .parse_default_env()
        .format(move |out, record| {
            if record.target() == READY_TARGET {
                return writeln!(out, "{}", record.args());
            }
            if !journal {
                write!(out, "{} ", out.timestamp_millis())?;
            }
            let style = out.default_level_style(record.level());
            match record.level() {
                Level::Info => writeln!(out, "{}", record.args()),
                level => {
                    let word = level.as_str().to_lowercase();
                    writeln!(out, "{style}{word}{style:#}: {}", record.args())
                }
            }
        })
        .init();
}

/// Writes one step of a client's story.
pub fn tell(event: &Event) {
    let Event { client, repeated, stage, .. } = event;
    match stage.weight() {
        _ if client.is_doctor() => debug!("{client} (doctor asks) {stage}"),
        _ if *repeated => debug!("{client} {stage} (again)"),
        Weight::Detail => debug!("{client} {stage}"),
        Weight::Step => info!("{client} {stage}"),
        Weight::Trouble => warn!("{client} {stage}"),
    }
}
