//! pfSense. Reviewed against its sources only.
//!
//! Source: pfsense/pfsense `src/usr/local/www/services_dhcp.php`, group "Network Booting": the labels, and its help
//! text "All five filenames and a configured boot server are necessary for UEFI & ARM to work". So all five are
//! filled in, with the same name where one name serves every machine.

use super::{
    Entry,
    baits::KINDS,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "pfsense",
    summary: "what to enter in the forms of pfSense",
    chooses: true,
    write,
};

/// The form's labels, and the suffix of the kind each is for. There is no bait for 32-bit ARM.
const FIELDS: [(&str, Option<&str>); 5] = [
    ("Default BIOS File Name", Some("bios")),
    ("UEFI 32 bit File Name", Some("ia32")),
    ("UEFI 64 bit File Name", Some("uefi")),
    ("ARM 32 bit File Name", None),
    ("ARM 64 bit File Name", Some("aa64")),
];

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "pfSense",
        place: &["the form named below, once for each interface; press Save, then Apply Changes"],
        check: &[
            "Diagnostics > Edit File: kea-dhcp4.conf in /usr/local/etc/kea, or dhcpd.conf in",
            "/var/dhcpd/etc, has the names",
        ],
        cannot: &[],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.without_option_60();
    page.note("note", &["pfSense leaves names out unless all five are filled in"]);
    if per_arch {
        page.note(
            "note",
            &["its default name also goes to machines that do not say what they are; pxe-server"],
        );
        page.note("", &["refuses the BIOS loader to what is plainly UEFI, and logs it"]);
    }
    page.blank();
    page.line(format_args!(
        "Services > DHCP Server > (the interface) > Network Booting > Display Advanced"
    ));
    field(&mut page, "Enable", "checked");
    page.line(format_args!("  {:24}{}", "Next Server", site.server()));
    for (label, suffix) in FIELDS {
        let kind = KINDS.iter().find(|kind| per_arch && Some(kind.suffix) == suffix);
        match kind {
            Some(kind) => field(&mut page, label, &kind.bait(site)),
            None => field(&mut page, label, site.bait()),
        }
    }
    field(&mut page, "UEFI HTTPBoot URL", "(leave empty)");
    page
}

fn field(page: &mut Page, label: &str, value: &str) {
    page.line(format_args!("  {label:24}{value}"));
}
