//! Names that are asked for by TFTP and HTTP.

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
    builder.remap(Remap::regex("(", "x")).remap(Remap::prefix("a", "..")).remap(Remap::default());
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
