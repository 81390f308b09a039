//! Who says too little gets no guess.

use super::*;

#[test]
fn a_missing_loader_is_named_with_its_candidates() {
    let policy = Policy::builder().loader(Firmware::Bios, "undionly.kpxe").build().unwrap();
    let decision = boot(&policy, &client(&[Arch(11)], b"PXEClient"));
    assert_eq!(decision.action, Action::Hold);
    let said = decision.reasons.last().unwrap().to_string();
    assert!(
        said.starts_with("there is no loader for arm64-uefi; put one of ipxe-arm64.efi,"),
        "{said}"
    );
    assert!(said.contains("grubaa64.efi") && !said.contains("kpxe"), "{said}");
}

#[test]
fn unknown_firmware_says_what_to_do() {
    let decision = boot(&Policy::default(), &ClientFacts::new(&MAC)).reasons.to_string();
    assert!(decision.contains("never gets a guessed file"), "{decision}");
    assert!(decision.contains("[[host]]") && decision.contains("option 93"), "{decision}");
}
