//! Menu and boot servers of the PXE space: options 8, 9 and 10 inside option 43.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::fmt;

use crate::error::{ValueError, ValueErrorKind};
use crate::options::AddressList;
use crate::parse;

/// The type of a boot server (PXE 2.1). The registry's names differ between publications of the
/// specification; only the two with a meaning for the protocol are named here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootServerType(
    /// The number on the wire.
    pub u16,
);

impl BootServerType {
    /// 0: boot from the local disk; no server is asked.
    pub const LOCAL_BOOT: Self = Self(0);
    /// 0x8000: the first number free for a vendor's own use.
    pub const VENDOR_FIRST: Self = Self(0x8000);
    /// 0xffff: the PXE API test server.
    pub const API_TEST: Self = Self(0xffff);
}

impl fmt::Debug for BootServerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

/// PXE option 8: the boot servers of each type. A truncated entry ends the walk.
#[derive(Clone, PartialEq, Eq)]
pub struct BootServers<'a>(&'a [u8]);

/// One entry of PXE option 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootServer<'a> {
    /// The type these servers are of.
    pub server_type: BootServerType,
    /// Their addresses; none means that any server of the type may answer.
    pub addresses: AddressList<'a>,
}

impl<'a> BootServers<'a> {
    pub(crate) const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    fn entry(&self) -> Option<(BootServer<'a>, &'a [u8])> {
        let (&[high, low, count], rest) = self.0.split_first_chunk()?;
        let (addresses, rest) = rest.split_at_checked(usize::from(count).checked_mul(4)?)?;
        let server_type = BootServerType(u16::from_be_bytes([high, low]));
        Some((BootServer { server_type, addresses: AddressList::new(addresses) }, rest))
    }
}

impl<'a> Iterator for BootServers<'a> {
    type Item = BootServer<'a>;

    fn next(&mut self) -> Option<BootServer<'a>> {
        let (server, rest) = self.entry()?;
        self.0 = rest;
        Some(server)
    }
}

impl fmt::Debug for BootServers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// PXE option 9: the menu, first item the default. A truncated item ends the walk.
#[derive(Clone, PartialEq, Eq)]
pub struct BootMenu<'a>(&'a [u8]);

/// One item of a menu.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MenuItem<'a> {
    /// The type of the boot servers that offer it.
    pub server_type: BootServerType,
    /// What the user sees.
    pub description: &'a [u8],
}

impl<'a> BootMenu<'a> {
    pub(crate) const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    fn item(&self) -> Option<(MenuItem<'a>, &'a [u8])> {
        let (&[high, low], rest) = self.0.split_first_chunk()?;
        let (description, rest) = parse::counted_value(rest)?;
        let server_type = BootServerType(u16::from_be_bytes([high, low]));
        Some((MenuItem { server_type, description }, rest))
    }
}

impl<'a> Iterator for BootMenu<'a> {
    type Item = MenuItem<'a>;

    fn next(&mut self) -> Option<MenuItem<'a>> {
        let (item, rest) = self.item()?;
        self.0 = rest;
        Some(item)
    }
}

impl fmt::Debug for BootMenu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl fmt::Debug for MenuItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} \"{}\"", self.server_type, self.description.escape_ascii())
    }
}

/// PXE option 10: what is shown before the menu, and for how long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MenuPrompt<'a> {
    /// Seconds until the first item is taken: 0 takes it at once, 255 shows the menu and waits.
    pub timeout_seconds: u8,
    /// What the user sees.
    pub text: &'a [u8],
}

impl<'a> MenuPrompt<'a> {
    /// Reads the value of option 10.
    ///
    /// # Errors
    /// The value is empty.
    pub const fn decode(value: &'a [u8]) -> Result<Self, ValueError> {
        match value {
            [timeout_seconds, text @ ..] => Ok(Self { timeout_seconds: *timeout_seconds, text }),
            [] => Err(ValueError::new(0, ValueErrorKind::Length(0))),
        }
    }
}

impl fmt::Debug for MenuPrompt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s \"{}\"", self.timeout_seconds, self.text.escape_ascii())
    }
}

pub(crate) fn check_servers(value: &[u8]) -> Result<(), ValueErrorKind> {
    let mut servers = BootServers::new(value);
    servers.by_ref().for_each(drop);
    if servers.0.is_empty() { Ok(()) } else { Err(ValueErrorKind::Truncated) }
}

pub(crate) fn check_menu(value: &[u8]) -> Result<(), ValueErrorKind> {
    let mut items = BootMenu::new(value);
    items.by_ref().for_each(drop);
    if items.0.is_empty() { Ok(()) } else { Err(ValueErrorKind::Truncated) }
}
