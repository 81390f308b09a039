//! Why a decision came out as it did: small values that print as sentences for an administrator.

use core::fmt;

use crate::{
    arch::Arch,
    firmware::Firmware,
    identity::MissingFeatures,
    limits::{LOSERS_MAX, REASONS_MAX},
    loaders::default_loaders,
    names::{Generated, NameFault},
};

/// One step of a decision. Its `Display` is one line without a final period.
///
/// Rules, hosts and their indices count from 0 here, as in [`crate::PolicyBuilder`]; in text they count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Option 93 names an architecture that we know.
    ArchListed {
        /// The entry of option 93.
        arch: Arch,
        /// What it stands for.
        firmware: Firmware,
    },
    /// Architecture 9 or 17, byte code by the registry, read as x64.
    ByteCodeIsX64 {
        /// 9 or 17.
        arch: Arch,
        /// What it is taken for.
        firmware: Firmware,
    },
    /// A number, from option 93 or the text of option 60, for which there is no firmware name.
    ArchWithoutFirmware {
        /// The number.
        arch: Arch,
    },
    /// Option 93 is missing; the text of option 60 names the architecture.
    ArchFromClass {
        /// The number in the text.
        arch: Arch,
        /// What it stands for.
        firmware: Firmware,
    },
    /// Options 93 and 60 name different architectures.
    ArchsDisagree {
        /// The entry of option 93 that was used.
        listed: Arch,
        /// The number in the text of option 60.
        class: Arch,
    },
    /// Neither option 93 nor option 60 names an architecture.
    NoArch {
        /// Whether the class was at least a boot class (`PXEClient`, `HTTPClient`).
        boots: bool,
    },
    /// The number is for HTTP but the class wants TFTP, or the other way round: the class decides.
    ClassDecidesTransport {
        /// The number.
        arch: Arch,
        /// What the client is taken for.
        firmware: Firmware,
    },
    /// The class is `HTTPClient` on a machine that has no HTTP boot that we know.
    NoHttpFirmware {
        /// The number.
        arch: Arch,
    },
    /// The MAC prefix belongs to Raspberry Pi boards.
    RaspberryPiByMac,
    /// Option 97 begins with a Raspberry Pi's code.
    RaspberryPiByMachineId,
    /// A Raspberry Pi board that runs other firmware than its ROM.
    RaspberryPiRunsOther {
        /// What it runs.
        firmware: Firmware,
    },
    /// A Raspberry Pi board that says BIOS without being its ROM.
    RaspberryPiIsNoPc,
    /// Option 60 is U-Boot's on 64-bit ARM.
    UbootByClass,
    /// Option 60 is U-Boot's on 32-bit ARM, which has no firmware name here.
    Uboot32,
    /// Option 77 says `iPXE`.
    IpxeByUserClass,
    /// Option 175 is there, option 77 does not say `iPXE`.
    IpxeByOption175,
    /// Option 77 says `gPXE`, which cannot read iPXE scripts.
    GpxeRunning,
    /// A running iPXE that lacks what the script needs is served like the firmware it sits in.
    IpxeIncomplete {
        /// What it lacks.
        missing: MissingFeatures,
    },
    /// The host entry says `boot = false`.
    HostDoesNotBoot {
        /// Index of the host entry.
        host: u32,
    },
    /// The host entry names the loader.
    HostNamesLoader {
        /// Index of the host entry.
        host: u32,
    },
    /// The host's loader is for its firmware; iPXE already runs.
    HostLoaderNotForIpxe {
        /// Index of the host entry.
        host: u32,
    },
    /// A rule matched and decides.
    RuleMatched {
        /// Index of the rule.
        rule: u16,
        /// The conditions it has, all of them met.
        conditions: Conditions,
        /// The client's firmware, when known.
        firmware: Option<Firmware>,
    },
    /// A rule did not decide.
    RuleSkipped {
        /// Index of the rule.
        rule: u16,
        /// Why not.
        mismatch: Mismatch,
    },
    /// The loader table decides.
    LoaderTable {
        /// The entry.
        firmware: Firmware,
    },
    /// The loader table has no entry for this firmware, but one for the same machine by TFTP.
    LoaderOfTwin {
        /// The entry that was used.
        firmware: Firmware,
    },
    /// iPXE runs: it gets its script.
    ScriptForIpxe,
    /// Nothing is known about the firmware and no host or rule names a file: nothing is guessed.
    HeldUnknown,
    /// No loader for this firmware was configured or found.
    HeldNoLoader {
        /// The firmware.
        firmware: Firmware,
    },
    /// The client wants a URL, and there is no base URL to make one from.
    HeldNoHttpBase,
    /// The URL would not fit into a DHCP option.
    HeldUrlTooLong,
    /// The requested name is refused.
    NameRefused {
        /// What is wrong with it.
        fault: NameFault,
    },
    /// The requested name was cleaned (slashes, drive prefix, trailing control bytes).
    NameCleaned,
    /// The requested name ends in bytes that look like firmware's garbage.
    NameTrimmed,
    /// The name is one that we generate when no such file exists.
    NameGenerated {
        /// What is generated.
        generated: Generated,
    },
    /// An ordinary name: the file of that name.
    NamePlain,
}

impl Reason {
    /// Whether this is something that lost against the deciding reason.
    #[must_use]
    pub const fn is_loser(&self) -> bool {
        matches!(self, Self::ArchWithoutFirmware { .. } | Self::RuleSkipped { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::HostDoesNotBoot { .. }
            | Self::HostNamesLoader { .. }
            | Self::HostLoaderNotForIpxe { .. }
            | Self::RuleMatched { .. }
            | Self::RuleSkipped { .. } => self.fmt_entry(f),
            Self::LoaderTable { .. }
            | Self::LoaderOfTwin { .. }
            | Self::ScriptForIpxe
            | Self::HeldUnknown
            | Self::HeldNoLoader { .. }
            | Self::HeldNoHttpBase
            | Self::HeldUrlTooLong => self.fmt_outcome(f),
            Self::NameRefused { .. }
            | Self::NameCleaned
            | Self::NameTrimmed
            | Self::NameGenerated { .. }
            | Self::NamePlain => self.fmt_name(f),
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
                f.write_str("nothing is known about the client's firmware (no option 93, no boot class in option 60)")
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
            Self::ScriptForIpxe => f.write_str("a running iPXE gets its script"),
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
            Self::NameGenerated { generated: Generated::IpxeMenu } => {
                f.write_str("the iPXE menu is generated unless a file of this name exists")
            }
            Self::NameGenerated { generated: Generated::GrubConfig } => {
                f.write_str("the GRUB menu is generated unless a file of this name exists")
            }
            Self::NamePlain => f.write_str("the file of the requested name"),
            _ => Ok(()),
        }
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

/// Which conditions a rule has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Conditions {
    /// `arch`: a list of firmware names.
    pub arch: bool,
    /// `user-class`.
    pub user_class: bool,
    /// `vendor-class`.
    pub vendor_class: bool,
    /// `subnet`.
    pub subnet: bool,
    /// `mac`.
    pub mac: bool,
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

/// Why a rule did not decide: the first condition that was not met, or what it speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mismatch {
    /// `arch` lists other firmware.
    Arch {
        /// The client's, when known.
        firmware: Option<Firmware>,
    },
    /// `user-class` differs or is missing.
    UserClass,
    /// `vendor-class` differs or is missing.
    VendorClass,
    /// The client is in another subnet.
    Subnet,
    /// Nothing tells which subnet the client is in.
    SubnetUnknown,
    /// `mac` differs or is missing.
    Mac,
    /// The rule names a file for firmware, and iPXE already runs: it would load its loader again, for ever.
    SpeaksToFirmware,
    /// The rule names a URL, and this firmware takes only file names.
    UrlNeedsHttp {
        /// The client's firmware, when known.
        firmware: Option<Firmware>,
    },
    /// The rule denies, but the host entry or an earlier rule gives this machine a loader.
    Admitted,
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

/// The reasons of one decision in the order they arose; the last one decided. Fixed size, no allocation.
///
/// At most [`REASONS_MAX`] are kept, of the losing kind at most [`LOSERS_MAX`]; [`Reasons::omitted`] counts the rest.
#[derive(Clone, Copy)]
pub struct Reasons {
    items: [Option<Reason>; REASONS_MAX],
    length: u8,
    losers: u8,
    omitted: u16,
}

impl Reasons {
    pub(crate) const fn new() -> Self {
        Self { items: [None; REASONS_MAX], length: 0, losers: 0, omitted: 0 }
    }

    pub(crate) fn push(&mut self, reason: Reason) {
        if reason.is_loser() {
            if usize::from(self.losers) >= LOSERS_MAX {
                self.omitted = self.omitted.saturating_add(1);
                return;
            }
            self.losers = self.losers.saturating_add(1);
        }
        match self.items.get_mut(usize::from(self.length)) {
            Some(slot) => {
                *slot = Some(reason);
                self.length = self.length.saturating_add(1);
            }
            None => self.omitted = self.omitted.saturating_add(1),
        }
    }

    /// The reasons, first to last.
    pub fn iter(&self) -> impl Iterator<Item = &Reason> {
        self.items.iter().flatten()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether there are none; never so in a [`crate::Decision`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The reason that decided.
    #[must_use]
    pub fn last(&self) -> Option<&Reason> {
        self.iter().last()
    }

    /// How many reasons found no room. They are all of the losing kind.
    #[must_use]
    pub const fn omitted(&self) -> u16 {
        self.omitted
    }
}

impl fmt::Debug for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One line per reason; a last line counts those left out.
impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, reason) in self.iter().enumerate() {
            let separator = if position == 0 { "" } else { "\n" };
            write!(f, "{separator}{reason}")?;
        }
        if self.omitted > 0 {
            write!(f, "\n(and {} more that did not apply)", self.omitted)?;
        }
        Ok(())
    }
}
