//! One machine that was heard, or not, asks for the bait.

use super::*;

#[test]
fn each_gets_its_own_loader_for_the_same_name() {
    for (arch, asker, file) in [
        (0, Asker::BiosRom, "undionly.kpxe"),
        (0, Asker::Unknown, "undionly.kpxe"),
        (6, Asker::Edk2, "ipxe32.efi"),
        (7, Asker::Edk2, "ipxe.efi"),
        (9, Asker::Edk2Like, "ipxe.efi"),
        (11, Asker::Edk2, "debian/bootnetaa64.efi"),
        // U-Boot that looks for an EFI program asks with its own TFTP.
        (11, Asker::Uboot, "debian/bootnetaa64.efi"),
        // The same machine by HTTP.
        (16, Asker::Edk2, "ipxe.efi"),
    ] {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, arch);
        net.ask(NOW + SECOND, b"/PXE-Loader.efi", asker).is(file);
    }
}

#[test]
fn by_whatever_ties_the_address_to_it() {
    let heard = |net: &mut Net| net.hear(NOW, Source::Relayed, &MAC, 7, None);
    let mut net = Net::new(policy());
    heard(&mut net);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is_held("too little");
    net.evidence.hear_reply(NOW, &MAC, ADDRESS);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");

    let mut net = Net::new(policy());
    heard(&mut net);
    net.ask_as(NOW, b"pxe-loader", Asker::Edk2, Some(&MAC)).is("ipxe.efi");
    net.ask_as(NOW, b"pxe-loader", Asker::Edk2, Some(&OTHER)).is_held("too little");
}

#[test]
fn nothing_heard_is_held_and_never_a_bios_file() {
    let mut net = Net::new(policy());
    for asker in [Asker::Unknown, Asker::Edk2, Asker::BiosRom, Asker::Curl, Asker::Grub] {
        net.ask(NOW, b"pxe-loader", asker).is_held("_bios, _ia32, _uefi, _aa64");
    }
}

#[test]
fn a_running_ipxe_gets_its_script_heard_or_not() {
    let mut net = Net::new(policy());
    net.ask(NOW, b"pxe-loader", Asker::Ipxe).is("menu.ipxe");
    net.boot(NOW, &MAC, 7);
    net.ask(NOW, b"pxe-loader", Asker::Ipxe).is("menu.ipxe");
    net.ask(NOW, b"pxe-loader_uefi", Asker::Ipxe).is("menu.ipxe");
    // And the firmware of its next boot, although only iPXE was heard since, its loader.
    let archs = [Arch(7)];
    let mut facts = ClientFacts::new(&MAC);
    (facts.archs, facts.user_class) = (&archs, Some(&b"iPXE"[..]));
    facts.address = Some(ADDRESS);
    net.evidence.hear(NOW + SECOND, Source::Request, 99, &facts);
    net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
}

#[test]
fn in_a_shape_that_is_not_known_only_an_ipxe_just_heard_is_one() {
    let archs = [Arch(7)];
    let mut facts = ClientFacts::new(&MAC);
    (facts.archs, facts.user_class) = (&archs, Some(&b"iPXE"[..]));
    facts.ipxe = Some(IpxeFeatures::from_flags([0x13, 0x15, 0x24, 0x27].map(|code| (code, 1))));
    facts.address = Some(ADDRESS);
    for (asker, after, file) in [
        (Asker::Unknown, 13, "menu.ipxe"),
        (Asker::Unknown, 60, "ipxe.efi"),
        (Asker::Edk2Like, 13, "ipxe.efi"),
        (Asker::Curl, 13, "ipxe.efi"),
    ] {
        let mut net = Net::new(policy());
        net.evidence.hear(NOW, Source::Request, 1, &facts);
        let at = NOW + after * SECOND;
        net.ask_as(at, b"pxe-loader", asker, Some(&MAC)).is(file);
    }
}

#[test]
fn a_stripped_ipxe_gets_a_full_one() {
    let mut net = Net::new(policy());
    let archs = [Arch(0)];
    let mut facts = ClientFacts::new(&MAC);
    (facts.archs, facts.user_class) = (&archs, Some(&b"iPXE"[..]));
    facts.address = Some(ADDRESS);
    net.evidence.hear(NOW, Source::Request, 99, &facts);
    let answer = net.ask(NOW, b"pxe-loader", Asker::Ipxe);
    answer.is("undionly.kpxe");
    assert!(answer.reasons.contains("lacks"), "{}", answer.reasons);
}

#[test]
fn facts_that_the_client_states_itself_need_no_store() {
    let policy = policy();
    let archs = [Arch(16)];
    let mut facts = ClientFacts::new(&MAC);
    facts.archs = &archs;
    facts.vendor_class = Some(b"HTTPClient:Arch:00016:UNDI:003000");
    facts.asker = Asker::of_user_agent(b"UefiHttpBoot/1.0");
    let decision = policy.decide(&facts, Asked::Name(b"boot/pxe-loader.efi"));
    assert_eq!(decision.action.target().as_deref(), Some("ipxe.efi"));
    assert!(decision.bait.is_some());
}

#[test]
fn a_real_name_stays_what_it_is() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    for name in ["undionly.kpxe", "boot/custom.efi", "pxe-loader.cfg"] {
        net.ask(NOW, name.as_bytes(), Asker::Edk2).is(name);
    }
}

#[test]
fn hosts_and_rules_decide_as_they_do_for_dhcp() {
    let mut builder = builder();
    let mut lab = When::any();
    lab.subnet = Some("10.77.0.0/24".into());
    let mut x64 = lab.clone();
    x64.arch = Some(vec!["x64-uefi".into()]);
    lab.user_class = Some("iPXE".into());
    builder
        .host(Host::new("52:54:00:aa:00:01").with_loader("own.efi"))
        .host(Host::new("52:54:00:aa:00:02").without_boot())
        .rule(Rule::file(x64, "lab.efi"))
        .rule(Rule::url(lab, "http://192.0.2.5/menu"));
    let mut net = Net::new(builder.build().unwrap());
    // The host's own loader needs no firmware, only the machine.
    net.ask_as(NOW, b"pxe-loader", Asker::Unknown, Some(&MAC)).is("own.efi");
    net.ask_as(NOW, b"pxe-loader", Asker::Edk2, Some(&OTHER)).is_denied("boot = false");
    let third = [0x52, 0x54, 0, 0xaa, 0, 3];
    net.boot(NOW, &third, 7);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is("lab.efi");
    let archs = [Arch(7)];
    let mut facts = ClientFacts::new(&third);
    (facts.archs, facts.user_class, facts.address) = (&archs, Some(&b"iPXE"[..]), Some(ADDRESS));
    let can = [0x13, 0x15, 0x24, 0x27].map(|code| (code, 1));
    facts.ipxe = Some(IpxeFeatures::from_flags(can));
    net.evidence.hear(NOW, Source::Request, 99, &facts);
    net.ask(NOW, b"pxe-loader", Asker::Ipxe).is_held("give that rule a file");
}

#[test]
fn a_loader_for_the_unknown() {
    let mut builder = builder();
    builder.unknown_loader("rescue.efi");
    let mut net = Net::new(builder.build().unwrap());
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is("rescue.efi");
    net.boot(NOW, &MAC, 7);
    net.evidence.delivered(NOW, IpAddr::V4(ADDRESS), &MAC);
    let mut fresh = Net::new(builder.build().unwrap());
    fresh.boot(NOW, &MAC, 7);
    fresh.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    // Conflict counts as unknown, a wrong suffix does not.
    fresh.ask(NOW, b"pxe-loader", Asker::BiosRom).is("rescue.efi");
    fresh.ask(NOW, b"pxe-loader_bios", Asker::Edk2).is_denied("_uefi");
}
