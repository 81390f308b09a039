//! What happened to which client: the engine's only report. Logs are views of it.

mod text;
mod word;

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use pxe_dhcp::respond::{ProxyStyle, StyleReason};
use pxe_select::Firmware;

use super::client::ClientId;
use super::detail::Detail;
use super::leased::LeaseStep;
pub(super) use text::one_line;
pub(crate) use text::printable;

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
    /// Another server's offer was heard that firmware may take instead of ours, or before it.
    Rival {
        /// What is wrong with it: an id of `diagnose`.
        id: &'static str,
        /// Whose.
        server: Ipv4Addr,
        /// What was seen, as a sentence without its period.
        what: String,
        /// What to do next.
        advice: &'static str,
        /// Whether it keeps the machine from us, or seems to.
        is_fault: bool,
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
        causes: Vec<&'static str>,
        /// What to do next.
        advice: &'static str,
        /// Whether something is wrong for certain.
        is_fault: bool,
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
}
