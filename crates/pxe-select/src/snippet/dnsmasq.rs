//! dnsmasq. Tested against the program (`cargo xtask test --only snippets`).
//!
//! Source: dnsmasq(8), `--dhcp-boot` (file name, server name, server address; the address goes into `siaddr`) and
//! `--dhcp-match` (`option:client-arch` is option 93). A `dhcp-boot` without a tag serves those whom no tag fits.
//! `--dhcp-no-override` keeps the name in the header, where shim looks for it: without it dnsmasq moves it to option
//! 67 as soon as a machine lists that. It may stand there more than once.

use alloc::{borrow::ToOwned as _, format, string::String, vec, vec::Vec};

use super::{
    Entry,
    baits::KINDS,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry =
    Entry { name: "dnsmasq", summary: "lines for dnsmasq.conf", chooses: true, write };

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "dnsmasq",
        place: &[
            "a file of its own, such as /etc/dnsmasq.d/pxe-server.conf, in place of any other",
            "dhcp-boot line; then: systemctl restart dnsmasq",
        ],
        check: &["dnsmasq --test; with log-dhcp, dnsmasq logs the name it gives"],
        cannot: &[],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.blank();
    for line in lines(site, per_arch) {
        page.line(format_args!("{line}"));
    }
    page
}

/// The lines themselves, also for products that are dnsmasq inside.
pub(super) fn lines(site: &Site<'_>, per_arch: bool) -> Vec<String> {
    let server = site.server();
    let mut lines = vec!["dhcp-no-override".to_owned()];
    if per_arch {
        for kind in &KINDS {
            for arch in kind.archs {
                lines.push(format!("dhcp-match=set:pxe-{},option:client-arch,{arch}", kind.suffix));
            }
        }
        for kind in &KINDS {
            lines.push(format!("dhcp-boot=tag:pxe-{},{},,{server}", kind.suffix, kind.bait(site)));
        }
    }
    lines.push(format!("dhcp-boot={},,{server}", site.bait()));
    lines
}
