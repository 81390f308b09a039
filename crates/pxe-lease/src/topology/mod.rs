//! Networks, their subnets and pools, and who has what reserved.

mod build;
mod config;
mod range;
mod reservations;

use core::net::Ipv4Addr;
use core::ops::Range;

pub use self::config::{IdentifyBy, Reservation, ReservedFor, SubnetConfig};
pub use self::range::{AddressRange, Prefix};
use self::reservations::Reservations;
use crate::client::Client;
use crate::error::TopologyErrors;

/// A network: a link, or several subnets that share one. Counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(pub u16);

/// A subnet, by its index in what the topology was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubnetId(pub u16);

/// Where a client is: on this network, and asked about by an address in this subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Scope {
    /// The network.
    pub network: NetworkId,
    /// The subnet whose addresses are given first.
    pub subnet: SubnetId,
}

/// Place of an address among all that can be given out: those of a subnet's pools are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position(pub(crate) u32);

/// All networks we give addresses on. Made once from the configuration; an [`Allocator`](crate::Allocator) takes
/// another while it runs.
#[derive(Clone, Debug)]
pub struct Topology {
    networks: Vec<Network>,
    subnets: Vec<Subnet>,
    /// Ordered by address, without overlap.
    spans: Vec<Span>,
    /// Indices of `spans`, ordered by position.
    by_position: Vec<usize>,
    positions: u32,
    /// Ordered by network address: first address, and the subnet.
    lookup: Vec<(u32, SubnetId)>,
}

#[derive(Clone, Debug)]
struct Network {
    name: Option<String>,
    subnets: Vec<SubnetId>,
    identify_by: IdentifyBy,
    authoritative: bool,
    reservations: Reservations,
}

#[derive(Clone, Debug)]
struct Subnet {
    prefix: Prefix,
    network: NetworkId,
    /// Positions of the pools.
    dynamic: Range<u32>,
    /// Positions of the pools and, behind them, of reserved addresses outside of them.
    all: Range<u32>,
}

/// Neighbouring addresses with neighbouring positions.
#[derive(Clone, Copy, Debug)]
struct Span {
    range: AddressRange,
    position: u32,
    subnet: SubnetId,
}

impl Topology {
    /// Checks and indexes.
    ///
    /// # Errors
    ///
    /// Every fault there is.
    pub fn new(subnets: &[SubnetConfig]) -> Result<Self, TopologyErrors> {
        build::build(subnets)
    }

    /// The network that a relay (`giaddr`, link selection), an interface, or a client's own address is on.
    #[must_use]
    pub fn scope_of(&self, address: Ipv4Addr) -> Option<Scope> {
        let bits = address.to_bits();
        let index = self.lookup.partition_point(|(first, _)| *first <= bits).checked_sub(1)?;
        let (_, id) = *self.lookup.get(index)?;
        let subnet = self.subnet(id)?;
        let inside = subnet.prefix.contains(address);
        inside.then_some(Scope { network: subnet.network, subnet: id })
    }

    /// All networks.
    pub fn networks(&self) -> impl Iterator<Item = NetworkId> + use<> {
        (0..u16::try_from(self.networks.len()).unwrap_or(u16::MAX)).map(NetworkId)
    }

    /// What its subnets call the network they share.
    #[must_use]
    pub fn network_name(&self, network: NetworkId) -> Option<&str> {
        self.network(network)?.name.as_deref()
    }

    /// The subnets of a network.
    #[must_use]
    pub fn subnets_of(&self, network: NetworkId) -> &[SubnetId] {
        self.network(network).map(|network| &network.subnets[..]).unwrap_or_default()
    }

    /// The addresses of a subnet.
    #[must_use]
    pub fn prefix(&self, subnet: SubnetId) -> Option<Prefix> {
        self.subnet(subnet).map(|subnet| subnet.prefix)
    }

    /// The network a subnet belongs to.
    #[must_use]
    pub fn network_of(&self, subnet: SubnetId) -> Option<NetworkId> {
        self.subnet(subnet).map(|subnet| subnet.network)
    }

    /// The address reserved for a client on a network.
    #[must_use]
    pub fn reserved_for(&self, network: NetworkId, client: &Client<'_>) -> Option<Ipv4Addr> {
        self.network(network)?.reservations.find(client)
    }

    fn network(&self, id: NetworkId) -> Option<&Network> {
        self.networks.get(usize::from(id.0))
    }

    fn subnet(&self, id: SubnetId) -> Option<&Subnet> {
        self.subnets.get(usize::from(id.0))
    }

    /// How many positions there are.
    pub(crate) fn positions(&self) -> u32 {
        self.positions
    }

    pub(crate) fn identify_by(&self, network: NetworkId) -> IdentifyBy {
        self.network(network).map(|network| network.identify_by).unwrap_or_default()
    }

    pub(crate) fn is_authoritative(&self, network: NetworkId) -> bool {
        self.network(network).is_some_and(|network| network.authoritative)
    }

    /// The place of an address, if it can be given out.
    pub(crate) fn position(&self, address: Ipv4Addr) -> Option<Position> {
        let bits = address.to_bits();
        let span = self.span_with(bits)?;
        Some(Position(span.position.saturating_add(bits.saturating_sub(span.range.first))))
    }

    /// Whether all that `other` can give out can be given out by this one too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.spans.iter().all(|span| {
            let mut next = span.range.first;
            // What is one range there may be several here.
            while let Some(here) = self.span_with(next) {
                if here.range.last >= span.range.last {
                    return true;
                }
                next = here.range.last.saturating_add(1);
            }
            false
        })
    }

    fn span_with(&self, bits: u32) -> Option<&Span> {
        let index = self.spans.partition_point(|span| span.range.first <= bits).checked_sub(1)?;
        self.spans.get(index).filter(|span| bits <= span.range.last)
    }

    fn span_of(&self, position: Position) -> Option<&Span> {
        let start = |index: &usize| self.spans.get(*index).map_or(0, |span| span.position);
        let found = self.by_position.partition_point(|index| start(index) <= position.0);
        self.spans.get(*self.by_position.get(found.checked_sub(1)?)?)
    }

    pub(crate) fn address(&self, position: Position) -> Ipv4Addr {
        let bits = self.span_of(position).map_or(0, |span| {
            span.range.first.saturating_add(position.0.saturating_sub(span.position))
        });
        Ipv4Addr::from_bits(bits)
    }

    pub(crate) fn scope_at(&self, position: Position) -> Option<Scope> {
        let id = self.span_of(position)?.subnet;
        Some(Scope { network: self.subnet(id)?.network, subnet: id })
    }

    pub(crate) fn network_at(&self, position: Position) -> Option<NetworkId> {
        Some(self.scope_at(position)?.network)
    }

    /// Whether the position belongs to a pool, and is reserved for nobody.
    pub(crate) fn is_dynamic(&self, position: Position) -> bool {
        let Some(subnet) = self.span_of(position).and_then(|span| self.subnet(span.subnet)) else {
            return false;
        };
        subnet.dynamic.contains(&position.0) && self.holder(position).is_none()
    }

    /// For whom the position is reserved.
    pub(crate) fn holder(&self, position: Position) -> Option<&ReservedFor> {
        let network = self.network(self.network_at(position)?)?;
        network.reservations.holder(self.address(position))
    }

    /// The positions of the pools of a network, those of the given subnet first.
    pub(crate) fn pools(&self, scope: Scope) -> impl Iterator<Item = Range<u32>> {
        let others = self.subnets_of(scope.network).iter().filter(move |id| **id != scope.subnet);
        let ids = core::iter::once(&scope.subnet).chain(others).copied().collect::<Vec<_>>();
        ids.into_iter().filter_map(|id| self.subnet(id).map(|subnet| subnet.dynamic.clone()))
    }

    /// All positions of a network.
    pub(crate) fn positions_of(&self, network: NetworkId) -> impl Iterator<Item = Position> {
        let ranges = self.subnets_of(network).iter().filter_map(|id| self.subnet(*id));
        ranges.flat_map(|subnet| subnet.all.clone()).map(Position)
    }
}
