//! shim's second stage (`netboot.c:parseDhcp4`): server and directory come from the header of one
//! of the packets the firmware has cached. Option 67 is never read.

use std::net::Ipv4Addr;

use super::Boot;
use crate::wire::Reader;

/// What shim asks for next: the server, and the directory of its own name with `second_stage` in
/// it.
#[must_use]
pub fn second_stage(booted: &Boot, second_stage: &str) -> Option<(Ipv4Addr, Vec<u8>)> {
    let cached = &booted.cached;
    let ack = Reader::new(&cached.ack)?;
    let proxy = cached.proxy_offer.as_deref().and_then(Reader::new);
    let reply = cached.pxe_reply.as_deref().and_then(Reader::new);
    // The proxy has no precedence: the ACK's file is looked at first.
    let mut packet = ack;
    if let Some(proxy) = proxy.filter(|_| packet.boot_file().is_empty()) {
        packet = proxy;
    }
    if let Some(reply) = reply
        && packet.boot_file().is_empty()
    {
        packet = reply;
    }
    let own = packet.boot_file();
    let directory =
        own.iter().rposition(|byte| matches!(byte, b'/' | b'\\')).map_or(0, |at| at + 1);
    let mut name = own[..directory].to_vec();
    name.extend_from_slice(second_stage.as_bytes());
    Some((packet.server_address(), name))
}
