//! The header fields of a message to be sent.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::net::Ipv4Addr;

use super::Message;
use crate::error::EncodeError;
use crate::header::{Flags, HardwareType};
use crate::limits::{
    BOOT_FILE_BYTES, BOOT_FILE_BYTES_MAX, HARDWARE_ADDRESS_BYTES_MAX, SERVER_NAME_BYTES,
    SERVER_NAME_BYTES_MAX,
};

impl Message {
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
}

/// Copies a value that fits into a field and zeroes the rest of it.
pub(super) fn fill(field: &mut [u8], value: &[u8]) {
    let mut octets = value.iter().copied();
    field.iter_mut().for_each(|slot| *slot = octets.next().unwrap_or_default());
}
