//! Cisco IOS and IOS XE. Reviewed against its documentation only.
//!
//! Source: cisco.com, "IP Addressing: DHCP Configuration Guide", chapter "Configuring the Cisco IOS DHCP Server":
//! `bootfile`, `next-server` (without it the address of `ip helper-address` is named). A DHCP class chooses a range of
//! addresses by relay information, not a boot file. `ip helper-address` may be given more than once.

use super::{
    Entry,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "cisco-ios",
    summary: "commands for Cisco IOS and IOS XE (one name only), and the second helper address",
    chooses: false,
    write,
};

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "Cisco IOS",
        place: &[
            "configure terminal; put the name of the pool (show ip dhcp pool) in the place of POOL",
        ],
        check: &["show running-config | section ip dhcp pool"],
        cannot: &[
            "IOS cannot choose by architecture: a DHCP class picks a range of addresses, not a file.",
        ],
    };
    let mut page = Page::begin("!", &opening, site, per_arch);
    let server = site.server();
    page.blank();
    page.line(format_args!("ip dhcp pool POOL"));
    page.line(format_args!(" next-server {server}"));
    page.line(format_args!(" bootfile {}", site.bait()));
    page.line(format_args!("exit"));
    page.blank();
    page.comment(format_args!("Only where IOS relays and another server gives the addresses: a copy for pxe-server, beside"));
    page.comment(format_args!("the helper address that is there. That other server then names the file, not the pool above."));
    page.comment(format_args!("  interface VLAN-OR-PORT-OF-THE-CLIENTS"));
    page.comment(format_args!("   ip helper-address {server}"));
    page
}
