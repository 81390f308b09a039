//! The six packets (RFC 1350, RFC 2347), borrowed from the datagram.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

use core::fmt;

use bytes::BufMut;

use crate::error::{DecodeError, DecodeErrorKind, EncodeError, ErrorCode};
use crate::options::OptionsView;
use crate::parse;

pub(crate) mod opcode {
    pub(crate) const READ_REQUEST: u16 = 1;
    pub(crate) const WRITE_REQUEST: u16 = 2;
    pub(crate) const DATA: u16 = 3;
    pub(crate) const ACK: u16 = 4;
    pub(crate) const ERROR: u16 = 5;
    pub(crate) const OPTION_ACK: u16 = 6;
}

/// A TFTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// RRQ, opcode 1.
    ReadRequest(RequestView<'a>),
    /// WRQ, opcode 2.
    WriteRequest(RequestView<'a>),
    /// DATA, opcode 3.
    Data {
        /// Block number; the first is 1, and 65535 is followed by 0.
        block: u16,
        /// The block; shorter than the block size in the last one only.
        payload: &'a [u8],
    },
    /// ACK, opcode 4.
    Ack {
        /// Number of the last block received in order; 0 answers an OACK.
        block: u16,
    },
    /// ERROR, opcode 5.
    Error {
        /// What went wrong.
        code: ErrorCode,
        /// Text for people, without its NUL.
        message: &'a [u8],
    },
    /// OACK, opcode 6 (RFC 2347).
    OptionAck(OptionsView<'a>),
}

impl<'a> Packet<'a> {
    /// Reads a datagram, forgiving what real senders do: padding or garbage behind options, an ERROR without
    /// text or without NUL, an ACK with octets behind it (Windows' variable windows).
    ///
    /// # Errors
    /// If the opcode is unknown, a fixed field is cut off, or a text of a request has no NUL.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        let (opcode, body) = field(datagram, 0)?;
        match opcode {
            opcode::READ_REQUEST => RequestView::parse(opcode, body).map(Self::ReadRequest),
            opcode::WRITE_REQUEST => RequestView::parse(opcode, body).map(Self::WriteRequest),
            opcode::DATA => field(body, 2).map(|(block, payload)| Self::Data { block, payload }),
            opcode::ACK => field(body, 2).map(|(block, _)| Self::Ack { block }),
            opcode::ERROR => field(body, 2).map(|(code, text)| Self::Error {
                code: ErrorCode(code),
                message: parse::open_text(text),
            }),
            opcode::OPTION_ACK => Ok(Self::OptionAck(OptionsView::parse(body))),
            _ => Err(DecodeError::new(0, DecodeErrorKind::UnknownOpcode(opcode))),
        }
    }

    /// Most bytes that [`encode`](Self::encode) writes; exact unless a message holds a NUL.
    #[must_use]
    pub const fn encoded_bytes(&self) -> usize {
        match self {
            Self::ReadRequest(request) | Self::WriteRequest(request) => request.encoded_bytes(),
            Self::Data { payload, .. } => payload.len().saturating_add(4),
            Self::Ack { .. } => 4,
            Self::Error { message, .. } => message.len().saturating_add(5),
            Self::OptionAck(options) => options.as_bytes().len().saturating_add(2),
        }
    }

    /// Appends the packet. A message is cut at its first NUL.
    ///
    /// # Panics
    /// Like [`BufMut::put_slice`], if `out` cannot hold [`encoded_bytes`](Self::encoded_bytes) more; a `Vec`
    /// always can.
    pub fn encode(&self, out: &mut impl BufMut) {
        match *self {
            Self::ReadRequest(request) => request.encode(opcode::READ_REQUEST, out),
            Self::WriteRequest(request) => request.encode(opcode::WRITE_REQUEST, out),
            Self::Data { block, payload } => {
                out.put_u16(opcode::DATA);
                out.put_u16(block);
                out.put_slice(payload);
            }
            Self::Ack { block } => {
                out.put_u16(opcode::ACK);
                out.put_u16(block);
            }
            Self::Error { code, message } => {
                out.put_u16(opcode::ERROR);
                out.put_u16(code.0);
                out.put_slice(parse::open_text(message));
                out.put_u8(0);
            }
            Self::OptionAck(options) => {
                out.put_u16(opcode::OPTION_ACK);
                out.put_slice(options.as_bytes());
            }
        }
    }
}

/// How the file's bytes travel (RFC 1350 section 1). Compared without regard to case on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Bytes as they are.
    Octet,
    /// Text with line ends of two bytes.
    Netascii,
    /// Obsolete: to a user instead of a file.
    Mail,
    /// None of these.
    Unknown,
}

impl Mode {
    /// The mode a request names.
    #[must_use]
    pub fn from_text(text: &[u8]) -> Self {
        if text.eq_ignore_ascii_case(b"octet") {
            Self::Octet
        } else if text.eq_ignore_ascii_case(b"netascii") {
            Self::Netascii
        } else if text.eq_ignore_ascii_case(b"mail") {
            Self::Mail
        } else {
            Self::Unknown
        }
    }

    const fn text(self) -> &'static [u8] {
        match self {
            Self::Octet => b"octet",
            Self::Netascii => b"netascii",
            Self::Mail => b"mail",
            Self::Unknown => b"unknown",
        }
    }
}

/// A read or write request, checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestView<'a> {
    file_name: &'a [u8],
    mode: &'a [u8],
    options: OptionsView<'a>,
}

impl<'a> RequestView<'a> {
    /// A request to be encoded.
    ///
    /// # Errors
    /// If the name holds a NUL byte.
    pub fn new(
        file_name: &'a [u8],
        mode: Mode,
        options: OptionsView<'a>,
    ) -> Result<Self, EncodeError> {
        if file_name.contains(&0) {
            return Err(EncodeError::NulInFileName);
        }
        Ok(Self { file_name, mode: mode.text(), options })
    }

    fn parse(opcode: u16, body: &'a [u8]) -> Result<Self, DecodeError> {
        let text = |input: &'a [u8]| {
            let offset = body.len().saturating_sub(input.len()).saturating_add(2);
            let error = DecodeError::new(offset, DecodeErrorKind::Unterminated { opcode });
            parse::text(input).ok_or(error)
        };
        let (file_name, rest) = text(body)?;
        let (mode, rest) = text(rest)?;
        let (options, rest) = OptionsView::parse_prefix(rest);
        // Behind the options stands nothing, or padding that begins with a NUL; other bytes are an option that
        // was cut off, and the request with it.
        if rest.first().is_some_and(|&byte| byte != 0) {
            let (_, rest) = text(rest)?;
            text(rest)?;
        }
        Ok(Self { file_name, mode, options })
    }

    /// Name of the file: bytes, in no known character set, never with a NUL, perhaps empty.
    #[must_use]
    pub const fn file_name(&self) -> &'a [u8] {
        self.file_name
    }

    /// Transfer mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        Mode::from_text(self.mode)
    }

    /// Options in wire order.
    #[must_use]
    pub const fn options(&self) -> OptionsView<'a> {
        self.options
    }

    const fn encoded_bytes(&self) -> usize {
        let texts = self.file_name.len().saturating_add(self.mode.len());
        texts.saturating_add(self.options.as_bytes().len()).saturating_add(4)
    }

    fn encode(&self, opcode: u16, out: &mut impl BufMut) {
        out.put_u16(opcode);
        out.put_slice(self.file_name);
        out.put_u8(0);
        out.put_slice(self.mode);
        out.put_u8(0);
        out.put_slice(self.options.as_bytes());
    }
}

impl fmt::Debug for RequestView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestView")
            .field("file_name", &format_args!("\"{}\"", self.file_name.escape_ascii()))
            .field("mode", &self.mode())
            .field("options", &self.options)
            .finish()
    }
}

fn field(input: &[u8], offset: usize) -> Result<(u16, &[u8]), DecodeError> {
    parse::number(input).ok_or(DecodeError { offset, kind: DecodeErrorKind::Truncated })
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    fn kind(datagram: &[u8]) -> DecodeErrorKind {
        Packet::parse(datagram).unwrap_err().kind
    }

    #[test]
    fn what_real_senders_do_is_forgiven() {
        // Windows' variable windows: one octet behind the ACK.
        assert_eq!(Packet::parse(&hex!("0004 0007 10")), Ok(Packet::Ack { block: 7 }));
        // curl: four bytes.
        let bare = Packet::Error { code: ErrorCode(3), message: b"" };
        assert_eq!(Packet::parse(&hex!("0005 0003")), Ok(bare));
        let open = Packet::Error { code: ErrorCode(0), message: b"closed" };
        assert_eq!(Packet::parse(b"\0\x05\0\0closed"), Ok(open));
        assert_eq!(Packet::parse(b"\0\x05\0\0closed\0junk"), Ok(open));
        // IBM Tivoli: garbage behind the options of an OACK.
        let Ok(Packet::OptionAck(options)) = Packet::parse(b"\0\x06blksize\x001432\0\xffgarbage")
        else {
            panic!("an OACK");
        };
        assert_eq!(options.as_bytes(), b"blksize\x001432\0");
        // HP PA-RISC firmware pads its requests to 516 bytes.
        let mut padded = b"\0\x01vmlinux\0OcTeT\0".to_vec();
        padded.resize(516, 0);
        let Ok(Packet::ReadRequest(request)) = Packet::parse(&padded) else { panic!("a request") };
        assert_eq!(request.file_name(), b"vmlinux");
        assert_eq!(request.mode(), Mode::Octet);
        assert!(request.options().is_empty());
    }

    #[test]
    fn names_are_bytes() {
        let Ok(Packet::ReadRequest(request)) = Packet::parse(b"\0\x01\\Boot\\\xff\xfe\0octet\0")
        else {
            panic!("a request");
        };
        assert_eq!(request.file_name(), b"\\Boot\\\xff\xfe");
    }

    #[test]
    fn broken_packets_say_where() {
        assert_eq!(kind(b""), DecodeErrorKind::Truncated);
        assert_eq!(kind(b"\0"), DecodeErrorKind::Truncated);
        assert_eq!(kind(b"\0\x03\0"), DecodeErrorKind::Truncated);
        assert_eq!(kind(b"\0\x04\0"), DecodeErrorKind::Truncated);
        assert_eq!(kind(b"\0\x05\0"), DecodeErrorKind::Truncated);
        assert_eq!(kind(b"\0\x07\0\0"), DecodeErrorKind::UnknownOpcode(7));
        let unterminated = DecodeErrorKind::Unterminated { opcode: 1 };
        assert_eq!(kind(b"\0\x01name"), unterminated);
        assert_eq!(kind(b"\0\x01name\0octet"), unterminated);
        assert_eq!(kind(b"\0\x01name\0octet\0blksize"), unterminated);
        let error = Packet::parse(b"\0\x02name\0octet\0blksize\x001432").unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::Unterminated { opcode: 2 });
        assert_eq!(error.offset, 21);
    }

    #[test]
    fn encoding_is_what_parsing_reads() {
        let options = OptionsView::parse(b"tsize\x000\0blksize\x001468\0");
        let request = RequestView::new(b"a b", Mode::Octet, options).unwrap();
        for packet in [
            Packet::ReadRequest(request),
            Packet::WriteRequest(request),
            Packet::Data { block: 0, payload: b"x" },
            Packet::Ack { block: 65535 },
            Packet::Error { code: ErrorCode::OPTION_NEGOTIATION, message: b"no" },
            Packet::OptionAck(options),
        ] {
            let mut out = Vec::new();
            packet.encode(&mut out);
            assert_eq!(out.len(), packet.encoded_bytes());
            assert_eq!(Packet::parse(&out), Ok(packet));
        }
        assert_eq!(
            RequestView::new(b"a\0b", Mode::Octet, options),
            Err(EncodeError::NulInFileName)
        );
    }
}
