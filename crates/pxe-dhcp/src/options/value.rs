//! An option's value in the type its code prescribes.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::fmt;
use core::net::Ipv4Addr;

use crate::code::OptionCode;
use crate::error::{ValueError, ValueErrorKind};
use crate::header::MessageType;
use crate::options::{
    AddressList, ArchList, BsdpOptions, ClasslessRoutes, ClientIdentifier, DomainSearch,
    IpxeOptions, MachineId, NetworkInterface, ParameterRequestList, PxeOptions,
    RelayAgentInformation, UserClass, VendorClass, VendorSpace, VendorSpecific, address,
    duration_seconds, octet, short, text,
};

/// An option's value in the type its code prescribes, for programs that show or compare any option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionValue<'a> {
    /// One octet: 52, 116.
    Octet(u8),
    /// 16 bits: 13, 26, 57.
    Short(u16),
    /// Seconds: 51, 58, 59, 211.
    Seconds(u32),
    /// One address or mask: 1, 28, 50, 54, 118.
    Address(Ipv4Addr),
    /// Addresses: 3 to 11, 41, 42, 44, 45, 48, 49, 65, 69 to 76, 150.
    Addresses(AddressList<'a>),
    /// Strings, less trailing NULs: 12, 14, 15, 17, 18, 40, 47, 56, 64, 66, 67, 100, 101, 114, 209, 210.
    Text(&'a [u8]),
    /// 53.
    MessageType(MessageType),
    /// 55.
    ParameterRequestList(ParameterRequestList<'a>),
    /// 60.
    VendorClass(VendorClass<'a>),
    /// 61.
    ClientIdentifier(ClientIdentifier<'a>),
    /// 77.
    UserClass(UserClass<'a>),
    /// 82.
    RelayAgentInformation(RelayAgentInformation<'a>),
    /// 93.
    Archs(ArchList<'a>),
    /// 94.
    NetworkInterface(NetworkInterface),
    /// 97.
    MachineId(MachineId<'a>),
    /// 119.
    DomainSearch(DomainSearch<'a>),
    /// 121.
    ClasslessRoutes(ClasslessRoutes<'a>),
    /// 43 of a PXE message.
    Pxe(PxeOptions<'a>),
    /// 43 of an Apple BSDP message.
    Bsdp(BsdpOptions<'a>),
    /// 175.
    Ipxe(IpxeOptions<'a>),
    /// Any other option, 43 of other vendors, and 208.
    Bytes(&'a [u8]),
}

impl<'a> OptionValue<'a> {
    /// Reads an option's joined value. Option 60 of the same message selects the space of option 43.
    ///
    /// # Errors
    /// The value does not have the form the option prescribes.
    pub fn decode(
        code: OptionCode,
        value: &'a [u8],
        space: VendorSpace,
    ) -> Result<Self, ValueError> {
        if !code.length_rule().allows(value.len()) {
            return Err(ValueError::new(0, ValueErrorKind::Length(value.len())));
        }
        Ok(match code.0 {
            52 | 116 => Self::Octet(octet(value)?),
            13 | 26 | 57 => Self::Short(short(value)?),
            51 | 58 | 59 | 211 => Self::Seconds(duration_seconds(value)?),
            1 | 28 | 50 | 54 | 118 => Self::Address(address(value)?),
            3..=11 | 41 | 42 | 44 | 45 | 48 | 49 | 65 | 69..=76 | 150 => {
                Self::Addresses(AddressList::decode(value)?)
            }
            12 | 14 | 15 | 17 | 18 | 40 | 47 | 56 | 64 | 66 | 67 | 100 | 101 | 114 | 209 | 210 => {
                Self::Text(text(value))
            }
            43 => match VendorSpecific::new(space, value) {
                VendorSpecific::Pxe(_) => Self::Pxe(PxeOptions::decode(value)?),
                VendorSpecific::Bsdp(options) => Self::Bsdp(options),
                VendorSpecific::Other(value) => Self::Bytes(value),
            },
            53 => Self::MessageType(MessageType(octet(value)?)),
            55 => Self::ParameterRequestList(ParameterRequestList::new(value)),
            60 => Self::VendorClass(VendorClass::new(value)),
            61 => Self::ClientIdentifier(ClientIdentifier::new(value)),
            77 => Self::UserClass(UserClass::new(value)),
            82 => Self::RelayAgentInformation(RelayAgentInformation::decode(value)?),
            93 => Self::Archs(ArchList::decode(value)?),
            94 => Self::NetworkInterface(NetworkInterface::decode(value)?),
            97 => Self::MachineId(MachineId::new(value)),
            119 => Self::DomainSearch(DomainSearch::decode(value)?),
            121 => Self::ClasslessRoutes(ClasslessRoutes::decode(value)?),
            175 => Self::Ipxe(IpxeOptions::decode(value)?),
            _ => Self::Bytes(value),
        })
    }
}

impl fmt::Display for OptionValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octet(number) => write!(f, "{number}"),
            Self::Short(number) => write!(f, "{number}"),
            Self::Seconds(u32::MAX) => f.write_str("for ever"),
            Self::Seconds(seconds) => write!(f, "{seconds} s"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Addresses(addresses) => separated(f, addresses.iter()),
            Self::Text(text) => write!(f, "\"{}\"", text.escape_ascii()),
            Self::MessageType(message_type) => write!(f, "{message_type}"),
            Self::ParameterRequestList(list) => separated(f, list.iter().map(|code| code.0)),
            Self::VendorClass(class) => write!(f, "{class:?}"),
            Self::ClientIdentifier(identifier) => write!(f, "{}", Hex(identifier.as_bytes())),
            Self::UserClass(class) => write!(f, "{class:?}"),
            Self::RelayAgentInformation(information) => {
                let options = information.sub_options();
                sub_options(f, options.map(|option| (option.code, option.value)))
            }
            Self::Archs(archs) => separated(f, archs.iter()),
            Self::NetworkInterface(NetworkInterface { kind, major, minor }) => {
                write!(f, "type {kind}, version {major}.{minor}")
            }
            Self::MachineId(id) => write!(f, "{}", Hex(id.as_bytes())),
            Self::DomainSearch(search) => separated(f, search.iter()),
            Self::ClasslessRoutes(routes) => separated(f, routes.iter()),
            Self::Pxe(options) => {
                sub_options(f, options.sub_options().map(|option| (option.code, option.value)))
            }
            Self::Bsdp(options) => {
                sub_options(f, options.sub_options().map(|option| (option.code, option.value)))
            }
            Self::Ipxe(options) => {
                sub_options(f, options.sub_options().map(|option| (option.code, option.value)))
            }
            Self::Bytes(bytes) => write!(f, "{}", Hex(bytes)),
        }
    }
}

fn separated<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = T>,
) -> fmt::Result {
    let mut separator = "";
    for item in items {
        write!(f, "{separator}{item}")?;
        separator = ", ";
    }
    Ok(())
}

fn sub_options<'a>(
    f: &mut fmt::Formatter<'_>,
    options: impl Iterator<Item = (u8, &'a [u8])>,
) -> fmt::Result {
    let mut separator = "";
    for (code, value) in options {
        write!(f, "{separator}{code} = {}", Hex(value))?;
        separator = "; ";
    }
    Ok(())
}

/// Bytes shown as hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
