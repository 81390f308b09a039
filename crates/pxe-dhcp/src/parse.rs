//! The grammar of the wire, and the only place that knows the parser library.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use nom::bytes::complete::{tag, take};
use nom::multi::length_data;
use nom::number::complete::be_u8;
use nom::{IResult, Parser as _};

use crate::limits::{HEADER_BYTES, MAGIC_COOKIE};

/// Results without positions: callers know where they are by what is left.
type Parsed<'a, T> = IResult<&'a [u8], T, ()>;

/// PAD, one octet without length.
pub(crate) const PAD: u8 = 0;
/// END, one octet without length.
pub(crate) const END: u8 = 255;

/// The fixed header and what follows it; none if the datagram is shorter than the header.
pub(crate) fn header(datagram: &[u8]) -> Option<(&[u8; HEADER_BYTES], &[u8])> {
    let parsed: Parsed<'_, &[u8]> = take(HEADER_BYTES).parse(datagram);
    let (rest, header) = parsed.ok()?;
    Some((header.try_into().ok()?, rest))
}

/// What follows the magic cookie; none if the vendor area does not begin with it.
pub(crate) fn after_cookie(vendor: &[u8]) -> Option<&[u8]> {
    let parsed: Parsed<'_, &[u8]> = tag(&MAGIC_COOKIE[..]).parse(vendor);
    parsed.ok().map(|(rest, _)| rest)
}

/// One step through an area of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// An option.
    Option { code: u8, value: &'a [u8] },
    /// The END octet.
    End,
    /// The area's bytes are used up, without END.
    Exhausted,
    /// The code or length octet is there, but not all of its value.
    Truncated { code: u8 },
}

/// Skips padding and takes the next option. What is left is returned with it: after `Truncated` that is the
/// faulty option itself, after `End` the bytes behind END.
///
/// This is the loop that reading a message spends its time in. Written with the slice's own methods it takes a
/// quarter less than with the library's combinators, whose errors carry more than is wanted here.
#[inline]
pub(crate) fn step(mut area: &[u8]) -> (&[u8], Step<'_>) {
    while let Some((&code, rest)) = area.split_first() {
        match code {
            PAD => area = rest,
            END => return (rest, Step::End),
            _ => {
                let counted = rest
                    .split_first()
                    .and_then(|(&length, rest)| rest.split_at_checked(usize::from(length)));
                return match counted {
                    Some((value, rest)) => (rest, Step::Option { code, value }),
                    None => (area, Step::Truncated { code }),
                };
            }
        }
    }
    (area, Step::Exhausted)
}

/// Takes the next sub-option of a space that has neither PAD nor END (option 82).
#[inline]
pub(crate) fn plain_step(area: &[u8]) -> (&[u8], Step<'_>) {
    let Ok((rest, code)) = octet(area) else {
        return (area, Step::Exhausted);
    };
    match counted(rest) {
        Ok((rest, value)) => (rest, Step::Option { code, value }),
        Err(_) => (area, Step::Truncated { code }),
    }
}

/// A length octet and that many bytes.
#[inline]
pub(crate) fn counted_value(input: &[u8]) -> Option<(&[u8], &[u8])> {
    counted(input).ok().map(|(rest, value)| (value, rest))
}

#[inline]
fn octet(input: &[u8]) -> Parsed<'_, u8> {
    be_u8(input)
}

#[inline]
fn counted(input: &[u8]) -> Parsed<'_, &[u8]> {
    length_data(be_u8).parse(input)
}
