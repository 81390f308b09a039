//! A message on its way to the wire.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use bytes::BufMut;

use super::plan::Plan;
use super::{Entry, Message, SizeBudget};
use crate::code::OptionCode;
use crate::error::EncodeError;
use crate::limits::{MAGIC_COOKIE, OPTION_VALUE_BYTES_MAX};
use crate::parse::{END, PAD};

impl Message {
    /// Writes the message and returns its length in bytes.
    ///
    /// When room is short, options are left out: first those the request did not ask for, last in the output order
    /// first; then those it asked for, least wanted first; then 61, 97, 67, 59 and 58. Options 1, 43, 51, 53, 54, 60, 82
    /// and those of [`push_mandatory`](Self::push_mandatory) always stay. One that is too large to stay does not take
    /// the place of smaller ones that are wanted less.
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
}
