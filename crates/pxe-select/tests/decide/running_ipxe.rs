//! An iPXE that runs already, whole and stripped.

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
