//! Option 119, domain search list (RFC 3397), with the compression of RFC 1035 section 4.1.4.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::fmt;

use bytes::BufMut;

use crate::error::{ValueError, ValueErrorKind};
use crate::limits::{DOMAIN_NAME_BYTES_MAX, DOMAIN_POINTERS_MAX};

/// Option 119: the domains to search, in order. Its instances must be joined before decoding, since pointers count
/// from the start of the joined value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainSearch<'a>(&'a [u8]);

impl<'a> DomainSearch<'a> {
    /// Reads a list of at least one name.
    ///
    /// # Errors
    /// There is no name; one is cut off, longer than 255 bytes, follows more than
    /// [`DOMAIN_POINTERS_MAX`] pointers, or a pointer does not point backwards.
    pub fn decode(value: &'a [u8]) -> Result<Self, ValueError> {
        let mut offset = 0;
        if value.is_empty() {
            return Err(ValueError::new(0, ValueErrorKind::Length(0)));
        }
        while offset < value.len() {
            let name = DomainName { message: value, offset };
            offset = name.end().map_err(|kind| ValueError::new(offset, kind))?;
        }
        Ok(Self(value))
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = DomainName<'a>> + Clone + use<'a> {
        let message = self.0;
        let mut offset = 0;
        core::iter::from_fn(move || {
            let name = DomainName { message, offset };
            offset = name.end().ok()?;
            Some(name)
        })
    }

    /// Writes one name, given with dots, uncompressed.
    ///
    /// # Errors
    /// A label is empty or longer than 63 bytes, or the name is longer than 255 bytes; nothing is written then.
    pub fn encode_name(name: &[u8], out: &mut impl BufMut) -> Result<(), ValueError> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        let labels = name.split(|&octet| octet == b'.');
        let fault = |bytes| Err(ValueError::new(bytes, ValueErrorKind::DomainName));
        // A length octet takes the place of each dot; one more leads, and the root ends the name.
        if name.len().saturating_add(2) > DOMAIN_NAME_BYTES_MAX {
            return fault(name.len());
        }
        if let Some(label) =
            labels.clone().find(|label| !(1..=LABEL_BYTES_MAX).contains(&label.len()))
        {
            return fault(label.len());
        }
        for label in labels {
            out.put_u8(u8::try_from(label.len()).unwrap_or_default());
            out.put_slice(label);
        }
        out.put_u8(0);
        Ok(())
    }
}

const LABEL_BYTES_MAX: usize = 63;

/// A domain name inside option 119.
#[derive(Clone, Copy)]
pub struct DomainName<'a> {
    message: &'a [u8],
    offset: usize,
}

impl<'a> DomainName<'a> {
    /// The labels, most specific first; none for the root.
    pub fn labels(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let mut cursor = Cursor::new(*self);
        core::iter::from_fn(move || cursor.label().ok().flatten()).fuse()
    }

    /// Checks the whole name and finds where what follows it begins.
    fn end(self) -> Result<usize, ValueErrorKind> {
        let mut cursor = Cursor::new(self);
        while cursor.label()?.is_some() {}
        Ok(cursor.end.unwrap_or(cursor.at))
    }
}

impl fmt::Display for DomainName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for label in self.labels() {
            write!(f, "{separator}{}", label.escape_ascii())?;
            separator = ".";
        }
        Ok(())
    }
}

impl fmt::Debug for DomainName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A walk over a name's labels and pointers.
#[derive(Clone)]
struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
    /// Where the name's own bytes end: behind its first pointer, if it has followed one.
    end: Option<usize>,
    pointers: usize,
    name_bytes: usize,
}

impl<'a> Cursor<'a> {
    const fn new(name: DomainName<'a>) -> Self {
        Self { message: name.message, at: name.offset, end: None, pointers: 0, name_bytes: 0 }
    }

    fn label(&mut self) -> Result<Option<&'a [u8]>, ValueErrorKind> {
        loop {
            let rest = self.message.get(self.at..).ok_or(ValueErrorKind::Truncated)?;
            let (&octet, rest) = rest.split_first().ok_or(ValueErrorKind::Truncated)?;
            match octet {
                0 => {
                    self.at = self.at.saturating_add(1);
                    return Ok(None);
                }
                1..=0x3f => {
                    let bytes = usize::from(octet);
                    let label = rest.get(..bytes).ok_or(ValueErrorKind::Truncated)?;
                    let step = bytes.saturating_add(1);
                    self.name_bytes = self.name_bytes.saturating_add(step);
                    if self.name_bytes >= DOMAIN_NAME_BYTES_MAX {
                        return Err(ValueErrorKind::DomainName);
                    }
                    self.at = self.at.saturating_add(step);
                    return Ok(Some(label));
                }
                0xc0.. => self.follow(octet, rest)?,
                0x40..=0xbf => return Err(ValueErrorKind::DomainName),
            }
        }
    }

    fn follow(&mut self, high: u8, rest: &[u8]) -> Result<(), ValueErrorKind> {
        let &low = rest.first().ok_or(ValueErrorKind::Truncated)?;
        let target = usize::from(u16::from_be_bytes([high & 0x3f, low]));
        self.pointers = self.pointers.saturating_add(1);
        if target >= self.at || self.pointers > DOMAIN_POINTERS_MAX {
            return Err(ValueErrorKind::DomainName);
        }
        let behind = self.at.saturating_add(2);
        self.end.get_or_insert(behind);
        self.at = target;
        Ok(())
    }
}
