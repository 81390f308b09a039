//! Host entries and rules: as configuration gives them, and in the form they are matched in.

use alloc::{boxed::Box, string::String, vec::Vec};

use crate::{
    facts::ClientFacts,
    firmware::{Firmware, FirmwareSet},
    glob,
    identity::Identity,
    mac::MacText,
    reason::{Conditions, Mismatch},
    subnet::Subnet,
    target::Target,
    user_class::user_classes,
};

/// What one machine gets, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// Its hardware address: `52:54:00:aa:00:01`, also with `-`, as `5254.00aa.0001` or `525400aa0001`.
    pub mac: String,
    /// File name of its loader, relative to the root; without one, rules and the loader table decide.
    pub loader: Option<String>,
    /// Whether it may boot from here at all.
    pub boot: bool,
    /// A folder of the root, in which names that it asks for are looked for first.
    pub folder: Option<String>,
    /// What it boots instead of asking people by a menu.
    pub target: Option<Target>,
}

impl Host {
    /// A machine that may boot, and for which rules and the loader table decide.
    #[must_use]
    pub fn new(mac: impl Into<String>) -> Self {
        Self { mac: mac.into(), loader: None, boot: true, folder: None, target: None }
    }

    /// The same with its own loader.
    #[must_use]
    pub fn with_loader(self, file: impl Into<String>) -> Self {
        Self { loader: Some(file.into()), ..self }
    }

    /// The same with a folder of its own.
    #[must_use]
    pub fn with_folder(self, folder: impl Into<String>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// The same with what it boots.
    #[must_use]
    pub fn with_target(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// The same, but it must not boot from here.
    #[must_use]
    pub fn without_boot(self) -> Self {
        Self { boot: false, ..self }
    }
}

/// Which clients a rule is about. All conditions that are given have to be met; none given: every client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct When {
    /// Firmware names, one of which has to be the client's. A client of unknown firmware matches no list.
    pub arch: Option<Vec<String>>,
    /// Pattern (`*`, `?`) for one whole class of option 77; upper and lower case differ.
    pub user_class: Option<String>,
    /// Pattern for the whole of option 60; a text without wildcards for its beginning, as PXE compares classes.
    pub vendor_class: Option<String>,
    /// Subnet of the client's address, of its relay, or, when it has neither, of our address on its link.
    pub subnet: Option<String>,
    /// Pattern for the hardware address in pairs of digits: `52:54:00:*`. Case does not matter, `-` is `:`.
    pub mac: Option<String>,
}

impl When {
    /// Every client.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// And of one of these firmwares, by their names.
    #[must_use]
    pub fn with_arch<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.arch = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// And with a class like this in option 77.
    #[must_use]
    pub fn with_user_class(mut self, pattern: impl Into<String>) -> Self {
        self.user_class = Some(pattern.into());
        self
    }

    /// And with an option 60 like this.
    #[must_use]
    pub fn with_vendor_class(mut self, pattern: impl Into<String>) -> Self {
        self.vendor_class = Some(pattern.into());
        self
    }

    /// And in this subnet.
    #[must_use]
    pub fn with_subnet(mut self, subnet: impl Into<String>) -> Self {
        self.subnet = Some(subnet.into());
        self
    }

    /// And with a hardware address like this.
    #[must_use]
    pub fn with_mac(mut self, pattern: impl Into<String>) -> Self {
        self.mac = Some(pattern.into());
        self
    }
}

/// One rule, as configured. Exactly one of `file`, `url` and `deny` has to be given.
///
/// A rule that names a file or URL without a `user_class` speaks to firmware: it is passed over for a running iPXE,
/// which would otherwise be sent its own loader again and again. `deny` applies to everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Which clients.
    pub when: When,
    /// They get this file, relative to the root. UEFI HTTP Boot gets its URL.
    pub file: Option<String>,
    /// They get this URL; passed over for firmware that takes only file names.
    pub url: Option<String>,
    /// They get nothing.
    pub deny: bool,
}

impl Rule {
    /// Clients that get a file.
    #[must_use]
    pub fn file(when: When, file: impl Into<String>) -> Self {
        Self { when, file: Some(file.into()), ..Self::default() }
    }

    /// Clients that get a URL.
    #[must_use]
    pub fn url(when: When, url: impl Into<String>) -> Self {
        Self { when, url: Some(url.into()), ..Self::default() }
    }

    /// Clients that get nothing.
    #[must_use]
    pub fn deny(when: When) -> Self {
        Self { when, deny: true, ..Self::default() }
    }
}

/// A checked host entry.
#[derive(Clone, Debug)]
pub(crate) struct CheckedHost {
    pub(crate) mac: [u8; 6],
    pub(crate) index: u32,
    pub(crate) loader: Option<LoaderName>,
    pub(crate) boot: bool,
    pub(crate) folder: Option<String>,
    /// Few have one, and it is larger than the rest.
    pub(crate) target: Option<Box<Target>>,
}

/// A checked file name, and its URL when the policy has a base for one that is not too long.
#[derive(Clone, Debug)]
pub(crate) struct LoaderName {
    pub(crate) file: String,
    pub(crate) url: Option<String>,
}

/// What a checked rule gives.
#[derive(Clone, Debug)]
pub(crate) enum Gives {
    File(LoaderName),
    Url(String),
    Deny,
}

/// A checked rule.
#[derive(Clone, Debug)]
pub(crate) struct CheckedRule {
    pub(crate) index: u16,
    pub(crate) when: CheckedWhen,
    pub(crate) gives: Gives,
}

/// Checked conditions.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckedWhen {
    pub(crate) arch: Option<FirmwareSet>,
    pub(crate) user_class: Option<String>,
    pub(crate) vendor_class: Option<String>,
    pub(crate) subnet: Option<Subnet>,
    pub(crate) mac: Option<String>,
}

impl CheckedRule {
    /// Whether the rule decides for this client; else the first thing that kept it from that. `admitted`: something
    /// above the rule gives the client a loader.
    pub(crate) fn applies(
        &self,
        facts: &ClientFacts<'_>,
        identity: &Identity,
        mac: &MacText,
        admitted: bool,
    ) -> Result<(), Mismatch> {
        self.when.matches(facts, identity, mac)?;
        if admitted && matches!(self.gives, Gives::Deny) {
            return Err(Mismatch::Admitted);
        }
        if self.speaks_to_firmware() && identity.runs_scripts() {
            return Err(Mismatch::SpeaksToFirmware);
        }
        if matches!(self.gives, Gives::Url(_)) && !identity.http && !identity.runs_scripts() {
            return Err(Mismatch::UrlNeedsHttp { firmware: identity.firmware });
        }
        Ok(())
    }

    /// Whether `later` can never decide because this rule comes first.
    pub(crate) fn shadows(&self, later: &Self) -> bool {
        let decides_first = match (&self.gives, &later.gives) {
            // An admitted machine passes a denial, and a rule for its iPXE can still decide.
            (Gives::Deny, _) => !later.speaks_to_ipxe(),
            // Who gets a file from this rule, or got one before iPXE ran, is admitted.
            (Gives::File(_), Gives::Deny) => true,
            // Firmware that takes no URL passes this rule.
            (Gives::Url(_), Gives::Deny | Gives::File(_)) => false,
            (Gives::File(_), _) | (Gives::Url(_), Gives::Url(_)) => {
                !self.speaks_to_firmware() || later.speaks_to_firmware()
            }
        };
        decides_first && self.when.covers(&later.when)
    }

    fn speaks_to_firmware(&self) -> bool {
        !matches!(self.gives, Gives::Deny) && self.when.user_class.is_none()
    }

    fn speaks_to_ipxe(&self) -> bool {
        !matches!(self.gives, Gives::Deny) && self.when.user_class.is_some()
    }
}

impl CheckedWhen {
    pub(crate) fn conditions(&self) -> Conditions {
        Conditions {
            arch: self.arch.is_some(),
            user_class: self.user_class.is_some(),
            vendor_class: self.vendor_class.is_some(),
            subnet: self.subnet.is_some(),
            mac: self.mac.is_some(),
        }
    }

    fn matches(
        &self,
        facts: &ClientFacts<'_>,
        identity: &Identity,
        mac: &MacText,
    ) -> Result<(), Mismatch> {
        if let Some(listed) = self.arch {
            let firmware = identity.firmware;
            // A running iPXE does not tell whether it was fetched by HTTP.
            let twin = firmware.and_then(Firmware::over_http).filter(|_| identity.runs_scripts());
            if !firmware.into_iter().chain(twin).any(|firmware| listed.contains(firmware)) {
                return Err(Mismatch::Arch { firmware });
            }
        }
        if let Some(pattern) = &self.user_class {
            let raw = facts.user_class.unwrap_or_default();
            let matched = user_classes(raw)
                .chain((!raw.is_empty()).then_some(raw))
                .any(|class| glob::matches(pattern.as_bytes(), class));
            if !matched {
                return Err(Mismatch::UserClass);
            }
        }
        if let Some(pattern) = &self.vendor_class
            && !facts.vendor_class.is_some_and(|class| class_matches(pattern, class))
        {
            return Err(Mismatch::VendorClass);
        }
        if let Some(subnet) = self.subnet {
            in_subnet(subnet, facts)?;
        }
        match &self.mac {
            Some(pattern) if !glob::matches(pattern.as_bytes(), mac.as_bytes()) => {
                Err(Mismatch::Mac)
            }
            _ => Ok(()),
        }
    }

    /// Whether these conditions hold wherever `other`'s do, as far as plain comparison tells.
    fn covers(&self, other: &Self) -> bool {
        let arch = match (self.arch, other.arch) {
            (None, _) => true,
            (Some(ours), Some(theirs)) => ours.contains_all(theirs),
            (Some(_), None) => false,
        };
        let subnet = match (self.subnet, other.subnet) {
            (None, _) => true,
            (Some(ours), Some(theirs)) => ours.covers(theirs),
            (Some(_), None) => false,
        };
        let text =
            |ours: &Option<String>, theirs: &Option<String>| ours.is_none() || ours == theirs;
        arch && subnet
            && text(&self.user_class, &other.user_class)
            && text(&self.vendor_class, &other.vendor_class)
            && text(&self.mac, &other.mac)
    }
}

fn class_matches(pattern: &str, class: &[u8]) -> bool {
    if glob::is_pattern(pattern) {
        glob::matches(pattern.as_bytes(), class)
    } else {
        class.starts_with(pattern.as_bytes())
    }
}

/// A client on our own link that has no address yet is in that link's subnet; a relayed one never is.
fn in_subnet(subnet: Subnet, facts: &ClientFacts<'_>) -> Result<(), Mismatch> {
    let known = match (facts.address, facts.relay) {
        (None, None) => [facts.link, None],
        (address, relay) => [address, relay],
    };
    if known.iter().flatten().any(|address| subnet.contains(*address)) {
        Ok(())
    } else if known == [None, None] {
        Err(Mismatch::SubnetUnknown)
    } else {
        Err(Mismatch::Subnet)
    }
}
