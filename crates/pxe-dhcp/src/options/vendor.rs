//! Option 60, vendor class, and the space it selects for option 43.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use bytes::BufMut;

use crate::options::{PxeOptions, SubOptions, space::Grammar, text};

/// Option 60: what kind of client this is (RFC 2132 section 9.13).
///
/// Boot firmware writes `PXEClient:Arch:ddddd:UNDI:yyyzzz` (PXE 2.1), or the same with `HTTPClient`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VendorClass<'a>(&'a [u8]);

/// Whose option 43 a message carries, and which protocol it speaks, by its option 60.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VendorSpace {
    /// `PXEClient…`: PXE 2.1.
    Pxe,
    /// `HTTPClient…`: UEFI HTTP Boot.
    Http,
    /// `AAPLBSDPC…`: Apple's Boot Service Discovery Protocol.
    Bsdp,
    /// Anything else, or no option 60.
    Other,
}

impl<'a> VendorClass<'a> {
    /// What PXE clients begin with, and what a server answers them.
    pub const PXE_CLIENT: &'static [u8] = b"PXEClient";
    /// What UEFI HTTP Boot clients begin with, and what a server answers them.
    pub const HTTP_CLIENT: &'static [u8] = b"HTTPClient";
    /// What Apple netboot clients begin with, and what a server answers them.
    pub const BSDP_CLIENT: &'static [u8] = b"AAPLBSDPC";

    /// Takes the option's value.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// The option's value.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The space by prefix, as firmware itself compares.
    #[must_use]
    pub fn space(&self) -> VendorSpace {
        match self.0 {
            class if class.starts_with(Self::PXE_CLIENT) => VendorSpace::Pxe,
            class if class.starts_with(Self::HTTP_CLIENT) => VendorSpace::Http,
            class if class.starts_with(Self::BSDP_CLIENT) => VendorSpace::Bsdp,
            _ => VendorSpace::Other,
        }
    }

    /// The architecture number in `:Arch:ddddd`; option 93 says it better when there is one.
    #[must_use]
    pub fn arch(&self) -> Option<u16> {
        let digits: [u8; 5] = self.field(b"Arch")?.try_into().ok()?;
        u16::try_from(decimal(&digits)?).ok()
    }

    /// Major and minor UNDI version in `:UNDI:yyyzzz`.
    #[must_use]
    pub fn undi(&self) -> Option<(u16, u16)> {
        let [a, b, c, x, y, z]: [u8; 6] = self.field(b"UNDI")?.try_into().ok()?;
        let major = u16::try_from(decimal(&[a, b, c])?).ok()?;
        let minor = u16::try_from(decimal(&[x, y, z])?).ok()?;
        Some((major, minor))
    }

    /// Writes `class:Arch:ddddd:UNDI:yyyzzz`; versions above 999 are written as 999.
    pub fn encode(class: &[u8], arch: u16, undi: (u16, u16), out: &mut impl BufMut) {
        out.put_slice(class);
        out.put_slice(b":Arch:");
        put_decimal(out, u32::from(arch), 10_000);
        out.put_slice(b":UNDI:");
        put_decimal(out, u32::from(undi.0.min(999)), 100);
        put_decimal(out, u32::from(undi.1.min(999)), 100);
    }

    /// The field after a name in the colon-separated list.
    fn field(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut fields = text(self.0).split(|&octet| octet == b':').skip(1);
        fields.find(|&field| field == name)?;
        fields.next()
    }
}

impl core::fmt::Debug for VendorClass<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Option 43 in the space that option 60 of the same message selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorSpecific<'a> {
    /// PXE options.
    Pxe(PxeOptions<'a>),
    /// Apple BSDP options.
    Bsdp(BsdpOptions<'a>),
    /// Some other vendor's bytes; they mean nothing here.
    Other(&'a [u8]),
}

impl<'a> VendorSpecific<'a> {
    /// Reads option 43 of a message whose option 60 selects this space.
    #[must_use]
    pub const fn new(space: VendorSpace, value: &'a [u8]) -> Self {
        match space {
            VendorSpace::Pxe => Self::Pxe(PxeOptions::new(value)),
            VendorSpace::Bsdp => Self::Bsdp(BsdpOptions(value)),
            VendorSpace::Http | VendorSpace::Other => Self::Other(value),
        }
    }
}

/// Option 43 of an Apple netboot client or server, so far as it must be told from PXE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BsdpOptions<'a>(&'a [u8]);

impl<'a> BsdpOptions<'a> {
    /// The options in wire order.
    #[must_use]
    pub const fn sub_options(&self) -> SubOptions<'a> {
        SubOptions::new(self.0, Grammar::Padded)
    }

    /// Option 1: 1 is LIST, 2 is SELECT, 3 is FAILED.
    #[must_use]
    pub fn message_type(&self) -> Option<u8> {
        match self.sub_options().first(1)? {
            &[number] => Some(number),
            _ => None,
        }
    }

    /// Option 2: major version in the high octet.
    pub fn version(&self) -> Option<u16> {
        self.sub_options().first(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    /// Option 5: the UDP port the client wants the reply at, if not 68.
    pub fn reply_port(&self) -> Option<u16> {
        self.sub_options().first(5)?.try_into().ok().map(u16::from_be_bytes)
    }
}

fn decimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Writes a number with leading zeros; the unit of its first digit says how many digits.
fn put_decimal(out: &mut impl BufMut, number: u32, first_unit: u32) {
    let mut unit = first_unit;
    while unit != 0 {
        let digit = number.checked_div(unit).unwrap_or_default() % 10;
        out.put_u8(b'0'.saturating_add(u8::try_from(digit).unwrap_or_default()));
        unit /= 10;
    }
}
