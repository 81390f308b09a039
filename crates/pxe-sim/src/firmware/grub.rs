//! Where GRUB looks for its configuration (`grub-core/net/bootp.c:grub_net_configure_by_dhcp_ack`,
//! called by `net/drivers/efi/efinet.c:grub_efi_net_config_real`).

use std::net::Ipv4Addr;

use super::Boot;
use crate::wire::{self, Reader};

/// Whose GRUB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Upstream: the firmware's cached ACK and nothing else. Beside a foreign DHCP server it asks
    /// that server.
    Upstream,
    /// With the distributions' patch: the cached proxy offer where the ACK names no file.
    Distribution,
}

/// Server and directory of GRUB's first request for `grub.cfg`; `None` where it sets up no network.
#[must_use]
pub fn configuration(booted: &Boot, build: Build) -> Option<(Ipv4Addr, Vec<u8>)> {
    let ack = Reader::new(&booted.cached.ack).filter(Reader::has_end)?;
    let proxy = booted.cached.proxy_offer.as_deref().and_then(Reader::new);
    let packet = match (build, proxy) {
        (Build::Distribution, Some(proxy)) if ack.boot_file().is_empty() => proxy,
        _ => ack,
    };
    // siaddr, then option 66, then sname.
    let text = || {
        let name = packet.option(66).unwrap_or_else(|| packet.server_name());
        std::str::from_utf8(name).ok()?.parse().ok()
    };
    let server = match packet.server_address() {
        Ipv4Addr::UNSPECIFIED => text()?,
        server => server,
    };
    let own = packet.option(67).map_or_else(|| packet.boot_file(), wire::up_to_nul);
    let directory = own.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let mut name = own[..directory].to_vec();
    name.extend_from_slice(b"grub.cfg");
    Some((server, name))
}
