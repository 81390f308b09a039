//! Lines for a syslog server: RFC 5424, a datagram each, never waited for.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::SystemTime;

use log::{Level, Record};

use super::line::Fields;
use crate::config::SyslogTarget;

/// Bytes of one message; a longer one is cut. What every receiver should take (RFC 5424 6.1).
pub const SYSLOG_MESSAGE_BYTES_MAX: usize = 2_048;
/// Facility `daemon` (RFC 5424 6.2.1).
const DAEMON: u8 = 3;
/// Name of our structured data. 32473 is the enterprise number for examples (RFC 5612): we have none.
const STRUCTURED_DATA: &str = "pxe@32473";

pub(super) struct Syslog {
    socket: Socket,
    host: String,
}

enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Syslog {
    pub(super) fn open(target: &SyslogTarget) -> io::Result<Self> {
        let socket = match target {
            SyslogTarget::Udp(address) => Socket::Udp(udp(*address)?),
            SyslogTarget::Unix(path) => Socket::Unix(unix(path)?),
        };
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Ok(Self { socket, host: header(host.trim()).to_owned() })
    }

    /// A server that is not there, or slow, gets nothing: the log of this machine has the line.
    pub(super) fn send(&self, record: &Record<'_>) {
        let message = message(record, &self.host, std::process::id(), unix_ms());
        let _ = match &self.socket {
            Socket::Udp(socket) => socket.send(message.as_bytes()),
            Socket::Unix(socket) => socket.send(message.as_bytes()),
        };
    }
}

fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn unix(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 5424 6.
fn message(record: &Record<'_>, host: &str, pid: u32, unix_ms: u64) -> String {
    let severity = match record.level() {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    };
    let Fields(fields) = Fields::of(record);
    let id =
        fields.iter().find(|(name, _)| name == "stage").map_or("-", |(_, stage)| header(stage));
    let mut message = String::new();
    let time = timestamp(unix_ms);
    let _ = write!(message, "<{}>1 {time} {host} pxe-server {pid} {id} ", DAEMON * 8 + severity);
    if fields.is_empty() {
        message.push('-');
    } else {
        let _ = write!(message, "[{STRUCTURED_DATA}");
        for (name, value) in &fields {
            let _ = write!(message, " {name}=\"");
            for character in value.chars() {
                if matches!(character, '"' | '\\' | ']') {
                    message.push('\\');
                }
                message.push(character);
            }
            message.push('"');
        }
        message.push(']');
    }
    let _ = write!(message, " {}", record.args());
    let end = (0..=SYSLOG_MESSAGE_BYTES_MAX).rev().find(|end| message.is_char_boundary(*end));
    message.truncate(end.unwrap_or(0));
    message
}

/// A word of the header: visible ASCII (RFC 5424 6).
fn header(word: &str) -> &str {
    if !word.is_empty() && word.len() <= 32 && word.bytes().all(|byte| byte.is_ascii_graphic()) {
        word
    } else {
        "-"
    }
}

/// RFC 3339 in UTC, with milliseconds.
fn timestamp(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    // Days from 1 March of year 0, in eras of 400 years (the proleptic Gregorian calendar).
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fields: &[(&str, &str)], text: &str) -> String {
        message(
            &Record::builder()
                .level(Level::Info)
                .key_values(&fields)
                .args(format_args!("{text}"))
                .build(),
            "boot",
            7,
            1_709_210_096_007,
        )
    }

    #[test]
    fn a_message_is_what_rfc_5424_wants() {
        let fields = [("mac", "52:54:00:aa:00:01"), ("stage", "offered"), ("file", "a\"]\\")];
        assert_eq!(
            told(&fields, "hello"),
            "<30>1 2024-02-29T12:34:56.007Z boot pxe-server 7 offered \
             [pxe@32473 mac=\"52:54:00:aa:00:01\" stage=\"offered\" file=\"a\\\"\\]\\\\\"] hello"
        );
        assert_eq!(
            told(&[], "hello"),
            "<30>1 2024-02-29T12:34:56.007Z boot pxe-server 7 - - hello"
        );
        let long = told(&[], &"ü".repeat(SYSLOG_MESSAGE_BYTES_MAX));
        assert!(long.len() <= SYSLOG_MESSAGE_BYTES_MAX && long.ends_with('ü'));
    }

    #[test]
    fn days_are_counted_as_calendars_do() {
        for (unix_ms, told) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(timestamp(unix_ms), told);
        }
    }

    #[test]
    fn a_server_on_this_machine_gets_the_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let server = UnixDatagram::bind(&path).expect("a socket");
        let syslog = Syslog::open(&SyslogTarget::Unix(path)).expect("open");
        syslog.send(&Record::builder().level(Level::Warn).args(format_args!("a line")).build());
        let mut buffer = [0; 512];
        let length = server.recv(&mut buffer).expect("a datagram");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(text.starts_with("<28>1 ") && text.ends_with(" - - a line"), "{text}");
    }
}
