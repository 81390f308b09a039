//! Evidence that excludes other evidence.

use super::*;

#[test]
fn the_shape_of_the_request_objects() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 0);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is_held("contradicts");
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 11);
    net.ask(NOW, b"pxe-loader", Asker::BiosRom).is_held("contradicts");
}

#[test]
fn a_suffix_for_another_machine_is_refused_with_the_setting_to_mend() {
    // Nothing heard: `off` mode.
    let mut net = Net::new(policy());
    net.ask(NOW, b"pxe-loader_uefi", Asker::Edk2).is("ipxe.efi");
    net.ask(NOW, b"pxe-loader-aa64.efi", Asker::Uboot).is("debian/bootnetaa64.efi");
    net = Net::new(policy());
    net.ask(NOW, b"pxe-loader_bios.0", Asker::Unknown).is("undionly.kpxe");
    net = Net::new(policy());
    for asker in [Asker::Edk2, Asker::Edk2Like, Asker::Shim, Asker::Uboot] {
        let answer = net.ask(NOW, b"pxe-loader_bios", asker);
        answer.is_denied("architectures 7 and 9 to the one ending in _uefi");
        answer.is_denied("the DHCP server names the bait ending in _bios to a");
    }
    for name in [&b"pxe-loader_uefi"[..], b"iventoy_loader_16000-aa64", b"pxe-loader_ia32.efi"] {
        net.ask(NOW, name, Asker::BiosRom).is_denied("architecture 0 to the one ending in _bios");
    }
    // Heard: the architecture itself is known.
    net.boot(NOW, &MAC, 11);
    net.ask(NOW, b"pxe-loader_uefi", Asker::Edk2).is_denied(
        "to a arm64-uefi machine: set its option 67 for architecture 11 to the one ending in _aa64",
    );
}

#[test]
fn a_machine_that_changed_its_firmware_is_believed() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 0);
    net.boot(NOW + 5 * SECOND, &MAC, 7);
    net.ask(NOW + 6 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
}

#[test]
fn two_statements_that_may_have_changed_places_are_held_unless_the_shape_tells() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    // A relay's copy of the boot before arrives late.
    net.hear(NOW + 9 * SECOND, Source::Relayed, &MAC, 0, None);
    net.ask(NOW + 10 * SECOND, b"pxe-loader", Asker::Unknown).is_held("contradicts");
    net.ask(NOW + 10 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
}

#[test]
fn machines_at_one_address_are_told_apart_by_shape_or_suffix_only() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.boot(NOW + SECOND, &OTHER, 0);
    let held = net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Unknown);
    held.is_held("contradicts");
    assert!(held.reasons.contains("two machines used this address"), "{}", held.reasons);
    net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.boot(NOW + SECOND, &OTHER, 11);
    net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is_held("contradicts");
    net.ask(NOW + 2 * SECOND, b"pxe-loader_aa64", Asker::Edk2).is("debian/bootnetaa64.efi");
    let known = net.known(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2, None);
    assert_eq!(known.as_facts().origin, Origin::Shared);
    assert!(known.hardware_address().is_empty(), "it could be either");
    // Neither is one of them taken for the iPXE that runs on the other.
    let mut net = Net::new(policy());
    net.boot(NOW, &OTHER, 0);
    let archs = [Arch(0)];
    let mut facts = ClientFacts::new(&MAC);
    (facts.archs, facts.user_class) = (&archs, Some(&b"iPXE"[..]));
    facts.ipxe = Some(IpxeFeatures::from_flags([0x13, 0x15, 0x18, 0x27].map(|code| (code, 1))));
    facts.address = Some(ADDRESS);
    net.evidence.hear(NOW + SECOND, Source::Request, 1, &facts);
    net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    // Of the same kind, it does not matter which one it is.
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.boot(NOW + SECOND, &OTHER, 7);
    net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
}
