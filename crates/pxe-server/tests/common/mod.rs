//! The real program on the loopback, with ports that need no rights, and clients of plain sockets.
#![allow(dead_code, unreachable_pub, reason = "every test uses its own part")]

use core::sync::atomic::{AtomicU16, Ordering};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

/// Long enough for any machine; reached only when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Ports of this test process: `cargo test` runs the tests of a file in threads of one process, and
/// files one after the other.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// Five ports nobody holds: server, client (server + 1), boot server, TFTP, and behind it HTTP (TCP).
pub fn free_ports() -> (u16, u16, u16) {
    // A hundred ports for each process, below those the system deals out.
    let base = 10_000 + (std::process::id() % 220) as u16 * 100;
    loop {
        let port = base.wrapping_add(NEXT_PORT.fetch_add(10, Ordering::Relaxed));
        let free = |port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
        let http_is_free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port + 4)).is_ok();
        if (port..port + 4).all(free) && http_is_free {
            return (port, port + 2, port + 3);
        }
    }
}

/// A folder that is removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pxe-server-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("folder");
        Self(path)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, bytes).expect("file");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server under test.
pub struct Server {
    child: Child,
    log: Receiver<String>,
    seen: Vec<String>,
    pub dhcp: u16,
    pub boot_server: u16,
    pub tftp: u16,
    pub http: u16,
}

impl Server {
    /// Starts it over `root`, with `extra` at the end of its configuration, and waits for `ready`.
    pub fn start(folder: &Folder, extra: &str) -> Self {
        Self::start_with(folder, extra, &[])
    }

    /// The same with flags.
    pub fn start_with(folder: &Folder, extra: &str, flags: &[&str]) -> Self {
        Self::start_http(folder, "", extra, flags)
    }

    /// The same with keys that stand before every table.
    pub fn start_top(folder: &Folder, top: &str, extra: &str) -> Self {
        Self::start_all(folder, top, "", extra, &[])
    }

    /// The same with lines for its `[http]`.
    pub fn start_http(folder: &Folder, http_lines: &str, extra: &str, flags: &[&str]) -> Self {
        Self::start_all(folder, "", http_lines, extra, flags)
    }

    fn start_all(
        folder: &Folder,
        top: &str,
        http_lines: &str,
        extra: &str,
        flags: &[&str],
    ) -> Self {
        let (dhcp, boot_server, tftp) = free_ports();
        let http = tftp + 1;
        let root = folder.0.join("boot");
        fs::create_dir_all(&root).expect("root");
        let config = folder.0.join("pxe.toml");
        let http_table = match cfg!(feature = "http") {
            true => format!("[http]\nlisten = \"0.0.0.0:{http}\"\n{http_lines}"),
            false => String::new(),
        };
        // Several servers run at once here, and the page has one port if nobody says otherwise.
        let page = match extra.contains("[admin]") {
            true => "",
            false => "[admin]\nenabled = false\n",
        };
        let text = format!(
            "interfaces = [\"lo\"]\nroot = \"boot\"\n{top}[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n\
             {http_table}{page}[tftp]\nport = {tftp}\n{extra}"
        );
        fs::write(&config, text).expect("config");
        let config = config.to_string_lossy();
        let arguments: Vec<&str> = ["--config", &*config].iter().chain(flags).copied().collect();
        let (child, log) = spawn(&arguments);
        let mut server = Self { child, log, seen: Vec::new(), dhcp, boot_server, tftp, http };
        server.expect("ready");
        server
    }

    /// Waits for a line of the log that contains `text`.
    pub fn expect(&mut self, text: &str) -> String {
        if let Some(line) = self.seen.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("no line with {text:?} in the log:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The log so far.
    pub fn log(&mut self) -> String {
        self.seen.extend(self.log.try_iter());
        self.seen.join("\n")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, and the exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("kill");
        self.child.wait().expect("wait").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pxe-server"));
    command.env_remove("RUST_LOG").env_remove("JOURNAL_STREAM");
    command
}

fn spawn(arguments: &[&str]) -> (Child, Receiver<String>) {
    let mut child = program()
        .args(arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the server starts");
    let stderr = child.stderr.take().expect("stderr");
    let (sender, log) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    (child, log)
}

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

/// How a TFTP read ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    Whole(Vec<u8>),
    Error(u16),
    Silence,
}

/// Reads a file block by block, without options.
pub fn fetch(port: u16, name: &[u8]) -> Fetched {
    fetch_from(loopback(port), name)
}

/// The same from any address of the loopback.
pub fn fetch_from(server: SocketAddr, name: &[u8]) -> Fetched {
    let any = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(any).expect("client");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("timeout");
    let request = [&[0, 1], name, b"\0octet\0"].concat();
    socket.send_to(&request, server).expect("send");
    let mut whole = Vec::new();
    let mut buffer = [0; 2048];
    let mut expected = 1_u16;
    loop {
        let Ok((bytes, from)) = socket.recv_from(&mut buffer) else { return Fetched::Silence };
        match buffer[1] {
            3 => {
                let block = u16::from_be_bytes([buffer[2], buffer[3]]);
                if block == expected {
                    whole.extend_from_slice(&buffer[4..bytes]);
                    expected = expected.wrapping_add(1);
                }
                socket.send_to(&[0, 4, buffer[2], buffer[3]], from).expect("ack");
                if block == expected.wrapping_sub(1) && bytes < 516 {
                    return Fetched::Whole(whole);
                }
            }
            5 => return Fetched::Error(u16::from_be_bytes([buffer[2], buffer[3]])),
            other => panic!("opcode {other}"),
        }
    }
}

/// A file on its way to the server, block by block.
pub struct Sending {
    socket: UdpSocket,
    peer: SocketAddr,
    block: u16,
    block_size: usize,
}

impl Sending {
    /// Asks; an error code if that is refused. `options` end in a NUL each.
    pub fn begin(server: SocketAddr, name: &[u8], options: &[u8]) -> Result<Self, u16> {
        let any = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(any).expect("client");
        socket.set_read_timeout(Some(PATIENCE)).expect("timeout");
        let request = [&[0, 2], name, b"\0octet\0", options].concat();
        socket.send_to(&request, server).expect("send");
        let mut sending = Self { socket, peer: server, block: 0, block_size: 512 };
        sending.answer().map(|()| sending)
    }

    fn answer(&mut self) -> Result<(), u16> {
        let mut buffer = [0; 600];
        loop {
            let (bytes, from) = self.socket.recv_from(&mut buffer).expect("an answer");
            self.peer = from;
            let number = u16::from_be_bytes([buffer[2], buffer[3]]);
            match buffer[1] {
                4 if number == self.block => return Ok(()),
                4 => {}
                6 if self.block == 0 => {
                    let mut parts = buffer[2..bytes].split(|byte| *byte == 0);
                    if parts.any(|name| name == b"blksize") {
                        let size = parts.next().expect("a value");
                        self.block_size = size.escape_ascii().to_string().parse().expect("size");
                    }
                    return Ok(());
                }
                5 => return Err(number),
                _ => panic!("{:?}", &buffer[..bytes]),
            }
        }
    }

    /// Bytes of each block but the last, as agreed.
    pub fn block_size(&self) -> usize {
        self.block_size
    }

    /// Sends one block and waits for its acknowledgement.
    pub fn block(&mut self, bytes: &[u8]) -> Result<(), u16> {
        self.block = self.block.wrapping_add(1);
        let datagram = [&[0, 3], &self.block.to_be_bytes()[..], bytes].concat();
        self.socket.send_to(&datagram, self.peer).expect("send");
        self.answer()
    }

    /// Tells the server that the rest does not come.
    pub fn abort(self) {
        self.socket.send_to(b"\0\x05\0\0stop\0", self.peer).expect("send");
    }
}

/// Sends a whole file; an error code if it is not stored.
pub fn send(server: SocketAddr, name: &[u8], content: &[u8], options: &[u8]) -> Result<(), u16> {
    let mut sending = Sending::begin(server, name, options)?;
    let block_size = sending.block_size;
    for block in content.chunks(block_size) {
        sending.block(block)?;
    }
    if content.len().is_multiple_of(block_size) { sending.block(b"") } else { Ok(()) }
}

/// Every file below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
