//! Web hooks to a real receiver: signed, in order, again where it failed; and one that hangs, which delays nobody.
#![cfg(feature = "http")]

mod common;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Fetched, Folder, PATIENCE, Server, fetch};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A delivery as it came.
struct Delivery {
    headers: HashMap<String, String>,
    body: Vec<u8>,
    at: Instant,
}

impl Delivery {
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn client(&self) -> String {
        self.json()["client"].as_str().expect("a client").to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }
}

/// Answers with these statuses, one a delivery, and then takes everything.
fn receiver(statuses: &'static [u16]) -> (u16, Receiver<Delivery>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.iter().copied().chain(std::iter::repeat(204));
        for mut stream in listener.incoming().map_while(Result::ok) {
            let delivery = read(&stream);
            let status = statuses.next().unwrap_or(204);
            let head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if stream.write_all(head.as_bytes()).is_err() || tell.send(delivery).is_err() {
                return;
            }
        }
    });
    (port, told)
}

fn read(stream: &TcpStream) -> Delivery {
    let mut reader = BufReader::new(stream);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    let length =
        headers.get("content-length").and_then(|text| text.parse().ok()).expect("a length");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    Delivery { headers, body, at: Instant::now() }
}

fn server(name: &str, port: u16, keys: &str) -> (Folder, Server) {
    let folder = Folder::new(name);
    folder.write("boot/ipxe.efi", &b"loader".repeat(100));
    let hook = format!("[[webhook]]\nurl = \"http://127.0.0.1:{port}/pxe\"\n{keys}");
    let server = Server::start(&folder, &hook);
    (folder, server)
}

/// A machine says that it has booted.
fn boot(server: &Server, number: usize) -> String {
    let mac = format!("52:54:00:bb:00:{number:02x}");
    let mut stream = TcpStream::connect(("127.0.0.1", server.http)).expect("connect");
    write!(stream, "GET /booted?mac={mac} HTTP/1.0\r\n\r\n").expect("send");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    assert!(reply.starts_with("HTTP/1.0 2") || reply.starts_with("HTTP/1.1 2"), "{reply}");
    mac
}

#[test]
fn a_receiver_can_tell_that_an_event_is_ours() {
    let (port, told) = receiver(&[]);
    let keys = "stages = [\"delivered\"]\nsecret = \"whsec_dG9wIHNlY3JldA==\"\n";
    let (_folder, server) = server("webhook-signed", port, keys);
    assert!(matches!(fetch(server.tftp, b"ipxe.efi"), Fetched::Whole(_)));
    let delivery = told.recv_timeout(PATIENCE).expect("a delivery");
    let json = delivery.json();
    assert_eq!((&json["stage"], &json["client"]), (&"delivered".into(), &"127.0.0.1".into()));
    assert_eq!((&json["file"], &json["bytes"]), (&"ipxe.efi".into(), &600.into()), "{json}");
    assert_eq!(delivery.header("content-type"), "application/json");
    let (id, timestamp) = (delivery.header("webhook-id"), delivery.header("webhook-timestamp"));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let sent: u64 = timestamp.parse().expect("seconds");
    assert!(now.as_secs().abs_diff(sent) < 60, "{timestamp}");
    let mut mac = Hmac::<Sha256>::new_from_slice(b"top secret").expect("a key");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&delivery.body);
    let signature = delivery.header("webhook-signature").strip_prefix("v1,").expect("v1");
    mac.verify_slice(&STANDARD.decode(signature).expect("base64")).expect("the signature");
    // `requested` was not wanted, and nothing is told twice.
    assert!(told.recv_timeout(Duration::from_millis(300)).is_err());
}

#[test]
fn what_failed_is_told_again_and_in_its_order() {
    let (port, told) = receiver(&[500, 503]);
    let (_folder, server) = server("webhook-again", port, "stages = [\"booted\"]\n");
    let machines: Vec<String> = (0..5).map(|number| boot(&server, number)).collect();
    let deliveries: Vec<Delivery> =
        (0..7).map(|_| told.recv_timeout(PATIENCE).expect("a delivery")).collect();
    let told: Vec<String> = deliveries.iter().map(Delivery::client).collect();
    assert_eq!(told[..3], [&*machines[0]; 3]);
    assert_eq!(told[2..], machines);
    let ids: Vec<&str> = deliveries.iter().map(|delivery| delivery.header("webhook-id")).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    let waited = [deliveries[1].at - deliveries[0].at, deliveries[2].at - deliveries[1].at];
    assert!(waited[0] >= Duration::from_millis(450), "{waited:?}");
    assert!(waited[1] >= Duration::from_millis(900), "it waits longer each time: {waited:?}");
}

#[test]
fn what_the_receiver_refuses_is_said_and_not_tried_again() {
    let (port, told) = receiver(&[404]);
    let (_folder, mut server) = server("webhook-refused", port, "stages = [\"booted\"]\n");
    let machines: Vec<String> = (0..2).map(|number| boot(&server, number)).collect();
    let clients: Vec<String> =
        (0..2).map(|_| told.recv_timeout(PATIENCE).expect("a delivery").client()).collect();
    assert_eq!(clients, machines);
    let line = server.expect("webhook http://127.0.0.1");
    assert!(line.contains("1 events were given up (404"), "{line}");
}

#[test]
fn a_receiver_that_hangs_delays_nobody() {
    // It takes connections and says nothing.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (_folder, server) = server("webhook-hangs", port, "");
    boot(&server, 0);
    let (_kept, _) = listener.accept().expect("the hook asks");
    let started = Instant::now();
    for number in 1..=50 {
        boot(&server, number);
        assert!(matches!(fetch(server.tftp, b"ipxe.efi"), Fetched::Whole(_)));
    }
    // One try at the receiver takes ten seconds.
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    let started = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}
