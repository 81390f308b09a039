//! Clients that are older than DHCP: a BOOTP request with and without a vendor area, as RFC 951 has it.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::path::Path;
use std::time::Instant;

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::capture::Capture;
use crate::lab::packets::Datagram;
use crate::lab::wire::{Namespace, Tap};

/// What BOOTP messages measure, at least (RFC 1542 section 2.1).
const MESSAGE_BYTES: usize = 300;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
const PATIENCE: Duration = Duration::from_secs(10);
/// A BOOTP client asks again after about four seconds (RFC 951 section 7.2).
const ASK_AGAIN: Duration = Duration::from_secs(4);

/// How a client phrases its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A vendor area of zeros, as before RFC 1048.
    Bare,
    /// With the magic cookie of RFC 1048 and the broadcast flag of RFC 1542.
    Cookie,
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) address: Ipv4Addr,
    pub(super) options: Vec<(u8, Vec<u8>)>,
}

/// Asks by BOOTP from this host until a reply is there.
pub(super) fn ask(host: &Namespace, mac: [u8; 6], form: Form, folder: &Path) -> Result<Reply> {
    // Received as a boot ROM does, from the wire itself: the host has no address yet.
    let wire = Tap { namespace: host.clone(), interface: "eth0".to_owned() };
    let mut capture = Capture::start(&wire, folder)?;
    let socket = host.udp_socket(68)?;
    let started = Instant::now();
    let mut asked: Option<Instant> = None;
    loop {
        if asked.is_none_or(|asked| asked.elapsed() > ASK_AGAIN) {
            socket
                .send_to(&request(mac, form), (Ipv4Addr::BROADCAST, 67))
                .context(|| "broadcasting a BOOTP request".to_owned())?;
            asked = Some(Instant::now());
        }
        interrupt::pause(Duration::from_millis(100))?;
        for frame in capture.frames()? {
            let ours = frame.bytes.starts_with(&mac) || frame.bytes.starts_with(&[0xff; 6]);
            if let Some(datagram) = Datagram::read(&frame).filter(|_| ours)
                && let Some(reply) = read(datagram.payload, mac)?
            {
                let at = datagram.destination;
                if at.port() != 68 || ![reply.address, Ipv4Addr::BROADCAST].contains(at.ip()) {
                    return fail(format!("the BOOTP reply goes to {at}"));
                }
                if form == Form::Cookie && !at.ip().is_broadcast() {
                    return fail(format!("it asked for a broadcast, and the reply goes to {at}"));
                }
                return Ok(reply);
            }
        }
        if started.elapsed() > PATIENCE {
            return fail(format!("no BOOTP reply in {PATIENCE:?}"));
        }
    }
}

fn request(mac: [u8; 6], form: Form) -> Vec<u8> {
    let mut message = vec![0; MESSAGE_BYTES];
    // BOOTREQUEST, Ethernet, six bytes of address.
    message[..3].copy_from_slice(&[1, 1, 6]);
    message[4..8].copy_from_slice(&mac[2..]);
    message[28..34].copy_from_slice(&mac);
    if form == Form::Cookie {
        message[10] = 0x80;
        message[236..240].copy_from_slice(&COOKIE);
        message[240] = 255;
    }
    message
}

/// `None` for what is no reply to this client.
fn read(message: &[u8], mac: [u8; 6]) -> Result<Option<Reply>> {
    let is_ours = message.first() == Some(&2)
        && message.get(4..8) == Some(&mac[2..])
        && message.get(28..34) == Some(&mac[..]);
    if !is_ours {
        return Ok(None);
    }
    if message.len() < MESSAGE_BYTES {
        return fail(format!("a BOOTP reply of {} bytes, of at least 300", message.len()));
    }
    let address = Ipv4Addr::new(message[16], message[17], message[18], message[19]);
    let options = options(message);
    Ok(Some(Reply { address, options }))
}

/// The options of a message, in order, as far as they can be read.
pub(super) fn options(message: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut options = Vec::new();
    let area = message.get(236..).and_then(|area| area.strip_prefix(&COOKIE));
    let mut rest = area.unwrap_or_default();
    while let Some((&code, after)) = rest.split_first() {
        rest = after;
        match code {
            0 => continue,
            255 => break,
            _ => {}
        }
        let Some((&length, after)) = rest.split_first() else { break };
        let Some((value, after)) = after.split_at_checked(length.into()) else { break };
        options.push((code, value.to_vec()));
        rest = after;
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [0x52, 0x54, 0, 0xdc, 0, 9];

    #[test]
    fn a_reply_is_told_from_everything_else() {
        let mut reply = request(MAC, Form::Cookie);
        assert_eq!(read(&reply, MAC).unwrap(), None, "a request");
        reply[0] = 2;
        reply[16..20].copy_from_slice(&[10, 77, 0, 9]);
        reply[240..247].copy_from_slice(&[1, 4, 255, 255, 255, 0, 255]);
        let read_back = read(&reply, MAC).unwrap().unwrap();
        assert_eq!(read_back.address, Ipv4Addr::new(10, 77, 0, 9));
        assert_eq!(read_back.options, [(1, vec![255, 255, 255, 0])]);
        assert_eq!(read(&reply, [1; 6]).unwrap(), None, "somebody else's");
        assert!(read(&reply[..299], MAC).is_err(), "too short for a BOOTP client");
    }
}
