//! The DHCP server that is already there: dnsmasq, handing out addresses and nothing else.

use core::time::Duration;
use std::path::Path;

use crate::error::Result;
use crate::lab::wire::{FOREIGN_ADDRESS, Namespace, POOL, Wire};
use crate::process::Background;

/// A running foreign DHCP server.
#[derive(Debug)]
pub(crate) struct ForeignServer {
    _process: Background,
}

impl ForeignServer {
    /// Starts it on the wire and waits until it answers.
    pub(crate) fn start(wire: &mut Wire, folder: &Path) -> Result<Self> {
        let host = wire.host("dhcp", FOREIGN_ADDRESS)?;
        let mut words = dnsmasq(&folder.join("foreign.leases"));
        words.push(format!("--dhcp-range={},{},255.255.255.0,1h", POOL[0], POOL[1]));
        let process = start(&host, &words, "the foreign DHCP server", &folder.join("foreign.log"))?;
        Ok(Self { _process: process })
    }
}

/// dnsmasq in the foreground with nothing of the host's configuration, without DNS, and without
/// the ping before an offer, which costs three seconds per machine.
pub(crate) fn dnsmasq(leases: &Path) -> Vec<String> {
    let leases = format!("--dhcp-leasefile={}", leases.display());
    let fixed = "dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root \
                 --log-facility=- --port=0 --bind-interfaces --interface=eth0 --no-ping --log-dhcp";
    fixed.split_whitespace().map(str::to_owned).chain([leases]).collect()
}

pub(crate) fn start(
    host: &Namespace,
    words: &[String],
    what: &str,
    log: &Path,
) -> Result<Background> {
    let mut process = Background::start(host.command(words), what, log)?;
    // dnsmasq prints this once its sockets are bound.
    process.wait_for_line(Duration::from_secs(30), |line| line.contains("sockets bound"))?;
    Ok(process)
}
