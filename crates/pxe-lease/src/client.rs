//! Who asks, and when two messages come from the same machine.

use core::fmt;

use crate::hardware::HardwareAddress;
use crate::limits::{CLIENT_IDENTIFIER_BYTES_MAX, HOST_NAME_BYTES_MAX};
use crate::record::LeaseRecord;
use crate::topology::IdentifyBy;

/// What a message says about its sender. Borrowed from the message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Client<'a> {
    /// `htype` and `chaddr`.
    pub hardware: HardwareAddress,
    /// Option 61, all of it.
    pub identifier: Option<&'a [u8]>,
    /// Sub-option 1 of option 82, if the relay is trusted.
    pub circuit_id: Option<&'a [u8]>,
    /// Sub-option 2 of option 82, if the relay is trusted.
    pub remote_id: Option<&'a [u8]>,
    /// Option 12, or the name in option 81; kept for people who read lists of leases.
    pub host_name: Option<&'a [u8]>,
    /// Whether firmware or a network boot program asks (option 60 `PXEClient` or `HTTPClient`, option 77 `iPXE`), and
    /// so one that an operating system will follow.
    pub netboot: bool,
}

impl<'a> Client<'a> {
    /// A client that says nothing but its hardware address.
    #[must_use]
    pub const fn new(hardware: HardwareAddress) -> Self {
        Self {
            hardware,
            identifier: None,
            circuit_id: None,
            remote_id: None,
            host_name: None,
            netboot: false,
        }
    }

    /// With this option 61.
    #[must_use]
    pub const fn identified_by(self, identifier: &'a [u8]) -> Self {
        Self { identifier: Some(identifier), ..self }
    }

    /// Behind a trusted relay that sends these sub-options 1 and 2 of option 82.
    #[must_use]
    pub const fn behind(self, circuit_id: Option<&'a [u8]>, remote_id: Option<&'a [u8]>) -> Self {
        Self { circuit_id, remote_id, ..self }
    }

    /// As firmware or a network boot program asks.
    #[must_use]
    pub const fn netbooting(self) -> Self {
        Self { netboot: true, ..self }
    }

    /// The option 61 that counts: not an empty one, and no more of it than is kept.
    pub(crate) fn known_identifier(&self) -> Option<&'a [u8]> {
        cut(self.identifier, CLIENT_IDENTIFIER_BYTES_MAX)
    }

    pub(crate) fn known_host_name(&self) -> Option<&'a [u8]> {
        cut(self.host_name, HOST_NAME_BYTES_MAX)
    }

    /// Under what the client's addresses are found; `None` if it says nothing that tells it from others.
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        Anchor::of(self.hardware, self.known_identifier())
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner {
            hardware: self.hardware,
            identifier: self.known_identifier().map(Into::into),
            netboot: self.netboot,
        }
    }
}

fn cut(bytes: Option<&[u8]>, most: usize) -> Option<&[u8]> {
    bytes.filter(|bytes| !bytes.is_empty()).map(|bytes| bytes.get(..most).unwrap_or(bytes))
}

/// Under what a client's addresses are found: its hardware address if it tells anything, else its identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Anchor {
    Hardware(HardwareAddress),
    Identifier(Box<[u8]>),
}

impl Anchor {
    pub(crate) fn of(hardware: HardwareAddress, identifier: Option<&[u8]>) -> Option<Self> {
        if hardware.is_telling() {
            return Some(Self::Hardware(hardware));
        }
        identifier.map(|identifier| Self::Identifier(identifier.into()))
    }

    /// Spreads clients over a pool: the same client always begins its search at the same place (FNV-1a).
    pub(crate) fn hash(&self, also: Option<&[u8]>) -> u64 {
        let own = match self {
            Self::Hardware(hardware) => hardware.as_bytes(),
            Self::Identifier(identifier) => identifier,
        };
        let bytes = own.iter().chain(also.unwrap_or_default());
        let mixed = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // The last bytes of an address differ most, and FNV leaves them in the low bits.
        (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Whose an address is, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) hardware: HardwareAddress,
    pub(crate) identifier: Option<Box<[u8]>>,
    pub(crate) netboot: bool,
}

impl Owner {
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        Anchor::of(self.hardware, self.identifier.as_deref())
    }

    pub(crate) fn as_ref(&self) -> OwnerRef<'_> {
        OwnerRef {
            hardware: self.hardware,
            identifier: self.identifier.as_deref(),
            netboot: self.netboot,
        }
    }
}

/// The same, borrowed from wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnerRef<'a> {
    hardware: HardwareAddress,
    identifier: Option<&'a [u8]>,
    netboot: bool,
}

impl<'a> OwnerRef<'a> {
    pub(crate) fn of_record(record: &'a LeaseRecord) -> Self {
        Self {
            hardware: record.hardware,
            identifier: record.identifier.as_deref(),
            netboot: record.netboot,
        }
    }

    /// Whether the client is the machine that this is.
    ///
    /// By hardware address, whatever identifiers its boot stages send. Where networks tell machines apart by
    /// identifier, one hardware address may be several machines; but a boot stage and what follows it are one.
    pub(crate) fn is(&self, client: &Client<'_>, by: IdentifyBy) -> bool {
        if self.hardware.is_telling() || client.hardware.is_telling() {
            let same_hardware = self.hardware == client.hardware;
            return match by {
                IdentifyBy::HardwareAddress => same_hardware,
                IdentifyBy::ClientIdentifier => {
                    same_hardware && (self.netboot || client.netboot || self.is_exactly(client))
                }
            };
        }
        self.identifier.is_some() && self.identifier == client.known_identifier()
    }

    /// Whether hardware address and identifier are both those of the client.
    pub(crate) fn is_exactly(&self, client: &Client<'_>) -> bool {
        self.hardware == client.hardware && self.identifier == client.known_identifier()
    }
}

/// Writes bytes as pairs of digits between colons.
pub(crate) fn write_pairs(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for (at, byte) in bytes.iter().enumerate() {
        write!(f, "{}{byte:02x}", if at == 0 { "" } else { ":" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: HardwareAddress = HardwareAddress::NONE;

    fn client(last: u8, identifier: Option<&[u8]>, netboot: bool) -> Client<'_> {
        let hardware = HardwareAddress::ethernet([2, 0, 0, 0, 0, last]);
        Client { identifier, netboot, ..Client::new(hardware) }
    }

    #[test]
    fn one_machine_through_its_boot_stages() {
        let stages = [
            client(1, None, true),
            client(1, Some(b"\x01mac"), true),
            client(1, Some(b"\xffduid"), false),
        ];
        for by in [IdentifyBy::HardwareAddress, IdentifyBy::ClientIdentifier] {
            for (before, after) in [(0, 1), (1, 2), (2, 0)] {
                assert!(stages[before].owner().as_ref().is(&stages[after], by), "{by:?} {before}");
            }
        }
    }

    #[test]
    fn clones_with_one_identifier_are_two_machines() {
        let (one, other) = (client(1, Some(b"same"), false), client(2, Some(b"same"), false));
        for by in [IdentifyBy::HardwareAddress, IdentifyBy::ClientIdentifier] {
            assert!(!one.owner().as_ref().is(&other, by), "{by:?}");
        }
    }

    #[test]
    fn guests_behind_one_hardware_address_are_told_apart_where_asked() {
        let (one, other) = (client(1, Some(b"one"), false), client(1, Some(b"two"), false));
        assert!(one.owner().as_ref().is(&other, IdentifyBy::HardwareAddress));
        assert!(!one.owner().as_ref().is(&other, IdentifyBy::ClientIdentifier));
    }

    #[test]
    fn without_hardware_address_the_identifier_counts() {
        let infiniband = Client { identifier: Some(b"guid"), ..Client::new(MAC) };
        let other = Client { identifier: Some(b"other"), ..Client::new(MAC) };
        assert!(infiniband.owner().as_ref().is(&infiniband, IdentifyBy::HardwareAddress));
        assert!(!infiniband.owner().as_ref().is(&other, IdentifyBy::HardwareAddress));
        let nobody = Client::new(MAC);
        assert!(!nobody.owner().as_ref().is(&nobody, IdentifyBy::HardwareAddress));
        assert_eq!(nobody.anchor(), None);
    }
}
