//! Our own generator: one thread, batches out and in, and messages like those that perfdhcp sends: as by a relay.
//!
//! perfdhcp makes a system call for each message and allocates each; it can take less than our server can.

mod exchange;
mod messages;
mod offers;

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::net::UdpSocket;
use std::os::fd::{AsFd as _, AsRawFd as _};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{
    MsgFlags, MultiHeaders, SockaddrIn, sendmmsg, setsockopt, sockopt::RcvBuf, sockopt::RcvBufForce,
};
use nix::sys::time::TimeSpec;

use self::messages::Template;
pub use self::offers::Offers;
use super::wire::{GENERATOR, SERVER};
use crate::tftp::batch::{BATCH_DATAGRAMS_MAX, Batch};

/// The relays' port and the servers' port.
const PORT: u16 = 67;
/// Messages sent by one call.
const SENT_AT_ONCE: usize = 32;
/// Room for a message.
const MESSAGE_BYTES: usize = 768;
/// What the socket holds while we are busy sending, in bytes.
const RECEIVE_BUFFER_BYTES: usize = 8 << 20;
/// How long a server may take for the first answer to a question, before it is asked again.
const PROBE_PATIENCE: Duration = Duration::from_millis(100);

/// Clients behind a relay, and that relay.
#[derive(Debug)]
pub struct Clients {
    socket: UdpSocket,
    incoming: Batch<SockaddrIn>,
    outgoing: Outgoing,
}

impl Clients {
    /// A relay's socket, connected to the server.
    ///
    /// # Errors
    /// If the port is taken.
    pub fn bind() -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddrV4::new(GENERATOR, PORT))?;
        // The first goes beyond the system's limit, and needs root.
        setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER_BYTES)
            .or_else(|_| setsockopt(&socket, RcvBuf, &RECEIVE_BUFFER_BYTES))?;
        socket.connect(SocketAddrV4::new(SERVER, PORT))?;
        Ok(Self { socket, incoming: Batch::new(MESSAGE_BYTES), outgoing: Outgoing::new() })
    }

    /// Asks for an offer as firmware does; whether one comes.
    ///
    /// # Errors
    /// If the socket has one.
    pub fn probe(&mut self) -> io::Result<bool> {
        let template = Template::firmware_discover();
        self.outgoing.push(|bytes| template.write(bytes, u32::MAX, u32::MAX));
        // A port that nobody has bound yet is told as an error.
        if self.outgoing.flush(&self.socket).is_err() {
            std::thread::sleep(PROBE_PATIENCE);
            return Ok(false);
        }
        self.wait(PROBE_PATIENCE)?;
        let mut came = false;
        let taken = self.incoming.receive(
            &self.socket,
            BATCH_DATAGRAMS_MAX,
            MsgFlags::MSG_DONTWAIT,
            |_, _| came = true,
        );
        match taken {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::thread::sleep(PROBE_PATIENCE);
                Ok(false)
            }
            taken => taken.map(|_| came),
        }
    }

    /// Waits until something comes; whether it did.
    fn wait(&self, most: Duration) -> io::Result<bool> {
        let mut polled = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        Ok(ppoll(&mut polled, Some(TimeSpec::from(most)), None)? > 0)
    }
}

/// Messages that are sent together.
#[derive(Debug)]
struct Outgoing {
    headers: MultiHeaders<SockaddrIn>,
    buffers: Vec<[u8; MESSAGE_BYTES]>,
    lengths: Vec<usize>,
}

impl Outgoing {
    fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(SENT_AT_ONCE, None),
            // Twice: what is received in one batch may draw as many requests on top of what is due.
            buffers: vec![[0; MESSAGE_BYTES]; SENT_AT_ONCE + BATCH_DATAGRAMS_MAX],
            lengths: Vec::new(),
        }
    }

    /// Adds a message that a function writes, which says how long it is.
    fn push(&mut self, write: impl FnOnce(&mut [u8]) -> usize) {
        if let Some(buffer) = self.buffers.get_mut(self.lengths.len()) {
            self.lengths.push(write(buffer));
        }
    }

    /// Sends what was added. What does not fit the socket's buffer is lost, like on a wire.
    fn flush(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let all = self.buffers.iter().zip(&self.lengths);
        let slices: Vec<[IoSlice<'_>; 1]> =
            all.map(|(buffer, &length)| [IoSlice::new(&buffer[..length])]).collect();
        for some in slices.chunks(SENT_AT_ONCE) {
            let nobody: [Option<SockaddrIn>; SENT_AT_ONCE] = [None; SENT_AT_ONCE];
            let (fd, flags) = (socket.as_raw_fd(), MsgFlags::empty());
            sendmmsg(fd, &mut self.headers, some, nobody, [], flags)?;
        }
        self.lengths.clear();
        Ok(())
    }
}

/// The number of a client is its hardware address.
fn hardware_address(number: u32) -> [u8; 6] {
    let [_, a, b, c] = number.to_be_bytes();
    [0x52, 0x54, 0, a, b, c]
}

/// Where fields lie in the header (RFC 2131 section 2).
mod offset {
    pub(super) const TRANSACTION: usize = 4;
    pub(super) const HARDWARE_ADDRESS: usize = 28;
}

const UNSPECIFIED: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
