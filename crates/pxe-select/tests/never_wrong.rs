//! Over every combination of small facts: nobody is given a program for another machine.
//!
//! The oracle below is written apart from the crate: it states what evidence must be there, not how it is found.

use pxe_select::{Action, Arch, Asked, ClientFacts, Firmware, IpxeFeatures, Policy};

const PC: &[u8] = &[0x52, 0x54, 0x00, 0xaa, 0x00, 0x01];
const PI: &[u8] = &[0xb8, 0x27, 0xeb, 0x01, 0x02, 0x03];
const GUID: &[u8] = &[7; 16];
const PI_ID: &[u8] = b"\0RPi5\x03\x11\xc0\0\x01\x02\x03\x04\x05\x06\x07\x08";

/// A class, and the number in its text.
const CLASSES: &[(Option<&str>, Option<u16>)] = &[
    (None, None),
    (Some(""), None),
    (Some("MSFT 5.0"), None),
    (Some("AAPLBSDPC/i386"), None),
    (Some("PXEClient"), None),
    (Some("PXEClient:Arch:00000:UNDI:002001"), Some(0)),
    (Some("PXEClient:Arch:00006:UNDI:003000"), Some(6)),
    (Some("PXEClient:Arch:00007:UNDI:003000"), Some(7)),
    (Some("PXEClient:Arch:00009:UNDI:003000"), Some(9)),
    (Some("PXEClient:Arch:00011:UNDI:003000"), Some(11)),
    (Some("PXEClient:Arch:00016:UNDI:003000"), Some(16)),
    (Some("PXEClient:Arch:00020:UNDI:003000"), Some(20)),
    (Some("PXEClient:Arch:00099:UNDI:003000"), Some(99)),
    (Some("PXEClient:Arch:0x07"), None),
    (Some("HTTPClient"), None),
    (Some("HTTPClient:Arch:00000:UNDI:003000"), Some(0)),
    (Some("HTTPClient:Arch:00016:UNDI:003000"), Some(16)),
    (Some("HTTPClient:Arch:00019:UNDI:003000"), Some(19)),
    (Some("U-Boot"), None),
    (Some("U-Boot.arm"), None),
    (Some("U-Boot.armv7"), None),
    (Some("U-Boot.armv8"), None),
];

fn numbers() -> impl Iterator<Item = u16> + Clone {
    (0..=45).chain([0xff, 0x100, 0xffff])
}

fn arch_lists() -> Vec<Vec<Arch>> {
    let mut lists = vec![Vec::new()];
    for first in numbers() {
        lists.push(vec![Arch(first)]);
        for second in [0, 6, 7, 11, 20, 33, 0xffff] {
            lists.push(vec![Arch(first), Arch(second)]);
        }
    }
    lists
}

/// The machine that a number means, written out by hand from the registry.
fn machine(number: u16) -> Option<Firmware> {
    Some(match number {
        0 | 20 => Firmware::Bios,
        6 | 15 => Firmware::X86Uefi,
        7 | 9 | 16 | 17 => Firmware::X64Uefi,
        10 | 18 => Firmware::Arm32Uefi,
        11 | 19 => Firmware::Arm64Uefi,
        12 => Firmware::Ppc64Of,
        22 | 24 => Firmware::Arm64Uboot,
        27 | 28 => Firmware::Riscv64Uefi,
        31 | 32 => Firmware::S390x,
        39 | 40 => Firmware::Loong64Uefi,
        41 => Firmware::Rpi,
        _ => return None,
    })
}

/// What the evidence names; the class's own word on U-Boot and the Raspberry Pi's board included.
fn evidence(facts: &ClientFacts<'_>, stated: Option<u16>) -> Option<Firmware> {
    let class = facts.vendor_class.unwrap_or_default();
    let uboot = class.starts_with(b"U-Boot");
    let listed = facts.archs.iter().find_map(|arch| machine(arch.0));
    let named = if facts.archs.is_empty() { stated.and_then(machine) } else { listed };
    let board = facts.hardware_address.starts_with(&PI[..3]) || facts.machine_id == Some(PI_ID);
    let silent = facts.archs.is_empty() && named.is_none();
    if uboot && class.starts_with(b"U-Boot.arm") && matches!(named, None | Some(Firmware::Bios)) {
        return class.starts_with(b"U-Boot.armv8").then_some(Firmware::Arm64Uboot);
    }
    let http = class.starts_with(b"HTTPClient");
    if board && uboot && named == Some(Firmware::Bios) {
        return None;
    }
    if board && !uboot && !http && (named == Some(Firmware::Bios) || silent) {
        return Some(Firmware::Rpi);
    }
    named
}

fn policy() -> Policy {
    let mut builder = Policy::builder();
    for firmware in Firmware::all() {
        builder.loader(*firmware, firmware.name());
    }
    builder.http_base("http://192.0.2.5/").build().unwrap()
}

#[test]
fn nobody_gets_another_machines_program() {
    let policy = policy();
    let mut counts = [0_usize; 4];
    for archs in arch_lists() {
        for (class, stated) in CLASSES {
            for hardware_address in [PC, PI, GUID, &[]] {
                for machine_id in [None, Some(PI_ID), Some(&[0; 17][..])] {
                    for user_class in [None, Some(&b"iPXE"[..]), Some(b"gPXE")] {
                        for ipxe in [None, Some(IpxeFeatures::NONE)] {
                            let mut facts = ClientFacts::new(hardware_address);
                            facts.archs = &archs;
                            facts.vendor_class = class.map(str::as_bytes);
                            facts.machine_id = machine_id;
                            facts.user_class = user_class;
                            facts.ipxe = ipxe;
                            check(&policy, &facts, *stated, &mut counts);
                        }
                    }
                }
            }
        }
    }
    // The product really reaches files, URLs and silence; no full iPXE is in it, so no script.
    let [files, urls, scripts, held] = counts;
    assert!(files > 10_000 && urls > 1_000 && held > 10_000 && scripts == 0, "{counts:?}");
}

fn check(policy: &Policy, facts: &ClientFacts<'_>, stated: Option<u16>, counts: &mut [usize; 4]) {
    let decision = policy.decide(facts, Asked::BootFile);
    let (given, by_http) = match &decision.action {
        Action::File { name, .. } => {
            counts[0] += 1;
            (core::str::from_utf8(name).unwrap().to_owned(), false)
        }
        Action::Url(url) => {
            counts[1] += 1;
            (url.strip_prefix("http://192.0.2.5/").unwrap().to_owned(), true)
        }
        Action::Script { .. } => {
            counts[2] += 1;
            return;
        }
        Action::Hold => {
            counts[3] += 1;
            // Silence is for those whom no evidence names, and for BIOS and other machines without HTTP boot.
            let http = facts.vendor_class.is_some_and(|class| class.starts_with(b"HTTPClient"));
            let excused = match evidence(facts, stated) {
                None => true,
                Some(firmware) if http => firmware.over_http().is_none(),
                // 20 and 24 without a class: "boot from http" of machines that have none here.
                Some(_) => facts.archs.iter().any(|arch| matches!(arch.0, 20 | 24)),
            };
            assert!(excused, "{facts:?}\n{}", decision.reasons);
            return;
        }
        Action::Deny => panic!("nobody is denied here: {facts:?}"),
    };
    let firmware = Firmware::from_name(&given).unwrap();
    assert_eq!(
        Some(firmware.over_tftp()),
        evidence(facts, stated),
        "{facts:?}\n{}",
        decision.reasons
    );
    assert_eq!(firmware.is_http(), by_http, "{facts:?}\n{}", decision.reasons);
    if firmware == Firmware::Bios {
        let first = facts.archs.iter().copied().find(|arch| machine(arch.0).is_some());
        let number = first.map(|arch| arch.0).or_else(|| stated.filter(|_| facts.archs.is_empty()));
        assert!(matches!(number, Some(0 | 20)), "BIOS without its number: {facts:?}");
    }
}
