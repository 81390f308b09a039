//! What a host entry says its machine boots, at every stage.

use pxe_select::{
    Action, Arch, Asked, Asker, Bait, ClientFacts, Decision, Firmware, Generated, Host,
    IpxeFeatures, Policy, Reason, Rule, Target, When,
};

const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0xaa, 0x00, 0x01];
const STRANGER: [u8; 6] = [0x52, 0x54, 0x00, 0xaa, 0x00, 0x09];
const X64: &[Arch] = &[Arch(7)];

fn policy(target: Target) -> Policy {
    let mut banned = When::any();
    banned.mac = Some("02:*".into());
    let mut builder = Policy::builder();
    builder
        .loader(Firmware::X64Uefi, "ipxe.efi")
        .bait("pxe-loader")
        .host(Host::new("52:54:00:aa:00:01").with_target(target))
        .rule(Rule::deny(banned));
    builder.build().expect("a sound policy")
}

fn firmware(mac: &[u8; 6]) -> ClientFacts<'_> {
    let mut facts = ClientFacts::new(mac);
    facts.archs = X64;
    facts.vendor_class = Some(b"PXEClient:Arch:00007:UNDI:003000");
    facts
}

fn ipxe(mac: &[u8; 6]) -> ClientFacts<'_> {
    let mut facts = firmware(mac);
    facts.user_class = Some(b"iPXE");
    let flags = [0x13, 0x15, 0x24, 0x27].map(|flag| (flag, 1));
    facts.ipxe = Some(IpxeFeatures::from_flags(flags));
    facts
}

fn image() -> Target {
    Target::Image("debian-12.iso#auto".into())
}

fn says_so(decision: &Decision<'_>) -> bool {
    decision.reasons.iter().any(|reason| *reason == Reason::HostNamesTarget { host: 0 })
}

#[test]
fn firmware_gets_its_loader_and_what_it_loads_gets_the_target() {
    let policy = policy(image());
    let first = policy.decide(&firmware(&MAC), Asked::BootFile);
    assert_eq!((first.action.target().as_deref(), first.target), (Some("ipxe.efi"), None));
    let second = policy.decide(&ipxe(&MAC), Asked::BootFile);
    let menu = Action::Script { name: "menu.ipxe", generated: Some(Generated::IpxeMenu) };
    assert_eq!((&second.action, second.target), (&menu, Some(&image())));
    assert!(says_so(&second), "{}", second.reasons);
    for name in [&b"menu.ipxe"[..], b"/autoexec.ipxe", b"grub/grub.cfg", b"pxelinux.cfg/default"] {
        let asked = policy.decide(&firmware(&MAC), Asked::Name(name));
        assert_eq!(asked.target, Some(&image()), "{}", asked.reasons);
        assert!(says_so(&asked));
    }
    // Of an ordinary file, and of another machine, it says nothing.
    assert_eq!(policy.decide(&ipxe(&MAC), Asked::Name(b"ipxe.efi")).target, None);
    assert_eq!(policy.decide(&ipxe(&STRANGER), Asked::Name(b"menu.ipxe")).target, None);
    assert_eq!(policy.decide(&ipxe(&STRANGER), Asked::BootFile).target, None);
}

#[test]
fn a_script_is_named_at_once() {
    let own = policy(Target::Script("hosts/own.ipxe".into()));
    let action = own.decide(&ipxe(&MAC), Asked::BootFile).action;
    assert_eq!(action, Action::Script { name: "hosts/own.ipxe", generated: None });
    let elsewhere = policy(Target::Script("http://192.0.2.9/own.ipxe".into()));
    let action = elsewhere.decide(&ipxe(&MAC), Asked::BootFile).action;
    assert_eq!(action, Action::Url("http://192.0.2.9/own.ipxe".into()));
    // A bait cannot stand for a URL: it gets a text that goes on there.
    let mut facts = ipxe(&MAC);
    facts.asker = Asker::Ipxe;
    let baited = elsewhere.decide(&facts, Asked::Name(b"pxe-loader"));
    assert_eq!(baited.bait, elsewhere.bait(b"pxe-loader"));
    assert!(baited.bait.is_some_and(|bait: Bait| bait.firmware.is_none()));
    assert!(matches!(baited.action, Action::Script { .. }), "{}", baited.reasons);
    assert!(matches!(baited.target, Some(Target::Script(_))));
    // GRUB cannot run it, so GRUB's machine gets the menu.
    assert_eq!(own.decide(&firmware(&MAC), Asked::Name(b"grub/grub.cfg")).target, None);
}

#[test]
fn pxelinux_configurations_are_made_for_those_who_read_them() {
    let policy = policy(image());
    let generated = |facts: &ClientFacts<'_>, name: &'static [u8]| match policy
        .decide(facts, Asked::Name(name))
        .action
    {
        Action::File { generated, .. } => generated,
        other => panic!("{other:?}"),
    };
    let made = Some(Generated::PxelinuxConfig);
    let mut bios = firmware(&STRANGER);
    bios.archs = &[Arch(0)];
    bios.vendor_class = Some(b"PXEClient:Arch:00000:UNDI:002001");
    let mut mainframe = firmware(&STRANGER);
    mainframe.archs = &[Arch(31)];
    mainframe.vendor_class = None;
    let (default, by_mac): (&[u8], &[u8]) =
        (b"pxelinux.cfg/default", b"pxelinux.cfg/01-52-54-00-aa-00-09");
    for (facts, expected) in [
        (bios, made),
        (firmware(&STRANGER), None),
        (mainframe, None),
        (ClientFacts::new(&STRANGER), None),
    ] {
        assert_eq!(generated(&facts, default), expected, "{facts:?}");
        // It would hide the administrator's own `default`.
        assert_eq!(generated(&facts, by_mac), None, "{facts:?}");
    }
    let mut asks = ClientFacts::new(&STRANGER);
    asks.asker = Asker::Pxelinux;
    assert_eq!(generated(&asks, default), made);
    // Whoever asks by an address says whose boot it is, even if nothing else is known.
    let nobody = ClientFacts::new(&[]);
    let own = policy.decide(&nobody, Asked::Name(b"pxelinux.cfg/01-52-54-00-aa-00-01"));
    assert_eq!(own.target, Some(&image()), "{}", own.reasons);
}

#[test]
fn who_boots_something_of_his_own_is_not_denied() {
    let policy = Policy::builder()
        .host(Host::new("02:00:00:00:00:01").with_target(Target::Local))
        .host(Host::new("02:00:00:00:00:02"))
        .rule(Rule::deny(When::any()))
        .build()
        .expect("a sound policy");
    let asked = |mac: &[u8; 6]| policy.decide(&ipxe(mac), Asked::Name(b"menu.ipxe"));
    assert_eq!(asked(&[2, 0, 0, 0, 0, 1]).target, Some(&Target::Local));
    assert_eq!(asked(&[2, 0, 0, 0, 0, 2]).action, Action::Deny);
}

#[test]
fn faults_name_the_host_and_the_key() {
    let linux = Target::Linux {
        kernel: "../vmlinuz".into(),
        initrds: vec!["initrd".into(); 9],
        cmdline: "quiet".into(),
    };
    let faults = Policy::builder()
        .host(Host::new("02:00:00:00:00:01").with_target(linux))
        .host(Host::new("02:00:00:00:00:02").with_target(Target::Image("../b".into())))
        .build()
        .expect_err("faults");
    let found: Vec<String> =
        faults.iter().map(|fault| format!("{} {}", fault.place, fault.key)).collect();
    assert_eq!(found, ["host entry 1 kernel", "host entry 1 initrd", "host entry 2 image"]);
}
