//! Values of options from text.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::str::FromStr;

use super::{OptionFaultKind, OptionKind};
use crate::options::{ClasslessRoutes, DomainSearch, Route};

/// Writes a text as a value of this type.
pub(super) fn write(
    kind: OptionKind,
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), OptionFaultKind> {
    let whole = text.trim();
    if whole.is_empty() {
        return Err(OptionFaultKind::Empty(kind));
    }
    let fault = |part: &str| OptionFaultKind::Value { text: shown(part), kind };
    match kind {
        OptionKind::Flag => out.push(u8::from(flag(whole).ok_or_else(|| fault(whole))?)),
        OptionKind::U8 => out.push(number(whole).ok_or_else(|| fault(whole))?),
        OptionKind::U16 => {
            let value: u16 = number(whole).ok_or_else(|| fault(whole))?;
            out.extend_from_slice(&value.to_be_bytes());
        }
        OptionKind::U32 => {
            let value: u32 = number(whole).ok_or_else(|| fault(whole))?;
            out.extend_from_slice(&value.to_be_bytes());
        }
        OptionKind::I32 => {
            let value: i32 = whole.parse().map_err(|_| fault(whole))?;
            out.extend_from_slice(&value.to_be_bytes());
        }
        OptionKind::U16List => {
            for part in parts(whole) {
                let value: u16 = number(part).ok_or_else(|| fault(part))?;
                out.extend_from_slice(&value.to_be_bytes());
            }
        }
        OptionKind::Address => out.extend_from_slice(&address(whole).ok_or_else(|| fault(whole))?),
        OptionKind::AddressList | OptionKind::AddressPairs => {
            for part in parts(whole) {
                out.extend_from_slice(&address(part).ok_or_else(|| fault(part))?);
            }
            if kind == OptionKind::AddressPairs && !out.len().is_multiple_of(8) {
                return Err(fault(whole));
            }
        }
        OptionKind::Text => {
            // Blanks at the ends can be meant.
            if text.chars().any(char::is_control) {
                return Err(fault(text));
            }
            out.extend_from_slice(text.as_bytes());
        }
        OptionKind::DomainSearch => {
            for part in parts(whole) {
                DomainSearch::encode_name(part.as_bytes(), out).map_err(|_| fault(part))?;
            }
        }
        OptionKind::ClasslessRoutes => {
            for part in whole.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                let route = route(part).ok_or_else(|| fault(part))?;
                ClasslessRoutes::encode([route], out).map_err(|_| fault(part))?;
            }
        }
        OptionKind::Hex => hex(whole, out).ok_or_else(|| fault(whole))?,
    }
    if out.is_empty() { Err(OptionFaultKind::Empty(kind)) } else { Ok(()) }
}

/// Items between commas or blanks.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', '\t', '\n']).filter(|part| !part.is_empty())
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn number<N: FromStr + TryFrom<u32>>(text: &str) -> Option<N> {
    match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with(['+', '-']) => {
            N::try_from(u32::from_str_radix(digits, 16).ok()?).ok()
        }
        _ => text.parse().ok(),
    }
}

fn address(text: &str) -> Option<[u8; 4]> {
    text.parse::<Ipv4Addr>().ok().map(|address| address.octets())
}

/// `10.0.0.0/8 via 192.0.2.1`, with or without `via`; `default` stands for `0.0.0.0/0`.
fn route(text: &str) -> Option<Route> {
    let mut words = text.split_whitespace().filter(|word| *word != "via");
    let destination = match words.next()? {
        "default" => "0.0.0.0/0",
        destination => destination,
    };
    let (destination, bits) = destination.split_once('/')?;
    let route = Route {
        destination: destination.parse().ok()?,
        prefix_bits: bits.parse().ok().filter(|bits| *bits <= 32)?,
        router: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(route)
}

/// Digits in pairs, with anything usual or nothing between the pairs.
fn hex(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let separators = [':', '-', ' ', ','];
    for part in text.split(separators) {
        if part.is_empty() || !part.is_ascii() {
            return None;
        }
        // `1:2:a` is as clear as `01:02:0a`.
        if part.len() == 1 {
            out.push(u8::from_str_radix(part, 16).ok()?);
            continue;
        }
        let (pairs, []) = part.as_bytes().as_chunks::<2>() else { return None };
        for pair in pairs {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            out.push(u8::try_from(high?.checked_shl(4)? | low?).ok()?);
        }
    }
    Some(())
}

/// As much of a text as an error shows.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}
