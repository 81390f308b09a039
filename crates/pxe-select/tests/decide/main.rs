//! Which client gets what: tables of architectures, classes and misreports, hosts and rules, requested names.

mod captured;
mod held;
mod hosts_and_rules;
mod http_boot;
mod identification;
mod requested_names;
mod running_ipxe;

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
