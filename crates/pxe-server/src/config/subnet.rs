//! `[[dhcp.subnet]]` and what else `dhcp.mode = "server"` needs: who gets which address, and what beside it.

use pxe_dhcp::OptionCode;
use pxe_dhcp::options::OptionSet;
use pxe_dhcp::respond::LeaseTimes;
use pxe_lease::{AddressRange, IdentifyBy, Prefix};

use super::class::{ClassConfig, class};
use super::reader::{Located, Section};
use super::reservation::{self, ReservationConfig};

/// `dhcp.*` of server mode.
#[derive(Clone, Debug, Default)]
pub struct AddressConfig {
    /// `[[dhcp.subnet]]`.
    pub subnets: Vec<SubnetConfig>,
    /// `[[dhcp.class]]`.
    pub classes: Vec<ClassConfig>,
    /// `[dhcp.store]`.
    pub store: StoreConfig,
    /// Serve although another DHCP server answers.
    pub ignore_other_servers: bool,
    /// Believe option 82 of messages that came through no relay: from switches that snoop.
    pub trust_snooped_relay_information: bool,
    /// Ask whether anybody uses an address before it is offered to a client that never had it.
    pub probe: bool,
}

/// One `[[dhcp.subnet]]`.
#[derive(Clone, Debug)]
pub struct SubnetConfig {
    /// Line of its header.
    pub line: usize,
    /// Its addresses.
    pub network: Located<Prefix>,
    /// Given to anybody.
    pub pools: Vec<Located<AddressRange>>,
    /// Not given to anybody.
    pub exclude: Vec<Located<AddressRange>>,
    /// How long leases are.
    pub times: LeaseTimes,
    /// No other server gives addresses here.
    pub authoritative: bool,
    /// The link it shares with the other subnets of that name.
    pub shared_network: Option<Located<String>>,
    /// How machines are told apart.
    pub identify_by: IdentifyBy,
    /// BOOTP clients get addresses of the pools, for ever.
    pub bootp: bool,
    /// What its clients are told.
    pub options: OptionSet,
    /// `[[dhcp.subnet.reservation]]`.
    pub reservations: Vec<ReservationConfig>,
}

/// `[dhcp.store]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreConfig {
    /// One file in the state folder, for this server alone.
    #[default]
    Embedded,
    /// A database, for any number of servers.
    Postgres {
        /// `postgres://user:password@host/database`.
        url: String,
    },
}

const LEASE_DEFAULT_SECONDS: u32 = 12 * 3600;
const LEASE_LEAST_SECONDS: u32 = 120;
const LEASE_MOST_SECONDS: u32 = 7 * 24 * 3600;

/// Reads the keys of `[dhcp]` that are here.
pub(super) fn read(dhcp: &Section<'_, '_>, config: &mut AddressConfig) {
    config.subnets = dhcp.sections("subnet").into_iter().filter_map(subnet).collect();
    config.classes = dhcp.sections("class").into_iter().filter_map(class).collect();
    config.store = store(dhcp.section("store"));
    config.ignore_other_servers = dhcp.boolean("ignore_other_servers").unwrap_or(false);
    config.trust_snooped_relay_information =
        dhcp.boolean("trust_snooped_relay_information").unwrap_or(false);
    config.probe = dhcp.boolean("probe").unwrap_or(false);
}

fn store(section: Section<'_, '_>) -> StoreConfig {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Embedded,
        Postgres,
    }
    let words = [("embedded", Kind::Embedded), ("postgres", Kind::Postgres)];
    let url = section.string("url");
    let kind = section.choice("kind", &words).unwrap_or(match url {
        Some(_) => Kind::Postgres,
        None => Kind::Embedded,
    });
    let config = match (kind, url) {
        (Kind::Postgres, Some(url)) => StoreConfig::Postgres { url: url.value },
        (Kind::Postgres, None) => {
            let remedy = "url = \"postgres://user:password@host/database\"";
            section.fault(section.line, "url", "a database needs its address".into(), remedy);
            StoreConfig::Embedded
        }
        (Kind::Embedded, Some(url)) => {
            let problem = "the embedded store is a file in the state folder, and has no address";
            section.fault(url.line, "url", problem.into(), "remove it, or kind = \"postgres\"");
            StoreConfig::Embedded
        }
        (Kind::Embedded, None) => StoreConfig::Embedded,
    };
    section.finish();
    config
}

fn subnet(section: Section<'_, '_>) -> Option<SubnetConfig> {
    let network = match section.string("network") {
        Some(text) => section.understood("network", &text),
        None => {
            let problem = "a subnet needs its addresses".to_owned();
            section.fault(section.line, "network", problem, "network = \"192.0.2.0/24\"");
            None
        }
    };
    let pools = section.list("pool");
    let exclude = section.list("exclude");
    let times = times(&section);
    let identify =
        [("mac", IdentifyBy::HardwareAddress), ("client-id", IdentifyBy::ClientIdentifier)];
    let identify_by = section.choice("identify_by", &identify).unwrap_or_default();
    let mut options = OptionSet::new();
    for (key, option) in
        [("routers", "routers"), ("dns", "domain-name-servers"), ("domain", "domain-name")]
    {
        if let Some(texts) = section.strings(key)
            && let Some(first) = texts.first()
        {
            let joined = texts.iter().map(|text| &*text.value).collect::<Vec<_>>().join(", ");
            set(&section, key, &mut options, option, &joined, first.line);
        }
    }
    read_options(&section, &mut options);
    let reservations =
        section.sections("reservation").into_iter().filter_map(reservation::read).collect();
    let authoritative = section.boolean("authoritative").unwrap_or(false);
    let shared_network = section.string("shared_network");
    let bootp = section.boolean("bootp").unwrap_or(false);
    let line = section.line;
    section.finish();
    Some(SubnetConfig {
        line,
        network: network?,
        pools,
        exclude,
        times,
        authoritative,
        shared_network,
        identify_by,
        bootp,
        options,
        reservations,
    })
}

fn times(section: &Section<'_, '_>) -> LeaseTimes {
    let read = |name: &'static str| {
        let text = section.text_or_number(name)?;
        let seconds = seconds(&text.value);
        if seconds.is_none() {
            let problem =
                format!("expected a time like \"12h\", \"1h30m\" or 600, found {:?}", text.value);
            section.fault(text.line, name, problem, "units are s, m, h and d");
        }
        Some((seconds?, text.line))
    };
    let (usual, least, most) = (read("lease"), read("lease_min"), read("lease_max"));
    let line = usual.or(least).or(most).map_or(section.line, |(_, line)| line);
    let usual = usual.map_or_else(
        || {
            LEASE_DEFAULT_SECONDS
                .clamp(least.map_or(1, |it| it.0), most.map_or(u32::MAX, |it| it.0).max(1))
        },
        |(seconds, _)| seconds,
    );
    let least = least.map_or_else(|| LEASE_LEAST_SECONDS.min(usual), |(seconds, _)| seconds);
    let most = most.map_or_else(|| LEASE_MOST_SECONDS.max(usual), |(seconds, _)| seconds);
    LeaseTimes::new(least, usual, most).unwrap_or_else(|fault| {
        section.fault(line, "lease", fault.to_string(), "lease_min <= lease <= lease_max");
        LeaseTimes::new(1, 1, 1).expect("a second is a time")
    })
}

/// `600`, `90s`, `12h`, `1h30m`.
fn seconds(text: &str) -> Option<u32> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (mut total, mut rest) = (0_u32, text.trim());
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(unit)?)?;
        rest = tail.get(1..)?.trim_start();
    }
    (!text.trim().is_empty()).then_some(total)
}

/// `options`, a table of names or numbers, and `always`, those among them that clients get unasked.
pub(super) fn read_options(section: &Section<'_, '_>, options: &mut OptionSet) {
    let table = section.section("options");
    let mut known = Vec::new();
    for (name, value) in table.values() {
        let code = set(&table, &name.value, options, &name.value, &value.value, value.line);
        known.push((name.value, code));
    }
    for name in section.strings("always").unwrap_or_default() {
        match known.iter().find(|(known, _)| *known == name.value) {
            Some((_, Some(code))) => options.force(*code, true),
            // Its value has a fault of its own.
            Some((_, None)) => {}
            None => {
                let problem = format!("`{}` is not among these options", name.value);
                section.fault(name.line, "always", problem, "set it in `options` under this name");
            }
        }
    }
}

/// `hostname`: option 12.
pub(super) fn read_host_name(
    section: &Section<'_, '_>,
    options: &mut OptionSet,
) -> Option<Located<String>> {
    let name = section.string("hostname")?;
    set(section, "hostname", options, "host-name", &name.value, name.line);
    Some(name)
}

fn set(
    section: &Section<'_, '_>,
    key: &str,
    options: &mut OptionSet,
    option: &str,
    text: &str,
    line: usize,
) -> Option<OptionCode> {
    options.set(option, text).map_err(|fault| section.fault(line, key, fault.to_string(), "")).ok()
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("600", Some(600)),
            ("90s", Some(90)),
            ("12h", Some(43_200)),
            ("1h30m", Some(5400)),
            ("1d 12h", Some(129_600)),
            ("", None),
            ("h", None),
            ("5 weeks", None),
            ("99999999d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
[dhcp]
ignore_other_servers = true
[[dhcp.subnet]]
network = "192.0.2.0/24"
pool = ["192.0.2.100-192.0.2.200", "192.0.2.210"]
exclude = "192.0.2.150"
routers = ["192.0.2.1"]
dns = ["192.0.2.1", "192.0.2.2"]
domain = "lab.example"
lease = "12h"
lease_min = 600
lease_max = "1d"
authoritative = true
shared_network = "lab"
bootp = true
identify_by = "client-id"
options = { ntp-servers = ["192.0.2.3", "192.0.2.4"], 26 = 1400, domain-search = "a.example" }
always = ["26"]
[[dhcp.subnet.reservation]]
address = "192.0.2.50"
circuit_id = "port 7"
remote_id = "0x0102"
[[dhcp.class]]
when = { vendor-class = "MSFT", mac = "52:54:*" }
options = { netbios-node-type = 2 }
[dhcp.store]
kind = "postgres"
url = "postgres://pxe@db/pxe"
"#;
        let config = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        let known = &config.dhcp.addresses;
        let subnet = &known.subnets[0];
        assert_eq!(subnet.times.choose(None, false), 43_200);
        assert_eq!(subnet.times.choose(Some(5), false), 600);
        assert_eq!(
            (subnet.pools.len(), subnet.exclude.len(), subnet.options.iter().len()),
            (2, 1, 6)
        );
        assert!(subnet.options.iter().any(|option| option.code.0 == 26 && option.forced));
        assert!(subnet.bootp && subnet.authoritative && known.ignore_other_servers);
        assert_eq!(subnet.reservations.len(), 1);
        assert_eq!(known.classes[0].mac, [0x52, 0x54]);
        assert!(matches!(known.store, StoreConfig::Postgres { .. }));
    }

    #[test]
    fn every_fault_has_its_line() {
        let text = "\
[[dhcp.subnet]]
network = \"192.0.2.1/24\"
pool = [\"192.0.2.9-192.0.2.1\"]
lease = \"5 weeks\"
lease_min = 0
dns = \"one\"
options = { netbios = 1, subnet-mask = \"255.0.0.0\" }
always = [\"ntp\"]
[[dhcp.subnet.reservation]]
address = \"192.0.2.5\"
[[dhcp.class]]
options = {}
[dhcp.store]
kind = \"postgres\"
";
        let faults = Config::parse(text).expect_err("faults");
        let found: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        assert_eq!(
            found,
            [
                (2, "dhcp.subnet[1].network"),
                (3, "dhcp.subnet[1].pool"),
                (4, "dhcp.subnet[1].lease"),
                (5, "dhcp.subnet[1].lease"),
                (6, "dhcp.subnet[1].dns"),
                (7, "dhcp.subnet[1].options.netbios"),
                (7, "dhcp.subnet[1].options.subnet-mask"),
                (8, "dhcp.subnet[1].always"),
                (9, "dhcp.subnet[1].reservation[1].mac"),
                (11, "dhcp.class[1].when.vendor-class"),
                (13, "dhcp.store.url"),
            ],
            "{faults}"
        );
    }
}
