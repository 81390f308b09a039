//! The wire: one namespace with a bridge, one more per host, and a tap per virtual machine.
//!
//! Namespaces are named `pxelab-PID-N-HOST`, so that two runs never meet and a run that was killed
//! leaves names by which the next one finds and removes them.

use core::net::{IpAddr, Ipv4Addr};
use core::sync::atomic::{AtomicU32, Ordering};
use std::fs::File;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::error::{Context as _, Result, fail};
use crate::process::{capture, command, find_program};

/// The DHCP server that nobody touches.
pub(crate) const FOREIGN_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Our server.
pub(crate) const SERVER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// The addresses the foreign server hands out.
pub(crate) const POOL: [Ipv4Addr; 2] =
    [Ipv4Addr::new(10, 77, 0, 100), Ipv4Addr::new(10, 77, 0, 150)];

/// The segment that the machines are on, and every host unless it is put elsewhere.
const FIRST_SEGMENT: &str = "br0";
const PREFIX: &str = "pxelab-";
/// Where `ip netns` keeps them.
const NAMESPACE_FOLDER: &str = "/run/netns";
static WIRES_MADE: AtomicU32 = AtomicU32::new(0);

/// Private Ethernet segments. Dropping it ends every process on them and removes them.
#[derive(Debug)]
pub(crate) struct Wire {
    name: String,
    namespaces: Vec<Namespace>,
}

/// One host's network stack.
#[derive(Debug, Clone)]
pub(crate) struct Namespace(String);

/// A virtual machine's end of the wire.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    pub(crate) namespace: Namespace,
    pub(crate) interface: String,
}

impl Wire {
    /// Makes the first segment: a namespace with an empty bridge.
    pub(crate) fn new() -> Result<Self> {
        let number = WIRES_MADE.fetch_add(1, Ordering::SeqCst);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let mut wire = Self { name, namespaces: Vec::new() };
        wire.namespace("lan")?;
        wire.add_segment(FIRST_SEGMENT)?;
        Ok(wire)
    }

    /// Adds a segment that is not connected with the others.
    pub(crate) fn add_segment(&self, name: &str) -> Result<()> {
        let lan = self.lan();
        lan.ip(&format!("link add {name} type bridge stp_state 0 forward_delay 0")).context(
            || "making a bridge (the kernel needs the module bridge: modprobe bridge)".to_owned(),
        )?;
        lan.ip(&format!("link set {name} up")).map(drop)
    }

    /// Adds a host with one interface, `eth0`.
    pub(crate) fn host(&mut self, name: &str, address: Ipv4Addr) -> Result<Namespace> {
        self.host_on(FIRST_SEGMENT, name, address)
    }

    /// Adds a host with one interface, `eth0`, on this segment.
    pub(crate) fn host_on(
        &mut self,
        segment: &str,
        name: &str,
        address: Ipv4Addr,
    ) -> Result<Namespace> {
        let host = self.namespace(name)?;
        self.plug(segment, &host, "eth0", Some(address))?;
        Ok(host)
    }

    /// Adds a host whose interface on this segment, `eth0`, has no address.
    pub(crate) fn bare_host_on(&mut self, segment: &str, name: &str) -> Result<Namespace> {
        let host = self.namespace(name)?;
        self.plug(segment, &host, "eth0", None)?;
        Ok(host)
    }

    /// Gives a host an interface on a segment.
    pub(crate) fn plug(
        &self,
        segment: &str,
        host: &Namespace,
        interface: &str,
        address: Option<Ipv4Addr>,
    ) -> Result<()> {
        let lan = self.lan();
        let Namespace(name) = host;
        let end = host.bridge_end(interface);
        lan.ip(&format!("link add {end} type veth peer name {interface} netns {name}")).context(
            || "making a veth pair (the kernel needs the module veth: modprobe veth)".to_owned(),
        )?;
        lan.ip(&format!("link set {end} master {segment} up"))?;
        if let Some(address) = address {
            host.ip(&format!("addr add {address}/24 brd + dev {interface}"))?;
        }
        host.ip(&format!("link set {interface} up")).map(drop)
    }

    /// Has the segment keep its broadcasts from a host.
    pub(crate) fn keep_broadcasts_from(&self, host: &Namespace, interface: &str) -> Result<()> {
        let end = host.bridge_end(interface);
        self.lan().ip(&format!("link set {end} type bridge_slave bcast_flood off")).map(drop)
    }

    /// Joins two hosts by a link of their own, with an interface of this name at each end.
    pub(crate) fn link(
        one: &Namespace,
        two: &Namespace,
        interfaces: [&str; 2],
        mtu: u32,
    ) -> Result<()> {
        let [near, far] = interfaces;
        let peer = &two.0;
        one.ip(&format!(
            "link add {near} mtu {mtu} type veth peer name {far} mtu {mtu} netns {peer}"
        ))?;
        one.ip(&format!("link set {near} up"))?;
        two.ip(&format!("link set {far} up"))?;
        Ok(())
    }

    /// Adds a tap for a virtual machine.
    pub(crate) fn tap(&self, interface: &str) -> Result<Tap> {
        let lan = self.lan();
        lan.ip(&format!("tuntap add {interface} mode tap")).context(|| {
            "making a tap (needs /dev/net/tun; the kernel's module is tun: modprobe tun)".to_owned()
        })?;
        lan.ip(&format!("link set {interface} master {FIRST_SEGMENT} up"))?;
        Ok(Tap { namespace: lan.clone(), interface: interface.to_owned() })
    }

    /// The namespace that holds the bridge.
    pub(crate) fn lan(&self) -> &Namespace {
        &self.namespaces[0]
    }

    fn namespace(&mut self, host: &str) -> Result<Namespace> {
        let namespace = Namespace(format!("{}-{host}", self.name));
        capture(&mut command(&["ip", "netns", "add", &namespace.0]))
            .context(|| "making a network namespace (needs root)".to_owned())?;
        self.namespaces.push(namespace.clone());
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            remove(&namespace.0);
        }
    }
}

impl Namespace {
    /// A command that runs in this namespace and dies with us, even if we are killed.
    pub(crate) fn command<W: AsRef<str>>(&self, words: &[W]) -> Command {
        let mut all = Vec::new();
        if find_program("setpriv").is_some() {
            all.extend(["setpriv", "--pdeathsig", "KILL", "--"]);
        }
        all.extend(["ip", "netns", "exec", &self.0]);
        all.extend(words.iter().map(AsRef::as_ref));
        command(&all)
    }

    /// The other end of an interface that is plugged into a segment.
    fn bridge_end(&self, interface: &str) -> String {
        let (_, short) = self.0.rsplit_once('-').unwrap_or_default();
        format!("{short}-{interface}")
    }

    /// Lets this host send to 255.255.255.255, to which no route leads by itself.
    pub(crate) fn let_broadcast(&self) -> Result<()> {
        self.ip("route add broadcast 255.255.255.255 dev eth0").map(drop)
    }

    /// A UDP socket of this namespace that may broadcast, bound to every address.
    pub(crate) fn udp_socket(&self, port: u16) -> Result<UdpSocket> {
        // The thread goes there and ends; a socket stays where it was made.
        self.inside(|| {
            let doing = || format!("binding UDP port {port} in {}", self.0);
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).context(doing)?;
            socket.set_broadcast(true).context(doing)?;
            Ok(socket)
        })
    }

    /// Gives an interface one more address. One of IPv6 is usable at once, not only after the neighbours were asked.
    pub(crate) fn add_address(&self, interface: &str, address: IpAddr) -> Result<()> {
        let rest = if address.is_ipv4() { "/24 brd +" } else { "/64 nodad" };
        self.ip(&format!("addr add {address}{rest} dev {interface}")).map(drop)
    }

    /// Does something in this namespace, on a thread of its own.
    pub(crate) fn inside<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = Path::new(NAMESPACE_FOLDER).join(&self.0);
        let doing = || format!("entering {}", path.display());
        let namespace = File::open(&path).context(doing)?;
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&namespace, CloneFlags::CLONE_NEWNET).context(doing)?;
                act()
            });
            thread.join().unwrap_or_else(|_| fail(format!("{} panicked", doing())))
        })
    }

    /// `ip` in this namespace, by its words.
    pub(crate) fn ip(&self, words: &str) -> Result<String> {
        let mut all = vec!["ip", "-n", &self.0];
        all.extend(words.split(' '));
        capture(&mut command(&all))
    }
}

/// Removes what runs that no longer exist have left behind.
pub(crate) fn sweep_leftovers() {
    let Ok(list) = capture(&mut command(&["ip", "netns", "list"])) else { return };
    ours(&list).filter(|(_, pid)| !lives(pid)).for_each(|(name, _)| remove(name));
}

/// Whether a process has this number, whatever its program is called: a run that lives sweeps up behind itself.
fn lives(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

/// The namespaces in the output of `ip netns list` that a run of ours made, with the run's
/// process number.
fn ours(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| {
        let name = line.split_whitespace().next()?;
        let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
        pid.bytes().all(|byte| byte.is_ascii_digit()).then_some((name, pid))
    })
}

/// Ends the processes of a namespace and removes it. Best effort: it runs in drops.
fn remove(namespace: &str) {
    for signal in ["-TERM", "-KILL"] {
        let pids = capture(&mut command(&["ip", "netns", "pids", namespace])).unwrap_or_default();
        if pids.trim().is_empty() {
            break;
        }
        let mut words = vec!["kill", signal];
        words.extend(pids.split_whitespace());
        let _ = capture(&mut command(&words));
        thread::sleep(core::time::Duration::from_millis(200));
    }
    let _ = capture(&mut command(&["ip", "netns", "del", namespace]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_of_the_lab_are_ours() {
        let list = "pxelab-123-0-lan (id: 4)\npxelab-9-1-boot\npxelab-x-1-lan\nlab\ncni-123-0\n";
        let found: Vec<_> = ours(list).collect();
        assert_eq!(found, [("pxelab-123-0-lan", "123"), ("pxelab-9-1-boot", "9")]);
    }

    #[test]
    fn a_run_lives_under_any_name() {
        // These tests are no program called xtask.
        assert!(lives(&std::process::id().to_string()));
        // Numbers end at 2^22 (proc(5), pid_max).
        assert!(!lives("4194305"));
    }
}
