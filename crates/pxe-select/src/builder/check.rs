//! Single values of a configuration, each checked by itself.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
};

use super::Faults;
use crate::{
    error::{Fault, Place},
    firmware::{Firmware, FirmwareSet},
    glob,
    limits::{FILE_NAME_BYTES_MAX, PATTERN_BYTES_MAX, URL_BYTES_MAX},
    mac, names,
    rule::{CheckedWhen, Gives, LoaderName, Rule, When},
    subnet::{BadSubnet, Subnet},
};

/// `None` when any condition is at fault; a rule must not get wider by losing one.
pub(super) fn check_when(when: &When, place: &Place, faults: &mut Faults) -> Option<CheckedWhen> {
    let before = faults.0.len();
    let mut checked = CheckedWhen::default();
    if let Some(names) = &when.arch {
        let mut set = FirmwareSet::default();
        for name in names {
            match Firmware::from_name(name) {
                Some(firmware) => set.insert(firmware),
                None => faults.add(place, "arch", Fault::UnknownFirmware { name: name.clone() }),
            }
        }
        if names.is_empty() {
            faults.add(place, "arch", Fault::Empty);
        }
        checked.arch = (!set.is_empty()).then_some(set);
    }
    for (key, given, slot) in [
        ("user-class", &when.user_class, &mut checked.user_class),
        ("vendor-class", &when.vendor_class, &mut checked.vendor_class),
    ] {
        if let Some(text) = given {
            *slot = faults.check(place, key, check_pattern(text));
        }
    }
    if let Some(text) = &when.subnet {
        checked.subnet = faults.check(place, "subnet", check_subnet(text));
    }
    if let Some(text) = &when.mac {
        checked.mac = faults.check(place, "mac", check_mac_pattern(text));
    }
    (faults.0.len() == before).then_some(checked)
}

pub(super) fn check_gives(
    rule: &Rule,
    http_base: Option<&str>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Gives> {
    let found = usize::from(rule.file.is_some())
        .saturating_add(usize::from(rule.url.is_some()))
        .saturating_add(usize::from(rule.deny));
    if found != 1 {
        faults.add(place, "file", Fault::NotOneAction { found });
    }
    let file = rule.file.as_deref().and_then(|file| {
        faults.check(place, "file", check_loader(file, http_base)).map(Gives::File)
    });
    let url = rule
        .url
        .as_deref()
        .and_then(|url| faults.check(place, "url", check_url(url)).map(Gives::Url));
    let given = file.or(url).or_else(|| rule.deny.then_some(Gives::Deny));
    given.filter(|_| found == 1)
}

pub(super) fn check_pattern(text: &str) -> Result<String, Fault> {
    match text.len() {
        0 => Err(Fault::Empty),
        1..=PATTERN_BYTES_MAX => Ok(text.to_owned()),
        _ => Err(Fault::PatternTooLong),
    }
}

pub(super) fn check_mac_pattern(text: &str) -> Result<String, Fault> {
    check_pattern(text)?;
    // A whole address may be written in any spelling, as in a host entry.
    if !glob::is_pattern(text)
        && let Some(mac) = mac::parse(text)
    {
        return Ok(String::from_utf8_lossy(mac::MacText::new(&mac).as_bytes()).into_owned());
    }
    mac::normalise_pattern(text).map_err(|bad| match bad {
        mac::BadPattern::Byte(offset) => Fault::BadMacPatternByte { text: text.to_owned(), offset },
        mac::BadPattern::Shape => Fault::BadMacPatternShape { text: text.to_owned() },
    })
}

pub(super) fn check_subnet(text: &str) -> Result<Subnet, Fault> {
    let text_owned = || text.to_owned();
    text.parse().map_err(|bad| match bad {
        BadSubnet::Text => Fault::BadSubnet { text: text_owned() },
        BadSubnet::Prefix => Fault::BadPrefix { text: text_owned() },
        BadSubnet::HostBits(network) => Fault::HostBits { text: text_owned(), network },
    })
}

/// A file name in the form it is requested in, so that what is offered and what is asked for compare equal.
pub(super) fn check_file(file: &str) -> Result<String, Fault> {
    if file.is_empty() {
        return Err(Fault::Empty);
    }
    if file.len() > FILE_NAME_BYTES_MAX {
        return Err(Fault::FileNameTooLong { bytes: file.len() });
    }
    if let Some(offset) = file.bytes().position(|byte| byte.is_ascii_control()) {
        let offset = u16::try_from(offset).unwrap_or(u16::MAX);
        return Err(Fault::BadFileName { fault: names::NameFault::ControlByte { offset } });
    }
    let name = names::normalise(file.as_bytes()).map_err(|fault| Fault::BadFileName { fault })?;
    if name.trimmed.is_some() || file.ends_with(' ') {
        return Err(Fault::FileNameEndsInBlank);
    }
    Ok(String::from_utf8_lossy(&name.bytes).into_owned())
}

pub(super) fn check_loader(file: &str, http_base: Option<&str>) -> Result<LoaderName, Fault> {
    let file = check_file(file)?;
    Ok(LoaderName { url: http_base.and_then(|base| url_of(base, &file)), file })
}

/// Where a file is; `None` if that is too long to be told.
pub(crate) fn url_of(base: &str, file: &str) -> Option<String> {
    let mut url = base.to_owned();
    push_encoded(&mut url, file);
    (url.len() <= URL_BYTES_MAX).then_some(url)
}

/// Percent-encodes what may not stand in the path of a URL (RFC 3986 section 3.3).
fn push_encoded(url: &mut String, file: &str) {
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push('%');
            for digit in [byte >> 4, byte & 0x0f] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                url.push(digit.to_ascii_uppercase());
            }
        }
    }
}

pub(super) fn check_url(url: &str) -> Result<String, Fault> {
    if url.is_empty() {
        return Err(Fault::Empty);
    }
    if url.len() > URL_BYTES_MAX {
        return Err(Fault::UrlTooLong { bytes: url.len() });
    }
    let plausible = url.split_once("://").is_some_and(|(scheme, rest)| {
        let mut letters = scheme.bytes();
        letters.next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !rest.is_empty()
            && !rest.starts_with('/')
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
    });
    if plausible { Ok(url.to_owned()) } else { Err(Fault::BadUrl { text: url.to_string() }) }
}

/// The base address of the root over HTTP, ending in a slash.
pub(super) fn check_http_base(url: &str) -> Result<String, Fault> {
    let mut base = check_url(url)?;
    if !base.starts_with("http://") && !base.starts_with("https://") {
        return Err(Fault::BadUrl { text: base });
    }
    if !base.ends_with('/') {
        base.push('/');
    }
    Ok(base)
}
