//! The beginning of a file by TFTP, in large blocks first and in small ones if those do not arrive.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::net::UdpSocket;
use std::time::Instant;

use nix::sys::socket::{setsockopt, sockopt};
use pxe_tftp::{Client, ClientConfig, ErrorCode, TransferError};

use crate::doctor::facts::Outcome;
use crate::driver::blocking::is_timeout;

/// What firmware asks for on Ethernet, in bytes.
const LARGE_BLOCK: u16 = 1_468;
/// What every network carries.
const SMALL_BLOCK: u16 = 512;
/// How often anything is sent without an answer.
const TRIES_MAX: u32 = 3;
const DATAGRAM_BYTES: usize = 4_096;
const TICK: Duration = Duration::from_millis(50);

/// Fetches up to `wanted` bytes; what came of it, and they.
pub(super) fn head(server: SocketAddr, file: &str, wanted: usize) -> (Outcome, Vec<u8>) {
    let (outcome, head, answered) = attempt(server, file, LARGE_BLOCK, wanted);
    if outcome != Outcome::Silent || !answered {
        return (outcome, head);
    }
    // It answered, and its blocks did not arrive.
    let (small, head, _) = attempt(server, file, SMALL_BLOCK, wanted);
    let small_works = matches!(small, Outcome::Delivered { .. });
    (Outcome::Stalled { block_size: LARGE_BLOCK, small_works }, head)
}

/// The outcome, the bytes, and whether the server said anything.
fn attempt(server: SocketAddr, file: &str, block: u16, wanted: usize) -> (Outcome, Vec<u8>, bool) {
    let mut config = ClientConfig::default();
    config.block_size = (block != SMALL_BLOCK).then_some(block);
    config.window_size = None;
    // No firmware asks for it together with these: what this is shall not be told by its shape.
    config.timeout_s = Some(1);
    config.tries_max = TRIES_MAX;
    let mut head = Vec::new();
    let client = Client::new(Instant::now(), server, file.as_bytes(), config);
    let mut client = match client {
        Ok(client) => client,
        Err(error) => return (Outcome::NotTried(error.to_string()), head, false),
    };
    let outcome = match run(&mut client, wanted, &mut head) {
        Ok(()) => Outcome::Delivered { size: client.transfer_size() },
        Err(Ended::Transfer(TransferError::Remote { code, message })) => {
            Outcome::Refused(code.0, message.to_string())
        }
        Err(Ended::Transfer(TransferError::TimedOut)) => Outcome::Silent,
        Err(Ended::Transfer(error)) => Outcome::Refused(0, error.to_string()),
        Err(Ended::Network(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Outcome::Closed
        }
        Err(Ended::Network(error)) => Outcome::NotTried(error.to_string()),
    };
    (outcome, head, client.has_answered())
}

enum Ended {
    Transfer(TransferError),
    Network(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Network(error)
    }
}

fn run(client: &mut Client, wanted: usize, head: &mut Vec<u8>) -> Result<(), Ended> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(TICK))?;
    // The socket is not connected, since answers come from another port; so refusals have to be asked for.
    setsockopt(&socket, sockopt::Ipv4RecvErr, &true).map_err(io::Error::from)?;
    let (mut out, mut datagram) = (Vec::new(), vec![0; DATAGRAM_BYTES]);
    loop {
        while let Some(to) = client.poll_transmit(Instant::now(), &mut out) {
            socket.send_to(&out, to)?;
        }
        if client.is_complete() {
            return Ok(());
        }
        match socket.recv_from(&mut datagram) {
            Ok((bytes, source)) => {
                let datagram = datagram.get(..bytes).unwrap_or_default();
                let chunk = client.handle_datagram(Instant::now(), source, datagram);
                if let Some(chunk) = chunk.map_err(Ended::Transfer)? {
                    head.extend_from_slice(chunk.payload);
                }
                if head.len() >= wanted && !client.is_complete() {
                    client.abort(ErrorCode::NOT_DEFINED, "only its beginning was wanted");
                    while let Some(to) = client.poll_transmit(Instant::now(), &mut out) {
                        socket.send_to(&out, to)?;
                    }
                    return Ok(());
                }
            }
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error.into()),
        }
        if client.poll_timeout().is_some_and(|due| due <= Instant::now()) {
            client.handle_timeout(Instant::now()).map_err(Ended::Transfer)?;
        }
    }
}
