//! PXELINUX's first request (`core/fs/pxe/pxe.c`, `dhcp_option.c`): it merges the packets that the
//! ROM has cached, later ones overriding, and searches its configuration beside its own file.

use std::net::Ipv4Addr;

use super::{Boot, Machine};
use crate::wire::{self, Reader};

/// Server and name of the first configuration file it asks for: the one named by the machine's
/// UUID. With option 209 it is that file, with option 210 another directory.
#[must_use]
pub fn first_request(booted: &Boot, machine: &Machine) -> Option<(Ipv4Addr, Vec<u8>)> {
    let cached = &booted.cached;
    let packets = [Some(&cached.ack), cached.proxy_offer.as_ref(), cached.pxe_reply.as_ref()];
    let mut server = Ipv4Addr::UNSPECIFIED;
    let mut own = Vec::new();
    let (mut prefix, mut config) = (None, None);
    for packet in packets.into_iter().flatten() {
        let packet = Reader::new(packet)?;
        match (packet.server_address(), packet.server_identifier()) {
            (Ipv4Addr::UNSPECIFIED, Some(identifier)) if server.is_unspecified() => {
                server = identifier;
            }
            (Ipv4Addr::UNSPECIFIED, _) => {}
            (address, _) => server = address,
        }
        // `file` before option 67.
        let name = match packet.boot_file() {
            [] => packet.option(67).map(wire::up_to_nul).unwrap_or_default(),
            name => name,
        };
        if !name.is_empty() {
            own = name.to_vec();
        }
        prefix = packet.option(210).map(<[u8]>::to_vec).or(prefix);
        config = packet.option(209).map(<[u8]>::to_vec).or(config);
    }
    let directory =
        own.iter().rposition(|byte| matches!(byte, b'/' | b'\\')).map_or(0, |at| at + 1);
    let mut name = prefix.unwrap_or_else(|| own[..directory].to_vec());
    match config {
        Some(config) => name.extend_from_slice(&config),
        None => {
            name.extend_from_slice(b"pxelinux.cfg/");
            name.extend_from_slice(uuid_text(&machine.guid).as_bytes());
        }
    }
    Some((server, name))
}

/// The UUID as PXELINUX prints it: the first three fields of the GUID byte-swapped.
fn uuid_text(guid: &[u8; 16]) -> String {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut text = String::new();
    for (position, index) in ORDER.into_iter().enumerate() {
        if [4, 6, 8, 10].contains(&position) {
            text.push('-');
        }
        text.push_str(&format!("{:02x}", guid[index]));
    }
    text
}
