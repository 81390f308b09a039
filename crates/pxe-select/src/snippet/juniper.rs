//! Juniper Junos. Reviewed against its documentation only.
//!
//! Source: juniper.net, "dhcp-attributes (Address-Assignment Pools)": `boot-file` (option 67), `boot-server` (option
//! 66), no statement for `siaddr`, and `option-match` knows option 82 only; "next-server [edit system services dhcp]":
//! fills `siaddr` where the older server is configured; "DHCP Active Server Groups": requests go to every server of
//! the group.

use super::{
    Entry,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "juniper",
    summary: "commands for Juniper Junos (one name only), and the second relay target",
    chooses: false,
    write,
};

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "Junos",
        place: &[
            "configure; put the name of the pool in the place of POOL; then: commit check, commit",
        ],
        check: &["show configuration access address-assignment"],
        cannot: &["Junos cannot choose by architecture: its option-match knows option 82 only."],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.note("note", &[
        "boot-server is option 66. Firmware reads siaddr, for which such a pool has no statement: if a",
        "machine asks the router for the file, leave these lines out and run pxe-server as a proxy",
    ]);
    page.note("note", &["IP phones read option 66 too: give them another pool"]);
    let (server, bait) = (site.server(), site.bait());
    page.blank();
    let pool = "set access address-assignment pool POOL family inet dhcp-attributes";
    page.line(format_args!("{pool} boot-file {bait}"));
    page.line(format_args!("{pool} boot-server {server}"));
    page.blank();
    page.comment(format_args!(
        "The older server (system services dhcp) fills siaddr. Instead of the lines above:"
    ));
    match site.network() {
        Some((network, bits)) => older(&mut page, format_args!("{network}/{bits}"), site),
        None => older(&mut page, format_args!("NETWORK/PREFIX"), site),
    }
    page.blank();
    page.comment(format_args!("Only where Junos relays and another server gives the addresses: a copy for pxe-server. GROUP"));
    page.comment(format_args!(
        "is the active server group that is there; that other server then names the file."
    ));
    page.comment(format_args!("  set forwarding-options dhcp-relay server-group GROUP {server}"));
    page
}

fn older(page: &mut Page, network: core::fmt::Arguments<'_>, site: &Site<'_>) {
    let (server, bait) = (site.server(), site.bait());
    page.comment(format_args!("  set system services dhcp pool {network} next-server {server}"));
    page.comment(format_args!("  set system services dhcp pool {network} boot-file {bait}"));
}
