//! TFTP has one known port only: everything else is found by remembering who asked.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::SocketAddrV4;

use pxe_tftp::{OptionsView, Packet, RequestView};

use crate::frame::Datagram;

const PORT: u16 = 69;

/// The sockets that sent a request: what comes to them or from them is TFTP.
#[derive(Default)]
pub(crate) struct Conversations {
    clients: HashSet<SocketAddrV4>,
}

impl Conversations {
    /// A TFTP packet in one line; none if the datagram belongs to no conversation.
    pub(crate) fn describe(&mut self, datagram: &Datagram<'_>) -> Option<String> {
        if datagram.destination.port() == PORT {
            self.clients.insert(datagram.source);
        } else if datagram.source.port() != PORT
            && !self.clients.contains(&datagram.source)
            && !self.clients.contains(&datagram.destination)
        {
            return None;
        }
        Some(match Packet::parse(datagram.payload) {
            Ok(packet) => line(&packet),
            Err(error) => format!("unreadable: {error}"),
        })
    }
}

fn line(packet: &Packet<'_>) -> String {
    match packet {
        Packet::ReadRequest(request) => asked("read", request),
        Packet::WriteRequest(request) => asked("write", request),
        Packet::Data { block, payload } => format!("DATA block {block}, {} bytes", payload.len()),
        Packet::Ack { block } => format!("ACK block {block}"),
        Packet::Error { code, message } => format!("ERROR {code}: {}", message.escape_ascii()),
        Packet::OptionAck(view) => format!("OACK{}", options(*view)),
        _ => format!("{packet:?}"),
    }
}

fn asked(what: &str, request: &RequestView<'_>) -> String {
    let name = request.file_name().escape_ascii();
    format!("{what} \"{name}\" mode {:?}{}", request.mode(), options(request.options()))
}

fn options(view: OptionsView<'_>) -> String {
    view.iter().fold(String::new(), |mut text, option| {
        let (name, value) = (option.name.escape_ascii(), option.value.escape_ascii());
        write!(text, " {name}={value}").expect("a string takes everything");
        text
    })
}
