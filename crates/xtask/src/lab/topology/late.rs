//! A server that comes too late to hear anything: what a machine must not get then.

use crate::error::{Context as _, Result, fail};
use crate::lab::evidence::Evidence;
use crate::lab::wire::Namespace;
use crate::process::capture;

/// Keeps TFTP requests from a host without a word, as if it were switched off. Otherwise its kernel would answer in
/// the server's absence that the port is closed, which firmware takes for an answer.
pub(crate) fn close(host: &Namespace) -> Result<()> {
    let rules = [
        "add table inet late",
        "add chain inet late input { type filter hook input priority 0 ; }",
        "add rule inet late input udp dport 69 drop",
    ];
    rules.into_iter().try_for_each(|rule| filter(host, rule))
}

/// Lets requests in again.
pub(crate) fn open(host: &Namespace) -> Result<()> {
    filter(host, "delete table inet late")
}

fn filter(host: &Namespace, rule: &str) -> Result<()> {
    capture(&mut host.command(&["nft", rule]))
        .context(|| "keeping requests away (the kernel needs nf_tables)".to_owned())
        .map(drop)
}

/// Proves that a machine which has given up got nothing for its bait, however often it asked, and that the log says
/// why. `story` is the server's.
pub(crate) fn prove_held(
    evidence: &Evidence,
    bait: &str,
    mac: &str,
    story: &[String],
) -> Result<()> {
    let asked: usize = evidence.transfers.iter().map(|transfer| transfer.times_asked).sum();
    if asked < 2 {
        return fail(format!("it gave up after {asked} requests"));
    }
    if let Some(sent) = evidence.transfers.iter().find(|transfer| !transfer.content.is_empty()) {
        let (name, bytes) = (String::from_utf8_lossy(&sent.name), sent.content.len());
        return fail(format!("it was to be held, and got {bytes} bytes of {name}"));
    }
    let start = format!("{mac} held: {bait}: ");
    if story.iter().any(|line| line.starts_with(&start) && line.len() > start.len()) {
        return Ok(());
    }
    fail(format!("the log does not say `{start}` and why"))
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddrV4};

    use super::*;
    use crate::lab::packets::tests::{MACHINE, frame};

    const MAC: &str = "52:54:00:aa:00:01";

    fn held(frames: &[crate::lab::capture::Frame], story: &str) -> bool {
        let evidence = Evidence::read(frames, MACHINE);
        prove_held(&evidence, "pxe-loader", MAC, &[story.to_owned()]).is_ok()
    }

    #[test]
    fn held_is_who_asked_in_vain_and_is_told_of() {
        let client = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 100), 1284);
        let server = |port| SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 2), port);
        let request = || frame(client, server(69), b"\0\x01pxe-loader\0octet\0");
        let data = frame(server(40000), client, b"\0\x03\0\x01abc");
        let told = "52:54:00:aa:00:01 held: pxe-loader: no machine was heard";
        assert!(held(&[request(), request()], told));
        assert!(!held(&[request()], told), "once is no perseverance");
        assert!(!held(&[request(), request(), data], told), "it got something");
        assert!(!held(&[request(), request()], "52:54:00:aa:00:02 held: pxe-loader: why"));
        assert!(!held(&[request(), request()], "52:54:00:aa:00:01 held: pxe-loader: "));
    }
}
