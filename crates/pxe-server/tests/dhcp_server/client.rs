//! A DHCP client's messages, and what came back.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};
use socket2::{Domain, Socket, Type};

use crate::common::{PATIENCE, Server};
use crate::stage::US;

/// Longer than any answer takes; for asserting that none comes.
const SILENCE: Duration = Duration::from_millis(400);

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) kind: Option<MessageType>,
    pub(crate) address: Ipv4Addr,
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    fn read(bytes: &[u8]) -> Self {
        let view = MessageView::parse_strict(bytes).expect("a well-formed reply");
        Self {
            kind: view.message_type(),
            address: view.your_address(),
            file: String::from_utf8(view.boot_file().to_vec()).expect("text"),
            bytes: bytes.to_vec(),
        }
    }

    pub(crate) fn option(&self, code: u8) -> Option<Vec<u8>> {
        let view = MessageView::parse(&self.bytes).expect("read before");
        view.first(OptionCode(code)).map(<[u8]>::to_vec)
    }

    /// Whether that is the lease, less what storing it took of whole seconds.
    pub(crate) fn is_leased_for(&self, seconds: u32) -> bool {
        let told = self.option(51).and_then(|value| value.try_into().ok()).map(u32::from_be_bytes);
        told.is_some_and(|told| (seconds - PATIENCE.as_secs() as u32..=seconds).contains(&told))
    }
}

/// A machine.
pub(crate) struct Client {
    socket: UdpSocket,
    server: SocketAddr,
    pub(crate) mac: [u8; 6],
    /// It boots from the network, with this architecture.
    pub(crate) arch: Option<u16>,
    xid: u32,
}

impl Client {
    pub(crate) fn new(server: &Server, last: u8) -> Self {
        Self::bound(server, Ipv4Addr::UNSPECIFIED, server.dhcp + 1, last)
    }

    /// One that is behind this address already, or a relay there.
    pub(crate) fn bound(server: &Server, from: Ipv4Addr, port: u16, last: u8) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("an option");
        socket.bind(&SocketAddr::from((from, port)).into()).expect("bound");
        Self {
            socket: socket.into(),
            server: SocketAddr::from((US, server.dhcp)),
            mac: [0x52, 0x54, 0, 0xaa, 0, last],
            arch: None,
            xid: u32::from(last) << 16,
        }
    }

    pub(crate) fn message(&mut self, kind: MessageType) -> Message {
        self.xid += 1;
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(HardwareType::ETHERNET, &self.mac).expect("address");
        message.set_transaction_id(self.xid);
        message.push(OptionCode::MESSAGE_TYPE, &[kind.0]);
        message.push(OptionCode::PARAMETER_REQUEST_LIST, &[1, 3, 6, 12, 15, 42]);
        if let Some(arch) = self.arch {
            message.push(OptionCode::CLIENT_ARCHITECTURE, &arch.to_be_bytes());
            message.push(OptionCode::NETWORK_INTERFACE, &[1, 3, 0]);
            let class = format!("PXEClient:Arch:{arch:05}:UNDI:003000");
            message.push(OptionCode::VENDOR_CLASS, class.as_bytes());
        }
        message
    }

    /// A REQUEST that takes an offer.
    pub(crate) fn taking(&mut self, offer: &Reply) -> Message {
        let mut message = self.message(MessageType::REQUEST);
        message.push(OptionCode::REQUESTED_ADDRESS, &offer.address.octets());
        message.push(OptionCode::SERVER_IDENTIFIER, &offer.option(54).expect("who offers"));
        message
    }

    /// A REQUEST of a machine that had this address before.
    pub(crate) fn coming_back(&mut self, address: Ipv4Addr) -> Message {
        let mut message = self.message(MessageType::REQUEST);
        message.push(OptionCode::REQUESTED_ADDRESS, &address.octets());
        message
    }

    pub(crate) fn send(&self, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(SizeBudget::for_request(None), &mut bytes).expect("encodes");
        self.socket.send_to(&bytes, self.server).expect("sent");
    }

    /// The next reply to this machine's last message.
    pub(crate) fn reply(&self, patience: Duration) -> Option<Reply> {
        let deadline = Instant::now() + patience;
        let mut buffer = [0; 2048];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).expect("timeout");
            let Ok((bytes, _)) = self.socket.recv_from(&mut buffer) else { return None };
            let view = MessageView::parse(&buffer[..bytes]).expect("a reply");
            // Broadcasts are heard by every machine.
            if view.transaction_id() == self.xid && view.hardware_address() == self.mac {
                return Some(Reply::read(&buffer[..bytes]));
            }
        }
    }

    pub(crate) fn ask(&self, message: &Message) -> Reply {
        self.send(message);
        self.reply(PATIENCE).expect("a reply")
    }

    pub(crate) fn ask_in_vain(&self, message: &Message) {
        self.send(message);
        assert_eq!(self.reply(SILENCE), None);
    }

    pub(crate) fn discover(&mut self) -> Reply {
        let message = self.message(MessageType::DISCOVER);
        let offer = self.ask(&message);
        assert_eq!(offer.kind, Some(MessageType::OFFER));
        offer
    }

    /// DISCOVER, OFFER, REQUEST, ACK.
    pub(crate) fn lease(&mut self) -> Reply {
        let offer = self.discover();
        let request = self.taking(&offer);
        let ack = self.ask(&request);
        assert_eq!((ack.kind, ack.address), (Some(MessageType::ACK), offer.address));
        ack
    }
}
