//! Encapsulated options: spaces of code, length and value inside one option's value.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use bytes::BufMut;

use crate::error::{ValueError, ValueErrorKind};
use crate::limits::OPTION_VALUE_BYTES_MAX;
use crate::parse::{self, PAD, Step};

/// One option inside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubOption<'a> {
    /// Its code within the space.
    pub code: u8,
    /// Its value.
    pub value: &'a [u8],
}

/// The options inside another option, in wire order, repeats kept. A truncated one ends the walk.
#[derive(Clone, Debug)]
pub struct SubOptions<'a> {
    rest: &'a [u8],
    grammar: Grammar,
}

/// What a space knows besides code, length and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// PAD and END, as in a message (options 43 and 175).
    Padded,
    /// Neither (option 82).
    Plain,
}

impl<'a> SubOptions<'a> {
    pub(crate) const fn new(value: &'a [u8], grammar: Grammar) -> Self {
        Self { rest: value, grammar }
    }

    /// The first option with a code.
    pub(crate) fn first(mut self, code: u8) -> Option<&'a [u8]> {
        self.find(|option| option.code == code).map(|option| option.value)
    }

    /// Checks the form of a whole space, and each option's value by the given rule.
    pub(crate) fn check(
        value: &'a [u8],
        grammar: Grammar,
        rule: impl Fn(SubOption<'a>) -> Result<(), ValueErrorKind>,
    ) -> Result<(), ValueError> {
        let mut space = Self::new(value, grammar);
        loop {
            let step = space.step();
            let after = value.len().saturating_sub(space.rest.len());
            match step {
                Step::Option { code, value } => {
                    let offset = after.saturating_sub(value.len());
                    rule(SubOption { code, value })
                        .map_err(|kind| ValueError::new(offset, kind))?;
                }
                Step::Exhausted => return Ok(()),
                Step::Truncated { .. } => {
                    return Err(ValueError::new(after, ValueErrorKind::Truncated));
                }
                Step::End => {
                    return match space.rest.iter().position(|&octet| octet != PAD) {
                        None => Ok(()),
                        Some(junk) => {
                            let offset = after.saturating_add(junk);
                            Err(ValueError::new(offset, ValueErrorKind::AfterEnd))
                        }
                    };
                }
            }
        }
    }

    fn step(&mut self) -> Step<'a> {
        let (rest, step) = match self.grammar {
            Grammar::Padded => parse::step(self.rest),
            Grammar::Plain => parse::plain_step(self.rest),
        };
        self.rest = rest;
        step
    }
}

impl<'a> Iterator for SubOptions<'a> {
    type Item = SubOption<'a>;

    fn next(&mut self) -> Option<SubOption<'a>> {
        match self.step() {
            Step::Option { code, value } => Some(SubOption { code, value }),
            Step::End | Step::Exhausted | Step::Truncated { .. } => {
                self.rest = &[];
                None
            }
        }
    }
}

/// One option's value under construction, on the stack. Remembers that something did not fit, so that a chain of
/// calls needs one check at its end.
#[derive(Clone, Debug)]
pub(crate) struct ValueBuffer {
    bytes: [u8; OPTION_VALUE_BYTES_MAX],
    length: usize,
    fault: Option<ValueErrorKind>,
}

impl ValueBuffer {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; OPTION_VALUE_BYTES_MAX], length: 0, fault: None }
    }

    /// Appends a sub-option whose value comes in pieces.
    pub(crate) fn put<'p>(&mut self, code: u8, pieces: impl Iterator<Item = &'p [u8]> + Clone) {
        let length = pieces.clone().map(<[u8]>::len).fold(0, usize::saturating_add);
        match u8::try_from(length) {
            Ok(octet) => {
                self.append(&[code, octet]);
                pieces.for_each(|piece| self.append(piece));
            }
            Err(_) => self.fail(ValueErrorKind::TooLong),
        }
    }

    /// Appends a sub-option whose value is in one piece.
    pub(crate) fn put_value(&mut self, code: u8, value: &[u8]) {
        self.put(code, core::iter::once(value));
    }

    /// Begins a sub-option whose length is not known yet; `close` settles it.
    pub(crate) fn open(&mut self, code: u8) -> usize {
        self.append(&[code, 0]);
        self.length
    }

    /// Ends the sub-option that `open` began.
    pub(crate) fn close(&mut self, start: usize) {
        let length = self.length.saturating_sub(start);
        let slot = start.checked_sub(1).and_then(|at| self.bytes.get_mut(at));
        match (slot, u8::try_from(length)) {
            (Some(slot), Ok(octet)) => *slot = octet,
            _ => self.fail(ValueErrorKind::TooLong),
        }
    }

    pub(crate) fn append(&mut self, piece: &[u8]) {
        let end = self.length.saturating_add(piece.len());
        match self.bytes.get_mut(self.length..end) {
            Some(slot) => {
                slot.copy_from_slice(piece);
                self.length = end;
            }
            None => self.fail(ValueErrorKind::TooLong),
        }
    }

    pub(crate) fn fail(&mut self, kind: ValueErrorKind) {
        self.fault.get_or_insert(kind);
    }

    /// The finished value.
    pub(crate) fn finish(&self) -> Result<&[u8], ValueError> {
        match self.fault {
            Some(kind) => Err(ValueError::new(self.length, kind)),
            None => Ok(self.bytes.get(..self.length).unwrap_or_default()),
        }
    }

    /// Writes the finished value.
    pub(crate) fn write(&self, out: &mut impl BufMut) -> Result<(), ValueError> {
        self.finish().map(|value| out.put_slice(value))
    }
}
