//! The configuration: a TOML file and flags, read into plain values with every limit explicit.
//!
//! Reading never stops at the first fault; [`Config::parse`] returns all of them, each with its
//! line, what was expected and what to do.

mod admin;
mod boot_api;
mod class;
mod fault;
mod host;
mod http;
mod log;
mod menu;
pub(crate) mod private;
mod reader;
mod reservation;
mod sections;
mod seeds;
mod subnet;
mod syntax;
mod tftp;
mod webhook;

use core::fmt;
use core::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use pxe_dhcp::options::OptionSet;
use pxe_dhcp::respond::ProxyStyles;
use pxe_select::Target;

pub use self::log::{LogConfig, LogFormat, SyslogTarget};
pub use admin::AdminConfig;
pub use boot_api::BootApiConfig;
pub use class::ClassConfig;
pub use fault::{Fault, Faults};
pub use http::HttpConfig;
pub use menu::{MenuConfig, PASSWORD_ROUNDS_MAX, PasswordHash};
pub use reader::Located;
pub(crate) use reader::nearest;
pub use reservation::ReservationConfig;
pub use seeds::{Secrets, Variable, Variables};
pub use subnet::{AddressConfig, StoreConfig, SubnetConfig};
pub use tftp::{RewriteConfig, TftpConfig};
pub use webhook::{WEBHOOKS_MAX, WebhookConfig};

/// How we stand towards DHCP (design section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DhcpMode {
    /// Somebody else gives addresses; we add the boot file by proxyDHCP.
    #[default]
    Proxy,
    /// We give addresses ourselves.
    Server,
    /// Somebody else gives addresses and names a bait for everybody; we listen, and send nothing.
    Observe,
    /// No DHCP socket at all: only files are served.
    Off,
}

impl fmt::Display for DhcpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proxy => "proxy",
            Self::Server => "server",
            Self::Observe => "observe",
            Self::Off => "off",
        })
    }
}

/// `[dhcp]`.
#[derive(Clone, Debug)]
pub struct DhcpConfig {
    /// Which part we play.
    pub mode: DhcpMode,
    /// UDP port of the DHCP server side. Clients are answered on 68, or on `port + 1` when this is
    /// not 67, so that tests can run unprivileged.
    pub port: u16,
    /// UDP port of the PXE boot server, 4011 for real firmware.
    pub boot_port: u16,
    /// How proxy offers are phrased to firmware whose taste is not known beforehand.
    pub proxy_style: ProxyStyles,
    /// What `mode = "server"` gives to whom.
    pub addresses: AddressConfig,
}

impl DhcpConfig {
    /// The port clients listen on.
    pub fn client_port(&self) -> u16 {
        if self.port == 67 { 68 } else { self.port.saturating_add(1) }
    }
}

/// `[select]`.
#[derive(Clone, Debug)]
pub struct SelectConfig {
    /// Patterns for bait names.
    pub baits: Vec<Located<String>>,
    /// The loader that stands for a bait where the firmware is not known; no answer if there is none.
    pub unknown: Option<Located<String>>,
}

impl Default for SelectConfig {
    fn default() -> Self {
        let bait = |text: &&str| Located { value: (*text).to_owned(), line: 0 };
        Self { baits: pxe_select::DEFAULT_BAITS.iter().map(bait).collect(), unknown: None }
    }
}

/// One `[[host]]`, as written.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Line of its header.
    pub line: usize,
    /// Its MAC address.
    pub mac: Located<String>,
    /// The name it is told (option 12).
    pub hostname: Option<Located<String>>,
    /// Its address in `server` mode.
    pub address: Option<Located<Ipv4Addr>>,
    /// Options of its own in `server` mode.
    pub options: OptionSet,
    /// Its own loader.
    pub loader: Option<Located<String>>,
    /// `false`: this machine gets nothing from us.
    pub boot: bool,
    /// Its folder of the root, looked into first.
    pub folder: Option<Located<String>>,
    /// What it boots instead of being asked by a menu.
    pub target: Option<Located<Target>>,
    /// The entry as it is written.
    pub written: toml::Table,
    /// It was edited in the page, and is not of the configuration file.
    pub is_edited: bool,
    /// Its folder of the seeds.
    pub seed: Option<Located<String>>,
    /// What its templates may name.
    pub vars: Variables,
}

/// What a `[[rule]]` does when it matches.
#[derive(Clone, Debug)]
pub enum RuleAction {
    /// Names this file.
    File(Located<String>),
    /// Names this URL.
    Url(Located<String>),
    /// Gives nothing.
    Deny,
}

/// One `[[rule]]`, as written.
#[derive(Clone, Debug)]
pub struct RuleConfig {
    /// Line of its header.
    pub line: usize,
    /// `when.arch`.
    pub arch: Vec<Located<String>>,
    /// `when.user-class`.
    pub user_class: Option<String>,
    /// `when.vendor-class`, a prefix.
    pub vendor_class: Option<String>,
    /// `when.subnet`.
    pub subnet: Option<Located<String>>,
    /// `when.mac`, with `*` at its end.
    pub mac: Option<Located<String>>,
    /// What it does.
    pub action: RuleAction,
    /// The entry as it is written.
    pub written: toml::Table,
    /// It was edited in the page, and is not of the configuration file.
    pub is_edited: bool,
}

/// Everything the server needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names of the interfaces to serve; empty: every one that is up, can broadcast and is not
    /// the loopback.
    pub interfaces: Vec<Located<String>>,
    /// Folder of the files clients may fetch.
    pub root: PathBuf,
    /// Folder of templates that take the place of the built-in ones. It need not be there.
    pub templates: PathBuf,
    /// Folder of images.
    pub images: PathBuf,
    /// Folder of templates for single machines.
    pub seeds: PathBuf,
    /// File of what only single machines may know.
    pub secrets: Option<Located<PathBuf>>,
    /// Folder of what must survive a restart.
    pub state: PathBuf,
    /// `[select]`.
    pub select: SelectConfig,
    /// Address that clients are told; `None`: the receiving interface's.
    pub advertise: Option<Ipv4Addr>,
    /// `[dhcp]`.
    pub dhcp: DhcpConfig,
    /// `[tftp]`.
    pub tftp: TftpConfig,
    /// `[http]`.
    pub http: HttpConfig,
    /// `[menu]`.
    pub menu: MenuConfig,
    /// `boot_api`: an inventory that says which machines boot, and what.
    pub boot_api: Option<BootApiConfig>,
    /// `[admin]`.
    pub admin: AdminConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// `[[webhook]]`.
    pub webhooks: Vec<WebhookConfig>,
    /// `[loaders]`: firmware name and file name, as written.
    pub loaders: Vec<(Located<String>, Located<String>)>,
    /// `[[host]]`.
    pub hosts: Vec<HostConfig>,
    /// `[[rule]]`.
    pub rules: Vec<RuleConfig>,
    /// The file this was read from.
    pub file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            root: PathBuf::from("boot"),
            advertise: None,
            dhcp: DhcpConfig {
                mode: DhcpMode::Proxy,
                port: 67,
                boot_port: 4011,
                proxy_style: ProxyStyles::Adaptive,
                addresses: AddressConfig::default(),
            },
            tftp: TftpConfig::default(),
            images: PathBuf::from("images"),
            seeds: PathBuf::from("seeds"),
            secrets: None,
            state: PathBuf::from("state"),
            select: SelectConfig::default(),
            http: HttpConfig::default(),
            menu: MenuConfig::default(),
            templates: PathBuf::from("templates"),
            boot_api: None,
            admin: AdminConfig::default(),
            log: LogConfig::default(),
            webhooks: Vec::new(),
            loaders: Vec::new(),
            hosts: Vec::new(),
            rules: Vec::new(),
            file: None,
        }
    }
}

impl Config {
    /// Reads a file. A relative path in it is taken from the file's own folder.
    pub fn load(file: &Path) -> Result<Self, Faults> {
        let text = std::fs::read_to_string(file).map_err(|error| Faults {
            file: Some(file.to_owned()),
            list: vec![Fault::new(
                "",
                format!("cannot be read: {error}"),
                match error.kind() {
                    std::io::ErrorKind::PermissionDenied => "run this as root or as the server's user, or let this user read it",
                    _ => "give the right path with --config, or leave it out: every key has a default",
                },
            )],
        })?;
        let mut config = Self::parse(&text).map_err(|mut faults| {
            faults.file = Some(file.to_owned());
            faults
        })?;
        if let Some(folder) = file.parent() {
            config.root = folder.join(&config.root);
            config.images = folder.join(&config.images);
            config.state = folder.join(&config.state);
            config.templates = folder.join(&config.templates);
            config.seeds = folder.join(&config.seeds);
            let (http, admin) = (&mut config.http, &mut config.admin);
            let paths = [
                &mut config.tftp.uploads,
                &mut config.secrets,
                &mut http.certificate,
                &mut http.key,
                &mut admin.certificate,
                &mut admin.key,
                &mut admin.tokens,
            ];
            let hooks =
                config.webhooks.iter_mut().flat_map(|hook| [&mut hook.secret_file, &mut hook.ca]);
            for path in paths.into_iter().chain(hooks).flatten() {
                path.value = folder.join(&path.value);
            }
        }
        config.file = Some(file.to_owned());
        Ok(config)
    }

    /// Reads a configuration text, and reports every fault in it at once.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let mut config = sections::read(text, false)?;
        config.keep_as_written(text);
        Ok(config)
    }

    /// What is understood of a text with faults, for those who look for faults that this room cannot know. None if it is no
    /// TOML, or an entry is left out: then others would be told by a wrong number.
    pub fn parse_partly(text: &str) -> Option<Self> {
        let document: toml::Table = text.parse().ok()?;
        let written = |path: &[&str]| {
            let mut found = document.get(path[0]);
            for key in &path[1..] {
                found = found.and_then(|value| value.get(key));
            }
            found.and_then(toml::Value::as_array).map_or(0, Vec::len)
        };
        let (config, _) = sections::read_as_far(text, false);
        let is_whole = written(&["host"]) == config.hosts.len()
            && written(&["rule"]) == config.rules.len()
            && written(&["tftp", "rewrite"]) == config.tftp.rewrites.len()
            && written(&["dhcp", "subnet"]) == config.dhcp.addresses.subnets.len();
        is_whole.then_some(config)
    }

    /// The same of a text that no file holds as it is: nothing of it has a line.
    pub(crate) fn parse_unlined(text: &str) -> Result<Self, Faults> {
        let mut config = sections::read(text, true)?;
        config.keep_as_written(text);
        Ok(config)
    }

    /// Entries are shown and edited as they are written; all of them were read, so that their order is the same.
    fn keep_as_written(&mut self, text: &str) {
        let mut document: toml::Table = text.parse().unwrap_or_default();
        let mut tables = |key: &str| match document.remove(key) {
            Some(toml::Value::Array(entries)) => entries,
            _ => Vec::new(),
        };
        let (hosts, rules) = (tables("host"), tables("rule"));
        let table =
            |value| if let toml::Value::Table(table) = value { table } else { toml::Table::new() };
        for (host, value) in self.hosts.iter_mut().zip(hosts) {
            host.written = table(value);
        }
        for (rule, value) in self.rules.iter_mut().zip(rules) {
            rule.written = table(value);
        }
    }
}
