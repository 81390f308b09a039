//! `[log]`: what is logged, how, and where to besides.

use core::fmt;
use core::net::SocketAddr;
use core::str::FromStr;
use std::path::PathBuf;

use log::LevelFilter;

use super::reader::{Located, Section};

/// Port of syslog by UDP (RFC 5426).
const SYSLOG_PORT: u16 = 514;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people; in systemd's journal with the fields beside the message.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// How lines look on standard error.
    pub format: LogFormat,
    /// What is logged.
    pub level: LevelFilter,
    /// A syslog server that gets every line, too.
    pub syslog: Option<SyslogTarget>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LevelFilter::Info, syslog: None }
    }
}

/// Where a syslog server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogTarget {
    /// By UDP (RFC 5426).
    Udp(SocketAddr),
    /// A socket of this machine, as `/dev/log`.
    Unix(PathBuf),
}

impl FromStr for SyslogTarget {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("udp", place)) => {
                let bare = || place.parse().map(|ip| SocketAddr::new(ip, SYSLOG_PORT));
                place.parse().or_else(|_| bare()).map(Self::Udp).map_err(|_| ())
            }
            _ => Err(()),
        }
    }
}

impl fmt::Display for SyslogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

pub(super) fn read(section: Section<'_, '_>, log: &mut LogConfig) {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    if let Some(format) = section.choice("format", &formats) {
        log.format = format;
    }
    let levels = [
        ("error", LevelFilter::Error),
        ("warn", LevelFilter::Warn),
        ("info", LevelFilter::Info),
        ("debug", LevelFilter::Debug),
        ("trace", LevelFilter::Trace),
    ];
    if let Some(level) = section.choice("level", &levels) {
        log.level = level;
    }
    let wanted = "udp:192.0.2.9:514 or unix:/dev/log";
    log.syslog = section.parsed("syslog", wanted).map(|Located { value, .. }| value);
    section.finish();
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_key_is_read_and_faults_have_their_lines() {
        let text = "[log]\nformat = \"json\"\nlevel = \"debug\"\nsyslog = \"udp:192.0.2.9\"\n";
        let log = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}")).log;
        assert_eq!((log.format, log.level), (LogFormat::Json, LevelFilter::Debug));
        assert_eq!(log.syslog.expect("one").to_string(), "udp:192.0.2.9:514");
        let faults = Config::parse("[log]\nformat = \"xml\"\nlevel = 3\nsyslog = \"/dev/log\"\n");
        let faults = faults.expect_err("faults");
        let found: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        assert_eq!(found, [(2, "log.format"), (3, "log.level"), (4, "log.syslog")], "{faults}");
    }

    #[test]
    fn a_syslog_server_has_a_transport() {
        let read = |text: &str| text.parse::<SyslogTarget>().map(|target| target.to_string());
        assert_eq!(read("unix:/dev/log").as_deref(), Ok("unix:/dev/log"));
        assert_eq!(read("udp:[2001:db8::9]:5514").as_deref(), Ok("udp:[2001:db8::9]:5514"));
        assert!(
            read("192.0.2.9").is_err() && read("unix:log").is_err() && read("udp:host").is_err()
        );
    }
}
