//! Bodies of fuzz targets for the evidence.

extern crate std;

use core::net::{IpAddr, Ipv4Addr};

use super::{Evidence, Known, Query, Said, Source};
use crate::{
    Action, Asked, Asker, Firmware, Policy,
    fuzz::{Client, Input},
};

const NAMES: [&[u8]; 8] = [
    b"pxe-loader",
    b"/pxe-loader_bios",
    b"b/pxe-loader-uefi.efi",
    b"pxe-loader_ia32\xff",
    b"iventoy_loader_16000_aa64.0",
    b"b/grubx64.efi",
    b"menu.ipxe",
    b"..\\pxe-loader",
];
const ASKERS: [Asker; 8] = [
    Asker::Unknown,
    Asker::Edk2,
    Asker::BiosRom,
    Asker::Ipxe,
    Asker::Shim,
    Asker::Grub,
    Asker::Uboot,
    Asker::Edk2Like,
];
const SOURCES: [Source; 4] = [Source::Discover, Source::Request, Source::Message, Source::Relayed];

/// Any history of messages and requests, and any text as an exported one: nothing panics, no loader contradicts
/// its request, and what was written reads as the same.
pub fn evidence(data: &[u8]) {
    let now = 1_760_000_000_000;
    if let Ok((read, imported)) = Evidence::import(now, data) {
        assert!(imported.broken == 0 || !data.is_empty());
        assert_round_trip(now, &read);
    }
    let policy = policy();
    let mut evidence = Evidence::new();
    let mut input = Input { rest: data };
    let mut now = now;
    while !input.rest.is_empty() {
        let kind = input.byte();
        now = u64::from(input.byte()).pow(2).saturating_add(now);
        let last = input.byte();
        let address = Ipv4Addr::new(10, 0, 0, last & 7);
        match kind & 7 {
            0..=2 => {
                let client = Client::take(&mut input);
                let mut facts = client.facts();
                facts.address = (kind & 8 != 0).then_some(address);
                let source = SOURCES.get(usize::from(kind >> 6)).copied();
                evidence.hear(now, source.unwrap_or(Source::Given), u32::from(last >> 4), &facts);
            }
            3 if kind & 8 != 0 => evidence.hear_leaving(now, input.chunk(), address),
            3 => evidence.hear_reply(now, input.chunk(), address),
            4 => evidence.delivered(now, address.into(), input.chunk()),
            _ => {
                let name = NAMES.get(usize::from(kind >> 3 & 7)).copied().unwrap_or_default();
                let asker = ASKERS.get(usize::from(last >> 3 & 7)).copied().unwrap_or_default();
                let neighbour = (kind & 1 != 0).then(|| input.chunk());
                let query = Query::new(address.into(), asker).with_neighbour(neighbour);
                let query = query.with_bait(policy.bait(name));
                let known = evidence.look_up(now, &query);
                ask(&policy, &mut evidence, now, address.into(), &known, name);
            }
        }
    }
    assert_round_trip(now, &evidence);
}

fn ask(
    policy: &Policy,
    evidence: &mut Evidence,
    now: u64,
    address: IpAddr,
    known: &Known,
    name: &[u8],
) {
    let facts = known.as_facts();
    let decision = policy.decide(&facts, Asked::Name(name));
    assert_eq!(decision.bait, policy.bait(name));
    let Some(pin) = decision.pin else { return };
    assert!(matches!(decision.action, Action::File { .. }));
    // A loader's name here is its firmware's.
    let text = core::str::from_utf8(&pin.file).unwrap_or_default();
    let firmware = Firmware::from_name(text);
    assert!(firmware.is_some(), "{text}");
    if let Some(firmware) = firmware {
        assert_eq!(pin.firmware.map(Firmware::over_tftp), Some(firmware.over_tftp()));
        let suffix = decision.bait.and_then(|bait| bait.firmware);
        assert!(suffix.is_none_or(|named| Said::Firmware(named).allows(firmware)));
        assert!(facts.asker.item().is_none_or(|item| item.said.allows(firmware)));
    }
    evidence.pin(now, address, known.hardware_address(), pin);
}

fn policy() -> Policy {
    let mut builder = Policy::builder();
    for firmware in Firmware::all() {
        builder.loader(*firmware, firmware.name());
    }
    builder.bait("pxe-loader").bait("iventoy_loader_*");
    builder.build().unwrap_or_default()
}

fn assert_round_trip(now: u64, evidence: &Evidence) {
    let text = evidence.export();
    match Evidence::import(now, text.as_bytes()) {
        Ok((read, imported)) => {
            assert_eq!(imported.broken, 0, "{text}");
            assert!(imported.old > 0 || read.export() == text, "{text}\n{}", read.export());
        }
        Err(error) => assert!(text.is_empty(), "{error}"),
    }
}
