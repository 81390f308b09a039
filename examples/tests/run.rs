//! Runs every example for real, on the loopback and with ports that need no rights.

use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use pxe_dhcp::options::VendorClass;
use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

/// Reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn codec_embed_reads_a_request_and_builds_a_reply() {
    let said = run(env!("CARGO_BIN_EXE_codec_embed"), &[]);
    for fact in
        ["Dhcp DISCOVER", "architectures [0]", "this is iPXE", "Dhcp OFFER", "\"menu.ipxe\""]
    {
        assert!(said.contains(fact), "no {fact:?} in:\n{said}");
    }
}

#[test]
fn decode_capture_shows_every_message() {
    let capture = captures().join("ipxe-bios-and-ovmf-x64-chain.pcap");
    let said = run(env!("CARGO_BIN_EXE_decode_capture"), &[&capture.to_string_lossy()]);
    let headings = said.lines().filter(|line| line.starts_with('#'));
    let count = |protocol| headings.clone().filter(|line| line.contains(protocol)).count();
    // What `tshark -Y dhcp` and `tshark -Y tftp` count in it.
    assert_eq!((count(" DHCP "), count(" TFTP ")), (16, 34), "{said}");
    for fact in [
        "Dhcp DISCOVER",
        "option 175 (iPXE Encapsulated Options)",
        "read \"ipxe.efi\" mode Octet tsize=0 blksize=1468",
        "OACK blksize=1468 tsize=850528",
        "ERROR 8",
        "windowsize=4",
    ] {
        assert!(said.contains(fact), "no {fact:?} in:\n{said}");
    }
    assert!(!said.contains("unreadable"), "{said}");
}

#[test]
fn decode_capture_reads_both_forms_of_files() {
    let pcap = fs::read(captures().join("ipxe-bios-and-ovmf-x64-chain.pcap")).expect("a capture");
    // A header of 24 bytes, one of 16 for each frame.
    let length = u32::from_le_bytes(pcap[32..36].try_into().expect("four bytes")) as usize;
    let folder = Folder::new("forms");
    let path = folder.0.join("one.pcapng");
    fs::write(&path, pcapng(&pcap[40..40 + length])).expect("a file");
    let said = run(env!("CARGO_BIN_EXE_decode_capture"), &[&path.to_string_lossy()]);
    assert!(said.contains("#1 DHCP 0.0.0.0:68 -> 255.255.255.255:67\n"), "{said}");
    assert!(said.contains("Dhcp DISCOVER, 400 bytes"), "{said}");
    assert_eq!(said.matches('#').count(), 1, "{said}");
}

/// The smallest pcapng file with one Ethernet frame in it.
fn pcapng(frame: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let bytes = (frame.len() as u32).to_le_bytes();
    [[0; 4], [0; 4], [0; 4], bytes, bytes].iter().for_each(|word| packet.extend(word));
    packet.extend(frame);
    packet.resize(packet.len().next_multiple_of(4), 0);

    let section = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    let interface = [1, 0, 0, 0, 0, 0, 4, 0];
    let blocks: [(u32, &[u8]); 3] = [(0x0a0d_0d0a, &section), (1, &interface), (6, &packet)];
    let mut file = Vec::new();
    for (kind, body) in blocks {
        let length = (body.len() as u32 + 12).to_le_bytes();
        file.extend(kind.to_le_bytes());
        file.extend(length);
        file.extend(body);
        file.extend(length);
    }
    file
}

#[test]
fn decode_capture_reports_a_damaged_file() {
    let whole = fs::read(captures().join("ipxe-bios-and-ovmf-x64-chain.pcap")).expect("a capture");
    let folder = Folder::new("damaged");
    let path = folder.0.join("cut.pcap");
    fs::write(&path, &whole[..1000]).expect("a file");
    let output = output(env!("CARGO_BIN_EXE_decode_capture"), &[&path.to_string_lossy()]);
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn tftp_server_and_client_understand_each_other() {
    let folder = Folder::new("tftp");
    let root = folder.0.join("root");
    fs::create_dir_all(root.join("sub")).expect("a folder");
    fs::write(folder.0.join("secret"), b"not yours").expect("a file");
    let port = free_ports::<1>()[0];
    let server = Program::start(
        env!("CARGO_BIN_EXE_tftp_server_std"),
        &[&root.to_string_lossy(), &port.to_string()],
    );
    let address = format!("127.0.0.1:{port}");
    let fetched = folder.0.join("fetched");
    let client = env!("CARGO_BIN_EXE_tftp_client_std");

    // Nothing, a part of a block, whole blocks, and many windows.
    for size in [0, 1, 1448 * 3, 300_000] {
        let content: Vec<u8> = (0..size).map(|at: u32| ((at * 7) >> 3) as u8).collect();
        fs::write(root.join("sub/file.efi"), &content).expect("a file");
        run(client, &[&address, "\\sub\\file.efi", &fetched.to_string_lossy()]);
        assert!(fs::read(&fetched).expect("the file") == content, "{size} bytes differ");
    }
    for (name, why) in [("missing", "code: 1"), ("../secret", "code: 2"), ("sub", "code: 2")] {
        let output = output(client, &[&address, name, &fetched.to_string_lossy()]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{name} was served");
        assert!(error.contains(why), "{name}: {error}");
        assert_eq!(fs::read(&fetched).expect("the file"), b"", "{name}");
    }
    drop(server);
}

#[test]
fn proxy_names_each_client_its_file() {
    let [server, client, boot_server] = free_ports::<3>();
    let words = [
        "127.0.0.1",
        &server.to_string(),
        &client.to_string(),
        &boot_server.to_string(),
        "127.0.0.1",
    ];
    let _proxy = Program::start(env!("CARGO_BIN_EXE_proxy_std"), &words);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, client)).expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let ask = |port, request: &Request| {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        socket.send_to(&request.datagram(), to).expect("sent");
    };

    // Architecture 0x7777 gets no answer, so the next answer is to the next question.
    ask(server, &Request { xid: 1, arch: 0x7777, ..Request::default() });
    for (xid, arch, file) in [
        (2, 0, "undionly.kpxe"),
        (3, 6, "ipxe32.efi"),
        (4, 7, "ipxe.efi"),
        (5, 11, "ipxe-arm64.efi"),
    ] {
        ask(server, &Request { xid, arch, ..Request::default() });
        assert_eq!(answer(&socket), (xid, MessageType::OFFER, file.to_owned()));
    }
    ask(server, &Request { xid: 6, user_class: Some(b"iPXE"), ..Request::default() });
    assert_eq!(answer(&socket), (6, MessageType::OFFER, "menu.ipxe".to_owned()));
    ask(boot_server, &Request { xid: 7, kind: MessageType::REQUEST, ..Request::default() });
    assert_eq!(answer(&socket), (7, MessageType::ACK, "ipxe.efi".to_owned()));
}

struct Request {
    kind: MessageType,
    xid: u32,
    arch: u16,
    user_class: Option<&'static [u8]>,
}

impl Default for Request {
    fn default() -> Self {
        Self { kind: MessageType::DISCOVER, xid: 0, arch: 7, user_class: None }
    }
}

impl Request {
    fn datagram(&self) -> Vec<u8> {
        let mut message = Message::new(Operation::BootRequest);
        message
            .set_hardware(HardwareType::ETHERNET, &[0x52, 0x54, 0, 0xaa, 0, 1])
            .expect("six bytes")
            .set_transaction_id(self.xid)
            .push(OptionCode::MESSAGE_TYPE, &[self.kind.0])
            .push(OptionCode::VENDOR_CLASS, VendorClass::PXE_CLIENT)
            .push(OptionCode::PARAMETER_REQUEST_LIST, &[1, 3, 43, 60, 66, 67])
            .push(OptionCode::CLIENT_ARCHITECTURE, &self.arch.to_be_bytes());
        if let Some(class) = self.user_class {
            // The features without which an iPXE is taken for the firmware it sits in: menu, HTTP, EFI.
            message.push(OptionCode::USER_CLASS, class);
            message.push(OptionCode::IPXE, &[0x13, 1, 1, 0x15, 1, 1, 0x24, 1, 1, 0x27, 1, 1]);
        }
        if self.kind == MessageType::REQUEST {
            message.set_client_address([192, 0, 2, 77].into());
        }
        let mut datagram = Vec::new();
        message.encode(SizeBudget::default(), &mut datagram).expect("a short message");
        datagram
    }
}

fn answer(socket: &UdpSocket) -> (u32, MessageType, String) {
    let mut buffer = [0; 2048];
    let (length, _) = socket.recv_from(&mut buffer).expect("an answer");
    let view = MessageView::parse_strict(&buffer[..length]).expect("a sound answer");
    let kind = view.message_type().expect("option 53");
    (view.transaction_id(), kind, String::from_utf8_lossy(view.boot_file()).into_owned())
}

/// A server that runs until the test ends.
struct Program {
    child: Child,
    /// Kept, or its next line would end it.
    _said: BufReader<ChildStdout>,
}

impl Program {
    fn start(path: &str, words: &[&str]) -> Self {
        let mut child =
            Command::new(path).args(words).stdout(Stdio::piped()).spawn().expect("the program");
        let mut said = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        let program = Self { child, _said: said };
        assert!(line.starts_with("ready"), "{line}");
        program
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn image_list_shows_what_is_inside_and_where() {
    // An image of xorriso; the corpora of the readers leave out the 16 sectors before the descriptors.
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/pxe-image/tests/corpus");
    let rest = fs::read(corpus.join("iso/xorriso.bin")).expect("an image");
    let folder = Folder::new("image");
    let path = folder.0.join("x.iso");
    let image = [vec![0; 32_768], rest].concat();
    fs::write(&path, &image).expect("a file");
    let path = path.to_string_lossy();
    let said = run(env!("CARGO_BIN_EXE_image_list"), &[&path]);
    for fact in [
        "names of RockRidge",
        "           6 /README.TXT\n",
        "        link /link -> d1/../README.TXT\n",
        "           5 /d1/d2/d3/d4/d5/d6/d7/d8/file\n",
    ] {
        assert!(said.contains(fact), "no {fact:?} in:\n{said}");
    }
    let said = run(env!("CARGO_BIN_EXE_image_list"), &[&path, "readme.txt"]);
    let offset = said.trim().strip_prefix("6 bytes at ").expect("one range");
    let offset: usize = offset.parse().expect("a number");
    assert_eq!(&image[offset..offset + 6], b"hello\n");
}

#[test]
fn image_recognise_says_what_boots_and_takes_the_file_beside_it() {
    let folder = Folder::new("recognise");
    let path = folder.0.join("firmware.img");
    let mut disk = vec![0; 4096];
    disk[450] = 0xef;
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    fs::write(&path, disk).expect("a file");
    let path = path.to_string_lossy();
    let said = run(env!("CARGO_BIN_EXE_image_recognise"), &[&path]);
    for fact in [
        "Disk image (firmware.img)\n",
        "[disk] Disk image (firmware.img): UEFI\n",
        "a PC with BIOS does not boot it: it boots by UEFI only\n",
        "a PC with UEFI boots [disk]\n",
    ] {
        assert!(said.contains(fact), "no {fact:?} in:\n{said}");
    }
    let beside = "title = \"Firmware update\"\n[entry.disk]\ntitle = \"Update the firmware\"\n";
    fs::write(folder.0.join("firmware.toml"), beside).expect("a file");
    let said = run(env!("CARGO_BIN_EXE_image_recognise"), &[&path]);
    assert!(said.starts_with("Firmware update\n"), "{said}");
    assert!(said.contains("[disk] Update the firmware: UEFI\n"), "{said}");
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

fn output(path: &str, words: &[&str]) -> Output {
    Command::new(path).args(words).output().expect("the program")
}

/// What a program says that succeeds.
fn run(path: &str, words: &[&str]) -> String {
    let output = output(path, words);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{path} {words:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Ports that nobody holds now.
fn free_ports<const N: usize>() -> [u16; N] {
    let sockets = [(); N].map(|()| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port"));
    sockets.map(|socket| socket.local_addr().expect("bound").port())
}
