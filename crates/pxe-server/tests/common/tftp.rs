//! Files by TFTP, block by block.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::{PATIENCE, loopback};

/// How a TFTP read ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    Whole(Vec<u8>),
    Error(u16),
    Silence,
}

/// Reads a file block by block, without options.
pub fn fetch(port: u16, name: &[u8]) -> Fetched {
    fetch_from(loopback(port), name)
}

/// The same from any address of the loopback.
pub fn fetch_from(server: SocketAddr, name: &[u8]) -> Fetched {
    let any = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(any).expect("client");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("timeout");
    let request = [&[0, 1], name, b"\0octet\0"].concat();
    socket.send_to(&request, server).expect("send");
    let mut whole = Vec::new();
    let mut buffer = [0; 2048];
    let mut expected = 1_u16;
    loop {
        let Ok((bytes, from)) = socket.recv_from(&mut buffer) else { return Fetched::Silence };
        match buffer[1] {
            3 => {
                let block = u16::from_be_bytes([buffer[2], buffer[3]]);
                if block == expected {
                    whole.extend_from_slice(&buffer[4..bytes]);
                    expected = expected.wrapping_add(1);
                }
                socket.send_to(&[0, 4, buffer[2], buffer[3]], from).expect("ack");
                if block == expected.wrapping_sub(1) && bytes < 516 {
                    return Fetched::Whole(whole);
                }
            }
            5 => return Fetched::Error(u16::from_be_bytes([buffer[2], buffer[3]])),
            other => panic!("opcode {other}"),
        }
    }
}

/// A file on its way to the server, block by block.
pub struct Sending {
    socket: UdpSocket,
    peer: SocketAddr,
    block: u16,
    block_size: usize,
}

impl Sending {
    /// Asks; an error code if that is refused. `options` end in a NUL each.
    pub fn begin(server: SocketAddr, name: &[u8], options: &[u8]) -> Result<Self, u16> {
        let any = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(any).expect("client");
        socket.set_read_timeout(Some(PATIENCE)).expect("timeout");
        let request = [&[0, 2], name, b"\0octet\0", options].concat();
        socket.send_to(&request, server).expect("send");
        let mut sending = Self { socket, peer: server, block: 0, block_size: 512 };
        sending.answer().map(|()| sending)
    }

    fn answer(&mut self) -> Result<(), u16> {
        let mut buffer = [0; 600];
        loop {
            let (bytes, from) = self.socket.recv_from(&mut buffer).expect("an answer");
            self.peer = from;
            let number = u16::from_be_bytes([buffer[2], buffer[3]]);
            match buffer[1] {
                4 if number == self.block => return Ok(()),
                4 => {}
                6 if self.block == 0 => {
                    let mut parts = buffer[2..bytes].split(|byte| *byte == 0);
                    if parts.any(|name| name == b"blksize") {
                        let size = parts.next().expect("a value");
                        self.block_size = size.escape_ascii().to_string().parse().expect("size");
                    }
                    return Ok(());
                }
                5 => return Err(number),
                _ => panic!("{:?}", &buffer[..bytes]),
            }
        }
    }

    /// Bytes of each block but the last, as agreed.
    pub fn block_size(&self) -> usize {
        self.block_size
    }

    /// Sends one block and waits for its acknowledgement.
    pub fn block(&mut self, bytes: &[u8]) -> Result<(), u16> {
        self.block = self.block.wrapping_add(1);
        let datagram = [&[0, 3], &self.block.to_be_bytes()[..], bytes].concat();
        self.socket.send_to(&datagram, self.peer).expect("send");
        self.answer()
    }

    /// Tells the server that the rest does not come.
    pub fn abort(self) {
        self.socket.send_to(b"\0\x05\0\0stop\0", self.peer).expect("send");
    }
}

/// Sends a whole file; an error code if it is not stored.
pub fn send(server: SocketAddr, name: &[u8], content: &[u8], options: &[u8]) -> Result<(), u16> {
    let mut sending = Sending::begin(server, name, options)?;
    let block_size = sending.block_size;
    for block in content.chunks(block_size) {
        sending.block(block)?;
    }
    if content.len().is_multiple_of(block_size) { sending.block(b"") } else { Ok(()) }
}
