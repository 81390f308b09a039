//! UniFi gateways. Reviewed against descriptions of its forms only.
//!
//! Source: docs.linuxserver.io, "netbootxyz", router setup examples (Settings > Networks > the network > DHCP Service
//! Management > Show Options > Network Boot: server and file name); the Terraform provider for UniFi,
//! `dhcpd_boot_server` and `dhcpd_boot_filename` of `unifi_network`: one server and one file for each network.

use super::{
    Entry,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "unifi",
    summary: "what to enter in the forms of UniFi Network (one name only)",
    chooses: false,
    write,
};

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "UniFi Network",
        place: &["the form named below, once for each network; press Apply Changes"],
        check: &["the form shows the values again when it is opened anew"],
        cannot: &[
            "UniFi cannot choose by architecture: its form has one file name for each network.",
        ],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.note(
        "note",
        &["TFTP Server in the same form is option 66, which machines do not boot by: not needed"],
    );
    page.blank();
    page.line(format_args!(
        "Settings > Networks > (the network) > DHCP Service Management > Show Options"
    ));
    page.line(format_args!("  Network Boot           checked"));
    page.line(format_args!("    server (1st field)   {}", site.server()));
    page.line(format_args!("    filename (2nd field) {}", site.bait()));
    page
}
