//! `dhcpd.leases` of ISC dhcpd: a journal of `lease` blocks, in which the last block of an address counts
//! (`dhcpd.leases(5)`).

use super::Found;
use super::fault::{self, ImportFaultKind, quoted};
use crate::hardware::HardwareAddress;
use crate::record::{LeaseRecord, LeaseState};
use crate::time::UnixSeconds;

pub(super) fn read(text: &[u8], found: &mut Found) {
    let mut tokens = Tokens { rest: text, line: 1 };
    while let Some(token) = tokens.next() {
        let line = tokens.line;
        match token {
            Token::Word(b"lease") => {
                let record = lease(&mut tokens);
                found.add(line, record);
            }
            Token::Open => tokens.skip_block(),
            Token::Word(_) | Token::Text(_) | Token::Close | Token::End => {}
        }
    }
}

/// What a block says.
struct Lease {
    starts: Option<UnixSeconds>,
    ends: Option<UnixSeconds>,
    state: LeaseState,
    hardware: HardwareAddress,
    identifier: Option<Box<[u8]>>,
    host_name: Option<Box<[u8]>>,
}

fn lease(tokens: &mut Tokens<'_>) -> Result<LeaseRecord, ImportFaultKind> {
    let shape = |what: &str| ImportFaultKind::Shape(what.to_owned());
    let Some(Token::Word(address)) = tokens.next() else {
        return Err(shape("`lease` is not followed by an address"));
    };
    let address = fault::address(&String::from_utf8_lossy(address));
    if tokens.next() != Some(Token::Open) {
        return Err(shape("the address of a lease is not followed by `{`"));
    }
    let mut lease = Lease {
        starts: None,
        ends: None,
        state: LeaseState::Leased,
        hardware: HardwareAddress::NONE,
        identifier: None,
        host_name: None,
    };
    // The whole block is read, so that a fault in it does not spoil what follows.
    let mut fault = None;
    loop {
        let mut statement = Vec::new();
        let last = loop {
            match tokens.next() {
                None => return Err(shape("the block of a lease has no end")),
                Some(Token::Open) => {
                    tokens.skip_block();
                    statement.clear();
                    break false;
                }
                Some(Token::Close) => break true,
                Some(Token::End) => break false,
                Some(token) if statement.len() < WORDS_MAX => statement.push(token),
                Some(_) => {}
            }
        };
        if let Err(kind) = lease.take(&statement) {
            fault.get_or_insert(kind);
        }
        if last {
            break;
        }
    }
    let address = address?;
    if let Some(kind) = fault {
        return Err(kind);
    }
    let ends = lease.ends.ok_or(ImportFaultKind::Missing("ends"))?;
    Ok(LeaseRecord {
        state: lease.state,
        identifier: lease.identifier,
        host_name: lease.host_name,
        ..LeaseRecord::new(address, lease.hardware, lease.starts.unwrap_or(ends), ends)
    })
}

/// Words of a statement that are looked at.
const WORDS_MAX: usize = 8;

impl Lease {
    /// Takes one statement; those that do not matter are nothing wrong.
    fn take(&mut self, statement: &[Token<'_>]) -> Result<(), ImportFaultKind> {
        let words: Vec<&[u8]> = statement.iter().map(Token::bytes).collect();
        match &words[..] {
            [b"starts", when @ ..] => self.starts = Some(time(when)?),
            [b"ends", when @ ..] => self.ends = Some(time(when)?),
            [b"binding", b"state", state] => {
                self.state = match *state {
                    b"active" => LeaseState::Leased,
                    b"free" | b"released" | b"expired" | b"reset" | b"backup" => {
                        LeaseState::Released
                    }
                    b"abandoned" => LeaseState::Declined,
                    other => {
                        let other = String::from_utf8_lossy(other);
                        return Err(ImportFaultKind::State(quoted(&other)));
                    }
                };
            }
            [b"hardware", kind, address] => {
                let kind = match *kind {
                    b"token-ring" => 6,
                    b"infiniband" => 32,
                    _ => HardwareAddress::ETHERNET,
                };
                let text = String::from_utf8_lossy(address);
                let address = fault::hardware(&text)?;
                self.hardware = HardwareAddress::new(kind, address.as_bytes());
            }
            [b"uid", uid] => {
                self.identifier = match statement.get(1) {
                    Some(Token::Text(escaped)) => fault::host_name(&unescaped(escaped)),
                    _ => fault::identifier(&String::from_utf8_lossy(uid))?,
                };
            }
            [b"client-hostname", name] => self.host_name = fault::host_name(&unescaped(name)),
            _ => {}
        }
        Ok(())
    }
}

/// `never`, `epoch SECONDS`, or `WEEKDAY YYYY/MM/DD HH:MM:SS` in UTC.
fn time(words: &[&[u8]]) -> Result<UnixSeconds, ImportFaultKind> {
    let texts: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
    let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
    let fault = || ImportFaultKind::Time(quoted(&texts.join(" ")));
    match texts[..] {
        ["never"] => Ok(UnixSeconds::NEVER),
        ["epoch", seconds] => fault::seconds(seconds),
        [_, date, time] => civil(date, time).ok_or_else(fault),
        _ => Err(fault()),
    }
}

fn civil(date: &str, time: &str) -> Option<UnixSeconds> {
    let numbers = |text: &str, separator: char| -> Option<[u64; 3]> {
        let parts: Option<Vec<u64>> =
            text.split(separator).map(|part| part.parse::<u16>().ok().map(u64::from)).collect();
        parts?.try_into().ok()
    };
    let [year, month, day] = numbers(date, '/')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits {
        return None;
    }
    let is_leap = |year: u64| {
        let divides = |by: u64| year.checked_rem(by) == Some(0);
        divides(4) && (!divides(100) || divides(400))
    };
    let days_before: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let years: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let months = *days_before.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let leap_day = u64::from(is_leap(year) && month > 2);
    let days =
        years.checked_add(months)?.checked_add(leap_day)?.checked_add(day)?.checked_sub(1)?;
    let hours = days.checked_mul(24)?.checked_add(hour)?;
    let minutes = hours.checked_mul(60)?.checked_add(minute)?;
    minutes.checked_mul(60)?.checked_add(second).map(UnixSeconds)
}

/// Bytes of a text between quotes: a backslash and three octal digits, or a backslash and the byte itself.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let octal = behind.get(..3).and_then(|digits| core::str::from_utf8(digits).ok());
        let octal = octal.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = behind.get(3..).unwrap_or_default();
        } else if let Some((byte, behind)) = behind.split_first() {
            bytes.push(*byte);
            rest = behind;
        }
    }
    bytes
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t [u8]),
    /// What stands between quotes, with its backslashes.
    Text(&'t [u8]),
    Open,
    Close,
    End,
}

impl<'t> Token<'t> {
    fn bytes(&self) -> &'t [u8] {
        match self {
            Self::Word(bytes) | Self::Text(bytes) => bytes,
            Self::Open | Self::Close | Self::End => b"",
        }
    }
}

struct Tokens<'t> {
    rest: &'t [u8],
    line: usize,
}

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            let first = *self.rest.first()?;
            match first {
                b'#' => {
                    self.take_while(|byte| byte != b'\n');
                }
                b'{' | b'}' | b';' => {
                    self.advance(1);
                    return Some(match first {
                        b'{' => Token::Open,
                        b'}' => Token::Close,
                        _ => Token::End,
                    });
                }
                b'"' => {
                    self.advance(1);
                    return Some(Token::Text(self.text()));
                }
                _ if first.is_ascii_whitespace() => self.advance(1),
                _ => {
                    let word = self.take_while(|byte| {
                        !byte.is_ascii_whitespace() && !matches!(byte, b'{' | b'}' | b';' | b'"')
                    });
                    return Some(Token::Word(word));
                }
            }
        }
    }

    /// Skips to the end of a block that has begun.
    fn skip_block(&mut self) {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next() {
                Some(Token::Open) => depth = depth.saturating_add(1),
                Some(Token::Close) => depth = depth.saturating_sub(1),
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Up to the closing quote.
    fn text(&mut self) -> &'t [u8] {
        let mut escaped = false;
        let text = self.take_while(|byte| {
            let goes_on = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            goes_on
        });
        self.advance(1);
        text
    }

    fn take_while(&mut self, mut goes_on: impl FnMut(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|byte| !goes_on(*byte)).unwrap_or(self.rest.len());
        let taken = self.rest.get(..end).unwrap_or_default();
        self.advance(end);
        taken
    }

    fn advance(&mut self, count: usize) {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        let breaks = taken.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(breaks);
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, import};
    use super::*;

    const FILE: &str = r#"# The format of this file is documented in the dhcpd.leases(5) manual page.
authoring-byte-order little-endian;
server-duid "\000\001\000\001{;\"";
failover peer "x" state { my state normal at 4 2023/01/05 10:00:00; }
lease 192.0.2.10 {
  starts 4 2023/01/05 10:00:00;
  ends 4 2023/01/05 11:00:00;
  binding state active;
  next binding state free;
  hardware ethernet 52:54:00:aa:00:01;
  uid "\001RT\000\252\000\001";
  set vendor-class-identifier = "PXEClient";
  client-hostname "node\"1";
}
lease 192.0.2.10 {
  starts epoch 1672916400; # Thu Jan  5 11:00:00 2023
  ends epoch 1672920000;
  binding state active;
  hardware ethernet 52:54:00:aa:00:01;
  uid "\001RT\000\252\000\001";
  client-hostname "node\"1";
  on commit { execute ("x"); { } }
}
lease 192.0.2.11 { ends never; hardware ethernet 52:54:00:aa:00:02; }
lease 192.0.2.12 { ends 4 2024/02/29 12:00:00; binding state abandoned; }
lease 192.0.2.13 { ends 4 2023/13/05 11:00:00; hardware ethernet 52:54:00:aa:00:03; }
lease node { ends never; }
lease 192.0.2.14 { binding state odd; ends never;"#;

    #[test]
    fn a_journal_is_read_to_its_end() {
        let read = import(Format::IscDhcpd, FILE.as_bytes(), UnixSeconds(0));
        let faults: Vec<_> = read.faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "line 26: `4 2023/13/05 11:00:00` is no time that is understood",
                "line 27: `node` is no IPv4 address",
                "line 28: the block of a lease has no end",
            ]
        );
        let [one, forever, abandoned] = &read.records[..] else { panic!("{:?}", read.records) };
        assert_eq!((one.granted.0, one.expires.0), (1_672_916_400, 1_672_920_000));
        assert_eq!(one.identifier.as_deref(), Some(&[1, b'R', b'T', 0, 0o252, 0, 1][..]));
        assert_eq!(one.host_name.as_deref(), Some(&b"node\"1"[..]));
        assert_eq!(one.hardware.to_string(), "52:54:00:aa:00:01");
        assert_eq!((forever.expires, forever.state), (UnixSeconds::NEVER, LeaseState::Leased));
        assert_eq!((abandoned.expires.0, abandoned.state), (1_709_208_000, LeaseState::Declined));
    }

    #[test]
    fn dates_are_counted() {
        let date = |date, time| civil(date, time).map(|it| it.0);
        assert_eq!(date("1970/01/01", "00:00:00"), Some(0));
        assert_eq!(date("2000/03/01", "00:00:00"), Some(951_868_800));
        assert_eq!(date("2023/01/05", "11:00:00"), Some(1_672_916_400));
        assert_eq!(date("2100/03/01", "00:00:00"), Some(4_107_542_400));
        for (day, time) in [("1969/12/31", "00:00:00"), ("2023/01/05", "24:00:00"), ("x", "y")] {
            assert_eq!(date(day, time), None);
        }
    }
}
