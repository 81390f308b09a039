//! Host entries, rules and the loader table, in their order.

use super::*;

fn mac_rule(pattern: &str) -> When {
    let mut when = When::any();
    when.mac = Some(pattern.into());
    when
}

fn subnet(text: &str) -> When {
    let mut when = When::any();
    when.subnet = Some(text.into());
    when
}

fn arch(names: &[&str]) -> When {
    let mut when = When::any();
    when.arch = Some(names.iter().map(|name| (*name).to_owned()).collect());
    when
}

fn x64() -> ClientFacts<'static> {
    client(&[Arch(7)], b"PXEClient:Arch:00007:UNDI:003000")
}

#[test]
fn host_beats_rule_beats_table() {
    let mut builder = Policy::builder();
    builder.loader(Firmware::X64Uefi, "table.efi");
    assert_eq!(target(&builder.build().unwrap(), &x64()).as_deref(), Some("table.efi"));
    builder.rule(Rule::file(arch(&["x64-uefi"]), "rule.efi"));
    assert_eq!(target(&builder.build().unwrap(), &x64()).as_deref(), Some("rule.efi"));
    builder.host(Host::new("52:54:00:aa:00:01").with_loader("host.efi"));
    assert_eq!(target(&builder.build().unwrap(), &x64()).as_deref(), Some("host.efi"));
}

#[test]
fn the_first_matching_rule_wins_and_losers_say_why() {
    let policy = Policy::builder()
        .rule(Rule::file(arch(&["bios", "arm64-uefi"]), "a.efi"))
        .rule(Rule::file(subnet("10.2.0.0/16"), "b.efi"))
        .rule(Rule::file(mac_rule("52-54-00-*"), "c.efi"))
        .rule(Rule::file(arch(&["x64-uefi"]), "d.efi"))
        .build()
        .unwrap();
    let mut facts = x64();
    facts.relay = Some([10, 1, 0, 1].into());
    let decision = boot(&policy, &facts);
    assert_eq!(decision.action.target().as_deref(), Some("c.efi"));
    assert_eq!(
        decision.reasons.to_string(),
        "option 93 names architecture 7 (x64 UEFI): x64-uefi\n\
         rule 1 does not apply: arch does not list x64-uefi\n\
         rule 2 does not apply: the client is in another subnet\n\
         rule 3 matched: mac"
    );
}

#[test]
fn every_condition_has_to_hold() {
    let mut when = arch(&["x64-uefi"]);
    when.mac = Some("52:54:00:aa:00:01".into());
    when.subnet = Some("10.1.0.0/16".into());
    when.vendor_class = Some("PXEClient".into());
    when.user_class = Some("lab*".into());
    let policy = Policy::builder().rule(Rule::file(when, "all.efi")).build().unwrap();
    let mut all = x64();
    all.address = Some([10, 1, 9, 9].into());
    all.user_class = Some(b"\x05other\x06lab-17");
    assert_eq!(target(&policy, &all).as_deref(), Some("all.efi"));
    let mismatch = |change: fn(&mut ClientFacts<'_>)| {
        let mut facts = all;
        change(&mut facts);
        let decision = boot(&policy, &facts);
        decision.reasons.iter().find_map(|reason| match reason {
            Reason::RuleSkipped { mismatch, .. } => Some(*mismatch),
            _ => None,
        })
    };
    let bios = Mismatch::Arch { firmware: Some(Firmware::Bios) };
    assert_eq!(mismatch(|facts| facts.archs = &[Arch(0)]), Some(bios));
    assert_eq!(mismatch(|facts| facts.hardware_address = &PI), Some(Mismatch::Mac));
    assert_eq!(mismatch(|facts| facts.hardware_address = &[]), Some(Mismatch::Mac));
    assert_eq!(mismatch(|facts| facts.address = None), Some(Mismatch::SubnetUnknown));
    assert_eq!(
        mismatch(|facts| facts.address = Some([10, 2, 0, 1].into())),
        Some(Mismatch::Subnet)
    );
    assert_eq!(mismatch(|facts| facts.user_class = Some(b"Lab")), Some(Mismatch::UserClass));
    assert_eq!(mismatch(|facts| facts.user_class = None), Some(Mismatch::UserClass));
    assert_eq!(mismatch(|facts| facts.vendor_class = None), Some(Mismatch::VendorClass));
}

#[test]
fn where_a_client_is() {
    let policy = Policy::builder().rule(Rule::file(subnet("10.1.0.0/16"), "x")).build().unwrap();
    let inside = Some([10, 1, 0, 1].into());
    let outside = Some([10, 2, 0, 1].into());
    for (address, relay, link, expected) in [
        (inside, None, None, true),
        (None, inside, None, true),
        (inside, outside, outside, true),
        (None, None, inside, true),
        (None, outside, inside, false),
        (outside, None, inside, false),
        (None, None, None, false),
    ] {
        let mut facts = x64();
        (facts.address, facts.relay, facts.link) = (address, relay, link);
        assert_eq!(target(&policy, &facts).is_some(), expected, "{address:?} {relay:?} {link:?}");
    }
}

#[test]
fn vendor_class_is_a_beginning_or_a_pattern() {
    for (pattern, expected) in [
        ("PXEClient", true),
        ("PXEClient:Arch:00007", true),
        ("HTTPClient", false),
        ("*UNDI*", true),
        ("*UNDI", false),
        ("PXEClient:Arch:0000?:*", true),
    ] {
        let mut when = When::any();
        when.vendor_class = Some(pattern.into());
        let policy = Policy::builder().rule(Rule::file(when, "x")).build().unwrap();
        assert_eq!(target(&policy, &x64()).is_some(), expected, "{pattern}");
    }
}

#[test]
fn a_rule_for_firmware_never_loops_a_running_ipxe() {
    let policy = Policy::builder().rule(Rule::file(When::any(), "custom.efi")).build().unwrap();
    assert_eq!(target(&policy, &x64()).as_deref(), Some("custom.efi"));
    let decision = boot(&policy, &ipxe(true));
    assert!(matches!(decision.action, Action::Script { .. }));
    let skipped = Reason::RuleSkipped { rule: 0, mismatch: Mismatch::SpeaksToFirmware };
    assert!(has(&decision, |reason| *reason == skipped));
    // A stripped iPXE is the firmware.
    let mut stripped = ipxe(true);
    stripped.ipxe = None;
    assert_eq!(target(&policy, &stripped).as_deref(), Some("custom.efi"));
    let host = Host::new("525400aa0001").with_loader("host.efi");
    let policy = Policy::builder().host(host).build().unwrap();
    assert!(matches!(boot(&policy, &ipxe(true)).action, Action::Script { .. }));
    assert_eq!(target(&policy, &stripped).as_deref(), Some("host.efi"));
}

#[test]
fn a_rule_for_ipxe_is_given() {
    let mut when = When::any();
    when.user_class = Some("iPXE".into());
    for rule in
        [Rule::file(when.clone(), "lab.ipxe"), Rule::url(when.clone(), "http://192.0.2.5/lab.ipxe")]
    {
        let expected = rule.file.clone().or_else(|| rule.url.clone());
        let policy =
            Policy::builder().loader(Firmware::X64Uefi, "ipxe.efi").rule(rule).build().unwrap();
        assert_eq!(target(&policy, &ipxe(true)), expected);
        assert_eq!(target(&policy, &x64()).as_deref(), Some("ipxe.efi"));
    }
}

#[test]
fn a_running_ipxe_may_have_come_by_http() {
    let mut when = arch(&["x64-uefi-http"]);
    when.user_class = Some("iPXE".into());
    let policy = Policy::builder().rule(Rule::file(when, "x.ipxe")).build().unwrap();
    assert_eq!(target(&policy, &ipxe(true)).as_deref(), Some("x.ipxe"));
    assert!(target(&policy, &ipxe(false)).is_some_and(|name| name == "menu.ipxe"));
}

#[test]
fn a_url_is_for_those_who_take_one() {
    let policy = Policy::builder()
        .rule(Rule::url(When::any(), "http://192.0.2.5/x.efi"))
        .loader(Firmware::X64Uefi, "ipxe.efi")
        .build()
        .unwrap();
    let decision = boot(&policy, &x64());
    assert_eq!(decision.action.target().as_deref(), Some("ipxe.efi"));
    let mismatch = Mismatch::UrlNeedsHttp { firmware: Some(Firmware::X64Uefi) };
    assert!(has(&decision, |reason| *reason == Reason::RuleSkipped { rule: 0, mismatch }));
    for number in [16, 20] {
        let archs = [Arch(number)];
        let http = client(&archs, b"HTTPClient");
        assert_eq!(boot(&policy, &http).action, Action::Url("http://192.0.2.5/x.efi".into()));
    }
}

#[test]
fn denied_machines_get_nothing_at_any_stage() {
    let policy = Policy::builder()
        .loader(Firmware::X64Uefi, "ipxe.efi")
        .host(Host::new("52:54:00:aa:00:01").without_boot())
        .rule(Rule::deny(mac_rule("dc:a6:32:*")))
        .build()
        .unwrap();
    let mut banned = x64();
    banned.hardware_address = &PI;
    let mut banned_ipxe = ipxe(true);
    banned_ipxe.hardware_address = &PI;
    for facts in [x64(), ipxe(true), banned, banned_ipxe, ClientFacts::new(&MAC)] {
        for asked in [Asked::BootFile, Asked::Name(b"ipxe.efi"), Asked::Name(b"menu.ipxe")] {
            assert_eq!(policy.decide(&facts, asked).action, Action::Deny, "{facts:?} {asked:?}");
        }
    }
    let other = at(&[2, 0, 0, 0, 0, 1], x64());
    assert_eq!(target(&policy, &other).as_deref(), Some("ipxe.efi"));
}

#[test]
fn who_was_given_a_loader_is_not_denied_afterwards() {
    // The usual allow-list: these get a loader, everybody else nothing.
    let policy = Policy::builder()
        .host(Host::new("02:00:00:00:00:01").with_loader("own.efi"))
        .rule(Rule::file(mac_rule("52:54:00:*"), "lab.efi"))
        .rule(Rule::deny(When::any()))
        .build()
        .unwrap();
    let own = [2, 0, 0, 0, 0, 1];
    for (mac, loader) in [(&MAC, Some("lab.efi")), (&own, Some("own.efi")), (&PI, None)] {
        let firmware = at(mac, x64());
        assert_eq!(target(&policy, &firmware).as_deref(), loader);
        let running = at(mac, ipxe(true));
        let scripted = matches!(boot(&policy, &running).action, Action::Script { .. });
        assert_eq!(scripted, loader.is_some());
        for facts in [firmware, running] {
            let asked = policy.decide(&facts, Asked::Name(b"grub/x86_64-efi/normal.mod"));
            assert_eq!(asked.action == Action::Deny, loader.is_none());
        }
    }
}

#[test]
fn host_and_rule_may_name_a_file_for_unknown_firmware() {
    let policy = Policy::builder()
        .host(Host::new("52:54:00:aa:00:01").with_loader("own.efi"))
        .rule(Rule::file(mac_rule("dc:*"), "pi.efi"))
        .build()
        .unwrap();
    assert_eq!(target(&policy, &ClientFacts::new(&MAC)).as_deref(), Some("own.efi"));
    let strange_pi = at(&PI, client(&[Arch(33)], b"PXEClient"));
    assert_eq!(target(&policy, &strange_pi).as_deref(), Some("pi.efi"));
}

#[test]
fn many_rules_leave_room_for_the_one_that_decides() {
    let mut builder = Policy::builder();
    for number in 0..200 {
        builder.rule(Rule::deny(mac_rule(&format!("02:00:00:00:00:{number:02x}"))));
    }
    let last = builder.rule(Rule::file(When::any(), "last.efi")).build().unwrap();
    let decision = boot(&last, &x64());
    assert_eq!(decision.action.target().as_deref(), Some("last.efi"));
    assert!(matches!(decision.reasons.last(), Some(Reason::RuleMatched { rule: 200, .. })));
    assert_eq!(decision.reasons.omitted(), 200 - 16);
    assert!(decision.reasons.to_string().ends_with("(and 184 more that did not apply)"));
}
