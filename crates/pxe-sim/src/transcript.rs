//! One line for one datagram, for the transcript that a failing test prints.

use std::fmt::Write as _;

use crate::network::Datagram;
use crate::tftp::wire as tftp;
use crate::wire::Reader;

/// `10.0.0.2:67 > 255.255.255.255:68 OFFER xid 1a2b3c4d …`.
#[must_use]
pub(crate) fn render(datagram: &Datagram) -> String {
    let mut line = format!("{} > {}", datagram.source, datagram.destination);
    let Some(message) = Reader::new(&datagram.payload) else {
        let _ = match tftp::render(&datagram.payload) {
            Some(packet) => write!(line, " {packet}"),
            None => write!(line, " {} bytes", datagram.payload.len()),
        };
        return line;
    };
    let kind = match message.message_type() {
        Some(1) => "DISCOVER",
        Some(2) => "OFFER",
        Some(3) => "REQUEST",
        Some(4) => "DECLINE",
        Some(5) => "ACK",
        Some(6) => "NAK",
        Some(7) => "RELEASE",
        Some(8) => "INFORM",
        Some(_) => "unknown type",
        None => "BOOTP",
    };
    let _ = write!(line, " {kind} xid {:08x}", message.transaction_id());
    for (name, address) in [
        ("ciaddr", message.client_address()),
        ("yiaddr", message.your_address()),
        ("siaddr", message.server_address()),
        ("giaddr", message.relay_address()),
    ] {
        if !address.is_unspecified() {
            let _ = write!(line, " {name} {address}");
        }
    }
    if let Some(server) = message.server_identifier() {
        let _ = write!(line, " server {server}");
    }
    if let Some(class) = message.option(60) {
        let _ = write!(line, " class {:?}", String::from_utf8_lossy(class));
    }
    if !message.boot_file().is_empty() {
        let _ = write!(line, " file {:?}", String::from_utf8_lossy(message.boot_file()));
    }
    if let Some(name) = message.option(67) {
        let _ = write!(line, " 67 {:?}", String::from_utf8_lossy(name));
    }
    if let Some(vendor) = message.option(43) {
        let _ = write!(line, " 43 {vendor:02x?}");
    }
    line
}
