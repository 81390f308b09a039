//! `[[host]]`: what one machine is given.

use pxe_dhcp::options::OptionSet;
use pxe_select::Target;
use toml::de::DeValue;

use super::reader::{Located, Section};
use super::{HostConfig, seeds, subnet};

pub(super) fn read(section: Section<'_, '_>) -> Option<HostConfig> {
    let mac = section.string("mac");
    if mac.is_none() {
        section.fault(
            section.line,
            "mac",
            "a host needs its MAC address".into(),
            "mac = \"52:54:00:aa:00:01\"",
        );
    }
    let mut options = OptionSet::new();
    let hostname = subnet::read_host_name(&section, &mut options);
    subnet::read_options(&section, &mut options);
    let boot = boot(&section);
    let target = target(&section, boot);
    let host = mac.map(|mac| HostConfig {
        line: section.line,
        mac,
        hostname,
        address: section.parsed("address", "an IPv4 address like 192.0.2.50"),
        options,
        loader: section.string("loader"),
        boot: boot != Boot::Never,
        folder: section.string("folder"),
        seed: seeds::folder(&section),
        vars: section.section("vars").variables(),
        target,
        written: toml::Table::new(),
        is_edited: false,
    });
    signature(&section);
    section.finish();
    host
}

/// Who wrote an entry in the page, and when: said by it, and asked by nobody here.
pub(super) fn signature(section: &Section<'_, '_>) {
    let _ = (section.string("edited-by"), section.string("edited-at"));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Boot {
    /// From here.
    Network,
    /// From its own disk, which it is told.
    Local,
    /// Not from here.
    Never,
}

fn boot(section: &Section<'_, '_>) -> Boot {
    match section.value("boot").map(|value| value.get_ref()) {
        Some(DeValue::String(_)) => boot_word(section),
        _ => match section.boolean("boot") {
            Some(false) => Boot::Never,
            _ => Boot::Network,
        },
    }
}

/// `boot` as a text.
fn boot_word(section: &Section<'_, '_>) -> Boot {
    match section.string("boot") {
        Some(word) if word.value == "local" => Boot::Local,
        Some(word) => {
            let problem = format!("expected true, false or \"local\", found {:?}", word.value);
            section.fault(
                word.line,
                "boot",
                problem,
                "boot = \"local\" is its own disk, false nothing at all",
            );
            Boot::Network
        }
        None => Boot::Network,
    }
}

/// What it boots: one of `image`, `script`, `kernel` and `boot = "local"`.
fn target(section: &Section<'_, '_>, boot: Boot) -> Option<Located<Target>> {
    let text = |text: Option<Located<String>>, of: fn(String) -> Target| {
        text.map(|text| Located { value: of(text.value), line: text.line })
    };
    let image = text(section.string("image"), Target::Image);
    let script = text(section.string("script"), Target::Script);
    let kernel = kernel(section);
    let local =
        (boot == Boot::Local).then_some(Located { value: Target::Local, line: section.line });
    let mut given = [image, script, kernel, local].into_iter().flatten();
    let target = given.next();
    if let Some(other) = given.next() {
        let problem = "more than one thing to boot is named".to_owned();
        let remedy = "give it one of image, script, kernel and boot = \"local\"";
        section.fault(other.line, "image", problem, remedy);
    }
    if let (Some(target), Boot::Never) = (&target, boot) {
        let problem = "names what to boot for a machine that must not boot".to_owned();
        section.fault(target.line, "boot", problem, "remove boot = false, or what it boots");
    }
    target
}

fn kernel(section: &Section<'_, '_>) -> Option<Located<Target>> {
    let kernel = section.string("kernel");
    let initrds = section.strings("initrd");
    let cmdline = section.text("cmdline");
    let Some(kernel) = kernel else {
        let others = [("initrd", initrds.is_some()), ("cmdline", cmdline.is_some())];
        for (name, _) in others.into_iter().filter(|(_, is_given)| *is_given) {
            let problem = "is of no use without kernel".to_owned();
            section.fault(section.line, name, problem, "kernel = \"debian/vmlinuz\"");
        }
        return None;
    };
    let initrds = initrds.unwrap_or_default().into_iter().map(|initrd| initrd.value).collect();
    let cmdline = cmdline.map(|cmdline| cmdline.value).unwrap_or_default();
    let value = Target::Linux { kernel: kernel.value, initrds, cmdline };
    Some(Located { value, line: kernel.line })
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn host(lines: &str) -> Result<HostConfig, String> {
        let text = format!("[[host]]\nmac = \"52:54:00:aa:00:01\"\n{lines}");
        let config = Config::parse(&text).map_err(|faults| faults.to_string())?;
        Ok(config.hosts[0].clone())
    }

    #[test]
    fn a_machine_boots_one_thing() {
        let target = |lines: &str| host(lines).expect("sound").target.map(|target| target.value);
        assert_eq!(target("boot = true"), None);
        assert_eq!(target("boot = \"local\""), Some(Target::Local));
        assert_eq!(target("image = \"a.iso#x\""), Some(Target::Image("a.iso#x".to_owned())));
        assert_eq!(target("script = \"a.ipxe\""), Some(Target::Script("a.ipxe".to_owned())));
        let linux = Target::Linux {
            kernel: "vmlinuz".to_owned(),
            initrds: vec!["a".to_owned(), "b".to_owned()],
            cmdline: "quiet".to_owned(),
        };
        let lines = "kernel = \"vmlinuz\"\ninitrd = [\"a\", \"b\"]\ncmdline = \"quiet\"";
        assert_eq!(target(lines), Some(linux));
        assert!(!host("boot = false").expect("sound").boot);
    }

    #[test]
    fn contradictions_are_faults() {
        for (lines, words) in [
            ("image = \"a.iso\"\nscript = \"b\"", "host[1].image: more than one thing"),
            ("boot = \"local\"\nkernel = \"b\"", "more than one thing"),
            ("boot = false\nimage = \"a.iso\"", "must not boot"),
            ("boot = \"disk\"", "expected true, false or \"local\""),
            ("boot = 3", "host[1].boot: expected true or false"),
            ("initrd = \"a\"\ncmdline = \"\"", "host[1].cmdline: is of no use without kernel"),
            ("image = \"\"", "host[1].image: the text is empty"),
        ] {
            let faults = host(lines).expect_err(lines);
            assert!(faults.contains(words), "{lines}: {faults}");
        }
    }
}
