//! What is wrong with the answers.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::BTreeSet;

use pxe_select::Firmware;

use super::{Finding, listed, merge};
use crate::diagnose::{self, Observed, Reply};
use crate::doctor::answer::{Answer, Class};
use crate::doctor::facts::{Facts, Reached, Segment};
use crate::doctor::question::Question;

/// Firmware of machines that an ordinary network has.
pub(super) const COMMON: [Firmware; 3] = [Firmware::Bios, Firmware::X64Uefi, Firmware::Arm64Uefi];
const BOOT_SERVER_PORT: u16 = 4_011;

pub(super) fn look(facts: &Facts, list: &mut Vec<Finding>) {
    for segment in &facts.segments {
        for answer in &segment.answers {
            let Some(asked) = segment.questions.get(answer.question) else { continue };
            if is_heeded(answer, asked) {
                one(segment, answer, asked, list);
            }
            addresses(facts, segment, answer, list);
        }
        crowd(segment, list);
        boot_servers(segment, list);
        nothing_named(segment, list);
    }
}

/// Whether firmware takes any notice: HTTP Boot wants its own class, and the others want no such.
fn is_heeded(answer: &Answer, asked: &Question) -> bool {
    (answer.class == Class::Http) == asked.firmware.is_http()
}

/// Faults of one answer by itself, those with other firmware in the same words told once.
fn one(segment: &Segment, answer: &Answer, asked: &Question, list: &mut Vec<Finding>) {
    let asked_there = |it: &&crate::doctor::facts::BootAnswer| {
        it.question == answer.question && Some(it.server) == answer.boot_server()
    };
    let replies =
        segment.boot_answers.iter().filter(asked_there).filter(|it| it.answer.is_some()).count();
    let seen = Observed {
        firmware: Some(asked.firmware),
        replies: vec![answer.as_reply(asked)],
        boot_server_replies: u32::try_from(replies).unwrap_or(u32::MAX),
        ..Observed::default()
    };
    for known in diagnose::findings(&seen) {
        let mut finding = Finding::from(known).of(asked.name());
        let name = asked.firmware.name();
        // Another server names the right file, and firmware that asks proxies prefers theirs.
        if finding.id == "wrong-architecture" && has_better(segment, answer) {
            finding.is_fault = false;
        }
        let generic = |what: &str| what.replace(&format!(" to {name},"), " to it,");
        let key = generic(&finding.what);
        merge(list, finding, |other| {
            let of = |firmware: &Firmware| {
                other.what.replace(&format!(" to {firmware},"), " to it,") == key
            };
            other.what == key || Firmware::all().iter().any(of)
        });
    }
}

/// Whether a proxy names another file for the same question.
fn has_better(segment: &Segment, answer: &Answer) -> bool {
    segment.answers.iter().any(|it| {
        it.question == answer.question
            && it.server != answer.server
            && it.is_proxy()
            && it.file != answer.file
    }) && !answer.is_proxy()
        && answer.class == Class::Other
}

/// Several servers of a kind.
fn crowd(segment: &Segment, list: &mut Vec<Finding>) {
    for (at, asked) in segment.questions.iter().enumerate() {
        let own = segment.answers.iter().filter(|it| it.question == at);
        let replies: Vec<Reply> = own.map(|it| it.as_reply(asked)).collect();
        let seen = Observed { firmware: Some(asked.firmware), replies, ..Observed::default() };
        for known in diagnose::findings(&seen) {
            if matches!(known.id, "two-proxies" | "two-dhcp-servers") {
                let finding = Finding::from(known).of(asked.name());
                let what = finding.what.clone();
                merge(list, finding, |other| other.what == what);
            }
        }
    }
}

/// What boot servers did not say; the trap of option 60 is told by itself.
fn boot_servers(segment: &Segment, list: &mut Vec<Finding>) {
    for silent in segment.boot_answers.iter().filter(|it| it.answer.is_none()) {
        let Some(asked) = segment.questions.get(silent.question) else { continue };
        let is_trap = segment.answers.iter().any(|it| {
            it.question == silent.question
                && it.address.is_some()
                && it.boot_server() == Some(silent.server)
                && it.needs_boot_server(asked)
        });
        let seen = match silent.reached {
            _ if is_trap => continue,
            Reached::Closed => Observed {
                closed: vec![SocketAddrV4::new(silent.server, BOOT_SERVER_PORT)],
                ..Observed::default()
            },
            Reached::Silent => {
                Observed { boot_server_requests: vec![silent.server; 2], ..Observed::default() }
            }
            Reached::Answered | Reached::NotTried => continue,
        };
        for known in diagnose::findings(&seen) {
            let finding = Finding::from(known).of(asked.name());
            let what = finding.what.clone();
            merge(list, finding, |other| other.what == what);
        }
    }
}

/// Addresses that are somebody's already, and offers that EDK2 declines.
fn addresses(facts: &Facts, segment: &Segment, answer: &Answer, list: &mut Vec<Finding>) {
    let (Some(address), Some(server)) = (answer.address, answer.server) else { return };
    if address == server || facts.local.own.contains(&address) {
        let whose = if address == server { "its own" } else { "this machine's" };
        let finding = Finding::fault(
            "own-address-offered",
            format!("{server} offers {address} to machines, and that is {whose} address"),
            format!("Take {address} out of the pool of {server}."),
        );
        merge(list, finding, |other| other.what.contains(&format!("offers {address} ")));
    }
    if !answer.mask {
        let what = format!("{server} offers addresses without a subnet mask, which UEFI declines");
        let finding = Finding::fault("mask-missing", what.clone(), "Set option 1 there.");
        merge(list, finding.of(segment.interface.clone()), |other| other.what == what);
    }
}

/// Who gets an address and no file.
fn nothing_named(segment: &Segment, list: &mut Vec<Finding>) {
    let has_givers = segment.answers.iter().any(|it| it.address.is_some());
    if !has_givers {
        return;
    }
    let mut lacking: BTreeSet<Firmware> = BTreeSet::new();
    for (at, asked) in segment.questions.iter().enumerate().filter(|(_, asked)| !asked.ipxe) {
        let offers = segment.answers.iter().filter(|it| it.question == at);
        let named = offers.clone().any(|it| {
            is_heeded(it, asked) && (!it.file.is_empty() || it.has_menu || it.pxe_options)
        });
        let later = segment.boot_answers.iter().filter(|it| it.question == at);
        let named_later =
            later.filter_map(|it| it.answer.as_ref()).any(|answer| !answer.file.is_empty());
        if !named && !named_later && offers.count() > 0 {
            lacking.insert(asked.firmware);
        }
    }
    // Rare ones stand in the table, and are nobody's fault.
    let common: Vec<String> =
        COMMON.iter().filter(|it| lacking.contains(it)).map(ToString::to_string).collect();
    let advice = "Run pxe-server in proxy mode beside the DHCP server, or name it there: `pxe-server snippet`.";
    if !common.is_empty() {
        let what = format!(
            "on {} nobody names a boot file to {} (PXE-E53)",
            segment.interface,
            listed(&common)
        );
        let mut finding = Finding::fault("no-boot-information", what, advice);
        finding.firmware = common;
        list.push(finding);
    }
}

/// Everybody that was heard on a segment.
pub(in crate::doctor) fn servers_of(segment: &Segment) -> BTreeSet<Ipv4Addr> {
    segment.answers.iter().filter_map(|answer| answer.server).collect()
}
