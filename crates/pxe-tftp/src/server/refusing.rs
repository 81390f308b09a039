//! Requests that are not served, and what their senders hear.

use core::net::SocketAddr;
use std::time::Instant;

use super::interface::{Dropped, LocalPort};
use super::{Request, Server};
use crate::error::{DecodeError, DecodeErrorKind, ErrorCode};
use crate::packet::opcode;

impl Server {
    /// Answers a request with an ERROR from the listening port, no larger than the request.
    pub fn reject(&mut self, _now: Instant, request: Request<'_>, code: ErrorCode, message: &str) {
        let drawn_by_bytes = request.datagram.len();
        self.outbox.push(LocalPort::Listener, request.peer, code, message, drawn_by_bytes);
    }

    /// Leaves a request unanswered: another server may have the file.
    pub fn ignore(&mut self, request: Request<'_>) {
        drop(request);
    }

    pub(super) fn refuse(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        datagram: &[u8],
        code: ErrorCode,
        text: &str,
    ) {
        self.outbox.push_stray(now, LocalPort::Listener, peer, code, text, datagram.len());
    }

    pub(super) fn tell_busy(&mut self, peer: SocketAddr, drawn_by_bytes: usize) {
        let (port, code) = (LocalPort::Listener, ErrorCode::NOT_DEFINED);
        self.outbox.push(port, peer, code, "busy, try again later", drawn_by_bytes);
    }

    pub(super) fn refuse_unreadable(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        datagram: &[u8],
        error: DecodeError,
    ) -> Result<(), Dropped> {
        let DecodeErrorKind::Unterminated { opcode } = error.kind else {
            return Err(Dropped::Malformed(error));
        };
        debug_assert!(matches!(opcode, opcode::READ_REQUEST | opcode::WRITE_REQUEST));
        self.refuse(now, peer, datagram, ErrorCode::ILLEGAL_OPERATION, "unreadable request");
        Ok(())
    }
}
