//! IPv4 subnets in rules.

use core::{net::Ipv4Addr, str::FromStr};

/// An IPv4 subnet, `10.1.0.0/16`; a bare address is itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subnet {
    network: u32,
    prefix_bits: u8,
}

/// Why a text is no subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadSubnet {
    /// No address, or no number after the slash.
    Text,
    /// More than 32 bits of prefix.
    Prefix,
    /// The address has bits outside the prefix; this is the network it lies in.
    HostBits(Ipv4Addr),
}

impl Subnet {
    pub(crate) fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & mask(self.prefix_bits) == self.network
    }

    pub(crate) fn covers(self, other: Self) -> bool {
        self.prefix_bits <= other.prefix_bits && self.contains(Ipv4Addr::from_bits(other.network))
    }
}

impl FromStr for Subnet {
    type Err = BadSubnet;

    fn from_str(text: &str) -> Result<Self, BadSubnet> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let address: Ipv4Addr = address.parse().map_err(|_| BadSubnet::Text)?;
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadSubnet::Text);
        }
        let prefix_bits = prefix.parse::<u8>().ok().filter(|bits| *bits <= 32);
        let prefix_bits = prefix_bits.ok_or(BadSubnet::Prefix)?;
        let network = address.to_bits() & mask(prefix_bits);
        if network != address.to_bits() {
            return Err(BadSubnet::HostBits(Ipv4Addr::from_bits(network)));
        }
        Ok(Self { network, prefix_bits })
    }
}

fn mask(prefix_bits: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(prefix_bits))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containment() {
        let subnet: Subnet = "10.1.0.0/16".parse().unwrap();
        assert!(subnet.contains(Ipv4Addr::new(10, 1, 255, 255)));
        assert!(!subnet.contains(Ipv4Addr::new(10, 2, 0, 0)));
        let all: Subnet = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains(Ipv4Addr::BROADCAST) && all.covers(subnet) && !subnet.covers(all));
        let one: Subnet = "10.1.2.3".parse().unwrap();
        assert!(subnet.covers(one) && one.contains(Ipv4Addr::new(10, 1, 2, 3)));
        assert!(!one.contains(Ipv4Addr::new(10, 1, 2, 4)));
    }

    #[test]
    fn faults() {
        for text in ["", "10.1.0.0/", "10.1/16", "x", "10.1.0.0/-1", "10.1.0.0/+8", "10.1.0.0/8/8"]
        {
            assert_eq!(text.parse::<Subnet>(), Err(BadSubnet::Text), "{text}");
        }
        assert_eq!("10.0.0.0/33".parse::<Subnet>(), Err(BadSubnet::Prefix));
        assert_eq!("10.0.0.0/999".parse::<Subnet>(), Err(BadSubnet::Prefix));
        let network = Ipv4Addr::new(10, 1, 0, 0);
        assert_eq!("10.1.2.3/16".parse::<Subnet>(), Err(BadSubnet::HostBits(network)));
    }
}
