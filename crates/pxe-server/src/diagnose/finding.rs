//! What the facts of one boot say.

use std::collections::BTreeSet;

use pxe_select::Firmware;
use serde::Serialize;

use super::observed::{Observed, Outcome, Read, Reply};
use super::offers::{reply_faults, servers};
use super::{Silence, files};

/// Programs wait longer than this before they give up a request that is not answered, in seconds.
const GIVEN_UP_AFTER: f64 = 1.0;
/// A machine that is not heard for so long has stopped, in seconds.
const STOPPED_AFTER: f64 = 60.0;

/// One thing that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name, for programs.
    pub id: &'static str,
    /// Whether it keeps the machine from booting, or seems to.
    pub is_fault: bool,
    /// What was seen.
    pub what: String,
    /// What causes that, likeliest first.
    pub causes: &'static [&'static str],
    /// What to do next.
    pub advice: &'static str,
}

pub(super) fn fault(id: &'static str, what: String, advice: &'static str) -> Finding {
    Finding { id, is_fault: true, what, causes: &[], advice }
}

pub(super) fn note(id: &'static str, what: String, advice: &'static str) -> Finding {
    Finding { id, is_fault: false, what, causes: &[], advice }
}

/// Everything that the facts of one machine's boot say, faults first.
pub fn findings(seen: &Observed) -> Vec<Finding> {
    let mut list = Vec::new();
    nobody_answers(seen, &mut list);
    servers(seen, &mut list);
    for reply in &seen.replies {
        list.extend(reply_faults(seen, reply));
    }
    boot_server(seen, &mut list);
    reads(seen, &mut list);
    closed(seen, &mut list);
    stopped(seen, &mut list);
    if seen.asks_ipv6 {
        list.push(note(
            "dhcpv6",
            "it also asks by DHCP for IPv6, which this server does not speak".into(),
            "Nothing needs to be done if it boots by IPv4.",
        ));
    }
    let mut known = BTreeSet::new();
    list.retain(|finding| known.insert((finding.id, finding.what.clone())));
    list.sort_by_key(|finding| !finding.is_fault);
    list
}

fn nobody_answers(seen: &Observed, list: &mut Vec<Finding>) {
    if seen.discovers.is_empty() {
        return;
    }
    let times = seen.discovers.len();
    if seen.replies.is_empty() {
        return list.push(Finding {
            id: "no-answer",
            is_fault: true,
            what: format!("{times} DISCOVERs, and nobody answered (PXE-E51)"),
            causes: &[
                "no DHCP server is in this segment, and no relay (helper address) leads to one",
                "a firewall or DHCP snooping drops the answers",
                "a container or virtual machine that runs the server does not get broadcasts",
            ],
            advice: "Start with the DHCP server: see that it hears the DISCOVER.",
        });
    }
    let has_address = seen.replies.iter().any(|reply| reply.address.is_some());
    let names_file = seen
        .replies
        .iter()
        .any(|reply| !reply.file.is_empty() || reply.pxe_options || reply.is_proxy());
    if !has_address {
        list.push(fault(
            "proxy-only",
            format!(
                "{times} DISCOVERs were answered by a proxy only, and by no DHCP server (PXE-E52)"
            ),
            "A proxy gives no addresses: a DHCP server must be in the segment or behind a relay.",
        ));
    } else if !names_file && !seen.reads.is_empty() {
        list.push(note(
            "no-boot-information",
            "nobody names a boot file to it; it looks for files by names of its own".into(),
            "Nothing needs to be done if it finds what it looks for.",
        ));
    } else if !names_file {
        list.push(fault(
            "no-boot-information",
            "it gets an address, and nobody names a boot file (PXE-E53)".into(),
            "Run this server in proxy mode beside the DHCP server, or name it there: `pxe-server snippet`.",
        ));
    }
}

fn boot_server(seen: &Observed, list: &mut Vec<Finding>) {
    if let Some(server) = seen.boot_server_requests.first()
        && seen.boot_server_replies == 0
    {
        let times = seen.boot_server_requests.len();
        list.push(fault(
            "boot-server-silent",
            format!(
                "{server} was asked {times} times on port 4011, and no answer was seen (PXE-E55)"
            ),
            "Open UDP port 4011 there, or remove option 60 from its DHCP server.",
        ));
    }
    if seen.declines > 0 {
        list.push(fault(
            "declined",
            format!("it declined its address {} times: somebody else answered for it, or the ACK differs from the OFFER", seen.declines),
            "Take addresses that are given by hand out of the pool.",
        ));
    }
    if seen.naks > 0 {
        list.push(note(
            "refused-address",
            format!("its request was refused {} times (NAK)", seen.naks),
            "Once at a start is usual: it asked for an address of another network.",
        ));
    }
}

fn reads(seen: &Observed, list: &mut Vec<Finding>) {
    let refused: Vec<&Read> =
        seen.reads.iter().filter(|it| matches!(it.outcome, Outcome::Refused(..))).collect();
    let found = |read: &Read| {
        let later = seen.reads.iter().filter(|it| it.at > read.at);
        later.into_iter().any(|it| it.outcome == Outcome::Answered)
    };
    let searched = refused.iter().filter(|read| found(read)).count();
    if searched > 0 {
        list.push(note(
            "searched",
            format!(
                "{searched} files it asked for were not there, and it went on: boot programs search"
            ),
            "Nothing needs to be done.",
        ));
    }
    let in_vain: Vec<&&Read> = refused.iter().filter(|read| !found(read)).collect();
    if let (Some(first), Some(last)) = (in_vain.first(), in_vain.last())
        && let Outcome::Refused(code, text) = &last.outcome
    {
        let others = match in_vain.len() {
            1 => String::new(),
            names => format!(" (the last of {names} names, from {} on)", first.file),
        };
        list.push(fault(
            "file-refused",
            format!("{} refused {}{others}: {code} {text}", last.server, last.file),
            "See that the file is there under this very name, and that the server may read it.",
        ));
    }
    silent_reads(seen, list);
}

/// What speaks for a request that nobody answered.
const UNANSWERED: &[&str] = &[
    "a firewall drops UDP port 69 (or TCP, for a URL) on its way to the server, or the answers, which come from other ports",
    "no server listens there",
    "the answers are not in the capture: a filter on port 69 alone leaves them out",
];

fn silent_reads(seen: &Observed, list: &mut Vec<Finding>) {
    let is_answered = |read: &Read| {
        let same = seen.reads.iter().filter(|it| it.file == read.file);
        same.into_iter().any(|it| it.outcome != Outcome::Silence)
    };
    let mut unseen = 0;
    let mut silent = None;
    for (index, read) in seen.reads.iter().enumerate() {
        if read.outcome != Outcome::Silence || is_answered(read) {
            continue;
        }
        // No program gives up a name so fast unless it is told that the file is not there.
        let next = seen.reads.get(index + 1);
        if next.is_some_and(|next| next.file != read.file && next.at - read.at < GIVEN_UP_AFTER) {
            unseen += 1;
        } else if seen.end - read.at >= GIVEN_UP_AFTER {
            silent = silent.or(Some(read));
        }
    }
    if unseen > 0 {
        list.push(note(
            "answers-not-captured",
            format!("{unseen} requests for files were followed at once by others: they were answered, and the answers are not in the capture"),
            "Capture without a filter on port 69: TFTP answers from other ports.",
        ));
    }
    if let Some(read) = silent {
        list.push(Finding {
            id: "file-silence",
            is_fault: true,
            what: format!("{} was asked for {} and never answered", read.server, read.file),
            causes: UNANSWERED,
            advice: match read.http {
                true => "See that the HTTP server runs and its port is open.",
                false => "See that the TFTP server runs, that UDP port 69 is open, and that answers from other ports come through.",
            },
        });
    }
}

fn closed(seen: &Observed, list: &mut Vec<Finding>) {
    for port in &seen.closed {
        list.push(fault(
            "port-closed",
            format!(
                "{port} says that it is closed (ICMP port unreachable, or a refused connection)"
            ),
            "Start the server that should listen there, or open the port in its firewall.",
        ));
    }
}

/// Where the boot ended, if it ended before an operating system.
fn stopped(seen: &Observed, list: &mut Vec<Finding>) {
    let offered = seen.replies.iter().any(Reply::is_proxy);
    let never_asked =
        seen.requests == 0 && seen.boot_server_requests.is_empty() && seen.reads.is_empty();
    if offered && never_asked && seen.discovers.len() > 1 {
        list.push(silence("offers-ignored", Silence::OfferedNeverAsked, seen));
        return;
    }
    let is_long = seen.end - seen.last_heard >= STOPPED_AFTER;
    let last = seen.reads.iter().rev().find(|read| read.outcome == Outcome::Answered);
    if let Some(last) = last
        && is_long
        && files::is_loader(&last.file)
    {
        let mut finding = silence("stopped-after-loader", Silence::LoaderNeverHeard, seen);
        finding.what = format!(
            "the last it fetched is {}, and nothing was heard of it for the rest of the capture",
            last.file
        );
        list.push(finding);
    }
    let named = seen.replies.iter().find(|reply| reply.is_ack && !reply.file.is_empty());
    if let Some(reply) = named
        && seen.reads.is_empty()
        && seen.closed.is_empty()
        && seen.end - seen.last_heard >= 10.0
        && reply.file.contains('.')
    {
        let mut finding = silence("never-fetched", Silence::AcknowledgedNeverFetched, seen);
        finding.what =
            format!("told by {} to fetch {}, it asked for no file", reply.server, reply.file);
        list.push(finding);
    }
}

fn silence(id: &'static str, silence: Silence, seen: &Observed) -> Finding {
    let times = u32::try_from(seen.discovers.len()).unwrap_or(u32::MAX);
    let file = seen.replies.iter().map(|reply| reply.file.as_str()).find(|file| !file.is_empty());
    Finding {
        id,
        is_fault: true,
        what: silence.what(times, file.unwrap_or("a boot file"), 0),
        causes: silence.causes(),
        advice: silence.advice(),
    }
}

/// One line about a boot without faults.
pub fn summary(seen: &Observed) -> String {
    let fetched: Vec<&str> = seen
        .reads
        .iter()
        .filter(|read| read.outcome == Outcome::Answered)
        .map(|read| read.file.as_str())
        .collect();
    let firmware = seen.firmware.map_or("unknown firmware", Firmware::name);
    match (fetched.first(), fetched.last()) {
        (Some(first), Some(last)) if fetched.len() > 1 => {
            format!("{firmware}: fetched {} files, {first} first and {last} last", fetched.len())
        }
        (Some(first), _) => format!("{firmware}: fetched {first}"),
        _ => format!("{firmware}: fetched nothing"),
    }
}
