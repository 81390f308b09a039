//! One file over several attempts: what is held already, when to begin again, and what to ask for then.
//!
//! TFTP has no ranges. A new attempt is sent the file from its first byte, and all that can be saved is to store
//! again what was stored; for that the bytes must be the same.

use core::net::SocketAddr;
use std::time::Instant;

use super::{Chunk, Client, ClientConfig, TransferError};
use crate::error::{EncodeError, ErrorCode};
use crate::limits::{ATTEMPT_PAUSE_MAX, ATTEMPT_PAUSE_MIN};

/// Fetches one file with one [`Client`] after another.
///
/// [`begin`](Self::begin) makes a client, which needs a socket of its own: the server tells transfers apart by
/// ports. Each of its chunks goes through [`split`](Self::split). When a client fails,
/// [`fail`](Self::fail) says whether and when there is another one.
#[derive(Clone, Debug)]
pub struct Attempts {
    server: SocketAddr,
    file_name: Vec<u8>,
    config: ClientConfig,
    left: u32,
    made: u32,
    held_bytes: u64,
}

/// A chunk, parted into what is held from an earlier attempt and what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece<'d> {
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// To be compared with what is held from `offset` on.
    pub repeated: &'d [u8],
    /// To be stored behind it.
    pub fresh: &'d [u8],
    /// Whether it ends the file, of which no more than `offset` and these bytes are to be kept.
    pub last: bool,
}

impl Piece<'_> {
    /// Where `fresh` is to be stored, in bytes from the start of the file.
    #[must_use]
    pub const fn fresh_offset(&self) -> u64 {
        self.offset + self.repeated.len() as u64
    }
}

impl Attempts {
    /// Asks `server` for a file at most `attempts_max` times; 0 counts as 1.
    ///
    /// # Errors
    /// If the name holds a NUL byte, or is so long that the request has more than 512 bytes.
    pub fn new(
        server: SocketAddr,
        file_name: &[u8],
        config: ClientConfig,
        attempts_max: u32,
    ) -> Result<Self, EncodeError> {
        config.request(file_name)?;
        Ok(Self {
            server,
            file_name: file_name.to_vec(),
            config,
            left: attempts_max.max(1),
            made: 0,
            held_bytes: 0,
        })
    }

    /// The next attempt.
    ///
    /// # Errors
    /// None that [`new`](Self::new) has not told before.
    pub fn begin(&mut self, now: Instant) -> Result<Client, EncodeError> {
        self.left = self.left.saturating_sub(1);
        self.made += 1;
        Client::new(now, self.server, &self.file_name, self.config.clone())
    }

    /// Parts a chunk, and counts its new bytes as held.
    pub fn split<'d>(&mut self, chunk: &Chunk<'d>) -> Piece<'d> {
        let known = self.held_bytes.saturating_sub(chunk.offset);
        let known = usize::try_from(known).unwrap_or(usize::MAX).min(chunk.payload.len());
        let (repeated, fresh) = chunk.payload.split_at(known);
        let piece = Piece { offset: chunk.offset, repeated, fresh, last: chunk.last };
        if chunk.last || !fresh.is_empty() {
            self.held_bytes = piece.fresh_offset() + fresh.len() as u64;
        }
        piece
    }

    /// Tells that what was held is another file's from `offset` on, or could not be kept: the bytes from there
    /// on are new when they come again.
    pub fn truncate(&mut self, offset: u64) {
        self.held_bytes = self.held_bytes.min(offset);
    }

    /// Says when to begin again after `client` failed with `error`; `None` if that would not help, or enough was
    /// tried. The next attempt asks for less where more seems to have been the fault.
    pub fn fail(
        &mut self,
        now: Instant,
        client: &Client,
        error: &TransferError,
    ) -> Option<Instant> {
        if self.left == 0 || !self.lessen(client, error) {
            return None;
        }
        let doublings = self.made.saturating_sub(1).min(16);
        let pause = ATTEMPT_PAUSE_MIN.saturating_mul(1 << doublings);
        Some(now + pause.min(ATTEMPT_PAUSE_MAX))
    }

    /// Attempts made.
    #[must_use]
    pub const fn made(&self) -> u32 {
        self.made
    }

    /// Attempts that may follow.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// Bytes held from the start of the file.
    #[must_use]
    pub const fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// What the next attempt asks for.
    #[must_use]
    pub const fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Whether another attempt may end otherwise, and with what options.
    fn lessen(&mut self, client: &Client, error: &TransferError) -> bool {
        match error {
            // Somebody who never answers was asked often enough.
            TransferError::TimedOut if !client.has_answered() => false,
            // Agreed, but not one block came: on this path they may be too large to arrive.
            TransferError::TimedOut if client.received_bytes() == 0 => {
                self.config.block_size = None;
                self.config.window_size = None;
                true
            }
            TransferError::TimedOut | TransferError::SizeMismatch { .. } => true,
            TransferError::OptionNegotiation | TransferError::BlockTooLarge(_) => self.strip(),
            TransferError::Remote { code: ErrorCode::OPTION_NEGOTIATION, .. } => self.strip(),
            // Busy, or it was started anew and knows nothing of the transfer.
            TransferError::Remote { code, .. } => {
                matches!(*code, ErrorCode::NOT_DEFINED | ErrorCode::UNKNOWN_TRANSFER_ID)
            }
        }
    }

    /// Asks without options from now on; false if none were asked for.
    fn strip(&mut self) -> bool {
        let bare = ClientConfig {
            ask_size: false,
            block_size: None,
            timeout_s: None,
            window_size: None,
            ..self.config.clone()
        };
        let differs = self.config != bare;
        self.config = bare;
        differs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: SocketAddr =
        SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)), 69);

    fn attempts(attempts_max: u32) -> Attempts {
        Attempts::new(SERVER, b"file", ClientConfig::default(), attempts_max).unwrap()
    }

    fn remote(client: &mut Client, code: u8) -> TransferError {
        client.handle_datagram(Instant::now(), SERVER, &[0, 5, 0, code, 0]).unwrap_err()
    }

    #[test]
    fn chunks_are_parted_where_the_last_attempt_ended() {
        let chunk = |offset, payload, last| Chunk { offset, payload, last };
        let mut attempts = attempts(2);
        let piece = attempts.split(&chunk(0, b"abcd", false));
        assert_eq!((piece.repeated, piece.fresh), (&b""[..], &b"abcd"[..]));
        attempts.split(&chunk(4, b"ef", false));
        assert_eq!(attempts.held_bytes(), 6);
        // The next attempt has blocks of another size.
        let piece = attempts.split(&chunk(0, b"abcde", false));
        assert_eq!((piece.repeated, piece.fresh), (&b"abcde"[..], &b""[..]));
        let piece = attempts.split(&chunk(5, b"fghij", false));
        assert_eq!(
            (piece.repeated, piece.fresh, piece.fresh_offset()),
            (&b"f"[..], &b"ghij"[..], 6)
        );
        assert_eq!(attempts.held_bytes(), 10);
        attempts.truncate(3);
        let piece = attempts.split(&chunk(0, b"abcXY", true));
        assert_eq!((piece.repeated, piece.fresh, piece.last), (&b"abc"[..], &b"XY"[..], true));
        assert_eq!(attempts.held_bytes(), 5);
    }

    #[test]
    fn a_file_that_became_shorter_ends_where_it_ends() {
        let mut attempts = attempts(2);
        attempts.split(&Chunk { offset: 0, payload: b"abcd", last: false });
        let piece = attempts.split(&Chunk { offset: 0, payload: b"ab", last: true });
        assert_eq!((piece.repeated, piece.fresh), (&b"ab"[..], &b""[..]));
        assert_eq!(attempts.held_bytes(), 2);
    }

    #[test]
    fn pauses_grow_and_attempts_end() {
        let now = Instant::now();
        let mut attempts = attempts(3);
        for pause in [Some(ATTEMPT_PAUSE_MIN), Some(ATTEMPT_PAUSE_MIN * 2), None] {
            let mut client = attempts.begin(now).unwrap();
            let busy = remote(&mut client, 0);
            let again = attempts.fail(now, &client, &busy);
            assert_eq!(again.map(|at| at - now), pause);
        }
        assert_eq!((attempts.made(), attempts.left()), (3, 0));
    }

    #[test]
    fn what_will_not_change_is_not_tried_again() {
        let now = Instant::now();
        for (code, again) in [(0, true), (1, false), (2, false), (4, false), (5, true), (7, false)]
        {
            let mut attempts = attempts(9);
            let mut client = attempts.begin(now).unwrap();
            let error = remote(&mut client, code);
            assert_eq!(attempts.fail(now, &client, &error).is_some(), again, "error {code}");
        }
        let mut attempts = attempts(9);
        let client = attempts.begin(now).unwrap();
        assert_eq!(attempts.fail(now, &client, &TransferError::TimedOut), None, "nobody is there");
    }

    #[test]
    fn less_is_asked_for_where_more_was_the_fault() {
        let now = Instant::now();
        let mut attempts = attempts(9);
        let mut client = attempts.begin(now).unwrap();
        let refused = remote(&mut client, 8);
        assert!(attempts.fail(now, &client, &refused).is_some());
        assert_eq!(attempts.config().request(b"file").unwrap(), b"\0\x01file\0octet\0");
        assert_eq!(attempts.fail(now, &client, &refused), None, "there is no less");

        let mut attempts = self::attempts(9);
        let mut client = attempts.begin(now).unwrap();
        client.handle_datagram(now, SERVER, b"\0\x06blksize\x001448\0").unwrap();
        assert!(attempts.fail(now, &client, &TransferError::TimedOut).is_some());
        assert_eq!((attempts.config().block_size, attempts.config().window_size), (None, None));
    }
}
