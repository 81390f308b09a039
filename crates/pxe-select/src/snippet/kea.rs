//! ISC Kea. Tested against the program (`cargo xtask test --only snippets`).
//!
//! Source: Kea Administrator Reference Manual, "Next Server (siaddr)" and "Client Classification": `next-server` and
//! `boot-file-name` fill the header, those of a class win over those of a subnet, and those over the global ones.

use alloc::{format, string::String, vec::Vec};

use super::{
    Entry,
    baits::KINDS,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry =
    Entry { name: "kea", summary: "lines for kea-dhcp4.conf of ISC Kea", chooses: true, write };

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "Kea",
        place: &[
            "directly behind \"Dhcp4\": { in /etc/kea/kea-dhcp4.conf, in place of these keys there and in",
            "its subnets; classes that are there already stay in the same list; then:",
            "systemctl restart kea-dhcp4-server (kea-dhcp4 on other systems than Debian)",
        ],
        check: &["kea-dhcp4 -t /etc/kea/kea-dhcp4.conf"],
        cannot: &[],
    };
    let mut page = Page::begin("//", &opening, site, per_arch);
    let server = site.server();
    page.blank();
    page.line(format_args!("\"next-server\": \"{server}\","));
    page.line(format_args!("\"boot-file-name\": \"{}\",", site.bait()));
    if !per_arch {
        return page;
    }
    page.line(format_args!("\"client-classes\": ["));
    for (index, kind) in KINDS.iter().enumerate() {
        let tests: Vec<String> = kind
            .archs
            .iter()
            .map(|arch| format!("substring(option[93].hex, 0, 2) == 0x{arch:04x}"))
            .collect();
        page.line(format_args!("  {{ // {}", kind.what));
        page.line(format_args!("    \"name\": \"pxe-server-{}\",", kind.suffix));
        page.line(format_args!("    \"test\": \"{}\",", tests.join(" or ")));
        page.line(format_args!("    \"next-server\": \"{server}\","));
        page.line(format_args!("    \"boot-file-name\": \"{}\"", kind.bait(site)));
        let more = index.saturating_add(1) < KINDS.len();
        page.line(format_args!("  }}{}", if more { "," } else { "" }));
    }
    page.line(format_args!("],"));
    page
}
