//! Web hooks to a real receiver: signed, in order, again where it failed; and one that hangs, which delays nobody.
#![allow(unreachable_pub, reason = "every module uses its own part")]
#![cfg(feature = "http")]

#[path = "../common/mod.rs"]
mod common;
mod receiver;
mod tls;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use common::{Fetched, Folder, PATIENCE, Server, fetch};
use receiver::{Delivery, receiver};

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
    let timestamp = delivery.header("webhook-timestamp");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let sent: u64 = timestamp.parse().expect("seconds");
    assert!(now.as_secs().abs_diff(sent) < 60, "{timestamp}");
    delivery.check_signature(b"top secret");
    check_as_the_manual_does("whsec_dG9wIHNlY3JldA==", &delivery);
    // `requested` was not wanted, and nothing is told twice.
    assert!(told.recv_timeout(Duration::from_millis(300)).is_err());
}

/// Runs the manual's example of a check, on what came and on what somebody changed.
fn check_as_the_manual_does(secret: &str, delivery: &Delivery) {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/seeing.md");
    let manual = std::fs::read_to_string(manual).expect("the manual");
    let example = manual.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let parts = delivery.parts();
    let script = format!(
        "{}\nimport json, sys\nit = json.loads(sys.argv[2])\nh, b = it['headers'], it['body'].encode()\n\
         old = dict(h, **{{'webhook-timestamp': '1600000000'}})\n\
         print([is_ours(sys.argv[1], *them) for them in ((h, b), (h, b + b' '), (old, b))], is_ours('other', h, b))",
        example.expect("an example")
    );
    let parts = parts.to_string();
    let done = match Command::new("python3").args(["-c", &script, secret, &parts]).output() {
        Ok(done) => done,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3 is missing: {error}");
            return println!("skipped: python3 is not installed");
        }
    };
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let trouble = String::from_utf8_lossy(&done.stderr);
    assert_eq!(said.trim(), "[True, False, False] False", "{trouble}");
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
    // One try at the receiver takes ten seconds, and `fetch` waits five.
    for number in 1..=50 {
        boot(&server, number);
        assert!(matches!(fetch(server.tftp, b"ipxe.efi"), Fetched::Whole(_)));
    }
    let started = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}
