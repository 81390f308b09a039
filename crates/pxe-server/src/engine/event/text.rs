//! Steps in words, one line each.

use core::fmt;
use core::time::Duration;

use pxe_select::{Firmware, Reasons};

use super::{OrderEnd, Stage};
use crate::engine::leased::leased;
use crate::engine::styles::phrased;

/// Smallest file whose delivery is reported with a rate, in bytes.
const RATED_BYTES_MIN: u64 = 100_000;

impl OrderEnd {
    fn words(self) -> &'static str {
        match self {
            Self::Said => ": it says so, and the order for its next boot is spent",
            Self::NoneLeft => ": it says so, and no order was left",
            Self::Delivered => ": it has what was ordered for this boot, and the order is spent",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Heard { firmware, ipxe, how } => {
                fmt_machine(*firmware, *ipxe, f)?;
                write!(f, " ({how})")
            }
            Self::Baited { asked, file, reasons } => {
                write!(f, " {asked}: {file} because {reasons}")
            }
            Self::HeldBait { asked, reasons } => write!(f, ": {asked}: {reasons}"),
            Self::Discovered { firmware, ipxe, reasons } => {
                fmt_machine(*firmware, *ipxe, f)?;
                if reasons.is_empty() { Ok(()) } else { write!(f, ": {reasons}") }
            }
            Self::Offered { file } | Self::Acknowledged { file } | Self::Probed { file } => {
                write!(f, " {file}")
            }
            Self::Leased { .. }
            | Self::Refused { .. }
            | Self::Unserved { .. }
            | Self::Released { .. }
            | Self::Declined { .. } => leased(f, self),
            Self::Tried { file } => fmt_missing(f, file, file, 1),
            Self::Missing { file, first, names } => fmt_missing(f, file, first, *names),
            Self::Done { end } => f.write_str(end.words()),
            Self::LookedUp { boots, what } => {
                let but = if *boots { "" } else { ", which does not boot it" };
                write!(f, " in the inventory{but}: {what}")
            }
            Self::Phrased { style, reason } => phrased(f, *style, reason),
            Self::Held { reasons } | Self::Denied { reasons } => write!(f, ": {reasons}"),
            Self::Progress { file, bytes, size: 0 } => write!(f, " {file} {bytes} bytes so far"),
            Self::Progress { file, bytes, size } => {
                let percent = u128::from(*bytes) * 100 / u128::from((*size).max(1));
                write!(f, " {file} {percent} % of {size} bytes")
            }
            Self::Closed { file, bytes } => write!(f, " {file} after {bytes} bytes"),
            Self::Requested { file, bytes, why } if why.is_empty() => {
                write!(f, " {file} ({bytes} bytes)")
            }
            Self::Requested { file, bytes, why } => write!(f, " {file} ({bytes} bytes), {why}"),
            Self::Uploading { file, bytes: Some(bytes) } => write!(f, " {file} ({bytes} bytes)"),
            Self::Uploading { file, bytes: None } => write!(f, " {file}"),
            Self::Delivered { file, bytes, elapsed, resent_percent: 0 }
            | Self::Stored { file, bytes, elapsed } => {
                write!(f, " {file} ({})", Rate(*bytes, *elapsed))
            }
            Self::Delivered { file, bytes, elapsed, resent_percent } => {
                write!(f, " {file} ({}, {resent_percent} % sent again)", Rate(*bytes, *elapsed))
            }
            Self::Part { file, from, bytes } => {
                write!(f, " {bytes} bytes of {file} from {from} on")
            }
            Self::Booted { from, known: true } => write!(f, " (told from {from})"),
            Self::Booted { from, known: false } => {
                write!(f, " (told from {from}; we never heard of this machine before)")
            }
            Self::Addressed { address, server } => {
                write!(f, " {address}")?;
                server.map_or(Ok(()), |server| write!(f, " (asked {server} for it)"))
            }
            Self::Rival { what, advice, .. } => write!(f, ": {what}. {advice}"),
            Self::Silent { what, causes, advice, .. } => fmt_silence(f, what, causes, advice),
            Self::Failed { file, reason } => write!(f, " {file}: {reason}"),
        }
    }
}

fn fmt_missing(f: &mut fmt::Formatter<'_>, file: &str, first: &str, names: u32) -> fmt::Result {
    match names {
        1 => write!(f, " {file}: there is no such file"),
        2 => write!(f, " {file}, and {first} before it"),
        names => {
            let others = names.saturating_sub(1);
            write!(f, " {file}, and {others} names before it from {first} on")
        }
    }
}

fn fmt_silence(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    causes: &[&str],
    advice: &str,
) -> fmt::Result {
    write!(f, ": {what}.")?;
    for (index, cause) in causes.iter().enumerate() {
        write!(f, "{} {cause}", if index == 0 { " Likely because" } else { "; or because" })?;
    }
    write!(f, "{} {advice}", if causes.is_empty() { "" } else { "." })
}

fn fmt_machine(firmware: Option<Firmware>, ipxe: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match firmware {
        Some(firmware) => write!(f, " {firmware}")?,
        None => f.write_str(" unknown firmware")?,
    }
    if ipxe { f.write_str(" running iPXE") } else { Ok(()) }
}

/// A size, the time it took, and how fast that was.
struct Rate(u64, Duration);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes, elapsed) = self;
        let milliseconds = elapsed.as_millis().max(1);
        write!(f, "{bytes} bytes in {milliseconds} ms")?;
        // A file of a few packets tells the round trip, not a rate.
        if *bytes >= RATED_BYTES_MIN {
            write!(f, ", {} kB/s", u128::from(*bytes) / milliseconds)?;
        }
        Ok(())
    }
}

/// The reasons of a decision as one line of a log.
pub(in crate::engine) fn one_line(reasons: &Reasons) -> String {
    let list: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    list.join("; ")
}

/// Text of a name from the wire: printable, and of bounded length, so that nobody writes into a
/// log what he likes.
pub(crate) fn printable(name: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 160;
    let shown = &name[..name.len().min(SHOWN_BYTES_MAX)];
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
    let mut text = match str::from_utf8(shown) {
        // Nearly every name: as it is, at once.
        Ok(text) if shown.iter().all(is_plain) => text.to_owned(),
        _ => shown.escape_ascii().to_string(),
    };
    if shown.len() < name.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_the_wire_cannot_break_a_log_line() {
        assert_eq!(printable(b"a\nb\x1b[31m\xff"), "a\\nb\\x1b[31m\\xff");
        assert!(printable(&[b'a'; 4000]).len() < 200);
        for byte in 0..=u8::MAX {
            assert_eq!(printable(&[b'a', byte]), [b'a', byte].escape_ascii().to_string());
        }
    }
}
