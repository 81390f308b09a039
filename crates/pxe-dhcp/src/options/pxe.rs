//! Option 43 in the PXE space (PXE 2.1).
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
use crate::options::pxe_menu::{self, BootMenu, BootServers};
use crate::options::space::{Grammar, SubOptions, ValueBuffer};
use crate::options::{BootServerType, Hex, MenuPrompt, address, octet, short};
use crate::parse::END;

/// The code of an option inside option 43 of a PXE message. Open: vendors add their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PxeOption(
    /// The number on the wire.
    pub u8,
);

macro_rules! pxe_options {
    ($($number:literal $code:ident $name:literal;)*) => {
        impl PxeOption {
            $(
                #[doc = concat!("`", $name, "`.")]
                pub const $code: Self = Self($number);
            )*

            /// The specification's name, if it gives one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

pxe_options! {
    1 MTFTP_ADDRESS "PXE_MTFTP_IP";
    2 MTFTP_CLIENT_PORT "PXE_MTFTP_CPORT";
    3 MTFTP_SERVER_PORT "PXE_MTFTP_SPORT";
    4 MTFTP_TIMEOUT "PXE_MTFTP_TMOUT";
    5 MTFTP_DELAY "PXE_MTFTP_DELAY";
    6 DISCOVERY_CONTROL "PXE_DISCOVERY_CONTROL";
    7 DISCOVERY_MULTICAST "DISCOVERY_MCAST_ADDR";
    8 BOOT_SERVERS "PXE_BOOT_SERVERS";
    9 BOOT_MENU "PXE_BOOT_MENU";
    10 MENU_PROMPT "PXE_MENU_PROMPT";
    11 MULTICAST_ALLOCATION "PXE_MCAST_ADDRS_ALLOC";
    12 CREDENTIAL_TYPES "PXE_CREDENTIAL_TYPES";
    71 BOOT_ITEM "PXE_BOOT_ITEM";
}

impl fmt::Debug for PxeOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Option 43 of a message whose option 60 begins with `PXEClient`.
///
/// Any bytes are accepted; accessors give none for an option that is absent or malformed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PxeOptions<'a>(&'a [u8]);

impl<'a> PxeOptions<'a> {
    /// The whole option 43 of an answer that is complete in itself: take the file named in this message at once,
    /// without menu or discovery.
    pub const JUST_BOOT: [u8; 4] =
        [PxeOption::DISCOVERY_CONTROL.0, 1, DiscoveryControl::BOOT_FILE_GIVEN.0, END];

    /// Takes the value of option 43.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// Reads a value and checks the form of all of it. END may be absent.
    ///
    /// # Errors
    /// An option is cut off or has a form its definition does not allow, or bytes other than padding follow END.
    pub fn decode(value: &'a [u8]) -> Result<Self, ValueError> {
        SubOptions::check(value, Grammar::Padded, |option| {
            let bytes = option.value.len();
            let legal = match PxeOption(option.code) {
                PxeOption::MTFTP_ADDRESS | PxeOption::DISCOVERY_MULTICAST => bytes == 4,
                PxeOption::MTFTP_CLIENT_PORT | PxeOption::MTFTP_SERVER_PORT => bytes == 2,
                PxeOption::MTFTP_TIMEOUT
                | PxeOption::MTFTP_DELAY
                | PxeOption::DISCOVERY_CONTROL => bytes == 1,
                PxeOption::MENU_PROMPT => bytes >= 1,
                PxeOption::MULTICAST_ALLOCATION => bytes == 8,
                PxeOption::CREDENTIAL_TYPES => bytes != 0 && bytes.is_multiple_of(4),
                PxeOption::BOOT_ITEM => bytes == 4,
                PxeOption::BOOT_SERVERS => return pxe_menu::check_servers(option.value),
                PxeOption::BOOT_MENU => return pxe_menu::check_menu(option.value),
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
    pub fn first(&self, code: PxeOption) -> Option<&'a [u8]> {
        self.sub_options().first(code.0)
    }

    /// 1: the multicast address of MTFTP.
    #[must_use]
    pub fn mtftp_address(&self) -> Option<Ipv4Addr> {
        address(self.first(PxeOption::MTFTP_ADDRESS)?).ok()
    }

    /// 2: the UDP port an MTFTP client listens on.
    #[must_use]
    pub fn mtftp_client_port(&self) -> Option<u16> {
        short(self.first(PxeOption::MTFTP_CLIENT_PORT)?).ok()
    }

    /// 3: the UDP port an MTFTP server listens on.
    #[must_use]
    pub fn mtftp_server_port(&self) -> Option<u16> {
        short(self.first(PxeOption::MTFTP_SERVER_PORT)?).ok()
    }

    /// 4: seconds of silence before a client opens a transfer of its own.
    #[must_use]
    pub fn mtftp_timeout_seconds(&self) -> Option<u8> {
        octet(self.first(PxeOption::MTFTP_TIMEOUT)?).ok()
    }

    /// 5: seconds a client listens before it opens a transfer.
    #[must_use]
    pub fn mtftp_delay_seconds(&self) -> Option<u8> {
        octet(self.first(PxeOption::MTFTP_DELAY)?).ok()
    }

    /// 6: how boot servers are looked for.
    pub fn discovery_control(&self) -> Option<DiscoveryControl> {
        octet(self.first(PxeOption::DISCOVERY_CONTROL)?).ok().map(DiscoveryControl)
    }

    /// 7: the multicast address boot servers listen on.
    #[must_use]
    pub fn discovery_multicast(&self) -> Option<Ipv4Addr> {
        address(self.first(PxeOption::DISCOVERY_MULTICAST)?).ok()
    }

    /// 8: the boot servers of each type.
    pub fn boot_servers(&self) -> Option<BootServers<'a>> {
        self.first(PxeOption::BOOT_SERVERS).map(BootServers::new)
    }

    /// 9: the menu.
    pub fn boot_menu(&self) -> Option<BootMenu<'a>> {
        self.first(PxeOption::BOOT_MENU).map(BootMenu::new)
    }

    /// 10: what is shown before the menu, and for how long.
    #[must_use]
    pub fn menu_prompt(&self) -> Option<MenuPrompt<'a>> {
        MenuPrompt::decode(self.first(PxeOption::MENU_PROMPT)?).ok()
    }

    /// 11: multicast addresses for the client's use.
    #[must_use]
    pub fn multicast_allocation(&self) -> Option<MulticastAllocation> {
        let [a, b, c, d, block_high, block_low, range_high, range_low] =
            self.first(PxeOption::MULTICAST_ALLOCATION)?.try_into().ok()?;
        Some(MulticastAllocation {
            base: Ipv4Addr::new(a, b, c, d),
            block: u16::from_be_bytes([block_high, block_low]),
            range: u16::from_be_bytes([range_high, range_low]),
        })
    }

    /// 12: the kinds of credentials of Boot Integrity Services that are asked for.
    pub fn credential_types(&self) -> impl Iterator<Item = u32> + use<'a> {
        let value = self.first(PxeOption::CREDENTIAL_TYPES).unwrap_or_default();
        value.as_chunks().0.iter().copied().map(u32::from_be_bytes)
    }

    /// 71: the menu item that is asked for or answered.
    #[must_use]
    pub fn boot_item(&self) -> Option<BootItem> {
        BootItem::decode(self.first(PxeOption::BOOT_ITEM)?).ok()
    }
}

impl fmt::Debug for PxeOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.sub_options().map(|option| (PxeOption(option.code), Hex(option.value)));
        f.debug_map().entries(options).finish()
    }
}

/// PXE option 6: how a client looks for boot servers.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct DiscoveryControl(
    /// The bits on the wire.
    pub u8,
);

impl DiscoveryControl {
    /// Bit 0: not by broadcast.
    pub const NO_BROADCAST: Self = Self(1);
    /// Bit 1: not by multicast.
    pub const NO_MULTICAST: Self = Self(1 << 1);
    /// Bit 2: only servers listed in option 8.
    pub const LISTED_SERVERS_ONLY: Self = Self(1 << 2);
    /// Bit 3: the boot file of this message is to be taken at once.
    pub const BOOT_FILE_GIVEN: Self = Self(1 << 3);

    /// Whether all bits of another value are set.
    #[must_use]
    pub const fn contains(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }
}

impl core::ops::BitOr for DiscoveryControl {
    type Output = Self;

    fn bitor(self, bits: Self) -> Self {
        Self(self.0 | bits.0)
    }
}

impl fmt::Debug for DiscoveryControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

/// PXE option 11: multicast addresses for the client's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MulticastAllocation {
    /// The first address.
    pub base: Ipv4Addr,
    /// Addresses in one block.
    pub block: u16,
    /// Addresses in all.
    pub range: u16,
}

/// PXE option 71: a menu item, as asked for by a client and answered by a boot server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BootItem {
    /// The type of boot server.
    pub server_type: BootServerType,
    /// The layer: 0 is the first program of the item. Without the credentials bit.
    pub layer: u16,
    /// Whether Boot Integrity Services credentials are asked for (bit 15 of the layer on the wire).
    pub credentials: bool,
}

impl BootItem {
    const CREDENTIALS_BIT: u16 = 0x8000;

    /// Reads the value of option 71.
    ///
    /// # Errors
    /// The value is not four bytes long.
    pub const fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let &[type_high, type_low, layer_high, layer_low] = value else {
            return Err(ValueError::new(0, ValueErrorKind::Length(value.len())));
        };
        let layer = u16::from_be_bytes([layer_high, layer_low]);
        Ok(Self {
            server_type: BootServerType(u16::from_be_bytes([type_high, type_low])),
            layer: layer & !Self::CREDENTIALS_BIT,
            credentials: layer & Self::CREDENTIALS_BIT != 0,
        })
    }

    /// The value of option 71.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        let bit = if self.credentials { Self::CREDENTIALS_BIT } else { 0 };
        let [type_high, type_low] = self.server_type.0.to_be_bytes();
        let [layer_high, layer_low] = ((self.layer & !Self::CREDENTIALS_BIT) | bit).to_be_bytes();
        [type_high, type_low, layer_high, layer_low]
    }
}

/// Builds the value of option 43 for a PXE client, on the stack.
///
/// Options stand in the order of the calls. What does not fit 255 bytes is reported by
/// [`finish`](Self::finish).
#[derive(Clone, Debug)]
pub struct PxeOptionsBuilder {
    value: ValueBuffer,
    finished: bool,
}

impl PxeOptionsBuilder {
    /// An empty value.
    #[must_use]
    pub const fn new() -> Self {
        Self { value: ValueBuffer::new(), finished: false }
    }

    /// Appends an option of any code.
    pub fn push(&mut self, code: PxeOption, value: &[u8]) -> &mut Self {
        self.value.put_value(code.0, value);
        self
    }

    /// 6: how boot servers are looked for.
    pub fn discovery_control(&mut self, control: DiscoveryControl) -> &mut Self {
        self.push(PxeOption::DISCOVERY_CONTROL, &[control.0])
    }

    /// 7: the multicast address boot servers listen on.
    pub fn discovery_multicast(&mut self, group: Ipv4Addr) -> &mut Self {
        self.push(PxeOption::DISCOVERY_MULTICAST, &group.octets())
    }

    /// 8: boot servers, by type; no address means any server of the type.
    pub fn boot_servers(&mut self, servers: &[(BootServerType, &[Ipv4Addr])]) -> &mut Self {
        let start = self.value.open(PxeOption::BOOT_SERVERS.0);
        for (server_type, addresses) in servers {
            self.value.append(&server_type.0.to_be_bytes());
            match u8::try_from(addresses.len()) {
                Ok(count) => self.value.append(&[count]),
                Err(_) => self.value.fail(ValueErrorKind::TooLong),
            }
            for address in *addresses {
                self.value.append(&address.octets());
            }
        }
        self.value.close(start);
        self
    }

    /// 9: the menu; the first item is the default.
    pub fn boot_menu(&mut self, items: &[(BootServerType, &[u8])]) -> &mut Self {
        let start = self.value.open(PxeOption::BOOT_MENU.0);
        for (server_type, description) in items {
            self.value.append(&server_type.0.to_be_bytes());
            match u8::try_from(description.len()) {
                Ok(count) => self.value.append(&[count]),
                Err(_) => self.value.fail(ValueErrorKind::TooLong),
            }
            self.value.append(description);
        }
        self.value.close(start);
        self
    }

    /// 10: what is shown before the menu, and for how long.
    pub fn menu_prompt(&mut self, prompt: MenuPrompt<'_>) -> &mut Self {
        let timeout = [prompt.timeout_seconds];
        let pieces = [&timeout[..], prompt.text];
        self.value.put(PxeOption::MENU_PROMPT.0, pieces.into_iter());
        self
    }

    /// 11: multicast addresses for the client's use.
    pub fn multicast_allocation(&mut self, allocation: MulticastAllocation) -> &mut Self {
        let (block, range) = (allocation.block.to_be_bytes(), allocation.range.to_be_bytes());
        let base = allocation.base.octets();
        let pieces = [&base[..], &block[..], &range[..]];
        self.value.put(PxeOption::MULTICAST_ALLOCATION.0, pieces.into_iter());
        self
    }

    /// 71: the menu item asked for or answered.
    pub fn boot_item(&mut self, item: BootItem) -> &mut Self {
        self.push(PxeOption::BOOT_ITEM, &item.to_bytes())
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

impl Default for PxeOptionsBuilder {
    fn default() -> Self {
        Self::new()
    }
}
