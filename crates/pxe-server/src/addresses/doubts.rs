//! What of `[[dhcp.subnet]]` and the like is allowed, and yet may not be meant.

use core::net::Ipv4Addr;

use pxe_dhcp::OptionCode;

use crate::config::{Config, DhcpMode, Fault, Located, SubnetConfig};
use crate::driver::interfaces::{Interfaces, own_by_interface};
use crate::engine::OwnAddress;

/// For a machine that serves these interfaces.
pub fn doubts(config: &Config, served: &Interfaces) -> Vec<Fault> {
    let names: Vec<(u32, &str)> =
        served.iter().filter(|it| it.broadcasts).map(|it| (it.index, &*it.name)).collect();
    of(config, &names, &own_by_interface().unwrap_or_default())
}

/// The same, where these interfaces are served and these are our addresses.
fn of(config: &Config, served: &[(u32, &str)], own: &[OwnAddress]) -> Vec<Fault> {
    let subnets = &config.dhcp.addresses.subnets;
    let mode = config.dhcp.mode;
    if mode != DhcpMode::Server {
        let unused = |subnet: &SubnetConfig| {
            let problem = format!("nobody is given an address in mode = \"{mode}\"");
            let remedy = "mode = \"server\" in [dhcp], or remove it";
            Fault::new("dhcp.subnet", problem, remedy).at(Some(subnet.line))
        };
        return subnets.first().map(unused).into_iter().collect();
    }
    let mut doubts: Vec<Fault> =
        subnets.iter().enumerate().flat_map(|(at, subnet)| of_subnet(config, at, subnet)).collect();
    doubts.extend(
        reserved(config).filter(|(_, at)| own.iter().any(|own| own.address == at.value)).map(
            |(key, address)| {
                let problem =
                    format!("{} is this machine's own address, which nobody gets", address.value);
                Fault::new(key, problem, "reserve another").at(Some(address.line))
            },
        ),
    );
    doubts.extend(
        served.iter().filter_map(|(index, name)| of_interface(config, (*index, name), own)),
    );
    doubts
}

fn of_subnet(config: &Config, at: usize, subnet: &SubnetConfig) -> Vec<Fault> {
    let network = subnet.network.value;
    let key = |name| format!("dhcp.subnet[{}].{name}", at + 1);
    let mut doubts = Vec::new();
    let has_hosts = hosts(config).any(|(_, address)| network.contains(address.value));
    if subnet.pools.is_empty() && subnet.reservations.is_empty() && !has_hosts {
        let problem = "it gives nobody an address: there is neither a pool nor a reservation";
        let hosts = network.hosts();
        doubts.push(
            Fault::new(key("pool"), problem, format!("pool = \"{hosts}\"")).at(Some(subnet.line)),
        );
    }
    let routers = subnet.options.value(OptionCode::ROUTERS).unwrap_or_default();
    let routers = routers.as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets));
    for router in routers.filter(|router| !network.contains(*router)) {
        let problem = format!("{router} is not in {network}: most clients cannot use it");
        let remedy = "name the router by its address in the subnet";
        doubts.push(Fault::new(key("routers"), problem, remedy).at(Some(subnet.line)));
    }
    doubts
}

/// An interface whose clients nobody serves.
fn of_interface(config: &Config, (index, name): (u32, &str), own: &[OwnAddress]) -> Option<Fault> {
    let here = || own.iter().filter(|own| own.interface == index).map(|own| own.address);
    let subnets = &config.dhcp.addresses.subnets;
    let is_served = |address| subnets.iter().any(|it| it.network.value.contains(address));
    let first = here().next()?;
    if here().any(is_served) {
        return None;
    }
    let problem =
        format!("clients on {name} get nothing, since no [[dhcp.subnet]] has its address {first}");
    let remedy = "add its subnet; or leave it so, if all clients are behind relays";
    Some(Fault::new("dhcp.subnet", problem, remedy))
}

/// Reserved addresses, and the keys they stand under.
fn reserved(config: &Config) -> impl Iterator<Item = (String, &Located<Ipv4Addr>)> {
    let subnets = config.dhcp.addresses.subnets.iter().enumerate();
    let others = subnets.flat_map(|(at, subnet)| {
        let key =
            move |place| format!("dhcp.subnet[{}].reservation[{}].address", at + 1, place + 1);
        let reservations = subnet.reservations.iter().enumerate();
        reservations.map(move |(place, it)| (key(place), &it.address))
    });
    hosts(config).map(|(at, address)| (format!("host[{}].address", at + 1), address)).chain(others)
}

fn hosts(config: &Config) -> impl Iterator<Item = (usize, &Located<Ipv4Addr>)> {
    let hosts = config.hosts.iter().enumerate();
    hosts.filter_map(|(at, host)| Some((at, host.address.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let config = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        let own = [(1, [192, 0, 2, 5]), (2, [10, 0, 0, 1]), (2, [10, 9, 0, 1])];
        let own = own.map(|(interface, address)| OwnAddress { interface, address: address.into() });
        let doubts = of(&config, &[(1, "eth0"), (2, "eth1")], &own);
        doubts.iter().map(|fault| format!("{} {fault}", fault.line.unwrap_or(0))).collect()
    }

    #[test]
    fn a_sound_configuration_leaves_none() {
        let text = "[dhcp]\nmode = \"server\"\n[[dhcp.subnet]]\nnetwork = \"192.0.2.0/24\"\n\
                    pool = \"192.0.2.10-192.0.2.20\"\nrouters = \"192.0.2.1\"\n\
                    [[dhcp.subnet]]\nnetwork = \"10.9.0.0/16\"\n\
                    [[host]]\nmac = \"52:54:00:aa:00:01\"\naddress = \"10.9.0.7\"\n";
        assert_eq!(found(text), [""; 0]);
    }

    #[test]
    fn what_may_not_be_meant_is_told() {
        let text = "[dhcp]\nmode = \"server\"\n[[dhcp.subnet]]\nnetwork = \"192.0.2.0/24\"\n\
                    routers = [\"192.0.3.1\"]\n[[dhcp.subnet]]\nnetwork = \"198.51.100.0/24\"\n\
                    [[dhcp.subnet.reservation]]\naddress = \"198.51.100.7\"\nclient_id = \"x\"\n\
                    [[host]]\nmac = \"52:54:00:aa:00:01\"\naddress = \"192.0.2.5\"\n";
        let told = found(text);
        for (line, words) in [
            (3, "dhcp.subnet[1].routers: 192.0.3.1 is not in 192.0.2.0/24"),
            (13, "host[1].address: 192.0.2.5 is this machine's own address"),
            (0, "clients on eth1 get nothing, since no [[dhcp.subnet]] has its address 10.0.0.1"),
        ] {
            let is_told = |it: &&String| it.starts_with(&format!("{line} ")) && it.contains(words);
            assert_eq!(told.iter().filter(is_told).count(), 1, "{words}: {told:?}");
        }
        assert_eq!(told.len(), 3, "{told:?}");
        let empty = "[dhcp]\nmode = \"server\"\n[[dhcp.subnet]]\nnetwork = \"192.0.2.4/30\"\n";
        let told = found(empty).join("\n");
        assert!(told.contains("pool = \"192.0.2.5-192.0.2.6\""), "{told}");
        assert!(!found(empty).iter().any(|it| it.contains("eth0")), "it is that subnet's: {told}");
    }

    #[test]
    fn subnets_of_other_modes_are_told() {
        let told = found("[[dhcp.subnet]]\nnetwork = \"192.0.2.0/24\"\npool = \"192.0.2.9\"\n");
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("nobody is given an address in mode = \"proxy\""), "{told:?}");
    }
}
