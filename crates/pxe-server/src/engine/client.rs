//! Who a step of a boot is about.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// Who an event is about: the hardware address if it is known, else the address it asked from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientId {
    /// Ethernet address.
    Mac([u8; 6]),
    /// Hardware address of another length (a SMBIOS GUID, InfiniBand), its first 16 bytes.
    Hardware([u8; 16], u8),
    /// Nothing but the address a file was asked from.
    Address(IpAddr),
}

impl ClientId {
    /// From `chaddr`; `None` when it is empty.
    pub fn from_hardware_address(bytes: &[u8]) -> Option<Self> {
        if let Ok(mac) = <[u8; 6]>::try_from(bytes) {
            return Some(Self::Mac(mac));
        }
        let len = bytes.len().min(16);
        let mut address = [0; 16];
        address[..len].copy_from_slice(&bytes[..len]);
        (len > 0).then(|| Self::Hardware(address, u8::try_from(len).unwrap_or(16)))
    }

    /// Its `chaddr`, if that is known.
    pub fn hardware_address(&self) -> Option<&[u8]> {
        match self {
            Self::Mac(mac) => Some(mac),
            Self::Hardware(address, len) => address.get(..usize::from(*len)),
            Self::Address(_) => None,
        }
    }
}

impl FromStr for ClientId {
    type Err = NoClient;

    /// As it is written by [`Display`](fmt::Display); a hardware address also with `-` or in capitals.
    fn from_str(text: &str) -> Result<Self, NoClient> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let mut bytes = Vec::with_capacity(16);
        for part in text.split([':', '-']) {
            if part.len() != 2 || bytes.len() == 16 {
                return Err(NoClient);
            }
            bytes.push(u8::from_str_radix(part, 16).map_err(|_| NoClient)?);
        }
        Self::from_hardware_address(&bytes).ok_or(NoClient)
    }
}

/// A text that names no machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a hardware address (52:54:00:aa:00:01) nor an IP address")]
pub struct NoClient;

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Address(address) = self {
            return address.fmt(f);
        }
        for (index, byte) in self.hardware_address().unwrap_or_default().iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

/// A hardware address as names of files have it: `52-54-00-aa-00-01`.
pub fn hyphenated(mac: [u8; 6]) -> String {
    ClientId::Mac(mac).to_string().replace(':', "-")
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_written_as_people_write_it() {
        let client = ClientId::from_hardware_address(&[0x52, 0x54, 0, 0xaa, 0, 1]);
        assert_eq!(client.expect("an address").to_string(), "52:54:00:aa:00:01");
        assert_eq!(ClientId::from_hardware_address(&[]), None);
        for text in
            ["52:54:00:aa:00:01", "192.0.2.7", "2001:db8::1", "01:02", "00:01:02:03:04:05:06:07:08"]
        {
            assert_eq!(text.parse::<ClientId>().expect("a client").to_string(), text);
        }
        assert_eq!("52-54-00-AA-00-01".parse(), Ok(client.expect("an address")));
        for text in ["", "x", "5:2", "52:54:", "fe:dc:ba:98:76:54:32:10:fe:dc:ba:98:76:54:32:10:00"]
        {
            assert_eq!(text.parse::<ClientId>(), Err(NoClient), "{text}");
        }
    }
}
