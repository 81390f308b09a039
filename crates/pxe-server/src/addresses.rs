//! From the configuration to the plan by which addresses are given.

pub mod doubts;

use core::net::Ipv4Addr;
use std::collections::HashMap;

use pxe_dhcp::options::{OptionKind, OptionSet};
use pxe_lease::{
    AllocatorConfig, HardwareAddress, Prefix, Reservation, ReservedFor, SubnetConfig as Subnet,
    Topology, TopologyError,
};

use crate::config::{
    AddressConfig, Config, DhcpMode, Fault, HostConfig, StoreConfig, SubnetConfig,
};
use crate::engine::{AddressPlan, ClassPlan, SubnetPlan};

/// Builds the plan; reports every fault with the line of the entry it is in. None in other modes than `server`, whose
/// subnets are checked all the same.
pub fn build(config: &Config) -> Result<Option<AddressPlan>, Vec<Fault>> {
    let is_server = config.dhcp.mode == DhcpMode::Server;
    let known = &config.dhcp.addresses;
    let mut faults = Vec::new();
    if is_server && known.subnets.is_empty() {
        faults.push(Fault::new(
            "dhcp.subnet",
            "mode = \"server\" gives addresses, and there is no [[dhcp.subnet]] to take them from",
            "[[dhcp.subnet]] network = \"192.0.2.0/24\" pool = [\"192.0.2.100-192.0.2.200\"]",
        ));
    }
    let mut subnets: Vec<Subnet> = known.subnets.iter().map(subnet).collect();
    let hosts = hosts(config, &mut subnets, &mut faults);
    let topology = Topology::new(&subnets).unwrap_or_else(|errors| {
        faults.extend(errors.iter().map(|error| fault(config, error)));
        Topology::new(&[]).unwrap_or_else(|_| unreachable!("no subnets have no faults"))
    });
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut allocator = AllocatorConfig::default();
    allocator.shared_store = matches!(known.store, StoreConfig::Postgres { .. });
    allocator.probe = known.probe;
    let classes = known.classes.iter().map(|class| ClassPlan {
        vendor_class: class.vendor_class.as_ref().map(|text| text.as_bytes().to_vec()),
        user_class: class.user_class.as_ref().map(|text| text.as_bytes().to_vec()),
        mac: class.mac.clone(),
        options: class.options.clone(),
    });
    let plan = AddressPlan {
        topology,
        allocator,
        subnets: known.subnets.iter().map(subnet_plan).collect(),
        classes: classes.collect(),
        reserved: reserved_options(known),
        hosts,
    };
    Ok(is_server.then_some(plan))
}

fn subnet(config: &SubnetConfig) -> Subnet {
    let mut subnet = Subnet::new(config.network.value);
    subnet.pools = config.pools.iter().map(|pool| pool.value).collect();
    subnet.exclusions = config.exclude.iter().map(|range| range.value).collect();
    subnet.exclusions.extend(told(config).map(|address| Prefix::containing(address, 32).range()));
    subnet.shared_network = config.shared_network.as_ref().map(|name| name.value.clone());
    subnet.identify_by = config.identify_by;
    subnet.authoritative = config.authoritative;
    let reserved = config.reservations.iter();
    subnet.reservations =
        reserved.map(|it| Reservation::new(it.address.value, it.holder.clone())).collect();
    subnet
}

/// Routers, name servers and the like of the subnet itself: whoever got such an address would be taken for one.
fn told(config: &SubnetConfig) -> impl Iterator<Item = Ipv4Addr> {
    let lists =
        config.options.iter().filter(|it| OptionKind::of(it.code) == OptionKind::AddressList);
    let addresses = lists.flat_map(|option| option.value.as_chunks::<4>().0).copied();
    addresses.map(Ipv4Addr::from).filter(|address| config.network.value.contains(*address))
}

fn subnet_plan(config: &SubnetConfig) -> SubnetPlan {
    SubnetPlan {
        mask: config.network.value.mask(),
        times: config.times,
        options: config.options.clone(),
        bootp: config.bootp,
    }
}

/// The options that stand with reservations, by the reserved address.
fn reserved_options(config: &AddressConfig) -> HashMap<Ipv4Addr, OptionSet> {
    let reservations = config.subnets.iter().flat_map(|subnet| &subnet.reservations);
    let telling = reservations.filter(|reservation| !reservation.options.is_empty());
    telling.map(|it| (it.address.value, it.options.clone())).collect()
}

/// Reserves the addresses of `[[host]]`s in their subnets; returns the options of all of them.
fn hosts(
    config: &Config,
    subnets: &mut [Subnet],
    faults: &mut Vec<Fault>,
) -> HashMap<[u8; 6], OptionSet> {
    let mut options = HashMap::new();
    for (index, host) in config.hosts.iter().enumerate() {
        // One that is none is the policy's fault to tell.
        let Some(mac) = mac(&host.mac.value) else { continue };
        if !host.options.is_empty() {
            options.insert(mac, host.options.clone());
        }
        let Some(address) = &host.address else { continue };
        let home = subnets.iter_mut().find(|subnet| subnet.prefix.contains(address.value));
        let Some(home) = home else {
            if config.dhcp.mode == DhcpMode::Server {
                let problem = format!("{} lies in no [[dhcp.subnet]]", address.value);
                let remedy = "add its subnet, or mend the address";
                let key = format!("host[{}].address", index + 1);
                faults.push(Fault::new(key, problem, remedy).at(Some(address.line)));
            }
            continue;
        };
        let holder = ReservedFor::Hardware(HardwareAddress::ethernet(mac));
        home.reservations.push(Reservation::new(address.value, holder));
    }
    options
}

/// A MAC address in any of the usual spellings.
fn mac(text: &str) -> Option<[u8; 6]> {
    let digits: String = text.chars().filter(|it| !matches!(it, ':' | '-' | '.')).collect();
    let number = u64::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 12)?;
    let [_, _, mac @ ..] = number.to_be_bytes();
    Some(mac)
}

/// A fault of the topology at its line of the file.
fn fault(config: &Config, error: &TopologyError) -> Fault {
    let known = &config.dhcp.addresses.subnets;
    let text = error.fault.to_string();
    let Some(subnet) = known.get(error.subnet) else {
        return Fault::new(format!("dhcp.subnet.{}", error.key), text, "");
    };
    // What the fault speaks of tells which of several ranges or addresses it is.
    let line = match error.key {
        "network" => Some(subnet.network.line),
        "pool" => line_of(&subnet.pools, &text),
        "exclude" => line_of(&subnet.exclude, &text),
        "host" => reserved_at(config, subnet, &text),
        _ => None,
    };
    let key = format!("dhcp.subnet[{}].{}", error.subnet + 1, error.key);
    Fault::new(key, text, "").at(Some(line.unwrap_or(subnet.line)))
}

fn line_of<T: ToString>(list: &[crate::config::Located<T>], text: &str) -> Option<usize> {
    let named = list.iter().find(|item| text.contains(&item.value.to_string()));
    named.or_else(|| list.first()).map(|item| item.line)
}

fn reserved_at(config: &Config, subnet: &SubnetConfig, text: &str) -> Option<usize> {
    let names = |address: &Ipv4Addr| {
        text.split(|it: char| !(it.is_ascii_digit() || it == '.'))
            .any(|word| word == address.to_string())
    };
    let of_host = |host: &HostConfig| host.address.clone().filter(|it| names(&it.value));
    let hosts = config.hosts.iter().filter_map(of_host).map(|address| address.line);
    let others = subnet.reservations.iter().map(|it| &it.address);
    hosts.chain(others.filter(|it| names(&it.value)).map(|it| it.line)).max()
}

#[cfg(test)]
mod tests {
    use pxe_lease::{Allocator, Client, Discovered, UnixSeconds};

    use super::*;

    #[test]
    fn faults_of_the_topology_have_their_lines() {
        let text = "\
[[dhcp.subnet]]
network = \"192.0.2.0/24\"
pool = [
  \"192.0.2.10-192.0.2.20\",
  \"198.51.100.1-198.51.100.9\",
]
[[dhcp.subnet]]
network = \"192.0.2.128/25\"
[[host]]
mac = \"52:54:00:aa:00:01\"
address = \"192.0.2.50\"
[[host]]
mac = \"5254.00aa.0002\"
address = \"192.0.2.50\"
[[host]]
mac = \"52:54:00:aa:00:03\"
address = \"203.0.113.9\"
";
        let mut config = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        config.dhcp.mode = DhcpMode::Server;
        let faults = build(&config).expect_err("faults");
        let mut found: Vec<_> = faults.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                (5, "dhcp.subnet[1].pool"),
                (8, "dhcp.subnet[2].network"),
                (14, "dhcp.subnet[1].host"),
                (17, "host[3].address"),
            ],
            "{faults:?}"
        );
    }

    #[test]
    fn what_clients_are_told_to_ask_is_nobodys() {
        let text = "\
[[dhcp.subnet]]
network = \"192.0.2.0/29\"
pool = \"192.0.2.0/29\"
routers = \"192.0.2.1\"
dns = [\"192.0.2.3\", \"203.0.113.1\"]
options = { ntp-servers = \"192.0.2.5\", time-offset = 3600 }
[[host]]
mac = \"52:54:00:aa:00:01\"
address = \"192.0.2.3\"
";
        let mut config = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        config.dhcp.mode = DhcpMode::Server;
        let plan = build(&config).expect("sound").expect("a server's");
        let mut allocator = Allocator::new(plan.topology.clone(), plan.allocator);
        let scope = plan.topology.scope_of([192, 0, 2, 1].into()).expect("the subnet");
        let mut offer = |last| {
            let client = HardwareAddress::ethernet([0x52, 0x54, 0, 0xaa, 0, last]);
            match allocator.discover(UnixSeconds(1), scope, &Client::new(client), None) {
                Discovered::Offer(offer) => Some(offer.address.octets()[3]),
                _ => None,
            }
        };
        assert_eq!(offer(1), Some(3), "its own name server has its address from here");
        let mut given: Vec<_> = (2..8).map_while(&mut offer).collect();
        given.sort_unstable();
        assert_eq!(given, [2, 4, 6]);
    }

    #[test]
    fn a_server_without_subnets_is_told_so() {
        let mut config = Config::default();
        assert!(build(&config).is_ok_and(|plan| plan.is_none()));
        config.dhcp.mode = DhcpMode::Server;
        let faults = build(&config).expect_err("a fault");
        assert_eq!(faults[0].key, "dhcp.subnet");
    }
}
