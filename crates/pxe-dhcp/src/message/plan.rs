//! Which options a message has room for, and in which order they leave.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use alloc::vec::Vec;

use super::{Entry, Message, SizeBudget};
use crate::code::OptionCode;
use crate::error::EncodeError;
use crate::header::MessageKind;
use crate::limits::{
    BOOTP_VENDOR_BYTES, HEADER_BYTES, MAGIC_COOKIE, MESSAGE_BYTES_MIN, OPTION_VALUE_BYTES_MAX,
    PAYLOAD_BYTES_MAX,
};

/// The outcome of fitting a message into a budget.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// One bit for each code that stays.
    kept: [u64; 4],
    /// Octets before padding.
    content_bytes: usize,
}

impl Plan {
    pub(super) fn make(message: &Message, budget: SizeBudget) -> Result<Self, EncodeError> {
        let kind = message.kind();
        if kind == MessageKind::Bootp {
            return Ok(Self { kept: [0; 4], content_bytes: HEADER_BYTES });
        }
        let budget_bytes = match kind {
            MessageKind::Dhcp => budget.payload_bytes(),
            _ => bootp_bytes(message),
        };
        // END closes the options.
        let content_bytes = HEADER_BYTES.saturating_add(MAGIC_COOKIE.len()).saturating_add(1);
        let none = Self { kept: [0; 4], content_bytes };
        let mut plan = none.clone();
        for entry in &message.entries {
            check(entry)?;
            if kind == MessageKind::Dhcp || !is_dhcp_only(entry.code) {
                plan.keep(entry);
            }
        }
        if plan.content_bytes > budget_bytes {
            plan.choose(none, message, budget_bytes)?;
        }
        Ok(plan)
    }

    /// Keeps of its options what must stay, then the most wanted. What is too large does not keep smaller ones away.
    fn choose(
        &mut self,
        none: Self,
        message: &Message,
        budget_bytes: usize,
    ) -> Result<(), EncodeError> {
        let all = core::mem::replace(self, none);
        let candidates = message.entries.iter().filter(|entry| all.keeps(entry.code));
        let (mandatory, mut others): (Vec<&Entry>, Vec<&Entry>) =
            candidates.partition(|entry| entry.mandatory);
        for entry in mandatory {
            self.keep(entry);
        }
        if self.content_bytes > budget_bytes {
            let needed_bytes = self.content_bytes;
            return Err(EncodeError::NoRoom { needed_bytes, budget_bytes });
        }
        others.sort_by_key(|entry| least_wanted_last(message, entry.code));
        for entry in others {
            if self.content_bytes.saturating_add(wire_bytes(entry)) <= budget_bytes {
                self.keep(entry);
            }
        }
        Ok(())
    }

    pub(super) fn keeps(&self, code: OptionCode) -> bool {
        let (word, bit) = place(code);
        self.kept.get(word).is_some_and(|kept| kept & bit != 0)
    }

    /// Octets of the whole message.
    pub(super) fn message_bytes(&self) -> usize {
        self.content_bytes.max(MESSAGE_BYTES_MIN)
    }

    pub(super) fn padding_bytes(&self) -> usize {
        self.message_bytes().saturating_sub(self.content_bytes)
    }

    fn keep(&mut self, entry: &Entry) {
        let (word, bit) = place(entry.code);
        if let Some(kept) = self.kept.get_mut(word) {
            *kept |= bit;
        }
        self.content_bytes = self.content_bytes.saturating_add(wire_bytes(entry));
    }
}

/// Orders options by how much they are wanted.
fn least_wanted_last(message: &Message, code: OptionCode) -> (u8, u16) {
    if is_wanted_unasked(code) {
        return (0, output_rank(code));
    }
    match message.requested.iter().position(|&asked| asked == code.0) {
        Some(position) => (1, u16::try_from(position).unwrap_or(u16::MAX)),
        None => (2, output_rank(code)),
    }
}

/// The client's 64 bytes, and what its relay takes out again before the client sees the message (RFC 3046 section
/// 2.1).
fn bootp_bytes(message: &Message) -> usize {
    let is_relays = |entry: &&Entry| entry.code == OptionCode::RELAY_AGENT_INFORMATION;
    let relays = message.entries.iter().find(is_relays).map_or(0, wire_bytes);
    let own = HEADER_BYTES.saturating_add(BOOTP_VENDOR_BYTES);
    own.saturating_add(relays).min(PAYLOAD_BYTES_MAX)
}

/// Options that are never left out: without them the message means something else, or nothing.
pub(super) const fn is_mandatory(code: OptionCode) -> bool {
    matches!(
        code,
        OptionCode::SUBNET_MASK
            | OptionCode::VENDOR_SPECIFIC
            | OptionCode::LEASE_TIME
            | OptionCode::MESSAGE_TYPE
            | OptionCode::SERVER_IDENTIFIER
            | OptionCode::VENDOR_CLASS
            | OptionCode::RELAY_AGENT_INFORMATION
    )
}

/// Where an option stands in the message. 53 is first because relays were seen that drop the message otherwise, 82
/// last by RFC 3046.
pub(super) const fn output_rank(code: OptionCode) -> u16 {
    const MIDDLE: u16 = 0x100;
    const LATE: u16 = 0x200;
    match code {
        OptionCode::MESSAGE_TYPE => 0,
        OptionCode::SERVER_IDENTIFIER => 1,
        OptionCode::LEASE_TIME => 2,
        OptionCode::RENEWAL_TIME => 3,
        OptionCode::REBINDING_TIME => 4,
        OptionCode::SUBNET_MASK => 5,
        OptionCode::ROUTERS => 6,
        OptionCode::DOMAIN_NAME_SERVERS => 7,
        OptionCode::VENDOR_CLASS => LATE,
        OptionCode::MACHINE_ID => LATE | 1,
        OptionCode::VENDOR_SPECIFIC => LATE | 2,
        OptionCode::CLIENT_IDENTIFIER => LATE | 3,
        OptionCode::RELAY_AGENT_INFORMATION => LATE | 4,
        OptionCode(number) => MIDDLE | number as u16,
    }
}

/// Options a client needs though its request list does not name them. HP JetDirect takes no offer without 58 and 59.
const fn is_wanted_unasked(code: OptionCode) -> bool {
    matches!(
        code,
        OptionCode::CLIENT_IDENTIFIER
            | OptionCode::BOOT_FILE_NAME
            | OptionCode::MACHINE_ID
            | OptionCode::RENEWAL_TIME
            | OptionCode::REBINDING_TIME
    )
}

/// Options that only DHCP defines (RFC 2132 section 9), as far as a BOOTP message could hold them.
const fn is_dhcp_only(code: OptionCode) -> bool {
    matches!(code.0, 50..=59 | 61)
}

fn check(entry: &Entry) -> Result<(), EncodeError> {
    let code = entry.code;
    if matches!(code, OptionCode::PAD | OptionCode::END | OptionCode::OVERLOAD) {
        return Err(EncodeError::Reserved(code));
    }
    let bytes = entry.value.len();
    if bytes > OPTION_VALUE_BYTES_MAX && !code.may_split() {
        return Err(EncodeError::ValueTooLong { code, bytes });
    }
    if !code.firmware_length_rule().allows(bytes) {
        return Err(EncodeError::ValueLength { code, bytes });
    }
    Ok(())
}

/// Octets of an option with the heads of all its instances.
fn wire_bytes(entry: &Entry) -> usize {
    let bytes = entry.value.len();
    let heads = bytes.div_ceil(OPTION_VALUE_BYTES_MAX).saturating_mul(2);
    bytes.saturating_add(heads).saturating_add(usize::from(entry.padded))
}

fn place(code: OptionCode) -> (usize, u64) {
    (usize::from(code.0 >> 6), 1_u64.checked_shl(u32::from(code.0 & 63)).unwrap_or_default())
}
