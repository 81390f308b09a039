//! Hardware addresses, copied out of messages.

use core::fmt;

use crate::MessageView;
use crate::limits::HARDWARE_ADDRESS_BYTES_MAX;

/// A hardware address of up to 16 bytes, copied out of a message. Displays as
/// `52:54:00:aa:00:01`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HardwareAddress {
    bytes: [u8; HARDWARE_ADDRESS_BYTES_MAX],
    length: u8,
}

impl HardwareAddress {
    pub(in crate::respond) fn of(view: &MessageView<'_>) -> Self {
        Self::new(view.hardware_address())
    }

    /// The first 16 of `address`.
    pub(in crate::respond) fn new(address: &[u8]) -> Self {
        let mut bytes = [0; HARDWARE_ADDRESS_BYTES_MAX];
        let mut length = 0;
        for (to, from) in bytes.iter_mut().zip(address) {
            *to = *from;
            length += 1;
        }
        Self { bytes, length }
    }

    /// The address, 0 to 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.as_bytes().iter().enumerate() {
            let separator = if position == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
