//! A TFTP client on one blocking `std` socket.
//!
//! ```sh
//! cargo run -p pxe-examples --bin tftp_client_std -- 192.0.2.5 ipxe.efi            # into ./ipxe.efi
//! cargo run -p pxe-examples --bin tftp_client_std -- 127.0.0.1:10069 a/b.efi OUT   # another port and file
//! ```

use core::time::Duration;
use std::error::Error;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, io};

use pxe_tftp::{Client, ClientConfig};

const USAGE: &str = "usage: tftp_client_std SERVER[:PORT] NAME [FILE]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let server = words.next().ok_or(USAGE)?;
    let server: SocketAddr = match server.parse() {
        Ok(address) => address,
        Err(_) => SocketAddr::new(server.parse()?, 69),
    };
    let name = words.next().ok_or(USAGE)?;
    let file = match words.next() {
        Some(file) => PathBuf::from(file),
        None => Path::new(&name).file_name().ok_or(USAGE)?.into(),
    };

    let started = Instant::now();
    let client = Client::new(started, server, name.as_bytes(), ClientConfig::default())?;
    let bytes = fetch(client, &mut File::create(&file)?)?;
    println!("{name}: {bytes} bytes in {} ms", started.elapsed().as_millis());
    Ok(())
}

/// The loop around every sans-IO machine: send what is due, wait for a datagram or the timer, hand it in.
fn fetch(mut client: Client, file: &mut File) -> Result<u64, Box<dyn Error>> {
    let any = if client.server().is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any)?;
    let mut datagram = vec![0; 65_536];
    let mut out = Vec::new();
    let outcome = loop {
        while let Some(server) = client.poll_transmit(Instant::now(), &mut out) {
            socket.send_to(&out, server)?;
        }
        if client.is_complete() {
            break Ok(client.received_bytes());
        }
        let Some(deadline) = client.poll_timeout() else { break Err("ended early".into()) };
        // A timeout of zero would mean to wait for ever.
        let wait = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(wait))?;
        let step = match socket.recv_from(&mut datagram) {
            Ok((length, source)) => {
                match client.handle_datagram(Instant::now(), source, &datagram[..length]) {
                    Ok(Some(chunk)) => {
                        file.write_all(chunk.payload)?;
                        Ok(())
                    }
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Err(error) if is_timeout(&error) => client.handle_timeout(Instant::now()),
            Err(error) => return Err(error.into()),
        };
        if let Err(error) = step {
            break Err(error.into());
        }
    };
    // The server is told even of a failure.
    while let Some(server) = client.poll_transmit(Instant::now(), &mut out) {
        socket.send_to(&out, server)?;
    }
    outcome
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
