//! The machine's network interfaces: which ones we serve and which address each has.

use core::fmt;
use core::net::Ipv4Addr;
use std::collections::BTreeMap;
use std::io;
use std::sync::{PoisonError, RwLock};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};

use crate::engine::OwnAddress;

/// More interfaces than this are not looked at (a host of thousands of containers).
pub const INTERFACES_MAX: usize = 1024;

/// One interface with an IPv4 address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Kernel index.
    pub index: u32,
    /// Name, such as `eth0`.
    pub name: String,
    /// Its first IPv4 address.
    pub address: Ipv4Addr,
    /// Bits of its network's prefix; 32 if the system does not say.
    pub prefix_bits: u8,
    /// Largest IP packet it carries, in bytes, if the system says.
    pub mtu: Option<u32>,
    /// Up, able to broadcast, and not the loopback: what an empty `interfaces` list means.
    pub broadcasts: bool,
}

/// The interfaces that are served now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    served: BTreeMap<u32, Interface>,
}

impl Interfaces {
    /// Picks from `present` those named in `wanted`, or, when `wanted` is empty, all that are up
    /// and can broadcast.
    pub fn select(present: &[Interface], wanted: &[&str]) -> Self {
        let chosen = present.iter().filter(|interface| {
            if wanted.is_empty() {
                interface.broadcasts
            } else {
                wanted.contains(&interface.name.as_str())
            }
        });
        Self { served: chosen.map(|interface| (interface.index, interface.clone())).collect() }
    }

    /// The served interface with this kernel index.
    pub fn get(&self, index: u32) -> Option<&Interface> {
        self.served.get(&index)
    }

    /// Keeps those that `wanted` says.
    pub fn retain(&mut self, mut wanted: impl FnMut(&Interface) -> bool) {
        self.served.retain(|_, interface| wanted(interface));
    }

    /// All, by index.
    pub fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.served.values()
    }

    /// Whether none is served.
    pub fn is_empty(&self) -> bool {
        self.served.is_empty()
    }
}

/// The served interfaces, as every loop sees them and the first one renews them.
#[derive(Debug, Default)]
pub struct SharedInterfaces(RwLock<Interfaces>);

impl SharedInterfaces {
    /// Begins with these.
    pub fn new(interfaces: Interfaces) -> Self {
        Self(RwLock::new(interfaces))
    }

    /// Our address on a served interface, and its MTU; `None` if it is not served.
    pub fn of(&self, index: u32) -> Option<(Ipv4Addr, Option<u32>)> {
        let interfaces = self.0.read().unwrap_or_else(PoisonError::into_inner);
        interfaces.get(index).map(|interface| (interface.address, interface.mtu))
    }

    /// Serves these from now on; what they are, if they are others than before.
    pub fn replace(&self, interfaces: Interfaces) -> Option<String> {
        let mut served = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if *served == interfaces {
            return None;
        }
        *served = interfaces;
        Some(served.to_string())
    }
}

/// `eth0 (192.0.2.5)`, in a list.
impl fmt::Display for Interfaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no interface");
        }
        for (index, served) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{} ({})", served.name, served.address)?;
        }
        Ok(())
    }
}

/// Asks the kernel which interfaces there are, those without an IPv4 address left out.
pub fn present() -> io::Result<Vec<Interface>> {
    let mut found: Vec<Interface> = Vec::new();
    for entry in getifaddrs()? {
        let Some(address) = entry.address.as_ref().and_then(|address| address.as_sockaddr_in())
        else {
            continue;
        };
        let name = entry.interface_name;
        if found.len() >= INTERFACES_MAX || found.iter().any(|known| known.name == name) {
            continue;
        }
        let Ok(index) = if_nametoindex(name.as_str()) else { continue };
        let flags = entry.flags;
        let broadcasts = flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_BROADCAST)
            && !flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let mtu = mtu(&name);
        let netmask = entry.netmask.as_ref().and_then(|netmask| netmask.as_sockaddr_in());
        let prefix_bits = prefix_bits(netmask.map_or(Ipv4Addr::BROADCAST, |netmask| netmask.ip()));
        let address = address.ip();
        found.push(Interface { index, name, address, prefix_bits, mtu, broadcasts });
    }
    Ok(found)
}

/// Every IPv4 address of this machine.
pub fn own_addresses() -> io::Result<Vec<Ipv4Addr>> {
    let mut own: Vec<Ipv4Addr> = own_by_interface()?.iter().map(|own| own.address).collect();
    own.sort_unstable();
    own.dedup();
    Ok(own)
}

/// The same with where each is, in the kernel's order.
pub fn own_by_interface() -> io::Result<Vec<OwnAddress>> {
    let addresses = getifaddrs()?.filter_map(|entry| {
        let address = entry.address?.as_sockaddr_in()?.ip();
        let interface = if_nametoindex(entry.interface_name.as_str()).unwrap_or(0);
        Some(OwnAddress { interface, address })
    });
    Ok(addresses.take(INTERFACES_MAX).collect())
}

/// The leading ones of a netmask: at most 32, so that the conversion does not lose anything.
fn prefix_bits(netmask: Ipv4Addr) -> u8 {
    u8::try_from(netmask.to_bits().leading_ones()).unwrap_or(32)
}

/// From sysfs, where every interface of Linux tells it.
fn mtu(name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/mtu")).ok()?;
    text.trim().parse().ok()
}

/// What to say where none can be served.
pub const NONE: &str = "no interface is up, can broadcast and has an IPv4 address";

/// What keeps a named interface that is not among `present` from being served, and what to do about it.
pub fn missing(name: &str, present: &[Interface]) -> (String, String) {
    let entries = || getifaddrs().into_iter().flatten().filter(|it| it.interface_name == name);
    let facts = Missing {
        is_there: entries().next().is_some(),
        ipv6: entries().find_map(|entry| {
            entry.address?.as_sockaddr_in6().map(nix::sys::socket::SockaddrIn6::ip)
        }),
        // Ports of a bridge or a bond, in the words of the kernel.
        master: std::fs::read_link(format!("/sys/class/net/{name}/master"))
            .ok()
            .and_then(|path| Some(path.file_name()?.to_str()?.to_owned())),
    };
    facts.explain(name, present)
}

/// What is known of an interface without an IPv4 address.
struct Missing {
    is_there: bool,
    ipv6: Option<core::net::Ipv6Addr>,
    master: Option<String>,
}

impl Missing {
    fn explain(&self, name: &str, present: &[Interface]) -> (String, String) {
        if !self.is_there {
            return (format!("{name:?} is not there"), describe(present));
        }
        if let Some(master) = &self.master {
            let problem = format!("{name:?} is a part of {master}, and has no address of its own");
            return (problem, format!("interfaces = [\"{master}\"]"));
        }
        let problem = match self.ipv6 {
            Some(ipv6) => {
                format!("{name:?} has no IPv4 address, only {ipv6}: DHCP and PXE need one")
            }
            None => format!("{name:?} has no IPv4 address"),
        };
        let give = format!("give it one (sudo ip addr add 192.0.2.5/24 dev {name})");
        (problem, format!("{give}, or name another; {}", describe(present)))
    }
}

/// Which of the named interfaces are there and switched off.
pub fn down<'n>(names: &[&'n str]) -> Vec<&'n str> {
    let entries: Vec<_> = getifaddrs().into_iter().flatten().collect();
    let is_down = |name: &&&str| {
        entries
            .iter()
            .find(|it| it.interface_name == **name)
            .is_some_and(|it| !it.flags.contains(InterfaceFlags::IFF_UP))
    };
    names.iter().filter(is_down).copied().collect()
}

/// What to say when a configured interface is not there.
pub fn describe(present: &[Interface]) -> String {
    if present.is_empty() {
        return "no interface has an IPv4 address".to_owned();
    }
    let list: Vec<_> =
        present.iter().map(|known| format!("{} ({})", known.name, known.address)).collect();
    format!("present with an IPv4 address: {}", list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(index: u32, name: &str, broadcasts: bool) -> Interface {
        let address = Ipv4Addr::LOCALHOST;
        Interface { index, name: name.into(), address, prefix_bits: 8, mtu: None, broadcasts }
    }

    #[test]
    fn an_empty_list_means_every_broadcasting_interface() {
        let present = [interface(1, "lo", false), interface(2, "eth0", true)];
        let served = Interfaces::select(&present, &[]);
        assert_eq!(served.iter().map(|served| &*served.name).collect::<Vec<_>>(), ["eth0"]);
    }

    #[test]
    fn a_named_interface_is_served_even_if_it_is_the_loopback() {
        let present = [interface(1, "lo", false), interface(2, "eth0", true)];
        let served = Interfaces::select(&present, &["lo"]);
        assert!(served.get(1).is_some() && served.get(2).is_none());
    }

    #[test]
    fn what_is_missing_of_an_interface_is_told_with_what_to_do() {
        let present = [interface(1, "br0", true)];
        let of = |is_there, ipv6: Option<&str>, master: Option<&str>| {
            let ipv6 = ipv6.map(|text| text.parse().expect("address"));
            Missing { is_there, ipv6, master: master.map(ToOwned::to_owned) }
                .explain("eth0", &present)
        };
        let (problem, remedy) = of(false, None, None);
        assert_eq!(problem, "\"eth0\" is not there");
        assert_eq!(remedy, "present with an IPv4 address: br0 (127.0.0.1)");
        let (problem, remedy) = of(true, None, Some("br0"));
        assert_eq!(problem, "\"eth0\" is a part of br0, and has no address of its own");
        assert_eq!(remedy, "interfaces = [\"br0\"]");
        let (problem, remedy) = of(true, Some("fe80::1"), None);
        assert_eq!(problem, "\"eth0\" has no IPv4 address, only fe80::1: DHCP and PXE need one");
        assert!(remedy.starts_with("give it one (sudo ip addr add 192.0.2.5/24 dev eth0)"));
        let (problem, _) = missing("no-such-0", &present);
        assert_eq!(problem, "\"no-such-0\" is not there");
    }

    #[test]
    fn the_loopback_is_up() {
        assert!(down(&["lo", "no-such-0"]).is_empty());
    }

    #[test]
    fn the_loopback_is_there() {
        let present = present().expect("getifaddrs");
        let lo = present.iter().find(|known| known.name == "lo").expect("lo");
        assert!(!lo.broadcasts);
        assert_eq!((lo.address, lo.prefix_bits), (Ipv4Addr::LOCALHOST, 8));
    }
}
