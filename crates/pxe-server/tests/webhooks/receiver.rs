//! A receiver of web hooks, with or without TLS.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::common::PATIENCE;

/// A delivery as it came.
pub struct Delivery {
    headers: HashMap<String, String>,
    body: Vec<u8>,
    pub at: Instant,
}

impl Delivery {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn client(&self) -> String {
        self.json()["client"].as_str().expect("a client").to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }

    /// Headers and body, for a program that reads JSON.
    pub fn parts(&self) -> serde_json::Value {
        let body = String::from_utf8(self.body.clone()).expect("text");
        serde_json::json!({ "headers": self.headers, "body": body })
    }

    /// That it was signed with this key.
    pub fn check_signature(&self, key: &[u8]) {
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(&self.body);
        let signature = self.header("webhook-signature").strip_prefix("v1,").expect("v1");
        mac.verify_slice(&STANDARD.decode(signature).expect("base64")).expect("the signature");
    }
}

/// Answers with these statuses, one a delivery, and then takes everything.
pub fn receiver(statuses: &'static [u16]) -> (u16, Receiver<Delivery>) {
    receiver_on(statuses, |stream| stream)
}

/// The same on what `wrap` makes of a connection; one that brings no request is left.
pub fn receiver_on<S: Read + Write>(
    statuses: &'static [u16],
    wrap: impl Fn(TcpStream) -> S + Send + 'static,
) -> (u16, Receiver<Delivery>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.iter().copied().chain(std::iter::repeat(204));
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            let mut reader = BufReader::new(wrap(stream));
            let Some(delivery) = read(&mut reader) else { continue };
            let status = statuses.next().unwrap_or(204);
            let head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if reader.get_mut().write_all(head.as_bytes()).is_err() || tell.send(delivery).is_err()
            {
                return;
            }
        }
    });
    (port, told)
}

fn read(reader: &mut impl BufRead) -> Option<Delivery> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
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
    Some(Delivery { headers, body, at: Instant::now() })
}
