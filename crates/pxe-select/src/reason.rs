//! Why a decision came out as it did: small values. The sentences they print as are in `explain`.

use core::fmt;

use crate::{
    arch::Arch,
    asker::Asker,
    evidence::{Item, Origin, Said},
    firmware::Firmware,
    identity::MissingFeatures,
    limits::{LOSERS_MAX, REASONS_MAX},
    names::{Generated, NameFault},
    ram_disk::RamDisk,
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
    /// The host entry says what boots.
    HostNamesTarget {
        /// Index of the host entry.
        host: u32,
    },
    /// The host entry names a folder, which is looked into first.
    HostNamesFolder {
        /// Index of the host entry.
        host: u32,
    },
    /// The folder named by the hardware address is looked into first.
    FolderByMac,
    /// The folder named by the address is looked into first.
    FolderByAddress,
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
    /// The firmware starts the whole image by itself, from memory.
    StartsRamDisk {
        /// The firmware, for which a loader is in it.
        firmware: Firmware,
    },
    /// The firmware is to start the whole image by itself, and cannot.
    HeldRamDisk {
        /// The firmware.
        firmware: Firmware,
        /// What is known of the image.
        known: RamDisk,
    },
    /// iPXE runs: it gets its script.
    ScriptForIpxe,
    /// An inventory says what this machine boots, and its loader is told so.
    InventoryTarget,
    /// There is an order for this boot.
    NextBoot,
    /// An inventory was asked about this machine, and has not answered yet.
    HeldForInventory,
    /// An inventory does not boot this machine, or gave no answer that can be used.
    InventoryIgnores,
    /// An inventory boots this machine, and iPXE runs: it gets the script made for it.
    InventoryScript,
    /// The requested script is another machine's.
    OthersScript,
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
    /// A rule rewrote the name.
    NameRemapped {
        /// Index of the rule.
        remap: u16,
    },
    /// The name is one that we generate when no such file exists.
    NameGenerated {
        /// What is generated.
        generated: Generated,
    },
    /// An ordinary name: the file of that name.
    NamePlain,
    /// A file that the client sends, stored under that name.
    NameStored,
    /// The machine was given its loader for a bait, and this is asked for beside the bait.
    CompanionOfBait {
        /// Whether the file beside the loader is tried before the one of the requested name.
        first: bool,
    },
    /// The name is a bait.
    NameIsBait {
        /// The firmware that its suffix names.
        firmware: Option<Firmware>,
    },
    /// The shape of the request tells the program.
    AskedBy {
        /// Which program.
        asker: Asker,
    },
    /// The request has the shape of iPXE's, whatever was heard before.
    IpxeByShape,
    /// The request has the shape of firmware's: the iPXE that was heard is of an earlier boot.
    FirmwareByShape,
    /// How it is known whose request it is.
    Whose {
        /// By what.
        origin: Origin,
    },
    /// A piece of evidence about the firmware.
    Evidence {
        /// The piece.
        item: Item,
    },
    /// This boot got its file before, and gets the same again.
    PinnedForBoot,
    /// The suffix of a bait names another machine than the one that asks.
    WrongBait {
        /// What the suffix names.
        named: Firmware,
        /// What speaks against it.
        said: Said,
    },
    /// The pieces of evidence exclude each other.
    HeldConflict,
    /// The pieces of evidence are not enough.
    HeldTooLittle,
    /// A loader is configured for machines of unknown firmware.
    UnknownGetsLoader,
    /// A rule names a URL, and a bait can stand for a file only.
    HeldUrlForBait,
}

impl Reason {
    /// Whether this is something that lost against the deciding reason.
    #[must_use]
    pub const fn is_loser(&self) -> bool {
        matches!(self, Self::ArchWithoutFirmware { .. } | Self::RuleSkipped { .. })
    }
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
