//! What a requested name stands for: cleaned, rewritten, a bait, a generated menu or a file.

use alloc::borrow::Cow;

use super::Question;
use crate::{
    asker::Asker,
    decision::Action,
    firmware::Firmware,
    folder,
    inventory::Inventory,
    names::{self, Generated, Name},
    next_boot::NextBoot,
    reason::Reason,
    remap,
    target::Target,
};

impl<'p> Question<'p, '_, '_> {
    pub(crate) fn name(&mut self, requested: &'p [u8]) -> Action<'p> {
        if let Some(action) = self.kept_back() {
            return action;
        }
        let Some(name) = self.allowed_name(requested) else { return Action::Deny };
        if let Some(bait) = self.policy.baits.recognise(&name.bytes) {
            return self.by_bait(bait, &name.bytes);
        }
        self.plain(name)
    }

    pub(crate) fn upload(&mut self, requested: &'p [u8]) -> Action<'p> {
        let Some(name) = self.allowed_name(requested) else { return Action::Deny };
        self.own_folder();
        self.reasons.push(Reason::NameStored);
        Action::File { name: name.bytes, trimmed: None, instead: None, generated: None }
    }

    /// The name cleaned and rewritten, unless the client or the name is refused.
    fn allowed_name(&mut self, requested: &'p [u8]) -> Option<Name<'p>> {
        let policy = self.policy;
        let host = self.policy.host(self.facts.hardware_address);
        if let Some(host) = host.filter(|host| self.is_off(host)) {
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
        Some(name)
    }

    fn own_folder(&mut self) {
        let policy = self.policy;
        let host = policy.host(self.facts.hardware_address);
        self.folder = folder::of(host, policy.folder_by, self.facts, &mut self.reasons);
    }

    /// An ordinary name: the file of that name. What runs from a bait looks for its companions beside the bait,
    /// where they are not.
    fn plain(&mut self, name: Name<'p>) -> Action<'p> {
        self.own_folder();
        let generated = self.generated(name.trimmed_bytes());
        if let Some(Generated::MachineScript(mac)) = generated
            && !self.facts.hardware_address.is_empty()
            && self.facts.hardware_address != mac
        {
            self.reasons.push(Reason::OthersScript);
            return Action::Deny;
        }
        self.reasons.push(match generated {
            Some(generated) => Reason::NameGenerated { generated },
            None => Reason::NamePlain,
        });
        let companion = self.facts.pin.and_then(|pin| pin.companion(name.trimmed_bytes()));
        let Some(companion) = companion else {
            return Action::File {
                name: name.bytes,
                trimmed: name.trimmed,
                instead: None,
                generated,
            };
        };
        let first = self.facts.asker.is_second_stage();
        self.reasons.push(Reason::CompanionOfBait { first });
        if first {
            let instead = Some(Cow::Owned(name.trimmed_bytes().to_vec()));
            let name = Cow::Owned(companion);
            return Action::File { name, trimmed: None, instead, generated };
        }
        let instead = Some(Cow::Owned(companion));
        Action::File { name: name.bytes, trimmed: name.trimmed, instead, generated }
    }

    /// What we make for this name, and for a machine whose host entry says what it boots, this.
    fn generated(&mut self, name: &[u8]) -> Option<Generated> {
        let generated = names::generated(name)?;
        if matches!(generated, Generated::MachineScript(_)) {
            return Some(generated);
        }
        let policy = self.policy;
        let said = names::pxelinux_mac(name);
        let host = policy.host(self.facts.hardware_address).or_else(|| policy.host(&said?));
        let order = self.beside.next_boot.map(|order| (Reason::NextBoot, order));
        let named = match (order, host.filter(|host| host.boot)) {
            (Some((reason, NextBoot::Boots(target))), _) => Some((reason, target)),
            (Some(_), _) => None,
            (None, host) => host
                .and_then(|host| {
                    let reason = Reason::HostNamesTarget { host: host.index };
                    Some((reason, host.target.as_deref()?))
                })
                .or_else(|| self.inventory_target(generated)),
        };
        let target = named.filter(|(_, target)| {
            // To GRUB and PXELINUX a script of iPXE means nothing.
            match generated {
                Generated::IpxeMenu => true,
                Generated::MachineScript(_) => false,
                _ => !matches!(target, Target::Script(_)),
            }
        });
        if generated == Generated::PxelinuxConfig {
            // Before `default` come the administrator's own files: only what is meant for this machine goes before them.
            let may = match self.identity.firmware {
                Some(Firmware::Bios | Firmware::Arm64Uboot) => said.is_none(),
                // They boot what is first, and show no menu.
                Some(Firmware::Ppc64Of | Firmware::S390x) => false,
                _ => matches!(self.facts.asker, Asker::Pxelinux) && said.is_none(),
            };
            if !may && target.is_none() {
                return None;
            }
        }
        if let Some((reason, target)) = target {
            self.reasons.push(reason);
            self.target = Some(target);
        }
        Some(generated)
    }

    /// What an inventory boots, for whatever reads configurations: iPXE has a script of its own.
    fn inventory_target(&self, generated: Generated) -> Option<(Reason, &'p Target)> {
        let reads_it = matches!(generated, Generated::GrubConfig | Generated::PxelinuxConfig);
        let boots = self.facts.inventory == Inventory::Boots
            && self.policy.leaves_open(self.facts.hardware_address);
        let target = self.beside.inventory.filter(|_| reads_it && boots)?;
        Some((Reason::InventoryTarget, target))
    }
}
