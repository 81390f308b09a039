//! Which client gets what: tables of architectures, classes and misreports, hosts and rules, requested names.

use pxe_select::{
    Action, Arch, Asked, ClientFacts, Decision, Firmware, FolderBy, Generated, Host, Ipxe,
    IpxeFeatures, Mismatch, NameFault, Policy, Reason, Remap, Rule, When,
};

const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0xaa, 0x00, 0x01];
const PI: [u8; 6] = [0xdc, 0xa6, 0x32, 0x01, 0x02, 0x03];
const PI_ID: [u8; 17] = *b"\0RPi4\x03\x11\xc0\0\x01\x02\x03\x04\x05\x06\x07\x08";

/// Each firmware's loader is its own name, so that a mix-up shows.
fn one_loader_each() -> Policy {
    let mut builder = Policy::builder();
    for firmware in Firmware::all() {
        builder.loader(*firmware, firmware.name());
    }
    builder.http_base("http://{server}:8080/boot/");
    builder.build().unwrap()
}

fn boot<'p>(policy: &'p Policy, facts: &ClientFacts<'_>) -> Decision<'p> {
    policy.decide(facts, Asked::BootFile)
}

fn target(policy: &Policy, facts: &ClientFacts<'_>) -> Option<String> {
    boot(policy, facts).action.target().map(|target| target.into_owned())
}

fn has(decision: &Decision<'_>, wanted: impl Fn(&Reason) -> bool) -> bool {
    decision.reasons.iter().any(wanted)
}

fn full_features(efi: bool) -> IpxeFeatures {
    IpxeFeatures::from_flags([(0x13, 1), (0x15, 1), (0x27, 1), (if efi { 0x24 } else { 0x18 }, 1)])
}

fn ipxe(efi: bool) -> ClientFacts<'static> {
    let mut facts = ClientFacts::new(&MAC);
    facts.archs = if efi { &[Arch(7)] } else { &[Arch(0)] };
    facts.vendor_class = Some(b"PXEClient:Arch:00007:UNDI:003010");
    facts.user_class = Some(b"iPXE");
    facts.ipxe = Some(full_features(efi));
    facts
}

fn client<'a>(archs: &'a [Arch], vendor_class: &'a [u8]) -> ClientFacts<'a> {
    let mut facts = ClientFacts::new(&MAC);
    facts.archs = archs;
    facts.vendor_class = Some(vendor_class);
    facts
}

/// The same client at another hardware address.
fn at<'a>(hardware_address: &'a [u8], facts: ClientFacts<'a>) -> ClientFacts<'a> {
    let mut facts = facts;
    facts.hardware_address = hardware_address;
    facts
}

mod identification {
    use super::*;

    #[test]
    fn every_number_with_every_class() {
        let policy = one_loader_each();
        for number in (0..=50).chain([0xff, 0x100, 0xffff]) {
            let archs = [Arch(number)];
            let by_number = Arch(number).firmware();
            for (class, expected) in [
                (None, by_number),
                (Some(&b"PXEClient"[..]), as_pxe(number)),
                (Some(&b"PXEClient:Arch:00000:UNDI:002001"[..]), as_pxe(number)),
                (
                    Some(&b"HTTPClient:Arch:00016:UNDI:003000"[..]),
                    by_number.and_then(Firmware::over_http),
                ),
                (Some(&b"anaconda-Linux"[..]), by_number),
            ] {
                let mut facts = ClientFacts::new(&MAC);
                facts.archs = &archs;
                facts.vendor_class = class;
                let decision = boot(&policy, &facts);
                assert_eq!(decision.identity.firmware, expected, "{number} {class:?}");
                match (&decision.action, expected) {
                    (Action::Hold, None) => {}
                    (Action::File { name, .. }, Some(firmware)) if !firmware.is_http() => {
                        assert_eq!(**name, *firmware.name().as_bytes());
                    }
                    (Action::Url(url), Some(firmware)) if firmware.is_http() => {
                        assert_eq!(**url, *format!("http://{{server}}:8080/boot/{firmware}"));
                    }
                    other => panic!("{number} {class:?}: {other:?}"),
                }
            }
        }
    }

    fn as_pxe(number: u16) -> Option<Firmware> {
        match number {
            20 => Some(Firmware::Bios),
            24 => Some(Firmware::Arm64Uboot),
            _ => Arch(number).firmware().map(Firmware::over_tftp),
        }
    }

    #[test]
    fn the_first_known_number_wins() {
        let policy = one_loader_each();
        let archs = [Arch(0x100), Arch(33), Arch(11), Arch(7)];
        let decision = boot(&policy, &client(&archs, b"PXEClient"));
        assert_eq!(decision.identity.firmware, Some(Firmware::Arm64Uefi));
        assert!(
            has(&decision, |reason| *reason == Reason::ArchWithoutFirmware { arch: Arch(0x100) })
        );
        assert!(has(&decision, |reason| *reason == Reason::ArchWithoutFirmware { arch: Arch(33) }));
    }

    #[test]
    fn nine_is_x64_and_says_why() {
        let policy = one_loader_each();
        let decision = boot(&policy, &client(&[Arch(9)], b"PXEClient:Arch:00009:UNDI:003000"));
        assert_eq!(decision.action.target().as_deref(), Some("x64-uefi"));
        assert_eq!(
            decision.reasons.iter().next().unwrap().to_string(),
            "architecture 9 in option 93 is listed as EBC but real machines send it for x64: treated as x64-uefi"
        );
    }

    #[test]
    fn text_of_the_class_stands_in_for_a_missing_option_93() {
        let policy = one_loader_each();
        for (class, expected) in [
            (&b"PXEClient:Arch:00000:UNDI:002001"[..], Some(Firmware::Bios)),
            (b"PXEClient:Arch:00007:UNDI:003000", Some(Firmware::X64Uefi)),
            (b"PXEClient:Arch:00009", Some(Firmware::X64Uefi)),
            (b"PXEClient:Arch:7:UNDI", Some(Firmware::X64Uefi)),
            (b"PXEClient:Arch:00011\0", Some(Firmware::Arm64Uefi)),
            (b"PXEClient:Arch:00016:UNDI:003000", Some(Firmware::X64Uefi)),
            (b"HTTPClient:Arch:00016:UNDI:003000", Some(Firmware::X64UefiHttp)),
            (b"HTTPClient:Arch:00007", Some(Firmware::X64UefiHttp)),
            (b"HTTPClient:Arch:00000", None),
            (b"PXEClient:Arch:00033:UNDI", None),
            (b"PXEClient:Arch:99999:UNDI", None),
            (b"PXEClient:Arch:000007", None),
            (b"PXEClient:Arch::UNDI", None),
            (b"PXEClient:Arch:+7:UNDI", None),
            (b"PXEClient:Arch:7x", None),
            (b"PXEClient", None),
            (b"HTTPClient", None),
            (b"pxeclient:Arch:00007", None),
            (b"", None),
        ] {
            let decision = boot(&policy, &client(&[], class));
            let shown = String::from_utf8_lossy(class);
            assert_eq!(decision.identity.firmware, expected, "{shown}");
            assert_eq!(decision.action == Action::Hold, expected.is_none(), "{shown}");
        }
    }

    #[test]
    fn a_bare_pxe_client_is_held_not_called_bios() {
        let policy = one_loader_each();
        let decision = boot(&policy, &client(&[], b"PXEClient"));
        assert_eq!(decision.action, Action::Hold);
        assert!(has(&decision, |reason| *reason == Reason::NoArch { boots: true }));
        assert_eq!(decision.reasons.last(), Some(&Reason::HeldUnknown));
    }

    #[test]
    fn option_93_wins_over_option_60_and_says_so() {
        let policy = one_loader_each();
        let decision = boot(&policy, &client(&[Arch(7)], b"PXEClient:Arch:00000:UNDI:002001"));
        assert_eq!(decision.action.target().as_deref(), Some("x64-uefi"));
        let disagree = Reason::ArchsDisagree { listed: Arch(7), class: Arch(0) };
        assert!(has(&decision, |reason| *reason == disagree));
        let agreeing = boot(&policy, &client(&[Arch(7)], b"PXEClient:Arch:00007")).reasons;
        assert!(!agreeing.iter().any(|reason| matches!(reason, Reason::ArchsDisagree { .. })));
    }

    #[test]
    fn the_class_decides_between_tftp_and_http() {
        let policy = one_loader_each();
        for (number, class, expected) in [
            (16, &b"PXEClient:Arch:00016:UNDI:003000"[..], "x64-uefi"),
            (16, b"HTTPClient:Arch:00016:UNDI:003000", "http://{server}:8080/boot/x64-uefi-http"),
            (7, b"HTTPClient:Arch:00007:UNDI:003000", "http://{server}:8080/boot/x64-uefi-http"),
            (20, b"PXEClient:Arch:00020:UNDI:003000", "bios"),
        ] {
            let decision = boot(&policy, &client(&[Arch(number)], class));
            assert_eq!(decision.action.target().as_deref(), Some(expected));
            let by_class = matches!(number, 7 | 20) || expected == "x64-uefi";
            let said =
                has(&decision, |reason| matches!(reason, Reason::ClassDecidesTransport { .. }));
            assert_eq!(said, by_class, "{number} {expected}");
        }
        let decision = boot(&policy, &client(&[Arch(20)], b"HTTPClient:Arch:00020"));
        assert_eq!(decision.action, Action::Hold);
        assert!(decision.identity.http);
        assert!(has(&decision, |reason| *reason == Reason::NoHttpFirmware { arch: Arch(20) }));
    }

    #[test]
    fn raspberry_pi_by_mac_or_machine_id_never_by_number() {
        let policy = one_loader_each();
        let rom = b"PXEClient:Arch:00000:UNDI:002001";
        let mut by_mac = client(&[Arch(0)], rom);
        by_mac.hardware_address = &PI;
        assert_eq!(target(&policy, &by_mac).as_deref(), Some("rpi"));
        let mut by_id = client(&[Arch(0)], rom);
        by_id.machine_id = Some(&PI_ID);
        assert_eq!(target(&policy, &by_id).as_deref(), Some("rpi"));
        assert_eq!(target(&policy, &client(&[Arch(0)], rom)).as_deref(), Some("bios"));
        assert_eq!(target(&policy, &client(&[Arch(41)], rom)).as_deref(), Some("rpi"));
        // A request without class and number, as some EEPROMs send.
        assert_eq!(target(&policy, &ClientFacts::new(&PI)).as_deref(), Some("rpi"));
        for prefix in ["b827eb", "dca632", "e45f01", "28cdc1", "d83add", "2ccf67", "88a29e"] {
            let mut mac = [0; 6];
            for (slot, pair) in mac.iter_mut().zip(prefix.as_bytes().chunks(2)) {
                *slot = u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
            }
            assert_eq!(target(&policy, &at(&mac, by_mac)).as_deref(), Some("rpi"), "{prefix}");
        }
    }

    #[test]
    fn a_raspberry_pi_under_other_firmware_is_taken_at_its_word() {
        let policy = one_loader_each();
        for (number, class, expected) in [
            (11, &b"PXEClient:Arch:00011:UNDI:003000"[..], Firmware::Arm64Uefi),
            (19, b"HTTPClient:Arch:00019:UNDI:003000", Firmware::Arm64UefiHttp),
            (22, b"U-Boot.armv8", Firmware::Arm64Uboot),
        ] {
            let archs = [Arch(number)];
            let mut facts = client(&archs, class);
            facts.hardware_address = &PI;
            let decision = boot(&policy, &facts);
            assert_eq!(decision.identity.firmware, Some(expected));
            let other = Reason::RaspberryPiRunsOther { firmware: expected };
            assert!(has(&decision, |reason| *reason == other));
        }
        // A number without meaning is no Raspberry Pi either: nothing says that its ROM sent it.
        let mut facts = client(&[Arch(0xffff)], b"PXEClient");
        facts.hardware_address = &PI;
        assert_eq!(boot(&policy, &facts).action, Action::Hold);
    }

    #[test]
    fn u_boot() {
        let policy = one_loader_each();
        for (archs, class, expected) in [
            (&[Arch(22)][..], &b"U-Boot.armv8"[..], Some("arm64-uboot")),
            (&[], b"U-Boot.armv8", Some("arm64-uboot")),
            (&[Arch(0xffff)], b"U-Boot.armv8", Some("arm64-uboot")),
            (&[Arch(0x100)], b"U-Boot.armv8", Some("arm64-uboot")),
            (&[Arch(0)], b"U-Boot.armv8", Some("arm64-uboot")),
            (&[Arch(24)], b"U-Boot.armv8", Some("arm64-uboot")),
            (&[Arch(21)], b"U-Boot.armv7", None),
            (&[], b"U-Boot.armv7", None),
            (&[Arch(0)], b"U-Boot.armv7", None),
            (&[Arch(0)], b"U-Boot.arm", None),
            (&[Arch(0)], b"U-Boot", Some("bios")),
            (&[], b"U-Boot", None),
            (&[Arch(11)], b"PXEClient:Arch:00011:UNDI:003000", Some("arm64-uefi")),
        ] {
            let found = target(&policy, &client(archs, class));
            assert_eq!(found.as_deref(), expected, "{archs:?} {}", String::from_utf8_lossy(class));
        }
    }

    #[test]
    fn identify_and_decide_agree() {
        let policy = one_loader_each();
        let facts = ipxe(true);
        assert_eq!(policy.identify(&facts), boot(&policy, &facts).identity);
    }
}

mod running_ipxe {
    use super::*;

    #[test]
    fn gets_its_script() {
        let policy = one_loader_each();
        for efi in [false, true] {
            let menu = Action::Script { name: "menu.ipxe", generated: Some(Generated::IpxeMenu) };
            assert_eq!(boot(&policy, &ipxe(efi)).action, menu);
        }
        let mut framed = ipxe(true);
        framed.user_class = Some(b"\x04iPXE");
        assert!(matches!(boot(&policy, &framed).action, Action::Script { .. }));
        let mut only_175 = ipxe(true);
        only_175.user_class = None;
        let decision = boot(&policy, &only_175);
        assert!(matches!(decision.action, Action::Script { .. }));
        assert!(has(&decision, |reason| *reason == Reason::IpxeByOption175));
    }

    #[test]
    fn gets_its_script_on_any_machine() {
        // A script needs no program for the machine, so nothing has to be guessed.
        let mut facts = ipxe(true);
        facts.archs = &[Arch(0xffff)];
        facts.vendor_class = None;
        assert!(matches!(boot(&Policy::default(), &facts).action, Action::Script { .. }));
    }

    #[test]
    fn a_script_of_ones_own() {
        let policy = Policy::builder().ipxe_script("/lab/boot.ipxe").build().unwrap();
        let script = Action::Script { name: "lab/boot.ipxe", generated: None };
        assert_eq!(boot(&policy, &ipxe(true)).action, script);
    }

    #[test]
    fn stripped_builds_get_the_full_one() {
        let policy = one_loader_each();
        let without = |code: u8| {
            let mut features = full_features(false);
            features.set_flag(code, 0);
            Some(features)
        };
        let cases = [None, Some(IpxeFeatures::NONE), without(0x13), without(0x27), without(0x18)];
        for features in cases {
            let mut facts = ipxe(false);
            facts.ipxe = features;
            let decision = boot(&policy, &facts);
            assert_eq!(decision.action.target().as_deref(), Some("bios"), "{features:?}");
            assert!(has(&decision, |reason| matches!(reason, Reason::IpxeIncomplete { .. })));
            assert!(matches!(decision.identity.ipxe, Ipxe::Incomplete(_)));
        }
        let mut stranger = ipxe(false);
        stranger.ipxe = Some(IpxeFeatures::NONE);
        stranger.archs = &[];
        stranger.vendor_class = None;
        assert_eq!(boot(&policy, &stranger).action, Action::Hold);
    }

    #[test]
    fn the_script_comes_by_http_only_when_there_is_http() {
        let mut facts = ipxe(true);
        facts.ipxe = Some(IpxeFeatures::from_flags([(0x15, 1), (0x27, 1), (0x24, 1)]));
        let loader = |builder: &mut pxe_select::PolicyBuilder| {
            builder.loader(Firmware::X64Uefi, "ipxe.efi").build().unwrap()
        };
        let over_tftp = loader(&mut Policy::builder());
        assert!(matches!(boot(&over_tftp, &facts).action, Action::Script { .. }));
        let over_http = loader(Policy::builder().http_base("http://192.0.2.5/"));
        assert_eq!(target(&over_http, &facts).as_deref(), Some("ipxe.efi"));
    }

    #[test]
    fn over_tls_the_script_stays_with_tftp() {
        let mut facts = ipxe(true);
        facts.ipxe = Some(IpxeFeatures::from_flags([(0x15, 1), (0x27, 1), (0x24, 1)]));
        let mut policy = Policy::builder();
        policy.loader(Firmware::X64Uefi, "ipxe.efi").http_base("https://192.0.2.5/boot/");
        let policy = policy.build().unwrap();
        assert!(matches!(boot(&policy, &facts).action, Action::Script { .. }));
        assert_eq!(policy.script_base(), None);
        // The firmware itself is told the URL.
        let mut firmware = ClientFacts::new(&MAC);
        firmware.archs = &[Arch(16)];
        firmware.vendor_class = Some(b"HTTPClient:Arch:00016:UNDI:003000");
        let url = target(&policy, &firmware);
        assert_eq!(url.as_deref(), Some("https://192.0.2.5/boot/ipxe.efi"));
    }

    #[test]
    fn gpxe_cannot_read_the_script() {
        let policy = one_loader_each();
        for class in [&b"gPXE"[..], b"\x04gPXE"] {
            let mut facts = ipxe(false);
            facts.user_class = Some(class);
            assert_eq!(target(&policy, &facts).as_deref(), Some("bios"));
        }
    }
}

mod hosts_and_rules {
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
        let policy =
            Policy::builder().rule(Rule::file(subnet("10.1.0.0/16"), "x")).build().unwrap();
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
            assert_eq!(
                target(&policy, &facts).is_some(),
                expected,
                "{address:?} {relay:?} {link:?}"
            );
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
        for rule in [
            Rule::file(when.clone(), "lab.ipxe"),
            Rule::url(when.clone(), "http://192.0.2.5/lab.ipxe"),
        ] {
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
                assert_eq!(
                    policy.decide(&facts, asked).action,
                    Action::Deny,
                    "{facts:?} {asked:?}"
                );
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
}

mod http_boot {
    use super::*;

    fn http() -> ClientFacts<'static> {
        client(&[Arch(16)], b"HTTPClient:Arch:00016:UNDI:003000")
    }

    #[test]
    fn without_a_base_it_is_held() {
        let policy = Policy::builder()
            .loader(Firmware::X64UefiHttp, "ipxe.efi")
            .host(Host::new("02:00:00:00:00:01").with_loader("own.efi"))
            .build()
            .unwrap();
        let own = at(&[2, 0, 0, 0, 0, 1], http());
        for facts in [http(), own] {
            let decision = boot(&policy, &facts);
            assert_eq!(decision.action, Action::Hold);
            assert_eq!(decision.reasons.last(), Some(&Reason::HeldNoHttpBase));
        }
    }

    #[test]
    fn the_tftp_twin_stands_in() {
        let policy = Policy::builder()
            .loader(Firmware::X64Uefi, "my boot/ipxe#1.efi")
            .http_base("http://{server}:8080/boot")
            .build()
            .unwrap();
        let decision = boot(&policy, &http());
        assert_eq!(
            decision.action,
            Action::Url("http://{server}:8080/boot/my%20boot/ipxe%231.efi".into())
        );
        let twin = Reason::LoaderOfTwin { firmware: Firmware::X64Uefi };
        assert_eq!(decision.reasons.last(), Some(&twin));
    }

    #[test]
    fn a_url_that_fits_no_option_is_held() {
        let name = "é".repeat(60);
        let policy = Policy::builder()
            .loader(Firmware::X64Uefi, &name)
            .http_base("http://192.0.2.5/")
            .build()
            .unwrap();
        assert_eq!(boot(&policy, &http()).reasons.last(), Some(&Reason::HeldUrlTooLong));
        let by_tftp = client(&[Arch(7)], b"PXEClient");
        assert_eq!(target(&policy, &by_tftp), Some(name));
    }
}

mod held {
    use super::*;

    #[test]
    fn a_missing_loader_is_named_with_its_candidates() {
        let policy = Policy::builder().loader(Firmware::Bios, "undionly.kpxe").build().unwrap();
        let decision = boot(&policy, &client(&[Arch(11)], b"PXEClient"));
        assert_eq!(decision.action, Action::Hold);
        let said = decision.reasons.last().unwrap().to_string();
        assert!(
            said.starts_with("there is no loader for arm64-uefi; put one of ipxe-arm64.efi,"),
            "{said}"
        );
        assert!(said.contains("grubaa64.efi") && !said.contains("kpxe"), "{said}");
    }

    #[test]
    fn unknown_firmware_says_what_to_do() {
        let decision = boot(&Policy::default(), &ClientFacts::new(&MAC)).reasons.to_string();
        assert!(decision.contains("never gets a guessed file"), "{decision}");
        assert!(decision.contains("[[host]]") && decision.contains("option 93"), "{decision}");
    }
}

mod requested_names {
    use super::*;

    fn ask<'a>(policy: &'a Policy, name: &'a [u8]) -> Decision<'a> {
        policy.decide(&ClientFacts::new(&MAC), Asked::Name(name))
    }

    fn file(name: &[u8], generated: Option<Generated>) -> Action<'_> {
        Action::File { name: name.into(), trimmed: None, instead: None, generated }
    }

    #[test]
    fn plain_and_generated() {
        let policy = Policy::default();
        let menu = Some(Generated::IpxeMenu);
        let grub = Some(Generated::GrubConfig);
        for (requested, expected, generated) in [
            (&b"/boot//ipxe.efi"[..], &b"boot/ipxe.efi"[..], None),
            (b"\\Boot\\BCD", b"Boot/BCD", None),
            (b"menu.ipxe", b"menu.ipxe", menu),
            (b"/autoexec.ipxe", b"autoexec.ipxe", menu),
            (b"/grub/grub.cfg", b"grub/grub.cfg", grub),
            (b"/grub/x86_64-efi/grub.cfg", b"grub/x86_64-efi/grub.cfg", None),
            (b"pxelinux.cfg/default", b"pxelinux.cfg/default", None),
        ] {
            assert_eq!(ask(&policy, requested).action, file(expected, generated));
        }
    }

    #[test]
    fn escapes_are_denied_with_the_reason() {
        let policy = Policy::default();
        for name in [&b"../etc/shadow"[..], b"..\\..\\x", b"a/../../b", b"C:\\..\\x", b"/.."] {
            let decision = ask(&policy, name);
            assert_eq!(decision.action, Action::Deny);
            let refused = Reason::NameRefused { fault: NameFault::ParentDirectory };
            assert_eq!(decision.reasons.last(), Some(&refused));
        }
        assert_eq!(ask(&policy, b"").action, Action::Deny);
        assert_eq!(ask(&policy, b"a\x1bb").action, Action::Deny);
    }

    #[test]
    fn appended_garbage_is_a_second_try() {
        let policy = Policy::default();
        let expected = Action::File {
            name: b"menu.ipxe\xff".as_slice().into(),
            trimmed: Some(9),
            instead: None,
            generated: Some(Generated::IpxeMenu),
        };
        let decision = ask(&policy, b"menu.ipxe\xff");
        assert_eq!(decision.action, expected);
        assert!(has(&decision, |reason| *reason == Reason::NameTrimmed));
    }

    #[test]
    fn rewritten_names_say_so_and_stay_below_the_root() {
        let policy = Policy::builder()
            .host(Host::new("52:54:00:aa:00:01").without_boot())
            .remap(Remap::regex("^pxelinux\\.cfg/default$", "grub/grub.cfg"))
            .remap(Remap::prefix("up", "."))
            .build()
            .unwrap();
        let stranger = ClientFacts::new(&[]);
        let ask = |name| policy.decide(&stranger, Asked::Name(name));
        let decision = ask(b"/pxelinux.cfg/default");
        assert_eq!(decision.action, file(b"grub/grub.cfg", Some(Generated::GrubConfig)));
        assert!(decision.reasons.to_string().contains("rewriting rule 1 made it this name"));
        assert_eq!(ask(b"up./x").action, Action::Deny);
        // Who must not boot gets nothing by another name either.
        let denied = policy.decide(&ClientFacts::new(&MAC), Asked::Name(b"pxelinux.cfg/default"));
        assert_eq!(denied.action, Action::Deny);
    }

    #[test]
    fn a_machines_folder_comes_with_the_name_and_its_reason() {
        let policy = Policy::builder()
            .host(Host::new("52:54:00:aa:00:01").with_folder("/hosts/node1"))
            .host(Host::new("52:54:00:aa:00:02").with_folder("node2").without_boot())
            .folder_by(FolderBy::Mac)
            .remap(Remap::suffix(".0", ".kpxe"))
            .build()
            .unwrap();
        let facts = ClientFacts::new(&MAC);
        for asked in [Asked::Name(b"/pxelinux.0"), Asked::Upload(b"/pxelinux.0")] {
            let decision = policy.decide(&facts, asked);
            assert_eq!(decision.action, file(b"pxelinux.kpxe", None), "the name is without it");
            assert_eq!(decision.folder.as_deref(), Some("hosts/node1"));
            assert!(has(&decision, |reason| *reason == Reason::HostNamesFolder { host: 0 }));
        }
        let other = ClientFacts::new(&[0x52, 0x54, 0, 0xaa, 0, 9]);
        let decision = policy.decide(&other, Asked::Name(b"a"));
        assert_eq!(decision.folder.as_deref(), Some("52-54-00-aa-00-09"));
        // Whoever gets nothing has no folder either, and a boot file is named as it is.
        let denied = ClientFacts::new(&[0x52, 0x54, 0, 0xaa, 0, 2]);
        assert_eq!(policy.decide(&denied, Asked::Name(b"a")).folder, None);
        assert_eq!(policy.decide(&facts, Asked::BootFile).folder, None);
    }

    #[test]
    fn uploads_are_refused_to_whom_files_are_refused() {
        let mut banned = When::any();
        banned.mac = Some("52:54:00:bb:*".into());
        let policy = Policy::builder()
            .host(Host::new("52:54:00:aa:00:02").without_boot())
            .rule(Rule::deny(banned))
            .build()
            .unwrap();
        let upload = |mac: &[u8], name: &'static [u8]| {
            policy.decide(&ClientFacts::new(mac), Asked::Upload(name)).action
        };
        assert_eq!(upload(&[0x52, 0x54, 0, 0xaa, 0, 2], b"a"), Action::Deny);
        assert_eq!(upload(&[0x52, 0x54, 0, 0xbb, 0, 2], b"a"), Action::Deny);
        assert_eq!(upload(&MAC, b"../a"), Action::Deny);
        // A name that we would generate is an ordinary one here, and nothing is cut from it.
        assert_eq!(upload(&MAC, b"\\dumps\\grub.cfg"), file(b"dumps/grub.cfg", None));
        assert_eq!(upload(&MAC, b"core\xff"), file(b"core\xff", None));
    }

    #[test]
    fn every_fault_of_rewriting_rules_is_reported() {
        let mut builder = Policy::builder();
        builder
            .remap(Remap::regex("(", "x"))
            .remap(Remap::prefix("a", ".."))
            .remap(Remap::default());
        let places: Vec<_> = builder
            .build()
            .unwrap_err()
            .iter()
            .map(|error| (error.place.to_string(), error.key))
            .collect();
        assert_eq!(
            places,
            [
                ("remap 1".to_owned(), "regex"),
                ("remap 2".to_owned(), "replace"),
                ("remap 3".to_owned(), "prefix")
            ]
        );
        for _ in 0..64 {
            builder.remap(Remap::suffix("a", "b"));
        }
        assert!(builder.build().unwrap_err().to_string().contains("there are 67 rules"));
    }

    #[test]
    fn a_rule_that_names_a_boot_file_does_not_change_names() {
        let policy = Policy::builder().rule(Rule::file(When::any(), "x.efi")).build().unwrap();
        assert_eq!(ask(&policy, b"y.efi").action, file(b"y.efi", None));
    }
}

/// What the requests in `shared/captures` say (real firmware, see the README there), with the intended answer.
mod captured {
    use super::*;

    #[test]
    fn every_request_gets_its_own_loader() {
        let policy = one_loader_each();
        let base = "http://{server}:8080/boot/";
        for (origin, class, archs, expected) in [
            (
                "aavmf-arm64-shim-then-http",
                "PXEClient:Arch:00011:UNDI:003000",
                &[Arch(11)][..],
                "arm64-uefi",
            ),
            (
                "aavmf-arm64-shim-then-http",
                "HTTPClient:Arch:00019:UNDI:003000",
                &[Arch(19)],
                "arm64-uefi-http",
            ),
            (
                "ipxe-bios-and-ovmf-x64-chain",
                "PXEClient:Arch:00007:UNDI:003000",
                &[Arch(7)],
                "x64-uefi",
            ),
            ("ovmf-ia32-grub", "PXEClient:Arch:00006:UNDI:003000", &[Arch(6)], "x86-uefi"),
            ("ovmf-x64-http", "HTTPClient:Arch:00016:UNDI:003000", &[Arch(16)], "x64-uefi-http"),
            ("uboot-arm64", "U-Boot.armv8", &[Arch(22)], "arm64-uboot"),
            ("uboot-arm64", "PXEClient:Arch:00011:UNDI:003000", &[Arch(11)], "arm64-uefi"),
            ("s390-netboot", "", &[Arch(31)], "s390x"),
            ("slof-ppc64", "", &[Arch(12)], "ppc64-of"),
        ] {
            let mut facts = client(archs, class.as_bytes());
            facts.machine_id = Some(&[0; 17]);
            facts.vendor_class = facts.vendor_class.filter(|class| !class.is_empty());
            let found = target(&policy, &facts).unwrap();
            assert_eq!(found.strip_prefix(base).unwrap_or(&found), expected, "{origin}");
        }
        // The first DISCOVER of s390-netboot and slof-ppc64 says nothing at all; their second does.
        assert_eq!(boot(&policy, &ClientFacts::new(&MAC)).action, Action::Hold);
    }

    #[test]
    fn both_ipxe_get_a_script() {
        let policy = one_loader_each();
        let bios: &[u8] =
            &[0xb1, 0xeb, 0x17, 0x22, 0x13, 0x11, 0x27, 0x19, 0x29, 0x10, 0x21, 0x15, 0x18, 0x12];
        let efi: &[u8] = &[0xb1, 0xeb, 0x17, 0x24, 0x13, 0x11, 0x27, 0x29, 0x15, 0x1b, 0x12];
        for (archs, flags) in [([Arch(0)], bios), ([Arch(7)], efi)] {
            let mut facts = client(&archs, b"PXEClient:Arch:00000:UNDI:002001");
            facts.user_class = Some(b"iPXE");
            facts.ipxe = Some(IpxeFeatures::from_flags(flags.iter().map(|code| (*code, 1))));
            assert!(matches!(boot(&policy, &facts).action, Action::Script { .. }), "{archs:?}");
            assert_eq!(boot(&policy, &facts).identity.ipxe, Ipxe::Complete);
        }
    }
}
