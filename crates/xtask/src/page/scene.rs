//! A server on the loopback, and thousands of machines that ask it.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;

use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

use crate::browser::free_port;
use crate::efi::{self, ARM64, X64, X86};
use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::process::{Background, command};

const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of the boot program: a few dozen packets.
const LOADER_BYTES: usize = 30_000;
/// Machines that ask before the server is given time to read.
const AT_ONCE: usize = 50;
/// Architectures of option 93, commonest first.
const ARCHS: [u16; 5] = [7, 7, 0, 11, 6];

/// The machine that boots while somebody looks.
pub(super) const WATCHED: [u8; 6] = [0x52, 0x54, 0x00, 0xaa, 0x00, 0x01];

/// A running server.
pub(super) struct Scene {
    server: Background,
    pub(super) page: SocketAddr,
    dhcp: u16,
    boot_server: u16,
    tftp: u16,
    http: u16,
    /// Listens where clients do.
    client: UdpSocket,
}

impl Scene {
    pub(super) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let root = folder.join("boot");
        fs::create_dir_all(&root).context(|| format!("making {}", root.display()))?;
        // Every firmware has a loader, so that the list is one of an ordinary network.
        for (name, machine) in [
            ("ipxe.efi", X64),
            ("ipxe32.efi", X86),
            ("snponly.efi", X64),
            ("ipxe-arm64.efi", ARM64),
        ] {
            write(&root.join(name), &efi::program(machine, LOADER_BYTES))?;
        }
        write(&root.join("undionly.kpxe"), &vec![0x90; LOADER_BYTES])?;
        // The client port is the one behind the server's.
        let dhcp = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap_or(0);
        let (boot_server, tftp, http) = (free_udp_port()?, free_udp_port()?, free_port()?);
        let page = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let config = folder.join("pxe.toml");
        let text = format!(
            "interfaces = [\"lo\"]\nroot = \"boot\"\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n\
             [tftp]\nport = {tftp}\n[http]\nlisten = \"127.0.0.1:{http}\"\n[admin]\nlisten = \"{page}\"\n\
             [loaders]\narm64-uefi = \"ipxe-arm64.efi\"\n\
             [[host]]\nmac = \"52:54:00:bb:00:09\"\nboot = false\n\
             [[rule]]\nwhen = {{ arch = [\"bios\"] }}\nfile = \"undionly.kpxe\"\n"
        );
        write(&config, text.as_bytes())?;
        let mut serve = command(&[binary.to_string_lossy()]);
        serve.arg("--config").arg(&config);
        let mut server = Background::start(serve, "the server", &folder.join("server.log"))?;
        server.wait_for_line(PATIENCE, |line| line.starts_with("ready"))?;
        // Some replies are broadcast.
        let client = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, dhcp + 1));
        let client = client.context(|| format!("binding {}", dhcp + 1))?;
        client.set_read_timeout(Some(PATIENCE)).context(|| "a socket".to_owned())?;
        Ok(Self { server, page, dhcp, boot_server, tftp, http, client })
    }

    pub(super) fn url(&self, view: &str) -> String {
        format!("http://{}/#{view}", self.page)
    }

    /// So many machines ask for their boot file.
    pub(super) fn crowd(&self, count: usize) -> Result<()> {
        for number in 0..count {
            let bytes = (number as u32).to_be_bytes();
            let mac = [0x52, 0x54, 0x00, 0xc0 | bytes[1], bytes[2], bytes[3]];
            let address = Ipv4Addr::new(127, 1, bytes[2], bytes[3]);
            let arch = ARCHS[number % ARCHS.len()];
            self.discover(mac, arch)?;
            if number % 3 == 0 {
                self.send(&request(mac, arch, address))?;
            }
            if number % AT_ONCE == 0 {
                interrupt::pause(Duration::from_millis(10))?;
            }
        }
        Ok(())
    }

    pub(super) fn check_alive(&mut self) -> Result<()> {
        self.server.check_alive()
    }

    /// Which file a machine is told.
    pub(super) fn boot_file(&self, mac: [u8; 6], arch: u16) -> Result<String> {
        // Replies to the crowd are not read by anybody.
        self.client.set_nonblocking(true).context(|| "a socket".to_owned())?;
        let mut buffer = [0; 2048];
        while self.client.recv(&mut buffer).is_ok() {}
        self.client.set_nonblocking(false).context(|| "a socket".to_owned())?;
        self.discover(mac, arch)?;
        self.send(&request(mac, arch, Ipv4Addr::LOCALHOST))?;
        loop {
            let bytes =
                self.client.recv(&mut buffer).context(|| "waiting for an answer".to_owned())?;
            let Ok(reply) = MessageView::parse(&buffer[..bytes]) else { continue };
            let is_last = reply.message_type() == Some(MessageType::ACK);
            if is_last && reply.hardware_address() == mac {
                return Ok(String::from_utf8_lossy(reply.boot_file()).into_owned());
            }
        }
    }

    /// Fetches a file by TFTP from start to end, as RFC 1350 has it.
    pub(super) fn fetch(&self, name: &str) -> Result<usize> {
        let asking = || format!("fetching {name}");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context(asking)?;
        socket.set_read_timeout(Some(PATIENCE)).context(asking)?;
        let request = [b"\0\x01", name.as_bytes(), b"\0octet\0"].concat();
        socket.send_to(&request, (Ipv4Addr::LOCALHOST, self.tftp)).context(asking)?;
        let (mut buffer, mut total) = ([0; 1024], 0);
        loop {
            let (bytes, from) = socket.recv_from(&mut buffer).context(asking)?;
            if bytes < 4 || buffer[..2] != [0, 3] {
                return fail(format!("{}: {}", asking(), buffer[..bytes].escape_ascii()));
            }
            total += bytes - 4;
            socket.send_to(&[0, 4, buffer[2], buffer[3]], from).context(asking)?;
            if bytes < 516 {
                return Ok(total);
            }
        }
    }

    /// The address to tell that a machine has booted.
    pub(super) fn booted(&self, mac: [u8; 6]) -> Result<()> {
        use std::io::{Read, Write};
        let telling = || "telling that a machine has booted".to_owned();
        let mut stream =
            std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.http)).context(telling)?;
        let digits: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = format!("GET /booted?mac={digits} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).context(telling)?;
        stream.read_to_end(&mut Vec::new()).context(telling).map(drop)
    }

    fn discover(&self, mac: [u8; 6], arch: u16) -> Result<()> {
        let message = message(MessageType::DISCOVER, mac, arch, Ipv4Addr::UNSPECIFIED);
        let sent = self.client.send_to(&message, (Ipv4Addr::LOCALHOST, self.dhcp));
        sent.context(|| "sending a DISCOVER".to_owned()).map(drop)
    }

    fn send(&self, message: &[u8]) -> Result<()> {
        let sent = self.client.send_to(message, (Ipv4Addr::LOCALHOST, self.boot_server));
        sent.context(|| "sending a request".to_owned()).map(drop)
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).context(|| format!("writing {}", path.display()))
}

fn free_udp_port() -> Result<u16> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    Ok(socket.context(|| "finding a free port".to_owned())?.port())
}

/// What firmware asks of the boot server port.
fn request(mac: [u8; 6], arch: u16, address: Ipv4Addr) -> Vec<u8> {
    message(MessageType::REQUEST, mac, arch, address)
}

fn message(kind: MessageType, mac: [u8; 6], arch: u16, address: Ipv4Addr) -> Vec<u8> {
    let mut message = Message::new(Operation::BootRequest);
    // An Ethernet address always fits.
    let _ = message.set_hardware(HardwareType::ETHERNET, &mac);
    message.set_transaction_id(u32::from_be_bytes([mac[2], mac[3], mac[4], mac[5]]));
    message.set_client_address(address);
    message.push(OptionCode::MESSAGE_TYPE, &[kind.0]);
    message.push(OptionCode::CLIENT_ARCHITECTURE, &arch.to_be_bytes());
    message.push(OptionCode::NETWORK_INTERFACE, &[1, 3, 0]);
    let class = format!("PXEClient:Arch:{arch:05}:UNDI:003000");
    message.push(OptionCode::VENDOR_CLASS, class.as_bytes());
    let mut bytes = Vec::new();
    // So few options always fit.
    let _ = message.encode(SizeBudget::for_request(None), &mut bytes);
    bytes
}
