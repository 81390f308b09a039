//! A connected socket for each transfer.

use std::io;
use std::net::UdpSocket;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::{PLACES, State, Window, place, segment};

/// Sockets that one wait reports.
const REPORTS_MAX: usize = 256;
/// Stands for the listening socket.
const LISTENER: u64 = u64::MAX;

struct Transfer {
    socket: UdpSocket,
    state: State,
}

pub(super) fn serve(listener: &UdpSocket) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let mut transfers: Vec<Option<Transfer>> = (0..PLACES).map(|_| None).collect();
    let mut window = Window::new();
    let mut reports = vec![EpollEvent::empty(); REPORTS_MAX];
    loop {
        let found = epoll.wait(&mut reports, EpollTimeout::NONE)?;
        for report in &reports[..found] {
            if report.data() == LISTENER {
                begin(listener, &epoll, &mut transfers)?;
                continue;
            }
            let slot = &mut transfers[report.data() as usize];
            if slot.as_mut().is_some_and(|transfer| transfer.go_on(&mut window).is_none()) {
                *slot = None;
            }
        }
    }
}

/// Takes a request that waits.
fn begin(
    listener: &UdpSocket,
    epoll: &Epoll,
    transfers: &mut [Option<Transfer>],
) -> io::Result<()> {
    let mut buffer = [0; 516];
    let mut out = Vec::new();
    let Ok((bytes, client)) = listener.recv_from(&mut buffer) else { return Ok(()) };
    let Some(state) = State::of_request(&buffer[..bytes], &mut out) else { return Ok(()) };
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_nonblocking(true)?;
    socket.connect(client)?;
    segment(&socket, state.block_size)?;
    epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, place(client) as u64))?;
    // A send that fails is a loss.
    let _ = socket.send(&out);
    transfers[place(client)] = Some(Transfer { socket, state });
    Ok(())
}

impl Transfer {
    /// Takes an acknowledgement; `None` when the transfer is over.
    fn go_on(&mut self, window: &mut Window) -> Option<()> {
        let mut buffer = [0; 516];
        match self.socket.recv(&mut buffer) {
            Ok(4) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(()),
            // The client is gone, or says ERROR.
            _ => return None,
        }
        self.state.acknowledge([buffer[2], buffer[3]]);
        let bytes = window.next(&self.state);
        if bytes.is_empty() {
            return None;
        }
        // As above.
        let _ = self.socket.send(bytes);
        Some(())
    }
}
