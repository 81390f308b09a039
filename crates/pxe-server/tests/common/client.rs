//! A machine that asks DHCP.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

use super::{PATIENCE, Server};

/// A machine's DHCP side.
pub struct Client {
    pub socket: UdpSocket,
    pub mac: [u8; 6],
    pub arch: u16,
}

impl Client {
    /// Listens on the client port of `server`.
    pub fn new(server: &Server, mac: [u8; 6], arch: u16) -> Self {
        let socket = bind_patiently(server.dhcp + 1);
        socket.set_read_timeout(Some(PATIENCE)).expect("timeout");
        Self { socket, mac, arch }
    }

    /// A PXE request as EDK2 makes it.
    pub fn request(&self, kind: MessageType, address: Ipv4Addr) -> Vec<u8> {
        let mut message = self.message(kind, "PXEClient");
        message.set_client_address(address);
        encoded(&message)
    }

    /// A request of UEFI HTTP Boot, as EDK2 makes it.
    pub fn http_boot_request(&self) -> Vec<u8> {
        let mut message = self.message(MessageType::DISCOVER, "HTTPClient");
        message.push(OptionCode::PARAMETER_REQUEST_LIST, &[1, 3, 6, 54, 60, 67, 97]);
        encoded(&message)
    }

    /// Asks for the URL of UEFI HTTP Boot, and checks that the reply is one that EDK2 takes.
    pub fn http_boot_url(&self, port: u16) -> String {
        let reply = self.exchange(&self.http_boot_request(), port);
        let reply = MessageView::parse_strict(&reply).expect("well-formed");
        assert_eq!(reply.first(OptionCode::VENDOR_CLASS), Some(&b"HTTPClient"[..]));
        assert!(reply.your_address().is_unspecified());
        let url = reply.first(OptionCode::BOOT_FILE_NAME).expect("a URL in option 67");
        let url = url.strip_suffix(b"\0").unwrap_or(url);
        String::from_utf8(url.to_vec()).expect("text")
    }

    /// Asks as a full iPXE, and returns the script's URL.
    pub fn script_url(&self, port: u16) -> String {
        let mut message = self.message(MessageType::DISCOVER, "PXEClient");
        message.push(OptionCode::USER_CLASS, b"iPXE");
        let features = [0x13, 0x15, 0x24, 0x27].map(|feature| [feature, 1, 1]);
        message.push(OptionCode::IPXE, features.as_flattened());
        let reply = self.exchange(&encoded(&message), port);
        let reply = MessageView::parse_strict(&reply).expect("well-formed");
        String::from_utf8(reply.boot_file().to_vec()).expect("text")
    }

    fn exchange(&self, request: &[u8], port: u16) -> Vec<u8> {
        self.socket.send_to(request, (Ipv4Addr::LOCALHOST, port)).expect("send");
        let mut buffer = [0; 2048];
        let (bytes, _) = self.socket.recv_from(&mut buffer).expect("a reply");
        buffer[..bytes].to_vec()
    }

    fn message(&self, kind: MessageType, class: &str) -> Message {
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(HardwareType::ETHERNET, &self.mac).expect("address");
        message.set_transaction_id(0x1234_5678);
        message.push(OptionCode::MESSAGE_TYPE, &[kind.0]);
        message.push(OptionCode::CLIENT_ARCHITECTURE, &self.arch.to_be_bytes());
        message.push(OptionCode::NETWORK_INTERFACE, &[1, 3, 0]);
        let class = format!("{class}:Arch:{:05}:UNDI:003000", self.arch);
        message.push(OptionCode::VENDOR_CLASS, class.as_bytes());
        message
    }

    /// Asks, and waits for nothing: so that the server knows who has the loopback address.
    pub fn introduce(&self, port: u16) {
        let request = self.request(MessageType::REQUEST, Ipv4Addr::LOCALHOST);
        self.socket.send_to(&request, (Ipv4Addr::LOCALHOST, port)).expect("send");
    }

    /// Asks, and returns the file named in the reply.
    pub fn boot_file(&self, kind: MessageType, port: u16) -> String {
        let ciaddr = match kind {
            MessageType::REQUEST => Ipv4Addr::LOCALHOST,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let request = self.request(kind, ciaddr);
        self.socket.send_to(&request, (Ipv4Addr::LOCALHOST, port)).expect("send");
        let mut buffer = [0; 2048];
        let (bytes, _) = self.socket.recv_from(&mut buffer).expect("a reply");
        let reply = MessageView::parse_strict(&buffer[..bytes]).expect("well-formed");
        assert_eq!(reply.hardware_address(), self.mac);
        String::from_utf8(reply.boot_file().to_vec()).expect("text")
    }
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(SizeBudget::for_request(None), &mut out).expect("encodes");
    out
}

/// Another test's thread may be starting a server: between fork and exec its child holds a copy of
/// every socket, closed ones of a moment ago among them.
fn bind_patiently(port: u16) -> UdpSocket {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)) {
            Ok(socket) => return socket,
            Err(error) if Instant::now() > deadline => panic!("port {port}: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
