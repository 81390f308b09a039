//! What happened to which client: the engine's only report. Logs are views of it.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use pxe_dhcp::respond::{ProxyStyle, StyleReason};
use pxe_select::{Firmware, Reasons};

use super::client::ClientId;
use super::detail::Detail;
use super::leased::{LeaseStep, leased};
use super::styles::phrased;
use crate::diagnose::LostBlocks;

/// Smallest file whose delivery is reported with a rate, in bytes.
const RATED_BYTES_MIN: u64 = 100_000;

/// One step of one client's boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose boot it is.
    pub client: ClientId,
    /// The same step was reported for this client a moment ago: retransmissions and machines that
    /// try for ever.
    pub repeated: bool,
    /// What happened.
    pub stage: Stage,
    /// What the packet said and why it was decided so; for the journal, not for the log. None of a repetition.
    pub detail: Option<Box<Detail>>,
}

/// How the order for one boot ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderEnd {
    /// The machine says that it is done, and shows the token for that order.
    Said,
    /// The machine says so, and there is no order.
    NoneLeft,
    /// Everything that was ordered has gone to the machine.
    Delivered,
}

impl OrderEnd {
    fn words(self) -> &'static str {
        match self {
            Self::Said => ": it says so, and the order for its next boot is spent",
            Self::NoneLeft => ": it says so, and no order was left",
            Self::Delivered => ": it has what was ordered for this boot, and the order is spent",
        }
    }
}

/// The steps of a boot, in the order of a good one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Its first DISCOVER.
    Discovered {
        /// What it is, as far as we know.
        firmware: Option<Firmware>,
        /// It runs iPXE already.
        ipxe: bool,
        /// Why we think so.
        reasons: String,
    },
    /// A DHCP message of it was heard that we do not answer.
    Heard {
        /// What it is, as far as the message says.
        firmware: Option<Firmware>,
        /// It runs iPXE already.
        ipxe: bool,
        /// Which message, and how it came here.
        how: String,
    },
    /// What was ordered for this boot is done.
    Done {
        /// How we know, and what that ends.
        end: OrderEnd,
    },
    /// An inventory was asked about it.
    LookedUp {
        /// Whether it boots.
        boots: bool,
        /// What it boots, or why not.
        what: String,
    },
    /// It asked another DHCP server for an address.
    Addressed {
        /// Which address.
        address: Ipv4Addr,
        /// Which server, if it says so.
        server: Option<Ipv4Addr>,
    },
    /// We named its boot file in an offer.
    Offered {
        /// File name or URL.
        file: String,
    },
    /// Its offers are phrased otherwise from now on, or have proved right as they are.
    Phrased {
        /// How.
        style: ProxyStyle,
        /// Why.
        reason: StyleReason,
    },
    /// It asked our boot server port, and got the file's name there.
    Acknowledged {
        /// File name or URL.
        file: String,
    },
    /// We gave it an address, and named its boot file beside it.
    Leased {
        /// How far that is.
        step: LeaseStep,
        /// Which address.
        address: Ipv4Addr,
        /// For how long, in seconds; [`u32::MAX`] for ever.
        seconds: u32,
        /// File name or URL, if it boots from the network.
        file: Option<String>,
    },
    /// It cannot have the address it asked for, and was told so.
    Refused {
        /// Which address.
        address: Ipv4Addr,
        /// Why.
        reason: String,
    },
    /// It gets no address and no answer from us.
    Unserved {
        /// Why, and what to do.
        reason: String,
    },
    /// It gave its address back.
    Released {
        /// Which address.
        address: Ipv4Addr,
    },
    /// It says that another machine has the address we gave it.
    Declined {
        /// Which address.
        address: Ipv4Addr,
        /// Why that changes nothing, if so.
        ignored: Option<String>,
    },
    /// We name no file: too little is known, or there is none for it.
    Held {
        /// Why, and what to do.
        reasons: String,
    },
    /// It asked for a bait, which now stands for this file.
    Baited {
        /// The bait, as it was asked for.
        asked: String,
        /// The file.
        file: String,
        /// Why this one.
        reasons: String,
    },
    /// It asked for a bait and gets no answer, so that it asks again: too little is known of it.
    HeldBait {
        /// The bait, as it was asked for.
        asked: String,
        /// Why, and what to do.
        reasons: String,
    },
    /// A rule or a host entry says it gets nothing.
    Denied {
        /// Which.
        reasons: String,
    },
    /// It asked for a file, which it now gets.
    Requested {
        /// The file.
        file: String,
        /// Its size, in bytes.
        bytes: u64,
        /// How it asked for it and why it gets this file; empty where it gets what it asked for.
        why: String,
    },
    /// It asked for the size only.
    Probed {
        /// The file.
        file: String,
    },
    /// It is a long way through a large file.
    Progress {
        /// The file.
        file: String,
        /// Bytes it has.
        bytes: u64,
        /// Bytes of the whole file.
        size: u64,
    },
    /// It closed the file before its end, of its own will: GRUB reads heads of files.
    Closed {
        /// The file.
        file: String,
        /// Bytes it had by then.
        bytes: u64,
    },
    /// It has the part of the file that it asked for (HTTP ranges): it resumes, or reads an image
    /// here and there.
    Part {
        /// The file.
        file: String,
        /// Where the part begins, in bytes.
        from: u64,
        /// Its size, in bytes.
        bytes: u64,
    },
    /// It has the whole file.
    Delivered {
        /// The file.
        file: String,
        /// Its size, in bytes.
        bytes: u64,
        /// From request to last acknowledgement.
        elapsed: Duration,
        /// Blocks that were sent again, of all that were sent, in percent.
        resent_percent: u64,
    },
    /// It asked for a file that is not there. Loaders search, so this is often no fault.
    Tried {
        /// The name it asked for.
        file: String,
    },
    /// It asked for files that are not there, and then for nothing else for a while.
    Missing {
        /// The last name it asked for.
        file: String,
        /// The first one.
        first: String,
        /// How many there were.
        names: u32,
    },
    /// It sends a file, which is taken.
    Uploading {
        /// The file.
        file: String,
        /// Its size in bytes, if that was announced.
        bytes: Option<u64>,
    },
    /// A file that it sent is whole and in its place.
    Stored {
        /// The file.
        file: String,
        /// Its size, in bytes.
        bytes: u64,
        /// From request to last acknowledgement.
        elapsed: Duration,
    },
    /// Somebody says that this machine has booted (`/booted`). Anybody can say so.
    Booted {
        /// Who says so.
        from: IpAddr,
        /// Whether the machine has spoken to us before.
        known: bool,
    },
    /// The step that should have come next did not.
    Silent {
        /// What came last, and what did not follow.
        what: String,
        /// What causes that, likeliest first.
        causes: &'static [&'static str],
        /// What to do next.
        advice: &'static str,
        /// Whether something is wrong for certain.
        is_fault: bool,
    },
    /// It asked for a file, and the blocks of it do not reach it.
    Lost {
        /// The file.
        file: String,
        /// What speaks for that.
        lost: LostBlocks,
    },
    /// It asked for a file and cannot have it, or sent one that is not kept, or the transfer broke.
    Failed {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
}

impl Stage {
    /// An order was to be spent and could not be taken away.
    pub fn order_stands(error: &std::io::Error) -> Self {
        let reason = format!("the order for its next boot cannot be removed: {error}");
        Self::Failed { file: "done".to_owned(), reason }
    }

    /// The word that names the step, for logs and for counting.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Discovered { .. } => "discovered",
            Self::Heard { .. } => "heard",
            Self::Done { .. } => "done",
            Self::LookedUp { .. } => "looked-up",
            Self::Offered { .. } => "offered",
            Self::Phrased { reason: StyleReason::Worked, .. } => "settled",
            Self::Phrased { reason: StyleReason::NoneWorked { .. }, .. } => "ignored",
            Self::Phrased { .. } => "trying",
            Self::Leased { step: LeaseStep::Offered, .. } => "offered",
            Self::Leased { step: LeaseStep::Acknowledged, .. } => "acknowledged",
            Self::Leased { step: LeaseStep::Renewed, .. } => "renewed",
            Self::Refused { .. } => "refused",
            Self::Unserved { .. } => "unserved",
            Self::Released { .. } => "released",
            Self::Declined { .. } => "declined",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Baited { .. } => "asked",
            Self::Held { .. } | Self::HeldBait { .. } => "held",
            Self::Denied { .. } => "denied",
            Self::Requested { .. } => "requested",
            Self::Probed { .. } => "probed",
            Self::Progress { .. } => "progress",
            Self::Closed { .. } => "closed",
            Self::Part { .. } => "read",
            Self::Delivered { .. } => "delivered",
            Self::Tried { .. } => "tried",
            Self::Missing { .. } => "missing",
            Self::Uploading { .. } => "uploading",
            Self::Stored { .. } => "stored",
            Self::Booted { .. } => "booted",
            Self::Addressed { .. } => "addressed",
            Self::Silent { .. } => "silent",
            Self::Failed { .. } | Self::Lost { .. } => "failed",
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
            Self::Tried { file } | Self::Missing { file, names: 1, .. } => {
                write!(f, " {file}: there is no such file")
            }
            Self::Missing { file, first, names: 2 } => write!(f, " {file}, and {first} before it"),
            Self::Missing { file, first, names } => {
                let others = names.saturating_sub(1);
                write!(f, " {file}, and {others} names before it from {first} on")
            }
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
            Self::Silent { what, causes, advice, .. } => fmt_silence(f, what, causes, advice),
            Self::Lost { file, lost } => {
                write!(f, " {file}")?;
                fmt_silence(f, &lost.what(), lost.causes(), lost.advice())
            }
            Self::Failed { file, reason } => write!(f, " {file}: {reason}"),
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
pub(super) fn one_line(reasons: &Reasons) -> String {
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
