use core::net::{Ipv4Addr, SocketAddrV4};

use pxe_select::Firmware;

use super::*;

const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const GIVEN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);

fn reply(server: Ipv4Addr) -> Reply {
    Reply {
        server,
        is_ack: false,
        to_ipxe: false,
        address: None,
        next_server: None,
        file: String::new(),
        file_in_option_only: false,
        server_name: false,
        pxe_class: false,
        pxe_options: false,
    }
}

/// What a router says: an address.
fn lease() -> Reply {
    Reply { address: Some(GIVEN), ..reply(ROUTER) }
}

fn proxy(server: Ipv4Addr) -> Reply {
    Reply { next_server: Some(server), file: "ipxe.efi".into(), pxe_class: true, ..reply(server) }
}

fn read(at: f64, file: &str, outcome: Outcome) -> Read {
    Read { at, server: US, file: file.into(), http: false, outcome }
}

/// A boot that goes well.
fn good() -> Observed {
    Observed {
        firmware: Some(Firmware::X64Uefi),
        discovers: vec![0.0],
        requests: 1,
        boot_server_requests: vec![US],
        boot_server_replies: 1,
        replies: vec![lease(), proxy(US)],
        reads: vec![
            read(4.0, "ipxe.efi", Outcome::Probed),
            read(4.1, "ipxe.efi", Outcome::Answered),
            read(9.0, "vmlinuz", Outcome::Answered),
        ],
        last_heard: 10.0,
        end: 100.0,
        ..Observed::default()
    }
}

/// The faults in it.
fn faults(seen: &Observed) -> Vec<&'static str> {
    let list = findings(seen);
    for finding in &list {
        assert!(finding.advice.ends_with(['.', '`']), "{finding:?}");
    }
    list.iter().filter(|finding| finding.is_fault).map(|finding| finding.id).collect()
}

#[test]
fn a_good_boot_has_no_findings() {
    assert_eq!(findings(&good()), []);
    assert_eq!(summary(&good()), "x64-uefi: fetched 2 files, ipxe.efi first and vmlinuz last");
}

#[test]
fn planted_faults_are_found_and_named() {
    let nothing = Observed { discovers: vec![0.0, 4.0], end: 100.0, ..Observed::default() };
    let trap = Reply { pxe_class: true, ..lease() };
    let named = |file: &str| Reply { next_server: Some(ROUTER), file: file.into(), ..lease() };
    let with = |replies: Vec<Reply>| Observed { replies, ..good() };
    let untold =
        |seen: Observed| Observed { boot_server_requests: vec![], boot_server_replies: 0, ..seen };
    let refused = Outcome::Refused(1, "not found".into());
    for (expected, seen) in [
        ("no-answer", nothing.clone()),
        ("proxy-only", Observed { replies: vec![proxy(US)], ..good() }),
        ("no-boot-information", Observed { replies: vec![lease()], ..nothing.clone() }),
        (
            "two-proxies",
            with(vec![lease(), proxy(US), Reply { file: "x.efi".into(), ..proxy(ROUTER) }]),
        ),
        ("two-dhcp-servers", with(vec![lease(), Reply { server: US, ..lease() }, proxy(US)])),
        ("option-60-trap", untold(with(vec![trap, proxy(US)]))),
        (
            "next-server-empty",
            with(vec![Reply { server_name: true, next_server: None, ..named("ipxe.efi") }]),
        ),
        ("file-too-long", with(vec![named(&"a".repeat(128))])),
        ("wrong-architecture", with(vec![named("undionly.kpxe")])),
        ("ipxe-loop", with(vec![Reply { to_ipxe: true, ..named("ipxe.efi") }])),
        ("boot-server-silent", Observed { boot_server_replies: 0, ..good() }),
        ("declined", Observed { declines: 2, ..good() }),
        ("file-refused", Observed { reads: vec![read(4.0, "x.efi", refused.clone())], ..good() }),
        ("file-silence", Observed { reads: vec![read(4.0, "x.efi", Outcome::Silence)], ..good() }),
        ("port-closed", Observed { closed: vec![SocketAddrV4::new(US, 69)], ..good() }),
        ("offers-ignored", Observed { replies: vec![lease(), proxy(US)], ..nothing.clone() }),
        (
            "stopped-after-loader",
            Observed { reads: vec![read(4.0, "ipxe.efi", Outcome::Answered)], ..good() },
        ),
        (
            "never-fetched",
            Observed {
                replies: vec![Reply { is_ack: true, ..named("ipxe.efi") }],
                reads: vec![],
                ..good()
            },
        ),
    ] {
        assert_eq!(faults(&seen), [expected], "{seen:?}");
    }
}

#[test]
fn what_is_no_fault_is_a_note() {
    let refused = Outcome::Refused(1, "not found".into());
    let mut seen = good();
    seen.reads.insert(2, read(5.0, "grub.cfg-01", refused));
    seen.naks = 1;
    seen.asks_ipv6 = true;
    let notes: Vec<_> =
        findings(&seen).iter().map(|finding| (finding.id, finding.is_fault)).collect();
    assert_eq!(notes, [("refused-address", false), ("searched", false), ("dhcpv6", false)]);
    // PXE's own option 60 with option 43, and a server that answers on 4011, are as they should be.
    let right = Reply { pxe_class: true, pxe_options: true, file: "ipxe.efi".into(), ..lease() };
    assert_eq!(faults(&Observed { replies: vec![right], ..good() }), [""; 0]);
    // A URL may be long.
    let url = Reply { file: format!("http://{}", "a".repeat(200)), ..lease() };
    assert_eq!(faults(&Observed { replies: vec![url], ..good() }), [""; 0]);
}

#[test]
fn one_configuration_may_be_served_twice() {
    let script = |server| Reply {
        file: format!("tftp://{server}/menu.ipxe"),
        to_ipxe: true,
        ..proxy(server)
    };
    let all = vec![lease(), proxy(US), proxy(ROUTER), script(US), script(ROUTER)];
    let found = findings(&Observed { replies: all.clone(), ..good() });
    let told: Vec<_> = found.iter().map(|it| (it.id, it.is_fault, it.what.as_str())).collect();
    let what =
        "2 proxies answer it: 192.0.2.1 and 192.0.2.5; all of them name ipxe.efi and menu.ipxe";
    assert_eq!(told, [("two-proxies", false, what)]);
    // One of them knows less, or says it later.
    for replies in
        [all[..4].to_vec(), vec![proxy(US), Reply { file: String::new(), ..proxy(ROUTER) }]]
    {
        let found = findings(&Observed { replies, ..good() });
        assert!(found.iter().any(|it| it.id == "two-proxies" && it.is_fault), "{found:?}");
    }
}

/// What the story of a machine says of others' offers, in the words of a capture.
#[test]
fn offers_that_compete_with_ours_are_told_and_no_others() {
    let firmware = Some(Firmware::X64Uefi);
    let named = |file: &str| Reply { next_server: Some(ROUTER), file: file.into(), ..lease() };
    let told = |firmware, theirs: Reply| -> Vec<(&str, bool)> {
        let found = rivals(firmware, proxy(US), theirs.clone());
        let seen = Observed { firmware, replies: vec![proxy(US), theirs], ..Observed::default() };
        let known = findings(&seen);
        for it in &found {
            let same = |other: &&Finding| other.id == it.id;
            let other = known.iter().find(same).expect("a capture tells it, too");
            let (it, other) = (it.what.as_str(), other.what.as_str());
            let is_trap = it.ends_with(", and not us") && other.ends_with("nobody answers there");
            assert!(it == other || is_trap, "{it}; {other}");
        }
        found.iter().map(|it| (it.id, it.is_fault)).collect()
    };
    for (theirs, expected) in [
        (lease(), &[][..]),
        (named("ipxe.efi"), &[]),
        (named("boot/unknown"), &[]),
        (named("undionly.kpxe"), &[("wrong-architecture", false)]),
        (Reply { pxe_class: true, ..lease() }, &[("option-60-trap", true)]),
        (
            Reply { pxe_class: true, ..named("undionly.kpxe") },
            &[("option-60-trap", true), ("wrong-architecture", true)],
        ),
        // It serves PXE by itself.
        (Reply { pxe_class: true, pxe_options: true, ..named("ipxe.efi") }, &[]),
        (Reply { file: String::new(), ..proxy(ROUTER) }, &[("two-proxies", true)]),
        (Reply { file: "x.efi".into(), ..proxy(ROUTER) }, &[("two-proxies", true)]),
        (proxy(ROUTER), &[("two-proxies", false)]),
        (
            Reply { file: "undionly.kpxe".into(), ..proxy(ROUTER) },
            &[("two-proxies", true), ("wrong-architecture", true)],
        ),
    ] {
        assert_eq!(told(firmware, theirs.clone()), expected, "{theirs:?}");
        let http = rivals(Some(Firmware::X64UefiHttp), proxy(US), theirs);
        assert_eq!(http, [], "HTTP Boot believes its own class alone");
    }
    assert_eq!(told(None, named("undionly.kpxe")), []);
    let to_ipxe = Reply { pxe_class: true, to_ipxe: true, ..named("undionly.kpxe") };
    assert_eq!(told(firmware, to_ipxe), [], "iPXE boots without port 4011, and from either");
}
