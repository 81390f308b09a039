//! Option 175: iPXE's own options (iPXE `src/include/ipxe/dhcp.h` and `features.h`).
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::fmt;

use bytes::BufMut;

use crate::error::{ValueError, ValueErrorKind};
use crate::options::space::{Grammar, SubOptions, ValueBuffer};
use crate::options::{Hex, octet};
use crate::parse::END;

/// The code of an option inside option 175.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpxeOption(
    /// The number on the wire.
    pub u8,
);

macro_rules! ipxe_options {
    ($($number:literal $code:ident $name:literal;)*) => {
        impl IpxeOption {
            $(
                #[doc = concat!("`", $name, "`.")]
                pub const $code: Self = Self($number);
            )*

            /// The name iPXE's documentation or sources use, if this crate knows it.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

ipxe_options! {
    0x01 PRIORITY "priority";
    0x02 YOUR_ADDRESS "yiaddr";
    0x03 SERVER_ADDRESS "siaddr";
    0x08 KEEP_SAN "keep-san";
    0x09 SKIP_SAN_BOOT "skip-san-boot";
    0x10 FEATURE_PXE_EXT "PXE extensions";
    0x11 FEATURE_ISCSI "iSCSI";
    0x12 FEATURE_AOE "AoE";
    0x13 FEATURE_HTTP "HTTP";
    0x14 FEATURE_HTTPS "HTTPS";
    0x15 FEATURE_TFTP "TFTP";
    0x16 FEATURE_FTP "FTP";
    0x17 FEATURE_DNS "DNS";
    0x18 FEATURE_BZIMAGE "bzImage";
    0x19 FEATURE_MULTIBOOT "Multiboot";
    0x1a FEATURE_SLAM "SLAM";
    0x1b FEATURE_SRP "SRP";
    0x20 FEATURE_NBI "NBI";
    0x21 FEATURE_PXE "PXE";
    0x22 FEATURE_ELF "ELF";
    0x23 FEATURE_COMBOOT "COMBOOT";
    0x24 FEATURE_EFI "EFI";
    0x25 FEATURE_FCOE "FCoE";
    0x26 FEATURE_VLAN "VLAN";
    0x27 FEATURE_MENU "menu";
    0x28 FEATURE_SDI "SDI";
    0x29 FEATURE_NFS "NFS";
    0x51 SCRIPTLET "scriptlet";
    0x55 SYSLOGS "syslogs";
    0x5a TRUST "trust";
    0x5b CERTIFICATE "cert";
    0x5c PRIVATE_KEY "privkey";
    0x5d CROSS_CERTIFICATE "crosscert";
    0xb0 NO_PXE_DHCP "no-pxedhcp";
    0xb1 BUS_ID "bus-id";
    0xb2 USE_CACHED "use-cached";
    0xbb SAN_RETRY "san-retry";
    0xbc SAN_FILE_NAME "san-filename";
    0xbd SAN_DRIVE "san-drive";
    0xbe USER_NAME "username";
    0xbf PASSWORD "password";
    0xc0 REVERSE_USER_NAME "reverse-username";
    0xc1 REVERSE_PASSWORD "reverse-password";
    0xc2 USER_ID "uid";
    0xc3 GROUP_ID "gid";
    0xeb VERSION "version";
}

impl fmt::Debug for IpxeOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{:#04x} ({name})", self.0),
            None => write!(f, "{:#04x}", self.0),
        }
    }
}

/// Option 175. Its presence in a request says that iPXE is asking, or another firmware built from it.
///
/// Any bytes are accepted; accessors give none for an option that is absent or malformed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IpxeOptions<'a>(&'a [u8]);

impl<'a> IpxeOptions<'a> {
    /// Takes the option's value.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// Reads a value and checks the form of all of it. END may be absent.
    ///
    /// # Errors
    /// An option is cut off, one of fixed length has another, or bytes other than padding follow END.
    pub fn decode(value: &'a [u8]) -> Result<Self, ValueError> {
        SubOptions::check(value, Grammar::Padded, |option| {
            let bytes = option.value.len();
            let legal = match IpxeOption(option.code) {
                IpxeOption::PRIORITY | IpxeOption::NO_PXE_DHCP => bytes == 1,
                IpxeOption::YOUR_ADDRESS | IpxeOption::SERVER_ADDRESS => bytes == 4,
                IpxeOption::BUS_ID => bytes == 5,
                IpxeOption::VERSION => bytes == 3,
                _ => true,
            };
            if legal { Ok(()) } else { Err(ValueErrorKind::Length(bytes)) }
        })?;
        Ok(Self(value))
    }

    /// The option's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The options in wire order.
    #[must_use]
    pub const fn sub_options(&self) -> SubOptions<'a> {
        SubOptions::new(self.0, Grammar::Padded)
    }

    /// The first option with a code.
    #[must_use]
    pub fn first(&self, code: IpxeOption) -> Option<&'a [u8]> {
        self.sub_options().first(code.0)
    }

    /// 0x01: an offer's rank among several; the highest wins.
    pub fn priority(&self) -> Option<i8> {
        octet(self.first(IpxeOption::PRIORITY)?).ok().map(u8::cast_signed)
    }

    /// 0xb0: whether the client shall not wait for proxy offers.
    #[must_use]
    pub fn no_pxe_dhcp(&self) -> Option<bool> {
        octet(self.first(IpxeOption::NO_PXE_DHCP)?).ok().map(|octet| octet != 0)
    }

    /// 0xb1: which network card is booting.
    #[must_use]
    pub fn bus_id(&self) -> Option<IpxeBusId> {
        let [kind, a, b, c, d] = self.first(IpxeOption::BUS_ID)?.try_into().ok()?;
        let (vendor, device) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Some(IpxeBusId { kind, vendor, device })
    }

    /// 0xeb: major, minor and patch number.
    #[must_use]
    pub fn version(&self) -> Option<[u8; 3]> {
        self.first(IpxeOption::VERSION)?.try_into().ok()
    }

    /// What the client was built with: the feature options whose value is not 0. Most are 1; PXE extensions is a version
    /// number.
    #[must_use]
    pub fn features(&self) -> IpxeFeatures {
        let flags =
            self.sub_options().filter(|option| matches!(option.value, &[octet, ..] if octet != 0));
        flags.fold(IpxeFeatures::default(), |features, option| {
            features.with(IpxeOption(option.code))
        })
    }
}

impl fmt::Debug for IpxeOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.sub_options().map(|option| (IpxeOption(option.code), Hex(option.value)));
        f.debug_map().entries(options).finish()
    }
}

/// What an iPXE was built with: a set of the options 0x10 to 0x2f.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct IpxeFeatures(u32);

impl IpxeFeatures {
    /// Whether the client has a feature. None of the codes outside 0x10 to 0x2f is one.
    #[must_use]
    pub fn has(self, feature: IpxeOption) -> bool {
        Self::bit(feature).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Whether the client announced nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The same set with a feature added; codes outside 0x10 to 0x2f change nothing.
    #[must_use]
    pub fn with(self, feature: IpxeOption) -> Self {
        Self(self.0 | Self::bit(feature).unwrap_or_default())
    }

    /// The features, lowest code first.
    pub fn iter(self) -> impl Iterator<Item = IpxeOption> {
        (0x10..=0x2f).map(IpxeOption).filter(move |&feature| self.has(feature))
    }

    fn bit(feature: IpxeOption) -> Option<u32> {
        1_u32.checked_shl(u32::from(feature.0.checked_sub(0x10)?))
    }
}

impl fmt::Debug for IpxeFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// iPXE option 0xb1: a network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpxeBusId {
    /// The bus; 1 is PCI.
    pub kind: u8,
    /// The vendor's number on that bus.
    pub vendor: u16,
    /// The device's number on that bus.
    pub device: u16,
}

/// Builds the value of option 175, on the stack. Options stand in the order of the calls.
#[derive(Clone, Debug)]
pub struct IpxeOptionsBuilder {
    value: ValueBuffer,
    finished: bool,
}

impl IpxeOptionsBuilder {
    /// An empty value.
    #[must_use]
    pub const fn new() -> Self {
        Self { value: ValueBuffer::new(), finished: false }
    }

    /// Appends an option of any code.
    pub fn push(&mut self, code: IpxeOption, value: &[u8]) -> &mut Self {
        self.value.put_value(code.0, value);
        self
    }

    /// 0x01: this offer's rank among several.
    pub fn priority(&mut self, priority: i8) -> &mut Self {
        self.push(IpxeOption::PRIORITY, &[priority.cast_unsigned()])
    }

    /// 0xb0: the client shall not wait for proxy offers.
    pub fn no_pxe_dhcp(&mut self) -> &mut Self {
        self.push(IpxeOption::NO_PXE_DHCP, &[1])
    }

    /// 0xb1: which network card is booting.
    pub fn bus_id(&mut self, id: IpxeBusId) -> &mut Self {
        let ([a, b], [c, d]) = (id.vendor.to_be_bytes(), id.device.to_be_bytes());
        self.push(IpxeOption::BUS_ID, &[id.kind, a, b, c, d])
    }

    /// 0xeb: major, minor and patch number.
    pub fn version(&mut self, version: [u8; 3]) -> &mut Self {
        self.push(IpxeOption::VERSION, &version)
    }

    /// What the client was built with, one option of value 1 each.
    pub fn features(&mut self, features: IpxeFeatures) -> &mut Self {
        features.iter().for_each(|feature| self.value.put_value(feature.0, &[1]));
        self
    }

    /// Appends END and gives the value.
    ///
    /// # Errors
    /// The value does not fit 255 bytes.
    pub fn finish(&mut self) -> Result<&[u8], ValueError> {
        if !core::mem::replace(&mut self.finished, true) {
            self.value.append(&[END]);
        }
        self.value.finish()
    }

    /// Appends END and writes the value.
    ///
    /// # Errors
    /// The value does not fit 255 bytes; nothing is written then.
    pub fn encode(&mut self, out: &mut impl BufMut) -> Result<(), ValueError> {
        self.finish().map(|value| out.put_slice(value))
    }
}

impl Default for IpxeOptionsBuilder {
    fn default() -> Self {
        Self::new()
    }
}
