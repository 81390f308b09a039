//! What is ordered for one boot goes before everything that is configured for the machine, at every stage.

use pxe_select::{
    Action, Arch, Asked, Beside, ClientFacts, Decision, Firmware, Generated, Host, Inventory,
    IpxeFeatures, NextBoot, Policy, Reason, Rule, Target, When,
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

fn beside(order: &NextBoot) -> Beside<'_> {
    Beside::new(Some(order))
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
            let first = policy.decide_beside(&firmware, beside(&image), Asked::BootFile);
            assert_eq!(first.action.target().as_deref(), Some("ipxe.efi"), "{}", first.reasons);
            let mut ipxe = facts(true);
            ipxe.inventory = inventory;
            let second = policy.decide_beside(&ipxe, beside(&image), Asked::BootFile);
            let NextBoot::Boots(target) = &image else { unreachable!("an image") };
            assert_eq!((&second.action, second.target), (&MENU, Some(target)));
            assert!(says_so(&second), "{}", second.reasons);
            for name in [&b"menu.ipxe"[..], b"grub/grub.cfg", b"pxelinux.cfg/default"] {
                let asked = policy.decide_beside(&firmware, beside(&image), Asked::Name(name));
                assert_eq!(asked.target, Some(target), "{inventory:?}: {}", asked.reasons);
                assert!(says_so(&asked));
            }
            let kernel = policy.decide_beside(&ipxe, beside(&image), Asked::Name(b"vmlinuz"));
            assert!(matches!(kernel.action, Action::File { .. }), "{}", kernel.reasons);
        }
    }
}

#[test]
fn the_menu_is_ordered_for_a_machine_that_boots_something_else() {
    let policy = policy(host().with_target(Target::Local), false);
    let menu = NextBoot::Menu;
    let ordered = policy.decide_beside(&facts(true), beside(&menu), Asked::BootFile);
    assert_eq!((&ordered.action, ordered.target), (&MENU, None));
    assert!(says_so(&ordered));
    let text = policy.decide_beside(&facts(true), beside(&menu), Asked::Name(b"menu.ipxe"));
    assert_eq!(text.target, None, "{}", text.reasons);
    assert_eq!(policy.decide(&facts(true), Asked::Name(b"menu.ipxe")).target, Some(&Target::Local));
}

#[test]
fn a_script_is_named_to_ipxe_and_means_nothing_to_grub() {
    let policy = policy(host(), false);
    let script = NextBoot::Boots(Target::Script("once.ipxe".into()));
    let named = policy.decide_beside(&facts(true), beside(&script), Asked::BootFile);
    assert_eq!(named.action, Action::Script { name: "once.ipxe", generated: None });
    assert!(says_so(&named));
    let grub = policy.decide_beside(&facts(false), beside(&script), Asked::Name(b"grub/grub.cfg"));
    assert_eq!(grub.target, None);
}

#[test]
fn what_an_inventory_boots_is_told_to_loaders_that_read_configurations() {
    let kernel = "http://192.0.2.9/vmlinuz".to_owned();
    let target = Target::Linux { kernel, initrds: Vec::new(), cmdline: "quiet".into() };
    let said = Beside::default().with_inventory(Some(&target));
    let open = policy(host(), false);
    let mut grub = facts(false);
    grub.inventory = Inventory::Boots;
    for name in [&b"grub/grub.cfg"[..], b"pxelinux.cfg/default"] {
        let told = open.decide_beside(&grub, said, Asked::Name(name));
        assert_eq!(told.target, Some(&target), "{}", told.reasons);
        assert!(told.reasons.iter().any(|reason| *reason == Reason::InventoryTarget));
    }
    // iPXE has a script, other files are files, and an order, a host entry or an inventory that is silent goes before.
    for name in [&b"menu.ipxe"[..], b"vmlinuz"] {
        assert_eq!(open.decide_beside(&grub, said, Asked::Name(name)).target, None);
    }
    let config = Asked::Name(b"grub/grub.cfg");
    let menu = NextBoot::Menu;
    let ordered = Beside::new(Some(&menu)).with_inventory(said.inventory);
    assert_eq!(open.decide_beside(&grub, ordered, config).target, None);
    let local = policy(host().with_target(Target::Local), false);
    assert_eq!(local.decide_beside(&grub, said, config).target, Some(&Target::Local));
    assert_eq!(open.decide_beside(&facts(false), said, config).target, None);
}
