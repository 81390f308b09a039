//! The sentences that reasons print as, written for an administrator.

mod bait;
mod rule;
#[cfg(test)]
mod tests;

use core::fmt;

use crate::{
    firmware::Firmware, loaders::default_loaders, names::Generated, ram_disk::RamDisk,
    reason::Reason,
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
