//! One attempt: a client, its socket and the clock.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io;
use std::net::UdpSocket;
use std::time::Instant;

use nix::sys::socket::{setsockopt, sockopt};
use pxe_tftp::{Chunk, Client, ErrorCode, TransferError};
use socket2::SockRef;

use super::fault::Fault;
use crate::driver::blocking::is_timeout;

/// How often timers, the bar and Ctrl-C are looked at while nothing comes.
const TICK: Duration = Duration::from_millis(50);
/// How long a server that missed the last acknowledgement is listened for.
const LINGER: Duration = Duration::from_millis(100);
/// Receive buffer asked for, in bytes: whole windows wait here while the disk is busy.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// Largest datagram there is, in bytes.
const DATAGRAM_BYTES_MAX: usize = 1 << 16;

/// Why an attempt ended early.
pub(super) enum Broken {
    Transfer(TransferError),
    /// The kernel or a router said that nothing gets there.
    Network(io::Error),
    Fault(Fault),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The socket of one attempt. Its port is what the server knows the transfer by.
pub(super) struct Link {
    socket: UdpSocket,
    out: Vec<u8>,
}

impl Link {
    pub(super) fn open(server: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_read_timeout(Some(TICK))?;
        // A smaller buffer than asked for still works.
        let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        // The socket is not connected, since the answer comes from another port; without this the
        // kernel would keep a refusal to itself, and we would wait for nothing.
        match server {
            SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?,
            SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?,
        }
        Ok(Self { socket, out: Vec::new() })
    }

    /// Runs the transfer until every byte was handed to `store`, or it fails. `idle` is called from
    /// time to time, whether something comes or not.
    pub(super) fn run(
        &mut self,
        client: &mut Client,
        stop: &AtomicBool,
        mut store: impl FnMut(&Client, &Chunk<'_>) -> Result<(), Fault>,
        mut idle: impl FnMut(),
    ) -> Result<(), Broken> {
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        let ended = loop {
            if let Err(why) = self.send_due(client) {
                break Err(Broken::Network(why));
            }
            if client.is_complete() {
                break Ok(());
            }
            if stop.load(Ordering::Relaxed) {
                break Err(Fault::interrupted().into());
            }
            let step = match self.socket.recv_from(&mut datagram) {
                Ok((length, source)) => {
                    let chunk = client.handle_datagram(Instant::now(), source, &datagram[..length]);
                    match chunk {
                        Ok(Some(chunk)) => store(client, &chunk).map_err(Broken::from),
                        Ok(None) => Ok(()),
                        Err(error) => Err(Broken::Transfer(error)),
                    }
                }
                Err(why) if is_timeout(&why) => {
                    idle();
                    Ok(())
                }
                Err(why) => Err(Broken::Network(why)),
            };
            let step = step.and_then(|()| on_time(client).map_err(Broken::Transfer));
            if step.is_err() {
                break step;
            }
        };
        if matches!(ended, Err(Broken::Fault(_))) {
            client.abort(ErrorCode::NOT_DEFINED, "the client gave up");
        }
        if ended.is_err() {
            // The server is told, if that is possible; the fault itself is known already.
            let _ = self.send_due(client);
        }
        ended
    }

    /// Acknowledges the end again for a server that missed it.
    pub(super) fn linger(&mut self, client: &mut Client) {
        let until = Instant::now() + LINGER;
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        while Instant::now() < until {
            if let Ok((length, source)) = self.socket.recv_from(&mut datagram) {
                // The file is whole, whatever comes now.
                let _ = client.handle_datagram(Instant::now(), source, &datagram[..length]);
                let _ = self.send_due(client);
            }
        }
    }

    fn send_due(&mut self, client: &mut Client) -> io::Result<()> {
        while let Some(server) = client.poll_transmit(Instant::now(), &mut self.out) {
            self.socket.send_to(&self.out, server)?;
        }
        Ok(())
    }
}

fn on_time(client: &mut Client) -> Result<(), TransferError> {
    match client.poll_timeout() {
        Some(due) if due <= Instant::now() => client.handle_timeout(Instant::now()),
        _ => Ok(()),
    }
}
