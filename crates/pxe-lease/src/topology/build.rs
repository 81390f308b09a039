//! From a configuration to a topology: every fault at once.

use core::ops::Range;

use super::config::{ReservedFor, SubnetConfig};
use super::range::AddressRange;
use super::reservations::{Reservations, Twice};
use super::{Network, NetworkId, Span, Subnet, SubnetId, Topology};
use crate::error::{Fault, TopologyError, TopologyErrors};
use crate::limits::{ADDRESSES_MAX, RELAY_ID_BYTES_MAX, RESERVATIONS_MAX, SUBNETS_MAX};

pub(super) fn build(configs: &[SubnetConfig]) -> Result<Topology, TopologyErrors> {
    let mut builder = Builder::default();
    if configs.len() > SUBNETS_MAX {
        builder.fault(SUBNETS_MAX, "network", Fault::TooManySubnets { found: configs.len() });
        return Err(TopologyErrors(builder.faults));
    }
    for (index, config) in configs.iter().enumerate() {
        builder.check_prefix(index, configs);
        let network = builder.join_network(index, configs);
        builder.add_subnet(index, config, network);
    }
    if !builder.faults.is_empty() {
        return Err(TopologyErrors(builder.faults));
    }
    Ok(builder.finish())
}

#[derive(Default)]
struct Builder {
    networks: Vec<Network>,
    subnets: Vec<Subnet>,
    spans: Vec<Span>,
    addresses: u64,
    reservations: usize,
    faults: Vec<TopologyError>,
}

impl Builder {
    fn fault(&mut self, subnet: usize, key: &'static str, fault: Fault) {
        self.faults.push(TopologyError { subnet, key, fault });
    }

    fn check_prefix(&mut self, index: usize, configs: &[SubnetConfig]) {
        let earlier = configs.iter().take(index).enumerate();
        let Some(prefix) = configs.get(index).map(|config| config.prefix) else { return };
        for (other_index, other) in earlier {
            if prefix.range().overlaps(other.prefix.range()) {
                let other = other.prefix;
                let fault = Fault::SubnetsOverlap { prefix, other, index: other_index };
                return self.fault(index, "network", fault);
            }
        }
    }

    /// The network of the subnet: that of its name, or one of its own.
    fn join_network(&mut self, index: usize, configs: &[SubnetConfig]) -> NetworkId {
        let subnet = SubnetId(short(index));
        let Some(config) = configs.get(index) else { return NetworkId(0) };
        let known = config.shared_network.as_ref().and_then(|name| {
            self.networks.iter().position(|network| network.name.as_ref() == Some(name))
        });
        let Some(at) = known else {
            self.networks.push(Network {
                name: config.shared_network.clone(),
                subnets: vec![subnet],
                identify_by: config.identify_by,
                authoritative: config.authoritative,
                reservations: Reservations::default(),
            });
            return NetworkId(short(self.networks.len().saturating_sub(1)));
        };
        let Some(network) = self.networks.get_mut(at) else { return NetworkId(0) };
        let first = network.subnets.first().map_or(0, |id| usize::from(id.0));
        let differences = [
            ("identify-by", network.identify_by != config.identify_by),
            ("authoritative", network.authoritative != config.authoritative),
        ];
        network.subnets.push(subnet);
        let name = network.name.clone().unwrap_or_default();
        for (what, _) in differences.into_iter().filter(|(_, differs)| *differs) {
            let fault = Fault::SharedNetworkDiffers { name: name.clone(), index: first, what };
            self.fault(index, "shared-network", fault);
        }
        NetworkId(short(at))
    }

    fn add_subnet(&mut self, index: usize, config: &SubnetConfig, network: NetworkId) {
        let subnet = SubnetId(short(index));
        let pools = self.pools(index, config);
        let start = self.positions();
        for range in &pools {
            self.add_span(index, *range, subnet);
        }
        let dynamic = start..self.positions();
        for reservation in &config.reservations {
            self.reservations = self.reservations.saturating_add(1);
            if let Some(fault) = self.reserve(config, network, reservation) {
                self.fault(index, "host", fault);
                continue;
            }
            let address = reservation.address.to_bits();
            let range = AddressRange { first: address, last: address };
            if !pools.iter().any(|pool| pool.covers(range)) {
                self.add_span(index, range, subnet);
            }
        }
        if self.reservations > RESERVATIONS_MAX {
            self.fault(index, "host", Fault::TooManyReservations { found: self.reservations });
        }
        let all = start..self.positions();
        self.subnets.push(Subnet { prefix: config.prefix, network, dynamic, all });
    }

    /// The addresses that anybody may have, in order.
    fn pools(&mut self, index: usize, config: &SubnetConfig) -> Vec<AddressRange> {
        let prefix = config.prefix;
        let outside = |range: &&AddressRange| !prefix.range().covers(**range);
        for range in config.exclusions.iter().filter(outside) {
            self.fault(index, "exclude", Fault::OutsideSubnet { range: *range, prefix });
        }
        let hosts = prefix.hosts();
        let mut usable = Vec::new();
        for (at, range) in config.pools.iter().enumerate() {
            let range = *range;
            if !prefix.range().covers(range) {
                self.fault(index, "pool", Fault::OutsideSubnet { range, prefix });
                continue;
            }
            let earlier = config.pools.iter().take(at);
            if let Some(other) = earlier.copied().find(|other| other.overlaps(range)) {
                self.fault(index, "pool", Fault::PoolsOverlap { range, other });
                continue;
            }
            let first = range.first.max(hosts.first);
            let last = range.last.min(hosts.last);
            let inner = (first <= last).then_some(AddressRange { first, last });
            let rest = inner.map(|inner| inner.without(&config.exclusions)).unwrap_or_default();
            if rest.is_empty() {
                self.fault(index, "pool", Fault::EmptyPool { range });
            }
            usable.extend(rest);
        }
        usable.sort_by_key(|range| range.first);
        usable
    }

    fn reserve(
        &mut self,
        config: &SubnetConfig,
        network: NetworkId,
        reservation: &super::Reservation,
    ) -> Option<Fault> {
        let (address, prefix) = (reservation.address, config.prefix);
        if !prefix.contains(address) {
            return Some(Fault::AddressOutside { address, prefix });
        }
        let hosts = prefix.hosts();
        if !(hosts.first..=hosts.last).contains(&address.to_bits()) {
            return Some(Fault::NotAHostAddress { address, prefix });
        }
        match longest_id(&reservation.holder) {
            None => return Some(Fault::NobodyReserved { address }),
            Some(bytes) if bytes > RELAY_ID_BYTES_MAX => {
                return Some(Fault::IdTooLong { address, bytes });
            }
            Some(_) => {}
        }
        let network = self.networks.get_mut(usize::from(network.0))?;
        match network.reservations.add(reservation) {
            Ok(()) => None,
            Err(Twice::Address) => Some(Fault::AddressReservedTwice { address }),
            Err(Twice::Client(other)) => Some(Fault::ClientReservedTwice { address, other }),
        }
    }

    fn positions(&self) -> u32 {
        u32::try_from(self.addresses).unwrap_or(u32::MAX)
    }

    fn add_span(&mut self, index: usize, range: AddressRange, subnet: SubnetId) {
        let position = self.positions();
        let before = self.addresses;
        self.addresses = self.addresses.saturating_add(range.count());
        let most = ADDRESSES_MAX as u64;
        if self.addresses > most {
            // Said once; positions behind it are not used.
            if before <= most {
                self.fault(index, "pool", Fault::TooManyAddresses { found: self.addresses });
            }
            return;
        }
        self.spans.push(Span { range, position, subnet });
    }

    fn finish(self) -> Topology {
        let positions = self.positions();
        let mut spans = self.spans;
        spans.sort_by_key(|span| span.range.first);
        let mut by_position: Vec<usize> = (0..spans.len()).collect();
        by_position.sort_by_key(|index| spans.get(*index).map(|span| span.position));
        let first = |subnet: &Subnet| subnet.prefix.network().to_bits();
        let mut lookup: Vec<(u32, SubnetId)> = self.subnets.iter().map(first).zip(ids()).collect();
        lookup.sort_unstable_by_key(|(first, _)| *first);
        let (networks, subnets) = (self.networks, self.subnets);
        Topology { networks, subnets, spans, by_position, positions, lookup }
    }
}

fn ids() -> impl Iterator<Item = SubnetId> {
    let all: Range<u16> = 0..u16::MAX;
    all.map(SubnetId)
}

/// Below [`SUBNETS_MAX`], so nothing is lost.
fn short(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// Bytes of the longest id of a reservation; `None` if it has none that any client could have.
fn longest_id(holder: &ReservedFor) -> Option<usize> {
    let lengths: Vec<usize> = match holder {
        ReservedFor::Hardware(hardware) => {
            if hardware.is_telling() {
                vec![1]
            } else {
                Vec::new()
            }
        }
        ReservedFor::Identifier(identifier) => vec![identifier.len()],
        ReservedFor::Circuit { circuit_id, remote_id } => {
            [circuit_id, remote_id].into_iter().flatten().map(Vec::len).collect()
        }
    };
    let longest = lengths.iter().copied().max()?;
    lengths.iter().all(|length| *length > 0).then_some(longest)
}
