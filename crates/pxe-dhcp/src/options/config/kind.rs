//! The types of option values, and which option has which.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use crate::code::OptionCode;

/// How an option's value is written in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OptionKind {
    /// True or false, one octet.
    Flag,
    /// 8 bits.
    U8,
    /// 16 bits.
    U16,
    /// 16-bit numbers.
    U16List,
    /// 32 bits; mostly seconds.
    U32,
    /// 32 bits with a sign.
    I32,
    /// One IPv4 address.
    Address,
    /// IPv4 addresses, most preferred first.
    AddressList,
    /// Pairs of IPv4 addresses.
    AddressPairs,
    /// Text, sent as it is and without NUL.
    Text,
    /// Domain names to search (RFC 3397).
    DomainSearch,
    /// Routes with prefixes (RFC 3442).
    ClasslessRoutes,
    /// Bytes in hexadecimal: all options whose type this table does not know.
    Hex,
}

impl OptionKind {
    /// The type of an option (IANA "BOOTP Vendor Extensions and DHCP Options"; 249 and 252 as Microsoft's clients use
    /// them).
    #[must_use]
    pub const fn of(code: OptionCode) -> Self {
        match code.0 {
            2 => Self::I32,
            1 | 16 | 28 | 32 | 118 => Self::Address,
            3..=11 | 41 | 42 | 44 | 45 | 48 | 49 | 65 | 68..=76 | 85 | 138 | 150 => {
                Self::AddressList
            }
            12 | 14 | 15 | 17 | 18 | 40 | 47 | 56 | 60 | 62 | 64 | 66 | 67 | 86 | 87 | 95 | 98
            | 100 | 101 | 113 | 114 | 161 | 209 | 210 | 252 => Self::Text,
            13 | 22 | 26 => Self::U16,
            19 | 20 | 27 | 29 | 30 | 31 | 34 | 36 | 39 => Self::Flag,
            21 | 33 => Self::AddressPairs,
            23 | 37 | 46 | 116 => Self::U8,
            24 | 35 | 38 | 108 | 211 => Self::U32,
            25 => Self::U16List,
            119 => Self::DomainSearch,
            121 | 249 => Self::ClasslessRoutes,
            _ => Self::Hex,
        }
    }

    /// What a text of this type looks like, for messages: follows "it is" or "expected is".
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::U8 => "a number from 0 to 255",
            Self::U16 => "a number from 0 to 65535",
            Self::U16List => "a list of numbers from 0 to 65535, like `576, 1500`",
            Self::U32 => "a number from 0 to 4294967295",
            Self::I32 => "a number from -2147483648 to 2147483647",
            Self::Address => "an IPv4 address like `192.0.2.1`",
            Self::AddressList => "a list of IPv4 addresses like `192.0.2.1, 192.0.2.2`",
            Self::AddressPairs => "a list of pairs of IPv4 addresses like `10.0.0.1 192.0.2.1`",
            Self::Text => "text without control characters",
            Self::DomainSearch => "a list of domain names like `lab.example, example.com`",
            Self::ClasslessRoutes => "a list of routes like `10.0.0.0/8 via 192.0.2.1`",
            Self::Hex => "bytes in hexadecimal like `01:02:0a` or `0x01020a`",
        }
    }
}
