//! Bytes that the kernel moves from a file to a socket (`sendfile`), while hyper speaks the protocol around them.
//!
//! hyper takes an answer's bytes as memory. For a stretch of a file it is given a [`Hole`]: as many bytes of memory that
//! nobody ever touches. Our socket knows that memory by its address when hyper wants it written, and sends the stretch
//! instead. The holes of a connection and their stretches are in one order, which is its [`Lane`].
//!
//! Zeros must never leave in place of a file. So whatever moves on in a hole has to have been sent by the socket
//! before; where that is not so, somebody has copied it, and nothing is written on that connection any more.

use core::ops::Range;
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::story::Delivery;
use crate::content::Content;

/// Bytes of the longest stretch, and so of what one call sends at most.
pub(super) const HOLE_BYTES: usize = 4 << 20;

/// What stands for bytes of files. It is mapped when it is allocated, and takes no memory as long as nobody reads it.
static HOLE: LazyLock<Vec<u8>> = LazyLock::new(|| vec![0; HOLE_BYTES]);

/// Whether these bytes stand for those of a file.
pub(super) fn is_hole(bytes: &[u8]) -> bool {
    !bytes.is_empty() && HOLE.as_ptr_range().contains(&bytes.as_ptr())
}

/// The stretches that are due on a connection, in their order.
#[derive(Default)]
pub(super) struct Lane {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    due: VecDeque<Stretch>,
    /// Bytes of the first stretch that the socket took, until its hole is told.
    sent: u64,
    /// Some hole was copied, or not sent to its end.
    broken: bool,
}

struct Stretch {
    content: Arc<Content>,
    range: Range<u64>,
    delivery: Arc<Delivery>,
}

impl Lane {
    /// Appends a stretch of at most [`HOLE_BYTES`], and returns what stands for it.
    pub(super) fn put(
        self: &Arc<Self>,
        content: Arc<Content>,
        range: Range<u64>,
        delivery: Arc<Delivery>,
    ) -> Hole {
        let left = usize::try_from(range.end - range.start).unwrap_or(HOLE_BYTES).min(HOLE_BYTES);
        self.lock().due.push_back(Stretch { content, range, delivery });
        Hole { lane: Arc::clone(self), left }
    }

    /// Whether anything may be written.
    pub(super) fn check(&self) -> io::Result<()> {
        match self.lock().broken {
            false => Ok(()),
            true => Err(io::Error::other("bytes that stand for a file's went astray")),
        }
    }

    /// Sends as much of the first stretch as `count` bytes of its hole stand for.
    pub(super) fn send(&self, socket: impl AsFd, count: usize) -> io::Result<usize> {
        let mut state = self.lock();
        let stretch = state.due.front().filter(|_| state.sent == 0);
        let stretch = stretch.ok_or_else(|| io::Error::other("no bytes of a file are due"))?;
        let count = (stretch.range.end - stretch.range.start).min(count as u64);
        let sent = match stretch.content.send(socket, stretch.range.start, count) {
            // The file has fewer bytes than it had.
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            sent => sent,
        };
        let sent = sent.inspect_err(|error| {
            if !is_of_socket(error.kind()) {
                stretch.delivery.fail(error.to_string());
            }
        })?;
        state.sent = sent as u64;
        Ok(sent)
    }

    /// The first hole is shorter by what was sent.
    fn advance(&self, count: usize) {
        let mut state = self.lock();
        let is_sent = state.sent == count as u64;
        state.sent = 0;
        state.broken |= !is_sent;
        if let Some(stretch) = state.due.front_mut() {
            stretch.range.start += count as u64;
            if stretch.range.start >= stretch.range.end {
                state.due.pop_front();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Errors of the client or its connection, not of the file.
fn is_of_socket(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, NotConnected, TimedOut,
        WouldBlock,
    };
    matches!(
        kind,
        BrokenPipe
            | ConnectionAborted
            | ConnectionReset
            | Interrupted
            | NotConnected
            | TimedOut
            | WouldBlock
    )
}

/// Stands for a stretch of a file.
pub(super) struct Hole {
    lane: Arc<Lane>,
    left: usize,
}

impl Hole {
    pub(super) fn left(&self) -> usize {
        self.left
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &HOLE[..self.left]
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.lane.advance(count);
    }
}

impl Drop for Hole {
    fn drop(&mut self) {
        if self.left > 0 {
            // The next stretch would come in place of this one's rest.
            self.lane.lock().broken = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::http::slots::Slots;

    fn delivery() -> Arc<Delivery> {
        let admission = Slots::new(1, 1).admit([127, 0, 0, 1].into()).expect("a place");
        Delivery::new(admission.work(), None)
    }

    fn content(bytes: &[u8]) -> Arc<Content> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        Arc::new(Content::whole(file).expect("open"))
    }

    #[test]
    fn stretches_leave_in_their_order_and_byte_for_byte() {
        let lane = Arc::new(Lane::default());
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let file = content(b"0123456789");
        let mut first = lane.put(Arc::clone(&file), 2..5, delivery());
        let mut second = lane.put(file, 9..10, delivery());
        assert!(is_hole(first.bytes()) && is_hole(second.bytes()));
        assert!(!is_hole(b"") && !is_hole(b"\0\0"));
        for hole in [&mut first, &mut second] {
            while hole.left() > 0 {
                let sent = lane.send(&ours, hole.bytes().len()).expect("sent");
                hole.advance(sent);
            }
        }
        lane.check().expect("all is well");
        assert!(lane.send(&ours, 1).is_err(), "nothing is due any more");
        drop((first, second, ours));
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).expect("read");
        assert_eq!(got, b"2349");
    }

    #[test]
    fn a_copied_hole_or_a_lost_one_lets_nothing_more_be_written() {
        for copied in [true, false] {
            let lane = Arc::new(Lane::default());
            let mut hole = lane.put(content(b"0123456789"), 0..10, delivery());
            if copied {
                // What hyper does where it copies a body's bytes behind the head.
                hole.advance(10);
            }
            drop(hole);
            assert!(lane.check().is_err(), "copied: {copied}");
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let lane = Arc::new(Lane::default());
        let (ours, _theirs) = UnixStream::pair().expect("a pair");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"0123456789").expect("written");
        let content = Content::whole(File::open(&path).expect("open")).expect("open");
        let _hole = lane.put(Arc::new(content), 4..10, delivery());
        File::options().write(true).open(&path).and_then(|file| file.set_len(4)).expect("cut");
        let error = lane.send(&ours, 6).expect_err("cut off");
        assert_ne!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
