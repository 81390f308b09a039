//! Names of a cpio archive in the `newc` form, read as its bytes arrive.
//!
//! Source: Linux, `usr/gen_init_cpio.c` and `init/initramfs.c`: 6 bytes of magic, 13 numbers of 8 hexadecimal digits,
//! the name with its NUL, the content; name and content end at multiples of 4. `TRAILER!!!` ends an archive, and zeros
//! may follow. One archive may go on from one compressed part to the next.

use super::capability::Found;
use super::segments::Fault;
use crate::limits::{INITRD_NAME_BYTES_MAX, INITRD_NAMES_MAX, INITRD_SCRIPT_BYTES_MAX};

const HEADER_BYTES: usize = 110;
/// The numbers' places in the header.
const SIZE_AT: usize = 54;
const NAME_SIZE_AT: usize = 94;

/// Where in an archive it stands.
enum State {
    /// Before an archive, or behind one: zeros are passed over.
    Between,
    /// In a header, of which this has come.
    Header(Vec<u8>),
    /// In a name, of which this has come: its length with padding, and the content's size.
    Name { name: Vec<u8>, name_size: usize, padded: usize, size: u64 },
    /// In a content: so much is left with padding; what is kept of it.
    Content { left: u64, keep: Option<(String, Vec<u8>)> },
}

/// A walk through archives.
pub(super) struct Walk {
    state: State,
    pub(super) names: usize,
    pub(super) found: Found,
}

impl Default for Walk {
    fn default() -> Self {
        Self { state: State::Between, names: 0, found: Found::default() }
    }
}

impl Walk {
    /// Whether an archive is over, or none has begun.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.state, State::Between)
    }

    /// Takes bytes, and says how many: fewer than there are only where something begins that is no archive.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match core::mem::replace(&mut self.state, State::Between) {
                State::Between => {
                    let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
                    let after = rest.get(zeros..).unwrap_or_default();
                    if after.first().is_some_and(|&first| first != b'0') {
                        return Ok(bytes.len().saturating_sub(after.len()));
                    }
                    if !after.is_empty() {
                        self.state = State::Header(Vec::with_capacity(HEADER_BYTES));
                    }
                    after
                }
                State::Header(mut header) => {
                    let rest = take(rest, HEADER_BYTES, &mut header);
                    self.state = match header.len() {
                        HEADER_BYTES => State::name(&header)?,
                        _ => State::Header(header),
                    };
                    rest
                }
                State::Name { mut name, name_size, padded, size } => {
                    let rest = take(rest, padded, &mut name);
                    if name.len() < padded {
                        self.state = State::Name { name, name_size, padded, size };
                    } else {
                        name.truncate(name_size.saturating_sub(1));
                        self.entry(&name, size)?;
                    }
                    rest
                }
                State::Content { left, mut keep } => {
                    let count = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let (now, after) = rest.split_at(count);
                    if let Some((_, text)) = &mut keep {
                        let room = INITRD_SCRIPT_BYTES_MAX.saturating_sub(text.len());
                        text.extend(now.iter().take(room));
                    }
                    self.content(left.saturating_sub(count as u64), keep);
                    after
                }
            };
        }
        Ok(bytes.len())
    }

    fn entry(&mut self, name: &[u8], size: u64) -> Result<(), Fault> {
        let padded = size.next_multiple_of(4);
        if name == b"TRAILER!!!" {
            self.content(padded, None);
            // Whatever a trailer carries is passed over.
            if padded == 0 {
                self.state = State::Between;
            }
            return Ok(());
        }
        self.names = self.names.saturating_add(1);
        if self.names > INITRD_NAMES_MAX {
            return Err(Fault::TooMuch("files", INITRD_NAMES_MAX as u64));
        }
        let name = String::from_utf8_lossy(name);
        self.found.see(&name);
        let keep = Found::wants(&name).then(|| (name.into_owned(), Vec::new()));
        match padded {
            0 => self.state = State::Header(Vec::with_capacity(HEADER_BYTES)),
            left => self.content(left, keep),
        }
        Ok(())
    }

    /// So much of a content is left.
    fn content(&mut self, left: u64, keep: Option<(String, Vec<u8>)>) {
        if left > 0 {
            self.state = State::Content { left, keep };
            return;
        }
        if let Some((name, text)) = keep {
            self.found.read(&name, &text);
        }
        self.state = State::Header(Vec::with_capacity(HEADER_BYTES));
    }
}

impl State {
    /// Behind a whole header.
    fn name(header: &[u8]) -> Result<Self, Fault> {
        // 070702 has checksums, which Linux does not look at either.
        if !(header.starts_with(b"070701") || header.starts_with(b"070702")) {
            return Err(Fault::Broken("a file of its archive does not begin as one"));
        }
        let number = |at: usize| {
            let digits = header.get(at..at.checked_add(8)?)?;
            u32::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
        };
        let numbers = number(SIZE_AT).zip(number(NAME_SIZE_AT));
        let (size, name_size) = numbers.ok_or(Fault::Broken("a number of its archive is none"))?;
        let name_size = name_size as usize;
        if name_size > INITRD_NAME_BYTES_MAX {
            return Err(Fault::TooMuch("bytes of a name", INITRD_NAME_BYTES_MAX as u64));
        }
        if name_size == 0 {
            return Err(Fault::Broken("a file of its archive has no name"));
        }
        let end = HEADER_BYTES.saturating_add(name_size).next_multiple_of(4);
        let padded = end.saturating_sub(HEADER_BYTES);
        Ok(Self::Name { name: Vec::with_capacity(padded), name_size, padded, size: size.into() })
    }
}

/// Fills up to `wanted` bytes, and returns what is left.
fn take<'b>(bytes: &'b [u8], wanted: usize, into: &mut Vec<u8>) -> &'b [u8] {
    let count = wanted.saturating_sub(into.len()).min(bytes.len());
    let (now, after) = bytes.split_at(count);
    into.extend_from_slice(now);
    after
}
