//! What a client says of itself: 55, 61, 93, 94, 97.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use bytes::BufMut;

use crate::code::OptionCode;
use crate::error::{ValueError, ValueErrorKind};
use crate::header::HardwareType;
use crate::limits::HARDWARE_ADDRESS_BYTES_MAX;
use crate::parse::{END, PAD};

/// Option 93: the processor architectures a client can boot as (RFC 4578 section 2.1), in the order it sent them.
///
/// The numbers are IANA's "Processor Architecture Types"; they stay plain numbers here, since what they mean for
/// booting is not the codec's business and the numbers met in the field are not all registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchList<'a>(&'a [[u8; 2]]);

impl<'a> ArchList<'a> {
    /// As many whole numbers as the bytes hold.
    #[inline]
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value.as_chunks().0)
    }

    /// Reads a list of at least one number.
    ///
    /// # Errors
    /// The length is zero or odd.
    pub const fn decode(value: &'a [u8]) -> Result<Self, ValueError> {
        match value.as_chunks() {
            (numbers @ [_, ..], []) => Ok(Self(numbers)),
            _ => Err(ValueError::new(0, ValueErrorKind::Length(value.len()))),
        }
    }

    /// The numbers in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u16> + Clone + use<'a> {
        self.0.iter().copied().map(u16::from_be_bytes)
    }

    /// The first number.
    #[must_use]
    pub fn first(&self) -> Option<u16> {
        self.iter().next()
    }

    /// How many numbers there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes numbers as an option value.
    pub fn encode(archs: impl IntoIterator<Item = u16>, out: &mut impl BufMut) {
        for arch in archs {
            out.put_u16(arch);
        }
    }
}

/// Option 94: the client's network interface (RFC 4578 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetworkInterface {
    /// Kind of interface; 1 is UNDI.
    pub kind: u8,
    /// Major version.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
}

impl NetworkInterface {
    /// The kind UNDI.
    pub const UNDI: u8 = 1;

    /// Reads the option.
    ///
    /// # Errors
    /// The value is not three bytes long.
    pub fn decode(value: &[u8]) -> Result<Self, ValueError> {
        match *value {
            [kind, major, minor] => Ok(Self { kind, major, minor }),
            _ => Err(ValueError::new(0, ValueErrorKind::Length(value.len()))),
        }
    }

    /// The option's value.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        [self.kind, self.major, self.minor]
    }
}

/// Option 97: the machine's identifier (RFC 4578 section 2.3). Any bytes are accepted: ROMs send wrong lengths,
/// all zeros, or no GUID at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MachineId<'a>(&'a [u8]);

impl<'a> MachineId<'a> {
    /// Takes the option's value, type octet included.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// The option's value as it must be echoed.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The 16 bytes behind type octet 0; none for another type or length.
    #[must_use]
    pub fn guid(&self) -> Option<[u8; 16]> {
        match self.0 {
            [0, guid @ ..] => guid.try_into().ok(),
            _ => None,
        }
    }

    /// Whether the identifier tells machines apart: a GUID that is not all zeros or all ones.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.guid().is_some_and(|guid| guid != [0; 16] && guid != [0xff; 16])
    }

    /// The GUID's bytes read as they stand, as U-Boot writes them.
    pub fn uuid_big_endian(&self) -> Option<u128> {
        self.guid().map(u128::from_be_bytes)
    }

    /// The GUID's bytes read with the first three fields little-endian, as SMBIOS stores and EDK2 and iPXE send
    /// them. The same machine may show up under both readings.
    #[must_use]
    pub fn uuid_little_endian(&self) -> Option<u128> {
        let [a, b, c, d, e, f, g, h, node @ ..] = self.guid()?;
        let [i, j, k, l, m, n, o, p] = node;
        Some(u128::from_be_bytes([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]))
    }

    /// The option's value for a GUID whose bytes are already in the order to send.
    pub fn encode(guid: [u8; 16], out: &mut impl BufMut) {
        out.put_u8(0);
        out.put_slice(&guid);
    }
}

/// Option 61: how a client wants to be known (RFC 2132 section 9.14, RFC 4361, RFC 6842).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIdentifier<'a>(&'a [u8]);

impl<'a> ClientIdentifier<'a> {
    /// The type octet of an identifier made of IAID and DUID (RFC 4361 section 6.1).
    pub const TYPE_DUID: u8 = 255;

    /// Takes the option's value.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// The option's value, which a reply repeats (RFC 6842).
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether the value is long enough to identify anybody: type and at least one byte.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.0.len() >= 2
    }

    /// Link type and address, if the identifier is one: type neither 0 nor 255, and at most 16 bytes.
    #[must_use]
    pub const fn hardware(&self) -> Option<(HardwareType, &'a [u8])> {
        match self.0 {
            [0 | Self::TYPE_DUID, ..] | [] | [_] => None,
            [kind, address @ ..] if address.len() <= HARDWARE_ADDRESS_BYTES_MAX => {
                Some((HardwareType(*kind), address))
            }
            _ => None,
        }
    }

    /// IAID and DUID, if the identifier is made of them.
    #[must_use]
    pub const fn duid(&self) -> Option<(u32, &'a [u8])> {
        match self.0 {
            [Self::TYPE_DUID, a, b, c, d, duid @ ..] if !duid.is_empty() => {
                Some((u32::from_be_bytes([*a, *b, *c, *d]), duid))
            }
            _ => None,
        }
    }

    /// Writes an identifier made of link type and address.
    pub fn encode_hardware(kind: HardwareType, address: &[u8], out: &mut impl BufMut) {
        out.put_u8(kind.0);
        out.put_slice(address);
    }

    /// Writes an identifier made of IAID and DUID.
    pub fn encode_duid(iaid: u32, duid: &[u8], out: &mut impl BufMut) {
        out.put_u8(Self::TYPE_DUID);
        out.put_u32(iaid);
        out.put_slice(duid);
    }
}

/// Option 55: the options a client asks for, most wanted first (RFC 2132 section 9.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParameterRequestList<'a>(&'a [u8]);

impl<'a> ParameterRequestList<'a> {
    /// Takes the option's value.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// The codes in order, without PAD and END, which lists contain by accident; repeats are kept.
    pub fn iter(&self) -> impl Iterator<Item = OptionCode> + Clone + use<'a> {
        let codes = self.0.iter().copied();
        codes.filter(|&code| code != PAD && code != END).map(OptionCode)
    }

    /// Whether an option is asked for.
    #[must_use]
    pub fn contains(&self, code: OptionCode) -> bool {
        self.iter().any(|requested| requested == code)
    }

    /// How many codes stand before this one; none if it is not asked for.
    #[must_use]
    pub fn rank(&self, code: OptionCode) -> Option<usize> {
        self.iter().position(|requested| requested == code)
    }
}
