//! `[[dhcp.subnet.reservation]]`: an address for one client, and what it is told beside it.

use core::net::Ipv4Addr;

use pxe_dhcp::options::OptionSet;
use pxe_lease::{HardwareAddress, ReservedFor};

use super::reader::{Located, Section};
use super::subnet::{read_host_name, read_options};

/// An address that is for one client.
#[derive(Clone, Debug)]
pub struct ReservationConfig {
    /// Which.
    pub address: Located<Ipv4Addr>,
    /// For whom.
    pub holder: ReservedFor,
    /// What this client is told, over what its subnet and classes are.
    pub options: OptionSet,
}

pub(super) fn read(section: Section<'_, '_>) -> Option<ReservationConfig> {
    let address = section.parsed("address", "an IPv4 address like 192.0.2.50");
    if address.is_none() && !section.has("address") {
        let problem = "a reservation needs its address".to_owned();
        section.fault(section.line, "address", problem, "address = \"192.0.2.50\"");
    }
    let holder = holder(&section);
    let mut options = OptionSet::new();
    read_host_name(&section, &mut options);
    read_options(&section, &mut options);
    section.finish();
    Some(ReservationConfig { address: address?, holder: holder?, options })
}

fn holder(section: &Section<'_, '_>) -> Option<ReservedFor> {
    let mac = section.string("mac");
    let mac = mac.and_then(|mac| section.understood::<HardwareAddress>("mac", &mac));
    let bytes = |name| section.string(name).and_then(|text| bytes_of(section, name, &text));
    let client_id = bytes("client_id");
    let (circuit_id, remote_id) = (bytes("circuit_id"), bytes("remote_id"));
    let mut holders = Vec::new();
    holders.extend(mac.map(|mac| ReservedFor::Hardware(mac.value)));
    holders.extend(client_id.map(ReservedFor::Identifier));
    if circuit_id.is_some() || remote_id.is_some() {
        holders.push(ReservedFor::Circuit { circuit_id, remote_id });
    }
    let holder = holders.pop().filter(|_| holders.is_empty());
    let is_broken =
        ["mac", "client_id", "circuit_id", "remote_id"].iter().any(|key| section.has(key));
    if holder.is_none() && (!is_broken || !holders.is_empty()) {
        let problem = "a reservation is for exactly one client".to_owned();
        let remedy = "give it one of mac, client_id, or circuit_id with remote_id";
        section.fault(section.line, "mac", problem, remedy);
    }
    holder
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

#[cfg(test)]
mod tests {
    use pxe_dhcp::OptionCode;

    use super::super::Config;
    use super::*;

    fn read(lines: &str) -> Result<ReservationConfig, String> {
        let text = format!(
            "[[dhcp.subnet]]\nnetwork = \"192.0.2.0/24\"\n[[dhcp.subnet.reservation]]\n\
             address = \"192.0.2.50\"\n{lines}"
        );
        let config = Config::parse(&text).map_err(|faults| faults.to_string())?;
        Ok(config.dhcp.addresses.subnets[0].reservations[0].clone())
    }

    #[test]
    fn a_client_is_named_in_one_of_four_ways() {
        let holder = |lines: &str| read(lines).expect("sound").holder;
        let hardware = HardwareAddress::ethernet([0x52, 0x54, 0, 0xaa, 0, 1]);
        assert_eq!(holder("mac = \"52:54:00:aa:00:01\""), ReservedFor::Hardware(hardware));
        assert_eq!(holder("client_id = \"0x0102\""), ReservedFor::Identifier(vec![1, 2]));
        assert_eq!(holder("client_id = \"01:ff\""), ReservedFor::Identifier(vec![1, 0xff]));
        let circuit_id = Some(b"port 7".to_vec());
        let both = ReservedFor::Circuit { circuit_id, remote_id: Some(vec![1, 2]) };
        assert_eq!(holder("circuit_id = \"port 7\"\nremote_id = \"0x0102\""), both);
    }

    #[test]
    fn it_has_options_of_its_own() {
        let lines = "client_id = \"node\"\nhostname = \"node1\"\nalways = [\"mtu\"]\n\
                     options = { 42 = \"192.0.2.3\", mtu = 1400 }";
        let options = read(lines).expect("sound").options;
        assert_eq!(options.value(OptionCode(12)), Some(&b"node1"[..]));
        assert_eq!(options.value(OptionCode(42)), Some(&[192, 0, 2, 3][..]));
        assert!(options.iter().any(|option| option.code.0 == 26 && option.forced));
    }

    #[test]
    fn faults_say_what_is_wrong() {
        for (lines, words) in [
            ("hostname = \"node1\"", "reservation[1].mac: a reservation is for exactly one client"),
            ("client_id = \"a\"\nmac = \"52:54:00:aa:00:01\"", "for exactly one client"),
            ("client_id = \"0x012\"", "client_id: expected bytes like 0x0102"),
            (
                "client_id = \"a\"\noptions = { mtu = \"x\" }",
                "options.mtu: option `mtu`: `x` is not",
            ),
            ("client_id = \"a\"\noptions = { 51 = 1 }", "it follows from the lease time"),
        ] {
            let faults = read(lines).expect_err(lines);
            assert!(faults.contains(words), "{lines}: {faults}");
        }
    }
}
