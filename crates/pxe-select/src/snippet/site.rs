//! What a snippet is about: the boot server and the name it answers to.

use core::net::Ipv4Addr;

use thiserror::Error;

use crate::limits::FILE_NAME_BYTES_MAX;

/// The bait that is named where nothing else is configured.
pub const BAIT: &str = "pxe-loader";

/// The longest suffix of an architecture, with its separator.
const SUFFIX_BYTES: usize = "_bios".len();

/// The boot server as another DHCP server has to name it. Checked once, so that a snippet can be put together from
/// it without quoting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site<'a> {
    server: Ipv4Addr,
    bait: &'a str,
    network: Option<(Ipv4Addr, u8)>,
}

/// Why a snippet for this site would not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SiteFault {
    /// Not an address that another machine can send to.
    #[error("{address} is not an address at which other machines reach a server")]
    Server {
        /// The address.
        address: Ipv4Addr,
    },
    /// A bait is one plain file name: letters, digits, `.`, `_` and `-`, a letter or digit first.
    #[error(
        "a bait consists of letters, digits, `.`, `_` and `-`, and begins with a letter or digit"
    )]
    Bait,
    /// With the suffix of an architecture it would not fit the `file` field of a DHCP header.
    #[error("a bait has at most {} bytes, or its suffix does not fit the DHCP header", FILE_NAME_BYTES_MAX - SUFFIX_BYTES)]
    BaitTooLong,
    /// More than 32 bits of prefix.
    #[error("an IPv4 prefix has 0 to 32 bits, not {bits}")]
    Prefix {
        /// The number given.
        bits: u8,
    },
}

impl<'a> Site<'a> {
    /// The boot server with the usual bait.
    ///
    /// # Errors
    /// [`SiteFault::Server`] for an address that no other machine can send to.
    pub const fn new(server: Ipv4Addr) -> Result<Self, SiteFault> {
        let unusable = server.is_unspecified()
            || server.is_loopback()
            || server.is_multicast()
            || server.is_broadcast();
        if unusable {
            return Err(SiteFault::Server { address: server });
        }
        Ok(Self { server, bait: BAIT, network: None })
    }

    /// The same with another bait.
    ///
    /// # Errors
    /// [`SiteFault::Bait`] and [`SiteFault::BaitTooLong`].
    pub fn with_bait(mut self, bait: &'a str) -> Result<Self, SiteFault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let begins_well = bait.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !begins_well || !bait.bytes().all(plain) {
            return Err(SiteFault::Bait);
        }
        if bait.len().saturating_add(SUFFIX_BYTES) > FILE_NAME_BYTES_MAX {
            return Err(SiteFault::BaitTooLong);
        }
        self.bait = bait;
        Ok(self)
    }

    /// The same with the network whose machines are to boot, for products that configure each network by itself.
    /// `address` may be any address in it.
    ///
    /// # Errors
    /// [`SiteFault::Prefix`].
    pub fn with_network(mut self, address: Ipv4Addr, prefix_bits: u8) -> Result<Self, SiteFault> {
        let Some(host_bits) = 32_u32.checked_sub(prefix_bits.into()) else {
            return Err(SiteFault::Prefix { bits: prefix_bits });
        };
        let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
        self.network = Some((Ipv4Addr::from_bits(address.to_bits() & mask), prefix_bits));
        Ok(self)
    }

    /// Where the boot files are.
    #[must_use]
    pub const fn server(&self) -> Ipv4Addr {
        self.server
    }

    /// The name every machine may ask for.
    #[must_use]
    pub const fn bait(&self) -> &'a str {
        self.bait
    }

    /// The network whose machines are to boot and the bits of its prefix, if known.
    #[must_use]
    pub const fn network(&self) -> Option<(Ipv4Addr, u8)> {
        self.network
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);

    #[test]
    fn what_would_break_a_configuration_is_refused() {
        let site = Site::new(SERVER).unwrap();
        for wrong in
            ["", "a b", "a\"b", "a\nb", "-a", ".a", "a/b", "a,b", "a'b", "iventoy_loader_*", "ä"]
        {
            assert_eq!(site.clone().with_bait(wrong), Err(SiteFault::Bait), "{wrong:?}");
        }
        for right in ["pxe-loader", "iventoy_loader_16000", "a.efi", "A1"] {
            assert_eq!(site.clone().with_bait(right).unwrap().bait(), right);
        }
        let longest = "a".repeat(FILE_NAME_BYTES_MAX - SUFFIX_BYTES);
        assert!(site.clone().with_bait(&longest).is_ok());
        let longer = "a".repeat(longest.len() + 1);
        let fault = site.with_bait(&longer).unwrap_err();
        assert_eq!(fault, SiteFault::BaitTooLong);
        assert!(fault.to_string().contains("at most 122 bytes"), "{fault}");
    }

    #[test]
    fn an_address_that_nobody_reaches_is_refused() {
        for address in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255]] {
            let address = Ipv4Addr::from(address);
            assert_eq!(Site::new(address), Err(SiteFault::Server { address }));
        }
    }

    #[test]
    fn a_network_begins_at_its_first_address() {
        for (bits, first) in
            [(24, [192, 0, 2, 0]), (32, [192, 0, 2, 5]), (0, [0, 0, 0, 0]), (8, [192, 0, 0, 0])]
        {
            let site = Site::new(SERVER).unwrap().with_network(SERVER, bits).unwrap();
            assert_eq!(site.network(), Some((first.into(), bits)));
        }
        let fault = Site::new(SERVER).unwrap().with_network(SERVER, 33).unwrap_err();
        assert_eq!(fault, SiteFault::Prefix { bits: 33 });
    }
}
