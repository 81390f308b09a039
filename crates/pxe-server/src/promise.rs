//! Whether what is decided for a machine can be kept: the file is there and a program for that machine, and what that
//! program asks for next boots something on it. Looked up as the server does when the machine asks.

use core::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use pxe_select::{
    Action, Asked, Asker, Beside, ClientFacts, Decision, Firmware, Generated, IpxeFeatures, Policy,
};

use crate::content::{Content, Finder, IMAGES, Links, Made, signed};
use crate::engine::{ContentError, Introduction, Recipient, Wanted, printable};

/// Sub-options of option 175 that a full iPXE sends, each `1`: PXE, HTTP, HTTPS, TFTP, DNS, menus, kernels of BIOS and EFI.
const IPXE_FEATURES: [u8; 8] = [0x21, 0x13, 0x14, 0x15, 0x17, 0x27, 0x18, 0x24];

/// What a full iPXE can do.
pub(crate) fn ipxe_features() -> IpxeFeatures {
    IpxeFeatures::from_flags(IPXE_FEATURES.map(|code| (code, 1)))
}

/// Where it is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Here<'h> {
    pub(crate) finder: &'h Finder,
    /// The root folder, for the words.
    pub(crate) root: &'h Path,
    pub(crate) tftp_port: u16,
    pub(crate) policy: &'h Policy,
    /// What the decision knows of besides the machine.
    pub(crate) beside: Beside<'h>,
}

impl Here<'_> {
    /// What is wrong with the boot file that a machine is told, or with what comes after that, and the one thing to do; none
    /// for what other servers have.
    pub(crate) fn boot_fault(
        &self,
        facts: &ClientFacts<'_>,
        decision: &Decision<'_>,
    ) -> Option<String> {
        let firmware = decision.identity.firmware;
        match &decision.action {
            Action::File { name, generated: None, .. } => {
                self.named_fault(facts, decision, firmware).or_else(|| self.next_fault(name, facts))
            }
            Action::Url(url) => {
                let name = name_here(url)?;
                let found = self.finder.find(name, None, &self.links());
                self.fault_of(name, found, firmware).or_else(|| self.next_fault(name, facts))
            }
            _ => self.named_fault(facts, decision, None),
        }
    }

    /// What is wrong with what a machine asks for by a name.
    pub(crate) fn file_fault(
        &self,
        facts: &ClientFacts<'_>,
        decision: &Decision<'_>,
    ) -> Option<String> {
        let target = decision.action.target();
        let is_program = target.is_some_and(|name| is_program(&name));
        self.named_fault(facts, decision, decision.identity.firmware.filter(|_| is_program))
    }

    /// What the boot program asks for once it runs.
    fn next_fault(&self, program: &[u8], facts: &ClientFacts<'_>) -> Option<String> {
        let mut facts = *facts;
        facts.address = facts.address.or(Some(Ipv4Addr::UNSPECIFIED));
        let asked = match reads(program) {
            Generated::GrubConfig => {
                facts.asker = Asker::Grub;
                Asked::Name(b"grub.cfg")
            }
            Generated::PxelinuxConfig => {
                facts.asker = Asker::Pxelinux;
                Asked::Name(b"pxelinux.cfg/default")
            }
            _ => {
                facts.asker = Asker::Ipxe;
                facts.user_class = Some(b"iPXE");
                facts.ipxe = Some(ipxe_features());
                Asked::BootFile
            }
        };
        let decision = self.policy.decide_beside(&facts, self.beside, asked);
        self.named_fault(&facts, &decision, None)
    }

    /// What is wrong with a file or text, found under the names that the server tries; this firmware is to start it.
    fn named_fault(
        &self,
        facts: &ClientFacts<'_>,
        decision: &Decision<'_>,
        starts_on: Option<Firmware>,
    ) -> Option<String> {
        if let Action::File { generated: Some(Generated::MachineScript(_)), .. }
        | Action::Script { generated: Some(Generated::MachineScript(_)), .. } = decision.action
        {
            // It comes from an inventory.
            return None;
        }
        let target = decision.action.target()?;
        let peer = facts.address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4);
        let recipient = Recipient::new(peer, facts, Introduction::default(), decision);
        let wanted = Wanted::new(printable(target.as_bytes()), decision, recipient)?;
        let links = self.links();
        let found = wanted.open(|tried| {
            let (goes_first, recipient) = (tried.goes_first, &wanted.recipient);
            let made = tried.generated.map(|generated| Made { generated, goes_first, recipient });
            self.finder.find(&tried.name, made, &links)
        });
        self.fault_of(target.as_bytes(), found.map(|(content, _)| content), starts_on)
    }

    fn fault_of(
        &self,
        name: &[u8],
        found: Result<Content, ContentError>,
        firmware: Option<Firmware>,
    ) -> Option<String> {
        let (shown, root) = (printable(name), self.root.display());
        let content = match found {
            Ok(content) => content,
            Err(ContentError::NotFound) => {
                return Some(format!(
                    "there is no {shown} in {root}, so the machine will be refused it: put it there, or name another file"
                ));
            }
            Err(error) => return Some(format!("{shown} in {root} {error}")),
        };
        if let Some(shortfall) = content.shortfall() {
            let words = shortfall.text();
            return Some(format!("{words}; `pxe-server images` lists how each image boots"));
        }
        let wrong = signed::wrong_machine(&content, &shown, firmware?)?;
        Some(format!("{wrong}; docs/loaders.md lists what each firmware starts"))
    }

    fn links(&self) -> Links {
        Links::tftp(IpAddr::V4(Ipv4Addr::UNSPECIFIED), self.tftp_port)
    }
}

/// Which kind of text a boot program reads, told by its name; of what nobody knows iPXE's, which boots most.
fn reads(program: &[u8]) -> Generated {
    let file = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let file = file.to_ascii_lowercase();
    let has = |part: &[u8]| file.windows(part.len()).any(|it| it == part);
    if has(b"grub") || has(b"shim") {
        Generated::GrubConfig
    } else if has(b"pxelinux") {
        Generated::PxelinuxConfig
    } else {
        Generated::IpxeMenu
    }
}

/// Whether firmware starts a file of this name: any other may be asked for by whatever runs.
fn is_program(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".efi", ".0", ".kpxe", ".pxe"].iter().any(|end| name.ends_with(end))
}

/// The name beneath our root that a URL stands for.
fn name_here(url: &str) -> Option<&[u8]> {
    let (scheme, rest) = url.split_once("{server}")?;
    let (_, name) = rest.split_once("/boot/").filter(|_| scheme.starts_with("http"))?;
    (!name.as_bytes().starts_with(IMAGES)).then_some(name.as_bytes())
}
