//! DISCOVERs by broadcast, from the port of clients.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::net::UdpSocket;
use std::time::Instant;

use pxe_dhcp::MessageView;

use super::DATAGRAM_BYTES;
use crate::doctor::facts::Reached;
use crate::doctor::plan::Plan;
use crate::doctor::question::Question;
use crate::driver::blocking::{client_socket, is_timeout};
use crate::driver::interfaces::Interface;

/// How long a server may take to answer a relay; dnsmasq looks for three seconds whether an address is in use.
const RELAY_PATIENCE: Duration = Duration::from_secs(4);

/// The ports that DHCP is spoken on, others than usual in tests only.
#[derive(Clone, Copy, Debug)]
pub(in crate::doctor) struct Ports {
    pub(in crate::doctor) server: u16,
    pub(in crate::doctor) client: u16,
    pub(in crate::doctor) boot: u16,
}

/// Runs a plan on an interface.
///
/// # Errors
/// The port of clients cannot be had there, or the network says no.
pub(in crate::doctor) fn ask(
    interface: &Interface,
    ports: Ports,
    plan: &mut Plan,
) -> io::Result<()> {
    let socket = client_socket(interface, ports.client)?;
    let (mut out, mut buffer) = (Vec::new(), [0; DATAGRAM_BYTES]);
    while let Some(due) = plan.poll_timeout() {
        let now = Instant::now();
        if plan.poll_transmit(now, &mut out) {
            socket.send_to(&out, (Ipv4Addr::BROADCAST, ports.server))?;
            continue;
        }
        // A timeout of zero would wait for ever.
        let wait = due.saturating_duration_since(now).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(wait))?;
        match socket.recv_from(&mut buffer) {
            Ok((bytes, SocketAddr::V4(from))) => {
                plan.handle_datagram(*from.ip(), buffer.get(..bytes).unwrap_or_default());
            }
            Ok(_) => {}
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Asks a server for this segment as a relay on it would, to see whether a relay is all that is missing.
pub(in crate::doctor) fn ask_as_relay(
    interface: &Interface,
    ports: Ports,
    server: Ipv4Addr,
    question: &Question,
    (mac, number): ([u8; 6], u32),
) -> Reached {
    let ask = || -> io::Result<Reached> {
        // Answers come to the port of servers, at the address that the relay gives.
        let socket = UdpSocket::bind((interface.address, ports.server))?;
        socket.connect((server, ports.server))?;
        let mut out = Vec::new();
        question
            .discover(mac, number, Some(interface.address), &mut out)
            .map_err(io::Error::other)?;
        socket.send(&out)?;
        let until = Instant::now() + RELAY_PATIENCE;
        let mut buffer = [0; DATAGRAM_BYTES];
        loop {
            let wait = until.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return Ok(Reached::Silent);
            }
            socket.set_read_timeout(Some(wait))?;
            match socket.recv(&mut buffer) {
                Ok(bytes) => {
                    let view = MessageView::parse(buffer.get(..bytes).unwrap_or_default());
                    if view.is_ok_and(|view| view.transaction_id() == number) {
                        return Ok(Reached::Answered);
                    }
                }
                Err(error) if is_timeout(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    return Ok(Reached::Closed);
                }
                Err(error) => return Err(error),
            }
        }
    };
    ask().unwrap_or(Reached::NotTried)
}
