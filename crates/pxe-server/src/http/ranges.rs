//! Which bytes of a file are asked for: the header `Range` (RFC 9110 section 14.2).
//!
//! Where the RFC leaves a choice we do what nginx does, since that is what boot programs have been tried with: a list
//! that is not well formed is refused, one that asks for more bytes than there are gets the whole file.

use core::ops::Range;

/// Parts of one answer; more of them get the whole file, since the heads of the parts would be most of the answer.
pub const RANGES_MAX: usize = 64;

/// What a request wants of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// All of it.
    Whole,
    /// These bytes, none of them beyond the end and no part empty.
    Parts(Vec<Range<u64>>),
    /// Bytes that it does not have, or something that cannot be understood.
    Unsatisfiable,
}

/// Reads the header's value for a file of `size` bytes.
pub(super) fn parse(value: &[u8], size: u64) -> Wish {
    const UNIT: &[u8] = b"bytes=";
    let Some((unit, list)) = value.split_at_checked(UNIT.len()) else { return Wish::Whole };
    if !unit.eq_ignore_ascii_case(UNIT) || list.is_empty() {
        return Wish::Whole;
    }
    let mut parts = Vec::new();
    let mut bytes = 0_u64;
    for spec in list.split(|byte| *byte == b',') {
        let Some((start, end)) = bounds(spec.trim_ascii(), size) else {
            return Wish::Unsatisfiable;
        };
        if start < end {
            if parts.len() >= RANGES_MAX {
                return Wish::Whole;
            }
            bytes = bytes.saturating_add(end - start);
            parts.push(start..end);
        } else if start == 0 {
            // Nothing of an empty file.
            return Wish::Whole;
        }
    }
    match parts.is_empty() {
        true => Wish::Unsatisfiable,
        false if bytes > size => Wish::Whole,
        false => Wish::Parts(parts),
    }
}

/// `FIRST-LAST`, `FIRST-` or `-LENGTH`, as the first byte and the one behind the last; `None` if it is none of these.
fn bounds(spec: &[u8], size: u64) -> Option<(u64, u64)> {
    let dash = spec.iter().position(|byte| *byte == b'-')?;
    let (first, last) = (spec[..dash].trim_ascii(), spec[dash + 1..].trim_ascii());
    match (first, last) {
        (b"", length) => Some((size.saturating_sub(number(length)?), size)),
        (first, b"") => Some((number(first)?, size)),
        (first, last) => Some((number(first)?, number(last)?.saturating_add(1).min(size))),
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(value: &str) -> Vec<(u64, u64)> {
        match parse(value.as_bytes(), 100) {
            Wish::Parts(parts) => parts.into_iter().map(|part| (part.start, part.end)).collect(),
            other => panic!("{value}: {other:?}"),
        }
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(parts("bytes=0-0"), [(0, 1)]);
        assert_eq!(parts("Bytes=10-"), [(10, 100)]);
        assert_eq!(parts("bytes=-5"), [(95, 100)]);
        assert_eq!(parts("bytes=-500"), [(0, 100)]);
        assert_eq!(parts("bytes=90-1000"), [(90, 100)]);
        assert_eq!(parts("bytes= 0-1 , 5-6,-1"), [(0, 2), (5, 7), (99, 100)]);
        // What lies beyond the end is left out as long as something is left.
        assert_eq!(parts("bytes=0-1,200-300"), [(0, 2)]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_or_gets_everything() {
        for value in [
            "bytes=100-",
            "bytes=5-3",
            "bytes=200-300",
            "bytes=x",
            "bytes=1",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes=1-2,",
            "bytes=99999999999999999999-",
            "bytes=-",
            "bytes=-0",
        ] {
            assert_eq!(parse(value.as_bytes(), 100), Wish::Unsatisfiable, "{value}");
        }
        for value in ["lines=1-2", "", "bytes", "bytes=", "bytes=0-,0-", "bytes=0-99,5-5"] {
            assert_eq!(parse(value.as_bytes(), 100), Wish::Whole, "{value}");
        }
        assert_eq!(parse(b"bytes=0-", 0), Wish::Whole);
        let many = vec!["1-1"; RANGES_MAX + 1].join(",");
        assert_eq!(parse(format!("bytes={many}").as_bytes(), 100), Wish::Whole);
    }
}
