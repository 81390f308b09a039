//! Where the servers stand: one segment, two with a relay between them, or one host for both.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::path::Path;

use crate::error::{Context as _, Result};
use crate::lab::foreign::dnsmasq_alone;
use crate::lab::topology::Site;
use crate::lab::wire::{FOREIGN_ADDRESS, Namespace, POOL, SERVER_ADDRESS, Wire};
use crate::process::{Background, capture};

/// The router between the two segments, as the machines see it.
pub(crate) const RELAY_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 254);
/// The router, as the servers see it.
const ROUTER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
/// The addresses handed out beyond the router.
const POOL_BEYOND: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 78, 0, 100), Ipv4Addr::new(10, 78, 0, 150)];
const NETWORK_BEYOND: &str = "10.78.0.0/24";
const SERVERS_SEGMENT: &str = "br1";

/// The hosts of both servers, and the relay that is already at work.
#[derive(Debug)]
pub(crate) struct Hosts {
    pub(crate) foreign: Namespace,
    pub(crate) boot: Namespace,
    pub(crate) relay: Option<Background>,
}

impl Site {
    /// Makes the hosts, and starts the relay if there is one.
    ///
    /// `helpers` are the servers that the relay knows.
    pub(crate) fn lay_out(
        self,
        wire: &mut Wire,
        helpers: &[Ipv4Addr],
        folder: &Path,
    ) -> Result<Hosts> {
        match self {
            Self::OneLan => Ok(Hosts {
                foreign: wire.host("dhcp", FOREIGN_ADDRESS)?,
                boot: wire.host("boot", SERVER_ADDRESS)?,
                relay: None,
            }),
            Self::OneHost => {
                let boot = wire.host("boot", SERVER_ADDRESS)?;
                Ok(Hosts { foreign: boot.clone(), boot, relay: None })
            }
            Self::TwoLans => {
                wire.add_segment(SERVERS_SEGMENT)?;
                let foreign = wire.host_on(SERVERS_SEGMENT, "dhcp", FOREIGN_ADDRESS)?;
                let boot = wire.host_on(SERVERS_SEGMENT, "boot", SERVER_ADDRESS)?;
                for host in [&foreign, &boot] {
                    host.ip(&format!("route add {NETWORK_BEYOND} via {ROUTER_ADDRESS}"))?;
                }
                let router = wire.host("router", RELAY_ADDRESS)?;
                wire.plug(SERVERS_SEGMENT, &router, "eth1", Some(ROUTER_ADDRESS))?;
                forward(&router)?;
                let relay = relay(&router, helpers, folder)?;
                Ok(Hosts { foreign, boot, relay: Some(relay) })
            }
        }
    }

    /// The first and the last of the machines' addresses.
    pub(crate) fn pool(self) -> [Ipv4Addr; 2] {
        match self {
            Self::OneLan | Self::OneHost => POOL,
            Self::TwoLans => POOL_BEYOND,
        }
    }

    /// The router that machines are told.
    fn router(self) -> Option<Ipv4Addr> {
        (self == Self::TwoLans).then_some(RELAY_ADDRESS)
    }

    /// The words of dnsmasq for the addresses of the machines.
    pub(crate) fn range(self) -> Vec<String> {
        let [first, last] = self.pool();
        let range = format!("--dhcp-range={first},{last},255.255.255.0,1h");
        let router = self.router().map(|router| format!("--dhcp-option=option:router,{router}"));
        [range].into_iter().chain(router).collect()
    }

    /// The same for a server of ours.
    pub(crate) fn subnet(self) -> String {
        let [first, last] = self.pool();
        let [a, b, c, _] = first.octets();
        let router = self.router().map(|router| format!("routers = [\"{router}\"]\n"));
        format!(
            "\n[[dhcp.subnet]]\nnetwork = \"{a}.{b}.{c}.0/24\"\npool = [\"{first}-{last}\"]\n{}",
            router.unwrap_or_default()
        )
    }
}

/// Makes a router of a host.
pub(crate) fn forward(router: &Namespace) -> Result<()> {
    let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
    capture(&mut router.command(&["sh", "-c", forward]))
        .context(|| "making a host forward packets".to_owned())
        .map(drop)
}

/// A router with an `ip helper-address` for each server: what machines broadcast goes to all of them.
pub(crate) fn relay(router: &Namespace, servers: &[Ipv4Addr], folder: &Path) -> Result<Background> {
    let mut words = dnsmasq_alone();
    words.extend(servers.iter().map(|server| format!("--dhcp-relay={RELAY_ADDRESS},{server}")));
    let log = folder.join("relay.log");
    let mut process = Background::start(router.command(&words), "the relay", &log)?;
    process.wait_for_line(Duration::from_secs(30), |line| line.contains("DHCP relay from"))?;
    Ok(process)
}

/// The same by ISC dhcrelay, which adds option 82 to what it passes on (`-a`).
pub(crate) fn informing_relay(
    router: &Namespace,
    server: Ipv4Addr,
    folder: &Path,
) -> Result<Background> {
    let server = server.to_string();
    let words = ["dhcrelay", "-4", "-d", "--no-pid", "-a", "-id", "eth0", "-iu", "eth1", &server];
    let log = folder.join("dhcrelay.log");
    let mut process = Background::start(router.command(&words), "dhcrelay", &log)?;
    process.wait_for_line(Duration::from_secs(30), |line| line.contains("Socket/fallback"))?;
    Ok(process)
}
