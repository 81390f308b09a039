//! The question and the answer of [`crate::Policy::decide`].

use alloc::{borrow::Cow, string::String};

use crate::{
    bait::Bait, evidence::Pin, identity::Identity, names::Generated, reason::Reasons,
    target::Target,
};

/// What the client wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked<'a> {
    /// DHCP: which file do I boot?
    BootFile,
    /// TFTP or HTTP: this name was requested, bytes as received; of a URL its path below the root, percent-decoded.
    Name(&'a [u8]),
    /// TFTP: the client wants to send a file of this name, bytes as received.
    Upload(&'a [u8]),
}

/// What the client gets, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decision<'p> {
    /// What to answer.
    pub action: Action<'p>,
    /// How it came about, losers included; the last reason decided.
    pub reasons: Reasons,
    /// What the client was taken for.
    pub identity: Identity,
    /// A folder of the root, or of the place for uploads, that is this client's own: a requested name is looked for in
    /// it first, and then without it. Cleaned like a name. Never for [`Asked::BootFile`], nor for a bait.
    pub folder: Option<Cow<'p, str>>,
    /// What a text that we make is to boot, by the host entry, instead of offering a menu. Only where
    /// [`Action::File`] or [`Action::Script`] says that one is generated; it goes before a file of that name.
    pub target: Option<&'p Target>,
    /// The bait, when one was asked for.
    pub bait: Option<Bait>,
    /// What [`crate::Evidence::pin`] is to remember, so that this boot's further requests get the same file.
    pub pin: Option<Pin>,
}

/// What to answer. Every arm has to be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<'p> {
    /// A file below the root, by TFTP (or by HTTP when its name was asked there). For [`Asked::Upload`] the name to
    /// store it under.
    File {
        /// Its name: relative, cleaned, see [`crate::names::normalise`]. For [`Asked::BootFile`] at most 127 bytes.
        name: Cow<'p, [u8]>,
        /// When no file of that name exists, try the first so many bytes of it. Only for [`Asked::Name`].
        trimmed: Option<usize>,
        /// When neither exists, try this name: what a loader that was given for a bait asks for beside itself. Only
        /// for [`Asked::Name`].
        instead: Option<Cow<'p, [u8]>>,
        /// What to generate when the root has none of these files.
        generated: Option<Generated>,
    },
    /// A URL, at most 255 bytes. A `{server}` from [`crate::PolicyBuilder::http_base`] is still in it.
    Url(Cow<'p, str>),
    /// iPXE runs: the script of this name, for [`Asked::BootFile`] as a URL that the caller makes from its own address.
    Script {
        /// Name of the script below the root.
        name: &'p str,
        /// What to generate when the root has no such file.
        generated: Option<Generated>,
    },
    /// Refuse: the machine must not boot from here, or the name is not allowed.
    Deny,
    /// Stay silent and say why in the log: any answer would be a guess.
    Hold,
}

impl Action<'_> {
    /// The file, URL or script as text for logs; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn target(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::File { name, .. } => Some(String::from_utf8_lossy(name)),
            Self::Url(url) => Some(Cow::Borrowed(url)),
            Self::Script { name, .. } => Some(Cow::Borrowed(name)),
            Self::Deny | Self::Hold => None,
        }
    }
}
