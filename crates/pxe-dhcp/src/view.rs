//! A message as it came: borrowed, checked once, nothing reordered, joined or thrown away.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use alloc::borrow::Cow;
use core::net::Ipv4Addr;

use crate::anomaly::{Anomalies, Anomaly};
use crate::code::OptionCode;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::facts::BootFacts;
use crate::header::{
    BOOT_FILE_OFFSET, Flags, HARDWARE_LENGTH_OFFSET, HardwareType, Header, MessageKind,
    MessageType, Operation, SERVER_NAME_OFFSET,
};
use crate::limits::{HARDWARE_ADDRESS_BYTES_MAX, HEADER_BYTES};
use crate::parse::{self, Step};

/// A BOOTP or DHCPv4 message in the datagram it came in.
///
/// Parsing checks the datagram once; after `Ok` no accessor can fail or panic. Only three things make a
/// datagram undecodable: a header cut short, an unknown `op`, and an `hlen` above 16. Everything else that is
/// odd is kept, and listed by [`anomalies`](Self::anomalies).
#[derive(Clone, Copy)]
pub struct MessageView<'a> {
    datagram: &'a [u8],
    header: Header<'a>,
    operation: Operation,
    kind: MessageKind,
    overload: Overload,
    message_type: Option<MessageType>,
    /// What follows the magic cookie; empty without cookie.
    options: &'a [u8],
}

impl<'a> MessageView<'a> {
    /// Reads a UDP payload as it is met in the field.
    ///
    /// # Errors
    /// The header is cut off, `op` is not 1 or 2, or `hlen` exceeds 16.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        let Some((header, vendor)) = parse::header(datagram) else {
            let kind = DecodeErrorKind::HeaderTruncated;
            return Err(DecodeError { offset: datagram.len(), kind });
        };
        let header = Header::new(header);
        let Some(operation) = Operation::from_octet(header.operation_octet()) else {
            let kind = DecodeErrorKind::Operation(header.operation_octet());
            return Err(DecodeError { offset: 0, kind });
        };
        if usize::from(header.hardware_length()) > HARDWARE_ADDRESS_BYTES_MAX {
            let kind = DecodeErrorKind::HardwareAddressLength(header.hardware_length());
            return Err(DecodeError { offset: HARDWARE_LENGTH_OFFSET, kind });
        }
        let mut view = Self {
            datagram,
            header,
            operation,
            kind: MessageKind::Bootp,
            overload: Overload(0),
            message_type: None,
            options: &[],
        };
        if let Some(options) = parse::after_cookie(vendor) {
            view.options = options;
            view.classify();
        }
        Ok(view)
    }

    /// Reads a UDP payload and accepts no oddity: the first [`Anomaly`] is an error.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse), and every anomaly.
    pub fn parse_strict(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        let view = Self::parse(datagram)?;
        match view.anomalies().next() {
            None => Ok(view),
            Some(Anomaly { offset, kind }) => {
                Err(DecodeError { offset, kind: DecodeErrorKind::Anomaly(kind) })
            }
        }
    }

    /// Everything odd about the message, found while iterating, without allocation.
    #[must_use]
    pub fn anomalies(&self) -> Anomalies<'a> {
        Anomalies::new(self)
    }

    /// The whole datagram.
    #[must_use]
    pub const fn datagram(&self) -> &'a [u8] {
        self.datagram
    }

    /// `op`: request or reply.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// `htype`: the kind of link.
    #[must_use]
    pub const fn hardware_type(&self) -> HardwareType {
        self.header.hardware_type()
    }

    /// The first `hlen` bytes of `chaddr`, at most 16; empty is legal on InfiniBand.
    #[must_use]
    pub fn hardware_address(&self) -> &'a [u8] {
        let field = self.header.hardware_field();
        field.get(..usize::from(self.header.hardware_length())).unwrap_or(field)
    }

    /// `hops`: relays passed.
    #[must_use]
    pub const fn hops(&self) -> u8 {
        self.header.hops()
    }

    /// `xid`. Clients collide in it; it does not identify one alone.
    #[must_use]
    pub const fn transaction_id(&self) -> u32 {
        self.header.transaction_id()
    }

    /// `secs`. Not seconds in practice: iPXE stores bits here, Windows swaps the bytes.
    #[must_use]
    pub const fn seconds(&self) -> u16 {
        self.header.seconds()
    }

    /// `flags`.
    #[must_use]
    pub const fn flags(&self) -> Flags {
        self.header.flags()
    }

    /// `ciaddr`: the address the client already uses, or 0.0.0.0.
    #[must_use]
    pub const fn client_address(&self) -> Ipv4Addr {
        self.header.client_address()
    }

    /// `yiaddr`: the address given to the client, or 0.0.0.0.
    #[must_use]
    pub const fn your_address(&self) -> Ipv4Addr {
        self.header.your_address()
    }

    /// `siaddr`: the server of the next step, or 0.0.0.0.
    #[must_use]
    pub const fn server_address(&self) -> Ipv4Addr {
        self.header.server_address()
    }

    /// `giaddr`: the relay that passed the message on, or 0.0.0.0.
    #[must_use]
    pub const fn relay_address(&self) -> Ipv4Addr {
        self.header.relay_address()
    }

    /// `sname` up to its first NUL; empty when option 52 puts options there.
    #[must_use]
    pub fn server_name(&self) -> &'a [u8] {
        match self.overload.has(Area::ServerName) {
            true => &[],
            false => up_to_nul(self.header.server_name_field()),
        }
    }

    /// `file` up to its first NUL; empty when option 52 puts options there.
    #[must_use]
    pub fn boot_file(&self) -> &'a [u8] {
        match self.overload.has(Area::BootFile) {
            true => &[],
            false => up_to_nul(self.header.boot_file_field()),
        }
    }

    /// The vendor area behind the header, magic cookie included, as opaque bytes.
    #[must_use]
    pub fn vendor_area(&self) -> &'a [u8] {
        self.datagram.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// BOOTP, BOOTP with options, or DHCP.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Option 53; none in BOOTP messages, and if its first instance that is not empty has a length other than 1.
    #[must_use]
    pub const fn message_type(&self) -> Option<MessageType> {
        self.message_type
    }

    /// The options in wire order, repeats kept: those of the options area, then those of `file` and `sname` as
    /// far as option 52 says that they hold options (RFC 2131 section 4.1).
    #[must_use]
    pub fn options(&self) -> Options<'a> {
        Options { walk: Walk::new(self) }
    }

    /// The first instance of an option.
    #[must_use]
    pub fn first(&self, code: OptionCode) -> Option<&'a [u8]> {
        self.options().find(|option| option.code == code).map(|option| option.value)
    }

    /// The values of all instances of an option, in order; together they are its value (RFC 3396).
    pub fn parts(&self, code: OptionCode) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.options().filter(move |option| option.code == code).map(|option| option.value)
    }

    /// An option's value, joined over all its instances (RFC 3396). Allocates only if there are several.
    #[must_use]
    pub fn option(&self, code: OptionCode) -> Option<Cow<'a, [u8]>> {
        let mut parts = self.parts(code);
        let mut value = Cow::Borrowed(parts.next()?);
        for part in parts {
            value.to_mut().extend_from_slice(part);
        }
        Some(value)
    }

    /// What a boot server wants to know of a request, in one pass and without allocation.
    #[must_use]
    pub fn boot_facts(&self) -> BootFacts<'a> {
        BootFacts::read(self)
    }

    /// Finds what the accessors rely on: overload and message type.
    fn classify(&mut self) {
        self.kind = MessageKind::BootpVendor;
        let mut rest = self.options;
        let mut overload: Option<&[u8]> = None;
        let mut message_type: Option<&[u8]> = None;
        // An empty instance adds nothing to the joined value, so the next one counts.
        while let (after, Step::Option { code, value }) = parse::step(rest) {
            rest = after;
            match OptionCode(code) {
                OptionCode::MESSAGE_TYPE if message_type.is_none_or(<[u8]>::is_empty) => {
                    message_type = Some(value);
                }
                OptionCode::OVERLOAD if overload.is_none_or(<[u8]>::is_empty) => {
                    overload = Some(value);
                }
                _ => {}
            }
        }
        if let Some(&[bits]) = overload {
            self.overload = Overload::from_octet(bits);
        }
        if message_type.is_none_or(<[u8]>::is_empty) && self.overload != Overload(0) {
            let mut parts = self.parts(OptionCode::MESSAGE_TYPE);
            message_type = parts
                .find(|part| !part.is_empty())
                .or_else(|| self.first(OptionCode::MESSAGE_TYPE));
        }
        if let Some(value) = message_type {
            self.kind = MessageKind::Dhcp;
            if let &[number] = value {
                self.message_type = Some(MessageType(number));
            }
        }
    }
}

/// A part of the datagram that can hold options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Area {
    /// Behind the magic cookie.
    Options,
    /// The header field `file`, when option 52 is 1 or 3.
    BootFile,
    /// The header field `sname`, when option 52 is 2 or 3.
    ServerName,
}

/// One option as it stands in the datagram.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawOption<'a> {
    /// Its code.
    pub code: OptionCode,
    /// The value of this instance.
    pub value: &'a [u8],
    /// Where it stands.
    pub area: Area,
    /// Offset of its code octet from the start of the datagram, in bytes.
    pub offset: usize,
}

/// The options of a message in wire order; see [`MessageView::options`].
#[derive(Clone)]
pub struct Options<'a> {
    walk: Walk<'a>,
}

impl<'a> Iterator for Options<'a> {
    type Item = RawOption<'a>;

    #[inline]
    fn next(&mut self) -> Option<RawOption<'a>> {
        loop {
            let (offset, step) = self.walk.step();
            match step {
                Step::Option { code, value } => {
                    let area = self.walk.area;
                    return Some(RawOption { code: OptionCode(code), value, area, offset });
                }
                _ if self.walk.next_area() => {}
                _ => {
                    self.walk.rest = &[];
                    return None;
                }
            }
        }
    }
}

/// A position in the areas of a message.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    /// The area `rest` belongs to.
    pub(crate) area: Area,
    /// What is left of the area.
    pub(crate) rest: &'a [u8],
    /// Where the area ends, in bytes from the start of the datagram.
    area_end: usize,
    overload: Overload,
    header: Header<'a>,
}

impl<'a> Walk<'a> {
    pub(crate) const fn new(view: &MessageView<'a>) -> Self {
        Self {
            area: Area::Options,
            rest: view.options,
            area_end: view.datagram.len(),
            overload: view.overload,
            header: view.header,
        }
    }

    /// Offset of what is left, in bytes from the start of the datagram.
    pub(crate) const fn offset(&self) -> usize {
        self.area_end.saturating_sub(self.rest.len())
    }

    /// Takes the next step within the area; with it comes the offset of the option's code.
    #[inline]
    pub(crate) fn step(&mut self) -> (usize, Step<'a>) {
        let (rest, step) = parse::step(self.rest);
        self.rest = rest;
        let offset = match step {
            // An option's head is its code and length octets.
            Step::Option { value, .. } => {
                self.offset().saturating_sub(value.len()).saturating_sub(2)
            }
            Step::End => self.offset().saturating_sub(1),
            Step::Exhausted | Step::Truncated { .. } => self.offset(),
        };
        (offset, step)
    }

    /// Goes on to the next area that holds options; false if there is none.
    pub(crate) fn next_area(&mut self) -> bool {
        let after_options = self.area == Area::Options;
        if after_options && self.overload.has(Area::BootFile) {
            self.area = Area::BootFile;
            self.rest = self.header.boot_file_field();
            self.area_end = HEADER_BYTES;
            return true;
        }
        if self.area != Area::ServerName && self.overload.has(Area::ServerName) {
            self.area = Area::ServerName;
            self.rest = self.header.server_name_field();
            self.area_end = BOOT_FILE_OFFSET;
            return true;
        }
        false
    }
}

const _: () = assert!(SERVER_NAME_OFFSET < BOOT_FILE_OFFSET);

/// Which header fields hold options: the bits of option 52, none if its value is not 1, 2 or 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overload(u8);

impl Overload {
    const fn from_octet(octet: u8) -> Self {
        match octet {
            1..=3 => Self(octet),
            _ => Self(0),
        }
    }

    pub(crate) const fn has(self, area: Area) -> bool {
        match area {
            Area::Options => true,
            Area::BootFile => self.0 & 1 != 0,
            Area::ServerName => self.0 & 2 != 0,
        }
    }
}

fn up_to_nul(field: &[u8]) -> &[u8] {
    let length = field.iter().position(|&octet| octet == 0).unwrap_or(field.len());
    field.get(..length).unwrap_or(field)
}
