//! What is carried over a restart.

use super::*;

#[test]
fn evidence_survives_a_restart() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.ask(NOW, b"b/pxe-loader", Asker::Edk2).is("ipxe.efi");
    net.hear(NOW, Source::Relayed, &OTHER, 11, Some(Ipv4Addr::new(10, 1, 0, 9)));
    let text = net.evidence.export();
    let (read, imported) = Evidence::import(NOW + SECOND, text.as_bytes()).unwrap();
    assert_eq!((imported.broken, imported.old), (0, 0), "{text}");
    assert_eq!(read.export(), text);
    net.evidence = read;
    let again = net.ask(NOW + SECOND, b"b/pxe-loader", Asker::Edk2);
    again.is("ipxe.efi");
    assert!(again.reasons.contains("one boot, one loader"), "{}", again.reasons);
    net.ask_as(NOW + DAY, b"pxe-loader", Asker::Edk2, Some(&OTHER)).is("debian/bootnetaa64.efi");
}

#[test]
fn hostile_text_is_counted_and_left_out() {
    assert!(Evidence::import(NOW, b"").is_err());
    assert!(Evidence::import(NOW, b"pxe-evidence 2\n").is_err());
    for broken in [
        "m",
        "m 5254 x d f 7 - - - - - -",
        "m 525400aa0001 1 d f 7,7,7,7,7 - - - - - -",
        "m 525400aa0001 1 d f 7 zz - - - - -",
        "m 525400aa0001 1 d f 7 - - - - - - more",
        "m 00112233445566778899aabbccddeeff00 1 d f 7 - - - - - -",
        "a 10.0.0.300 525400aa0001 1 c",
        "a ::1 525400aa0001 1 c",
        "p 10.0.0.1 - 1 - - 2e2e2f78",
        "p 10.0.0.1 - 1 - 2e2e2f 78",
        "p 10.0.0.1 - 1 - 61 78",
        "p 10.0.0.1 - 1 - - .",
        "x",
        "\u{fffd}\u{0}",
    ] {
        let text = format!("pxe-evidence 1\n{broken}\n");
        let (evidence, imported) = Evidence::import(NOW, text.as_bytes()).unwrap();
        assert_eq!((imported.broken, imported.kept, imported.old), (1, 0, 0), "{broken}");
        assert!(evidence.is_empty(), "{broken}");
    }
    let long = format!("pxe-evidence 1\nm 525400aa0001 1 d f 7 {} - - - - -\n", "61".repeat(5000));
    assert_eq!(Evidence::import(NOW, long.as_bytes()).unwrap().1.broken, 1);
    let old = format!("pxe-evidence 1\nm 525400aa0001 {} d f 7 - - - - - -\n", NOW - 91 * DAY);
    assert_eq!(Evidence::import(NOW, old.as_bytes()).unwrap().1.old, 1);
}

#[test]
fn a_full_store_forgets_those_unheard_for_longest() {
    let mut net = Net::new(policy());
    let machines = pxe_select::limits::MACHINES_MAX;
    for number in 0..machines as u32 + 10 {
        let [_, b, c, d] = number.to_be_bytes();
        let address = Ipv4Addr::new(10, b, c, d);
        net.hear(NOW, Source::Request, &[2, 0, 0, b, c, d], 7, Some(address));
    }
    assert_eq!(net.evidence.len(), (machines, pxe_select::limits::ADDRESSES_MAX));
    let ask = |last| {
        net.evidence
            .look_up(NOW, &Query::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), Asker::Edk2))
    };
    assert_eq!(ask(3).as_facts().origin, Origin::Nobody);
    assert_ne!(ask(11).as_facts().origin, Origin::Nobody);
}
