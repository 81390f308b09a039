//! The fixed header of 236 bytes: where its fields are and what they mean (RFC 951, RFC 2131 section 2).
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::fmt;
use core::net::Ipv4Addr;

use crate::limits::HEADER_BYTES;

/// The header of a datagram: exactly as long as it must be, so that every field is there.
#[derive(Clone, Copy)]
pub(crate) struct Header<'a>(&'a [u8; HEADER_BYTES]);

/// Offset of `sname`, in bytes from the start of the datagram.
pub(crate) const SERVER_NAME_OFFSET: usize = 44;
/// Offset of `file`.
pub(crate) const BOOT_FILE_OFFSET: usize = 108;
/// Offset of `hlen`.
pub(crate) const HARDWARE_LENGTH_OFFSET: usize = 2;
/// Offset of `flags`.
pub(crate) const FLAGS_OFFSET: usize = 10;

impl<'a> Header<'a> {
    pub(crate) const fn new(bytes: &'a [u8; HEADER_BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn operation_octet(self) -> u8 {
        self.0[0]
    }

    pub(crate) const fn hardware_type(self) -> HardwareType {
        HardwareType(self.0[1])
    }

    pub(crate) const fn hardware_length(self) -> u8 {
        self.0[HARDWARE_LENGTH_OFFSET]
    }

    pub(crate) const fn hops(self) -> u8 {
        self.0[3]
    }

    pub(crate) const fn transaction_id(self) -> u32 {
        u32::from_be_bytes([self.0[4], self.0[5], self.0[6], self.0[7]])
    }

    pub(crate) const fn seconds(self) -> u16 {
        u16::from_be_bytes([self.0[8], self.0[9]])
    }

    pub(crate) const fn flags(self) -> Flags {
        Flags(u16::from_be_bytes([self.0[10], self.0[11]]))
    }

    pub(crate) const fn client_address(self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[12], self.0[13], self.0[14], self.0[15])
    }

    pub(crate) const fn your_address(self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[16], self.0[17], self.0[18], self.0[19])
    }

    pub(crate) const fn server_address(self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[20], self.0[21], self.0[22], self.0[23])
    }

    pub(crate) const fn relay_address(self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[24], self.0[25], self.0[26], self.0[27])
    }

    /// All 16 bytes of `chaddr`.
    pub(crate) fn hardware_field(self) -> &'a [u8] {
        &self.0[28..44]
    }

    pub(crate) fn server_name_field(self) -> &'a [u8] {
        &self.0[SERVER_NAME_OFFSET..BOOT_FILE_OFFSET]
    }

    pub(crate) fn boot_file_field(self) -> &'a [u8] {
        &self.0[BOOT_FILE_OFFSET..HEADER_BYTES]
    }
}

/// `op`: who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// 1: a client, perhaps through a relay.
    BootRequest,
    /// 2: a server.
    BootReply,
}

impl Operation {
    /// The octet on the wire.
    #[must_use]
    pub const fn octet(self) -> u8 {
        match self {
            Self::BootRequest => 1,
            Self::BootReply => 2,
        }
    }

    /// The operation an octet stands for, if any.
    #[must_use]
    pub const fn from_octet(octet: u8) -> Option<Self> {
        match octet {
            1 => Some(Self::BootRequest),
            2 => Some(Self::BootReply),
            _ => None,
        }
    }
}

/// How much of the later standards a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// RFC 951: no magic cookie; the vendor area is opaque.
    Bootp,
    /// RFC 1497: magic cookie and options, but no message type (53).
    BootpVendor,
    /// RFC 2131: magic cookie and message type.
    Dhcp,
}

/// `htype`: the kind of link (IANA "Hardware Types").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareType(
    /// The number on the wire.
    pub u8,
);

impl HardwareType {
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// IEEE 802 networks.
    pub const IEEE_802: Self = Self(6);
    /// ARCNET.
    pub const ARCNET: Self = Self(7);
    /// InfiniBand; its messages have `hlen` 0 and name the client by option 61 (RFC 4390).
    pub const INFINIBAND: Self = Self(32);

    /// The registry's name, if this crate knows it.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::ETHERNET => Some("Ethernet"),
            Self::IEEE_802 => Some("IEEE 802"),
            Self::ARCNET => Some("ARCNET"),
            Self::INFINIBAND => Some("InfiniBand"),
            _ => None,
        }
    }
}

impl fmt::Debug for HardwareType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for HardwareType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "hardware type {}", self.0),
        }
    }
}

/// `flags`: one defined bit, fifteen that must be zero and are not always.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(
    /// The 16 bits on the wire.
    pub u16,
);

impl Flags {
    /// The client cannot receive unicast before it has an address (RFC 2131 section 4.1).
    pub const BROADCAST: Self = Self(0x8000);

    /// Whether the client asks for broadcast replies.
    #[must_use]
    pub const fn broadcast(self) -> bool {
        self.0 & Self::BROADCAST.0 != 0
    }

    /// The bits that must be zero.
    #[must_use]
    pub const fn reserved(self) -> u16 {
        self.0 & !Self::BROADCAST.0
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

/// Option 53: what a DHCP message says (IANA "DHCP Message Type 53 Values").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(
    /// The number on the wire.
    pub u8,
);

macro_rules! message_types {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        impl MessageType {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// The registry's name, if the number is assigned.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

message_types! {
    /// DHCPDISCOVER (RFC 2132).
    DISCOVER = 1, "DISCOVER";
    /// DHCPOFFER (RFC 2132).
    OFFER = 2, "OFFER";
    /// DHCPREQUEST (RFC 2132).
    REQUEST = 3, "REQUEST";
    /// DHCPDECLINE (RFC 2132).
    DECLINE = 4, "DECLINE";
    /// DHCPACK (RFC 2132).
    ACK = 5, "ACK";
    /// DHCPNAK (RFC 2132).
    NAK = 6, "NAK";
    /// DHCPRELEASE (RFC 2132).
    RELEASE = 7, "RELEASE";
    /// DHCPINFORM (RFC 2132).
    INFORM = 8, "INFORM";
    /// DHCPFORCERENEW (RFC 3203).
    FORCE_RENEW = 9, "FORCERENEW";
    /// DHCPLEASEQUERY (RFC 4388).
    LEASE_QUERY = 10, "LEASEQUERY";
    /// DHCPLEASEUNASSIGNED (RFC 4388).
    LEASE_UNASSIGNED = 11, "LEASEUNASSIGNED";
    /// DHCPLEASEUNKNOWN (RFC 4388).
    LEASE_UNKNOWN = 12, "LEASEUNKNOWN";
    /// DHCPLEASEACTIVE (RFC 4388).
    LEASE_ACTIVE = 13, "LEASEACTIVE";
    /// DHCPBULKLEASEQUERY (RFC 6926).
    BULK_LEASE_QUERY = 14, "BULKLEASEQUERY";
    /// DHCPLEASEQUERYDONE (RFC 6926).
    LEASE_QUERY_DONE = 15, "LEASEQUERYDONE";
    /// DHCPACTIVELEASEQUERY (RFC 7724).
    ACTIVE_LEASE_QUERY = 16, "ACTIVELEASEQUERY";
    /// DHCPLEASEQUERYSTATUS (RFC 7724).
    LEASE_QUERY_STATUS = 17, "LEASEQUERYSTATUS";
    /// DHCPTLS (RFC 7724).
    TLS = 18, "TLS";
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "message type {}", self.0),
        }
    }
}
