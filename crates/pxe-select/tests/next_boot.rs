//! What is ordered for one boot goes before everything that is configured for the machine, at every stage.

use pxe_select::{
    Action, Arch, Asked, ClientFacts, Decision, Firmware, Generated, Host, Inventory, IpxeFeatures,
    NextBoot, Policy, Reason, Rule, Target, When,
};

const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0xaa, 0x00, 0x01];
const X64: &[Arch] = &[Arch(7)];
const MENU: Action<'_> = Action::Script { name: "menu.ipxe", generated: Some(Generated::IpxeMenu) };

/// `host` says something of the machine, and a rule denies everybody.
fn policy(host: Host, denies: bool) -> Policy {
    let mut builder = Policy::builder();
    builder.loader(Firmware::X64Uefi, "ipxe.efi").host(host);
    if denies {
        let mut everybody = When::any();
        everybody.mac = Some("52:54:*".into());
        builder.rule(Rule::deny(everybody));
    }
    builder.build().expect("a sound policy")
}

fn host() -> Host {
    Host::new("52:54:00:aa:00:01")
}

fn facts(ipxe: bool) -> ClientFacts<'static> {
    let mut facts = ClientFacts::new(&MAC);
    facts.archs = X64;
    facts.vendor_class = Some(b"PXEClient:Arch:00007:UNDI:003000");
    if ipxe {
        facts.user_class = Some(b"iPXE");
        let flags = [0x13, 0x15, 0x24, 0x27].map(|flag| (flag, 1));
        facts.ipxe = Some(IpxeFeatures::from_flags(flags));
    }
    facts
}

fn says_so(decision: &Decision<'_>) -> bool {
    decision.reasons.iter().any(|reason| *reason == Reason::NextBoot)
}

#[test]
fn an_order_goes_before_host_rule_and_inventory() {
    let image = NextBoot::Boots(Target::Image("debian-12.iso".into()));
    for (host, denies) in [
        (host(), false),
        (host(), true),
        (host().without_boot(), false),
        (host().with_target(Target::Local), true),
    ] {
        let policy = policy(host, denies);
        for inventory in [Inventory::Silent, Inventory::Asked, Inventory::Ignores, Inventory::Boots]
        {
            let mut firmware = facts(false);
            firmware.inventory = inventory;
            let first = policy.decide_ordered(&firmware, Some(&image), Asked::BootFile);
            assert_eq!(first.action.target().as_deref(), Some("ipxe.efi"), "{}", first.reasons);
            let mut ipxe = facts(true);
            ipxe.inventory = inventory;
            let second = policy.decide_ordered(&ipxe, Some(&image), Asked::BootFile);
            let NextBoot::Boots(target) = &image else { unreachable!("an image") };
            assert_eq!((&second.action, second.target), (&MENU, Some(target)));
            assert!(says_so(&second), "{}", second.reasons);
            for name in [&b"menu.ipxe"[..], b"grub/grub.cfg", b"pxelinux.cfg/default"] {
                let asked = policy.decide_ordered(&firmware, Some(&image), Asked::Name(name));
                assert_eq!(asked.target, Some(target), "{inventory:?}: {}", asked.reasons);
                assert!(says_so(&asked));
            }
            let kernel = policy.decide_ordered(&ipxe, Some(&image), Asked::Name(b"vmlinuz"));
            assert!(matches!(kernel.action, Action::File { .. }), "{}", kernel.reasons);
        }
    }
}

#[test]
fn the_menu_is_ordered_for_a_machine_that_boots_something_else() {
    let policy = policy(host().with_target(Target::Local), false);
    let menu = NextBoot::Menu;
    let ordered = policy.decide_ordered(&facts(true), Some(&menu), Asked::BootFile);
    assert_eq!((&ordered.action, ordered.target), (&MENU, None));
    assert!(says_so(&ordered));
    let text = policy.decide_ordered(&facts(true), Some(&menu), Asked::Name(b"menu.ipxe"));
    assert_eq!(text.target, None, "{}", text.reasons);
    assert_eq!(policy.decide(&facts(true), Asked::Name(b"menu.ipxe")).target, Some(&Target::Local));
}

#[test]
fn a_script_is_named_to_ipxe_and_means_nothing_to_grub() {
    let policy = policy(host(), false);
    let script = NextBoot::Boots(Target::Script("once.ipxe".into()));
    let named = policy.decide_ordered(&facts(true), Some(&script), Asked::BootFile);
    assert_eq!(named.action, Action::Script { name: "once.ipxe", generated: None });
    assert!(says_so(&named));
    let grub = policy.decide_ordered(&facts(false), Some(&script), Asked::Name(b"grub/grub.cfg"));
    assert_eq!(grub.target, None);
}
