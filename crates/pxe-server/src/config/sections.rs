//! Which keys there are, section by section, and what each may hold.

use core::ops::RangeInclusive;

use pxe_dhcp::respond::{ProxyStyle, ProxyStyles};
use toml::de::DeTable;

use super::fault::{Fault, Faults};
use super::reader::{Located, Reader, Section};
use super::{
    Config, DhcpConfig, DhcpMode, RuleAction, RuleConfig, SelectConfig, admin, boot_api, host,
    http, log, menu, subnet, syntax, tftp, webhook,
};

const PORTS: RangeInclusive<i64> = 1..=65_535;
/// Words of `dhcp.proxy_style`. `fixed` is for several servers that must answer alike.
const PROXY_STYLES: [(&str, ProxyStyles); 6] = [
    ("auto", ProxyStyles::Adaptive),
    ("fixed", ProxyStyles::ByRequest),
    ("binl", ProxyStyles::Only(ProxyStyle::Binl)),
    ("option43", ProxyStyles::Only(ProxyStyle::JustBoot)),
    ("menu", ProxyStyles::Only(ProxyStyle::Menu)),
    ("delayed", ProxyStyles::Only(ProxyStyle::Delayed)),
];

pub(super) fn read(text: &str, is_unlined: bool) -> Result<Config, Faults> {
    let (config, list) = read_as_far(text, is_unlined);
    Faults { file: None, list }.or(config)
}

/// What is understood of a text, and the faults of the rest.
pub(super) fn read_as_far(text: &str, is_unlined: bool) -> (Config, Vec<Fault>) {
    let reader = Reader::new(text, is_unlined);
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut config = Config::default();
    if errors.is_empty() {
        top(Section::root(&reader, document.get_ref()), &mut config);
    }
    // A broken text is reported by its syntax alone: what was recovered from it would only
    // look wrong.
    for fault in syntax::faults(text, &errors) {
        let line = if is_unlined { None } else { fault.line };
        reader.fault(line, &fault.key, fault.problem, fault.remedy);
    }
    (config, reader.into_faults())
}

fn top(root: Section<'_, '_>, config: &mut Config) {
    if let Some(interfaces) = root.strings("interfaces") {
        config.interfaces = interfaces;
    }
    if let Some(path) = root.string("root") {
        config.root = path.value.into();
    }
    if let Some(path) = root.string("images") {
        config.images = path.value.into();
    }
    if let Some(path) = root.string("state") {
        config.state = path.value.into();
    }
    if let Some(path) = root.string("templates") {
        config.templates = path.value.into();
    }
    if let Some(path) = root.string("seeds") {
        config.seeds = path.value.into();
    }
    config.secrets =
        root.string("secrets").map(|file| Located { value: file.value.into(), line: file.line });
    let address = root.parsed("advertise", "an IPv4 address like 192.0.2.5");
    config.advertise = address.map(|address| address.value);
    dhcp(root.section("dhcp"), &mut config.dhcp);
    tftp::read(root.section("tftp"), &mut config.tftp);
    http::read(root.section("http"), &mut config.http);
    menu::read(root.section("menu"), &mut config.menu);
    admin::read(root.section("admin"), &mut config.admin);
    select(root.section("select"), &mut config.select);
    config.boot_api = boot_api::read(&root);
    log::read(root.section("log"), &mut config.log);
    config.webhooks = webhook::read(&root);
    config.loaders = root.section("loaders").texts();
    config.hosts = root.sections("host").into_iter().filter_map(host::read).collect();
    config.rules = root.sections("rule").into_iter().filter_map(rule).collect();
    root.finish();
}

fn dhcp(section: Section<'_, '_>, dhcp: &mut DhcpConfig) {
    let modes = [
        ("server", DhcpMode::Server),
        ("proxy", DhcpMode::Proxy),
        ("observe", DhcpMode::Observe),
        ("off", DhcpMode::Off),
    ];
    if let Some(mode) = section.choice("mode", &modes) {
        dhcp.mode = mode;
    }
    if let Some(port) = port(&section, "port") {
        dhcp.port = port;
    }
    if let Some(boot_port) = port(&section, "boot_port") {
        dhcp.boot_port = boot_port;
    }
    if let Some(styles) = section.choice("proxy_style", &PROXY_STYLES) {
        dhcp.proxy_style = styles;
    }
    if dhcp.port == dhcp.boot_port {
        let problem = format!("is {0} like dhcp.port: each needs its own", dhcp.port);
        section.fault(section.line, "boot_port", problem, "4011 is the port of real firmware");
    }
    subnet::read(&section, &mut dhcp.addresses);
    section.finish();
}

fn select(section: Section<'_, '_>, select: &mut SelectConfig) {
    if let Some(baits) = section.strings("bait") {
        select.baits = baits;
    }
    select.unknown = section.string("unknown").filter(|loader| loader.value != "hold");
    section.finish();
}

fn rule(section: Section<'_, '_>) -> Option<RuleConfig> {
    let when = section.section("when");
    let arch = when.strings("arch").unwrap_or_default();
    let user_class = when.string("user-class").map(|class| class.value);
    let vendor_class = when.string("vendor-class").map(|class| class.value);
    let subnet = when.string("subnet");
    let mac = when.string("mac");
    when.finish();
    let file = section.string("file").map(RuleAction::File);
    let url = section.string("url").map(RuleAction::Url);
    let deny = section.boolean("deny").and_then(|deny| deny.then_some(RuleAction::Deny));
    let mut actions = [file, url, deny].into_iter().flatten();
    let action = actions.next();
    if action.is_none() || actions.next().is_some() {
        section.fault(
            section.line,
            "file",
            "a rule does exactly one thing".into(),
            "give it one of file = \"…\", url = \"…\" or deny = true",
        );
    }
    let line = section.line;
    host::signature(&section);
    section.finish();
    let (written, is_edited) = (toml::Table::new(), false);
    let action = action?;
    Some(RuleConfig {
        line,
        arch,
        user_class,
        vendor_class,
        subnet,
        mac,
        action,
        written,
        is_edited,
    })
}

pub(super) fn port(section: &Section<'_, '_>, name: &'static str) -> Option<u16> {
    number(section, name, PORTS)
}

pub(super) fn number<T: TryFrom<i64>>(
    section: &Section<'_, '_>,
    name: &'static str,
    range: RangeInclusive<i64>,
) -> Option<T> {
    section.integer(name, range).and_then(|number| T::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, DhcpMode};
    use super::{ProxyStyle, ProxyStyles};

    #[test]
    fn the_empty_text_is_the_safe_default() {
        let config = Config::parse("").expect("no fault");
        assert_eq!(config.dhcp.mode, DhcpMode::Proxy);
        assert_eq!(config.dhcp.proxy_style, ProxyStyles::Adaptive);
        assert_eq!((config.dhcp.port, config.dhcp.client_port(), config.tftp.port), (67, 68, 69));
    }

    #[test]
    fn every_fault_is_reported_at_once_with_its_line() {
        let text = "\
interface = [\"eth0\"]
advertise = \"192.0.2.500\"
[dhcp]
mode = \"servant\"
port = 70000
proxy_style = \"option 43\"
[tftp]
enabled = \"yes\"
[[rule]]
when = { arch = [\"x64-uefi\"] }
";
        let faults = Config::parse(text).expect_err("faults");
        let lines: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        assert_eq!(
            lines,
            [
                (1, "interface"),
                (2, "advertise"),
                (4, "dhcp.mode"),
                (5, "dhcp.port"),
                (6, "dhcp.proxy_style"),
                (8, "tftp.enabled"),
                (9, "rule[1].file"),
            ],
            "{faults}"
        );
        assert!(faults.to_string().contains("did you mean `interfaces`?"), "{faults}");
        assert!(faults.to_string().contains("\"auto\", \"fixed\", \"binl\""), "{faults}");
    }

    #[test]
    fn broken_syntax_names_its_line() {
        let faults = Config::parse("root = \"a\"\n[dhcp\nmode = 1\n").expect_err("faults");
        assert_eq!(faults.list[0].line, Some(2), "{faults}");
    }

    #[test]
    fn a_full_text_is_read() {
        let text = r#"
interfaces = ["eth0", "eth1"]
root = "boot"
advertise = "192.0.2.5"
[dhcp]
mode = "proxy"
proxy_style = "menu"
[tftp]
window_size_max = 16
[select]
unknown = "hold"
[loaders]
bios = "undionly.kpxe"
[[host]]
mac = "52:54:00:aa:00:01"
loader = "snponly.efi"
[[host]]
mac = "52:54:00:aa:00:02"
boot = false
[[rule]]
when = { arch = ["x64-uefi"], user-class = "iPXE" }
file = "custom.efi"
"#;
        let config = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(config.dhcp.proxy_style, ProxyStyles::Only(ProxyStyle::Menu));
        assert_eq!(config.hosts.len(), 2);
        assert!(!config.hosts[1].boot);
        assert_eq!(config.rules[0].arch[0].value, "x64-uefi");
        assert_eq!(config.loaders[0].1.value, "undionly.kpxe");
    }
}
