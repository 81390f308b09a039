//! OpenWrt. Reviewed against its sources only; underneath it is dnsmasq, whose dialect is tested.
//!
//! Source: openwrt/openwrt `package/network/services/dnsmasq/files/dnsmasq.init`: `dhcp_boot_add` (a `boot` section;
//! one with a `serveraddress` but no `servername` is dropped without a word, so both are set) and `dhcp_match_add`
//! (a `match` section becomes `dhcp-match=set:NETWORKID,MATCH`). `list dhcp_option '66,…'` does not reach `siaddr`
//! (openwrt/packages issue 14660).

use alloc::format;

use super::{
    Entry,
    baits::KINDS,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry =
    Entry { name: "openwrt", summary: "uci commands for OpenWrt", chooses: true, write };

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "OpenWrt",
        place: &["a shell on the router (SSH as root); the last two lines make it take effect"],
        check: &["uci show dhcp | grep pxe_server; grep dhcp-boot /var/etc/dnsmasq.conf.*"],
        cannot: &[],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.blank();
    if per_arch {
        for kind in &KINDS {
            page.comment(format_args!("{}", kind.what));
            for arch in kind.archs {
                let section = format!("dhcp.pxe_server_match_{arch}");
                page.line(format_args!("uci set {section}=match"));
                page.line(format_args!("uci set {section}.networkid='pxe-{}'", kind.suffix));
                page.line(format_args!("uci set {section}.match='option:client-arch,{arch}'"));
            }
            let section = format!("dhcp.pxe_server_{}", kind.suffix);
            page.line(format_args!("uci set {section}=boot"));
            page.line(format_args!("uci set {section}.networkid='pxe-{}'", kind.suffix));
            boot(&mut page, &section, site, &kind.bait(site));
        }
        page.comment(format_args!("everything else"));
    }
    let section = "dhcp.pxe_server";
    page.line(format_args!("uci set {section}=boot"));
    boot(&mut page, section, site, site.bait());
    page.line(format_args!("uci commit dhcp"));
    page.line(format_args!("/etc/init.d/dnsmasq restart"));
    page
}

fn boot(page: &mut Page, section: &str, site: &Site<'_>, file: &str) {
    let server = site.server();
    page.line(format_args!("uci set {section}.filename='{file}'"));
    page.line(format_args!("uci set {section}.servername='{server}'"));
    page.line(format_args!("uci set {section}.serveraddress='{server}'"));
}
