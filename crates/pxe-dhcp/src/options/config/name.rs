//! Options by name or number.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use alloc::string::String;

use super::OptionFaultKind;
use crate::code::OptionCode;

/// Names that other servers' configurations have for options, beside those of the registry.
const ALIASES: &[(&str, OptionCode)] = &[
    ("routers", OptionCode::ROUTERS),
    ("gateway", OptionCode::ROUTERS),
    ("dns", OptionCode::DOMAIN_NAME_SERVERS),
    ("dns-server", OptionCode::DOMAIN_NAME_SERVERS),
    ("dns-servers", OptionCode::DOMAIN_NAME_SERVERS),
    ("hostname", OptionCode::HOST_NAME),
    ("domain", OptionCode::DOMAIN_NAME),
    ("ntp", OptionCode::NTP_SERVERS),
    ("ntp-server", OptionCode::NTP_SERVERS),
    ("mtu", OptionCode::INTERFACE_MTU),
    ("search", OptionCode::DOMAIN_SEARCH),
    ("static-routes", OptionCode::STATIC_ROUTES),
    ("routes", OptionCode::CLASSLESS_ROUTES),
    ("rfc3442-classless-static-routes", OptionCode::CLASSLESS_ROUTES),
    ("tcode", OptionCode::TIME_ZONE_NAME),
    ("pcode", OptionCode::TIME_ZONE_POSIX),
    ("bootfile", OptionCode::BOOT_FILE_NAME),
    ("boot-file-name", OptionCode::BOOT_FILE_NAME),
    ("tftp-server", OptionCode::TFTP_SERVER_NAME),
    ("vendor-encapsulated-options", OptionCode::VENDOR_SPECIFIC),
    ("v4-captive-portal", OptionCode::CAPTIVE_PORTAL),
    ("ms-classless-static-routes", OptionCode(249)),
    ("wpad", OptionCode(252)),
];

/// The option that a configuration means: a number, the registry's name in lower case with dashes (`ntp-servers`,
/// a final `s` more or less), or a common one.
pub(super) fn find(text: &str) -> Result<OptionCode, OptionFaultKind> {
    let text = text.trim();
    if text.bytes().all(|octet| octet.is_ascii_digit()) && !text.is_empty() {
        return match text.parse() {
            Ok(number @ 1..=254) => Ok(OptionCode(number)),
            _ => Err(OptionFaultKind::Number),
        };
    }
    let wanted = dashed(text);
    let alias = ALIASES.iter().find(|(name, _)| *name == wanted).map(|(_, code)| *code);
    let singular = |name: &str| String::from(name.strip_suffix('s').unwrap_or(name));
    let by = |is: &dyn Fn(&str) -> bool| named().find(|(_, name)| is(name)).map(|(code, _)| code);
    let found = alias
        .or_else(|| by(&|name| name == wanted))
        .or_else(|| by(&|name| singular(name) == singular(&wanted)));
    found.ok_or_else(|| OptionFaultKind::UnknownName(similar(&wanted)))
}

/// Every option with a name, and the name as configurations have it.
fn named() -> impl Iterator<Item = (OptionCode, String)> {
    (1..=254).map(OptionCode).filter_map(|code| Some((code, dashed(code.name()?))))
}

/// A name that shares most with the wanted one: the longest common part of any known name, of at least half of the
/// wanted one.
fn similar(wanted: &str) -> Option<String> {
    let known = named().map(|(_, name)| name);
    let known = known.chain(ALIASES.iter().map(|(name, _)| String::from(*name)));
    let (shared, name) =
        known.map(|name| (shared_bytes(&name, wanted), name)).max_by(|one, other| {
            // Among equals the shorter name, which has less that was not asked for.
            one.0.cmp(&other.0).then(other.1.len().cmp(&one.1.len()))
        })?;
    (shared >= wanted.len().div_ceil(2).max(2)).then_some(name)
}

/// Bytes of the longest text that both have. Both are short: names of options.
fn shared_bytes(one: &str, other: &str) -> usize {
    let other = other.as_bytes();
    let starts = 0..other.len();
    let parts =
        starts.flat_map(|from| (from..=other.len()).filter_map(move |to| other.get(from..to)));
    let shared = parts.filter(|part| {
        !part.is_empty() && one.as_bytes().windows(part.len()).any(|window| window == *part)
    });
    shared.map(<[u8]>::len).max().unwrap_or_default()
}

/// `NTP Servers` as `ntp-servers`.
fn dashed(name: &str) -> String {
    let mut dashed = String::new();
    for letter in name.chars().take(NAME_CHARS_MAX) {
        if letter.is_ascii_alphanumeric() {
            dashed.push(letter.to_ascii_lowercase());
        } else if letter == '+' {
            // `NIS+ Domain` is not `NIS Domain`.
            dashed.push_str("-plus");
        } else if !dashed.ends_with('-') && !dashed.is_empty() {
            dashed.push('-');
        }
    }
    String::from(dashed.trim_end_matches('-'))
}

/// Characters of a name that are looked at: more than any option's name has.
const NAME_CHARS_MAX: usize = 64;

/// Why a configuration may not set an option, if it may not.
pub(super) const fn reserved(code: OptionCode) -> Option<&'static str> {
    Some(match code {
        OptionCode::SUBNET_MASK => "it follows from the subnet",
        OptionCode::LEASE_TIME | OptionCode::RENEWAL_TIME | OptionCode::REBINDING_TIME => {
            "it follows from the lease time"
        }
        OptionCode::VENDOR_CLASS => {
            "it goes with the boot file, and alone it makes UEFI firmware fail"
        }
        OptionCode::RELAY_AGENT_INFORMATION
        | OptionCode::CLIENT_IDENTIFIER
        | OptionCode::MACHINE_ID => "it is repeated as the client or its relay sent it",
        OptionCode::OVERLOAD
        | OptionCode::REQUESTED_ADDRESS
        | OptionCode::MESSAGE_TYPE
        | OptionCode::SERVER_IDENTIFIER
        | OptionCode::PARAMETER_REQUEST_LIST
        | OptionCode::MESSAGE
        | OptionCode::MAX_MESSAGE_SIZE
        | OptionCode::RAPID_COMMIT
        | OptionCode::AUTHENTICATION
        | OptionCode::SUBNET_SELECTION => "it belongs to the exchange of messages itself",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_number_registry_name_and_usual_name() {
        for (text, code) in [
            ("42", 42),
            ("NTP Servers", 42),
            ("ntp-servers", 42),
            ("ntp_server", 42),
            ("ntp", 42),
            ("router", 3),
            ("routers", 3),
            ("domain-name-servers", 6),
            ("domain-name", 15),
            ("interface-mtu", 26),
            ("mtu", 26),
            ("classless-static-route", 121),
            ("domain-search", 119),
            ("tftp-server-name", 66),
            ("bootfile-name", 67),
            ("wpad", 252),
            ("254", 254),
        ] {
            assert_eq!(find(text), Ok(OptionCode(code)), "{text}");
        }
        assert_eq!(find("0"), Err(OptionFaultKind::Number));
        assert_eq!(find("255"), Err(OptionFaultKind::Number));
        assert_eq!(find("70000"), Err(OptionFaultKind::Number));
    }

    #[test]
    fn no_name_stands_for_two_options() {
        let names: alloc::vec::Vec<_> = named().collect();
        for (code, name) in &names {
            assert_eq!(find(name).as_ref(), Ok(code), "{name}");
        }
        assert!(names.len() > 130, "{}", names.len());
        for (name, code) in ALIASES {
            assert_eq!(find(name), Ok(*code), "{name}");
        }
    }

    #[test]
    fn a_wrong_name_is_told_the_right_one() {
        let near = |text| match find(text) {
            Err(OptionFaultKind::UnknownName(name)) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(near("ntp-serwers").as_deref(), Some("ntp-server"));
        assert_eq!(near("interface-mtux").as_deref(), Some("interface-mtu"));
        assert_eq!(near("zzz"), None);
        assert_eq!(near(""), None);
        let long = "x".repeat(100_000);
        assert_eq!(near(&long), None);
    }
}
