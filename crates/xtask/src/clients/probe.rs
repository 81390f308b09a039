//! What no client looks at: which address and port every datagram of a transfer comes from, how large it is, and
//! whether the server's system had to cut it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;
use std::net::UdpSocket;

use crate::error::{Context as _, Failure, Result, fail};

const PATIENCE: Duration = Duration::from_secs(5);
/// Asked for: more than any link here carries, in windows that leave in one call.
const BLOCK_BYTES: usize = 8192;
const WINDOW: u16 = 16;

/// One transfer as the wire shows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) sources: BTreeSet<SocketAddr>,
    /// Block size that was answered, in bytes.
    pub(crate) block_bytes: usize,
    /// Largest datagram, in bytes.
    pub(crate) largest: usize,
    pub(crate) content: Vec<u8>,
}

/// Fetches a file in large blocks and windows from `server`, looking at every datagram.
pub(crate) fn look(server: IpAddr, file: &str) -> Result<Seen> {
    let any: IpAddr = match server {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let doing = || format!("asking {server} for {file}");
    let socket = UdpSocket::bind((any, 0)).context(doing)?;
    socket.set_read_timeout(Some(PATIENCE)).context(doing)?;
    let request = format!("\0\x01{file}\0octet\0blksize\0{BLOCK_BYTES}\0windowsize\0{WINDOW}\0");
    socket.send_to(request.as_bytes(), (server, 69)).context(doing)?;
    let mut seen = Seen::default();
    let mut room = vec![0; 1 << 16];
    let (mut received, mut acknowledged) = (0_u16, 0_u16);
    loop {
        let (length, from) = socket.recv_from(&mut room).context(doing)?;
        seen.sources.insert(from);
        seen.largest = seen.largest.max(length);
        let datagram = &room[..length];
        let last = match datagram {
            [0, 6, options @ ..] if received == 0 => {
                seen.block_bytes = block_bytes(options)?;
                false
            }
            [0, 3, high, low, payload @ ..] => {
                if u16::from_be_bytes([*high, *low]) != received + 1 {
                    continue;
                }
                received += 1;
                seen.content.extend_from_slice(payload);
                payload.len() < seen.block_bytes
            }
            _ => return fail(format!("{}: {:02x?}", doing(), &datagram[..length.min(40)])),
        };
        if last || received == 0 || received - acknowledged == WINDOW {
            acknowledged = received;
            let [high, low] = received.to_be_bytes();
            socket.send_to(&[0, 4, high, low], from).context(doing)?;
        }
        if last {
            return Ok(seen);
        }
    }
}

fn block_bytes(options: &[u8]) -> Result<usize> {
    let words: Vec<_> = options.split(|&byte| byte == 0).collect();
    let value = words.windows(2).find(|pair| pair[0].eq_ignore_ascii_case(b"blksize"));
    let value = value.and_then(|pair| core::str::from_utf8(pair[1]).ok()?.parse().ok());
    value
        .ok_or_else(|| Failure::new(format!("an OACK without blksize: {}", options.escape_ascii())))
}

/// Packets that the system cut into fragments, of both families, in the namespace of this thread.
pub(crate) fn fragmented() -> Result<u64> {
    let folder = "/proc/thread-self/net";
    let read = |name: &str| {
        let path = format!("{folder}/{name}");
        fs::read_to_string(&path).context(|| format!("reading {path}"))
    };
    let Some(v4) = column(&read("snmp")?, "Ip:", "FragCreates") else {
        return fail(format!("{folder}/snmp does not tell FragCreates"));
    };
    // Not there without IPv6.
    let v6 = read("snmp6").unwrap_or_default();
    let v6 = v6.lines().find_map(|line| line.strip_prefix("Ip6FragCreates"));
    Ok(v4 + v6.and_then(|value| value.trim().parse().ok()).unwrap_or(0))
}

/// The kernel writes a line of names and below it a line of values.
fn column(text: &str, row: &str, name: &str) -> Option<u64> {
    let mut rows = text.lines().filter(|line| line.starts_with(row));
    let place = rows.next()?.split_whitespace().position(|word| word == name)?;
    rows.next()?.split_whitespace().nth(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_by_its_name() {
        let text = "Ip: Forwarding FragCreates\nIp: 1 42\nUdp: InDatagrams\nUdp: 7\n";
        assert_eq!(column(text, "Ip:", "FragCreates"), Some(42));
        assert_eq!(column(text, "Ip:", "Nothing"), None);
        assert!(fragmented().is_ok());
    }

    #[test]
    fn the_block_size_is_read_from_an_oack() {
        assert_eq!(block_bytes(b"windowsize\x0016\0BlkSize\x001228\0").unwrap(), 1228);
        assert!(block_bytes(b"windowsize\x0016\0").is_err());
    }
}
