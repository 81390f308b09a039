//! Options that are numbers or addresses: 1, 3, 6, 28, 42, 50, 51, 54, 57, 58, 59, 118, 150, 211.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::net::Ipv4Addr;

use bytes::BufMut;

use crate::error::{ValueError, ValueErrorKind};

/// One octet: 52, 53, 116.
///
/// # Errors
/// The value is not one byte long.
pub fn octet(value: &[u8]) -> Result<u8, ValueError> {
    let [octet] = exactly(value)?;
    Ok(octet)
}

/// A 16-bit number: 13, 26, 57.
///
/// # Errors
/// The value is not two bytes long.
pub fn short(value: &[u8]) -> Result<u16, ValueError> {
    exactly(value).map(u16::from_be_bytes)
}

/// A duration in seconds; `u32::MAX` means for ever: 51, 58, 59, 211.
///
/// # Errors
/// The value is not four bytes long.
pub fn duration_seconds(value: &[u8]) -> Result<u32, ValueError> {
    exactly(value).map(u32::from_be_bytes)
}

/// One address or mask: 1, 28, 50, 54, 118.
///
/// # Errors
/// The value is not four bytes long.
pub fn address(value: &[u8]) -> Result<Ipv4Addr, ValueError> {
    exactly::<4>(value).map(Ipv4Addr::from)
}

/// A list of addresses, most preferred first: 3, 6, 42, 150.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressList<'a>(&'a [[u8; 4]]);

impl<'a> AddressList<'a> {
    /// Reads a list of at least one address.
    ///
    /// # Errors
    /// The length is zero or no multiple of four.
    pub const fn decode(value: &'a [u8]) -> Result<Self, ValueError> {
        match value.as_chunks() {
            (addresses @ [_, ..], []) => Ok(Self(addresses)),
            _ => Err(ValueError::new(0, ValueErrorKind::Length(value.len()))),
        }
    }

    /// As many whole addresses as the bytes hold.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value.as_chunks().0)
    }

    /// The addresses in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Ipv4Addr> + Clone + use<'a> {
        self.0.iter().copied().map(Ipv4Addr::from)
    }

    /// The most preferred address.
    #[must_use]
    pub fn first(&self) -> Option<Ipv4Addr> {
        self.iter().next()
    }

    /// How many addresses there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes addresses as an option value.
    pub fn encode(addresses: impl IntoIterator<Item = Ipv4Addr>, out: &mut impl BufMut) {
        for address in addresses {
            out.put_slice(&address.octets());
        }
    }
}

fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], ValueError> {
    value.try_into().map_err(|_| ValueError::new(0, ValueErrorKind::Length(value.len())))
}
