//! BOOTP and DHCP bytes as firmware reads and writes them. Deliberately not built on `pxe-dhcp`:
//! a model that shared its codec with the server under test would share its mistakes.

use std::net::Ipv4Addr;

/// Offsets and lengths of RFC 951 and RFC 2131, as every C source has them.
const HEADER_BYTES: usize = 236;
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const OPTIONS_OFFSET: usize = HEADER_BYTES + COOKIE.len();
const PAD: u8 = 0;
const END: u8 = 255;

/// Option 53: DISCOVER.
pub const DISCOVER: u8 = 1;
/// Option 53: OFFER.
pub const OFFER: u8 = 2;
/// Option 53: REQUEST.
pub const REQUEST: u8 = 3;
/// Option 53: ACK.
pub const ACK: u8 = 5;
/// Option 53: NAK.
pub const NAK: u8 = 6;

/// A message under construction; options stand in the order they were added.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A message of `operation` 1 (request) or 2 (reply) for an Ethernet client.
    #[must_use]
    pub fn new(operation: u8, transaction_id: u32, hardware_address: &[u8]) -> Self {
        let mut bytes = vec![0; OPTIONS_OFFSET];
        bytes[0] = operation;
        bytes[1] = 1;
        bytes[2] = hardware_address.len() as u8;
        bytes[4..8].copy_from_slice(&transaction_id.to_be_bytes());
        bytes[28..28 + hardware_address.len()].copy_from_slice(hardware_address);
        bytes[HEADER_BYTES..].copy_from_slice(&COOKIE);
        Self { bytes }
    }

    /// Sets the broadcast flag.
    #[must_use]
    pub fn broadcast(mut self) -> Self {
        self.bytes[10] |= 0x80;
        self
    }

    /// Sets `secs`.
    #[must_use]
    pub fn seconds(mut self, seconds: u16) -> Self {
        self.bytes[8..10].copy_from_slice(&seconds.to_be_bytes());
        self
    }

    /// Sets `ciaddr`.
    #[must_use]
    pub fn client_address(self, address: Ipv4Addr) -> Self {
        self.address(12, address)
    }

    /// Sets `yiaddr`.
    #[must_use]
    pub fn your_address(self, address: Ipv4Addr) -> Self {
        self.address(16, address)
    }

    /// Sets `siaddr`.
    #[must_use]
    pub fn server_address(self, address: Ipv4Addr) -> Self {
        self.address(20, address)
    }

    /// Sets `giaddr`.
    #[must_use]
    pub fn relay_address(self, address: Ipv4Addr) -> Self {
        self.address(24, address)
    }

    /// Sets the header's `file`, cut at 127 bytes.
    #[must_use]
    pub fn boot_file(mut self, name: &[u8]) -> Self {
        let length = name.len().min(127);
        self.bytes[108..108 + length].copy_from_slice(&name[..length]);
        self
    }

    /// Adds an option.
    #[must_use]
    pub fn option(mut self, code: u8, value: &[u8]) -> Self {
        self.bytes.push(code);
        self.bytes.push(value.len() as u8);
        self.bytes.extend_from_slice(value);
        self
    }

    /// Ends the options and pads to `length` bytes.
    #[must_use]
    pub fn finish(mut self, length: usize) -> Vec<u8> {
        self.bytes.push(END);
        if self.bytes.len() < length {
            self.bytes.resize(length, PAD);
        }
        self.bytes
    }

    fn address(mut self, offset: usize, address: Ipv4Addr) -> Self {
        self.bytes[offset..offset + 4].copy_from_slice(&address.octets());
        self
    }
}

/// A received message; at least a header and the cookie.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// `None` if the header or the cookie is missing.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.get(HEADER_BYTES..OPTIONS_OFFSET)? == COOKIE).then_some(Self { bytes })
    }

    /// The whole message.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// `op`.
    #[must_use]
    pub fn operation(&self) -> u8 {
        self.bytes[0]
    }

    /// `hops`.
    #[must_use]
    pub fn hops(&self) -> u8 {
        self.bytes[3]
    }

    /// `xid`.
    #[must_use]
    pub fn transaction_id(&self) -> u32 {
        u32::from_be_bytes([self.bytes[4], self.bytes[5], self.bytes[6], self.bytes[7]])
    }

    /// The broadcast flag.
    #[must_use]
    pub fn broadcast(&self) -> bool {
        self.bytes[10] & 0x80 != 0
    }

    /// `ciaddr`.
    #[must_use]
    pub fn client_address(&self) -> Ipv4Addr {
        self.address(12)
    }

    /// `yiaddr`.
    #[must_use]
    pub fn your_address(&self) -> Ipv4Addr {
        self.address(16)
    }

    /// `siaddr`.
    #[must_use]
    pub fn server_address(&self) -> Ipv4Addr {
        self.address(20)
    }

    /// `giaddr`.
    #[must_use]
    pub fn relay_address(&self) -> Ipv4Addr {
        self.address(24)
    }

    /// As many bytes of `chaddr` as `hlen` says, at most 16.
    #[must_use]
    pub fn hardware_address(&self) -> &'a [u8] {
        &self.bytes[28..28 + usize::from(self.bytes[2]).min(16)]
    }

    /// `sname` up to its NUL.
    #[must_use]
    pub fn server_name(&self) -> &'a [u8] {
        up_to_nul(&self.bytes[44..108])
    }

    /// `file` up to its NUL.
    #[must_use]
    pub fn boot_file(&self) -> &'a [u8] {
        up_to_nul(&self.bytes[108..HEADER_BYTES])
    }

    /// The options in wire order until END or the first that does not fit.
    pub fn options(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        Tlv { rest: &self.bytes[OPTIONS_OFFSET..], ended: false }
    }

    /// The first option with this code.
    #[must_use]
    pub fn option(&self, code: u8) -> Option<&'a [u8]> {
        self.options().find(|(found, _)| *found == code).map(|(_, value)| value)
    }

    /// Option 53.
    #[must_use]
    pub fn message_type(&self) -> Option<u8> {
        self.option(53)?.first().copied()
    }

    /// Option 54.
    #[must_use]
    pub fn server_identifier(&self) -> Option<Ipv4Addr> {
        Some(Ipv4Addr::from(<[u8; 4]>::try_from(self.option(54)?).ok()?))
    }

    /// Whether option 60 begins with `prefix`.
    #[must_use]
    pub fn has_class(&self, prefix: &[u8]) -> bool {
        self.option(60).is_some_and(|class| class.starts_with(prefix))
    }

    /// Whether END was found where it should be.
    #[must_use]
    pub fn has_end(&self) -> bool {
        let mut options = Tlv { rest: &self.bytes[OPTIONS_OFFSET..], ended: false };
        for _ in options.by_ref() {}
        options.ended
    }

    fn address(&self, offset: usize) -> Ipv4Addr {
        let at = &self.bytes[offset..];
        Ipv4Addr::new(at[0], at[1], at[2], at[3])
    }
}

/// The sub-options of an encapsulated space (option 43, option 175).
pub fn sub_options(value: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    Tlv { rest: value, ended: false }
}

/// A sub-option of an encapsulated space.
#[must_use]
pub fn sub_option(value: &[u8], code: u8) -> Option<&[u8]> {
    sub_options(value).find(|(found, _)| *found == code).map(|(_, value)| value)
}

/// Everything before the first NUL.
#[must_use]
pub fn up_to_nul(field: &[u8]) -> &[u8] {
    let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    &field[..length]
}

struct Tlv<'a> {
    rest: &'a [u8],
    ended: bool,
}

impl<'a> Iterator for Tlv<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.rest {
                [] => return None,
                [PAD, rest @ ..] => self.rest = rest,
                [END, ..] => {
                    self.rest = &[];
                    self.ended = true;
                    return None;
                }
                [code, rest @ ..] => {
                    let (length, rest) = rest.split_first()?;
                    let length = usize::from(*length);
                    if rest.len() < length {
                        self.rest = &[];
                        return None;
                    }
                    let (value, rest) = rest.split_at(length);
                    self.rest = rest;
                    return Some((*code, value));
                }
            }
        }
    }
}
