//! The listening socket.

use core::net::SocketAddr;
use std::io;
use std::net::TcpListener;

use nix::libc;
use socket2::{Domain, Protocol, Socket, Type};

use crate::driver::BindFault;
use crate::driver::holder;

/// Connections that the system holds until they are taken; Linux cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4_096;

/// Binds what the configuration names; says who is in the way and what to do.
pub(crate) fn bind(
    what: &str,
    key: &'static str,
    listen: SocketAddr,
) -> Result<TcpListener, BindFault> {
    bind_to(listen).map_err(|error| {
        let port = listen.port();
        match error.raw_os_error() {
            Some(libc::EADDRNOTAVAIL) => BindFault {
                key,
                problem: format!("this machine has no address {}", listen.ip()),
                remedy: format!("every address: listen = \"0.0.0.0:{port}\""),
                holder: None,
                kind: error.kind(),
            },
            _ => holder::explain(holder::Protocol::Tcp, (what, key), port, &error),
        }
    })
}

fn bind_to(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` means every address, those of IPv4 too, whatever the system's default is.
        socket.set_only_v6(false)?;
    }
    // Connections of an earlier run that are not quite over are no holder of the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
