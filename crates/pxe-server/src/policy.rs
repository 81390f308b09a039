//! From the configuration and the loaders found to the policy that decides.

use pxe_select::{Host, Place, Policy, PolicyBuilder, Remap, Rule, When};

use crate::config::{Config, Fault, HostConfig, Located, RewriteConfig, RuleAction, RuleConfig};
use crate::content::{Loaders, signed};

/// Builds the policy; reports every fault with the line of the entry it is in.
pub fn build(config: &Config, loaders: &Loaders) -> Result<Policy, Vec<Fault>> {
    let builder = builder(config, loaders);
    let built = checked(config, &builder);
    let mut others = signed::wrong_machines(config, loaders);
    others.extend(unknown_loader(config, loaders));
    match built {
        Ok(policy) if others.is_empty() => Ok(policy),
        built => Err(built.err().into_iter().flatten().chain(others).collect()),
    }
}

/// What the configuration says, and the loaders that were found where it says nothing.
fn builder(config: &Config, loaders: &Loaders) -> PolicyBuilder {
    let mut builder = Policy::builder();
    let mut named: Vec<&str> = Vec::new();
    for (firmware, file) in &config.loaders {
        builder.loader_named(&firmware.value, &file.value);
        named.push(&firmware.value);
    }
    for found in loaders.found() {
        if !named.contains(&found.firmware.name()) {
            builder.loader(found.firmware, &found.file_name);
        }
    }
    for host in &config.hosts {
        builder.host(self::host(host));
    }
    for rule in &config.rules {
        builder.rule(self::rule(rule));
    }
    for rewrite in &config.tftp.rewrites {
        builder.remap(remap(rewrite));
    }
    if config.http.enabled {
        let base = config.http.base(config.advertise);
        builder.images_base(&format!("{}images/", base.strip_suffix("boot/").unwrap_or(&base)));
        builder.http_base(&base);
    }
    if let Some(by) = config.tftp.folder_by {
        builder.folder_by(by);
    }
    for bait in &config.select.baits {
        builder.bait(&bait.value);
    }
    if let Some(unknown) = &config.select.unknown {
        builder.unknown_loader(&unknown.value);
    }
    builder
}

/// The faults of what is written, whatever there is on this machine.
pub fn faults(config: &Config) -> Vec<Fault> {
    checked(config, &builder(config, &Loaders::default())).err().unwrap_or_default()
}

fn checked(config: &Config, builder: &PolicyBuilder) -> Result<Policy, Vec<Fault>> {
    builder.build().map_err(|errors| errors.iter().map(|error| fault(config, error)).collect())
}

/// A loader for unknown machines that is not there would be found missing by the first of them.
fn unknown_loader(config: &Config, loaders: &Loaders) -> Option<Fault> {
    let unknown = config.select.unknown.as_ref()?;
    if loaders.has(&unknown.value, &config.root) {
        return None;
    }
    let found: Vec<&str> = loaders.found().iter().map(|found| found.file_name.as_str()).collect();
    let problem = format!("{:?} is neither \"hold\" nor a loader that is there", unknown.value);
    let remedy = match found.is_empty() {
        true => format!("put it into {}", config.root.display()),
        false => format!("put it into {}; there are {}", config.root.display(), found.join(", ")),
    };
    Some(Fault::new("select.unknown", problem, remedy).at(Some(unknown.line)))
}

fn host(config: &HostConfig) -> Host {
    let mut host = Host::new(&config.mac.value);
    if let Some(loader) = &config.loader {
        host = host.with_loader(&loader.value);
    }
    if let Some(folder) = &config.folder {
        host = host.with_folder(&folder.value);
    }
    if let Some(target) = &config.target {
        host = host.with_target(target.value.clone());
    }
    if config.boot { host } else { host.without_boot() }
}

fn text(located: &Option<Located<String>>) -> Option<String> {
    located.as_ref().map(|text| text.value.clone())
}

fn remap(config: &RewriteConfig) -> Remap {
    let mut remap = Remap::default();
    remap.prefix = text(&config.prefix);
    remap.suffix = text(&config.suffix);
    remap.regex = text(&config.regex);
    remap.replace.clone_from(&config.replace.value);
    remap.stop = config.stop;
    remap
}

fn rule(config: &RuleConfig) -> Rule {
    let mut when = When::any();
    if !config.arch.is_empty() {
        when.arch = Some(config.arch.iter().map(|arch| arch.value.clone()).collect());
    }
    when.user_class.clone_from(&config.user_class);
    when.vendor_class.clone_from(&config.vendor_class);
    when.subnet = text(&config.subnet);
    when.mac = text(&config.mac);
    match &config.action {
        RuleAction::File(file) => Rule::file(when, &file.value),
        RuleAction::Url(url) => Rule::url(when, &url.value),
        RuleAction::Deny => Rule::deny(when),
    }
}

/// A fault of the policy at its line of the file.
fn fault(config: &Config, error: &pxe_select::PolicyError) -> Fault {
    let (key, line) = match &error.place {
        Place::Host(index) => {
            let host = config.hosts.get(*index);
            let line = match error.key {
                "mac" => host.map(|host| host.mac.line),
                "loader" => host.and_then(|host| host.loader.as_ref()).map(|name| name.line),
                "folder" => host.and_then(|host| host.folder.as_ref()).map(|name| name.line),
                "image" | "script" | "kernel" | "initrd" | "cmdline" => {
                    host.and_then(|host| host.target.as_ref()).map(|target| target.line)
                }
                _ => None,
            };
            let key = format!("host[{}].{}", index + 1, error.key);
            (key, line.or_else(|| host.map(|host| host.line)))
        }
        Place::Rule(index) => {
            let rule = config.rules.get(*index);
            let part =
                if matches!(error.key, "file" | "url" | "deny" | "when") { "" } else { "when." };
            let key = format!("rule[{}].{part}{}", index + 1, error.key);
            (key, rule.map(|rule| rule_line(rule, error.key)))
        }
        Place::Remap(index) => {
            let rewrite = config.tftp.rewrites.get(*index);
            let key = format!("tftp.rewrite[{}].{}", index + 1, error.key);
            (key, rewrite.map(|rewrite| rewrite_line(rewrite, error.key)))
        }
        Place::Policy if error.key == "remap" => {
            let first = config.tftp.rewrites.first();
            ("tftp.rewrite".to_owned(), first.map(|rewrite| rewrite.line))
        }
        Place::Loader(name) => {
            let entry = config.loaders.iter().find(|(firmware, _)| firmware.value == *name);
            (format!("loaders.{name}"), entry.map(|(firmware, _)| firmware.line))
        }
        Place::Bait(index) => {
            let bait = config.select.baits.get(*index);
            let line = bait.map(|bait| bait.line).filter(|line| *line > 0);
            ("select.bait".to_owned(), line)
        }
        _ if error.key == "unknown" => {
            ("select.unknown".to_owned(), config.select.unknown.as_ref().map(|name| name.line))
        }
        _ => ("select".to_owned(), None),
    };
    let is_edited = match &error.place {
        Place::Host(index) => config.hosts.get(*index).is_some_and(|host| host.is_edited),
        Place::Rule(index) => config.rules.get(*index).is_some_and(|rule| rule.is_edited),
        _ => false,
    };
    // Lines of entries of the page are those of another file.
    let remedy = match &error.fault {
        pxe_select::Fault::UnknownFirmware { name } => {
            meant(name).map_or_else(String::new, |near| format!("did you mean `{near}`?"))
        }
        _ => String::new(),
    };
    match is_edited {
        true => Fault::new(format!("edited {key}"), error.fault.to_string(), remedy),
        false => Fault::new(key, error.fault.to_string(), remedy).at(line),
    }
}

fn rewrite_line(rewrite: &RewriteConfig, key: &str) -> usize {
    let text = match key {
        "prefix" => rewrite.prefix.as_ref(),
        "suffix" => rewrite.suffix.as_ref(),
        "regex" => rewrite.regex.as_ref(),
        _ => Some(&rewrite.replace),
    };
    text.map_or(rewrite.line, |text| text.line)
}

fn rule_line(rule: &RuleConfig, key: &str) -> usize {
    let line = match (key, &rule.action) {
        ("arch", _) => rule.arch.first().map(|arch| arch.line),
        ("subnet", _) => rule.subnet.as_ref().map(|subnet| subnet.line),
        ("mac", _) => rule.mac.as_ref().map(|mac| mac.line),
        ("file" | "url", RuleAction::File(text) | RuleAction::Url(text)) => Some(text.line),
        _ => None,
    };
    line.unwrap_or(rule.line)
}

/// The firmware that somebody meant who wrote this.
pub fn meant(name: &str) -> Option<&'static str> {
    let names: Vec<&str> = pxe_select::Firmware::all().iter().map(|it| it.name()).collect();
    crate::config::nearest(name, &names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firmware_that_is_nearly_right_is_named() {
        assert_eq!(
            (meant("x64-efi"), meant("arm64"), meant("bois")),
            (Some("x64-uefi"), Some("arm64-uefi"), Some("bios"))
        );
        assert_eq!(meant("sparc"), None);
    }

    /// The faults of a configuration: line and key of each.
    fn faults(text: &str) -> Vec<(usize, String)> {
        let config = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        let faults = build(&config, &Loaders::default()).expect_err("faults");
        let mut found: Vec<_> = faults.into_iter().map(|f| (f.line.unwrap_or(0), f.key)).collect();
        found.sort();
        found
    }

    #[test]
    fn faults_of_rules_and_hosts_have_their_lines() {
        let text = "\
[select]
bait = [\"pxe-loader\", \"*\"]
unknown = \"no-such.efi\"
[loaders]
x65-uefi = \"a.efi\"
[[host]]
mac = \"52:54:zz\"
[[rule]]
when = { arch = [\"x64\"], subnet = \"10.1.0.1/33\" }
file = \"../x\"
";
        assert_eq!(
            faults(text),
            [
                (2, "select.bait"),
                (3, "select.unknown"),
                (5, "loaders.x65-uefi"),
                (7, "host[1].mac"),
                (9, "rule[1].when.arch"),
                (9, "rule[1].when.subnet"),
                (10, "rule[1].file"),
            ]
            .map(|(line, key)| (line, key.to_owned()))
        );
    }

    #[test]
    fn a_rule_that_another_hides_is_named_by_its_conditions() {
        let text =
            "[[rule]]\nfile = \"a\"\n[[rule]]\nwhen = { mac = \"52:54:00:*\" }\nfile = \"b\"\n";
        let keys: Vec<_> = faults(text).into_iter().map(|(_, key)| key).collect();
        assert_eq!(keys, ["rule[2].when"]);
    }

    #[test]
    fn faults_of_rewriting_rules_and_folders_have_their_lines() {
        let text = "\
[tftp]
[[tftp.rewrite]]
prefix = \"a\"
suffix = \"b\"
replace = \"\"
[[tftp.rewrite]]
regex = \"a(b\"
replace = \"\"
[[tftp.rewrite]]
regex = \"a(b)\"
replace = \"$2\"
[[tftp.rewrite]]
replace = \"x\"
[[host]]
mac = \"52:54:00:aa:00:01\"
folder = \"../node1\"
";
        assert_eq!(
            faults(text),
            [
                (3, "tftp.rewrite[1].prefix"),
                (7, "tftp.rewrite[2].regex"),
                (11, "tftp.rewrite[3].replace"),
                (12, "tftp.rewrite[4].prefix"),
                (16, "host[1].folder"),
            ]
            .map(|(line, key)| (line, key.to_owned()))
        );
    }
}
