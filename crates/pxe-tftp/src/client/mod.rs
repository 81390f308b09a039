//! The client's side of one read transfer, without sockets, clock or files.

mod attempts;
mod config;
mod interface;

use core::net::SocketAddr;
use core::time::Duration;
use std::time::Instant;

pub use self::attempts::{Attempts, Piece};
use self::config::Agreed;
pub use self::config::ClientConfig;
pub use self::interface::{Chunk, TransferError};
use crate::error::{EncodeError, ErrorCode, ErrorText};
use crate::limits::{RETRANSMIT_BACKOFF_MAX, RETRANSMIT_MAX};
use crate::options::OptionsView;
use crate::packet::{Mode, Packet};
use crate::receiver::{Arrival, Receiver};

/// Least time between answers to datagrams of others.
const STRAY_INTERVAL_MIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Phase {
    /// The request waits for its answer.
    Requesting {
        datagram: Vec<u8>,
        due: bool,
    },
    /// The server answered, and its port is known.
    Receiving {
        agreed: Agreed,
        receiver: Receiver,
    },
    Over,
}

/// One read transfer.
///
/// Hand in every datagram that comes to the socket, send what [`poll_transmit`](Self::poll_transmit) returns after
/// each call, and call [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) says so.
/// The file is whole with the chunk that is the last. After that the socket may be closed once there is nothing
/// to send, but it is kind to go on until [`is_over`](Self::is_over): the server may have missed the end.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    /// The address asked, and the port of the answer once there is one.
    server: SocketAddr,
    phase: Phase,
    received_bytes: u64,
    /// All is there. The last acknowledgement may be lost, so there is a wait (RFC 1350 section 6).
    complete: bool,
    /// Something came from the server.
    answered: bool,
    tries: u32,
    deadline: Instant,
    farewell: Option<(ErrorCode, &'static str)>,
    stray: Option<SocketAddr>,
    stray_answered: Option<Instant>,
}

impl Client {
    /// Asks `server` for a file.
    ///
    /// # Errors
    /// If the name holds a NUL byte, or is so long that the request has more than 512 bytes.
    pub fn new(
        now: Instant,
        server: SocketAddr,
        file_name: &[u8],
        config: ClientConfig,
    ) -> Result<Self, EncodeError> {
        let datagram = config.request(file_name)?;
        Ok(Self {
            config,
            server,
            phase: Phase::Requesting { datagram, due: true },
            received_bytes: 0,
            complete: false,
            answered: false,
            tries: 1,
            deadline: now + RETRANSMIT_MAX,
            farewell: None,
            stray: None,
            stray_answered: None,
        })
    }

    /// Takes a datagram. A chunk is to be written where it says; there is at most one.
    ///
    /// # Errors
    /// If the transfer failed. It is over then, but the server is to be told with what
    /// [`poll_transmit`](Self::poll_transmit) still has.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &'d [u8],
    ) -> Result<Option<Chunk<'d>>, TransferError> {
        let Ok(packet) = Packet::parse(datagram) else { return Ok(None) };
        if !self.is_from_server(source) {
            self.answer_stray(now, source, &packet);
            return Ok(None);
        }
        self.answered = true;
        match packet {
            _ if matches!(self.phase, Phase::Over) => Ok(None),
            Packet::Error { .. } if self.complete => Ok(None),
            Packet::Error { code, message } => {
                self.phase = Phase::Over;
                let message = ErrorText::new(message, usize::MAX);
                Err(TransferError::Remote { code, message })
            }
            Packet::OptionAck(options) => {
                self.handle_option_ack(now, source, options).map(|()| None)
            }
            Packet::Data { block, payload } => self.handle_data(now, source, block, payload),
            _ => Ok(None),
        }
    }

    /// Ends the transfer, and tells the server if it answered already.
    pub fn abort(&mut self, code: ErrorCode, message: &'static str) {
        if matches!(self.phase, Phase::Receiving { .. }) && !self.complete {
            self.farewell = Some((code, message));
        }
        self.phase = Phase::Over;
    }

    /// Writes the next datagram into `out`, which is cleared before, and returns where it goes.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        out.clear();
        if let Some((code, message)) = self.farewell.take() {
            Packet::Error { code, message: message.as_bytes() }.encode(out);
            return Some(self.server);
        }
        if let Some(stranger) = self.stray.take() {
            let code = ErrorCode::UNKNOWN_TRANSFER_ID;
            Packet::Error { code, message: b"unknown transfer id" }.encode(out);
            return Some(stranger);
        }
        match &mut self.phase {
            Phase::Requesting { datagram, due } => {
                if !core::mem::take(due) {
                    return None;
                }
                out.extend_from_slice(datagram);
            }
            Phase::Receiving { receiver, .. } => {
                let block = receiver.poll(now)?;
                Packet::Ack { block }.encode(out);
            }
            Phase::Over => return None,
        }
        Some(self.server)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. None when it is over.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Over => None,
            _ => Some(self.deadline),
        }
    }

    /// Repeats what was sent last if it is time, or ends the wait after the last block.
    ///
    /// # Errors
    /// If the server was silent for too long. The transfer is over then.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), TransferError> {
        if now < self.deadline {
            return Ok(());
        }
        match &mut self.phase {
            Phase::Over => return Ok(()),
            Phase::Receiving { .. } if self.complete => {
                self.phase = Phase::Over;
                return Ok(());
            }
            _ if self.tries >= self.config.tries_max => {
                self.abort(ErrorCode::NOT_DEFINED, "timeout");
                return Err(TransferError::TimedOut);
            }
            Phase::Requesting { due, .. } => *due = true,
            Phase::Receiving { receiver, .. } => receiver.repeat(),
        }
        let wait = self.timeout() * (1 << self.tries.min(6));
        self.deadline = now + wait.min(RETRANSMIT_BACKOFF_MAX.max(self.timeout()));
        self.tries += 1;
        Ok(())
    }

    /// Whether every byte was handed out.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether nothing more will be sent or taken, after failure or after the wait that follows the last block.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over) && self.farewell.is_none()
    }

    /// Whether the server said anything at all.
    #[must_use]
    pub const fn has_answered(&self) -> bool {
        self.answered
    }

    /// The address asked; with the port of the transfer once the server answered.
    #[must_use]
    pub const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Size of the file in bytes, if the server told it.
    #[must_use]
    pub fn transfer_size(&self) -> Option<u64> {
        self.agreed().and_then(|agreed| agreed.transfer_size)
    }

    /// Bytes in a block, once the server answered.
    #[must_use]
    pub fn block_size(&self) -> Option<u16> {
        self.agreed().map(|agreed| agreed.block_size)
    }

    /// Blocks in a window, once the server answered.
    #[must_use]
    pub fn window_size(&self) -> Option<u16> {
        self.agreed().map(|agreed| agreed.window_size)
    }

    /// Bytes handed out.
    #[must_use]
    pub const fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    const fn agreed(&self) -> Option<&Agreed> {
        match &self.phase {
            Phase::Receiving { agreed, .. } => Some(agreed),
            Phase::Requesting { .. } | Phase::Over => None,
        }
    }

    fn timeout(&self) -> Duration {
        self.config.timeout_s.map_or(RETRANSMIT_MAX, |seconds| Duration::from_secs(seconds.into()))
    }

    /// The first answer may come from any port of the server, later ones only from that.
    fn is_from_server(&self, source: SocketAddr) -> bool {
        source.ip() == self.server.ip()
            && (source.port() == self.server.port()
                || matches!(self.phase, Phase::Requesting { .. }))
    }

    fn answer_stray(&mut self, now: Instant, source: SocketAddr, packet: &Packet<'_>) {
        let quiet = |at: Instant| now.saturating_duration_since(at) >= STRAY_INTERVAL_MIN;
        // An ERROR is never answered with an ERROR; and nobody can be told apart before the server answered.
        let answer = matches!(packet, Packet::Data { .. } | Packet::OptionAck(_))
            && !matches!(self.phase, Phase::Requesting { .. })
            && self.stray_answered.is_none_or(quiet);
        if answer {
            self.stray = Some(source);
            self.stray_answered = Some(now);
        }
    }

    fn handle_option_ack(
        &mut self,
        now: Instant,
        source: SocketAddr,
        options: OptionsView<'_>,
    ) -> Result<(), TransferError> {
        match &mut self.phase {
            Phase::Requesting { .. } => {
                self.server = source;
                match self.config.agree(options) {
                    Ok(agreed) => {
                        let mut receiver = Receiver::new(agreed.window_size);
                        receiver.repeat();
                        self.begin(now, agreed, receiver);
                        Ok(())
                    }
                    Err(error) => {
                        let text = "not what was asked for";
                        self.fail(ErrorCode::OPTION_NEGOTIATION, text, error)
                    }
                }
            }
            // Our acknowledgement was lost.
            Phase::Receiving { receiver, .. } if receiver.received() == 0 => {
                receiver.repeat();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn handle_data<'d>(
        &mut self,
        now: Instant,
        source: SocketAddr,
        block: u16,
        payload: &'d [u8],
    ) -> Result<Option<Chunk<'d>>, TransferError> {
        if matches!(self.phase, Phase::Requesting { .. }) {
            if block != 1 {
                return Ok(None);
            }
            self.server = source;
            self.begin(now, Agreed::NOTHING, Receiver::new(1));
        }
        let timeout = self.timeout();
        let Phase::Receiving { agreed, receiver } = &mut self.phase else { return Ok(None) };
        if self.complete {
            receiver.arrive(now, block, false);
            return Ok(None);
        }
        if payload.len() > usize::from(agreed.block_size) {
            let error = TransferError::BlockTooLarge(payload.len());
            return self.fail(ErrorCode::ILLEGAL_OPERATION, "block too large", error);
        }
        let last = payload.len() < usize::from(agreed.block_size);
        let Arrival::Next(number) = receiver.arrive(now, block, last) else { return Ok(None) };
        let offset = (number - 1) * u64::from(agreed.block_size);
        let announced = agreed.transfer_size.filter(|_| self.config.mode == Mode::Octet);
        self.received_bytes = offset + payload.len() as u64;
        self.tries = 1;
        self.deadline = now + timeout;
        if last {
            let received = self.received_bytes;
            if let Some(announced) = announced.filter(|&announced| announced != received) {
                let error = TransferError::SizeMismatch { announced, received };
                return self.fail(ErrorCode::NOT_DEFINED, "size is not as announced", error);
            }
            self.complete = true;
            self.deadline = now + timeout * 2;
        }
        Ok(Some(Chunk { offset, payload, last }))
    }

    fn begin(&mut self, now: Instant, agreed: Agreed, receiver: Receiver) {
        self.tries = 1;
        self.deadline = now + self.timeout();
        self.phase = Phase::Receiving { agreed, receiver };
    }

    fn fail<T>(
        &mut self,
        code: ErrorCode,
        text: &'static str,
        error: TransferError,
    ) -> Result<T, TransferError> {
        self.farewell = Some((code, text));
        self.phase = Phase::Over;
        Err(error)
    }
}
