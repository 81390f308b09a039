//! The grammar of the wire, and the only place that knows the parser library.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

use nom::bytes::complete::{tag, take_till};
use nom::character::complete::digit1;
use nom::combinator::{all_consuming, consumed, map_opt};
use nom::number::complete::be_u16;
use nom::sequence::{pair, terminated};
use nom::{IResult, Parser as _};

/// Results without positions: callers know where they are by what is left.
type Parsed<'a, T> = IResult<&'a [u8], T, ()>;

/// A big-endian number of two octets and what follows it.
#[inline]
pub(crate) fn number(input: &[u8]) -> Option<(u16, &[u8])> {
    let parsed: Parsed<'_, u16> = be_u16(input);
    parsed.ok().map(|(rest, value)| (value, rest))
}

/// A text without its NUL, and what follows the NUL.
pub(crate) fn text(input: &[u8]) -> Option<(&[u8], &[u8])> {
    terminated_text(input).ok().map(|(rest, text)| (text, rest))
}

/// The text up to its NUL, or all of it where the NUL is missing.
pub(crate) fn open_text(input: &[u8]) -> &[u8] {
    let parsed: Parsed<'_, &[u8]> = take_till(|byte| byte == 0).parse(input);
    parsed.map_or(input, |(_, text)| text)
}

/// An option's name and value, the octets they stand in, and what follows.
#[derive(Clone, Copy)]
pub(crate) struct OptionPair<'a> {
    pub(crate) octets: &'a [u8],
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) rest: &'a [u8],
}

/// The next option. An empty name ends the list (padding), as does a text without its NUL; an empty value does
/// not (`multicast` of RFC 2090 has one).
pub(crate) fn option(input: &[u8]) -> Option<OptionPair<'_>> {
    let (rest, (octets, (name, value))) =
        consumed(pair(terminated_text, terminated_text)).parse(input).ok()?;
    (!name.is_empty()).then_some(OptionPair { octets, name, value, rest })
}

/// A number in decimal digits and nothing else; none if it does not fit 64 bits.
pub(crate) fn decimal(value: &[u8]) -> Option<u64> {
    let digits = |text: &[u8]| core::str::from_utf8(text).ok()?.parse().ok();
    let parsed: Parsed<'_, u64> = all_consuming(map_opt(digit1, digits)).parse(value);
    parsed.ok().map(|(_, number)| number)
}

fn terminated_text(input: &[u8]) -> Parsed<'_, &[u8]> {
    terminated(take_till(|byte| byte == 0), tag(&b"\0"[..])).parse(input)
}
