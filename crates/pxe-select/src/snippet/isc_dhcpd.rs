//! ISC dhcpd. Tested against the program (`cargo xtask test --only snippets`).
//!
//! Source: dhcpd.conf(5), `next-server` (`siaddr`) and `filename` (the header's `file`); dhcp-options(5), "Defining
//! new options" and dhcp-eval(5), `substring`. Definitions of options stand at the top level.

use super::{
    Entry,
    baits::KINDS,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry =
    Entry { name: "isc-dhcpd", summary: "lines for dhcpd.conf of ISC dhcpd", chooses: true, write };

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "ISC dhcpd",
        place: &[
            "the top level of /etc/dhcp/dhcpd.conf, in place of any other next-server and filename;",
            "then: systemctl restart isc-dhcp-server (dhcpd on other systems than Debian)",
        ],
        check: &["dhcpd -t -cf /etc/dhcp/dhcpd.conf"],
        cannot: &[],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.blank();
    if !per_arch {
        page.line(format_args!("next-server {};", site.server()));
        page.line(format_args!("filename \"{}\";", site.bait()));
        return page;
    }
    page.line(format_args!("option pxe-server-arch code 93 = unsigned integer 16;"));
    page.line(format_args!("next-server {};", site.server()));
    let mut word = "if";
    for kind in &KINDS {
        for arch in kind.archs {
            let [high, low] = arch.to_be_bytes();
            page.line(format_args!(
                "{word} substring(option pxe-server-arch, 0, 2) = {high:02x}:{low:02x} {{  # {}",
                kind.what
            ));
            page.line(format_args!("  filename \"{}\";", kind.bait(site)));
            word = "} elsif";
        }
    }
    page.line(format_args!("}} else {{"));
    page.line(format_args!("  filename \"{}\";", site.bait()));
    page.line(format_args!("}}"));
    page
}
