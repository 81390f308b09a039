//! Log lines: one client's story in order, as text or JSON on standard error, with its fields in systemd's journal, and
//! to a syslog server where one is named.

mod line;
mod syslog;

use std::io::Write;

use log::{Level, LevelFilter, Log, Metadata, Record, warn};
use systemd_journal_logger::{JournalLog, connected_to_journal};

use crate::config::{LogConfig, LogFormat};
use crate::engine::{Event, Weight};
use crate::journal::Noted;
pub use syslog::SYSLOG_MESSAGE_BYTES_MAX;
use syslog::Syslog;

/// Target of the one line that says every socket is bound; it is written bare, so that a script can
/// wait for a line that begins with `ready`.
pub const READY_TARGET: &str = "ready";

/// Where lines go.
struct Logger {
    /// Standard error; it knows which lines are wanted.
    lines: env_logger::Logger,
    /// Takes the place of standard error.
    journal: Option<JournalLog>,
    syslog: Option<Syslog>,
}

/// Sets the log up. `RUST_LOG` wins over the count of `-v`, and that over the configuration.
pub fn start(config: &LogConfig, verbose: u8) {
    let level = match verbose {
        0 => config.level,
        1 => config.level.max(LevelFilter::Debug),
        _ => LevelFilter::Trace,
    };
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level).parse_default_env();
    let in_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = match config.format {
        LogFormat::Json => builder.format(|out, record| {
            writeln!(out, "{}", line::json(record, &out.timestamp_millis().to_string()))
        }),
        LogFormat::Text => builder.format(move |out, record| text(out, record, in_journal)),
    };
    let lines = lines.build();
    // Who asks for JSON gets it, and nothing else.
    let journal = (config.format == LogFormat::Text && connected_to_journal())
        .then(|| JournalLog::new().ok())
        .flatten()
        .map(|journal| journal.with_syslog_identifier("pxe-server".to_owned()));
    let syslog = config.syslog.as_ref().map(Syslog::open).transpose();
    let (syslog, fault) = match syslog {
        Ok(syslog) => (syslog, None),
        Err(fault) => (None, Some(fault)),
    };
    log::set_max_level(lines.filter());
    // It is set up once in a program's life.
    let _ = log::set_boxed_logger(Box::new(Logger { lines, journal, syslog }));
    if let (Some(fault), Some(target)) = (fault, &config.syslog) {
        warn!("log.syslog: {target} cannot be reached, so nothing is sent there: {fault}");
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.lines.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.lines.matches(record) {
            return;
        }
        let sent = self.journal.as_ref().is_some_and(|to| to.journal_send(record).is_ok());
        if !sent {
            self.lines.log(record);
        }
        if let Some(syslog) = &self.syslog {
            syslog.send(record);
        }
    }

    fn flush(&self) {
        self.lines.flush();
    }
}

/// `in_journal`: it has a time of its own and shows that beside ours.
fn text(
    out: &mut env_logger::fmt::Formatter,
    record: &Record<'_>,
    in_journal: bool,
) -> std::io::Result<()> {
    if record.target() == READY_TARGET {
        return writeln!(out, "{}", record.args());
    }
    if !in_journal {
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
}

/// Writes one step of a client's story, with what the journal noted of it.
pub fn tell(event: &Event, noted: &Noted) {
    let Event { client, repeated, stage, .. } = event;
    let firmware = noted.firmware.as_deref();
    let level = match stage.weight() {
        // Who sends a flood of made-up addresses is not to fill the disk with lines.
        _ if *repeated || noted.left_out || client.is_doctor() => Level::Debug,
        Weight::Detail => Level::Debug,
        Weight::Step => Level::Info,
        Weight::Trouble => Level::Warn,
    };
    if level > log::max_level() {
        return;
    }
    let name = client.to_string();
    let key = if client.hardware_address().is_some() { "mac" } else { "address" };
    let mut fields = vec![(key, &*name), ("stage", stage.word())];
    fields.extend(firmware.map(|firmware| ("firmware", firmware)));
    fields.extend(stage.file().map(|file| ("file", file)));
    let who = if client.is_doctor() { " (doctor asks)" } else { "" };
    let again = if *repeated { " (again)" } else { "" };
    log::logger().log(
        &Record::builder()
            .level(level)
            .target(module_path!())
            .module_path_static(Some(module_path!()))
            .key_values(&fields.as_slice())
            .args(format_args!("{name}{who} {stage}{again}"))
            .build(),
    );
}
