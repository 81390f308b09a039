//! The one decision function.

use alloc::{string::String, vec::Vec};

use crate::{
    bait::{Bait, Baits},
    builder::PolicyBuilder,
    decision::{Action, Asked, Decision},
    facts::ClientFacts,
    firmware::Firmware,
    folder::FolderBy,
    identity::{self, Identity},
    names::{self, Generated},
    next_boot::{Beside, NextBoot},
    question::Question,
    reason::{Reason, Reasons},
    remap::{self, CheckedRemap},
    rule::{CheckedHost, CheckedRule, LoaderName},
    target::Target,
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
    pub(crate) baits: Baits,
    /// What a bait stands for when the firmware is not known; silence if there is none.
    pub(crate) unknown: Option<LoaderName>,
    pub(crate) folder_by: Option<FolderBy>,
    pub(crate) ipxe_script: Option<String>,
    pub(crate) http_base: Option<String>,
    pub(crate) images_base: Option<String>,
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
        identity::identify(facts, self.script_base().is_some(), &mut Reasons::new())
    }

    /// What a client gets, and why. The one function that decides: DHCP, TFTP, HTTP and explanations call it.
    ///
    /// A host entry beats the rules; the first rule that applies beats the loader table. Pure and bounded; it
    /// allocates only when a requested name has to be put together anew.
    #[must_use]
    pub fn decide<'p>(&'p self, facts: &ClientFacts<'_>, asked: Asked<'p>) -> Decision<'p> {
        self.decide_beside(facts, Beside::default(), asked)
    }

    /// The same where something is said of this machine beside the policy.
    #[must_use]
    pub fn decide_beside<'p>(
        &'p self,
        facts: &ClientFacts<'_>,
        beside: Beside<'p>,
        asked: Asked<'p>,
    ) -> Decision<'p> {
        let mut reasons = Reasons::new();
        let identity = identity::identify(facts, self.script_base().is_some(), &mut reasons);
        let mut question = Question::new(self, (facts, beside), identity, reasons);
        let action = match asked {
            Asked::BootFile => question.boot_file(),
            Asked::Name(requested) => question.name(requested),
            Asked::Upload(requested) => question.upload(requested),
        };
        let Question { reasons, identity, folder, target, bait, pin, .. } = question;
        Decision { action, reasons, identity, folder, target, bait, pin }
    }

    /// The bait that a requested name is, if it is one.
    #[must_use]
    pub fn bait(&self, requested: &[u8]) -> Option<Bait> {
        let mut name = names::normalise(requested).ok()?;
        remap::apply(&self.remaps, &mut name, |_| {}).ok()?;
        self.baits.recognise(&name.bytes)
    }

    /// Whether hosts or rules treat machines differently, so that it matters for every name who asks for it.
    #[must_use]
    pub fn tells_machines_apart(&self) -> bool {
        !self.hosts.is_empty() || !self.rules.is_empty()
    }

    /// Whether an inventory, where there is one, may say what this machine boots: no host entry forbids it to, or says it already.
    #[must_use]
    pub fn leaves_open(&self, hardware_address: &[u8]) -> bool {
        self.host(hardware_address).is_none_or(|host| host.boot && host.target.is_none())
    }

    /// What the URL of a running iPXE's script begins with, when it gets one over HTTP; a `{server}` is still in it.
    ///
    /// [`PolicyBuilder::http_base`] if that is plain HTTP. Over TLS the script stays with TFTP: BIOS builds of iPXE
    /// have no TLS, and the others trust no certificate of the house.
    #[must_use]
    pub fn script_base(&self) -> Option<&str> {
        self.http_base.as_deref().filter(|base| base.starts_with("http://"))
    }

    /// The image that a machine is to boot, by an order or its host entry: [`ClientFacts::ram_disk`] is about this one.
    #[must_use]
    pub fn image_of<'p>(&'p self, hardware_address: &[u8], beside: Beside<'p>) -> Option<&'p str> {
        let (_, image) = self.named_image(hardware_address, beside)?;
        Some(image.split_once('#').map_or(image, |(name, _)| name))
    }

    /// The same with its entry, and who says so.
    pub(crate) fn named_image<'p>(
        &'p self,
        hardware_address: &[u8],
        beside: Beside<'p>,
    ) -> Option<(Reason, &'p str)> {
        let (reason, target) = match beside.next_boot {
            Some(NextBoot::Boots(target)) => (Reason::NextBoot, target),
            Some(NextBoot::Menu) => return None,
            None => {
                let host = self.host(hardware_address).filter(|host| host.boot)?;
                (Reason::HostNamesTarget { host: host.index }, host.target.as_deref()?)
            }
        };
        match target {
            Target::Image(image) => Some((reason, image)),
            _ => None,
        }
    }

    pub(crate) fn loader_entry(&self, firmware: Firmware) -> Option<&LoaderName> {
        self.loaders.get(firmware.index()).and_then(Option::as_ref)
    }

    pub(crate) fn host(&self, hardware_address: &[u8]) -> Option<&CheckedHost> {
        let mac: [u8; 6] = hardware_address.try_into().ok()?;
        let at = self.hosts.binary_search_by_key(&mac, |host| host.mac).ok()?;
        self.hosts.get(at)
    }
}

impl Policy {
    pub(crate) fn script(&self) -> Action<'_> {
        match &self.ipxe_script {
            Some(name) => Action::Script { name, generated: names::generated(name.as_bytes()) },
            None => {
                Action::Script { name: names::IPXE_MENU_NAME, generated: Some(Generated::IpxeMenu) }
            }
        }
    }
}
