//! Sockets of `doctor`: the only part of it that reads the clock and the network.

mod boot_server;
mod dhcp;
mod files;
#[cfg(feature = "http")]
mod http;
mod tftp;

pub(super) use boot_server::ask as ask_boot_servers;
pub(super) use dhcp::{Ports, ask as ask_dhcp, ask_as_relay};
pub(super) use files::fetch_all;

/// Bytes of a datagram that are looked at.
const DATAGRAM_BYTES: usize = 2_048;
