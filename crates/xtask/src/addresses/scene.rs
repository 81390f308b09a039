//! Where the clients meet the server: its own segment, and one behind a relay.

use core::net::Ipv4Addr;
use core::ops::RangeInclusive;
use std::fs;
use std::path::{Path, PathBuf};

use super::programs::Lease;
use crate::error::{Context as _, Result, fail};
use crate::lab::server::{launch, message, toml_string};
use crate::lab::topology::site;
use crate::lab::wire::{Namespace, SERVER_ADDRESS, Wire};
use crate::process::{Background, capture, command};

/// The least that dhcpcd takes for a lease (`DHCP_MIN_LEASE`), so that renewals come soon.
const LEASE_SECONDS: u32 = 20;
/// Beyond the relay.
const SEGMENT_BEYOND: &str = "br1";

/// Renewals are told with it only.
const FLAGS: &[&str] = &["-v"];

/// Which segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lan {
    /// The server's own.
    Near,
    /// Behind the relay.
    Beyond,
}

/// What is played in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nobody but the server gives addresses; dnsmasq is the relay.
    Ordinary,
    /// Hosts may have addresses that the server does not know of; ISC dhcrelay is the relay.
    Crowded,
}

/// A running scene. Dropping it ends everything in it.
// Fields are dropped in order: programs first, the wire under them last.
#[derive(Debug)]
pub(super) struct Scene {
    server: Background,
    _relay: Background,
    /// What the server said before it was killed.
    earlier: Vec<String>,
    pub(super) boot: Namespace,
    binary: PathBuf,
    config: String,
    pub(super) folder: PathBuf,
    wire: Wire,
}

impl Lan {
    pub(super) const ALL: [Self; 2] = [Self::Near, Self::Beyond];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Near => "on the server's wire",
            Self::Beyond => "behind a relay",
        }
    }

    fn network(self) -> u8 {
        match self {
            Self::Near => 77,
            Self::Beyond => 78,
        }
    }

    pub(super) fn router(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.network(), 0, 254)
    }

    /// The pool; both ends are in it.
    pub(super) fn pool(self) -> RangeInclusive<Ipv4Addr> {
        let at = |host| Ipv4Addr::new(10, self.network(), 0, host);
        at(100)..=at(150)
    }

    /// What is reserved for the first BOOTP client.
    pub(super) fn reserved(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.network(), 0, 50)
    }

    pub(super) fn lease(self) -> Lease {
        Lease {
            mask: "255.255.255.0",
            router: self.router().to_string(),
            dns: "10.77.0.3 10.77.0.4",
            domain: "lab.example",
            seconds: LEASE_SECONDS,
            ntp: "10.77.0.5",
            mtu: "1400",
        }
    }

    /// The hardware address of a client on it.
    pub(super) fn mac(self, number: u8) -> [u8; 6] {
        [0x52, 0x54, 0, 0xdc, self.network(), number]
    }

    fn config(self) -> String {
        let (network, router, pool) = (self.network(), self.router(), self.pool());
        format!(
            "[[dhcp.subnet]]\nnetwork = \"10.{network}.0.0/24\"\npool = [\"{}-{}\"]\n\
             routers = [\"{router}\"]\ndns = [\"10.77.0.3\", \"10.77.0.4\"]\ndomain = \"lab.example\"\n\
             lease = \"{LEASE_SECONDS}s\"\nauthoritative = true\nbootp = true\n\
             options = {{ ntp-servers = \"10.77.0.5\", interface-mtu = \"1400\", \
             classless-static-route = \"0.0.0.0/0 {router}, 10.99.0.0/16 {router}\" }}\n",
            pool.start(),
            pool.end(),
        )
    }
}

impl Scene {
    /// Builds it, with the server at work.
    pub(super) fn build(binary: &Path, folder: &Path, kind: Kind) -> Result<Self> {
        let root = folder.join("boot");
        fs::create_dir_all(&root).context(|| format!("making {}", root.display()))?;
        let mut wire = Wire::new()?;
        wire.add_segment(SEGMENT_BEYOND)?;
        let boot = wire.host("boot", SERVER_ADDRESS)?;
        boot.ip(&format!("route add 10.78.0.0/24 via {}", Lan::Near.router()))?;
        let router = wire.host_on(SEGMENT_BEYOND, "router", Lan::Beyond.router())?;
        wire.plug("br0", &router, "eth1", Some(Lan::Near.router()))?;
        site::forward(&router)?;
        let relay = match kind {
            Kind::Ordinary => site::relay(&router, &[SERVER_ADDRESS], folder)?,
            Kind::Crowded => site::informing_relay(&router, SERVER_ADDRESS, folder)?,
        };
        let config = text(&root, kind);
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        let server = launch(&boot, &binary, FLAGS, &config, &folder)?;
        Ok(Self { server, _relay: relay, earlier: Vec::new(), boot, binary, config, folder, wire })
    }

    /// Adds a host without an address.
    pub(super) fn host(&mut self, lan: Lan, name: &str, mac: [u8; 6]) -> Result<Namespace> {
        let segment = match lan {
            Lan::Near => "br0",
            Lan::Beyond => SEGMENT_BEYOND,
        };
        let host = self.wire.bare_host_on(segment, name)?;
        let mac = crate::lab::vm::mac_text(mac);
        host.ip(&format!("link set eth0 address {mac}"))?;
        Ok(host)
    }

    /// Keeps broadcasts from a host of the server's own wire.
    pub(super) fn deafen(&self, host: &Namespace) -> Result<()> {
        self.wire.keep_broadcasts_from(host, "eth0")
    }

    /// Ends the server as a power failure would, and starts it again.
    pub(super) fn kill_server(&mut self) -> Result<()> {
        self.earlier = self.story();
        self.server.kill()?;
        self.server = launch(&self.boot, &self.binary, FLAGS, &self.config, &self.folder)?;
        Ok(())
    }

    /// What the server has said since it was started last.
    pub(super) fn story_since_start(&self) -> Vec<String> {
        self.server.printed().lines().map(|line| message(line).to_owned()).collect()
    }

    /// What it has said at all.
    pub(super) fn story(&self) -> Vec<String> {
        [self.earlier.clone(), self.story_since_start()].concat()
    }

    /// That it has said so.
    pub(super) fn find_told(&self, wanted: &str) -> Result<()> {
        if self.story().iter().any(|line| line.contains(wanted)) {
            return Ok(());
        }
        fail(format!("the log does not say `{wanted}`"))
    }

    pub(super) fn check_alive(&mut self) -> Result<()> {
        self.server.check_alive()
    }

    /// What `pxe-server leases` lists.
    pub(super) fn leases(&self) -> Result<String> {
        let config = self.folder.join("server.toml");
        let (binary, config) = (self.binary.to_string_lossy(), config.to_string_lossy());
        capture(command(&[&*binary, "--config", &config, "leases"]).current_dir(&self.folder))
    }

    /// Asks the server to end, which it must do well.
    pub(super) fn stop(&mut self) -> Result<()> {
        let status = self.server.stop()?;
        if status.success() {
            return Ok(());
        }
        fail(format!("SIGTERM did not end the server well: {status}"))
    }
}

fn text(root: &Path, kind: Kind) -> String {
    let mut text = format!(
        "interfaces = [\"eth0\"]\nroot = {}\n\n[dhcp]\nmode = \"server\"\nprobe = {}\n\n",
        toml_string(&root.to_string_lossy()),
        kind == Kind::Crowded
    );
    for lan in Lan::ALL {
        text += &lan.config();
    }
    for lan in Lan::ALL {
        let mac = crate::lab::vm::mac_text(lan.mac(0));
        text += &format!("[[host]]\nmac = \"{mac}\"\naddress = \"{}\"\n", lan.reserved());
    }
    text
}
