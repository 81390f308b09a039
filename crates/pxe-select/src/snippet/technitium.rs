//! Technitium DNS Server. Reviewed against its issue tracker only.
//!
//! Source: TechnitiumSoftware/DnsServer issue 1719 (the fields of a scope's bootstrap group, and that the server
//! address reaches `siaddr`); issues 757 and 1021 (a boot file by architecture is asked for and not there).

use super::{
    Entry,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "technitium",
    summary: "what to enter in the forms of Technitium DNS Server (one name only)",
    chooses: false,
    write,
};

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "Technitium DNS Server",
        place: &["the form named below, once for each scope; press Save"],
        check: &["the form shows the values again when it is opened anew"],
        cannot: &[
            "Technitium cannot choose by architecture: a scope has one boot file (its issue 1021).",
        ],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.without_option_60();
    page.blank();
    page.line(format_args!("DHCP > Scopes > (the scope) > Edit"));
    page.line(format_args!("  Bootstrap Server Address    {}", site.server()));
    page.line(format_args!("  Bootstrap Server Host Name  (leave empty)"));
    page.line(format_args!("  Boot File Name              {}", site.bait()));
    page
}
