//! What a client asks for, and whether an answer keeps to it.

use bytes::BufMut as _;

use super::TransferError;
use crate::error::EncodeError;
use crate::limits::{
    BLOCK_SIZE_DEFAULT, BLOCK_SIZE_ETHERNET_IPV6, CLIENT_TRIES_MAX, REQUEST_BYTES_MAX,
};
use crate::options::{OptionsView, name, put_option};
use crate::packet::{Mode, Packet, RequestView};

/// What a [`Client`](super::Client) asks for. Options are sent in the order of the fields here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// [`Mode::Octet`], or [`Mode::Netascii`]: then the chunks are what travelled, for
    /// [`netascii::Decoder`](crate::netascii::Decoder).
    pub mode: Mode,
    /// Whether to ask for the file's size (`tsize`).
    pub ask_size: bool,
    /// Block size to ask for in bytes; without it blocks have 512.
    pub block_size: Option<u16>,
    /// Retransmission timeout to ask for in seconds, and the one used here. 1 without it.
    pub timeout_s: Option<u8>,
    /// Window to ask for in blocks; without it each block is acknowledged.
    pub window_size: Option<u16>,
    /// How often request or acknowledgement are sent without hearing anything.
    pub tries_max: u32,
}

impl Default for ClientConfig {
    /// Octets, the size, blocks that fit an Ethernet over either IP, a window of 16.
    fn default() -> Self {
        Self {
            mode: Mode::Octet,
            ask_size: true,
            block_size: Some(BLOCK_SIZE_ETHERNET_IPV6),
            timeout_s: None,
            window_size: Some(16),
            tries_max: CLIENT_TRIES_MAX,
        }
    }
}

/// What server and client agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) block_size: u16,
    pub(super) window_size: u16,
    pub(super) transfer_size: Option<u64>,
}

impl Agreed {
    /// The server answered without options.
    pub(super) const NOTHING: Self =
        Self { block_size: BLOCK_SIZE_DEFAULT, window_size: 1, transfer_size: None };
}

impl ClientConfig {
    /// The request's datagram.
    pub(super) fn request(&self, file_name: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let mut options = Vec::new();
        let asked = [
            (name::TSIZE, self.ask_size.then_some(0)),
            (name::BLKSIZE, self.block_size.map(u64::from)),
            (name::TIMEOUT, self.timeout_s.map(u64::from)),
            (name::WINDOWSIZE, self.window_size.map(u64::from)),
        ];
        for (name, value) in asked {
            if let Some(value) = value {
                put_option(&mut options, name.as_bytes(), value);
            }
        }
        let request = RequestView::new(file_name, self.mode, OptionsView::parse(&options))?;
        let packet = Packet::ReadRequest(request);
        if packet.encoded_bytes() > REQUEST_BYTES_MAX {
            return Err(EncodeError::RequestTooLong(packet.encoded_bytes()));
        }
        let mut datagram = Vec::with_capacity(packet.encoded_bytes());
        packet.encode(&mut (&mut datagram).limit(REQUEST_BYTES_MAX));
        Ok(datagram)
    }

    /// Checks an OACK: only what was asked, no value larger, `timeout` as it was.
    pub(super) fn agree(&self, answer: OptionsView<'_>) -> Result<Agreed, TransferError> {
        let values = answer.values();
        let agreed = Agreed {
            block_size: values.block_size.unwrap_or(BLOCK_SIZE_DEFAULT),
            window_size: values.window_size.unwrap_or(1),
            transfer_size: values.transfer_size,
        };
        let within =
            |value: Option<u16>, asked: Option<u16>| value.zip(asked).is_some_and(|(v, a)| v <= a);
        let fits = answer.iter().all(|option| {
            if option.is(name::BLKSIZE) {
                within(values.block_size, self.block_size)
            } else if option.is(name::WINDOWSIZE) {
                within(values.window_size, self.window_size)
            } else if option.is(name::TSIZE) {
                self.ask_size && values.transfer_size.is_some()
            } else if option.is(name::TIMEOUT) {
                self.timeout_s.is_some() && values.timeout_s == self.timeout_s
            } else {
                false
            }
        });
        if fits { Ok(agreed) } else { Err(TransferError::OptionNegotiation) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_to_the_question() {
        let config = ClientConfig { timeout_s: Some(3), ..ClientConfig::default() };
        let agree = |options| config.agree(OptionsView::parse(options));
        for fine in [
            &b"blksize\x001448\0"[..],
            b"BlkSize\x00512\0tsize\x0099\0",
            b"windowsize\x001\0timeout\x003\0",
            b"",
        ] {
            assert!(agree(fine).is_ok(), "{}", fine.escape_ascii());
        }
        for refused in [
            &b"blksize\x001449\0"[..],
            b"blksize\x007\0",
            b"blksize\0x\0",
            b"windowsize\x000\0",
            b"windowsize\x0017\0",
            b"timeout\x004\0",
            b"multicast\0\0",
        ] {
            assert!(agree(refused).is_err(), "{}", refused.escape_ascii());
        }
        let bare = ClientConfig { ask_size: false, ..ClientConfig::default() };
        assert!(bare.agree(OptionsView::parse(b"tsize\x009\0")).is_err());
    }

    #[test]
    fn long_names_are_refused() {
        let config = ClientConfig::default();
        assert!(config.request(&[b'a'; 400]).is_ok());
        assert!(matches!(config.request(&[b'a'; 512]), Err(EncodeError::RequestTooLong(_))));
    }
}
