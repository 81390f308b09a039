//! OPNsense. Reviewed against its documentation and sources only; its usual DHCP server is dnsmasq, whose dialect is
//! tested.
//!
//! Source: docs.opnsense.org, "Dnsmasq DNS & DHCP" (tabs "DHCP options", "DHCP boot", "DHCP tags", and the example
//! "DHCP boot") and "KEA DHCP" (tab "Subnets"). The template `OPNsense/Dnsmasq/dnsmasq.conf` of opnsense/core leaves
//! out an empty server name together with its comma, so that the address would be read as the name: both are filled.
//! It also takes `-` out of tags, so tags have none.

use super::{
    Entry,
    baits::KINDS,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "opnsense",
    summary: "what to enter in the forms of OPNsense (Dnsmasq, or Kea)",
    chooses: true,
    write,
};

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "OPNsense",
        place: &["the forms named below; press Apply at the end"],
        check: &["grep dhcp-boot /usr/local/etc/dnsmasq.conf"],
        cannot: &[],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.without_option_60();
    page.note(
        "note",
        &["fill in Servername as well: without it, OPNsense puts the address into the wrong place"],
    );
    if per_arch {
        page.blank();
        page.line(format_args!("Services > Dnsmasq DNS & DHCP > DHCP tags > Add, once for each"));
        for kind in &KINDS {
            page.line(format_args!("  Tag             pxe{}", kind.suffix));
        }
        for kind in &KINDS {
            for arch in kind.archs {
                page.blank();
                page.line(format_args!(
                    "Services > Dnsmasq DNS & DHCP > DHCP options > Add   ({})",
                    kind.what
                ));
                page.line(format_args!("  Type            Match"));
                page.line(format_args!("  Option          client-arch [93]"));
                page.line(format_args!("  Tag [set]       pxe{}", kind.suffix));
                page.line(format_args!("  Value           {arch}"));
            }
        }
        for kind in &KINDS {
            boot(&mut page, kind.what, &["pxe", kind.suffix], &kind.bait(site), site);
        }
        boot(&mut page, "everything else", &[], site.bait(), site);
        page.blank();
        page.comment(format_args!(
            "With Kea instead of Dnsmasq, OPNsense has one name for each subnet and cannot choose:"
        ));
    } else {
        boot(&mut page, "every machine", &[], site.bait(), site);
        page.blank();
        page.comment(format_args!("With Kea instead of Dnsmasq:"));
    }
    page.line(format_args!("Services > Kea DHCP > Kea DHCPv4 > Subnets > Edit"));
    page.line(format_args!("  Next server         {}", site.server()));
    page.line(format_args!("  TFTP bootfile name  {}", site.bait()));
    page
}

fn boot(page: &mut Page, who: &str, tag: &[&str], file: &str, site: &Site<'_>) {
    page.blank();
    page.line(format_args!("Services > Dnsmasq DNS & DHCP > DHCP boot > Add   ({who})"));
    page.line(format_args!("  Interface       (leave empty, or the interface of these machines)"));
    match tag {
        [] => page.line(format_args!("  Tag             (leave empty)")),
        parts => page.line(format_args!("  Tag             {}", parts.concat())),
    }
    page.line(format_args!("  Filename        {file}"));
    page.line(format_args!("  Servername      {}", site.server()));
    page.line(format_args!("  Server address  {}", site.server()));
}
