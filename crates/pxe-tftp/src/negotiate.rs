//! Option negotiation (RFC 2347) as one pure function: what the client asked for and what we allow give what is
//! used and the OACK that says so.
//!
//! EDK2, U-Boot, PXELINUX and tftp-hpa's client abort on an OACK that holds an option they did not ask for or a
//! value above theirs, and EDK2 and U-Boot on another `timeout` than theirs. curl aborts on `tsize 0`.

use core::fmt;

use crate::limits::{
    BLOCK_SIZE_DEFAULT, BLOCK_SIZE_MAX, BLOCK_SIZE_MIN, NETASCII_WINDOW_SIZE_MAX, WINDOW_BYTES_MAX,
    WINDOW_SIZE_MAX,
};
use crate::options::{self, DIGITS_MAX, OptionsView, name};
use crate::packet::{Mode, opcode};

/// What a server agrees to at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NegotiationLimits {
    /// Largest block size in bytes. Smaller values than 8 count as 8.
    pub block_size_max: u16,
    /// Largest window in blocks. 0 counts as 1.
    pub window_size_max: u16,
    /// Most payload of one window in bytes; a window has at least one block nevertheless.
    pub window_bytes_max: u32,
}

impl Default for NegotiationLimits {
    fn default() -> Self {
        Self {
            block_size_max: BLOCK_SIZE_MAX,
            window_size_max: WINDOW_SIZE_MAX,
            window_bytes_max: WINDOW_BYTES_MAX,
        }
    }
}

/// Outcome of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// Bytes of every block but the last.
    pub block_size: u16,
    /// Blocks sent without waiting for an acknowledgement.
    pub window_size: u16,
    /// Retransmission timeout that the client asked for, in seconds.
    pub timeout_s: Option<u8>,
    /// The `tsize` answered, in bytes.
    pub transfer_size: Option<u64>,
    option_ack: OptionAck,
}

impl Negotiated {
    /// The OACK to send, a whole datagram; none if there is nothing to answer: then DATA 1 is the answer.
    #[must_use]
    pub fn option_ack(&self) -> Option<&[u8]> {
        self.option_ack.datagram()
    }
}

/// Negotiates a read request's options for content of `size` bytes.
///
/// The answer holds only what was asked, in the order and spelling of the request. Values only shrink;
/// `timeout` is echoed; `tsize` is left out if it would be 0 or if the mode is netascii, where the number of
/// bytes sent is not known. Broken values count as not asked, and of repeated options the first counts.
#[must_use]
pub fn negotiate(
    options: OptionsView<'_>,
    mode: Mode,
    size: u64,
    limits: &NegotiationLimits,
) -> Negotiated {
    let asked = options.values();
    let block_size_max = limits.block_size_max.clamp(BLOCK_SIZE_MIN, BLOCK_SIZE_MAX);
    let block_size = asked.block_size.map(|size| size.min(block_size_max));
    let block_bytes = block_size.unwrap_or(BLOCK_SIZE_DEFAULT);
    let window_max = limits.window_bytes_max / u32::from(block_bytes);
    let window_max = u16::try_from(window_max).unwrap_or(u16::MAX).min(limits.window_size_max);
    let window_max = match mode {
        Mode::Netascii => window_max.min(NETASCII_WINDOW_SIZE_MAX),
        _ => window_max,
    };
    let window_size = asked.window_size.map(|blocks| blocks.min(window_max).max(1));
    let transfer_size =
        asked.transfer_size.and(Some(size)).filter(|&size| size > 0 && mode != Mode::Netascii);

    let mut answers = [
        (name::BLKSIZE, block_size.map(u64::from)),
        (name::TSIZE, transfer_size),
        (name::TIMEOUT, asked.timeout_s.map(u64::from)),
        (name::WINDOWSIZE, window_size.map(u64::from)),
    ];
    let mut option_ack = OptionAck::EMPTY;
    for option in options {
        let answer = answers.iter_mut().find(|(name, _)| option.is(name));
        // Taken, so that a repetition finds nothing.
        if let Some(value) = answer.and_then(|(_, value)| value.take()) {
            option_ack.push(option.name, value);
        }
    }
    Negotiated {
        block_size: block_bytes,
        window_size: window_size.unwrap_or(1),
        timeout_s: asked.timeout_s,
        transfer_size,
        option_ack,
    }
}

/// Bytes of the longest OACK: each known option once, with the longest value.
const OPTION_ACK_BYTES_MAX: usize = 2
    + (name::BLKSIZE.len() + 2 + 5)
    + (name::TSIZE.len() + 2 + DIGITS_MAX)
    + (name::TIMEOUT.len() + 2 + 3)
    + (name::WINDOWSIZE.len() + 2 + 5);

/// An OACK datagram, kept without an allocation because it may have to be sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct OptionAck {
    octets: [u8; OPTION_ACK_BYTES_MAX],
    used: usize,
}

impl OptionAck {
    const EMPTY: Self = Self { octets: [0; OPTION_ACK_BYTES_MAX], used: 0 };

    pub(crate) fn datagram(&self) -> Option<&[u8]> {
        self.octets.get(..self.used).filter(|octets| !octets.is_empty())
    }

    /// Each known option comes here once at most, and has its registered name, so that the room suffices.
    fn push(&mut self, name: &[u8], value: u64) {
        let room = self.octets.len();
        let mut free = &mut self.octets[self.used..];
        if self.used == 0 {
            bytes::BufMut::put_u16(&mut free, opcode::OPTION_ACK);
        }
        options::put_option(&mut free, name, value);
        self.used = room - free.len();
    }
}

impl fmt::Debug for OptionAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.octets[..self.used].escape_ascii())
    }
}
