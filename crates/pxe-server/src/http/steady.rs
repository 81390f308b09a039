//! A connection whose client has to take what it is sent.
//!
//! HTTP has a limit for how long a request may take to come (hyper's), and none for an answer that nobody reads: it
//! would keep its block and its place for ever.

use core::pin::Pin;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::slots::Slot;

/// Bytes that a client has to take within the time it is given; less than a modem carries.
const STEADY_BYTES_MIN: usize = 16 << 10;

/// Ends with an error when too little leaves for too long.
pub(crate) struct Steady<S> {
    stream: S,
    slot: Arc<Slot>,
    patience: Duration,
    /// Runs while something waits to be sent.
    timer: Pin<Box<Sleep>>,
    running: bool,
    /// Bytes that left since the timer began.
    moved: usize,
}

impl<S> Steady<S> {
    pub(crate) fn new(stream: S, slot: Arc<Slot>, patience: Duration) -> Self {
        let timer = Box::pin(tokio::time::sleep(patience));
        Self { stream, slot, patience, timer, running: false, moved: 0 }
    }

    fn begin(&mut self) {
        self.timer.as_mut().reset(Instant::now() + self.patience);
        (self.running, self.moved) = (true, 0);
    }

    /// After an attempt to send.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.moved += count;
                if self.running && self.moved >= STEADY_BYTES_MIN {
                    self.begin();
                }
            }
            Poll::Pending => {
                if !self.running {
                    self.begin();
                }
                if self.timer.as_mut().poll(context).is_ready() {
                    self.slot.stalled.store(true, Ordering::Relaxed);
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            Poll::Ready(Err(_)) => {}
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Steady<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Steady<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, bytes);
        this.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        match flushed {
            // Nothing waits any more.
            Poll::Ready(Ok(())) => this.running = false,
            Poll::Pending => {
                if let Poll::Ready(Err(error)) = this.watch(context, Poll::Pending) {
                    return Poll::Ready(Err(error));
                }
            }
            Poll::Ready(Err(_)) => {}
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
