//! `[[dhcp.subnet.reservation]]`: addresses that are for one client.

use pxe_lease::{HardwareAddress, ReservedFor};

use super::reader::{Located, Section};

/// An address that is for one client.
#[derive(Clone, Debug)]
pub struct ReservationConfig {
    /// Which.
    pub address: Located<core::net::Ipv4Addr>,
    /// For whom.
    pub holder: ReservedFor,
}

pub(super) fn reservation(section: Section<'_, '_>) -> Option<ReservationConfig> {
    let address = section.parsed("address", "an IPv4 address like 192.0.2.50");
    let mac = section.string("mac");
    let mac = mac.and_then(|mac| section.understood::<HardwareAddress>("mac", &mac));
    let bytes = |name| section.string(name).and_then(|text| bytes_of(&section, name, &text));
    let client_id = bytes("client_id");
    let (circuit_id, remote_id) = (bytes("circuit_id"), bytes("remote_id"));
    let mut holders = Vec::new();
    holders.extend(mac.map(|mac| ReservedFor::Hardware(mac.value)));
    holders.extend(client_id.map(ReservedFor::Identifier));
    if circuit_id.is_some() || remote_id.is_some() {
        holders.push(ReservedFor::Circuit { circuit_id, remote_id });
    }
    if address.is_none() && !section.has("address") {
        let problem = "a reservation needs its address".to_owned();
        section.fault(section.line, "address", problem, "address = \"192.0.2.50\"");
    }
    let holder = holders.pop().filter(|_| holders.is_empty());
    let is_broken =
        ["mac", "client_id", "circuit_id", "remote_id"].iter().any(|key| section.has(key));
    if holder.is_none() && (!is_broken || !holders.is_empty()) {
        let problem = "a reservation is for exactly one client".to_owned();
        let remedy = "give it one of mac, client_id, or circuit_id with remote_id";
        section.fault(section.line, "mac", problem, remedy);
    }
    section.finish();
    Some(ReservationConfig { address: address?, holder: holder? })
}

/// Bytes in hexadecimal between colons or behind `0x`; anything else is a text.
fn bytes_of(
    section: &Section<'_, '_>,
    name: &'static str,
    text: &Located<String>,
) -> Option<Vec<u8>> {
    let value = &*text.value;
    let digits = match value.strip_prefix("0x") {
        Some(digits) => digits.to_owned(),
        None if is_pairs(value) => value.replace(':', ""),
        None => return Some(value.as_bytes().to_vec()),
    };
    let pairs = (0..digits.len()).step_by(2).map(|at| digits.get(at..at + 2));
    let bytes: Option<Vec<u8>> = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
    if bytes.is_none() {
        let problem = format!("expected bytes like 0x0102 or 01:02, or a text, found {value:?}");
        section.fault(text.line, name, problem, "");
    }
    bytes
}

fn is_pairs(text: &str) -> bool {
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|it| it.is_ascii_hexdigit());
    text.contains(':') && text.split(':').all(is_pair)
}
