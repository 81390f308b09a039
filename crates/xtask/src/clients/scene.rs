//! Where the clients meet the servers: one wire with two servers on it, one for each way to use sockets, each with a
//! second address and with a narrow link of its own to the clients.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Failure, Result, fail};
use crate::lab::server::{launch, message, toml_string};
use crate::lab::wire::{Namespace, Wire};
use crate::process::Background;

/// Bytes of the largest IP packet on the narrow link: the least that IPv6 knows.
pub(crate) const NARROW_MTU: u32 = 1280;
/// More than the largest file here.
const UPLOAD_BYTES_MAX: u64 = 128 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// Which of a server's addresses is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    /// The second one of the same interface.
    Second,
    /// On the narrow link.
    Narrow,
}

/// How the server uses sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ports {
    PerTransfer,
    Single,
}

impl Family {
    pub(crate) const ALL: [Self; 2] = [Self::V4, Self::V6];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

impl Ports {
    pub(crate) const ALL: [Self; 2] = [Self::PerTransfer, Self::Single];

    /// The line of the configuration.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::PerTransfer => "single_port = false",
            Self::Single => "single_port = true",
        }
    }
}

/// The address of a server.
pub(crate) fn address(ports: Ports, place: Place, family: Family) -> IpAddr {
    let host = match ports {
        Ports::PerTransfer => 2,
        Ports::Single => 3,
    };
    let (network, host) = match place {
        Place::First => (0, host),
        Place::Second => (0, host + 10),
        Place::Narrow => (host, host),
    };
    on(network, host, family)
}

/// The clients' address where a server has one.
fn opposite(ports: Ports, family: Family) -> IpAddr {
    let network = match ports {
        Ports::PerTransfer => 2,
        Ports::Single => 3,
    };
    on(network, 50, family)
}

fn on(network: u8, host: u8, family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(10, 77, network, host).into(),
        // A unique local prefix (RFC 4193).
        Family::V6 => Ipv6Addr::new(0xfd77, 0, 0, network.into(), 0, 0, 0, host.into()).into(),
    }
}

/// A running scene. Dropping it ends everything in it.
// Fields are dropped in order: programs first, the wire under them last.
#[derive(Debug)]
pub(crate) struct Scene {
    servers: Vec<Server>,
    pub(crate) clients: Namespace,
    pub(crate) families: &'static [Family],
    _wire: Wire,
}

#[derive(Debug)]
struct Server {
    ports: Ports,
    process: Background,
    host: Namespace,
    uploads: PathBuf,
}

impl Scene {
    /// Builds it, with both servers serving `root`.
    pub(crate) fn build(binary: &Path, root: &Path, folder: &Path) -> Result<Self> {
        let families: &[Family] = match Path::new("/proc/sys/net/ipv6").is_dir() {
            true => &Family::ALL,
            false => &[Family::V4],
        };
        let mut wire = Wire::new()?;
        let clients = wire.host("clients", Ipv4Addr::new(10, 77, 0, 50))?;
        if families.contains(&Family::V6) {
            clients.add_address("eth0", on(0, 50, Family::V6))?;
        }
        let mut servers = Vec::new();
        for (ports, name) in [(Ports::PerTransfer, "many"), (Ports::Single, "single")] {
            let IpAddr::V4(first) = address(ports, Place::First, Family::V4) else {
                return fail("the first address is not of IPv4");
            };
            let host = wire.host(name, first)?;
            Wire::link(&host, &clients, ["eth1", name], NARROW_MTU)?;
            for family in families {
                let give =
                    |interface, place| host.add_address(interface, address(ports, place, *family));
                if *family == Family::V6 {
                    give("eth0", Place::First)?;
                }
                give("eth0", Place::Second)?;
                give("eth1", Place::Narrow)?;
                clients.add_address(name, opposite(ports, *family))?;
            }
            let folder = folder.join(name);
            let uploads = folder.join("incoming");
            fs::create_dir_all(&uploads).context(|| format!("making {}", uploads.display()))?;
            let config = config(root, &uploads, ports);
            // Else a step that a client repeats within a minute would not show.
            let process = launch(&host, binary, &["-v"], &config, &folder)?;
            servers.push(Server { ports, process, host, uploads });
        }
        Ok(Self { servers, clients, families, _wire: wire })
    }

    fn server(&self, ports: Ports) -> Result<&Server> {
        let found = self.servers.iter().find(|server| server.ports == ports);
        found.ok_or_else(|| Failure::new(format!("no server with {}", ports.line())))
    }

    /// Where a server runs.
    pub(crate) fn host(&self, ports: Ports) -> Result<&Namespace> {
        self.server(ports).map(|server| &server.host)
    }

    /// Where a server puts what is sent to it.
    pub(crate) fn uploads(&self, ports: Ports) -> Result<&Path> {
        self.server(ports).map(|server| server.uploads.as_path())
    }

    /// What a server has logged, without times and levels.
    pub(crate) fn story(&self, ports: Ports) -> Result<Vec<String>> {
        let printed = self.server(ports)?.process.printed();
        Ok(printed.lines().map(|line| message(line).to_owned()).collect())
    }

    /// Asks both servers to end, which they must do well.
    pub(crate) fn stop(&mut self) -> Result<()> {
        for server in &mut self.servers {
            let status = server.process.stop()?;
            if !status.success() {
                let line = server.ports.line();
                return fail(format!("SIGTERM did not end the server with {line} well: {status}"));
            }
        }
        Ok(())
    }
}

fn config(root: &Path, uploads: &Path, ports: Ports) -> String {
    let quoted = |path: &Path| toml_string(&path.to_string_lossy());
    format!(
        "interfaces = [\"eth0\", \"eth1\"]\nroot = {}\n\n[dhcp]\nmode = \"off\"\n\n\
         [tftp]\n{}\nuploads = {}\nupload_bytes_max = {UPLOAD_BYTES_MAX}\n",
        quoted(root),
        ports.line(),
        quoted(uploads),
    )
}

/// Where the scene writes: beside the build, so that it is ignored and cleaned with it.
pub(crate) fn folder(target: &Path) -> PathBuf {
    target.join("clients").join(std::process::id().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_addresses_are_the_same() {
        let mut all = Vec::new();
        for ports in Ports::ALL {
            for family in Family::ALL {
                for place in [Place::First, Place::Second, Place::Narrow] {
                    all.push(address(ports, place, family));
                }
                all.extend([opposite(ports, family), on(0, 50, family)]);
            }
        }
        all.sort();
        let count = all.len();
        all.dedup();
        // The clients' address on the wire is there for both servers.
        assert_eq!(all.len(), count - 2);
    }

    #[test]
    fn the_configuration_says_which_sockets() {
        let text = config(Path::new("/srv/boot"), Path::new("/srv/in"), Ports::Single);
        assert!(text.contains("[tftp]\nsingle_port = true\nuploads = \"/srv/in\"\n"), "{text}");
    }
}
