//! Who holds a port: so that "address in use" can name the program to stop.

use core::fmt;
use std::fs;
use std::path::Path;

use super::ports::BindFault;

/// What the ports below 1024, and DHCP beside another server, need.
pub(super) const RIGHTS: &str = "cap_net_bind_service,cap_net_raw=+ep";

/// A process that holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process number.
    pub pid: u32,
    /// Its short name.
    pub name: String,
    /// The systemd service it belongs to, if any.
    pub service: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

/// Which kind of port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// For datagrams.
    Udp,
    /// For connections.
    Tcp,
}

impl Protocol {
    fn tables(self) -> [&'static str; 2] {
        match self {
            Self::Udp => ["/proc/net/udp", "/proc/net/udp6"],
            Self::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
        }
    }

    /// The letter that `ss` knows it by.
    fn letter(self) -> char {
        match self {
            Self::Udp => 'u',
            Self::Tcp => 't',
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        })
    }
}

/// Looks through `/proc` for the holder of `port`. `None` when it cannot be seen: another
/// user's process without root, another network namespace, another system than Linux.
pub fn of_port(protocol: Protocol, port: u16) -> Option<Holder> {
    let inodes: Vec<String> = protocol
        .tables()
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| inodes_of_port(&table, port, protocol == Protocol::Tcp))
        .collect();
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        holds_any(&process.path(), &inodes).then(|| describe(pid, &process.path()))
    })
}

/// Socket inodes of `port` in a `/proc/net/udp` table: the second column is `ADDRESS:PORT` in
/// hexadecimal, the fourth the state (0A: listening), the tenth the inode.
fn inodes_of_port(table: &str, port: u16, listening: bool) -> Vec<String> {
    let wanted = format!("{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            let local = columns.nth(1)?;
            let state = columns.nth(1)?;
            let inode = columns.nth(5)?;
            (!listening || state == "0A").then_some(())?;
            (local.rsplit(':').next() == Some(wanted.as_str())).then(|| inode.to_owned())
        })
        .collect()
}

fn holds_any(process: &Path, inodes: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors.flatten().any(|descriptor| {
        fs::read_link(descriptor.path()).is_ok_and(|target| {
            target
                .to_str()
                .and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'))
                .is_some_and(|inode| inodes.iter().any(|wanted| wanted == inode))
        })
    })
}

fn describe(pid: u32, process: &Path) -> Holder {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned();
    let service = fs::read_to_string(process.join("cgroup")).ok().and_then(|groups| {
        let unit = groups.split(['/', '\n']).find(|part| part.ends_with(".service"));
        unit.map(ToOwned::to_owned)
    });
    Holder { pid, name, service }
}

/// This program's file, for a command that gives it rights.
pub fn program() -> String {
    std::env::current_exe()
        .map_or_else(|_| "pxe-server".to_owned(), |path| path.display().to_string())
}

/// How this program gets what it needs.
pub(super) fn grant() -> String {
    format!("run it as root, or give it the rights once: sudo setcap {RIGHTS} {}", program())
}

/// The whole message for a port that could not be bound: what, who, and the one thing to do.
pub fn explain(
    protocol: Protocol,
    (what, key): (&str, &'static str),
    port: u16,
    error: &std::io::Error,
) -> BindFault {
    let holder =
        (error.kind() == std::io::ErrorKind::AddrInUse).then(|| of_port(protocol, port)).flatten();
    let (problem, remedy) = words(protocol, (what, key), port, (error, holder.as_ref()));
    BindFault { key, problem, remedy, holder: holder.map(|it| it.pid), kind: error.kind() }
}

fn words(
    protocol: Protocol,
    (what, key): (&str, &str),
    port: u16,
    (error, holder): (&std::io::Error, Option<&Holder>),
) -> (String, String) {
    let look = format!("see who holds it: sudo ss -l{}np 'sport = :{port}'", protocol.letter());
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let who = holder.map_or_else(|| "another program".to_owned(), Holder::to_string);
            let stop = match holder {
                Some(Holder { service: Some(service), .. }) => {
                    format!("stop it: sudo systemctl stop {service}")
                }
                Some(holder) => format!("stop it: sudo kill {}", holder.pid),
                None => look,
            };
            let other = match key {
                "dhcp.port" => {
                    "; beside a DHCP server on this very host use dhcp.mode = \"observe\""
                }
                "http.listen" => "; or name another port: [http] listen = \"0.0.0.0:8090\"",
                _ => "",
            };
            (format!("{protocol} port {port} ({what}) is taken by {who}"), format!("{stop}{other}"))
        }
        std::io::ErrorKind::PermissionDenied => {
            (format!("no right to bind {protocol} port {port} ({what})"), grant())
        }
        _ => (format!("cannot bind {protocol} port {port} ({what}): {error}"), look),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn our_own_socket_is_found() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let port = socket.local_addr().expect("address").port();
        let holder = of_port(Protocol::Udp, port).expect("holder");
        assert_eq!(holder.pid, std::process::id());
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let holder = of_port(Protocol::Tcp, address.port()).expect("holder");
        assert_eq!(holder.pid, std::process::id());
    }

    #[test]
    fn a_connection_holds_no_port() {
        let table = "  sl  local_address rem_address   st\n\
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1\n\
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 12 1\n";
        assert_eq!(inodes_of_port(table, 8080, true), ["11"]);
    }

    #[test]
    fn a_table_line_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
 1290: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 31773 2 0000000000000000 0\n";
        assert_eq!(inodes_of_port(table, 67, false), ["31773"]);
        assert!(inodes_of_port(table, 69, false).is_empty());
    }
}
