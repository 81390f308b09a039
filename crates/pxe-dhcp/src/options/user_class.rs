//! Option 77, user class, in the two framings clients use.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use bytes::BufMut;

use crate::error::{ValueError, ValueErrorKind};
use crate::options::text;
use crate::parse;

/// Option 77.
///
/// RFC 3004 makes it a list of counted strings. iPXE and Microsoft's client send one bare string instead. A
/// value whose counts cover it exactly is read as the list, any other as the bare string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserClass<'a> {
    value: &'a [u8],
    framing: UserClassFraming,
}

/// How a value of option 77 is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserClassFraming {
    /// One string without a count.
    Raw,
    /// Counted strings.
    Rfc3004,
}

impl<'a> UserClass<'a> {
    /// Reads a value of any form.
    #[must_use]
    pub fn new(value: &'a [u8]) -> Self {
        let framing = match is_list(value) {
            true => UserClassFraming::Rfc3004,
            false => UserClassFraming::Raw,
        };
        Self { value, framing }
    }

    /// The framing the value was read in.
    #[must_use]
    pub const fn framing(&self) -> UserClassFraming {
        self.framing
    }

    /// The bytes of the option.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.value
    }

    /// The classes: those of the list, or the one bare string.
    #[must_use]
    pub const fn items(&self) -> UserClassItems<'a> {
        UserClassItems { rest: self.value, framing: self.framing }
    }

    /// Whether a class is named, in either framing; a bare string may carry trailing NULs.
    #[must_use]
    pub fn contains(&self, class: &[u8]) -> bool {
        text(self.value) == class || self.items().any(|item| item == class)
    }

    /// Writes classes as a list.
    ///
    /// # Errors
    /// A class is empty or longer than 255 bytes; nothing is written then.
    pub fn encode<'c>(
        classes: impl IntoIterator<Item = &'c [u8], IntoIter: Clone>,
        out: &mut impl BufMut,
    ) -> Result<(), ValueError> {
        let classes = classes.into_iter();
        for class in classes.clone() {
            if class.is_empty() || u8::try_from(class.len()).is_err() {
                return Err(ValueError::new(0, ValueErrorKind::Length(class.len())));
            }
        }
        for class in classes {
            out.put_u8(u8::try_from(class.len()).unwrap_or(u8::MAX));
            out.put_slice(class);
        }
        Ok(())
    }
}

impl core::fmt::Debug for UserClass<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", self.framing)?;
        self.items().try_for_each(|item| write!(f, " \"{}\"", item.escape_ascii()))
    }
}

/// The classes of an option 77; see [`UserClass::items`].
#[derive(Clone, Debug)]
pub struct UserClassItems<'a> {
    rest: &'a [u8],
    framing: UserClassFraming,
}

impl<'a> Iterator for UserClassItems<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        match self.framing {
            UserClassFraming::Raw => Some(core::mem::take(&mut self.rest)),
            UserClassFraming::Rfc3004 => {
                let (class, rest) = parse::counted_value(self.rest)?;
                self.rest = rest;
                Some(class)
            }
        }
    }
}

/// Whether counts of at least one byte each cover a value exactly.
fn is_list(value: &[u8]) -> bool {
    let mut rest = value;
    while !rest.is_empty() {
        match parse::counted_value(rest) {
            Some((class, after)) if !class.is_empty() => rest = after,
            _ => return false,
        }
    }
    !value.is_empty()
}
