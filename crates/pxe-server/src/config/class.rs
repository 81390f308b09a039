//! `[[dhcp.class]]`: options for clients of a kind.

use pxe_dhcp::options::OptionSet;

use super::reader::Section;
use super::subnet::read_options;

/// One `[[dhcp.class]]`.
#[derive(Clone, Debug)]
pub struct ClassConfig {
    /// Beginning of option 60.
    pub vendor_class: Option<String>,
    /// One of the classes of option 77.
    pub user_class: Option<String>,
    /// Beginning of the hardware address.
    pub mac: Vec<u8>,
    /// What they are told.
    pub options: OptionSet,
}

pub(super) fn class(section: Section<'_, '_>) -> Option<ClassConfig> {
    let when = section.section("when");
    let vendor_class = when.string("vendor-class").map(|text| text.value);
    let user_class = when.string("user-class").map(|text| text.value);
    let mac = when.string("mac").map(|text| (mac_beginning(&text.value), text));
    if let Some((None, text)) = &mac {
        let problem = format!("expected the beginning of a MAC address, found {:?}", text.value);
        when.fault(text.line, "mac", problem, "mac = \"52:54:00:*\"");
    }
    let mac = mac.map(|(beginning, _)| beginning);
    if vendor_class.is_none() && user_class.is_none() && mac.is_none() {
        let problem = "a class says for which clients it is".to_owned();
        when.fault(
            section.line,
            "vendor-class",
            problem,
            "when = { vendor-class = \"PXEClient\" }",
        );
    }
    when.finish();
    let mut options = OptionSet::new();
    read_options(&section, &mut options);
    section.finish();
    let mac = mac.unwrap_or_else(|| Some(Vec::new()))?;
    Some(ClassConfig { vendor_class, user_class, mac, options })
}

/// `52:54:00:*`: the bytes in front of the star.
fn mac_beginning(text: &str) -> Option<Vec<u8>> {
    let pairs = text.strip_suffix('*').unwrap_or(text).trim_end_matches(':');
    pairs.split(':').map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}
