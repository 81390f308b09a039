//! From configuration to a checked policy, every fault at once.

mod check;

use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};

use crate::{
    bait::{self, Baits},
    error::{Fault, Place, PolicyError, PolicyErrors},
    firmware::Firmware,
    folder::{self, FolderBy},
    limits::{HOSTS_MAX, RULES_MAX},
    mac,
    policy::{LoaderTable, Policy},
    remap,
    remap::{CheckedRemap, Remap},
    rule::{CheckedHost, CheckedRule, Host, Rule},
    target,
};
pub(crate) use check::url_of;
use check::{check_file, check_gives, check_http_base, check_loader, check_when};

/// Collects the parts of a [`Policy`]; [`PolicyBuilder::build`] checks them.
#[derive(Clone, Debug, Default)]
pub struct PolicyBuilder {
    loaders: Vec<(String, String)>,
    hosts: Vec<Host>,
    rules: Vec<Rule>,
    remaps: Vec<Remap>,
    baits: Vec<String>,
    unknown_loader: Option<String>,
    folder_by: Option<FolderBy>,
    ipxe_script: Option<String>,
    http_base: Option<String>,
    images_base: Option<String>,
}

impl PolicyBuilder {
    /// Names the loader for a firmware: a file name relative to the root.
    pub fn loader(&mut self, firmware: Firmware, file: &str) -> &mut Self {
        self.loader_named(firmware.name(), file)
    }

    /// The same with the firmware's name as configuration gives it; a wrong one is a fault of [`Self::build`].
    pub fn loader_named(&mut self, firmware: &str, file: &str) -> &mut Self {
        self.loaders.push((firmware.to_owned(), file.to_owned()));
        self
    }

    /// Adds a host entry.
    pub fn host(&mut self, host: Host) -> &mut Self {
        self.hosts.push(host);
        self
    }

    /// Adds a rule behind those already there. The first that matches decides.
    pub fn rule(&mut self, rule: Rule) -> &mut Self {
        self.rules.push(rule);
        self
    }

    /// Adds a rule that rewrites requested names, behind those already there.
    pub fn remap(&mut self, remap: Remap) -> &mut Self {
        self.remaps.push(remap);
        self
    }

    /// Adds a bait name: whoever asks for it gets the file that DHCP would have named to it. A pattern (`*`, `?`) for
    /// the last part of a requested name, without architecture suffix and ending; case does not matter. Usual are
    /// [`crate::DEFAULT_BAITS`].
    pub fn bait(&mut self, pattern: &str) -> &mut Self {
        self.baits.push(pattern.to_owned());
        self
    }

    /// Names a loader that a machine gets for a bait when its firmware is not known, instead of silence.
    pub fn unknown_loader(&mut self, file: &str) -> &mut Self {
        self.unknown_loader = Some(file.to_owned());
        self
    }

    /// Says that every machine has a folder of the root, named by its address, in which names that it asks for are
    /// looked for first. A host entry with a folder goes before.
    pub fn folder_by(&mut self, by: FolderBy) -> &mut Self {
        self.folder_by = Some(by);
        self
    }

    /// Names a script below the root for a running iPXE, instead of the generated [`IPXE_MENU_NAME`](crate::names::IPXE_MENU_NAME).
    pub fn ipxe_script(&mut self, file: &str) -> &mut Self {
        self.ipxe_script = Some(file.to_owned());
        self
    }

    /// Says that files below the root can be fetched over HTTP under this address, for example
    /// `http://192.0.2.5:8080/boot/`. A `{server}` in it is kept for the caller to fill in, since the address a
    /// client is told can differ per interface.
    ///
    /// Without it UEFI HTTP Boot is held, and a running iPXE needs TFTP for its script; with it, HTTP
    /// ([`Policy::script_base`]).
    pub fn http_base(&mut self, url: &str) -> &mut Self {
        self.http_base = Some(url.to_owned());
        self
    }

    /// Says that images can be fetched over HTTP under this address, as [`Self::http_base`] does for files:
    /// `http://{server}:8080/images/`. Without it no firmware is told to start an image by itself.
    pub fn images_base(&mut self, url: &str) -> &mut Self {
        self.images_base = Some(url.to_owned());
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// Every fault there is, in the order loaders, hosts, rules, rewriting rules, bait names, the rest.
    pub fn build(&self) -> Result<Policy, PolicyErrors> {
        let mut faults = Faults::default();
        let mut base = |key, url: &Option<String>| {
            let url = url.as_deref()?;
            faults.check(&Place::Policy, key, check_http_base(url))
        };
        let http_base = base("http base", &self.http_base);
        let images_base = base("images base", &self.images_base);
        let loaders = self.check_loaders(http_base.as_deref(), &mut faults);
        let hosts = self.check_hosts(http_base.as_deref(), &mut faults);
        let rules = self.check_rules(http_base.as_deref(), &mut faults);
        let remaps = self.check_remaps(&mut faults);
        let baits = self.check_baits(&mut faults);
        let unknown = self.unknown_loader.as_deref().and_then(|file| {
            faults.check(&Place::Policy, "unknown", check_loader(file, http_base.as_deref()))
        });
        let ipxe_script = self
            .ipxe_script
            .as_deref()
            .and_then(|file| faults.check(&Place::Policy, "ipxe script", check_file(file)));
        if faults.0.is_empty() {
            let folder_by = self.folder_by;
            Ok(Policy {
                loaders,
                hosts,
                rules,
                remaps,
                baits,
                unknown,
                folder_by,
                ipxe_script,
                http_base,
                images_base,
            })
        } else {
            Err(PolicyErrors(faults.0))
        }
    }

    fn check_loaders(&self, http_base: Option<&str>, faults: &mut Faults) -> LoaderTable {
        let mut table = LoaderTable::default();
        for (name, file) in &self.loaders {
            let place = Place::Loader(name.clone());
            let loader = faults.check(&place, "file", check_loader(file, http_base));
            let Some(firmware) = Firmware::from_name(name) else {
                faults.add(&place, "firmware", Fault::UnknownFirmware { name: name.clone() });
                continue;
            };
            if let (Some(slot), Some(loader)) = (table.get_mut(firmware.index()), loader)
                && slot.replace(loader).is_some()
            {
                faults.add(&place, firmware.name(), Fault::DuplicateLoader);
            }
        }
        table
    }

    fn check_hosts(&self, http_base: Option<&str>, faults: &mut Faults) -> Vec<CheckedHost> {
        if self.hosts.len() > HOSTS_MAX {
            let fault = Fault::TooManyHosts { found: self.hosts.len() };
            faults.add(&Place::Policy, "host", fault);
            return Vec::new();
        }
        let mut hosts = Vec::with_capacity(self.hosts.len());
        for (position, host) in self.hosts.iter().enumerate() {
            let place = Place::Host(position);
            let mac = mac::parse(&host.mac).ok_or_else(|| Fault::BadMac { text: host.mac.clone() });
            let mac = faults.check(&place, "mac", mac);
            let loader = host
                .loader
                .as_deref()
                .and_then(|file| faults.check(&place, "loader", check_loader(file, http_base)));
            let folder = host
                .folder
                .as_deref()
                .and_then(|folder| faults.check(&place, "folder", folder::check(folder)));
            let target = host.target.as_ref().and_then(|wanted| {
                target::check(wanted, |key, fault| faults.add(&place, key, fault))
            });
            let target = target.map(Box::new);
            if let (Some(mac), Ok(index)) = (mac, u32::try_from(position)) {
                hosts.push(CheckedHost { mac, index, loader, boot: host.boot, folder, target });
            }
        }
        hosts.sort_by_key(|host| (host.mac, host.index));
        for pair in hosts.chunk_by(|one, other| one.mac == other.mac) {
            if let [first, others @ ..] = pair {
                for other in others {
                    let fault = Fault::DuplicateHost { first: first.index as usize };
                    faults.add(&Place::Host(other.index as usize), "mac", fault);
                }
            }
        }
        hosts
    }

    fn check_rules(&self, http_base: Option<&str>, faults: &mut Faults) -> Vec<CheckedRule> {
        if self.rules.len() > RULES_MAX {
            let fault = Fault::TooManyRules { found: self.rules.len() };
            faults.add(&Place::Policy, "rule", fault);
            return Vec::new();
        }
        let mut rules: Vec<CheckedRule> = Vec::with_capacity(self.rules.len());
        for (position, rule) in self.rules.iter().enumerate() {
            let place = Place::Rule(position);
            let when = check_when(&rule.when, &place, faults);
            let gives = check_gives(rule, http_base, &place, faults);
            let (Some(when), Some(gives)) = (when, gives) else { continue };
            let Ok(index) = u16::try_from(position) else { continue };
            let rule = CheckedRule { index, when, gives };
            if let Some(first) = rules.iter().find(|earlier| earlier.shadows(&rule)) {
                faults.add(&place, "when", Fault::Unreachable { by: usize::from(first.index) });
            }
            rules.push(rule);
        }
        rules
    }

    fn check_remaps(&self, faults: &mut Faults) -> Vec<CheckedRemap> {
        let count = remap::check_count(self.remaps.len());
        if faults.check(&Place::Policy, "remap", count).is_none() {
            return Vec::new();
        }
        let remaps = self.remaps.iter().enumerate();
        let check = |(index, remap)| {
            remap::check(remap, |key, fault| faults.add(&Place::Remap(index), key, fault))
        };
        remaps.filter_map(check).collect()
    }

    fn check_baits(&self, faults: &mut Faults) -> Baits {
        bait::check(&self.baits, |index, fault| faults.add(&Place::Bait(index), "bait", fault))
    }
}

/// The faults so far.
#[derive(Default)]
struct Faults(Vec<PolicyError>);

impl Faults {
    fn add(&mut self, place: &Place, key: &'static str, fault: Fault) {
        self.0.push(PolicyError { place: place.clone(), key, fault });
    }

    fn check<T>(
        &mut self,
        place: &Place,
        key: &'static str,
        outcome: Result<T, Fault>,
    ) -> Option<T> {
        outcome.map_err(|fault| self.add(place, key, fault)).ok()
    }
}
