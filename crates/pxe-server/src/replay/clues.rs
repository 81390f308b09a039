//! What single payloads tell.

use core::net::Ipv4Addr;

use pxe_dhcp::MessageView;

/// An address of the network that a DHCP message is about.
pub(super) fn network(payload: &[u8]) -> Option<Ipv4Addr> {
    let view = MessageView::parse(payload).ok()?;
    let addresses = [view.relay_address(), view.your_address(), view.client_address()];
    addresses.into_iter().find(|address| !address.is_unspecified())
}

/// Method, path and `User-Agent` of the beginning of a request.
pub(super) fn http_request(payload: &[u8]) -> Option<(&'static str, &[u8], &[u8])> {
    let (method, rest) = match payload {
        [b'G', b'E', b'T', b' ', rest @ ..] => ("GET", rest),
        [b'H', b'E', b'A', b'D', b' ', rest @ ..] => ("HEAD", rest),
        _ => return None,
    };
    let path = rest.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).next()?;
    let lines = rest.split(|byte| *byte == b'\n');
    let agent =
        lines.filter_map(|line| line.strip_prefix(b"User-Agent: ")).next().unwrap_or_default();
    Some((method, path, agent.strip_suffix(b"\r").unwrap_or(agent)))
}
