//! What templates for single machines are filled in with: variables of `[[host]]`, and the file of secrets.

use core::fmt;
use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::reader::{Reader, Section};
use super::{Located, private};

/// Variables of one machine.
pub type Variables = BTreeMap<String, Variable>;

/// A value that templates see as what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// `true` or `false`.
    Truth(bool),
    /// A list of texts.
    List(Vec<String>),
}

impl Variable {
    pub(super) fn of(value: &DeValue<'_>) -> Option<Self> {
        Some(match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Boolean(truth) => Self::Truth(*truth),
            DeValue::Integer(number) => {
                Self::Number(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
            }
            DeValue::Array(items) => {
                let text =
                    |item: &toml::Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
                Self::List(items.iter().map(text).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

/// The folder of a machine's templates.
pub(super) fn folder(section: &Section<'_, '_>) -> Option<Located<String>> {
    let seed = section.string("seed")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if seed.value.starts_with('.') || !seed.value.bytes().all(allowed) {
        let problem = format!("{:?} is no folder of the seeds", seed.value);
        section.fault(
            seed.line,
            "seed",
            problem,
            "letters, digits, `-`, `_` and `.`: seed = \"ubuntu-server\"",
        );
        return None;
    }
    Some(seed)
}

/// What only the machine itself, and its templates, may know: by machine, and for all.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    all: BTreeMap<String, String>,
    machines: BTreeMap<[u8; 6], BTreeMap<String, String>>,
}

/// Their names alone: what is printed may end in a log.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.keys()).entries(self.machines.keys()).finish()
    }
}

impl Secrets {
    /// Reads the file; nobody but its owner may be able to.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(file: &Located<std::path::PathBuf>) -> Result<Self, Vec<Fault>> {
        let shown = file.value.display();
        let example = "name a file like: [all]\\nroot_password = \"…\"";
        let text = private::read("secrets", file, example).map_err(|fault| vec![fault])?;
        Self::parse(&text).map_err(|list| {
            let each = list.into_iter().map(|found| {
                let line = found.line.map(|line| format!(", line {line}")).unwrap_or_default();
                let key =
                    if found.key.is_empty() { String::new() } else { format!("{}: ", found.key) };
                Fault::new(
                    "secrets",
                    format!("{shown}{line}: {key}{}", found.problem),
                    found.remedy,
                )
                .at(Some(file.line))
            });
            each.collect()
        })
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, with the lines of that file.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let reader = Reader::new(text, false);
        let (document, errors) = DeTable::parse_recoverable(text);
        let mut secrets = Self::default();
        for error in &errors {
            let line = error.span().map(|span| reader.line(&span));
            reader.fault(line, "", error.message().to_owned(), String::new());
        }
        for (key, value) in document.get_ref() {
            let line = Some(reader.line(&key.span()));
            let name = key.get_ref();
            let mut read = BTreeMap::new();
            let Some(table) = value.get_ref().as_table() else {
                let remedy =
                    "secrets stand in [all] or in a table of a machine, [\"52:54:00:aa:00:01\"]";
                reader.fault(line, name, "is no table".to_owned(), remedy.to_owned());
                continue;
            };
            for (key, value) in table {
                match value.get_ref().as_str() {
                    Some(text) => drop(read.insert(key.get_ref().to_string(), text.to_owned())),
                    None => {
                        let line = Some(reader.line(&key.span()));
                        let problem = "a secret is a text in quotes".to_owned();
                        reader.fault(
                            line,
                            &format!("{name}.{}", key.get_ref()),
                            problem,
                            String::new(),
                        );
                    }
                }
            }
            match (&**name, pxe_select::parse_mac(name)) {
                ("all", _) => secrets.all = read,
                (_, Some(mac)) => drop(secrets.machines.insert(mac, read)),
                _ => {
                    let problem = "is neither `all` nor a MAC address".to_owned();
                    reader.fault(line, name, problem, "[\"52:54:00:aa:00:01\"]".to_owned());
                }
            }
        }
        let faults = reader.into_faults();
        if faults.is_empty() { Ok(secrets) } else { Err(faults) }
    }

    /// Those that a machine may know.
    pub fn of(&self, mac: [u8; 6]) -> BTreeMap<&str, &str> {
        let own = self.machines.get(&mac).into_iter().flatten();
        self.all.iter().chain(own).map(|(name, text)| (&**name, &**text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_machine_knows_its_own_secrets_and_those_of_all() {
        let text = "[all]\na = \"1\"\nb = \"2\"\n[\"52:54:00:aa:00:01\"]\nb = \"own\"\n";
        let secrets = Secrets::parse(text).expect("secrets");
        let own: Vec<_> = secrets.of([0x52, 0x54, 0, 0xaa, 0, 1]).into_iter().collect();
        assert_eq!(own, [("a", "1"), ("b", "own")]);
        let other: Vec<_> = secrets.of([0; 6]).into_iter().collect();
        assert_eq!(other, [("a", "1"), ("b", "2")]);
        assert!(!format!("{secrets:?}").contains("own"), "{secrets:?}");
    }

    #[test]
    fn every_fault_has_its_line() {
        let text = "loose = \"x\"\n[all]\nnumber = 7\n[node1]\na = \"1\"\n";
        let faults = Secrets::parse(text).expect_err("faults");
        let mut found: Vec<_> = faults.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        found.sort_unstable();
        assert_eq!(found, [(1, "loose"), (3, "all.number"), (4, "node1")]);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let path = std::env::temp_dir().join(format!("pxe-secrets-{}", std::process::id()));
        fs::write(&path, "[all]\na = \"1\"\n").expect("a file");
        let file = Located { value: path.clone(), line: 3 };
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        set(0o640);
        let faults = Secrets::load(&file).expect_err("a fault");
        assert!(faults[0].to_string().contains("chmod 600"), "{}", faults[0]);
        set(0o600);
        assert!(Secrets::load(&file).is_ok());
        fs::remove_file(&path).expect("clean");
        assert!(Secrets::load(&file).is_err());
    }
}
