//! What can be wrong with a configured option.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use alloc::string::String;

use super::OptionKind;
use crate::limits::{CONFIGURED_VALUE_BYTES_MAX, OPTION_VALUE_BYTES_MAX};

/// An option that cannot be configured so: which, and why.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("option `{option}`: {kind}")]
pub struct OptionFault {
    /// The name or number as it was given.
    pub option: String,
    /// What is wrong.
    pub kind: OptionFaultKind,
}

/// Why an option cannot be configured so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionFaultKind {
    /// No option has this name. Empty if nothing is like it.
    #[error("there is no such option; {}", near(.0))]
    UnknownName(
        /// A name that is like it.
        Option<String>,
    ),
    /// The number is not from 1 to 254.
    #[error("an option's number is from 1 to 254")]
    Number,
    /// The server sets the option itself.
    #[error("it cannot be set: {0}")]
    Reserved(&'static str),
    /// The text is not of the option's type.
    #[error("`{text}` is not {}", .kind.expected())]
    Value {
        /// The part of the text that was not understood.
        text: String,
        /// The type.
        kind: OptionKind,
    },
    /// There is no value.
    #[error("it needs a value: {}", .0.expected())]
    Empty(
        /// The type.
        OptionKind,
    ),
    /// The value has a length that clients do not accept.
    #[error("a value of {0} bytes is not accepted by clients")]
    Length(usize),
    /// The value is longer than one option, and clients do not join this one (RFC 3396).
    #[error("the value has {0} bytes, and {OPTION_VALUE_BYTES_MAX} is all that fits")]
    TooLong(usize),
    /// The value is longer than a message has room for.
    #[error("the value has {0} bytes; no more than {CONFIGURED_VALUE_BYTES_MAX} are sent")]
    NoRoom(usize),
}

fn near(name: &Option<String>) -> String {
    match name {
        Some(name) => {
            alloc::format!("did you mean `{name}`? Numbers from 1 to 254 are understood too")
        }
        None => String::from("use its number, from 1 to 254"),
    }
}
