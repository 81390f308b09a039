//! Option 82, relay agent information (RFC 3046).
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::fmt;
use core::net::Ipv4Addr;

use bytes::BufMut;

use crate::error::{ValueError, ValueErrorKind};
use crate::options::space::{Grammar, SubOptions, ValueBuffer};
use crate::options::{Hex, address};

/// The code of an option inside option 82 (IANA "DHCP Relay Agent Sub-Option Codes").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayOption(
    /// The number on the wire.
    pub u8,
);

macro_rules! relay_options {
    ($($number:literal $code:ident $name:literal $source:literal;)*) => {
        impl RelayOption {
            $(
                #[doc = concat!($name, " (", $source, ").")]
                pub const $code: Self = Self($number);
            )*

            /// The registry's name, if this crate knows it.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

relay_options! {
    1 CIRCUIT_ID "circuit ID" "RFC 3046";
    2 REMOTE_ID "remote ID" "RFC 3046";
    4 DOCSIS_DEVICE_CLASS "DOCSIS device class" "RFC 3256";
    5 LINK_SELECTION "link selection" "RFC 3527";
    6 SUBSCRIBER_ID "subscriber ID" "RFC 3993";
    7 RADIUS_ATTRIBUTES "RADIUS attributes" "RFC 4014";
    8 AUTHENTICATION "authentication" "RFC 4030";
    9 VENDOR_SPECIFIC "vendor specific" "RFC 4243";
    10 FLAGS "flags" "RFC 5010";
    11 SERVER_IDENTIFIER_OVERRIDE "server identifier override" "RFC 5107";
    12 RELAY_IDENTIFIER "relay identifier" "RFC 6925";
    19 SOURCE_PORT "relay source port" "RFC 8357";
    151 VIRTUAL_SUBNET_SELECTION "virtual subnet selection" "RFC 6607";
    152 VIRTUAL_SUBNET_SELECTION_CONTROL "virtual subnet selection control" "RFC 6607";
}

impl fmt::Debug for RelayOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Option 82. A server echoes it byte for byte; what it says inside is for choosing pools and ports.
///
/// Any bytes are accepted; accessors give none for an option that is absent or malformed. There is no PAD and no
/// END inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RelayAgentInformation<'a>(&'a [u8]);

impl<'a> RelayAgentInformation<'a> {
    /// Takes the option's value.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// Reads a value and checks the form of all of it.
    ///
    /// # Errors
    /// There is no option inside, one is cut off, or one of fixed length has another.
    pub fn decode(value: &'a [u8]) -> Result<Self, ValueError> {
        if value.is_empty() {
            return Err(ValueError::new(0, ValueErrorKind::Length(0)));
        }
        SubOptions::check(value, Grammar::Plain, |option| {
            let bytes = option.value.len();
            let legal = match RelayOption(option.code) {
                RelayOption::LINK_SELECTION | RelayOption::SERVER_IDENTIFIER_OVERRIDE => bytes == 4,
                RelayOption::FLAGS => bytes == 1,
                RelayOption::SOURCE_PORT => bytes == 0,
                _ => true,
            };
            if legal { Ok(()) } else { Err(ValueErrorKind::Length(bytes)) }
        })?;
        Ok(Self(value))
    }

    /// The option's bytes, as they must be echoed.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The options in wire order.
    #[must_use]
    pub const fn sub_options(&self) -> SubOptions<'a> {
        SubOptions::new(self.0, Grammar::Plain)
    }

    /// The first option with a code.
    #[must_use]
    pub fn first(&self, code: RelayOption) -> Option<&'a [u8]> {
        self.sub_options().first(code.0)
    }

    /// 1: the circuit the request came in by.
    #[must_use]
    pub fn circuit_id(&self) -> Option<&'a [u8]> {
        self.first(RelayOption::CIRCUIT_ID)
    }

    /// 2: the far end of that circuit.
    #[must_use]
    pub fn remote_id(&self) -> Option<&'a [u8]> {
        self.first(RelayOption::REMOTE_ID)
    }

    /// 5: the subnet to allocate from, instead of the one of `giaddr`.
    #[must_use]
    pub fn link_selection(&self) -> Option<Ipv4Addr> {
        address(self.first(RelayOption::LINK_SELECTION)?).ok()
    }

    /// 10: whether the client sent its request as unicast; none if the relay does not say.
    #[must_use]
    pub fn was_unicast(&self) -> Option<bool> {
        match self.first(RelayOption::FLAGS)? {
            &[flags] => Some(flags & 0x80 != 0),
            _ => None,
        }
    }

    /// 11: the address to use as server identifier.
    #[must_use]
    pub fn server_identifier_override(&self) -> Option<Ipv4Addr> {
        address(self.first(RelayOption::SERVER_IDENTIFIER_OVERRIDE)?).ok()
    }

    /// 19: whether the reply goes to the port the relay sent from, instead of 67.
    #[must_use]
    pub fn reply_to_source_port(&self) -> bool {
        self.first(RelayOption::SOURCE_PORT).is_some()
    }
}

impl fmt::Debug for RelayAgentInformation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options =
            self.sub_options().map(|option| (RelayOption(option.code), Hex(option.value)));
        f.debug_map().entries(options).finish()
    }
}

/// Builds the value of option 82, on the stack: for relays and for tests.
#[derive(Clone, Debug)]
pub struct RelayAgentInformationBuilder(ValueBuffer);

impl RelayAgentInformationBuilder {
    /// An empty value.
    #[must_use]
    pub const fn new() -> Self {
        Self(ValueBuffer::new())
    }

    /// Appends an option of any code.
    pub fn push(&mut self, code: RelayOption, value: &[u8]) -> &mut Self {
        self.0.put_value(code.0, value);
        self
    }

    /// Gives the value.
    ///
    /// # Errors
    /// The value does not fit 255 bytes.
    pub fn finish(&self) -> Result<&[u8], ValueError> {
        self.0.finish()
    }

    /// Writes the value.
    ///
    /// # Errors
    /// The value does not fit 255 bytes; nothing is written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), ValueError> {
        self.0.write(out)
    }
}

impl Default for RelayAgentInformationBuilder {
    fn default() -> Self {
        Self::new()
    }
}
