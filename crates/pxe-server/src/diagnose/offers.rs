//! What offers say, one by one and beside each other.

use std::collections::{BTreeMap, BTreeSet};

use pxe_select::Firmware;

use super::files;
use super::finding::{Finding, fault, note};
use super::observed::{Observed, Reply};

/// Several proxies answer.
pub(super) const TWO_PROXIES: &str = "two-proxies";
/// A DHCP server says that it is a boot server, and is none.
pub(super) const OPTION_60_TRAP: &str = "option-60-trap";
/// A program that this firmware cannot start.
pub(super) const WRONG_ARCHITECTURE: &str = "wrong-architecture";
/// The longest name that fits the header of a reply, in bytes.
const HEADER_FILE_BYTES: usize = 127;

/// Several servers of a kind.
pub(super) fn servers(seen: &Observed, list: &mut Vec<Finding>) {
    let of = |which: &dyn Fn(&Reply) -> bool| -> BTreeSet<_> {
        seen.replies.iter().filter(|reply| which(reply)).map(|reply| reply.server).collect()
    };
    let shown = |servers: &BTreeSet<core::net::Ipv4Addr>| {
        servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    };
    let proxies = of(&Reply::is_proxy);
    if proxies.len() > 1 {
        list.push(several_proxies(seen, proxies.len(), &shown(&proxies)));
    }
    let givers = of(&|reply: &Reply| reply.address.is_some());
    if givers.len() > 1 {
        list.push(fault(
            "two-dhcp-servers",
            format!("{} DHCP servers offer it addresses: {}", givers.len(), shown(&givers)),
            "One segment has one DHCP server; the other is likely a router or a test that was forgotten.",
        ));
    }
}

/// One configuration may well be served twice: then it is all the same whom a machine takes.
fn several_proxies(seen: &Observed, count: usize, shown: &str) -> Finding {
    let mut named: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for reply in seen.replies.iter().filter(|reply| reply.is_proxy()) {
        named.entry(reply.server).or_default().insert(files::place(&reply.file));
    }
    let mut named = named.into_values();
    let first = named.next().unwrap_or_default();
    if !first.contains("") && named.all(|files| files == first) {
        let files = first.into_iter().collect::<Vec<_>>().join(" and ");
        return note(
            TWO_PROXIES,
            format!("{count} proxies answer it: {shown}; all of them name {files}"),
            "Nothing needs to be done if all of them are meant to be, and have the same files.",
        );
    }
    fault(
        TWO_PROXIES,
        format!("{count} proxies answer it: {shown}; firmware takes one of them by chance"),
        "Switch one of them off, or deny this machine on one.",
    )
}

/// Firmware asks a server that says so on port 4011, whatever a proxy offers beside it.
fn option_60(seen: &Observed, reply: &Reply) -> Option<Finding> {
    let says_so = reply.address.is_some() && reply.pxe_class && !reply.pxe_options;
    if !says_so || reply.to_ipxe || seen.boot_server_replies > 0 {
        return None;
    }
    let server = reply.server;
    let what = format!(
        "{server} sends option 60 \"PXEClient\" with its addresses, and no option 43: firmware then asks it on port 4011"
    );
    // Who hears broadcasts only does not know whether it is answered there.
    let end = if seen.is_partial { "and not us" } else { "and nobody answers there" };
    Some(fault(
        OPTION_60_TRAP,
        format!("{what}, {end}"),
        "Remove option 60 from the DHCP server (on Windows: `netsh dhcp server delete optiondef 60`).",
    ))
}

/// What is wrong with one reply.
pub(super) fn reply_faults(seen: &Observed, reply: &Reply) -> Vec<Finding> {
    let mut list = Vec::new();
    let server = reply.server;
    list.extend(option_60(seen, reply));
    if reply.server_name
        && reply.next_server.is_none()
        && !reply.file.is_empty()
        && !reply.is_proxy()
    {
        list.push(fault(
            "next-server-empty",
            format!("{server} names {} and a server in option 66, but leaves next-server (siaddr) empty: UEFI, iPXE and PXELINUX do not read option 66", reply.file),
            "Set next-server (siaddr) on the DHCP server besides option 66.",
        ));
    }
    if reply.file.len() > HEADER_FILE_BYTES {
        let bytes = reply.file.len();
        let is_fault = !reply.file.contains("://");
        let what = format!(
            "{server} names a file of {bytes} bytes, and {HEADER_FILE_BYTES} fit the header: programs that read only that cut it or see none"
        );
        let advice = "Give the file a shorter name.";
        list.push(Finding { id: "file-too-long", is_fault, what, causes: &[], advice });
    }
    if reply.to_ipxe && files::is_ipxe(&reply.file) {
        list.push(fault(
            "ipxe-loop",
            format!(
                "{server} names {} to a running iPXE, which loads itself again and again",
                reply.file
            ),
            "Tell iPXE apart by option 77 (user class \"iPXE\") and name its script.",
        ));
    }
    if let Some(firmware) = seen.firmware
        && !reply.to_ipxe
        && let Some(other) = files::not_for(firmware, &reply.file)
    {
        list.push(fault(
            WRONG_ARCHITECTURE,
            format!("{server} names {}", for_another(firmware, &reply.file, other)),
            "A DHCP server that can name one file only needs this server in proxy mode, or a bait: `pxe-server snippet`.",
        ));
    }
    list
}

/// The words for a program that a firmware cannot start.
fn for_another(firmware: Firmware, file: &str, other: &str) -> String {
    format!("{file} to {firmware}, and that is a program for {other}")
}

/// What is to be said when we have given this file to this firmware; none if it may well start it.
pub fn given(firmware: Firmware, file: &str) -> Option<Finding> {
    let other = files::not_for(firmware, file)?;
    Some(fault(
        WRONG_ARCHITECTURE,
        format!("we gave {}", for_another(firmware, file, other)),
        "See who names that file: the DHCP server, or a rule here. In proxy mode, or by a bait (`pxe-server snippet`), \
         each firmware is named its own.",
    ))
}

/// What is to be said of another server's offer to a machine that has ours, and may take theirs instead or before it.
/// A DHCP server that gives addresses and names nothing is none of our business.
pub fn rivals(firmware: Option<Firmware>, ours: Reply, theirs: Reply) -> Vec<Finding> {
    // It believes offers of its own class alone.
    if firmware.is_some_and(Firmware::is_http) {
        return Vec::new();
    }
    let goes_first = theirs.pxe_class;
    let replies = vec![ours, theirs.clone()];
    let seen = Observed { firmware, replies, is_partial: true, ..Observed::default() };
    let mut list = Vec::new();
    servers(&seen, &mut list);
    list.extend(reply_faults(&seen, &theirs));
    list.retain(|it| [TWO_PROXIES, OPTION_60_TRAP, WRONG_ARCHITECTURE].contains(&it.id));
    for finding in list.iter_mut().filter(|it| it.id == WRONG_ARCHITECTURE) {
        // Firmware that asks proxies prefers ours to a plain DHCP server's file.
        finding.is_fault = goes_first;
        finding.advice = match goes_first {
            true => {
                "Let that server name the right file, or none: firmware takes its word before ours."
            }
            false => {
                "Nothing needs to be done as long as it takes our offer; else let that server name no file."
            }
        };
    }
    list
}
