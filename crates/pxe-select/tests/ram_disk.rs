//! Images that firmware in UEFI HTTP Boot starts by itself.

use pxe_select::{
    Action, Arch, Asked, Beside, ClientFacts, Decision, Firmware, Host, IpxeFeatures, NextBoot,
    Policy, RamDisk, Reason, Rule, Target, When,
};

const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0xaa, 0x00, 0x04];
const URL: &str = "http://{server}:8080/images/debian%2012.iso";
const ON_ARM64: &[Firmware] = &[Firmware::Arm64UefiHttp];

fn whole() -> Target {
    Target::Image("debian 12.iso#ram-disk".into())
}

/// Of this machine `host` says something; there are loaders for x64 alone.
fn policy(host: Option<Target>) -> Policy {
    let mut builder = Policy::builder();
    builder
        .loader(Firmware::X64Uefi, "ipxe.efi")
        .http_base("http://{server}:8080/boot/")
        .images_base("http://{server}:8080/images/");
    if let Some(target) = host {
        builder.host(Host::new("52:54:00:aa:00:04").with_target(target));
    }
    builder.build().expect("a sound policy")
}

fn client(arch: &'static [Arch], class: &'static [u8], known: RamDisk) -> ClientFacts<'static> {
    let mut facts = ClientFacts::new(&MAC);
    facts.archs = arch;
    facts.vendor_class = Some(class);
    facts.ram_disk = known;
    facts
}

fn arm64(known: RamDisk) -> ClientFacts<'static> {
    client(&[Arch(19)], b"HTTPClient:Arch:00019:UNDI:003001", known)
}

fn x64(known: RamDisk) -> ClientFacts<'static> {
    client(&[Arch(16)], b"HTTPClient:Arch:00016:UNDI:003001", known)
}

fn starts_on(firmware: &[Firmware]) -> RamDisk {
    RamDisk::StartsOn(firmware.iter().copied().collect())
}

fn url(decision: &Decision<'_>) -> Option<String> {
    match &decision.action {
        Action::Url(url) => Some(url.to_string()),
        _ => None,
    }
}

#[test]
fn firmware_is_told_the_image_that_it_can_start() {
    let policy = policy(Some(whole()));
    assert_eq!(policy.image_of(&MAC, Beside::default()), Some("debian 12.iso"));
    let decision = policy.decide(&arm64(starts_on(ON_ARM64)), Asked::BootFile);
    assert_eq!(url(&decision).as_deref(), Some(URL));
    let firmware = Firmware::Arm64UefiHttp;
    assert_eq!(decision.reasons.last(), Some(&Reason::StartsRamDisk { firmware }));
    assert!(decision.reasons.iter().any(|it| *it == Reason::HostNamesTarget { host: 0 }));
}

#[test]
fn what_cannot_start_is_held_with_the_reason() {
    let policy = policy(Some(whole()));
    for (known, why) in [
        (RamDisk::Unknown, "no .iso or .img of that name"),
        (RamDisk::Awaited, "still looked at"),
        (starts_on(&[Firmware::X64UefiHttp]), "no loader for arm64-uefi-http"),
    ] {
        let decision = policy.decide(&arm64(known), Asked::BootFile);
        assert_eq!(decision.action, Action::Hold, "{known:?}");
        let last = decision.reasons.last().expect("a reason").to_string();
        assert!(last.contains(why), "{last}");
    }
    // Another machine has nothing to do with it.
    let mut other = x64(starts_on(&[Firmware::X64UefiHttp]));
    other.hardware_address = &[2, 0, 0, 0, 0, 9];
    assert_eq!(
        url(&policy.decide(&other, Asked::BootFile)).as_deref(),
        Some("http://{server}:8080/boot/ipxe.efi")
    );
}

#[test]
fn firmware_by_tftp_and_running_ipxe_go_their_usual_way() {
    let policy = policy(Some(whole()));
    let known = starts_on(&[Firmware::X64UefiHttp]);
    let by_tftp = client(&[Arch(7)], b"PXEClient:Arch:00007:UNDI:003000", known);
    let decision = policy.decide(&by_tftp, Asked::BootFile);
    assert_eq!(decision.action.target().as_deref(), Some("ipxe.efi"));
    let mut ipxe = x64(known);
    ipxe.user_class = Some(b"iPXE");
    let flags = [0x13, 0x15, 0x24, 0x27].map(|flag| (flag, 1));
    ipxe.ipxe = Some(IpxeFeatures::from_flags(flags));
    let decision = policy.decide(&ipxe, Asked::BootFile);
    assert!(matches!(decision.action, Action::Script { .. }), "{decision:?}");
    assert_eq!(decision.target, Some(&whole()));
}

#[test]
fn an_order_for_one_boot_goes_before_the_entry_and_the_rules() {
    let order = NextBoot::Boots(whole());
    let beside = Beside::new(Some(&order));
    let mut builder = Policy::builder();
    builder.images_base("http://{server}:8080/images/").rule(Rule::deny(When::any()));
    let denies = builder.build().expect("a sound policy");
    assert_eq!(denies.image_of(&MAC, beside), Some("debian 12.iso"));
    let decision = denies.decide_beside(&arm64(starts_on(ON_ARM64)), beside, Asked::BootFile);
    assert_eq!(url(&decision).as_deref(), Some(URL));
    assert!(decision.reasons.iter().any(|it| *it == Reason::NextBoot));

    let menu = Beside::new(Some(&NextBoot::Menu));
    let policy = policy(Some(whole()));
    assert_eq!(policy.image_of(&MAC, menu), None);
    let decision = policy.decide_beside(&arm64(starts_on(ON_ARM64)), menu, Asked::BootFile);
    assert_eq!(decision.action, Action::Hold, "no loader, and the order is not for the image");
}

#[test]
fn without_a_loader_the_image_of_the_machine_is_better_than_nothing() {
    let policy = policy(Some(Target::Image("debian 12.iso#install".into())));
    let decision = policy.decide(&arm64(starts_on(ON_ARM64)), Asked::BootFile);
    assert_eq!(url(&decision).as_deref(), Some(URL));
    let decision = policy.decide(&arm64(RamDisk::Unknown), Asked::BootFile);
    let firmware = Firmware::Arm64UefiHttp;
    assert_eq!(decision.reasons.last(), Some(&Reason::HeldNoLoader { firmware }));
    // Where there is a loader, it is taken.
    let decision = policy.decide(&x64(starts_on(&[Firmware::X64UefiHttp])), Asked::BootFile);
    assert_eq!(url(&decision).as_deref(), Some("http://{server}:8080/boot/ipxe.efi"));
}

#[test]
fn without_http_or_with_too_long_a_name_nobody_is_told_a_url() {
    let mut builder = Policy::builder();
    builder.host(Host::new("52:54:00:aa:00:04").with_target(whole()));
    let silent = builder.build().expect("a sound policy");
    let decision = silent.decide(&arm64(starts_on(ON_ARM64)), Asked::BootFile);
    assert_eq!(decision.reasons.last(), Some(&Reason::HeldNoHttpBase));
    let long = Target::Image(format!("{}.iso#ram-disk", "x".repeat(235)));
    let decision = policy(Some(long));
    let decision = decision.decide(&arm64(starts_on(ON_ARM64)), Asked::BootFile);
    assert_eq!(decision.reasons.last(), Some(&Reason::HeldUrlTooLong));
}
