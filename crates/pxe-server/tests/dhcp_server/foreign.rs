//! Another DHCP server on the segment: we refuse to be the second one, unless told to.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdout, Command, Stdio};

use pxe_dhcp::{Message, MessageType, MessageView, OptionCode, SizeBudget};
use socket2::{Domain, Socket, Type};

use crate::common::{Folder, program};
use crate::stage::enter;

const PORT: u16 = 6767;
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 9);

/// Waits for its end of the cable, and then answers every DISCOVER.
const FAKE_SETUP: &str = "read cable && ip addr add 10.8.0.9/16 dev v1 && ip link set v1 up && \
                          exec \"$0\" --exact foreign::other_server --ignored --nocapture";

fn run(words: &str) {
    let mut words = words.split(' ');
    let status = Command::new(words.next().expect("a program")).args(words).status();
    assert!(status.expect("ip runs").success());
}

/// The other server, in a namespace at the other end of a cable.
#[test]
#[ignore = "no test, but the other server of the one below"]
fn other_server() {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    socket.set_broadcast(true).expect("an option");
    socket.bind_device(Some(b"v1")).expect("an option");
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)).into()).expect("bound");
    let socket = std::net::UdpSocket::from(socket);
    println!("\nlistening");
    let mut buffer = [0; 2048];
    loop {
        let (bytes, _) = socket.recv_from(&mut buffer).expect("a message");
        let view = MessageView::parse(&buffer[..bytes]).expect("DHCP");
        let mut offer = Message::new(pxe_dhcp::Operation::BootReply);
        offer.reset_reply_to(&view, MessageType::OFFER);
        offer.set_your_address(Ipv4Addr::new(10, 8, 7, 7));
        offer.push(OptionCode::SERVER_IDENTIFIER, &OTHER.octets());
        let mut out = Vec::new();
        offer.encode(SizeBudget::default(), &mut out).expect("encodes");
        socket.send_to(&out, (Ipv4Addr::BROADCAST, PORT + 1)).expect("sent");
    }
}

struct OtherServer {
    child: Child,
    /// It must not lose that.
    _output: Lines<BufReader<ChildStdout>>,
}

impl OtherServer {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new("unshare")
            .args(["-n", "sh", "-c", FAKE_SETUP])
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        // It is in its namespace once that is another one than ours.
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        let pid = child.id().to_string();
        while namespace(&pid) == namespace("self") {
            std::thread::sleep(core::time::Duration::from_millis(5));
        }
        run(&format!("ip link set v1 netns {pid}"));
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(b"plugged\n").expect("told");
        let stdout = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines();
        let runs = lines.by_ref().map_while(Result::ok).any(|line| line == "listening");
        assert!(runs, "the other server does not run");
        Self { child, _output: lines }
    }
}

impl Drop for OtherServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(folder: &Folder, extra: &str) -> String {
    let text = format!(
        "interfaces = [\"v0\"]\nroot = \"boot\"\n[dhcp]\nmode = \"server\"\nport = {PORT}\nboot_port = 6769\n\
         {extra}\n[[dhcp.subnet]]\nnetwork = \"10.8.0.0/16\"\npool = \"10.8.1.1-10.8.1.9\"\n[tftp]\nport = 6770\n"
    );
    folder.write("pxe.toml", text.as_bytes());
    folder.0.join("pxe.toml").to_string_lossy().into_owned()
}

#[test]
fn we_refuse_to_be_the_second_dhcp_server() {
    if !enter("foreign::we_refuse_to_be_the_second_dhcp_server") {
        return;
    }
    run("ip link add v0 type veth peer name v1");
    run("ip addr add 10.8.0.1/16 dev v0");
    run("ip link set v0 up");
    let other = OtherServer::start();
    let folder = Folder::new("foreign");
    let said = until_ready(&config(&folder, ""));
    assert!(!said.contains("\nready"), "{said}");
    assert!(said.contains("another DHCP server answers on v0: 10.8.0.9 offers 10.8.7.7"), "{said}");
    assert!(said.contains("dhcp.mode = \"proxy\""), "{said}");

    let overridden = config(&folder, "ignore_other_servers = true");
    assert!(until_ready(&overridden).contains("ready"));
    drop(other);

    // Nobody is there now: asked once, and remembered.
    // The other end of the cable goes with its namespace, whenever that may be: another cable.
    run("ip link add w0 type veth peer name w1");
    run("ip addr add 10.8.0.2/16 dev w0");
    run("ip link set w0 up");
    run("ip link set w1 up");
    let alone = config(&folder, "");
    let text = fs::read_to_string(&alone).expect("the configuration");
    fs::write(&alone, text.replace("v0", "w0")).expect("written");
    assert!(until_ready(&alone).contains("asking for other DHCP servers"));
    let again = until_ready(&alone);
    assert!(again.contains("ready") && !again.contains("asking"), "{again}");
}

/// What the program says until it is ready; then it is stopped.
fn until_ready(config: &str) -> String {
    let mut child =
        program().args(["--config", config]).stderr(Stdio::piped()).spawn().expect("it runs");
    let stderr = child.stderr.take().expect("its log");
    let mut said = String::new();
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        said.push_str(&line);
        said.push('\n');
        if line.starts_with("ready") {
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    said
}
