//! The boot file of a decision, as it goes on the wire.

use core::net::Ipv4Addr;

use pxe_select::{Action, Decision};

/// The name or URL that a client is told by `server`; none if it gets no file.
pub(super) fn boot_file(
    decision: &Decision<'_>,
    server: Ipv4Addr,
    tftp_port: u16,
) -> Option<Vec<u8>> {
    match &decision.action {
        Action::File { name, .. } => Some(name.to_vec()),
        Action::Url(url) => Some(url.as_bytes().to_vec()),
        Action::Script { name, .. } => Some(tftp_url(server, tftp_port, name).into_bytes()),
        _ => None,
    }
}

/// An absolute link, because after its own DHCP round iPXE takes a bare name from whichever
/// server its address came from.
fn tftp_url(server: Ipv4Addr, tftp_port: u16, name: &str) -> String {
    match tftp_port {
        69 => format!("tftp://{server}/{name}"),
        port => format!("tftp://{server}:{port}/{name}"),
    }
}
