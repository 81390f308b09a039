//! Options for everybody of a subnet, a class, or for one host.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use alloc::string::String;
use alloc::vec::Vec;

use super::{OptionFault, OptionFaultKind, OptionKind, name, value};
use crate::code::OptionCode;
use crate::limits::{CONFIGURED_VALUE_BYTES_MAX, OPTION_VALUE_BYTES_MAX};

/// Options that a server sends to whom they concern.
///
/// Sets are laid over each other, the more special over the more general: a host's over those of its classes, these
/// over its subnet's. At most one value for each code; none of a length that boot firmware refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionSet {
    /// Sorted by code.
    options: Vec<ConfiguredOption>,
}

/// One option of an [`OptionSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfiguredOption {
    /// Which option.
    pub code: OptionCode,
    /// Its value as it is sent.
    pub value: Vec<u8>,
    /// Whether clients get it that did not ask for it (option 55).
    pub forced: bool,
}

impl OptionSet {
    /// No options.
    #[must_use]
    pub const fn new() -> Self {
        Self { options: Vec::new() }
    }

    /// Sets an option, given by name or number, to the value in `text`; it is sent to clients that ask for it, and to
    /// those that do not say what they want. Lists have commas or blanks between their items. Returns which it is.
    ///
    /// # Errors
    /// [`OptionFault`] if there is no such option, the server sets it by itself, or the text is not of its type.
    pub fn set(&mut self, option: &str, text: &str) -> Result<OptionCode, OptionFault> {
        let fault = |kind| OptionFault { option: option.chars().take(64).collect(), kind };
        let code = name::find(option).map_err(fault)?;
        let mut bytes = Vec::new();
        value::write(OptionKind::of(code), text, &mut bytes).map_err(fault)?;
        self.set_value(code, &bytes).map_err(|found| fault(found.kind))?;
        Ok(code)
    }

    /// Sets an option to a value as it is sent.
    ///
    /// # Errors
    /// [`OptionFault`] if the server sets the option by itself, or the value has a length that cannot be sent.
    pub fn set_value(&mut self, code: OptionCode, value: &[u8]) -> Result<(), OptionFault> {
        let bytes = value.len();
        let kind = if matches!(code, OptionCode::PAD | OptionCode::END) {
            Some(OptionFaultKind::Number)
        } else if let Some(why) = name::reserved(code) {
            Some(OptionFaultKind::Reserved(why))
        } else if !code.length_rule().allows(bytes) {
            Some(OptionFaultKind::Length(bytes))
        } else if bytes > OPTION_VALUE_BYTES_MAX && !code.may_split() {
            Some(OptionFaultKind::TooLong(bytes))
        } else if bytes > CONFIGURED_VALUE_BYTES_MAX {
            Some(OptionFaultKind::NoRoom(bytes))
        } else {
            None
        };
        if let Some(kind) = kind {
            return Err(OptionFault { option: label(code), kind });
        }
        let option = ConfiguredOption { code, value: value.into(), forced: false };
        match self.options.binary_search_by_key(&code, |option| option.code) {
            Ok(at) => {
                if let Some(slot) = self.options.get_mut(at) {
                    *slot = option;
                }
            }
            Err(at) => self.options.insert(at, option),
        }
        Ok(())
    }

    /// Whether an option that is set goes also to clients that did not ask for it.
    pub fn force(&mut self, code: OptionCode, forced: bool) {
        if let Some(option) = self.options.iter_mut().find(|option| option.code == code) {
            option.forced = forced;
        }
    }

    /// The options, by number.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ConfiguredOption> {
        self.options.iter()
    }

    /// An option's value.
    #[must_use]
    pub fn value(&self, code: OptionCode) -> Option<&[u8]> {
        let at = self.options.binary_search_by_key(&code, |option| option.code).ok()?;
        self.options.get(at).map(|option| &*option.value)
    }

    /// Whether no option is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.options.is_empty()
    }
}

fn label(code: OptionCode) -> String {
    alloc::format!("{code}")
}
