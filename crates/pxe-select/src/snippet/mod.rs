//! What to enter at a DHCP server of another make, so that it names this boot server and a bait.
//!
//! A bait is a name that no file has. The boot server answers it with the loader that fits the machine that asks:
//! one name for every machine (`pxe-loader`), or, where the DHCP server can choose by option 93, a name for each
//! architecture (`pxe-loader_uefi`).
//!
//! ```
//! use pxe_select::snippet::{Dialect, Site, snippet};
//!
//! let site = Site::new([192, 0, 2, 5].into()).unwrap();
//! let text = snippet(Dialect::Dnsmasq, &site, false);
//! assert!(text.ends_with("\ndhcp-boot=pxe-loader,,192.0.2.5\n"));
//! ```
//!
//! Firmware reads the boot server from the header field `siaddr` and the name from the header field `file` or from
//! option 67. Options of a DHCP server that only fill option 66 boot nothing, so every dialect uses what fills
//! `siaddr` where the product has it. No dialect sets option 60: a server that answers `PXEClient` there must also
//! answer on port 4011, and UEFI waits for that.

mod baits;
mod cisco_ios;
mod dnsmasq;
mod isc_dhcpd;
mod juniper;
mod kea;
mod mikrotik;
mod openwrt;
mod opnsense;
mod page;
mod pfsense;
mod pihole;
mod site;
mod technitium;
mod unifi;
mod windows;

use alloc::string::{String, ToString as _};
use core::{fmt, str::FromStr};

use thiserror::Error;

use page::Page;
pub use site::{BAIT, Site, SiteFault};

/// What one dialect is: an entry of the table behind [`Dialect`].
struct Entry {
    name: &'static str,
    summary: &'static str,
    /// Whether the product chooses a boot file by the client's architecture.
    chooses: bool,
    write: fn(&Site<'_>, bool) -> Page,
}

/// A DHCP server whose configuration we can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// dnsmasq, on any system.
    Dnsmasq,
    /// ISC dhcpd.
    IscDhcpd,
    /// ISC Kea.
    Kea,
    /// MikroTik RouterOS.
    Mikrotik,
    /// Windows Server, by PowerShell.
    Windows,
    /// OpenWrt.
    Openwrt,
    /// OPNsense.
    Opnsense,
    /// pfSense.
    Pfsense,
    /// UniFi gateways.
    Unifi,
    /// Cisco IOS and IOS XE.
    CiscoIos,
    /// Juniper Junos.
    Juniper,
    /// Technitium DNS Server.
    Technitium,
    /// Pi-hole.
    Pihole,
}

impl Dialect {
    /// All, in the order in which people are told of them.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &[
            Self::Dnsmasq,
            Self::IscDhcpd,
            Self::Kea,
            Self::Mikrotik,
            Self::Windows,
            Self::Openwrt,
            Self::Opnsense,
            Self::Pfsense,
            Self::Unifi,
            Self::CiscoIos,
            Self::Juniper,
            Self::Technitium,
            Self::Pihole,
        ]
    }

    /// The name by which it is asked for, such as `isc-dhcpd`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// One line that says what the snippet is.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        self.entry().summary
    }

    /// Whether this DHCP server can give each architecture a name of its own. Where it cannot, the snippet for each
    /// architecture says so and gives the next best thing.
    #[must_use]
    pub const fn chooses_by_architecture(self) -> bool {
        self.entry().chooses
    }

    const fn entry(self) -> &'static Entry {
        match self {
            Self::Dnsmasq => &dnsmasq::ENTRY,
            Self::IscDhcpd => &isc_dhcpd::ENTRY,
            Self::Kea => &kea::ENTRY,
            Self::Mikrotik => &mikrotik::ENTRY,
            Self::Windows => &windows::ENTRY,
            Self::Openwrt => &openwrt::ENTRY,
            Self::Opnsense => &opnsense::ENTRY,
            Self::Pfsense => &pfsense::ENTRY,
            Self::Unifi => &unifi::ENTRY,
            Self::CiscoIos => &cisco_ios::ENTRY,
            Self::Juniper => &juniper::ENTRY,
            Self::Technitium => &technitium::ENTRY,
            Self::Pihole => &pihole::ENTRY,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none of [`Dialect::all`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("`{name}` is no dialect; known are {}", DialectNames)]
pub struct UnknownDialect {
    /// What was asked for.
    pub name: String,
}

struct DialectNames;

impl fmt::Display for DialectNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, dialect) in Dialect::all().iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{dialect}")?;
        }
        Ok(())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        let found = Self::all().iter().find(|dialect| dialect.name() == name);
        found.copied().ok_or_else(|| UnknownDialect { name: name.to_string() })
    }
}

/// The configuration for a DHCP server: comments that say where to enter it, what it does and how to check it, and
/// the lines themselves. With `per_arch`, a name for each architecture where the product can choose.
#[must_use]
pub fn snippet(dialect: Dialect, site: &Site<'_>, per_arch: bool) -> String {
    (dialect.entry().write)(site, per_arch).into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_dialects() {
        for dialect in Dialect::all() {
            assert_eq!(dialect.name().parse(), Ok(*dialect));
            assert!(!dialect.summary().is_empty());
        }
        let unknown = "dhcpd".parse::<Dialect>().unwrap_err().to_string();
        assert!(
            unknown.starts_with("`dhcpd` is no dialect; known are dnsmasq, isc-dhcpd,"),
            "{unknown}"
        );
    }
}
