//! Files made for one machine from templates: Kickstart, preseed, cloud-init's user-data, autounattend.xml.
//!
//! Who may have them is not decided here (`engine::seeds`).

mod render;

use core::net::IpAddr;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::config::{Config, Secrets, Variables};
use crate::engine::hyphenated;

/// Bytes of one template, or of one that it includes.
pub const TEMPLATE_BYTES_MAX: u64 = 262_144;
/// Bytes of what is made of it.
pub const SEED_BYTES_MAX: usize = 1_048_576;
/// Steps that a template may take (minijinja's fuel): about a tenth of a second.
pub const TEMPLATE_STEPS_MAX: u64 = 1_000_000;

/// What a machine's templates are and what is known to them.
#[derive(Clone, Debug, Default)]
struct Machine {
    /// Its folder of the seeds.
    folder: String,
    hostname: Option<String>,
    vars: Variables,
}

/// The templates, and which machine has which.
#[derive(Debug, Default)]
pub struct Seeds {
    path: PathBuf,
    machines: HashMap<[u8; 6], Machine>,
    secrets: Secrets,
}

/// What a request adds to what is configured.
#[derive(Clone, Debug)]
pub(crate) struct SeedFacts {
    pub(crate) mac: [u8; 6],
    pub(crate) address: IpAddr,
    /// Our address as the machine sees it, as it stands in a URL.
    pub(crate) server: String,
    /// What all our URLs begin with: `http://192.0.2.5:8080`.
    pub(crate) origin: String,
    /// The token of this boot.
    pub(crate) token: String,
    /// By which it says that it is done.
    pub(crate) done: String,
}

/// Why there is no such file for a machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SeedError {
    /// It has no seeds, or none of this name. cloud-init asks for more than there has to be.
    #[error("{0}")]
    NotFound(String),
    /// The template has a fault.
    #[error("{0}")]
    Failed(String),
}

impl Seeds {
    /// As the configuration says, with the secrets that were read for it.
    pub fn new(config: &Config, secrets: Secrets) -> Self {
        let machines = config.hosts.iter().filter_map(|host| {
            let folder = host.seed.as_ref()?.value.clone();
            let hostname = host.hostname.as_ref().map(|name| name.value.clone());
            let machine = Machine { folder, hostname, vars: host.vars.clone() };
            Some((pxe_select::parse_mac(&host.mac.value)?, machine))
        });
        Self { path: config.seeds.clone(), machines: machines.collect(), secrets }
    }

    /// Whether a file is made for a machine; of no name, whether there is what cloud-init begins with.
    pub(crate) fn has(&self, mac: [u8; 6], name: &str) -> bool {
        let Some(machine) = self.machines.get(&mac) else { return false };
        let name = if name.is_empty() { "user-data" } else { name };
        let folder = Dir::open_ambient_dir(&self.path, ambient_authority());
        let path = format!("{}/{name}", machine.folder);
        is_plain(name)
            && folder.is_ok_and(|folder| super::root::open_in(&folder, Path::new(&path)).is_ok())
    }

    /// The file `name` of a machine.
    pub(crate) fn make(&self, name: &str, facts: &SeedFacts) -> Result<String, SeedError> {
        let not_found = |why: &str| Err(SeedError::NotFound(why.to_owned()));
        let Some(machine) = self.machines.get(&facts.mac) else {
            return not_found("no [[host]] of this machine names a seed");
        };
        if !is_plain(name) {
            return not_found("a seed has no such name");
        }
        let folder = Dir::open_ambient_dir(&self.path, ambient_authority()).map_err(|error| {
            SeedError::Failed(format!("the folder {} cannot be read: {error}", self.path.display()))
        })?;
        let full = format!("{}/{name}", machine.folder);
        match (template(&folder, &full)?, name) {
            (Some(text), _) => {
                let secrets = self.secrets.of(facts.mac);
                render::render(folder, &full, &text, render::Known { facts, machine, secrets })
            }
            // cloud-init needs it beside user-data, and it says the same for every distribution.
            (None, "meta-data")
                if template(&folder, &format!("{}/user-data", machine.folder))?.is_some() =>
            {
                let id = hyphenated(facts.mac);
                let name = machine.hostname.as_ref();
                let hostname =
                    name.map(|name| format!("local-hostname: {name}\n")).unwrap_or_default();
                Ok(format!("instance-id: {id}\n{hostname}"))
            }
            (None, _) => Err(SeedError::NotFound(format!(
                "there is no template {}",
                self.path.join(&full).display()
            ))),
        }
    }
}

/// The text of a template; none if it is not there.
fn template(folder: &Dir, name: &str) -> Result<Option<String>, SeedError> {
    let failed = |error: &dyn core::fmt::Display| SeedError::Failed(format!("{name}: {error}"));
    let file: File = match super::root::open_in(folder, Path::new(name)) {
        Ok(file) => file,
        Err(crate::engine::ContentError::NotFound) => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let mut text = String::new();
    let read = file.take(TEMPLATE_BYTES_MAX + 1).read_to_string(&mut text);
    let read = read.map_err(|error| failed(&error))?;
    if read as u64 > TEMPLATE_BYTES_MAX {
        return Err(failed(&format!("a template has at most {TEMPLATE_BYTES_MAX} bytes")));
    }
    Ok(Some(text))
}

/// A name without surprises, in folders or not.
fn is_plain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.len() <= 255
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn seeds(name: &str, files: &[(&str, &str)], host: &str) -> (PathBuf, Seeds) {
        let path = std::env::temp_dir().join(format!("pxe-seeds-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        for (file, text) in files {
            let file = path.join("seeds").join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
        let text = format!("[[host]]\nmac = \"52:54:00:aa:00:01\"\nseed = \"ubuntu\"\n{host}");
        let mut config = Config::parse(&text).unwrap_or_else(|faults| panic!("{faults}"));
        config.seeds = path.join("seeds");
        let secrets = "[all]\nroot = \"hunter2\"\n[\"52:54:00:aa:00:01\"]\nkey = \"own\"\n";
        let secrets = Secrets::parse(secrets).expect("secrets");
        (path, Seeds::new(&config, secrets))
    }

    fn facts() -> SeedFacts {
        SeedFacts {
            mac: [0x52, 0x54, 0, 0xaa, 0, 1],
            address: IpAddr::from([192, 0, 2, 7]),
            server: "192.0.2.5".into(),
            origin: "http://192.0.2.5:8080".into(),
            token: "00ff".into(),
            done: "11ee".into(),
        }
    }

    #[test]
    fn everything_that_is_known_can_be_filled_in() {
        let template = "\
#cloud-config
{% for key in vars.keys %}
- {{ key }}
{% endfor %}
{{ mac }} {{ mac_hyphens }} {{ address }} {{ hostname }} {{ server }} {{ vars.size }} {{ secrets.root }} {{ secrets.key }}
{{ boot }} {{ images }} {{ seed }} {{ done }}
{% include 'common/end' %}
";
        let host = "hostname = \"node1\"\nvars = { keys = [\"a\", \"b\"], size = 7 }\n";
        let (path, seeds) =
            seeds("all", &[("ubuntu/user-data", template), ("common/end", "# {{ mac }}\n")], host);
        let made = seeds.make("user-data", &facts()).expect("a text");
        assert_eq!(
            made,
            "#cloud-config\n- a\n- b\n\
             52:54:00:aa:00:01 52-54-00-aa-00-01 192.0.2.7 node1 192.0.2.5 7 hunter2 own\n\
             http://192.0.2.5:8080/boot/ http://192.0.2.5:8080/images/ \
             http://192.0.2.5:8080/seed/52-54-00-aa-00-01/00ff/ \
             http://192.0.2.5:8080/done?mac=52-54-00-aa-00-01&token=11ee\n\
             # 52:54:00:aa:00:01\n"
        );
        let meta = seeds.make("meta-data", &facts()).expect("a text");
        assert_eq!(meta, "instance-id: 52-54-00-aa-00-01\nlocal-hostname: node1\n");
        assert!(matches!(seeds.make("vendor-data", &facts()), Err(SeedError::NotFound(_))));
        fs::remove_dir_all(path).expect("clean");
    }

    #[test]
    fn faults_name_file_line_and_variable() {
        let files = [
            ("ubuntu/undefined", "a\nb: {{ vars.disk }}\n"),
            ("ubuntu/syntax", "a\n{% if %}\n"),
            (
                "ubuntu/endless",
                "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            ),
            ("ubuntu/outside", "{% include '../../etc/passwd' %}"),
            ("ubuntu/large", "{% for a in range(9999) %}{{ vars.long }}{% endfor %}"),
        ];
        let host = format!("vars = {{ long = \"{}\" }}\n", "x".repeat(2_000));
        let (path, seeds) = seeds("faults", &files, &host);
        for (name, words) in [
            ("undefined", &["ubuntu/undefined, line 2", "vars.disk"][..]),
            ("syntax", &["ubuntu/syntax, line 2"]),
            ("endless", &["ubuntu/endless, line 1", "fuel"]),
            ("outside", &["ubuntu/outside, line 1", "etc/passwd"]),
            ("large", &["ubuntu/large", "bytes"]),
        ] {
            let Err(SeedError::Failed(fault)) = seeds.make(name, &facts()) else {
                panic!("{name} has no fault");
            };
            assert!(words.iter().all(|word| fault.contains(word)), "{name}: {fault}");
            assert!(!fault.contains("hunter2"), "{fault}");
        }
        fs::remove_dir_all(path).expect("clean");
    }

    #[test]
    fn texts_of_xml_are_escaped_and_others_are_not() {
        let files =
            [("ubuntu/autounattend.xml", "<a>{{ vars.x }}</a>"), ("ubuntu/ks.cfg", "{{ vars.x }}")];
        let (path, seeds) = seeds("xml", &files, "vars = { x = \"<&>\" }\n");
        assert_eq!(seeds.make("autounattend.xml", &facts()).as_deref(), Ok("<a>&lt;&amp;&gt;</a>"));
        assert_eq!(seeds.make("ks.cfg", &facts()).as_deref(), Ok("<&>"));
        fs::remove_dir_all(path).expect("clean");
    }

    #[test]
    fn what_is_made_for_a_machine_is_known_without_making_it() {
        let (path, seeds) = seeds("has", &[("ubuntu/user-data", "{{ vars.none }}")], "");
        let (own, other) = (facts().mac, [2, 0, 0, 0, 0, 1]);
        assert!(seeds.has(own, "user-data") && seeds.has(own, ""), "cloud-init begins there");
        for name in ["ks.cfg", "../ubuntu/user-data", "."] {
            assert!(!seeds.has(own, name), "{name}");
        }
        assert!(!seeds.has(other, "user-data"));
        fs::remove_dir_all(path).expect("clean");
    }

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["", "..", "../x", "a/../b", "/etc/passwd", ".hidden", "a//b", "a b", "a\0"] {
            assert!(!is_plain(name), "{name:?}");
        }
        assert!(is_plain("user-data") && is_plain("late/step_1.sh"));
        let mut stranger = facts();
        stranger.mac = [0; 6];
        let (path, seeds) = seeds("names", &[("ubuntu/x", "")], "");
        assert!(matches!(seeds.make("x", &stranger), Err(SeedError::NotFound(_))));
        fs::remove_dir_all(path).expect("clean");
    }
}
