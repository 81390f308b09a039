//! One boot gets one loader.

use super::*;

#[test]
fn probe_and_transfer_get_the_same_file_whatever_comes_between() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.ask(NOW + 10, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    // Contradicting evidence about the same machine.
    net.hear(NOW + 12, Source::Relayed, &MAC, 6, None);
    let again = net.ask(NOW + 25, b"pxe-loader", Asker::Edk2);
    again.is("ipxe.efi");
    assert!(again.reasons.contains("one boot, one loader"), "{}", again.reasons);
    // Six tries of four seconds, and a slow download.
    net.ask(NOW + 300 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
}

#[test]
fn another_boot_is_decided_anew() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    net.boot(NOW + 20 * SECOND, &MAC, 6);
    net.ask(NOW + 21 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe32.efi");
    // Or after so long a time that it cannot be the same.
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    net.ask(NOW + 601 * SECOND, b"pxe-loader", Asker::Edk2).is_held("too little");
}

#[test]
fn a_pin_is_one_machines() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    net.ask_as(NOW, b"pxe-loader", Asker::Edk2, Some(&OTHER)).is_held("too little");
    net.hear(NOW + SECOND, Source::Request, &OTHER, 6, Some(ADDRESS));
    net.ask(NOW + SECOND, b"pxe-loader", Asker::Edk2).is_held("contradicts");
    // Neither does it answer what its machine cannot have asked.
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    net.ask(NOW, b"pxe-loader", Asker::BiosRom).is_held("contradicts");
    net.ask(NOW, b"pxe-loader_aa64", Asker::Edk2).is_denied("_uefi");
    net.ask(NOW, b"pxe-loader", Asker::Ipxe).is("menu.ipxe");
}

#[test]
fn a_pin_is_not_for_another_machine_that_boots_from_the_same_address() {
    let mut net = Net::new(policy());
    net.boot(NOW, &OTHER, 0);
    net.boot(NOW + 1, &MAC, 11);
    net.ask(NOW + 2, b"pxe-loader", Asker::Unknown).is_held("contradicts");
    net.ask(NOW + 3, b"pxe-loader", Asker::Edk2).is("debian/bootnetaa64.efi");
    net.ask(NOW + 20, b"pxe-loader", Asker::Edk2).is("debian/bootnetaa64.efi");
    net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
    net.ask(NOW + 4 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
}

#[test]
fn companions_are_looked_for_beside_the_loader() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 11);
    net.ask(NOW, b"tftp/pxe-loader.efi", Asker::Edk2).is("debian/bootnetaa64.efi");
    net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
    let policy = policy();
    let ask = |name: &'static [u8], asker| {
        let query = Query::new(IpAddr::V4(ADDRESS), asker);
        let known = net.evidence.look_up(NOW + 20 * SECOND, &query);
        match policy.decide(&known.as_facts(), Asked::Name(name)).action {
            Action::File { name, instead, .. } => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (text(&name), instead.map(|name| text(&name)))
            }
            other => panic!("{other:?}"),
        }
    };
    let both = |first: &str, second: &str| (first.to_owned(), Some(second.to_owned()));
    for name in [&b"tftp/grubaa64.efi"[..], b"tftp//grubaa64.efi", b"\\tftp\\grubaa64.efi"] {
        let beside = both("debian/grubaa64.efi", "tftp/grubaa64.efi");
        assert_eq!(ask(name, Asker::Shim), beside);
        // Firmware that names a real file gets it, if it is there.
        let real = both("tftp/grubaa64.efi", "debian/grubaa64.efi");
        assert_eq!(ask(name, Asker::Edk2), real);
    }
    let revocations = both("debian/revocations_sku.efi", "tftp/revocations_sku.efi");
    assert_eq!(ask(b"tftp/revocations_sku.efi", Asker::Shim), revocations);
    let grub = both("debian/grub/grub.cfg", "tftp/grub/grub.cfg");
    assert_eq!(ask(b"/tftp/grub/grub.cfg", Asker::Grub), grub);
    assert_eq!(ask(b"elsewhere/x", Asker::Grub), ("elsewhere/x".to_owned(), None));
}
