//! Hosts and rules that were edited in the page: `overrides.toml` in the state folder, in the syntax of the
//! configuration, laid over it.
//!
//! A host there takes the place of the configuration's with the same MAC address; its rules come before the
//! configuration's. Each entry says who wrote it and when. The file is replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::config::{Config, Fault, Faults};

/// Bytes of the file that are read.
pub const OVERRIDES_BYTES_MAX: u64 = 8 << 20;

const FILE: &str = "overrides.toml";
const HEAD: &str = "# Written by the admin page; edit it there, or here while the server does not run.\n\
                    # A host takes the place of the configuration's with its MAC; rules come before its rules.\n\n";

/// The entries, as they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// `[[host]]`.
    pub hosts: Vec<Table>,
    /// `[[rule]]`.
    pub rules: Vec<Table>,
}

/// The configuration with what was edited laid over it.
///
/// # Errors
/// What is wrong with the edited entries.
pub fn applied(mut config: Config) -> Result<Config, Faults> {
    Overrides::read(&config.state)?.merge(&mut config)?;
    Ok(config)
}

/// Where they are kept.
pub fn path(state: &Path) -> PathBuf {
    state.join(FILE)
}

impl Overrides {
    /// Reads the file; none if there is no file.
    ///
    /// # Errors
    /// If it cannot be read, or is no TOML.
    pub fn read(state: &Path) -> Result<Self, Faults> {
        let path = path(state);
        let mut text = String::new();
        let read = File::open(&path)
            .and_then(|file| file.take(OVERRIDES_BYTES_MAX + 1).read_to_string(&mut text));
        let fault = |problem: String| Faults {
            file: Some(path.clone()),
            list: vec![Fault::new("", problem, "mend it, or remove it with all that was edited")],
        };
        match read {
            // What is wrong with a state folder that is a file is told where that is used.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Self::default());
            }
            Err(error) => return Err(fault(format!("cannot be read: {error}"))),
            Ok(_) if text.len() as u64 > OVERRIDES_BYTES_MAX => {
                return Err(fault(format!("is longer than {OVERRIDES_BYTES_MAX} bytes")));
            }
            Ok(_) => {}
        }
        let table: Table = text.parse().map_err(|error| fault(format!("{error}")))?;
        Self::of(table).map_err(fault)
    }

    fn of(table: Table) -> Result<Self, String> {
        let mut overrides = Self::default();
        for (key, value) in table {
            let list = match key.as_str() {
                "host" => &mut overrides.hosts,
                "rule" => &mut overrides.rules,
                other => {
                    return Err(format!("has {other}; only [[host]] and [[rule]] belong here"));
                }
            };
            let Value::Array(entries) = value else {
                return Err(format!("{key} is to be written as [[{key}]]"));
            };
            for entry in entries {
                let Value::Table(entry) = entry else {
                    return Err(format!("{key} is to be written as [[{key}]]"));
                };
                list.push(entry);
            }
        }
        Ok(overrides)
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// If it cannot be written; then the old one is still there.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        fs::create_dir_all(state)?;
        let (path, beside) = (path(state), state.join("overrides.new"));
        let mut file = File::create(&beside)?;
        file.write_all(HEAD.as_bytes())?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(state)?.sync_all()
    }

    fn text(&self) -> String {
        let entries =
            |list: &[Table]| Value::Array(list.iter().cloned().map(Value::Table).collect());
        let mut table = Table::new();
        for (key, list) in [("host", &self.hosts), ("rule", &self.rules)] {
            if !list.is_empty() {
                table.insert(key.to_owned(), entries(list));
            }
        }
        table.to_string()
    }

    /// Lays the entries over a configuration.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn merge(&self, config: &mut Config) -> Result<(), Faults> {
        let edited = Config::parse_unlined(&self.text()).map_err(|mut faults| {
            faults.file = Some(path(&config.state));
            faults
        })?;
        for mut host in edited.hosts {
            host.is_edited = true;
            let mac = bare(&host.mac.value);
            match config.hosts.iter_mut().find(|known| bare(&known.mac.value) == mac) {
                Some(known) => *known = host,
                None => config.hosts.push(host),
            }
        }
        let rules = edited.rules.into_iter().map(|mut rule| {
            rule.is_edited = true;
            rule
        });
        config.rules.splice(0..0, rules);
        Ok(())
    }

    /// The entry of a host, whatever way its address is written.
    pub fn host_mut(&mut self, mac: &str) -> Option<&mut Table> {
        self.hosts.iter_mut().find(|host| is_of(host, mac))
    }

    /// Takes a host out; whether there was one.
    pub fn remove_host(&mut self, mac: &str) -> bool {
        let before = self.hosts.len();
        self.hosts.retain(|host| !is_of(host, mac));
        self.hosts.len() < before
    }
}

fn is_of(host: &Table, mac: &str) -> bool {
    host.get("mac").and_then(Value::as_str).is_some_and(|known| bare(known) == bare(mac))
}

/// A hardware address without what stands between its digits.
pub fn bare(mac: &str) -> String {
    let digits = mac.chars().filter(|letter| !matches!(letter, ':' | '-' | '.'));
    digits.map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Config {
        Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn overrides(text: &str) -> Overrides {
        Overrides::of(text.parse().expect("TOML")).unwrap_or_else(|why| panic!("{why}"))
    }

    #[test]
    fn a_host_takes_its_place_and_rules_come_first() {
        let mut config = parse(
            "[[host]]\nmac = \"52:54:00:aa:00:01\"\nboot = false\n\
             [[host]]\nmac = \"52:54:00:aa:00:02\"\n[[rule]]\ndeny = true\n",
        );
        let edited = overrides(
            "[[host]]\nmac = \"5254.00AA.0001\"\nloader = \"x.efi\"\nedited-by = \"anna\"\n\
             [[host]]\nmac = \"52-54-00-aa-00-03\"\n[[rule]]\nfile = \"y.efi\"\n",
        );
        edited.merge(&mut config).unwrap_or_else(|faults| panic!("{faults}"));
        let hosts: Vec<_> =
            config.hosts.iter().map(|host| (bare(&host.mac.value), host.is_edited)).collect();
        let expected = [("525400aa0001", true), ("525400aa0002", false), ("525400aa0003", true)];
        assert_eq!(hosts, expected.map(|(mac, edited)| (mac.to_owned(), edited)));
        assert!(config.hosts[0].boot, "nothing of the replaced entry is left");
        assert_eq!(
            config.rules.iter().map(|rule| rule.is_edited).collect::<Vec<_>>(),
            [true, false]
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = std::env::temp_dir().join(format!("pxe-overrides-{}", std::process::id()));
        assert_eq!(Overrides::read(&folder), Ok(Overrides::default()));
        let edited = overrides(
            "[[host]]\nmac = \"52:54:00:aa:00:01\"\nhostname = \"n \\\"1\\\"\"\n\
             [[rule]]\nwhen = { arch = [\"bios\"] }\nfile = \"y\"\n",
        );
        edited.write(&folder).expect("written");
        assert_eq!(Overrides::read(&folder), Ok(edited));
        for (text, why) in [("root = \"x\"", "only [[host]]"), ("host = 1", "[[host]]"), ("[", "")]
        {
            fs::write(path(&folder), text).expect("written");
            let faults = Overrides::read(&folder).expect_err(text);
            assert!(faults.to_string().contains(why), "{faults}");
        }
        fs::remove_dir_all(folder).expect("clean");
    }

    #[test]
    fn faults_are_those_of_the_configuration() {
        let wrong = overrides("[[host]]\nmac = \"52:54:00:aa:00:01\"\nlaoder = \"x\"\n");
        let faults = wrong.merge(&mut parse("")).expect_err("faults");
        assert!(faults.to_string().contains("did you mean `loader`?"), "{faults}");
        assert_eq!(faults.list[0].line, None, "the text is nobody's file");
    }
}
