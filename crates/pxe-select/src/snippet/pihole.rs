//! Pi-hole. Reviewed against its documentation only; underneath it is dnsmasq, whose dialect is tested and whose lines
//! are the same.
//!
//! Source: docs.pi-hole.net, "pihole-FTL configuration", `misc.dnsmasq_lines` (Pi-hole 6: lines for dnsmasq, one
//! array; `pihole-FTL --config` sets the whole of it) and `misc.etc_dnsmasq_d` (off: /etc/dnsmasq.d is not read).

use alloc::{format, string::String, vec::Vec};

use super::{
    Entry, dnsmasq,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "pihole",
    summary: "a command for Pi-hole 6 as DHCP server",
    chooses: true,
    write,
};

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "Pi-hole",
        place: &[
            "a shell on the Pi-hole, as root (in a container: docker exec -it CONTAINER bash); or line by line in",
            "Settings > All settings > Miscellaneous > misc.dnsmasq_lines",
        ],
        check: &["pihole-FTL --config misc.dnsmasq_lines"],
        cannot: &[],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.note("note", &[
        "the command replaces the whole list: keep the lines that the check shows beforehand",
        "Pi-hole 5 has no such setting: put the lines, one each, into /etc/dnsmasq.d/10-pxe-server.conf",
    ]);
    page.blank();
    let lines: Vec<String> =
        dnsmasq::lines(site, per_arch).iter().map(|line| format!("\"{line}\"")).collect();
    page.line(format_args!("pihole-FTL --config misc.dnsmasq_lines '["));
    page.line(format_args!("  {}", lines.join(",\n  ")));
    page.line(format_args!("]'"));
    page
}
