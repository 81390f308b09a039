//! What the requests in `shared/captures` say (real firmware, see the README there), with the intended answer.

use super::*;

#[test]
fn every_request_gets_its_own_loader() {
    let policy = one_loader_each();
    let base = "http://{server}:8080/boot/";
    for (origin, class, archs, expected) in [
        (
            "aavmf-arm64-shim-then-http",
            "PXEClient:Arch:00011:UNDI:003000",
            &[Arch(11)][..],
            "arm64-uefi",
        ),
        (
            "aavmf-arm64-shim-then-http",
            "HTTPClient:Arch:00019:UNDI:003000",
            &[Arch(19)],
            "arm64-uefi-http",
        ),
        (
            "ipxe-bios-and-ovmf-x64-chain",
            "PXEClient:Arch:00007:UNDI:003000",
            &[Arch(7)],
            "x64-uefi",
        ),
        ("ovmf-ia32-grub", "PXEClient:Arch:00006:UNDI:003000", &[Arch(6)], "x86-uefi"),
        ("ovmf-x64-http", "HTTPClient:Arch:00016:UNDI:003000", &[Arch(16)], "x64-uefi-http"),
        ("uboot-arm64", "U-Boot.armv8", &[Arch(22)], "arm64-uboot"),
        ("uboot-arm64", "PXEClient:Arch:00011:UNDI:003000", &[Arch(11)], "arm64-uefi"),
        ("s390-netboot", "", &[Arch(31)], "s390x"),
        ("slof-ppc64", "", &[Arch(12)], "ppc64-of"),
    ] {
        let mut facts = client(archs, class.as_bytes());
        facts.machine_id = Some(&[0; 17]);
        facts.vendor_class = facts.vendor_class.filter(|class| !class.is_empty());
        let found = target(&policy, &facts).unwrap();
        assert_eq!(found.strip_prefix(base).unwrap_or(&found), expected, "{origin}");
    }
    // The first DISCOVER of s390-netboot and slof-ppc64 says nothing at all; their second does.
    assert_eq!(boot(&policy, &ClientFacts::new(&MAC)).action, Action::Hold);
}

#[test]
fn both_ipxe_get_a_script() {
    let policy = one_loader_each();
    let bios: &[u8] =
        &[0xb1, 0xeb, 0x17, 0x22, 0x13, 0x11, 0x27, 0x19, 0x29, 0x10, 0x21, 0x15, 0x18, 0x12];
    let efi: &[u8] = &[0xb1, 0xeb, 0x17, 0x24, 0x13, 0x11, 0x27, 0x29, 0x15, 0x1b, 0x12];
    for (archs, flags) in [([Arch(0)], bios), ([Arch(7)], efi)] {
        let mut facts = client(&archs, b"PXEClient:Arch:00000:UNDI:002001");
        facts.user_class = Some(b"iPXE");
        facts.ipxe = Some(IpxeFeatures::from_flags(flags.iter().map(|code| (*code, 1))));
        assert!(matches!(boot(&policy, &facts).action, Action::Script { .. }), "{archs:?}");
        assert_eq!(boot(&policy, &facts).identity.ipxe, Ipxe::Complete);
    }
}
