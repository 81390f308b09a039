//! Subnets and ranges of addresses.

use core::{fmt, net::Ipv4Addr, str::FromStr};

use crate::error::Fault;

/// An IPv4 subnet, `192.0.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    network: u32,
    bits: u8,
}

impl Prefix {
    /// The subnet of `bits` that contains `address`; more than 32 bits count as 32.
    #[must_use]
    pub fn containing(address: Ipv4Addr, bits: u8) -> Self {
        let bits = bits.min(32);
        Self { network: address.to_bits() & mask(bits), bits }
    }

    /// The network address.
    #[must_use]
    pub const fn network(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network)
    }

    /// The number of bits that its addresses have in common.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.bits
    }

    /// The subnet mask (option 1).
    #[must_use]
    pub fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(mask(self.bits))
    }

    /// All of its addresses.
    #[must_use]
    pub fn range(self) -> AddressRange {
        AddressRange { first: self.network, last: self.network | !mask(self.bits) }
    }

    /// The addresses a host can have: all but the first and the last, except in a /31 (RFC 3021) and a /32.
    #[must_use]
    pub fn hosts(self) -> AddressRange {
        let AddressRange { first, last } = self.range();
        if self.bits >= 31 {
            return AddressRange { first, last };
        }
        AddressRange { first: first.saturating_add(1), last: last.saturating_sub(1) }
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & mask(self.bits) == self.network
    }
}

fn mask(bits: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(bits))).unwrap_or(0)
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network(), self.bits)
    }
}

/// `192.0.2.0/24`, without bits outside the prefix.
impl FromStr for Prefix {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let bad = || Fault::BadPrefix { text: text.to_owned() };
        let (address, bits) = text.split_once('/').ok_or_else(bad)?;
        let address: Ipv4Addr = address.parse().map_err(|_| bad())?;
        let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits = bits.parse().ok().filter(|bits| digits && *bits <= 32).ok_or_else(bad)?;
        let prefix = Self::containing(address, bits);
        if prefix.network() != address {
            return Err(Fault::HostBits { text: text.to_owned(), network: prefix.network() });
        }
        Ok(prefix)
    }
}

/// Addresses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressRange {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl AddressRange {
    /// `None` if the last is before the first.
    #[must_use]
    pub fn new(first: Ipv4Addr, last: Ipv4Addr) -> Option<Self> {
        (first <= last).then_some(Self { first: first.to_bits(), last: last.to_bits() })
    }

    /// The first address.
    #[must_use]
    pub const fn first(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.first)
    }

    /// The last address.
    #[must_use]
    pub const fn last(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.last)
    }

    /// How many there are.
    pub(crate) fn count(self) -> u64 {
        u64::from(self.last.saturating_sub(self.first)).saturating_add(1)
    }

    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    pub(crate) fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// What is left of it without the others, in order.
    pub(crate) fn without(self, others: &[Self]) -> Vec<Self> {
        let mut rest = vec![self];
        for other in others {
            rest = rest.into_iter().flat_map(|part| part.less(*other)).collect();
        }
        rest
    }

    fn less(self, other: Self) -> impl Iterator<Item = Self> {
        let (before, after) = if self.overlaps(other) {
            let before = (self.first < other.first)
                .then(|| Self { first: self.first, last: other.first.saturating_sub(1) });
            let after = (other.last < self.last)
                .then(|| Self { first: other.last.saturating_add(1), last: self.last });
            (before, after)
        } else {
            (Some(self), None)
        };
        before.into_iter().chain(after)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return write!(f, "{}", self.first());
        }
        write!(f, "{}-{}", self.first(), self.last())
    }
}

/// `192.0.2.100-192.0.2.200`, one address, or all addresses of a subnet.
impl FromStr for AddressRange {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if text.contains('/') {
            return text.parse::<Prefix>().map(Prefix::range);
        }
        let bad = || Fault::BadRange { text: text.to_owned() };
        let address = |part: &str| part.trim().parse::<Ipv4Addr>().map_err(|_| bad());
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self::new(address(first)?, address(last)?)
            .ok_or_else(|| Fault::Reversed { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_written() {
        for (text, written) in [
            ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
            ("192.0.2.1 - 192.0.2.9", "192.0.2.1-192.0.2.9"),
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.0/30", "192.0.2.0-192.0.2.3"),
            ("0.0.0.0/0", "0.0.0.0-255.255.255.255"),
        ] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), written);
        }
        for text in ["", "192.0.2.1-", "a-b", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/+8"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
        let reversed = "192.0.2.9-192.0.2.1".parse::<AddressRange>();
        assert!(matches!(reversed, Err(Fault::Reversed { .. })));
        let stray = "192.0.2.1/24".parse::<Prefix>();
        assert!(
            matches!(stray, Err(Fault::HostBits { network, .. }) if network == Ipv4Addr::new(192, 0, 2, 0))
        );
    }

    #[test]
    fn hosts_leave_network_and_broadcast_out() {
        let hosts = |text: &str| text.parse::<Prefix>().unwrap().hosts().to_string();
        assert_eq!(hosts("192.0.2.0/24"), "192.0.2.1-192.0.2.254");
        assert_eq!(hosts("192.0.2.0/30"), "192.0.2.1-192.0.2.2");
        assert_eq!(hosts("192.0.2.0/31"), "192.0.2.0-192.0.2.1");
        assert_eq!(hosts("192.0.2.9/32"), "192.0.2.9");
    }

    #[test]
    fn what_is_cut_out_is_gone() {
        let range = |text: &str| text.parse::<AddressRange>().unwrap();
        let rest = |cuts: &[&str]| {
            let cuts: Vec<_> = cuts.iter().map(|cut| range(cut)).collect();
            let rest = range("10.0.0.10-10.0.0.20").without(&cuts);
            rest.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(rest(&[]), "10.0.0.10-10.0.0.20");
        assert_eq!(rest(&["10.0.0.12-10.0.0.14"]), "10.0.0.10-10.0.0.11 10.0.0.15-10.0.0.20");
        assert_eq!(rest(&["10.0.0.0/28", "10.0.0.20"]), "10.0.0.16-10.0.0.19");
        assert_eq!(rest(&["10.0.0.0/24"]), "");
        let all = range("0.0.0.0/0");
        assert_eq!(all.without(&[all]), []);
        assert_eq!(all.count(), 1 << 32);
    }
}
