//! The sentences that reasons print as, written for an administrator.

use core::fmt;

use crate::{
    bait,
    evidence::{Origin, Said},
    firmware::Firmware,
    loaders::default_loaders,
    names::Generated,
    ram_disk::RamDisk,
    reason::{Conditions, Mismatch, Reason},
};

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::HostDoesNotBoot { .. }
            | Self::HostNamesLoader { .. }
            | Self::HostLoaderNotForIpxe { .. }
            | Self::HostNamesFolder { .. }
            | Self::HostNamesTarget { .. }
            | Self::RuleMatched { .. }
            | Self::RuleSkipped { .. } => self.fmt_entry(f),
            Self::LoaderTable { .. }
            | Self::LoaderOfTwin { .. }
            | Self::StartsRamDisk { .. }
            | Self::HeldRamDisk { .. }
            | Self::ScriptForIpxe
            | Self::NextBoot
            | Self::InventoryTarget
            | Self::HeldForInventory
            | Self::InventoryIgnores
            | Self::InventoryScript
            | Self::HeldUnknown
            | Self::HeldNoLoader { .. }
            | Self::HeldNoHttpBase
            | Self::HeldUrlTooLong => self.fmt_outcome(f),
            Self::NameRefused { .. }
            | Self::NameCleaned
            | Self::NameTrimmed
            | Self::NameRemapped { .. }
            | Self::NameGenerated { .. }
            | Self::FolderByMac
            | Self::FolderByAddress
            | Self::NamePlain
            | Self::NameStored
            | Self::OthersScript
            | Self::CompanionOfBait { .. } => self.fmt_name(f),
            Self::NameIsBait { .. }
            | Self::AskedBy { .. }
            | Self::IpxeByShape
            | Self::FirmwareByShape
            | Self::Whose { .. }
            | Self::Evidence { .. }
            | Self::PinnedForBoot
            | Self::WrongBait { .. }
            | Self::HeldConflict
            | Self::HeldTooLittle
            | Self::UnknownGetsLoader
            | Self::HeldUrlForBait => self.fmt_bait(f),
            _ => self.fmt_identity(f),
        }
    }
}

impl Reason {
    fn fmt_identity(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArchListed { arch, firmware } => {
                write!(f, "option 93 names architecture {arch}: {firmware}")
            }
            Self::ByteCodeIsX64 { arch, firmware } => write!(
                f,
                "architecture {} in option 93 is listed as EBC but real machines send it for x64: treated as \
                 {firmware}",
                arch.0
            ),
            Self::ArchWithoutFirmware { arch } => {
                write!(f, "architecture {arch} has no firmware name here")
            }
            Self::ArchFromClass { arch, firmware } => {
                write!(f, "option 93 is missing; the text of option 60 names architecture {arch}: {firmware}")
            }
            Self::ArchsDisagree { listed, class } => {
                write!(f, "option 60 names architecture {class}, option 93 {listed}: option 93 is used")
            }
            Self::NoArch { boots: true } => f.write_str(
                "the client wants to boot but names no architecture, neither in option 93 nor in option 60",
            ),
            Self::NoArch { boots: false } => {
                f.write_str("DHCP tells nothing of the client's firmware (no option 93, no boot class in option 60)")
            }
            Self::ClassDecidesTransport { arch, firmware } => {
                let is = if firmware.is_http() { "is" } else { "is not" };
                write!(f, "the class {is} HTTPClient, the architecture is {arch}: treated as {firmware}")
            }
            Self::NoHttpFirmware { arch } => {
                write!(f, "the class is HTTPClient, but architecture {arch} has no HTTP boot known here")
            }
            Self::RaspberryPiByMac => f.write_str("the MAC prefix belongs to Raspberry Pi boards: rpi"),
            Self::RaspberryPiByMachineId => f.write_str("option 97 carries a Raspberry Pi's code: rpi"),
            Self::RaspberryPiRunsOther { firmware } => {
                write!(f, "a Raspberry Pi board, but it asks as {firmware}: not its boot ROM")
            }
            Self::RaspberryPiIsNoPc => {
                f.write_str("a Raspberry Pi board is no PC, whatever its architecture number says")
            }
            Self::UbootByClass => f.write_str("option 60 is U-Boot's on 64-bit ARM: arm64-uboot"),
            Self::Uboot32 => {
                f.write_str("option 60 is U-Boot's on 32-bit ARM, for which there is no firmware name")
            }
            Self::IpxeByUserClass => f.write_str("iPXE is running (option 77)"),
            Self::IpxeByOption175 => f.write_str("iPXE is running (option 175)"),
            Self::GpxeRunning => f.write_str(
                "gPXE is running (option 77); it cannot read iPXE scripts: served like the firmware it sits in",
            ),
            Self::IpxeIncomplete { missing } => {
                write!(f, "this iPXE lacks {missing}: it gets a full loader, like the firmware it sits in")
            }
            _ => Ok(()),
        }
    }

    fn fmt_entry(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostDoesNotBoot { host } => {
                write!(f, "host entry {} says boot = false", u64::from(host) + 1)
            }
            Self::HostNamesLoader { host } => {
                write!(f, "host entry {} names this loader", u64::from(host) + 1)
            }
            Self::HostLoaderNotForIpxe { host } => write!(
                f,
                "host entry {} names a loader for the firmware; iPXE already runs, so it is not sent again",
                u64::from(host) + 1
            ),
            Self::HostNamesTarget { host } => {
                write!(f, "host entry {} says what this machine boots", u64::from(host) + 1)
            }
            Self::HostNamesFolder { host } => {
                write!(f, "host entry {} names a folder, looked into first", u64::from(host) + 1)
            }
            Self::RuleMatched { rule, conditions, firmware } => {
                write!(f, "rule {} matched: ", u32::from(rule) + 1)?;
                conditions.fmt_for(firmware, f)
            }
            Self::RuleSkipped { rule, mismatch } => {
                write!(f, "rule {} does not apply: {mismatch}", u32::from(rule) + 1)
            }
            _ => Ok(()),
        }
    }

    fn fmt_outcome(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoaderTable { firmware } => write!(f, "the loader for {firmware}"),
            Self::LoaderOfTwin { firmware } => {
                write!(f, "the loader for {firmware}: the same machine by TFTP, it runs the same programs")
            }
            Self::StartsRamDisk { firmware } => write!(
                f,
                "the firmware starts the image by itself, from memory: a loader for {firmware} is in it"
            ),
            Self::HeldRamDisk { firmware, known } => fmt_no_ram_disk(firmware, known, f),
            Self::ScriptForIpxe => f.write_str("a running iPXE gets its script"),
            Self::InventoryTarget => f.write_str("the inventory says what this machine boots"),
            Self::NextBoot => f.write_str("an order for its next boot says what this machine boots"),
            Self::HeldForInventory => f.write_str("the inventory was asked and has not answered yet"),
            Self::InventoryIgnores => f.write_str("the inventory does not boot this machine"),
            Self::InventoryScript => {
                f.write_str("the inventory boots this machine, and a running iPXE gets the script made of its answer")
            }
            Self::HeldUnknown => f.write_str(
                "unknown firmware never gets a guessed file; to boot this machine name its loader in a [[host]] \
                 or [[rule]], or let option 93 through to this server",
            ),
            Self::HeldNoLoader { firmware } => fmt_no_loader(firmware, f),
            Self::HeldNoHttpBase => f.write_str(
                "the client takes only a URL, and this server has no HTTP address to make one from; turn UEFI HTTP \
                 Boot off on the machine or give it a rule with a url",
            ),
            Self::HeldUrlTooLong => {
                f.write_str("the URL would be too long for a DHCP option; shorten the file's path")
            }
            _ => Ok(()),
        }
    }

    fn fmt_name(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameRefused { fault } => write!(f, "the requested name is refused: {fault}"),
            Self::NameCleaned => f.write_str("slashes, drive prefix or trailing control bytes were cleaned from the name"),
            Self::NameTrimmed => f.write_str(
                "the name ends in bytes that firmware appends by mistake: without them it is tried second",
            ),
            Self::NameRemapped { remap } => {
                write!(f, "rewriting rule {} made it this name", remap.saturating_add(1))
            }
            Self::NameGenerated { generated: Generated::IpxeMenu } => {
                f.write_str("the iPXE menu is generated unless a file of this name exists")
            }
            Self::NameGenerated { generated: Generated::GrubConfig } => {
                f.write_str("the GRUB menu is generated unless a file of this name exists")
            }
            Self::NameGenerated { generated: Generated::PxelinuxConfig } => {
                f.write_str("the PXELINUX menu is generated unless a file of this name exists")
            }
            Self::FolderByMac => f.write_str("the folder of its MAC address is looked into first"),
            Self::FolderByAddress => f.write_str("the folder of its address is looked into first"),
            Self::NamePlain => f.write_str("the file of the requested name"),
            Self::CompanionOfBait { first: true } => f.write_str(
                "the machine got its loader for a bait: the file beside that loader is tried first",
            ),
            Self::CompanionOfBait { first: false } => f.write_str(
                "the machine got its loader for a bait: the file beside that loader is tried second",
            ),
            Self::NameGenerated { generated: Generated::MachineScript(_) } => {
                f.write_str("the script made for this machine of what the inventory says")
            }
            Self::OthersScript => f.write_str("the script was made for another machine"),
            Self::NameStored => f.write_str("a file to be stored under the requested name"),
            _ => Ok(()),
        }
    }

    fn fmt_bait(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameIsBait { firmware: None } => {
                f.write_str("the name is a bait: it stands for the machine's own loader")
            }
            Self::NameIsBait { firmware: Some(firmware) } => {
                write!(f, "the name is a bait whose suffix says {firmware}")
            }
            Self::AskedBy { asker } => write!(f, "asked by {asker}, as the request's options tell"),
            Self::IpxeByShape => f.write_str("iPXE is running, as the request tells"),
            Self::FirmwareByShape => {
                f.write_str("the request is not iPXE's: the iPXE that was heard is of an earlier boot")
            }
            Self::Whose { origin: Origin::Itself } => f.write_str("the client names itself"),
            Self::Whose { origin } => fmt::Display::fmt(&origin, f),
            Self::Evidence { item } => fmt::Display::fmt(&item, f),
            Self::PinnedForBoot => {
                f.write_str("the file that this boot got before: one boot, one loader")
            }
            Self::WrongBait { named, said } => fmt_wrong_bait(named, said, f),
            Self::HeldConflict => f.write_str(
                "the evidence contradicts itself, and nothing is guessed; next: it is served when it boots again \
                 and is heard here, or give each architecture its bait with suffix (_bios, _ia32, _uefi, _aa64)",
            ),
            Self::HeldTooLittle => f.write_str(
                "too little is known of its firmware, and nothing is guessed; next: it is served once its DHCP \
                 messages are heard here (a second helper address on its router), or name its loader in a [[host]], \
                 or give each architecture its bait with suffix (_bios, _ia32, _uefi, _aa64)",
            ),
            Self::UnknownGetsLoader => {
                f.write_str("its firmware is not known: select.unknown names this loader")
            }
            Self::HeldUrlForBait => f.write_str(
                "a rule gives it a url, and a bait can stand for a file only: give that rule a file",
            ),
            _ => Ok(()),
        }
    }
}

/// The DHCP setting to mend.
fn fmt_wrong_bait(named: Firmware, said: Said, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let wrong = bait::suffix(named).unwrap_or("bios");
    match said {
        Said::Firmware(firmware) => write!(
            f,
            "the DHCP server names the bait ending in _{wrong} to a {firmware} machine: set its option 67 for "
        )?,
        Said::Uefi => write!(
            f,
            "the DHCP server names the bait ending in _{wrong} to a UEFI machine: set its option 67 for "
        )?,
        Said::NotBios => write!(
            f,
            "the DHCP server names the bait ending in _{wrong} to a machine that is no BIOS: set its option 67 for "
        )?,
    }
    let mut separator = "";
    for (architectures, firmware) in [
        ("architecture 0", Firmware::Bios),
        ("architecture 6", Firmware::X86Uefi),
        ("architectures 7 and 9", Firmware::X64Uefi),
        ("architecture 11", Firmware::Arm64Uefi),
    ] {
        if said.allows(firmware) {
            let right = bait::suffix(firmware).unwrap_or_default();
            write!(f, "{separator}{architectures} to the one ending in _{right}")?;
            separator = ", for ";
        }
    }
    if separator.is_empty() {
        return f.write_str("it to the bait without suffix, or to its own loader");
    }
    Ok(())
}

fn fmt_no_ram_disk(firmware: Firmware, known: RamDisk, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match known {
        RamDisk::Unknown => f.write_str(
            "the firmware is to start the image by itself, but no .iso or .img of that name is known here that it could",
        ),
        RamDisk::Awaited => f.write_str(
            "the firmware is to start the image by itself, and the image is still looked at: it is told when it asks again",
        ),
        RamDisk::StartsOn(_) => write!(
            f,
            "the firmware is to start the image by itself, but the image has no loader for {firmware} in EFI/BOOT; name \
             another entry of it, or none, to boot it through a loader of this server"
        ),
    }
}

fn fmt_no_loader(firmware: Firmware, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "there is no loader for {firmware}; ")?;
    let candidates = default_loaders(firmware);
    if candidates.is_empty() {
        return write!(
            f,
            "name one as {firmware} under [loaders], or let it read its own configuration"
        );
    }
    f.write_str("put one of ")?;
    for (position, candidate) in candidates.iter().enumerate() {
        let separator = if position == 0 { "" } else { ", " };
        write!(f, "{separator}{}", candidate.file_name)?;
    }
    write!(f, " into root, or name one as {firmware} under [loaders]")
}

impl Conditions {
    fn fmt_for(self, firmware: Option<Firmware>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if self.arch {
            f.write_str("arch")?;
            if let Some(firmware) = firmware {
                write!(f, " {firmware}")?;
            }
            separator = ", ";
        }
        for (has, name) in [
            (self.user_class, "user-class"),
            (self.vendor_class, "vendor-class"),
            (self.subnet, "subnet"),
            (self.mac, "mac"),
        ] {
            if has {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() { f.write_str("it has no conditions") } else { Ok(()) }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arch { firmware: Some(firmware) } => write!(f, "arch does not list {firmware}"),
            Self::Arch { firmware: None } => f.write_str("arch is given and the client's firmware is unknown"),
            Self::UserClass => f.write_str("user-class differs"),
            Self::VendorClass => f.write_str("vendor-class differs"),
            Self::Subnet => f.write_str("the client is in another subnet"),
            Self::SubnetUnknown => f.write_str("subnet is given and the client's is unknown"),
            Self::Mac => f.write_str("mac differs"),
            Self::SpeaksToFirmware => f.write_str(
                "it speaks to firmware and iPXE already runs (a rule for iPXE says user-class = \"iPXE\")",
            ),
            Self::UrlNeedsHttp { firmware: Some(firmware) } => {
                write!(f, "it names a url, and {firmware} takes only a file name")
            }
            Self::UrlNeedsHttp { firmware: None } => {
                f.write_str("it names a url, and the client takes only a file name")
            }
            Self::Admitted => f.write_str(
                "it denies, but the machine's host entry or an earlier rule gives it a loader",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let conditions = Conditions {
            arch: true,
            user_class: true,
            vendor_class: true,
            subnet: true,
            mac: true,
        };
        let matched = |firmware| Reason::RuleMatched { rule: 1, conditions, firmware }.to_string();
        assert_eq!(
            matched(Some(Firmware::Rpi)),
            "rule 2 matched: arch rpi, user-class, vendor-class, subnet, mac"
        );
    }
}
