//! What is wrong with rules: every fault at once.

use core::fmt;

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

impl core::error::Error for RuleFault {}

/// Every fault of a text at once, in the order of its lines; there is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFaults(Vec<RuleFault>);

impl RuleFaults {
    pub(super) fn new(mut faults: Vec<RuleFault>) -> Self {
        faults.sort_by_key(|fault| fault.line);
        Self(faults)
    }

    /// The faults.
    #[must_use]
    pub fn as_slice(&self) -> &[RuleFault] {
        &self.0
    }

    /// The same, one by one.
    pub fn iter(&self) -> core::slice::Iter<'_, RuleFault> {
        self.0.iter()
    }
}

impl IntoIterator for RuleFaults {
    type Item = RuleFault;
    type IntoIter = std::vec::IntoIter<RuleFault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'e> IntoIterator for &'e RuleFaults {
    type Item = &'e RuleFault;
    type IntoIter = core::slice::Iter<'e, RuleFault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A line for each.
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
