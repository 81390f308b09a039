//! The yardstick: the least a server can do. It answers a request with an OACK and each acknowledgement with the next
//! window, which one call hands to the kernel (UDP segmentation offload).
//!
//! No file: every block has the same payload, made once, and only block numbers are written. No checks, no timers, no
//! retransmission: what is lost stays lost unless the client asks. One transfer for each address at a time, and all
//! transfers with one block size, because the segment size is set on the socket, which is cheaper than a control
//! message with every window.

mod each;
mod one;

use core::net::SocketAddr;
use std::io;
use std::net::UdpSocket;

use clap::ValueEnum;
use crc32fast::Hasher;
use nix::sys::socket::{setsockopt, sockopt};
use pxe_tftp::{OptionsView, Packet, option_name, put_option};

use super::files::Wanted;

/// Most blocks that fit one call: 64 segments and 65507 bytes, with blocks of an Ethernet frame.
const WINDOW_MAX: u16 = 44;
/// Receive buffer to ask for, in bytes: acknowledgements of a thousand clients may wait in one socket.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// How many sockets the bare sender uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sockets {
    /// The listening one serves everybody, with `recvmmsg`.
    One,
    /// Each transfer has its own, connected, and they wait in an epoll.
    Each,
}

/// Serves until killed.
///
/// # Errors
/// What the system reports of sockets.
pub fn serve(port: u16, sockets: Sockets) -> io::Result<()> {
    let listener = UdpSocket::bind(("127.0.0.1", port))?;
    widen(&listener);
    match sockets {
        Sockets::One => one::serve(&listener),
        Sockets::Each => each::serve(&listener),
    }
}

/// What to ask the bare sender for: the name of a file is its size.
pub fn wanted(bytes: u64, block_size: u16) -> Wanted {
    let block: Vec<u8> = payload(block_size).collect();
    let mut crc = Hasher::new();
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block_size.into()) as usize;
        crc.update(&block[..part]);
        left -= part as u64;
    }
    Wanted { name: bytes.to_string().into_bytes(), bytes, crc: crc.finalize() }
}

fn payload(block_size: u16) -> impl Iterator<Item = u8> {
    (0..block_size).map(|index| index as u8)
}

fn widen(socket: &UdpSocket) {
    // Root gets it whole, others up to the limit of the system.
    if setsockopt(socket, sockopt::RcvBufForce, &RECEIVE_BUFFER_BYTES).is_err() {
        let _ = setsockopt(socket, sockopt::RcvBuf, &RECEIVE_BUFFER_BYTES);
    }
}

/// A transfer.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Bytes of the file.
    size: u64,
    /// Blocks acknowledged.
    base: u64,
    block_size: u16,
    window: u16,
}

impl State {
    /// Reads a request and writes its OACK.
    fn of_request(datagram: &[u8], out: &mut Vec<u8>) -> Option<Self> {
        let Ok(Packet::ReadRequest(request)) = Packet::parse(datagram) else { return None };
        let size = core::str::from_utf8(request.file_name()).ok()?.parse().ok()?;
        let asked = request.options().values();
        let block_size = asked.block_size?;
        let window = asked.window_size.unwrap_or(1).min(WINDOW_MAX);
        let mut options = Vec::new();
        put_option(&mut options, option_name::TSIZE.as_bytes(), size);
        put_option(&mut options, option_name::BLKSIZE.as_bytes(), block_size.into());
        if asked.window_size.is_some() {
            put_option(&mut options, option_name::WINDOWSIZE.as_bytes(), window.into());
        }
        out.clear();
        Packet::OptionAck(OptionsView::parse(&options)).encode(out);
        Some(Self { size, base: 0, block_size, window })
    }

    /// Takes the block number of an acknowledgement.
    const fn acknowledge(&mut self, block: [u8; 2]) {
        let ahead = u16::from_be_bytes(block).wrapping_sub(self.base as u16);
        // An old one is ahead by nearly everything; what was lost is asked for by a repeated one.
        if ahead <= self.window {
            self.base += ahead as u64;
        }
    }

    /// Blocks in the file; the last is the one that is not full.
    const fn blocks(&self) -> u64 {
        self.size / self.block_size as u64 + 1
    }
}

/// A window ready to go but for its block numbers.
struct Window {
    bytes: Vec<u8>,
    block_size: u16,
}

impl Window {
    const fn new() -> Self {
        Self { bytes: Vec::new(), block_size: 0 }
    }

    /// The datagrams of the next window, one after the other; empty when the file has ended.
    fn next(&mut self, state: &State) -> &[u8] {
        if self.block_size != state.block_size {
            self.block_size = state.block_size;
            let block: Vec<u8> =
                [0, 3, 0, 0].into_iter().chain(payload(state.block_size)).collect();
            self.bytes = block.repeat(WINDOW_MAX.into());
        }
        let count = (state.blocks() - state.base).min(state.window.into()) as usize;
        let each = usize::from(state.block_size) + 4;
        for index in 0..count {
            let number = (state.base + 1 + index as u64) as u16;
            self.bytes[index * each + 2..][..2].copy_from_slice(&number.to_be_bytes());
        }
        let ends = state.base + count as u64 == state.blocks();
        let short =
            usize::from(state.block_size) - (state.size % u64::from(state.block_size)) as usize;
        &self.bytes[..count * each - if ends && count > 0 { short } else { 0 }]
    }
}

/// Lets the kernel cut what is sent into datagrams of one block each.
fn segment(socket: &UdpSocket, block_size: u16) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::UdpGsoSegment, &(i32::from(block_size) + 4))?)
}

const fn place(source: SocketAddr) -> usize {
    match source {
        SocketAddr::V4(source) => source.ip().to_bits() as usize & (PLACES - 1),
        SocketAddr::V6(_) => 0,
    }
}

/// Transfers have the place of the lower half of their client's address.
const PLACES: usize = 1 << 16;
