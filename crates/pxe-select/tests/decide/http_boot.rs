//! Firmware that boots by HTTP gets URLs.

use super::*;

fn http() -> ClientFacts<'static> {
    client(&[Arch(16)], b"HTTPClient:Arch:00016:UNDI:003000")
}

#[test]
fn without_a_base_it_is_held() {
    let policy = Policy::builder()
        .loader(Firmware::X64UefiHttp, "ipxe.efi")
        .host(Host::new("02:00:00:00:00:01").with_loader("own.efi"))
        .build()
        .unwrap();
    let own = at(&[2, 0, 0, 0, 0, 1], http());
    for facts in [http(), own] {
        let decision = boot(&policy, &facts);
        assert_eq!(decision.action, Action::Hold);
        assert_eq!(decision.reasons.last(), Some(&Reason::HeldNoHttpBase));
    }
}

#[test]
fn the_tftp_twin_stands_in() {
    let policy = Policy::builder()
        .loader(Firmware::X64Uefi, "my boot/ipxe#1.efi")
        .http_base("http://{server}:8080/boot")
        .build()
        .unwrap();
    let decision = boot(&policy, &http());
    assert_eq!(
        decision.action,
        Action::Url("http://{server}:8080/boot/my%20boot/ipxe%231.efi".into())
    );
    let twin = Reason::LoaderOfTwin { firmware: Firmware::X64Uefi };
    assert_eq!(decision.reasons.last(), Some(&twin));
}

#[test]
fn a_url_that_fits_no_option_is_held() {
    let name = "é".repeat(60);
    let policy = Policy::builder()
        .loader(Firmware::X64Uefi, &name)
        .http_base("http://192.0.2.5/")
        .build()
        .unwrap();
    assert_eq!(boot(&policy, &http()).reasons.last(), Some(&Reason::HeldUrlTooLong));
    let by_tftp = client(&[Arch(7)], b"PXEClient");
    assert_eq!(target(&policy, &by_tftp), Some(name));
}
