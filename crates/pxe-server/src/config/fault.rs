//! What is wrong with a configuration: every fault at once, each with its place and its remedy.

use core::fmt;
use std::path::PathBuf;

/// One thing to mend in the configuration or on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file, from 1; `None` for a fault that has no line (a flag, a missing file).
    pub line: Option<usize>,
    /// The key it is about, dotted (`dhcp.mode`, `rule[2].when.arch`), or another subject.
    pub key: String,
    /// What was found and what was expected.
    pub problem: String,
    /// The one thing to do next; may be empty where the problem says it.
    pub remedy: String,
}

impl Fault {
    /// A fault without a line.
    pub fn new(
        key: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { line: None, key: key.into(), problem: problem.into(), remedy: remedy.into() }
    }

    /// The same fault at a line of the file; 0 is none.
    #[must_use]
    pub fn at(mut self, line: Option<usize>) -> Self {
        self.line = line.filter(|line| *line > 0);
        self
    }
}

/// One line, without a place in the file.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, problem, remedy, .. } = self;
        write!(f, "{key}: {problem}")?;
        if remedy.is_empty() { Ok(()) } else { write!(f, "; {remedy}") }
    }
}

/// All faults of one run, with the file they were found in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The configuration file, if one was read.
    pub file: Option<PathBuf>,
    /// In the order of the file's lines; those without a line come last.
    pub list: Vec<Fault>,
}

impl Faults {
    /// `Ok(value)` when there is none.
    pub fn or(mut self, value: super::Config) -> Result<super::Config, Self> {
        if self.list.is_empty() {
            return Ok(value);
        }
        self.list.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
        Err(self)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match (&self.file, fault.line) {
                (Some(file), Some(line)) => write!(f, "{}:{line}: ", file.display())?,
                (Some(file), None) if fault.key.is_empty() => write!(f, "{}: ", file.display())?,
                _ => {}
            }
            if !fault.key.is_empty() {
                write!(f, "{}: ", fault.key)?;
            }
            f.write_str(&fault.problem)?;
            // What helps against several in a row is said once, behind the last of them.
            let same = self.list.get(index + 1).is_some_and(|next| next.remedy == fault.remedy);
            if !fault.remedy.is_empty() && !same {
                write!(f, "\n    -> {}", fault.remedy)?;
            }
        }
        Ok(())
    }
}

impl core::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_remedy_for_several_faults_is_said_once() {
        let list = vec![
            Fault::new("dhcp.port", "no right to bind UDP port 67", "run it as root"),
            Fault::new("tftp.port", "no right to bind UDP port 69", "run it as root"),
            Fault::new("root", "boot is not there", "mkdir -p boot").at(Some(3)),
        ];
        let said = Faults { file: Some("pxe.toml".into()), list }.to_string();
        let wanted = "dhcp.port: no right to bind UDP port 67\n\
                      tftp.port: no right to bind UDP port 69\n    -> run it as root\n\
                      pxe.toml:3: root: boot is not there\n    -> mkdir -p boot";
        assert_eq!(said, wanted);
    }
}
