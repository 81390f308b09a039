//! An inventory that speaks Pixiecore's API says which machines boot, and what; and every way in which it can fail.
#![cfg(feature = "http")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use common::{Client, Fetched, Folder, Server, fetch, program};
use pxe_dhcp::MessageType;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 7];
const X64: u16 = 7;

/// What an inventory does with a connection.
#[derive(Clone, Copy)]
enum Manner {
    /// Answers with this status line and body.
    Answers(&'static str, &'static str),
    /// Waits for this long, and then answers that the machine boots.
    Slow(Duration),
    /// Says nothing.
    Hangs,
    /// Closes.
    Closes,
}

const BOOTS: &str =
    r#"{"kernel": "/vmlinuz", "initrd": ["/initrd"], "cmdline": "quiet ds={{ URL \"/seed\" }}"}"#;

/// A small inventory; what was asked of it comes out of the channel.
struct Inventory {
    port: u16,
    asked: Receiver<String>,
}

impl Inventory {
    fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (tell, asked) = mpsc::channel();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                let mut line = String::new();
                let mut reader = BufReader::new(&stream);
                // Everything up to the empty line, so that closing loses nothing.
                let _ = reader.read_line(&mut line);
                let mut rest = String::new();
                while rest != "\r\n" && {
                    rest.clear();
                    reader.read_line(&mut rest)
                }
                .is_ok_and(|n| n > 0)
                {}
                if tell.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                answer(stream, manner, &mut kept);
            }
        });
        Self { port, asked }
    }

    fn config(&self) -> String {
        format!("[boot_api]\nurl = \"http://127.0.0.1:{}\"\ntimeout = 1\n", self.port)
    }

    /// How often it was asked since the last call.
    fn count(&self) -> usize {
        self.asked.try_iter().count()
    }
}

fn answer(mut stream: TcpStream, manner: Manner, kept: &mut Vec<TcpStream>) {
    let (status, body) = match manner {
        Manner::Answers(status, body) => (status, body),
        Manner::Slow(time) => {
            std::thread::sleep(time);
            ("200 OK", BOOTS)
        }
        Manner::Hangs => return kept.push(stream),
        Manner::Closes => return,
    };
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("boot/ipxe.efi", &b"loader".repeat(100));
    folder.write("boot/open.txt", b"for everybody");
    folder
}

/// Whether the server stays silent to a DISCOVER.
fn is_ignored(client: &Client, port: u16) -> bool {
    client.socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let request = client.request(MessageType::DISCOVER, Ipv4Addr::UNSPECIFIED);
    client.socket.send_to(&request, ("127.0.0.1", port)).expect("send");
    let silent = client.socket.recv_from(&mut [0; 2048]).is_err();
    client.socket.set_read_timeout(Some(common::PATIENCE)).expect("a timeout");
    silent
}

fn get(port: u16, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connect");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("send");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a text");
    let status = reply.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    let (_, body) = reply.split_once("\r\n\r\n").expect("a body");
    (status, body.to_owned())
}

#[test]
fn a_machine_of_the_inventory_boots_what_it_says() {
    let inventory = Inventory::start(Manner::Slow(Duration::from_millis(400)));
    let folder = folder("inventory-boots");
    let mut server = Server::start(&folder, &inventory.config());
    let client = Client::new(&server, MAC, X64);
    // The one DISCOVER is answered, although the inventory takes its time.
    assert_eq!(client.boot_file(MessageType::DISCOVER, server.dhcp), "ipxe.efi");
    assert_eq!(inventory.asked.recv().expect("asked"), "GET /v1/boot/52:54:00:aa:00:07 HTTP/1.1");
    let url = client.script_url(server.dhcp);
    let base = format!("http://127.0.0.1:{}", server.http);
    let path = url.strip_prefix(&base).unwrap_or_else(|| panic!("{url}"));
    assert_eq!(path, "/boot/machine/52-54-00-aa-00-07.ipxe");
    let (status, script) = get(server.http, path);
    let api = format!("http://127.0.0.1:{}", inventory.port);
    let kernel =
        format!("kernel --name kernel {api}/vmlinuz initrd=initrd0 quiet ds={api}/seed ||");
    assert!(
        status == 200 && script.starts_with("#!ipxe\n") && script.contains(&kernel),
        "{script}"
    );
    // The same for GRUB, in its own words and without a menu.
    let (status, config) = get(server.http, "/menu.cfg?mac=52:54:00:aa:00:07");
    let port = inventory.port;
    let linux = format!("linux (http,127.0.0.1:{port})/vmlinuz quiet ds={api}/seed\n");
    let initrd = format!("initrd (http,127.0.0.1:{port})/initrd\n");
    assert!(status == 200 && config.contains(&linux) && config.contains(&initrd), "{config}");
    assert!(config.contains("set timeout=0\n"), "{config}");
    // By TFTP too, and other files as ever.
    let by_tftp = fetch(server.tftp, b"machine/52-54-00-aa-00-07.ipxe");
    assert_eq!(by_tftp, Fetched::Whole(script.into_bytes()));
    assert_eq!(fetch(server.tftp, b"open.txt"), Fetched::Whole(b"for everybody".to_vec()));
    assert_eq!(inventory.count(), 0, "one boot asks once");
    server.expect("52:54:00:aa:00:07 looked-up in the inventory: kernel http://127.0.0.1:");
    server.expect("52:54:00:aa:00:07 offered ipxe.efi");
}

#[test]
fn without_http_the_script_comes_by_tftp() {
    let inventory =
        Inventory::start(Manner::Answers("200 OK", r##"{"ipxe-script": "#!ipxe\nshell\n"}"##));
    let folder = folder("inventory-tftp");
    let server = Server::start_http(&folder, "enabled = false\n", &inventory.config(), &[]);
    let client = Client::new(&server, MAC, X64);
    let url = client.script_url(server.dhcp);
    assert_eq!(url, format!("tftp://127.0.0.1:{}/machine/52-54-00-aa-00-07.ipxe", server.tftp));
    let script = fetch(server.tftp, b"machine/52-54-00-aa-00-07.ipxe");
    assert_eq!(script, Fetched::Whole(b"#!ipxe\nshell\n".to_vec()));
}

/// What becomes of a machine if the inventory behaves so: no offer, no file, and the words for the reason.
fn ignored_with(name: &str, manner: Manner, words: &str) {
    let inventory = Inventory::start(manner);
    let folder = folder(name);
    let mut server = Server::start(&folder, &inventory.config());
    let client = Client::new(&server, MAC, X64);
    let request = client.request(MessageType::DISCOVER, Ipv4Addr::UNSPECIFIED);
    client.socket.send_to(&request, ("127.0.0.1", server.dhcp)).expect("send");
    let line = server.expect("looked-up in the inventory, which does not boot it: ");
    assert!(line.contains(words) && line.contains("52:54:00:aa:00:07"), "{line}");
    server.expect("52:54:00:aa:00:07 denied: ");
    assert!(is_ignored(&client, server.dhcp), "{name}: an offer although {words}");
    // Nor does it get a file from the address that is known to be its own.
    client.introduce(server.boot_server);
    server.expect("denied: ");
    drop(client);
    let (status, _) = get(server.http, "/boot/machine/52-54-00-aa-00-07.ipxe");
    assert!(matches!(status, 403 | 404 | 503), "{name}: {status}");
}

#[test]
fn a_machine_the_inventory_does_not_know_is_ignored() {
    ignored_with("inventory-404", Manner::Answers("404 Not Found", BOOTS), "404 Not Found");
}

#[test]
fn an_inventory_in_trouble_boots_nobody() {
    ignored_with("inventory-500", Manner::Answers("500 Internal Server Error", BOOTS), "500");
    ignored_with("inventory-closes", Manner::Closes, "127.0.0.1");
    ignored_with("inventory-hangs", Manner::Hangs, "timeout");
    ignored_with(
        "inventory-bad",
        Manner::Answers("200 OK", "{\"kernel\": "),
        "cannot be used: no JSON",
    );
    ignored_with(
        "inventory-empty",
        Manner::Answers("200 OK", "{}"),
        "neither kernel nor ipxe-script",
    );
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let body: &'static str = format!("{{\"message\": \"{}\"}}", "x".repeat(20_000)).leak();
    ignored_with("inventory-large", Manner::Answers("200 OK", body), "limit");
}

#[test]
fn nobody_there_is_said_and_other_machines_wait_for_nothing() {
    let port =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("one");
    let folder = folder("inventory-gone");
    let extra = format!("[boot_api]\nurl = \"http://{port}\"\ntimeout = 1\n");
    let host = "[[host]]\nmac = \"52:54:00:aa:00:08\"\nboot = false\n";
    let mut server = Server::start(&folder, &format!("{extra}{host}"));
    let client = Client::new(&server, MAC, X64);
    assert!(is_ignored(&client, server.dhcp));
    server.expect("looked-up in the inventory, which does not boot it: http://127.0.0.1:");
    drop(client);
    // A host entry that forbids it needs no inventory to say so.
    let other = Client::new(&server, [0x52, 0x54, 0, 0xaa, 0, 8], X64);
    assert!(is_ignored(&other, server.dhcp));
    server.expect("52:54:00:aa:00:08 denied: ");
    assert!(!server.log().contains("52:54:00:aa:00:08 looked-up"), "{}", server.log());
    // Files that are asked for by nobody in particular are served.
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a port");
    drop(stranger);
    assert_eq!(fetch(server.tftp, b"open.txt"), Fetched::Whole(b"for everybody".to_vec()));
}

#[test]
fn a_known_machine_gets_neither_files_nor_another_ones_script() {
    let inventory = Inventory::start(Manner::Answers("200 OK", BOOTS));
    let folder = folder("inventory-others");
    let mut server = Server::start(&folder, &inventory.config());
    let client = Client::new(&server, MAC, X64);
    client.boot_file(MessageType::REQUEST, server.boot_server);
    server.expect("acknowledged ipxe.efi");
    let (status, _) = get(server.http, "/boot/machine/52-54-00-aa-00-09.ipxe");
    assert_eq!(status, 403);
    server.expect("the script was made for another machine");
    assert_eq!(get(server.http, "/boot/machine/52-54-00-aa-00-07.ipxe").0, 200);
}

/// What `explain` says of a machine, on standard output and of faults.
fn explain(folder: &Folder, extra: &str, more: &[&str]) -> String {
    let text = format!("root = \"boot\"\n{extra}\n[loaders]\nx64-uefi = \"ipxe.efi\"\n");
    folder.write("pxe.toml", text.as_bytes());
    let config = folder.0.join("pxe.toml");
    let words = ["explain", "--arch", "x64-uefi", "--mac", "52:54:00:aa:00:07"];
    let ran = program().arg("--config").arg(config).args(words).args(more).output();
    let ran = ran.expect("it runs");
    String::from_utf8([ran.stdout, ran.stderr].concat()).expect("text")
}

#[test]
fn explain_asks_only_when_it_is_told_to_and_says_so() {
    let inventory = Inventory::start(Manner::Answers("200 OK", BOOTS));
    let folder = folder("inventory-explain");
    let extra = inventory.config();
    let without = explain(&folder, &extra, &["--ipxe"]);
    let not = format!("inventory not asked (http://127.0.0.1:{}): it decides", inventory.port);
    assert!(without.contains(&not) && without.contains("gets      menu.ipxe"), "{without}");
    assert_eq!(inventory.count(), 0, "nothing is sent");

    let asked = explain(&folder, &extra, &["--ipxe", "--ask-inventory"]);
    let boots = format!("inventory boots it: kernel http://127.0.0.1:{}/vmlinuz", inventory.port);
    for text in [
        &*boots,
        "gets      machine/52-54-00-aa-00-07.ipxe",
        // The packets of every mode, by the engine that waits for an inventory.
        "file                     http://192.0.2.5:8080/boot/machine/52-54-00-aa-00-07.ipxe",
        "story: 52:54:00:aa:00:07 looked-up in the inventory: kernel http://127.0.0.1:",
    ] {
        assert!(asked.contains(text), "no {text:?} in:\n{asked}");
    }
    assert_eq!(inventory.asked.recv().expect("asked"), "GET /v1/boot/52:54:00:aa:00:07 HTTP/1.1");
    assert_eq!(inventory.count(), 0, "once, for all modes");
    let firmware = explain(&folder, &extra, &["--ask-inventory", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&firmware).expect("JSON");
    assert_eq!((&json["inventory"]["state"], &json["gets"]), (&"boots".into(), &"ipxe.efi".into()));

    // A host entry that says what the machine boots goes before it, here as in the server.
    let host = format!("{extra}[[host]]\nmac = \"52:54:00:aa:00:07\"\nboot = \"local\"\n");
    inventory.count();
    let host = explain(&folder, &host, &["--ask-inventory"]);
    assert!(host.contains("inventory is not asked: the machine's host entry"), "{host}");
    assert_eq!(inventory.count(), 0);
    let none = explain(&folder, "", &["--ask-inventory"]);
    assert!(none.contains("names no inventory (boot_api)"), "{none}");
    assert!(!explain(&folder, "", &[]).contains("inventory"), "nothing to tell");
}

#[test]
fn explain_tells_why_an_inventory_boots_a_machine_not() {
    for (name, manner, words) in [
        ("404", Manner::Answers("404 Not Found", BOOTS), "404 Not Found"),
        ("bad", Manner::Answers("200 OK", "{}"), "neither kernel nor ipxe-script"),
        ("closes", Manner::Closes, "127.0.0.1"),
    ] {
        let inventory = Inventory::start(manner);
        let folder = folder(&format!("inventory-explain-{name}"));
        let said = explain(&folder, &inventory.config(), &["--ask-inventory"]);
        let line = said.lines().find(|line| line.starts_with("inventory ")).expect("a line");
        assert!(line.starts_with("inventory does not boot it: ") && line.contains(words), "{said}");
        assert!(said.contains("gets      nothing"), "{said}");
        assert!(said.contains("looked-up in the inventory, which does not boot it: "), "{said}");
        assert!(!said.contains("file                     ipxe.efi"), "in no mode: {said}");
    }
}
