//! What left our server's host for DHCP: recorded there, so that nothing is missed that a router keeps to itself.

use std::collections::BTreeMap;

use crate::error::{Result, fail};
use crate::lab::capture::Frame;
use crate::lab::packets::{ACK, Datagram, DhcpSeen, NAK, OFFER};
use crate::lab::topology::{Site, Topology};
use crate::lab::vm::mac_text;

/// How often each kind of message went to each machine.
type Counts = BTreeMap<(String, u8), usize>;

const KINDS: [(u8, &str); 3] = [(OFFER, "DHCPOFFER("), (ACK, "DHCPACK("), (NAK, "DHCPNAK(")];

/// Proves by a capture of what left the host that our server was silent; says by what. `foreign_log` is the DHCP
/// server's, which matters where it shares the host.
pub(crate) fn prove(topology: &Topology, sent: &[Frame], foreign_log: &str) -> Result<String> {
    let mut dhcp = Vec::new();
    let mut others = 0_usize;
    for frame in sent {
        match Datagram::read(frame) {
            Some(datagram) if datagram.is_dhcp() => dhcp.push(datagram),
            Some(_) => others += 1,
            None if frame.bytes.get(12..14) == Some(&[0x08, 0x00]) => {
                return fail("our host sent a UDP packet that cannot be read");
            }
            None => {}
        }
    }
    if others == 0 {
        return fail("the capture shows nothing that left our host: it proves no silence");
    }
    if topology.site == Site::OneHost {
        let count = dhcp.len();
        same(&on_the_wire(&dhcp)?, &in_the_log(foreign_log))?;
        return Ok(format!("each of {count} DHCP messages of this host is dnsmasq's"));
    }
    match dhcp.first() {
        Some(datagram) => fail(format!(
            "{} DHCP messages left our host, the first from {} to {}",
            dhcp.len(),
            datagram.source,
            datagram.destination
        )),
        None => Ok(format!("{others} TFTP answers left our host, and no DHCP message")),
    }
}

fn on_the_wire(dhcp: &[Datagram<'_>]) -> Result<Counts> {
    let mut counts = Counts::new();
    for datagram in dhcp {
        let Some(seen) = DhcpSeen::read(datagram).filter(|seen| seen.is_reply) else {
            let (from, to) = (datagram.source, datagram.destination);
            return fail(format!("our host sent no DHCP reply from {from} to {to}"));
        };
        *counts.entry((mac_text(seen.hardware_address), seen.message_type)).or_default() += 1;
    }
    Ok(counts)
}

/// dnsmasq logs a line for each message that it sends: `DHCPOFFER(eth0) 10.77.0.100 52:54:00:aa:00:02`.
fn in_the_log(log: &str) -> Counts {
    let mut counts = Counts::new();
    for line in log.lines() {
        let Some((kind, rest)) = KINDS
            .iter()
            .find_map(|(kind, word)| line.split_once(word).map(|(_, rest)| (*kind, rest)))
        else {
            continue;
        };
        let is_mac = |word: &&str| word.len() == 17 && word.matches(':').count() == 5;
        if let Some(mac) = rest.split_whitespace().find(is_mac) {
            *counts.entry((mac.to_owned(), kind)).or_default() += 1;
        }
    }
    counts
}

fn same(wire: &Counts, log: &Counts) -> Result<()> {
    if wire == log {
        return Ok(());
    }
    fail(format!("the host sent other DHCP messages than dnsmasq logged: {wire:?}, not {log:?}"))
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddrV4};
    use core::time::Duration;

    use super::*;
    use crate::lab::packets::tests::{frame, reply_frame};
    use crate::lab::wire::SERVER_ADDRESS;

    const OURS: Ipv4Addr = SERVER_ADDRESS;
    const LOG: &str = "dnsmasq-dhcp: 7 DHCPDISCOVER(eth0) 52:54:00:aa:00:01 \n\
                       dnsmasq-dhcp: 7 DHCPOFFER(eth0) 10.77.0.100 52:54:00:aa:00:01 \n";

    fn tftp() -> Frame {
        let port = |port| SocketAddrV4::new(OURS, port);
        frame(port(40000), port(2070), b"\0\x03\0\x01")
    }

    #[test]
    fn one_message_breaks_the_silence() {
        let proven = prove(&Topology::OBSERVE, &[tftp()], "").unwrap();
        assert!(proven.contains("no DHCP"), "{proven}");
        let with_offer = [tftp(), reply_frame(OURS, OFFER)];
        assert!(prove(&Topology::OBSERVE, &with_offer, "").is_err());
        assert!(prove(&Topology::SUFFIXES, &with_offer, LOG).is_err(), "nobody else is there");
    }

    #[test]
    fn an_empty_capture_and_an_unreadable_packet_prove_nothing() {
        assert!(prove(&Topology::OBSERVE, &[], "").is_err());
        let mut cut = tftp();
        cut.bytes.truncate(30);
        assert!(prove(&Topology::OBSERVE, &[tftp(), cut], "").is_err());
        let other = Frame { at: Duration::ZERO, bytes: vec![0x86; 60] };
        assert!(prove(&Topology::OBSERVE, &[tftp(), other], "").is_ok());
    }

    #[test]
    fn on_a_shared_host_every_message_is_in_the_log_of_the_other() {
        let shared = |frames: &[Frame], log| prove(&Topology::SAME_HOST, frames, log).is_ok();
        assert!(shared(&[tftp(), reply_frame(OURS, OFFER)], LOG));
        assert!(!shared(&[tftp(), reply_frame(OURS, OFFER), reply_frame(OURS, OFFER)], LOG));
        assert!(!shared(&[tftp(), reply_frame(OURS, ACK)], LOG));
        assert!(!shared(&[tftp()], LOG), "the capture lacks what was sent");
    }
}
