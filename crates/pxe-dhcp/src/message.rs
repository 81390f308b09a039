//! A message to be sent: owned, reusable, encoded in one fixed order within a budget.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod budget;
mod encode;
mod header;
mod plan;

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::ops::Range;

use crate::code::OptionCode;
use crate::header::{Flags, HardwareType, MessageKind, MessageType, Operation};
use crate::limits::{BOOT_FILE_BYTES, HARDWARE_ADDRESS_BYTES_MAX, SERVER_NAME_BYTES};
use crate::view::MessageView;
pub use budget::SizeBudget;
use header::fill;

/// A BOOTP or DHCPv4 message to be sent.
///
/// Whatever the order of the calls, options leave in one order that suits firmware and relays: 53, 54, 51, 58, 59,
/// 1, 3, 6, the rest by number, then 60, 97, 43, 61, 82 and END. Options never go into `file` and `sname`, an
/// empty value is an error, and the message is padded to 300 bytes.
///
/// A message with option 53 is DHCP. Without it, it is BOOTP: its vendor area is exactly 64 bytes long and holds
/// none of the options that only DHCP defines (50 to 59 and 61). Option 82 comes on top of them, since the relay that
/// wants it back takes it out. Answers to clients that sent no magic cookie have neither cookie nor options.
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
    #[must_use]
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
    #[must_use]
    pub fn reply_to(request: &MessageView<'_>, message_type: MessageType) -> Self {
        let mut reply = Self::new(Operation::BootReply);
        reply.reset_reply_to(request, message_type);
        reply
    }

    /// A BOOTP reply as [`reset_bootp_reply_to`](Self::reset_bootp_reply_to) begins it.
    #[must_use]
    pub fn bootp_reply_to(request: &MessageView<'_>) -> Self {
        let mut reply = Self::new(Operation::BootReply);
        reply.reset_bootp_reply_to(request);
        reply
    }

    /// A message that says what another said: its header, and its options joined (RFC 3396) and put in this type's
    /// order. Options in `file` and `sname` move to the options area; empty ones are left out.
    #[must_use]
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
    /// options 61 (RFC 6842) and 82 (RFC 3046) if the request has them with a usable length.
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

    /// Sets an option. A value that was set before is replaced; its bytes stay in the buffer until a reset.
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

    /// Sets a string option and ends it with a NUL inside its length, unless it has one. EDK2 writes a NUL behind the
    /// value of option 67, onto the next option; other clients read on until they find one.
    pub fn push_terminated(&mut self, code: OptionCode, text: &[u8]) -> &mut Self {
        self.push_with(code, |values| {
            values.extend_from_slice(text);
            if text.last() != Some(&0) {
                values.push(0);
            }
        })
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
    #[must_use]
    pub fn value(&self, code: OptionCode) -> Option<&[u8]> {
        let entry = self.entries.iter().find(|entry| entry.code == code)?;
        self.values.get(entry.value.clone())
    }

    /// Whether the message is DHCP, BOOTP with options, or BOOTP without.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        if !self.cookie {
            MessageKind::Bootp
        } else if self.value(OptionCode::MESSAGE_TYPE).is_some() {
            MessageKind::Dhcp
        } else {
            MessageKind::BootpVendor
        }
    }

    fn copy_identity(&mut self, view: &MessageView<'_>) {
        self.hardware_type = view.hardware_type();
        self.hardware_length = u8::try_from(view.hardware_address().len()).unwrap_or_default();
        fill(&mut self.hardware_address, view.hardware_address());
        self.transaction_id = view.transaction_id();
        self.relay_address = view.relay_address();
    }

    fn entry_mut(&mut self, code: OptionCode) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.code == code)
    }
}
