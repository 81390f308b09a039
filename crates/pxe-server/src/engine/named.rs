//! The boot file of a decision, as it goes on the wire.

use core::net::Ipv4Addr;

use pxe_select::{Action, Decision, Generated, Policy, names};

/// The name or URL that a client is told by `server`; none if it gets no file.
pub(super) fn boot_file(
    policy: &Policy,
    decision: &Decision<'_>,
    server: Ipv4Addr,
    tftp_port: u16,
) -> Option<Vec<u8>> {
    match &decision.action {
        Action::File { name, .. } => Some(name.to_vec()),
        Action::Url(url) => Some(with_server(url, server).into_bytes()),
        Action::Script { generated: Some(Generated::MachineScript(mac)), .. } => {
            let name = names::machine_script_name(*mac);
            Some(script_url(policy, server, tftp_port, &name).into_bytes())
        }
        Action::Script { name, .. } => {
            Some(script_url(policy, server, tftp_port, name).into_bytes())
        }
        _ => None,
    }
}

/// An absolute link, because after its own DHCP round iPXE takes a bare name from whichever
/// server its address came from.
fn script_url(policy: &Policy, server: Ipv4Addr, tftp_port: u16, name: &str) -> String {
    match (policy.script_base(), tftp_port) {
        (Some(base), _) => format!("{}{name}", with_server(base, server)),
        (None, 69) => format!("tftp://{server}/{name}"),
        (None, port) => format!("tftp://{server}:{port}/{name}"),
    }
}

/// Each interface has an address of its own to name.
fn with_server(url: &str, server: Ipv4Addr) -> String {
    url.replace("{server}", &server.to_string())
}
