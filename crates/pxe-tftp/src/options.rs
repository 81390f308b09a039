//! Options of requests and OACKs: as they stand on the wire, and as values.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

use core::fmt;
use core::iter::FusedIterator;

use bytes::BufMut;

use crate::limits::{BLOCK_SIZE_MAX, BLOCK_SIZE_MIN};
use crate::parse;

/// Names of options. They are compared without regard to case.
pub mod name {
    /// Block size in bytes (RFC 2348).
    pub const BLKSIZE: &str = "blksize";
    /// Transfer size in bytes (RFC 2349).
    pub const TSIZE: &str = "tsize";
    /// Retransmission timeout in seconds (RFC 2349).
    pub const TIMEOUT: &str = "timeout";
    /// Window size in blocks (RFC 7440).
    pub const WINDOWSIZE: &str = "windowsize";
    /// Multicast transfer (RFC 2090); not supported, so always left unanswered.
    pub const MULTICAST: &str = "multicast";
    /// Windows' variable windows; not supported, so always left unanswered.
    pub const MSFTWINDOW: &str = "msftwindow";
}

/// One option as it stands on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RawOption<'a> {
    /// Name in the sender's spelling, never empty.
    pub name: &'a [u8],
    /// Value, decimal digits in every option this crate knows. May be empty.
    pub value: &'a [u8],
}

impl RawOption<'_> {
    /// Whether the option has this name, without regard to case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

impl fmt::Debug for RawOption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name.escape_ascii(), self.value.escape_ascii())
    }
}

/// A list of options, checked: in wire order, repeats kept, padding and garbage behind it left out.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct OptionsView<'a> {
    /// Whole pairs of texts that end in NUL, no name empty.
    octets: &'a [u8],
}

impl<'a> OptionsView<'a> {
    /// Reads as many options as stand at the start of `octets` (`name NUL value NUL`, repeated). What follows
    /// the last whole one is left out.
    #[must_use]
    pub fn parse(octets: &'a [u8]) -> Self {
        Self::parse_prefix(octets).0
    }

    /// The options at the start, and what stands behind them.
    pub(crate) fn parse_prefix(octets: &'a [u8]) -> (Self, &'a [u8]) {
        let mut rest = octets;
        while let Some(option) = parse::option(rest) {
            rest = option.rest;
        }
        let (options, rest) = octets
            .split_at_checked(octets.len().saturating_sub(rest.len()))
            .unwrap_or((octets, &[]));
        (Self { octets: options }, rest)
    }

    /// The options as they stand on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.octets
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Every option in wire order, repeats included.
    #[must_use]
    pub const fn iter(&self) -> Options<'a> {
        Options { rest: self.octets }
    }

    /// Value of the first option with this name: RFC 2347 allows each once, so a repeat counts for nothing.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|option| option.is(name)).map(|option| option.value)
    }

    /// The values this crate knows.
    #[must_use]
    pub fn values(&self) -> RequestOptions {
        let number = |name| self.first(name).and_then(parse::decimal);
        let clamped = |value: u64, max: u16| u16::try_from(value).unwrap_or(max).min(max);
        RequestOptions {
            block_size: number(name::BLKSIZE)
                .filter(|&size| size >= u64::from(BLOCK_SIZE_MIN))
                .map(|size| clamped(size, BLOCK_SIZE_MAX)),
            transfer_size: number(name::TSIZE),
            timeout_s: number(name::TIMEOUT)
                .and_then(|seconds| u8::try_from(seconds).ok())
                .filter(|&seconds| seconds > 0),
            window_size: number(name::WINDOWSIZE)
                .filter(|&blocks| blocks > 0)
                .map(|blocks| clamped(blocks, u16::MAX)),
        }
    }
}

impl<'a> IntoIterator for OptionsView<'a> {
    type Item = RawOption<'a>;
    type IntoIter = Options<'a>;

    fn into_iter(self) -> Options<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &OptionsView<'a> {
    type Item = RawOption<'a>;
    type IntoIter = Options<'a>;

    fn into_iter(self) -> Options<'a> {
        self.iter()
    }
}

impl fmt::Debug for OptionsView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Iterator over [`OptionsView`].
#[derive(Clone, Debug)]
pub struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = RawOption<'a>;

    fn next(&mut self) -> Option<RawOption<'a>> {
        let option = parse::option(self.rest)?;
        self.rest = option.rest;
        debug_assert!(!option.octets.is_empty());
        Some(RawOption { name: option.name, value: option.value })
    }
}

impl FusedIterator for Options<'_> {}

/// Values of the options this crate knows. One that is absent, is no decimal number or lies outside what its
/// RFC allows is `None`, as if it had not been sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RequestOptions {
    /// `blksize` in bytes, 8 to 65464; larger numbers count as 65464.
    pub block_size: Option<u16>,
    /// `tsize` in bytes; 0 in a read request asks for the size.
    pub transfer_size: Option<u64>,
    /// `timeout` in seconds, 1 to 255.
    pub timeout_s: Option<u8>,
    /// `windowsize` in blocks, at least 1; larger numbers than 65535 count as 65535.
    pub window_size: Option<u16>,
}

/// Appends one option with a number for its value.
///
/// # Panics
/// Like [`BufMut::put_slice`], if `out` cannot hold it.
pub fn put_option(out: &mut impl BufMut, name: &[u8], value: u64) {
    let mut digits = [0; DIGITS_MAX];
    out.put_slice(name);
    out.put_u8(0);
    out.put_slice(decimal(value, &mut digits));
    out.put_u8(0);
}

/// Decimal digits of the largest `u64`.
pub(crate) const DIGITS_MAX: usize = 20;

fn decimal(mut value: u64, digits: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut begin = DIGITS_MAX;
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        // A remainder of ten fits an octet.
        *digit = b'0' | u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        begin = index;
        if value == 0 {
            break;
        }
    }
    digits.get(begin..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits() {
        for value in [0, 9, 10, 65464, u64::MAX] {
            let mut out = Vec::new();
            put_option(&mut out, b"tsize", value);
            assert_eq!(out, format!("tsize\0{value}\0").into_bytes());
        }
    }

    #[test]
    fn empty_value_does_not_end_the_list_and_an_empty_name_does() {
        let options = OptionsView::parse(b"multicast\0\0blksize\x001432\0\0\0tsize\x000\0");
        assert_eq!(options.iter().count(), 2);
        assert_eq!(options.first("multicast"), Some(&b""[..]));
        assert_eq!(options.values().block_size, Some(1432));
        assert_eq!(options.values().transfer_size, None);
    }

    #[test]
    fn first_of_a_repeated_option_counts_even_if_it_is_broken() {
        let values =
            OptionsView::parse(b"BLKSIZE\0x\0blksize\x001432\0tsize\x007\0tsize\x008\0").values();
        assert_eq!(values.block_size, None);
        assert_eq!(values.transfer_size, Some(7));
    }

    #[test]
    fn values_out_of_range() {
        let value = |text: &[u8]| OptionsView::parse(text).values();
        assert_eq!(value(b"blksize\x007\0").block_size, None);
        assert_eq!(value(b"blksize\x008\0").block_size, Some(8));
        assert_eq!(value(b"blksize\x0065465\0").block_size, Some(65464));
        assert_eq!(value(b"blksize\x0099999999999999999999999\0").block_size, None);
        assert_eq!(value(b"blksize\0-1\0").block_size, None);
        assert_eq!(value(b"blksize\0 512\0").block_size, None);
        assert_eq!(value(b"timeout\x000\0").timeout_s, None);
        assert_eq!(value(b"timeout\x00255\0").timeout_s, Some(255));
        assert_eq!(value(b"timeout\x00256\0").timeout_s, None);
        assert_eq!(value(b"windowsize\x000\0").window_size, None);
        assert_eq!(value(b"windowsize\x0070000\0").window_size, Some(65535));
        assert_eq!(value(b"tsize\x0018446744073709551615\0").transfer_size, Some(u64::MAX));
    }

    #[test]
    fn garbage_behind_the_options_is_left_out() {
        let (options, rest) = OptionsView::parse_prefix(b"tsize\x000\0blk");
        assert_eq!(options.as_bytes(), b"tsize\x000\0");
        assert_eq!(rest, b"blk");
    }
}
