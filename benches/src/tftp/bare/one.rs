//! One socket for all transfers.

use core::net::SocketAddr;
use std::io;
use std::net::UdpSocket;

use nix::sys::socket::{MsgFlags, SockaddrIn};

use super::{PLACES, State, Window, place, segment};
use crate::tftp::batch::{BATCH_DATAGRAMS_MAX, Batch};

pub(super) fn serve(socket: &UdpSocket) -> io::Result<()> {
    let mut batch = Batch::<SockaddrIn>::new(516);
    let mut states = vec![State::default(); PLACES];
    let mut window = Window::new();
    let mut out = Vec::new();
    let mut block_size = 0;
    loop {
        // Waits for one, takes what else is there.
        let wait = MsgFlags::MSG_WAITFORONE;
        let taken = batch.receive(socket, BATCH_DATAGRAMS_MAX, wait, |source, datagram| {
            let Some(source) = source else { return };
            let source = SocketAddr::V4(source.into());
            let state = &mut states[place(source)];
            // A send that fails is a loss.
            let _ = match *datagram {
                [0, 4, high, low] if state.size > 0 => {
                    state.acknowledge([high, low]);
                    let bytes = window.next(state);
                    if bytes.is_empty() { Ok(0) } else { socket.send_to(bytes, source) }
                }
                _ => match State::of_request(datagram, &mut out) {
                    Some(begun) => {
                        *state = begun;
                        if block_size != state.block_size
                            && segment(socket, state.block_size).is_ok()
                        {
                            block_size = state.block_size;
                        }
                        socket.send_to(&out, source)
                    }
                    None => Ok(0),
                },
            };
        });
        match taken {
            // An ICMP message about a client that is gone.
            Err(error) if error.kind() != io::ErrorKind::ConnectionRefused => return Err(error),
            _ => {}
        }
    }
}
