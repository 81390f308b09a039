//! Taking many datagrams from a socket with few system calls.

use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrLike, recvmmsg};

/// Most datagrams taken by one call.
pub const BATCH_DATAGRAMS_MAX: usize = 65;
/// Room for what the kernel joins under `UDP_GRO`.
const JOINED_BYTES_MAX: usize = 1 << 16;

/// Buffers for `recvmmsg`, used again for every call.
#[derive(Debug)]
pub struct Batch<A> {
    headers: MultiHeaders<A>,
    bytes: Vec<u8>,
    each: usize,
    /// Size of the datagrams that arrive joined, if the socket joins them.
    segment_bytes: Option<usize>,
}

/// What one call took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Datagrams, joined ones counted as many.
    pub datagrams: usize,
    /// Whether nothing was left. Otherwise there may be more.
    pub drained: bool,
}

impl<A: SockaddrLike + Copy> Batch<A> {
    /// Buffers for up to [`BATCH_DATAGRAMS_MAX`] datagrams of up to `datagram_bytes` each.
    pub fn new(datagram_bytes: usize) -> Self {
        Self::with(datagram_bytes, None)
    }

    /// Buffers for a socket with `UDP_GRO`, whose peer sends datagrams of `segment_bytes`, the last of a send perhaps
    /// shorter. That it is known spares a control message for each.
    pub fn joined(segment_bytes: usize) -> Self {
        Self::with(JOINED_BYTES_MAX, Some(segment_bytes))
    }

    fn with(each: usize, segment_bytes: Option<usize>) -> Self {
        let headers = MultiHeaders::preallocate(BATCH_DATAGRAMS_MAX, None);
        Self { headers, bytes: vec![0; each * BATCH_DATAGRAMS_MAX], each, segment_bytes }
    }

    /// Takes at most `most` messages with one call and hands each datagram over with its source, which is `None` for
    /// connected sockets.
    ///
    /// # Errors
    /// What the system reports, but nothing when no datagram is there.
    pub fn receive(
        &mut self,
        socket: &UdpSocket,
        most: usize,
        flags: MsgFlags,
        take: impl FnMut(Option<A>, &[u8]),
    ) -> io::Result<Taken> {
        // Slices are made anew for each call, so no more than needed.
        match most {
            0..=2 => self.receive_up_to::<2>(socket, most, flags, take),
            3..=5 => self.receive_up_to::<5>(socket, most, flags, take),
            6..=17 => self.receive_up_to::<17>(socket, most, flags, take),
            _ => self.receive_up_to::<BATCH_DATAGRAMS_MAX>(socket, most, flags, take),
        }
    }

    fn receive_up_to<const MOST: usize>(
        &mut self,
        socket: &UdpSocket,
        most: usize,
        flags: MsgFlags,
        mut take: impl FnMut(Option<A>, &[u8]),
    ) -> io::Result<Taken> {
        let mut slices: [[IoSliceMut<'_>; 1]; MOST] = {
            let mut each = self.bytes.chunks_exact_mut(self.each);
            core::array::from_fn(|_| [IoSliceMut::new(each.next().unwrap_or_default())])
        };
        let slices = slices.iter_mut().take(most);
        let found = recvmmsg(socket.as_raw_fd(), &mut self.headers, slices, flags, None);
        let messages = match found {
            Ok(messages) => messages,
            Err(Errno::EAGAIN) => return Ok(Taken { datagrams: 0, drained: true }),
            Err(error) => return Err(error.into()),
        };
        let mut datagrams = 0;
        let mut calls = 0;
        for message in messages {
            calls += 1;
            for joined in message.iovs() {
                for datagram in joined.chunks(self.segment_bytes.unwrap_or(joined.len()).max(1)) {
                    datagrams += 1;
                    take(message.address, datagram);
                }
            }
        }
        Ok(Taken { datagrams, drained: calls < most.min(MOST) })
    }
}
