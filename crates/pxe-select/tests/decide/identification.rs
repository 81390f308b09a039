//! What a client says of its firmware: numbers, classes, and those that say it wrong.

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
    assert!(has(&decision, |reason| *reason == Reason::ArchWithoutFirmware { arch: Arch(0x100) }));
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
        let said = has(&decision, |reason| matches!(reason, Reason::ClassDecidesTransport { .. }));
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
