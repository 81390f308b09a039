//! A client's TCP connection, which sends what holes stand for by `sendfile`.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::libc;
use nix::sys::socket::{MsgFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::lane::{Lane, is_hole};

/// The connection and what is due on it.
pub(super) struct Socket {
    stream: TcpStream,
    lane: Arc<Lane>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, lane: Arc<Lane>) -> Self {
        Self { stream, lane }
    }

    /// Sends what is before the first hole, or as much as it can of that hole.
    fn send(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.lane.check()?;
        let before = slices.iter().take_while(|slice| !is_hole(slice)).count();
        if before == 0 {
            let hole = slices.first().map_or(0, |slice| slice.len());
            return self.lane.send(&self.stream, hole);
        }
        let mut flags = MsgFlags::MSG_NOSIGNAL;
        if before < slices.len() {
            // The head of an answer and the beginning of its file share a packet.
            flags |= MsgFlags::from_bits_retain(libc::MSG_MORE);
        }
        let sent = sendmsg::<()>(self.stream.as_raw_fd(), &slices[..before], &[], flags, None)?;
        Ok(sent)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(context))?;
            let sent = self.stream.try_io(Interest::WRITABLE, || self.send(slices));
            match sent.as_ref().map_err(io::Error::kind) {
                Err(io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                _ => return Poll::Ready(sent),
            }
        }
    }

    /// hyper then hands over an answer's bytes as they are, and does not copy them behind the head.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
