//! Captures that are made here, packet by packet, of what is hard to have happen.

use core::net::{Ipv4Addr, SocketAddrV4};

use etherparse::PacketBuilder;
use pxe_dhcp::{Message, MessageType, Operation, OptionCode, SizeBudget};
use pxe_tftp::{ErrorCode, Packet};

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 77);
const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

/// A capture of raw IP packets.
pub(crate) struct Made {
    pub(crate) pcap: Vec<u8>,
    seconds: u32,
    port: u16,
}

impl Made {
    pub(crate) fn new() -> Self {
        let mut pcap = Vec::new();
        // The magic of microseconds, version 2.4, no time zone, whole packets, raw IP.
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
            pcap.extend(word.to_le_bytes());
        }
        Self { pcap, seconds: 1_700_000_000, port: 2_000 }
    }

    pub(crate) fn pass(&mut self, seconds: u32) -> &mut Self {
        self.seconds += seconds;
        self
    }

    fn push(&mut self, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> &mut Self {
        let builder = PacketBuilder::ipv4(from.ip().octets(), to.ip().octets(), 64);
        let mut packet = Vec::new();
        builder.udp(from.port(), to.port()).write(&mut packet, payload).expect("a packet");
        let bytes = packet.len() as u32;
        for word in [self.seconds, 0, bytes, bytes] {
            self.pcap.extend(word.to_le_bytes());
        }
        self.pcap.extend(packet);
        self
    }

    /// A DISCOVER of 64-bit UEFI.
    pub(crate) fn discover(&mut self) -> &mut Self {
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(pxe_dhcp::HardwareType::ETHERNET, &MAC).expect("six bytes");
        message.push_octet(OptionCode::MESSAGE_TYPE, MessageType::DISCOVER.0);
        message.push(OptionCode(60), b"PXEClient:Arch:00007:UNDI:003016");
        message.push_short(OptionCode(93), 7);
        let mut bytes = Vec::new();
        message.encode(SizeBudget::of_payload(1472), &mut bytes).expect("a message");
        let (nobody, all) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
        self.push(SocketAddrV4::new(nobody, 68), SocketAddrV4::new(all, 67), &bytes)
    }

    /// An offer of an address, so that it is known whose that is.
    pub(crate) fn offer(&mut self) -> &mut Self {
        let mut message = Message::new(Operation::BootReply);
        message.set_hardware(pxe_dhcp::HardwareType::ETHERNET, &MAC).expect("six bytes");
        message.set_your_address(CLIENT).set_server_address(SERVER);
        message.push_octet(OptionCode::MESSAGE_TYPE, MessageType::OFFER.0);
        message.push(OptionCode(54), &SERVER.octets());
        message.push(OptionCode(67), b"shimx64.efi");
        let mut bytes = Vec::new();
        message.encode(SizeBudget::of_payload(1472), &mut bytes).expect("a message");
        let all = SocketAddrV4::new(Ipv4Addr::BROADCAST, 68);
        self.push(SocketAddrV4::new(SERVER, 67), all, &bytes)
    }

    /// A request for a file in blocks of so many bytes, from a new port.
    pub(crate) fn ask(&mut self, file: &str, block_size: u16) -> &mut Self {
        self.port += 1;
        let request = format!("\0\u{1}{file}\0octet\0blksize\0{block_size}\0");
        let from = SocketAddrV4::new(CLIENT, self.port);
        self.push(from, SocketAddrV4::new(SERVER, 69), request.as_bytes());
        let agreed = format!("\0\u{6}blksize\0{block_size}\0");
        self.push(SocketAddrV4::new(SERVER, 40_000), from, agreed.as_bytes())
    }

    fn say(&mut self, from_server: bool, packet: Packet<'_>) -> &mut Self {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        let (server, client) =
            (SocketAddrV4::new(SERVER, 40_000), SocketAddrV4::new(CLIENT, self.port));
        let (from, to) = if from_server { (server, client) } else { (client, server) };
        self.push(from, to, &bytes)
    }

    pub(crate) fn data(&mut self, block: u16, bytes: usize) -> &mut Self {
        self.say(true, Packet::Data { block, payload: &vec![0; bytes] })
    }

    pub(crate) fn ack(&mut self, block: u16) -> &mut Self {
        self.say(false, Packet::Ack { block })
    }

    pub(crate) fn give_up(&mut self) -> &mut Self {
        let (code, message) = (ErrorCode(0), &b"TFTP Aborted"[..]);
        self.say(false, Packet::Error { code, message })
    }

    /// The whole file, in two blocks.
    pub(crate) fn fetch(&mut self, file: &str) -> &mut Self {
        self.ask(file, 1_468).ack(0).data(1, 1_468).ack(1).data(2, 700).ack(2)
    }
}
