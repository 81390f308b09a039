//! Every file that was named, fetched once, all at the same time.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::net::ToSocketAddrs;
use std::thread;

use super::tftp;
use crate::content::Program;
use crate::doctor::facts::{Fetched, Outcome};

/// Bytes of a file that are fetched: the headers of every program known are in them.
const HEAD_BYTES: usize = 16 << 10;
const TFTP_PORT: u16 = 69;

/// Fetches the beginning of each; `tftp_port` is where servers that are named without a port listen.
pub(in crate::doctor) fn fetch_all(files: &mut [Fetched], tftp_port: Option<u16>) {
    let tftp_port = tftp_port.unwrap_or(TFTP_PORT);
    thread::scope(|scope| {
        for file in files {
            scope.spawn(move || {
                let (outcome, head) = fetch(file, tftp_port);
                if matches!(outcome, Outcome::Delivered { .. } | Outcome::Stalled { .. })
                    && !head.is_empty()
                {
                    file.program = Some(Program::of(&head));
                }
                file.outcome = outcome;
            });
        }
    });
}

fn fetch(file: &Fetched, tftp_port: u16) -> (Outcome, Vec<u8>) {
    let resolved = address(&file.server, if file.http { 80 } else { tftp_port });
    let server = match resolved {
        Ok(server) => server,
        Err(why) => return (Outcome::NotTried(why), Vec::new()),
    };
    if !file.http {
        return tftp::head(server, &file.file, HEAD_BYTES);
    }
    web(server, file)
}

#[cfg(feature = "http")]
fn web(server: SocketAddr, file: &Fetched) -> (Outcome, Vec<u8>) {
    match file.server.strip_prefix("https://") {
        Some(_) => (super::http::listens(server), Vec::new()),
        None => super::http::head(server, &file.server, &file.file, HEAD_BYTES),
    }
}

#[cfg(not(feature = "http"))]
fn web(_: SocketAddr, _: &Fetched) -> (Outcome, Vec<u8>) {
    (Outcome::NotTried("this program was built without HTTP".to_owned()), Vec::new())
}

/// The address of `host`, `host:port` or `https://host`.
fn address(text: &str, port: u16) -> Result<SocketAddr, String> {
    let (text, port) = match text.strip_prefix("https://") {
        Some(rest) => (rest, 443),
        None => (text, port),
    };
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(SocketAddr::new(IpAddr::V4(address), port));
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let found = match text.contains(':') {
        true => text.to_socket_addrs(),
        false => (text, port).to_socket_addrs(),
    };
    let found = found.map_err(|error| format!("{text}: {error}"))?;
    found.into_iter().find(SocketAddr::is_ipv4).ok_or_else(|| format!("{text} has no IPv4 address"))
}
