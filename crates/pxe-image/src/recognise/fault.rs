//! What is wrong with rules: every fault at once.

use core::fmt;

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// Line, from 1.
    pub line: usize,
    /// The key it is about, dotted (`rule[2].entry[1].cmdline`); empty if it is about the whole text.
    pub key: String,
    /// What was found and what was expected.
    pub problem: String,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)
    }
}

/// All faults of one text, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFaults(Vec<RuleFault>);

impl RuleFaults {
    pub(super) fn new(mut faults: Vec<RuleFault>) -> Self {
        faults.sort_by_key(|fault| fault.line);
        Self(faults)
    }

    /// The faults; there is at least one.
    #[must_use]
    pub fn list(&self) -> &[RuleFault] {
        &self.0
    }
}

impl fmt::Display for RuleFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl core::error::Error for RuleFaults {}
