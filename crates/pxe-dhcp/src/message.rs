//! A message to be sent: owned, reusable, encoded in one fixed order within a budget.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod plan;

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::ops::Range;

use bytes::BufMut;

use crate::code::OptionCode;
use crate::error::EncodeError;
use crate::header::{Flags, HardwareType, MessageKind, MessageType, Operation};
use crate::limits::{
    BOOT_FILE_BYTES, BOOT_FILE_BYTES_MAX, DATAGRAM_BYTES_MIN, HARDWARE_ADDRESS_BYTES_MAX,
    IP_UDP_HEADER_BYTES, MAGIC_COOKIE, MESSAGE_BYTES_MIN, OPTION_VALUE_BYTES_MAX,
    PAYLOAD_BYTES_DEFAULT, PAYLOAD_BYTES_MAX, SERVER_NAME_BYTES, SERVER_NAME_BYTES_MAX,
};
use crate::parse::{END, PAD};
use crate::view::MessageView;
use plan::Plan;

/// A BOOTP or DHCPv4 message to be sent.
///
/// Whatever the order of the calls, options leave in one order that suits firmware and relays: 53, 54, 51, 58, 59,
/// 1, 3, 6, the rest by number, then 60, 97, 43, 61, 82 and END. Options never go into `file` and `sname`, an
/// empty value is an error, and the message is padded to 300 bytes.
///
/// A message with option 53 is DHCP. Without it, it is BOOTP: its vendor area is exactly 64 bytes long and holds
/// none of the options that only DHCP defines (50 to 59 and 61).
///
/// The `reset_…` methods keep the buffers, so a message that is used again allocates nothing.
#[derive(Clone, Debug)]
pub struct Message {
    operation: Operation,
    hardware_type: HardwareType,
    hardware_length: u8,
    hops: u8,
    transaction_id: u32,
    seconds: u16,
    flags: Flags,
    client_address: Ipv4Addr,
    your_address: Ipv4Addr,
    server_address: Ipv4Addr,
    relay_address: Ipv4Addr,
    hardware_address: [u8; HARDWARE_ADDRESS_BYTES_MAX],
    server_name: [u8; SERVER_NAME_BYTES],
    boot_file: [u8; BOOT_FILE_BYTES],
    /// False only in answers to clients that sent no magic cookie.
    cookie: bool,
    /// Sorted by output order, at most one for each code.
    entries: Vec<Entry>,
    /// The values the entries point into.
    values: Vec<u8>,
    /// Option 55 of the request: what to keep when room is short.
    requested: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Entry {
    code: OptionCode,
    value: Range<usize>,
    /// One PAD follows the option.
    padded: bool,
    /// Never left out.
    mandatory: bool,
}

impl Message {
    /// An Ethernet message with nothing in it but its operation and the magic cookie.
    pub const fn new(operation: Operation) -> Self {
        Self {
            operation,
            hardware_type: HardwareType::ETHERNET,
            hardware_length: 0,
            hops: 0,
            transaction_id: 0,
            seconds: 0,
            flags: Flags(0),
            client_address: Ipv4Addr::UNSPECIFIED,
            your_address: Ipv4Addr::UNSPECIFIED,
            server_address: Ipv4Addr::UNSPECIFIED,
            relay_address: Ipv4Addr::UNSPECIFIED,
            hardware_address: [0; HARDWARE_ADDRESS_BYTES_MAX],
            server_name: [0; SERVER_NAME_BYTES],
            boot_file: [0; BOOT_FILE_BYTES],
            cookie: true,
            entries: Vec::new(),
            values: Vec::new(),
            requested: Vec::new(),
        }
    }

    /// A reply as [`reset_reply_to`](Self::reset_reply_to) begins it.
    pub fn reply_to(request: &MessageView<'_>, message_type: MessageType) -> Self {
        let mut reply = Self::new(Operation::BootReply);
        reply.reset_reply_to(request, message_type);
        reply
    }

    /// A BOOTP reply as [`reset_bootp_reply_to`](Self::reset_bootp_reply_to) begins it.
    pub fn bootp_reply_to(request: &MessageView<'_>) -> Self {
        let mut reply = Self::new(Operation::BootReply);
        reply.reset_bootp_reply_to(request);
        reply
    }

    /// A message that says what another said: its header, and its options joined (RFC 3396) and put in this type's
    /// order. Options in `file` and `sname` move to the options area; empty ones are left out.
    pub fn from_view(view: &MessageView<'_>) -> Self {
        let mut message = Self::new(view.operation());
        message.copy_identity(view);
        message
            .set_hops(view.hops())
            .set_seconds(view.seconds())
            .set_flags(view.flags())
            .set_client_address(view.client_address())
            .set_your_address(view.your_address())
            .set_server_address(view.server_address());
        fill(&mut message.server_name, view.server_name());
        fill(&mut message.boot_file, view.boot_file());
        message.cookie = view.kind() != MessageKind::Bootp;
        for option in view.options() {
            if option.code != OptionCode::OVERLOAD && message.value(option.code).is_none() {
                message.push_from(view, option.code);
            }
        }
        message
    }

    /// Empties the message, keeping its buffers, and begins a DHCP reply.
    ///
    /// It takes over `htype`, `hlen`, `chaddr`, `xid`, `giaddr` and the broadcast flag, holds option 53, and echoes
    /// options 61 (RFC 6842) and 82 (RFC 3046 section 2.2) if the request has them with a usable length.
    /// Addresses, names, `hops` and `secs` are zero. The request's option 55 decides what is kept when room is short.
    pub fn reset_reply_to(&mut self, request: &MessageView<'_>, message_type: MessageType) {
        self.reset_bootp_reply_to(request);
        self.cookie = true;
        self.requested.clear();
        for part in request.parts(OptionCode::PARAMETER_REQUEST_LIST) {
            self.requested.extend_from_slice(part);
        }
        self.push(OptionCode::MESSAGE_TYPE, &[message_type.0]);
        self.push_from(request, OptionCode::CLIENT_IDENTIFIER);
    }

    /// Empties the message, keeping its buffers, and begins a BOOTP reply: like a DHCP reply, but without options
    /// 53 and 61, and without magic cookie and options if the request has no cookie.
    pub fn reset_bootp_reply_to(&mut self, request: &MessageView<'_>) {
        self.reset(Operation::BootReply);
        self.copy_identity(request);
        self.cookie = request.kind() != MessageKind::Bootp;
        self.set_flags(Flags(request.flags().0 & Flags::BROADCAST.0));
        self.push_from(request, OptionCode::RELAY_AGENT_INFORMATION);
    }

    /// Empties the message, keeping its buffers.
    pub fn reset(&mut self, operation: Operation) {
        let (mut entries, mut values, mut requested) = (
            core::mem::take(&mut self.entries),
            core::mem::take(&mut self.values),
            core::mem::take(&mut self.requested),
        );
        entries.clear();
        values.clear();
        requested.clear();
        *self = Self { entries, values, requested, ..Self::new(operation) };
    }

    /// Sets an option. A value that was set before is replaced.
    pub fn push(&mut self, code: OptionCode, value: &[u8]) -> &mut Self {
        self.push_with(code, |values| values.extend_from_slice(value))
    }

    /// Sets an option to what a function appends to the buffer it is given. It must not shorten the buffer.
    pub fn push_with(&mut self, code: OptionCode, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let start = self.values.len();
        write(&mut self.values);
        let value = start.min(self.values.len())..self.values.len();
        let mandatory = plan::is_mandatory(code);
        let entry = Entry { code, value, padded: false, mandatory };
        let rank = plan::output_rank(code);
        match self.entries.binary_search_by_key(&rank, |entry| plan::output_rank(entry.code)) {
            Ok(at) => {
                if let Some(slot) = self.entries.get_mut(at) {
                    *slot = entry;
                }
            }
            Err(at) => self.entries.insert(at, entry),
        }
        self
    }

    /// Sets an option and puts one PAD behind it, outside its length. Some clients read, or write, one byte past
    /// certain strings (60 `HTTPClient`, 67).
    pub fn push_padded(&mut self, code: OptionCode, value: &[u8]) -> &mut Self {
        self.push(code, value);
        if let Some(entry) = self.entry_mut(code) {
            entry.padded = true;
        }
        self
    }

    /// Sets an option that is never left out for want of room.
    pub fn push_mandatory(&mut self, code: OptionCode, value: &[u8]) -> &mut Self {
        self.push(code, value);
        if let Some(entry) = self.entry_mut(code) {
            entry.mandatory = true;
        }
        self
    }

    /// Sets an option to the joined value it has in another message, byte for byte. Nothing is set if the other
    /// message has none, or one of a length for which firmware would discard the whole reply.
    pub fn push_from(&mut self, view: &MessageView<'_>, code: OptionCode) -> &mut Self {
        let bytes = view.parts(code).map(<[u8]>::len).fold(0, usize::saturating_add);
        if !code.firmware_length_rule().allows(bytes) {
            return self;
        }
        self.push_with(code, |values| {
            view.parts(code).for_each(|part| values.extend_from_slice(part));
        })
    }

    /// Sets an option of one octet.
    pub fn push_octet(&mut self, code: OptionCode, value: u8) -> &mut Self {
        self.push(code, &[value])
    }

    /// Sets an option of 16 bits.
    pub fn push_short(&mut self, code: OptionCode, value: u16) -> &mut Self {
        self.push(code, &value.to_be_bytes())
    }

    /// Sets an option that is a duration in seconds.
    pub fn push_seconds(&mut self, code: OptionCode, value: u32) -> &mut Self {
        self.push(code, &value.to_be_bytes())
    }

    /// Sets an option that is one address or a list of them. No addresses set no option.
    pub fn push_addresses(&mut self, code: OptionCode, addresses: &[Ipv4Addr]) -> &mut Self {
        if addresses.is_empty() {
            return self;
        }
        self.push_with(code, |values| {
            addresses.iter().for_each(|address| values.extend_from_slice(&address.octets()));
        })
    }

    /// Takes an option out again.
    pub fn remove(&mut self, code: OptionCode) -> &mut Self {
        self.entries.retain(|entry| entry.code != code);
        self
    }

    /// The value an option is set to.
    pub fn value(&self, code: OptionCode) -> Option<&[u8]> {
        let entry = self.entries.iter().find(|entry| entry.code == code)?;
        self.values.get(entry.value.clone())
    }

    /// Sets `htype`, `hlen` and `chaddr`.
    ///
    /// # Errors
    /// The address is longer than 16 bytes.
    pub fn set_hardware(
        &mut self,
        hardware_type: HardwareType,
        address: &[u8],
    ) -> Result<&mut Self, EncodeError> {
        if address.len() > HARDWARE_ADDRESS_BYTES_MAX {
            return Err(EncodeError::HardwareAddress(address.len()));
        }
        self.hardware_type = hardware_type;
        self.hardware_length = u8::try_from(address.len()).unwrap_or_default();
        fill(&mut self.hardware_address, address);
        Ok(self)
    }

    /// Sets `hops`.
    pub const fn set_hops(&mut self, hops: u8) -> &mut Self {
        self.hops = hops;
        self
    }

    /// Sets `xid`.
    pub const fn set_transaction_id(&mut self, transaction_id: u32) -> &mut Self {
        self.transaction_id = transaction_id;
        self
    }

    /// Sets `secs`.
    pub const fn set_seconds(&mut self, seconds: u16) -> &mut Self {
        self.seconds = seconds;
        self
    }

    /// Sets `flags`.
    pub const fn set_flags(&mut self, flags: Flags) -> &mut Self {
        self.flags = flags;
        self
    }

    /// Sets `ciaddr`.
    pub const fn set_client_address(&mut self, address: Ipv4Addr) -> &mut Self {
        self.client_address = address;
        self
    }

    /// Sets `yiaddr`.
    pub const fn set_your_address(&mut self, address: Ipv4Addr) -> &mut Self {
        self.your_address = address;
        self
    }

    /// Sets `siaddr`.
    pub const fn set_server_address(&mut self, address: Ipv4Addr) -> &mut Self {
        self.server_address = address;
        self
    }

    /// Sets `giaddr`.
    pub const fn set_relay_address(&mut self, address: Ipv4Addr) -> &mut Self {
        self.relay_address = address;
        self
    }

    /// Sets `sname`, which always ends with a NUL.
    ///
    /// # Errors
    /// The name is longer than 63 bytes or contains a NUL.
    pub fn set_server_name(&mut self, name: &[u8]) -> Result<&mut Self, EncodeError> {
        if name.len() > SERVER_NAME_BYTES_MAX || name.contains(&0) {
            return Err(EncodeError::Name { bytes: name.len(), field_bytes: SERVER_NAME_BYTES });
        }
        fill(&mut self.server_name, name);
        Ok(self)
    }

    /// Sets `file`, which always ends with a NUL.
    ///
    /// # Errors
    /// The name is longer than 127 bytes or contains a NUL.
    pub fn set_boot_file(&mut self, name: &[u8]) -> Result<&mut Self, EncodeError> {
        if name.len() > BOOT_FILE_BYTES_MAX || name.contains(&0) {
            return Err(EncodeError::Name { bytes: name.len(), field_bytes: BOOT_FILE_BYTES });
        }
        fill(&mut self.boot_file, name);
        Ok(self)
    }

    /// Whether the message is DHCP, BOOTP with options, or BOOTP without.
    pub fn kind(&self) -> MessageKind {
        if !self.cookie {
            MessageKind::Bootp
        } else if self.value(OptionCode::MESSAGE_TYPE).is_some() {
            MessageKind::Dhcp
        } else {
            MessageKind::BootpVendor
        }
    }

    /// Writes the message and returns its length in bytes.
    ///
    /// When room is short, options are left out: first those the request did not ask for, last in the output order
    /// first; then those it asked for, least wanted first; then 61, 67 and 97. Options 1, 43, 51, 53, 54, 60, 82
    /// and those of [`push_mandatory`](Self::push_mandatory) always stay.
    ///
    /// # Errors
    /// An option cannot be encoded, the options that must stay do not fit the budget, or the buffer is too small;
    /// nothing is written then.
    pub fn encode(&self, budget: SizeBudget, out: &mut impl BufMut) -> Result<usize, EncodeError> {
        let plan = Plan::make(self, budget)?;
        let needed_bytes = plan.message_bytes();
        let buffer_bytes = out.remaining_mut();
        if buffer_bytes < needed_bytes {
            return Err(EncodeError::BufferTooSmall { needed_bytes, buffer_bytes });
        }
        self.put_header(out);
        if self.cookie {
            out.put_slice(&MAGIC_COOKIE);
            for entry in self.entries.iter().filter(|entry| plan.keeps(entry.code)) {
                self.put_option(entry, out);
            }
            out.put_u8(END);
        }
        out.put_bytes(PAD, plan.padding_bytes());
        Ok(needed_bytes)
    }

    /// The length in bytes that [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode).
    pub fn encoded_bytes(&self, budget: SizeBudget) -> Result<usize, EncodeError> {
        Plan::make(self, budget).map(|plan| plan.message_bytes())
    }

    /// The options that [`encode`](Self::encode) would leave out for want of room.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode).
    pub fn omitted(
        &self,
        budget: SizeBudget,
    ) -> Result<impl Iterator<Item = OptionCode> + '_, EncodeError> {
        let plan = Plan::make(self, budget)?;
        Ok(self.entries.iter().map(|entry| entry.code).filter(move |&code| !plan.keeps(code)))
    }

    fn copy_identity(&mut self, view: &MessageView<'_>) {
        self.hardware_type = view.hardware_type();
        self.hardware_length = u8::try_from(view.hardware_address().len()).unwrap_or_default();
        fill(&mut self.hardware_address, view.hardware_address());
        self.transaction_id = view.transaction_id();
        self.relay_address = view.relay_address();
    }

    fn put_header(&self, out: &mut impl BufMut) {
        out.put_slice(&[
            self.operation.octet(),
            self.hardware_type.0,
            self.hardware_length,
            self.hops,
        ]);
        out.put_u32(self.transaction_id);
        out.put_u16(self.seconds);
        out.put_u16(self.flags.0);
        out.put_slice(&self.client_address.octets());
        out.put_slice(&self.your_address.octets());
        out.put_slice(&self.server_address.octets());
        out.put_slice(&self.relay_address.octets());
        out.put_slice(&self.hardware_address);
        out.put_slice(&self.server_name);
        out.put_slice(&self.boot_file);
    }

    fn put_option(&self, entry: &Entry, out: &mut impl BufMut) {
        let value = self.values.get(entry.value.clone()).unwrap_or_default();
        for part in value.chunks(OPTION_VALUE_BYTES_MAX) {
            out.put_u8(entry.code.0);
            out.put_u8(u8::try_from(part.len()).unwrap_or_default());
            out.put_slice(part);
        }
        if entry.padded {
            out.put_u8(PAD);
        }
    }

    fn entry_mut(&mut self, code: OptionCode) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.code == code)
    }
}

/// How long a message may be: octets of UDP payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SizeBudget {
    payload_bytes: usize,
}

impl SizeBudget {
    /// The budget for an answer to a request with this option 57.
    ///
    /// Option 57 counts the IP datagram. It is taken as at least 576 (RFC 2132 section 9.10), and the payload is
    /// at most 1472 bytes: clients announce more than they accept. Without option 57 it is 548 bytes.
    pub fn for_request(max_message_size: Option<u16>) -> Self {
        let payload_bytes = match max_message_size {
            Some(datagram_bytes) => usize::from(datagram_bytes)
                .max(DATAGRAM_BYTES_MIN)
                .saturating_sub(IP_UDP_HEADER_BYTES)
                .min(PAYLOAD_BYTES_MAX),
            None => PAYLOAD_BYTES_DEFAULT,
        };
        Self { payload_bytes }
    }

    /// A budget of so many octets of UDP payload, at least 300: shorter messages are padded anyway.
    pub fn of_payload(payload_bytes: usize) -> Self {
        Self { payload_bytes: payload_bytes.max(MESSAGE_BYTES_MIN) }
    }

    /// Octets of UDP payload.
    pub const fn payload_bytes(self) -> usize {
        self.payload_bytes
    }
}

impl Default for SizeBudget {
    fn default() -> Self {
        Self { payload_bytes: PAYLOAD_BYTES_DEFAULT }
    }
}

/// Copies a value that fits into a field and zeroes the rest of it.
fn fill(field: &mut [u8], value: &[u8]) {
    let mut octets = value.iter().copied();
    field.iter_mut().for_each(|slot| *slot = octets.next().unwrap_or_default());
}
