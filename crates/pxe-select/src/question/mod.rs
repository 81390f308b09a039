//! One decision on its way: hosts, rules and tables asked in their order.

mod bait;
mod name;
mod ram_disk;

use alloc::borrow::Cow;

use crate::{
    bait::Bait,
    decision::Action,
    evidence::Pin,
    facts::ClientFacts,
    firmware::Firmware,
    identity::Identity,
    inventory::Inventory,
    mac::MacText,
    names::{self, Generated},
    next_boot::{Beside, NextBoot},
    policy::Policy,
    reason::{Mismatch, Reason, Reasons},
    rule::{CheckedHost, CheckedRule, Gives, LoaderName},
    target::Target,
};

/// One decision on its way.
pub(crate) struct Question<'p, 'f, 'a> {
    policy: &'p Policy,
    facts: &'f ClientFacts<'a>,
    beside: Beside<'p>,
    pub(crate) identity: Identity,
    pub(crate) reasons: Reasons,
    pub(crate) folder: Option<Cow<'p, str>>,
    pub(crate) target: Option<&'p Target>,
    pub(crate) bait: Option<Bait>,
    pub(crate) pin: Option<Pin>,
}

impl<'p, 'f, 'a> Question<'p, 'f, 'a> {
    pub(crate) const fn new(
        policy: &'p Policy,
        (facts, beside): (&'f ClientFacts<'a>, Beside<'p>),
        identity: Identity,
        reasons: Reasons,
    ) -> Self {
        let (folder, target, bait, pin) = (None, None, None, None);
        Self { policy, facts, beside, identity, reasons, folder, target, bait, pin }
    }

    pub(crate) fn boot_file(&mut self) -> Action<'p> {
        if let Some(action) = self.by_order().or_else(|| self.by_inventory()) {
            return action;
        }
        if let Some(action) = self.by_host_or_rule() {
            return action;
        }
        if self.identity.runs_scripts() {
            self.reasons.push(Reason::ScriptForIpxe);
            return self.policy.script();
        }
        match self.identity.firmware {
            Some(firmware) => self.by_table(firmware),
            None => {
                self.reasons.push(Reason::HeldUnknown);
                Action::Hold
            }
        }
    }

    /// What is ordered for this boot alone. Firmware gets its loader as ever, and boots it from there.
    fn by_order(&mut self) -> Option<Action<'p>> {
        let order = self.beside.next_boot?;
        if !self.identity.runs_scripts() {
            return self.by_ram_disk();
        }
        self.reasons.push(Reason::NextBoot);
        Some(match order {
            NextBoot::Menu => self.policy.script(),
            NextBoot::Boots(target) => self.script_of(target),
        })
    }

    /// Whether a host entry forbids its machine to boot, and no order for this boot says otherwise.
    fn is_off(&self, host: &CheckedHost) -> bool {
        !host.boot && self.beside.next_boot.is_none()
    }

    /// A machine that an inventory does not boot gets nothing; one that it boots gets its script from there once iPXE
    /// runs, and its loader as any other machine.
    fn by_inventory(&mut self) -> Option<Action<'p>> {
        if let Some(action) = self.kept_back() {
            return Some(action);
        }
        let mac = self.facts.hardware_address.try_into().ok()?;
        let policy = self.policy;
        if self.facts.inventory != Inventory::Boots
            || !self.identity.runs_scripts()
            || !policy.leaves_open(self.facts.hardware_address)
        {
            return None;
        }
        let before = self.reasons;
        if self.is_denied(policy.host(self.facts.hardware_address)) {
            // Told by what comes next.
            self.reasons = before;
            return None;
        }
        self.reasons.push(Reason::InventoryScript);
        let generated = Some(Generated::MachineScript(mac));
        Some(Action::Script { name: names::MACHINE_SCRIPT_NAME, generated })
    }

    /// What an inventory's silence or refusal means for a machine.
    fn kept_back(&mut self) -> Option<Action<'p>> {
        let is_ordered = self.beside.next_boot.is_some();
        if is_ordered || !self.policy.leaves_open(self.facts.hardware_address) {
            return None;
        }
        match self.facts.inventory {
            Inventory::Asked => {
                self.reasons.push(Reason::HeldForInventory);
                Some(Action::Hold)
            }
            Inventory::Ignores => {
                self.reasons.push(Reason::InventoryIgnores);
                Some(Action::Deny)
            }
            Inventory::Silent | Inventory::Boots => None,
        }
    }

    fn by_host_or_rule(&mut self) -> Option<Action<'p>> {
        let policy = self.policy;
        let host = policy.host(self.facts.hardware_address);
        if let Some(host) = host
            && let Some(action) = self.by_host(host)
        {
            return Some(action);
        }
        self.matching_rule(host).map(|rule| match &rule.gives {
            Gives::File(loader) => self.give(loader),
            Gives::Url(url) => Action::Url(Cow::Borrowed(url)),
            Gives::Deny => Action::Deny,
        })
    }

    fn by_host(&mut self, host: &'p CheckedHost) -> Option<Action<'p>> {
        if self.is_off(host) {
            self.reasons.push(Reason::HostDoesNotBoot { host: host.index });
            return Some(Action::Deny);
        }
        if self.beside.next_boot.is_none()
            && let Some(action) = self.by_ram_disk()
        {
            return Some(action);
        }
        if let Some(target) = host.target.as_deref()
            && self.identity.runs_scripts()
        {
            self.reasons.push(Reason::HostNamesTarget { host: host.index });
            return Some(self.script_of(target));
        }
        let loader = host.loader.as_ref()?;
        if self.identity.runs_scripts() {
            self.reasons.push(Reason::HostLoaderNotForIpxe { host: host.index });
            return None;
        }
        self.reasons.push(Reason::HostNamesLoader { host: host.index });
        Some(self.give(loader))
    }

    /// What a running iPXE is told: a script of the machine's own, or the text that we make for it.
    fn script_of(&mut self, target: &'p Target) -> Action<'p> {
        match target {
            Target::Script(script) if !Target::is_url(script) => {
                Action::Script { name: script, generated: None }
            }
            // A bait stands for no URL: it gets a script that goes on there.
            Target::Script(url) if self.bait.is_none() => Action::Url(Cow::Borrowed(url)),
            target => {
                self.target = Some(target);
                let generated = Some(Generated::IpxeMenu);
                Action::Script { name: names::IPXE_MENU_NAME, generated }
            }
        }
    }

    /// The first rule that applies.
    ///
    /// A machine that has an order is admitted; one that a host entry or an earlier rule gives a loader stays so when iPXE runs on it, although
    /// that entry then no longer decides: a `deny` further down is not for it.
    fn matching_rule(&mut self, host: Option<&CheckedHost>) -> Option<&'p CheckedRule> {
        let mac = MacText::new(self.facts.hardware_address);
        let mut admitted = self.beside.next_boot.is_some()
            || host.is_some_and(|host| host.loader.is_some() || host.target.is_some());
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
        } else if let Some(action) = self.instead_of_loader(firmware) {
            action
        } else {
            self.reasons.push(Reason::HeldNoLoader { firmware });
            Action::Hold
        }
    }

    /// The loader as this client takes it: a file name, or a URL for UEFI HTTP Boot.
    fn give(&mut self, loader: &'p LoaderName) -> Action<'p> {
        if !self.identity.http || self.identity.runs_scripts() {
            return file(&loader.file);
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

fn file(name: &str) -> Action<'_> {
    let name = Cow::Borrowed(name.as_bytes());
    Action::File { name, trimmed: None, instead: None, generated: None }
}
