//! MikroTik RouterOS. Reviewed against its documentation only.
//!
//! Source: help.mikrotik.com, "DHCP": "Network" (`next-server`, `boot-file-name`), "DHCP Options" (values: `s'…'` is
//! text, an option is sent when it is asked for), "DHCP Option Sets", "Generic matcher" (RouterOS 7.4 and later;
//! `code`, `value` in hexadecimal, and the `address-pool` the client gets: without one it would be left without
//! address).

use super::{
    Entry,
    baits::KINDS,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "mikrotik",
    summary: "commands for the terminal of MikroTik RouterOS",
    chooses: true,
    write,
};

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "MikroTik RouterOS",
        place: &["a terminal of the router (SSH, or New Terminal in WinBox); takes effect at once"],
        check: &["/ip dhcp-server network print detail"],
        cannot: &[],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.without_option_60();
    if site.network().is_none() {
        page.note(
            "edit",
            &["[find] means every network of the router; /ip dhcp-server network print lists them"],
        );
    }
    if per_arch {
        page.note(
            "edit",
            &["put the names that /ip dhcp-server print shows in the place of SERVER and POOL"],
        );
        page.note("", &["--per-arch needs RouterOS 7.4 or later"]);
        page.note("note", &[
            "option 67 is for UEFI, which reads it first. BIOS and iPXE read the header, where the one",
            "name stays: \"observe\" knows them; \"off\" judges by how they ask, and holds what it cannot tell",
        ]);
    }
    page.blank();
    let (server, bait) = (site.server(), site.bait());
    let which = "/ip dhcp-server network set";
    match site.network() {
        Some((network, bits)) => page.line(format_args!(
            "{which} [find address={network}/{bits}] next-server={server} boot-file-name=\"{bait}\""
        )),
        None => {
            page.line(format_args!(
                "{which} [find] next-server={server} boot-file-name=\"{bait}\""
            ));
        }
    }
    if !per_arch {
        return page;
    }
    for kind in &KINDS {
        let (name, own) = (kind.suffix, kind.bait(site));
        page.comment(format_args!("{}", kind.what));
        page.line(format_args!(
            "/ip dhcp-server option add name=pxe-server-{name} code=67 value=\"s'{own}'\""
        ));
        page.line(format_args!(
            "/ip dhcp-server option sets add name=pxe-server-{name} options=pxe-server-{name}"
        ));
        for arch in kind.archs {
            page.line(format_args!(
                "/ip dhcp-server matcher add name=pxe-server-{arch} server=SERVER address-pool=POOL \
                 code=93 value=0x{arch:04x} option-set=pxe-server-{name}"
            ));
        }
    }
    page
}
