//! What can be wrong with a policy.

use alloc::{string::String, vec, vec::Vec};
use core::{fmt, net::Ipv4Addr};

use thiserror::Error;

use crate::{
    firmware::Firmware,
    limits::{
        BAITS_MAX, CMDLINE_BYTES_MAX, FILE_NAME_BYTES_MAX, FOLDER_BYTES_MAX, HOSTS_MAX,
        IMAGE_NAME_BYTES_MAX, INITRDS_MAX, PATTERN_BYTES_MAX, REMAP_TEXT_BYTES_MAX, REMAPS_MAX,
        RULES_MAX, URL_BYTES_MAX,
    },
    names::NameFault,
};

/// One fault of a policy: where, and what.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("{place}, {key}: {fault}")]
pub struct PolicyError {
    /// The entry.
    pub place: Place,
    /// The key in the entry, as configuration spells it: `mac`, `user-class`, `file`.
    pub key: &'static str,
    /// What is wrong.
    pub fault: Fault,
}

/// Every fault of a policy at once; there is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyErrors(pub(crate) Vec<PolicyError>);

impl PolicyErrors {
    /// The faults, in the order in which they were found.
    #[must_use]
    pub fn as_slice(&self) -> &[PolicyError] {
        &self.0
    }

    /// The same, one by one.
    pub fn iter(&self) -> core::slice::Iter<'_, PolicyError> {
        self.0.iter()
    }
}

impl IntoIterator for PolicyErrors {
    type Item = PolicyError;
    type IntoIter = vec::IntoIter<PolicyError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'e> IntoIterator for &'e PolicyErrors {
    type Item = &'e PolicyError;
    type IntoIter = core::slice::Iter<'e, PolicyError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A line for each.
impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl core::error::Error for PolicyErrors {}

/// The entry of a policy that a fault is in. Indices count from 0 in the order of the builder's calls; printed, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A host entry.
    Host(usize),
    /// A rule.
    Rule(usize),
    /// A rule that rewrites requested names.
    Remap(usize),
    /// A bait name.
    Bait(usize),
    /// An entry of the loader table, by its key.
    Loader(String),
    /// A setting of the policy as a whole.
    Policy,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(index) => write!(f, "host entry {}", index.saturating_add(1)),
            Self::Rule(index) => write!(f, "rule {}", index.saturating_add(1)),
            Self::Remap(index) => write!(f, "remap {}", index.saturating_add(1)),
            Self::Bait(index) => write!(f, "bait {}", index.saturating_add(1)),
            Self::Loader(_) => f.write_str("loaders"),
            Self::Policy => f.write_str("select"),
        }
    }
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not one of [`Firmware::all`].
    #[error("`{name}` is no firmware name; known are {}", FirmwareNames)]
    UnknownFirmware {
        /// The text.
        name: String,
    },
    /// Not a six-byte hardware address.
    #[error("`{text}` is no MAC address like 52:54:00:aa:00:01")]
    BadMac {
        /// The text.
        text: String,
    },
    /// A byte in a MAC pattern that no address contains.
    #[error("`{text}` is no MAC pattern: byte {offset} is neither a digit, `:`, `*` nor `?`")]
    BadMacPatternByte {
        /// The text.
        text: String,
        /// Offset of the byte.
        offset: usize,
    },
    /// A MAC pattern whose pieces do not line up with pairs of digits.
    #[error(
        "`{text}` can match no MAC address; write pairs of digits between colons, like 52:54:00:*"
    )]
    BadMacPatternShape {
        /// The text.
        text: String,
    },
    /// A pattern of more than [`PATTERN_BYTES_MAX`] bytes.
    #[error("the pattern is longer than {PATTERN_BYTES_MAX} bytes")]
    PatternTooLong,
    /// Not a subnet.
    #[error("`{text}` is no subnet like 10.1.0.0/16")]
    BadSubnet {
        /// The text.
        text: String,
    },
    /// A prefix of more than 32 bits.
    #[error("`{text}` has a prefix of more than 32 bits")]
    BadPrefix {
        /// The text.
        text: String,
    },
    /// An address with bits set outside its prefix.
    #[error("`{text}` has bits outside its prefix; the subnet is {network}")]
    HostBits {
        /// The text.
        text: String,
        /// The address of the subnet.
        network: Ipv4Addr,
    },
    /// An empty text or list.
    #[error("it is empty")]
    Empty,
    /// A file name of more than [`FILE_NAME_BYTES_MAX`] bytes.
    #[error("the file name has {bytes} bytes; DHCP has room for {FILE_NAME_BYTES_MAX}")]
    FileNameTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A file name that no request could name.
    #[error("the file name is refused: {fault}")]
    BadFileName {
        /// What is wrong with it.
        fault: NameFault,
    },
    /// A file name that ends in a blank.
    #[error("the file name ends in a blank, which firmware cuts off or adds as it likes")]
    FileNameEndsInBlank,
    /// A folder that no name could be looked for in.
    #[error("the folder is refused: {fault}; write it as it is called in the root, like node1")]
    BadFolder {
        /// What is wrong with it.
        fault: NameFault,
    },
    /// A folder's name of more than [`FOLDER_BYTES_MAX`] bytes.
    #[error("it has {bytes} bytes; at most {FOLDER_BYTES_MAX} bytes are allowed")]
    FolderTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not the name of an image.
    #[error(
        "`{text}` is no image like debian-12.iso or debian-12.iso#auto, of at most \
         {IMAGE_NAME_BYTES_MAX} bytes"
    )]
    BadImage {
        /// The text.
        text: String,
    },
    /// More than [`INITRDS_MAX`] initial RAM disks.
    #[error("there are {found} of them; at most {INITRDS_MAX} are allowed")]
    TooManyInitrds {
        /// How many there are.
        found: usize,
    },
    /// A command line that is too long, or not one line.
    #[error("it has {bytes} bytes; a command line is one line of at most {CMDLINE_BYTES_MAX}")]
    BadCmdline {
        /// Its length.
        bytes: usize,
    },
    /// Not a URL.
    #[error("`{text}` is no URL like http://192.0.2.5/boot.efi")]
    BadUrl {
        /// The text.
        text: String,
    },
    /// A URL of more than [`URL_BYTES_MAX`] bytes.
    #[error("the URL has {bytes} bytes; a DHCP option has room for {URL_BYTES_MAX}")]
    UrlTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A rule without, or with more than one of, `file`, `url` and `deny`.
    #[error("a rule needs exactly one of file, url and deny = true; this one has {found}")]
    NotOneAction {
        /// How many it has.
        found: usize,
    },
    /// A second host entry for the same address.
    #[error("the same address is in host entry {}", first.saturating_add(1))]
    DuplicateHost {
        /// Index of the first entry.
        first: usize,
    },
    /// A second entry of the loader table for the same firmware.
    #[error("it is named twice")]
    DuplicateLoader,
    /// A rule behind another that always decides first.
    #[error("it can never decide: rule {} matches every client that this one matches", by.saturating_add(1))]
    Unreachable {
        /// Index of the earlier rule.
        by: usize,
    },
    /// A rule that rewrites names without, or with more than one of, `prefix`, `suffix` and `regex`.
    #[error("it needs exactly one of prefix, suffix and regex; this one has {found}")]
    NotOnePattern {
        /// How many it has.
        found: usize,
    },
    /// Not a regular expression, or one too large.
    #[error("`{text}` is no regular expression that can be used: {problem}")]
    BadRegex {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A replacement that speaks of a group which the regular expression does not have.
    #[error(
        "the expression has no group `{group}`; write ${{1}}x for group 1 before a letter, $$ for a dollar sign"
    )]
    NoSuchGroup {
        /// Its name or number.
        group: String,
    },
    /// A text to look for or to put there of more than [`REMAP_TEXT_BYTES_MAX`] bytes.
    #[error("it has {bytes} bytes; at most {REMAP_TEXT_BYTES_MAX} bytes are allowed")]
    RemapTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A bait name that is no pattern of a file name, or that would hide real files.
    #[error(
        "`{text}` is no bait name like pxe-loader or iventoy_loader_*: ASCII without slashes, four characters besides \
         the wildcards"
    )]
    BadBait {
        /// The text.
        text: String,
    },
    /// More than [`BAITS_MAX`] bait names.
    #[error("there are {found} bait names; at most {BAITS_MAX} are allowed")]
    TooManyBaits {
        /// How many there are.
        found: usize,
    },
    /// More than [`REMAPS_MAX`] rules that rewrite names.
    #[error("there are {found} rules that rewrite names; at most {REMAPS_MAX} are allowed")]
    TooManyRemaps {
        /// How many there are.
        found: usize,
    },
    /// More than [`HOSTS_MAX`] host entries.
    #[error("there are {found} host entries; at most {HOSTS_MAX} are allowed")]
    TooManyHosts {
        /// How many there are.
        found: usize,
    },
    /// More than [`RULES_MAX`] rules.
    #[error("there are {found} rules; at most {RULES_MAX} are allowed")]
    TooManyRules {
        /// How many there are.
        found: usize,
    },
}

/// Prints every firmware name.
struct FirmwareNames;

impl fmt::Display for FirmwareNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, firmware) in Firmware::all().iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{firmware}")?;
        }
        Ok(())
    }
}
