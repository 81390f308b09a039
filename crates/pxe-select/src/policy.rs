//! The one decision function.

use alloc::{borrow::Cow, string::String, vec::Vec};

use crate::{
    builder::PolicyBuilder,
    decision::{Action, Asked, Decision},
    facts::ClientFacts,
    firmware::Firmware,
    folder::{self, FolderBy},
    identity::{self, Identity},
    mac::MacText,
    names::{self, Generated, Name},
    reason::{Mismatch, Reason, Reasons},
    remap::{self, CheckedRemap},
    rule::{CheckedHost, CheckedRule, Gives, LoaderName},
};

/// A loader, or none, per firmware, in the order of [`Firmware::all`].
pub(crate) type LoaderTable = [Option<LoaderName>; Firmware::all().len()];

/// A checked set of loaders, hosts and rules. Immutable: a changed configuration makes a new one.
///
/// ```
/// use pxe_select::{Action, Arch, Asked, ClientFacts, Firmware, Policy};
///
/// let policy = Policy::builder().loader(Firmware::X64Uefi, "ipxe.efi").build().unwrap();
/// let mut facts = ClientFacts::new(&[0x52, 0x54, 0x00, 0xaa, 0x00, 0x01]);
/// facts.archs = &[Arch(9)];
/// facts.vendor_class = Some(b"PXEClient:Arch:00009:UNDI:003000");
///
/// let decision = policy.decide(&facts, Asked::BootFile);
/// assert_eq!(decision.action.target().as_deref(), Some("ipxe.efi"));
/// for reason in decision.reasons.iter() {
///     println!("{reason}");
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub(crate) loaders: LoaderTable,
    /// Ordered by MAC, each once.
    pub(crate) hosts: Vec<CheckedHost>,
    pub(crate) rules: Vec<CheckedRule>,
    pub(crate) remaps: Vec<CheckedRemap>,
    pub(crate) folder_by: Option<FolderBy>,
    pub(crate) ipxe_script: Option<String>,
    pub(crate) http_base: Option<String>,
}

impl Policy {
    /// Begins a policy.
    #[must_use]
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// The loader table's entry for a firmware.
    #[must_use]
    pub fn loader(&self, firmware: Firmware) -> Option<&str> {
        self.loader_entry(firmware).map(|loader| loader.file.as_str())
    }

    /// What a client is taken for. [`Policy::decide`] says so too, with reasons.
    #[must_use]
    pub fn identify(&self, facts: &ClientFacts<'_>) -> Identity {
        identity::identify(facts, self.http_base.is_some(), &mut Reasons::new())
    }

    /// What a client gets, and why. The one function that decides: DHCP, TFTP, HTTP and explanations call it.
    ///
    /// A host entry beats the rules; the first rule that applies beats the loader table. Pure and bounded; it
    /// allocates only when a requested name has to be put together anew.
    #[must_use]
    pub fn decide<'p>(&'p self, facts: &ClientFacts<'_>, asked: Asked<'p>) -> Decision<'p> {
        let mut reasons = Reasons::new();
        let identity = identity::identify(facts, self.http_base.is_some(), &mut reasons);
        let mut question = Question { policy: self, facts, identity, reasons, folder: None };
        let action = match asked {
            Asked::BootFile => question.boot_file(),
            Asked::Name(requested) => question.name(requested),
            Asked::Upload(requested) => question.upload(requested),
        };
        let Question { reasons, folder, .. } = question;
        Decision { action, reasons, identity, folder }
    }

    fn loader_entry(&self, firmware: Firmware) -> Option<&LoaderName> {
        self.loaders.get(firmware.index()).and_then(Option::as_ref)
    }

    fn host(&self, hardware_address: &[u8]) -> Option<&CheckedHost> {
        let mac: [u8; 6] = hardware_address.try_into().ok()?;
        let at = self.hosts.binary_search_by_key(&mac, |host| host.mac).ok()?;
        self.hosts.get(at)
    }
}

/// One decision on its way.
struct Question<'p, 'f, 'a> {
    policy: &'p Policy,
    facts: &'f ClientFacts<'a>,
    identity: Identity,
    reasons: Reasons,
    folder: Option<Cow<'p, str>>,
}

impl<'p> Question<'p, '_, '_> {
    fn boot_file(&mut self) -> Action<'p> {
        let policy = self.policy;
        let host = policy.host(self.facts.hardware_address);
        if let Some(host) = host
            && let Some(action) = self.by_host(host)
        {
            return action;
        }
        if let Some(rule) = self.matching_rule(host) {
            return match &rule.gives {
                Gives::File(loader) => self.give(loader),
                Gives::Url(url) => Action::Url(Cow::Borrowed(url)),
                Gives::Deny => Action::Deny,
            };
        }
        if self.identity.runs_scripts() {
            self.reasons.push(Reason::ScriptForIpxe);
            return policy.script();
        }
        match self.identity.firmware {
            Some(firmware) => self.by_table(firmware),
            None => {
                self.reasons.push(Reason::HeldUnknown);
                Action::Hold
            }
        }
    }

    fn by_host(&mut self, host: &'p CheckedHost) -> Option<Action<'p>> {
        if !host.boot {
            self.reasons.push(Reason::HostDoesNotBoot { host: host.index });
            return Some(Action::Deny);
        }
        let loader = host.loader.as_ref()?;
        if self.identity.runs_scripts() {
            self.reasons.push(Reason::HostLoaderNotForIpxe { host: host.index });
            return None;
        }
        self.reasons.push(Reason::HostNamesLoader { host: host.index });
        Some(self.give(loader))
    }

    /// The first rule that applies.
    ///
    /// A machine that a host entry or an earlier rule gives a loader stays admitted when iPXE runs on it, although
    /// that entry then no longer decides: a `deny` further down is not for it.
    fn matching_rule(&mut self, host: Option<&CheckedHost>) -> Option<&'p CheckedRule> {
        let mac = MacText::new(self.facts.hardware_address);
        let mut admitted = host.is_some_and(|host| host.loader.is_some());
        for rule in &self.policy.rules {
            match rule.applies(self.facts, &self.identity, &mac, admitted) {
                Ok(()) => {
                    self.reasons.push(Reason::RuleMatched {
                        rule: rule.index,
                        conditions: rule.when.conditions(),
                        firmware: self.identity.firmware,
                    });
                    return Some(rule);
                }
                Err(mismatch) => {
                    admitted |= mismatch == Mismatch::SpeaksToFirmware;
                    self.reasons.push(Reason::RuleSkipped { rule: rule.index, mismatch });
                }
            }
        }
        None
    }

    fn by_table(&mut self, firmware: Firmware) -> Action<'p> {
        let twin = firmware.over_tftp();
        if let Some(loader) = self.policy.loader_entry(firmware) {
            self.reasons.push(Reason::LoaderTable { firmware });
            self.give(loader)
        } else if let Some(loader) = self.policy.loader_entry(twin) {
            self.reasons.push(Reason::LoaderOfTwin { firmware: twin });
            self.give(loader)
        } else {
            self.reasons.push(Reason::HeldNoLoader { firmware });
            Action::Hold
        }
    }

    /// The loader as this client takes it: a file name, or a URL for UEFI HTTP Boot.
    fn give(&mut self, loader: &'p LoaderName) -> Action<'p> {
        if !self.identity.http || self.identity.runs_scripts() {
            let name = Cow::Borrowed(loader.file.as_bytes());
            return Action::File { name, trimmed: None, generated: None };
        }
        if let Some(url) = &loader.url {
            return Action::Url(Cow::Borrowed(url));
        }
        self.reasons.push(match self.policy.http_base {
            Some(_) => Reason::HeldUrlTooLong,
            None => Reason::HeldNoHttpBase,
        });
        Action::Hold
    }

    fn name(&mut self, requested: &'p [u8]) -> Action<'p> {
        let Some(name) = self.allowed_name(requested) else { return Action::Deny };
        let generated = names::generated(name.trimmed_bytes());
        self.reasons.push(match generated {
            Some(generated) => Reason::NameGenerated { generated },
            None => Reason::NamePlain,
        });
        Action::File { name: name.bytes, trimmed: name.trimmed, generated }
    }

    fn upload(&mut self, requested: &'p [u8]) -> Action<'p> {
        let Some(name) = self.allowed_name(requested) else { return Action::Deny };
        self.reasons.push(Reason::NameStored);
        Action::File { name: name.bytes, trimmed: None, generated: None }
    }

    /// The name cleaned and rewritten, unless the client or the name is refused.
    fn allowed_name(&mut self, requested: &'p [u8]) -> Option<Name<'p>> {
        let policy = self.policy;
        let host = self.policy.host(self.facts.hardware_address);
        if let Some(host) = host.filter(|host| !host.boot) {
            self.reasons.push(Reason::HostDoesNotBoot { host: host.index });
            return None;
        }
        if self.is_denied(host) {
            return None;
        }
        let mut name = match names::normalise(requested) {
            Ok(name) => name,
            Err(fault) => {
                self.reasons.push(Reason::NameRefused { fault });
                return None;
            }
        };
        if name.cleaned {
            self.reasons.push(Reason::NameCleaned);
        }
        if name.trimmed.is_some() {
            self.reasons.push(Reason::NameTrimmed);
        }
        let rewritten = remap::apply(&policy.remaps, &mut name, |index| {
            let remap = u16::try_from(index).unwrap_or(u16::MAX);
            self.reasons.push(Reason::NameRemapped { remap });
        });
        if let Err(fault) = rewritten {
            self.reasons.push(Reason::NameRefused { fault });
            return None;
        }
        self.folder = folder::of(host, policy.folder_by, self.facts, &mut self.reasons);
        Some(name)
    }

    /// Whether the first rule that applies is a denial: what DHCP would have answered this client.
    fn is_denied(&mut self, host: Option<&CheckedHost>) -> bool {
        let before = self.reasons;
        let rule = self.matching_rule(host);
        let denied = rule.is_some_and(|rule| matches!(rule.gives, Gives::Deny));
        if !denied {
            // Which rule would name a boot file says nothing about a name that was asked for.
            self.reasons = before;
        }
        denied
    }
}

impl Policy {
    fn script(&self) -> Action<'_> {
        match &self.ipxe_script {
            Some(name) => Action::Script { name, generated: names::generated(name.as_bytes()) },
            None => {
                Action::Script { name: names::IPXE_MENU_NAME, generated: Some(Generated::IpxeMenu) }
            }
        }
    }
}
