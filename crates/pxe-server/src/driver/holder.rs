//! Who holds a UDP port: so that "address in use" can name the program to stop.

use core::fmt;
use std::fs;
use std::path::Path;

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

/// Looks through `/proc` for the holder of UDP `port`. `None` when it cannot be seen: another
/// user's process without root, another network namespace, another system than Linux.
pub fn of_udp_port(port: u16) -> Option<Holder> {
    let inodes: Vec<String> = ["/proc/net/udp", "/proc/net/udp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| inodes_of_port(&table, port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        holds_any(&process.path(), &inodes).then(|| describe(pid, &process.path()))
    })
}

/// Socket inodes of `port` in a `/proc/net/udp` table: the second column is `ADDRESS:PORT` in
/// hexadecimal, the tenth the inode.
fn inodes_of_port(table: &str, port: u16) -> Vec<String> {
    let wanted = format!("{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            let local = columns.nth(1)?;
            let inode = columns.nth(7)?;
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

/// The whole message for a port that could not be bound: what, who, and the one thing to do.
pub fn explain(what: &str, key: &str, port: u16, error: &std::io::Error) -> (String, String) {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let holder = of_udp_port(port);
            let who =
                holder.as_ref().map_or_else(|| "another program".to_owned(), Holder::to_string);
            let stop = match &holder {
                Some(Holder { service: Some(service), .. }) => {
                    format!("stop it: sudo systemctl stop {service}")
                }
                Some(holder) => format!("stop it: sudo kill {}", holder.pid),
                None => format!("see who holds it: sudo ss -lunp 'sport = :{port}'"),
            };
            let other = if key == "dhcp.port" {
                "; beside a DHCP server on this very host use dhcp.mode = \"observe\""
            } else {
                ""
            };
            (format!("UDP port {port} ({what}) is taken by {who}"), format!("{stop}{other}"))
        }
        std::io::ErrorKind::PermissionDenied => (
            format!("no right to bind UDP port {port} ({what})"),
            format!("sudo setcap cap_net_bind_service=+ep {}", program()),
        ),
        _ => (
            format!("cannot bind UDP port {port} ({what}): {error}"),
            format!("see who holds it: sudo ss -lunp 'sport = :{port}'"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn our_own_socket_is_found() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let port = socket.local_addr().expect("address").port();
        let holder = of_udp_port(port).expect("holder");
        assert_eq!(holder.pid, std::process::id());
    }

    #[test]
    fn a_table_line_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
 1290: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 31773 2 0000000000000000 0\n";
        assert_eq!(inodes_of_port(table, 67), ["31773"]);
        assert!(inodes_of_port(table, 69).is_empty());
    }
}
