//! What survives a restart: one line of text for each machine's statement, address and pin.
//!
//! ```text
//! pxe-evidence 1
//! m 525400aa0001 1760000000000 d f 7 505845436c69656e74 - - - - 0a4d0001
//! b 525400aa0001 1760000000000 bios
//! a 10.77.0.104 525400aa0001 1760000000000 c
//! p 10.77.0.104 525400aa0001 1760000000000 x64-uefi - 697078652e656669
//! ```
//!
//! A file is as hostile as a datagram: anybody may have written into it. What cannot be read is counted and left out.

use alloc::{string::String, vec::Vec};
use core::{
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr},
    str::{FromStr, SplitAsciiWhitespace},
};

use thiserror::Error;

use super::{
    item::Source,
    machine::{FORGOTTEN_MS, Machine, Statement},
    owned::{Bytes, Key, OwnedFacts},
    pin::Pin,
    place::{Claim, FRESH_MS, Link, Pinned, Place},
    store::Evidence,
};
use crate::{
    arch::Arch,
    facts::{ClientFacts, IpxeFeatures},
    firmware::Firmware,
    identity,
    limits::{EVIDENCE_LINE_BYTES_MAX, FILE_NAME_BYTES_MAX, NAME_BYTES_MAX},
    names,
    reason::Reasons,
};

const HEAD: &str = "pxe-evidence 1";
/// Architectures of one statement that are written.
const ARCHS_WRITTEN: usize = 4;

/// What came of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Lines taken over.
    pub kept: usize,
    /// Lines too old to be of use.
    pub old: usize,
    /// Lines that could not be read.
    pub broken: usize,
}

/// Why nothing was taken from a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It does not begin with this version's head.
    #[error("it does not begin with `{HEAD}`: not evidence, or that of another version")]
    Head,
}

impl Evidence {
    /// Everything as text, those unheard for longest first.
    #[must_use]
    pub fn export(&self) -> String {
        let mut text = String::from(HEAD);
        text.push('\n');
        for (key, machine) in self.machines.iter() {
            // Writing to a string cannot fail.
            let _ = write_machine(&mut text, key, machine);
        }
        for (address, place) in self.places.iter() {
            let _ = write_place(&mut text, *address, place);
        }
        text
    }

    /// Reads such a text. Times after `now` count as `now`: the clock was set back.
    ///
    /// # Errors
    /// [`ImportError`] when the text is no evidence at all.
    pub fn import(now: u64, text: &[u8]) -> Result<(Self, Imported), ImportError> {
        let mut lines = text.split(|byte| *byte == b'\n');
        if lines.next() != Some(HEAD.as_bytes()) {
            return Err(ImportError::Head);
        }
        let mut evidence = Self::new();
        let mut imported = Imported::default();
        for line in lines.filter(|line| !line.is_empty()) {
            let count = match evidence.read_line(now, line) {
                Some(true) => &mut imported.kept,
                Some(false) => &mut imported.old,
                None => &mut imported.broken,
            };
            *count = count.saturating_add(1);
        }
        Ok((evidence, imported))
    }

    /// Whether a line was young enough; `None` if it is broken.
    fn read_line(&mut self, now: u64, line: &[u8]) -> Option<bool> {
        if line.len() > EVIDENCE_LINE_BYTES_MAX {
            return None;
        }
        let mut fields = Fields(core::str::from_utf8(line).ok()?.split_ascii_whitespace());
        let kind = fields.text()?;
        let read = match kind {
            "m" => self.read_statement(now, &mut fields),
            "b" => self.read_before(now, &mut fields),
            "a" => self.read_claim(now, &mut fields),
            "p" => self.read_pin(now, &mut fields),
            _ => None,
        };
        read.filter(|_| fields.0.next().is_none())
    }

    fn read_statement(&mut self, now: u64, fields: &mut Fields<'_>) -> Option<bool> {
        let key = fields.key()?;
        let at = fields.parsed::<u64>()?.min(now);
        let source = source_of(fields.text()?)?;
        let running = match fields.text()? {
            "f" => false,
            "r" => true,
            _ => return None,
        };
        let (archs, arch_count) = fields.archs()?;
        let [vendor_class, user_class, machine_id] =
            [fields.optional(hex)?, fields.optional(hex)?, fields.optional(hex)?];
        let ipxe = fields.optional(|text| u16::from_str_radix(text, 16).ok())?;
        let relay = fields.optional(|text| text.parse::<Ipv4Addr>().ok())?;
        let link = fields.optional(|text| text.parse::<Ipv4Addr>().ok())?;
        let mut facts = ClientFacts::new(key.get());
        facts.archs = archs.get(..arch_count)?;
        facts.vendor_class = vendor_class.as_deref();
        facts.user_class = user_class.as_deref();
        facts.machine_id = machine_id.as_deref();
        facts.ipxe = ipxe.map(IpxeFeatures::from_bits);
        (facts.relay, facts.link) = (relay, link);
        if now.saturating_sub(at) > FORGOTTEN_MS {
            return Some(false);
        }
        let firmware = identity::identify(&facts, false, &mut Reasons::new()).firmware;
        let statement = Statement { facts: OwnedFacts::new(&facts), firmware, source, at };
        let machine = self.machines.touch(key, Machine::default);
        machine.heard = machine.heard.max(at);
        let slot = if running { &mut machine.running } else { &mut machine.firmware };
        *slot = Some(statement);
        Some(true)
    }

    fn read_before(&mut self, now: u64, fields: &mut Fields<'_>) -> Option<bool> {
        let key = fields.key()?;
        let at = fields.parsed::<u64>()?.min(now);
        let firmware = Firmware::from_name(fields.text()?)?;
        let Some(machine) = self.machines.get_mut(&key) else { return Some(false) };
        machine.before = Some((firmware, at));
        Some(true)
    }

    fn read_claim(&mut self, now: u64, fields: &mut Fields<'_>) -> Option<bool> {
        let address = fields.parsed::<Ipv4Addr>()?;
        let key = fields.key()?;
        let at = fields.parsed::<u64>()?.min(now);
        let link = match fields.text()? {
            "c" => Link::Client,
            "s" => Link::Server,
            _ => return None,
        };
        if now.saturating_sub(at) > FORGOTTEN_MS {
            return Some(false);
        }
        if let Some(machine) = self.machines.get_mut(&key)
            && machine.address.is_none_or(|(_, known)| known <= at)
        {
            machine.address = Some((address, at));
        }
        self.places
            .touch(IpAddr::V4(address), Place::default)
            .claim(Claim::new(key, at, link, None));
        Some(true)
    }

    fn read_pin(&mut self, now: u64, fields: &mut Fields<'_>) -> Option<bool> {
        let address = fields.parsed::<IpAddr>()?;
        let key = fields.optional(parse_key)?;
        let at = fields.parsed::<u64>()?.min(now);
        let firmware = fields.optional(Firmware::from_name)?;
        let directory = fields.optional(hex)?.unwrap_or_default();
        let file = hex(fields.text()?)?;
        let clean = |name: &[u8]| names::normalise(name).is_ok_and(|name| !name.cleaned);
        let slashed = directory.strip_suffix(b"/").is_some_and(clean) || directory.is_empty();
        if file.len() > FILE_NAME_BYTES_MAX || !clean(&file) || !slashed {
            return None;
        }
        if now.saturating_sub(at) > FORGOTTEN_MS {
            return Some(false);
        }
        let pin = Pin::new(file, directory, firmware);
        let place = self.places.touch(address, Place::default);
        place.pinned = Some(Pinned { pin, key, at, delivered: None });
        Some(true)
    }
}

fn write_machine(text: &mut String, key: &Key, machine: &Machine) -> fmt::Result {
    for (statement, kind) in [(&machine.firmware, 'f'), (&machine.running, 'r')] {
        let Some(statement) = statement else { continue };
        let facts = statement.facts.as_facts();
        let source = letter_of(statement.source);
        write!(text, "m {} {} {source} {kind} ", Hex(key.get()), statement.at)?;
        if facts.archs.is_empty() {
            text.push('-');
        }
        for (index, arch) in facts.archs.iter().enumerate() {
            write!(text, "{}{}", if index == 0 { "" } else { "," }, arch.0)?;
        }
        for value in [facts.vendor_class, facts.user_class, facts.machine_id] {
            write!(text, " {}", Optional(value.map(Hex)))?;
        }
        let bits = facts.ipxe.map(IpxeFeatures::to_bits);
        write!(text, " {}", Optional(bits.map(Number)))?;
        writeln!(text, " {} {}", Optional(facts.relay), Optional(facts.link))?;
    }
    match machine.before {
        Some((firmware, at)) => writeln!(text, "b {} {at} {firmware}", Hex(key.get())),
        None => Ok(()),
    }
}

fn write_place(text: &mut String, address: IpAddr, place: &Place) -> fmt::Result {
    // A later line is a younger claim.
    for claim in place.claims.iter().rev().flatten() {
        let link = if claim.link == Link::Server { 's' } else { 'c' };
        // What is of a boot that is over is never fresh again.
        let over = claim.over.is_some_and(|over| claim.at <= over);
        let at = if over { claim.at.saturating_sub(FRESH_MS) } else { claim.at };
        writeln!(text, "a {address} {} {at} {link}", Hex(claim.key.get()))?;
    }
    // A boot that is over needs no pin.
    let Some(pinned) = &place.pinned else { return Ok(()) };
    let Pinned { pin, key, at, delivered } = pinned;
    if delivered.is_some() || !pin.open || pin.directory.len() > NAME_BYTES_MAX / 4 {
        return Ok(());
    }
    let key = Optional(key.as_ref().map(|key| Hex(key.get())));
    let directory = Optional((!pin.directory.is_empty()).then_some(Hex(&pin.directory)));
    let firmware = Optional(pin.firmware);
    writeln!(text, "p {address} {key} {at} {firmware} {directory} {}", Hex(&pin.file))
}

/// The letters that sources are written as.
const SOURCES: [(&str, Source); 5] = [
    ("g", Source::Given),
    ("d", Source::Discover),
    ("r", Source::Request),
    ("m", Source::Message),
    ("c", Source::Relayed),
];

fn source_of(letter: &str) -> Option<Source> {
    SOURCES.iter().find(|(known, _)| *known == letter).map(|(_, source)| *source)
}

fn letter_of(source: Source) -> &'static str {
    SOURCES.iter().find(|(_, known)| *known == source).map_or("m", |(letter, _)| letter)
}

/// The fields of one line.
struct Fields<'t>(SplitAsciiWhitespace<'t>);

impl<'t> Fields<'t> {
    fn text(&mut self) -> Option<&'t str> {
        self.0.next()
    }

    fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    /// `Some(None)` for `-`.
    fn optional<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
        match self.text()? {
            "-" => Some(None),
            "." => read("").map(Some),
            text => read(text).map(Some),
        }
    }

    fn key(&mut self) -> Option<Key> {
        parse_key(self.text()?)
    }

    fn archs(&mut self) -> Option<([Arch; ARCHS_WRITTEN], usize)> {
        let mut archs = [Arch(0); ARCHS_WRITTEN];
        let mut count = 0_usize;
        let text = self.text()?;
        for number in text.split(',').filter(|_| text != "-") {
            *archs.get_mut(count)? = Arch(number.parse().ok()?);
            count = count.saturating_add(1);
        }
        Some((archs, count))
    }
}

fn parse_key(text: &str) -> Option<Key> {
    let bytes = hex(text)?;
    (1..=16).contains(&bytes.len()).then(|| Bytes::new(&bytes))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    pairs.map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Bytes in hexadecimal; none at all are a dot.
struct Hex<'b>(&'b [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

struct Number(u16);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// What is not there is a dash.
struct Optional<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for Optional<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}
