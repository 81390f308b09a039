//! Asks a segment for other DHCP servers, as a client would: from port 68, by broadcast.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::time::Instant;

use nix::ifaddrs::getifaddrs;
use pxe_dhcp::respond::{ForeignProbe, ForeignServer, Ports, ProbeVerdict};

use super::blocking::{client_socket, is_timeout};
use super::interfaces::Interface;

/// Asks on one interface, which takes five seconds if nobody answers; `own` are our addresses. The port of our
/// server must not be bound yet, or it would hear the question.
///
/// # Errors
/// If it cannot be asked.
pub fn ask(
    interface: &Interface,
    ports: Ports,
    own: Vec<Ipv4Addr>,
) -> io::Result<Option<ForeignServer>> {
    let socket = client_socket(interface, ports.client)?;
    let mac = hardware_address(&interface.name)?;
    let number = RandomState::new().hash_one(&interface.name) as u32;
    let mut probe = ForeignProbe::new(Instant::now(), ports, number, mac, own);
    let (mut out, mut buffer) = (Vec::new(), [0; 2048]);
    loop {
        let now = Instant::now();
        probe.handle_timeout(now);
        match probe.verdict() {
            Some(ProbeVerdict::Found(server)) => return Ok(Some(server)),
            Some(ProbeVerdict::Alone) => return Ok(None),
            None => {}
        }
        let asked = probe.poll_transmit(now, &mut out).map_err(io::Error::other)?;
        if let Some(transmit) = asked {
            socket.send_to(&out, transmit.destination)?;
        }
        let due = probe.poll_timeout().unwrap_or(now);
        // A timeout of zero would wait for ever.
        let wait = due.saturating_duration_since(now).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(wait))?;
        match socket.recv_from(&mut buffer) {
            Ok((bytes, SocketAddr::V4(from))) => {
                probe.handle_datagram(from, buffer.get(..bytes).unwrap_or_default());
            }
            Ok(_) => {}
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn hardware_address(name: &str) -> io::Result<[u8; 6]> {
    let found = getifaddrs()?.filter(|entry| entry.interface_name == name);
    let mac = found.filter_map(|entry| entry.address?.as_link_addr()?.addr()).next();
    mac.ok_or_else(|| io::Error::other("it has no hardware address"))
}
