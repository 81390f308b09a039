use super::*;
use crate::evidence::{Origin, Said};
use crate::reason::{Conditions, Mismatch};
use crate::{Arch, Asker, Item, Link, MissingFeatures, NameFault, Source};

fn one_of_each() -> Vec<Reason> {
    let (arch, firmware) = (Arch(7), Firmware::X64Uefi);
    let missing = MissingFeatures { menu: true, ..Default::default() };
    let mismatches = [
        Mismatch::Arch { firmware: Some(firmware) },
        Mismatch::Arch { firmware: None },
        Mismatch::UserClass,
        Mismatch::VendorClass,
        Mismatch::Subnet,
        Mismatch::SubnetUnknown,
        Mismatch::Mac,
        Mismatch::SpeaksToFirmware,
        Mismatch::UrlNeedsHttp { firmware: Some(firmware) },
        Mismatch::UrlNeedsHttp { firmware: None },
        Mismatch::Admitted,
    ];
    let mut reasons = vec![
        Reason::ArchListed { arch, firmware },
        Reason::ByteCodeIsX64 { arch: Arch(9), firmware },
        Reason::ArchWithoutFirmware { arch: Arch(33) },
        Reason::ArchFromClass { arch, firmware },
        Reason::ArchsDisagree { listed: arch, class: Arch(0) },
        Reason::NoArch { boots: true },
        Reason::NoArch { boots: false },
        Reason::ClassDecidesTransport { arch: Arch(16), firmware },
        Reason::ClassDecidesTransport { arch, firmware: Firmware::X64UefiHttp },
        Reason::NoHttpFirmware { arch: Arch(20) },
        Reason::RaspberryPiByMac,
        Reason::RaspberryPiByMachineId,
        Reason::RaspberryPiRunsOther { firmware: Firmware::Arm64Uefi },
        Reason::RaspberryPiIsNoPc,
        Reason::UbootByClass,
        Reason::Uboot32,
        Reason::IpxeByUserClass,
        Reason::IpxeByOption175,
        Reason::GpxeRunning,
        Reason::IpxeIncomplete { missing },
        Reason::HostDoesNotBoot { host: 0 },
        Reason::HostNamesLoader { host: u32::MAX },
        Reason::HostLoaderNotForIpxe { host: 0 },
        Reason::RuleMatched { rule: 0, conditions: Conditions::default(), firmware: None },
        Reason::LoaderTable { firmware },
        Reason::LoaderOfTwin { firmware },
        Reason::ScriptForIpxe,
        Reason::HeldUnknown,
        Reason::HeldNoLoader { firmware },
        Reason::HeldNoLoader { firmware: Firmware::S390x },
        Reason::HeldNoHttpBase,
        Reason::HeldUrlTooLong,
        Reason::NameRefused { fault: NameFault::TooDeep },
        Reason::NameCleaned,
        Reason::NameTrimmed,
        Reason::NameRemapped { remap: 0 },
        Reason::NameGenerated { generated: Generated::IpxeMenu },
        Reason::NameGenerated { generated: Generated::GrubConfig },
        Reason::NameGenerated { generated: Generated::PxelinuxConfig },
        Reason::NamePlain,
        Reason::NameStored,
        Reason::HostNamesFolder { host: 0 },
        Reason::HostNamesTarget { host: 0 },
        Reason::FolderByMac,
        Reason::FolderByAddress,
    ];
    reasons.extend(of_baits());
    reasons.extend(of_inventories());
    let skipped = mismatches.map(|mismatch| Reason::RuleSkipped { rule: u16::MAX, mismatch });
    reasons.extend(skipped);
    reasons
}

fn of_inventories() -> [Reason; 7] {
    [
        Reason::NextBoot,
        Reason::InventoryTarget,
        Reason::HeldForInventory,
        Reason::InventoryIgnores,
        Reason::InventoryScript,
        Reason::OthersScript,
        Reason::NameGenerated { generated: Generated::MachineScript([0; 6]) },
    ]
}

fn of_baits() -> Vec<Reason> {
    let firmware = Firmware::X64Uefi;
    let item = |said, source| Item { said, source, age_s: 200, weight: 60 };
    let heard = Said::Firmware(firmware);
    vec![
        Reason::CompanionOfBait { first: true },
        Reason::CompanionOfBait { first: false },
        Reason::NameIsBait { firmware: None },
        Reason::NameIsBait { firmware: Some(firmware) },
        Reason::AskedBy { asker: Asker::Edk2 },
        Reason::IpxeByShape,
        Reason::FirmwareByShape,
        Reason::Whose { origin: Origin::Itself },
        Reason::Whose { origin: Origin::Address { link: Link::Server, age_s: 3 } },
        Reason::Whose { origin: Origin::Shared },
        Reason::Whose { origin: Origin::Stale { age_s: 90_000 } },
        Reason::Whose { origin: Origin::Nobody },
        Reason::Evidence { item: item(heard, Source::Discover) },
        Reason::Evidence { item: item(heard, Source::Relayed) },
        Reason::Evidence { item: item(heard, Source::Suffix) },
        Reason::Evidence { item: item(Said::Uefi, Source::Shape(Asker::Edk2)) },
        Reason::PinnedForBoot,
        Reason::WrongBait { named: Firmware::Bios, said: heard },
        Reason::WrongBait { named: Firmware::Bios, said: Said::Uefi },
        Reason::WrongBait { named: Firmware::Bios, said: Said::NotBios },
        Reason::WrongBait { named: firmware, said: Said::Firmware(Firmware::Rpi) },
        Reason::HeldConflict,
        Reason::HeldTooLittle,
        Reason::UnknownGetsLoader,
        Reason::HeldUrlForBait,
    ]
}

#[test]
fn every_reason_is_a_line_of_its_own() {
    let mut lines: Vec<String> = one_of_each().iter().map(ToString::to_string).collect();
    for line in &lines {
        assert!(line.len() > 8 && !line.contains('\n') && !line.contains("  "), "{line:?}");
        assert!(!line.ends_with(['.', ' ', ':']), "{line:?}");
    }
    let count = lines.len();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), count);
}

#[test]
fn conditions_are_listed_in_the_order_of_the_keys() {
    let conditions =
        Conditions { arch: true, user_class: true, vendor_class: true, subnet: true, mac: true };
    let matched = |firmware| Reason::RuleMatched { rule: 1, conditions, firmware }.to_string();
    assert_eq!(
        matched(Some(Firmware::Rpi)),
        "rule 2 matched: arch rpi, user-class, vendor-class, subnet, mac"
    );
}
