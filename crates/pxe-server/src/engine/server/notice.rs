//! What people should know of the leases as a whole.

use core::fmt;

use pxe_lease::{Event, NetworkId, Topology};

/// A line for the log that is about no single client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Something is wrong, and somebody should look.
    pub is_fault: bool,
    /// What.
    pub text: String,
}

impl Notice {
    pub(super) fn of(event: &Event, topology: &Topology) -> Self {
        let is_fault = !matches!(event, Event::Recovered { .. } | Event::StoreBack);
        let text = match event {
            Event::Exhausted { network: id, addresses } => format!(
                "{}: all {addresses} addresses are in use, new clients get no answer; widen the pool or shorten \
                 the leases",
                network(topology, *id)
            ),
            Event::Recovered { network: id } => {
                format!("{}: there are free addresses again", network(topology, *id))
            }
            other => other.to_string(),
        };
        Self { is_fault, text }
    }
}

/// The name of a network, or its first subnet.
pub(super) fn network(topology: &Topology, id: NetworkId) -> String {
    let name = topology.network_name(id).map(ToOwned::to_owned);
    name.unwrap_or_else(|| {
        let first = topology.subnets_of(id).first();
        let prefix = first.and_then(|subnet| topology.prefix(*subnet));
        prefix.map_or_else(String::new, |prefix| prefix.to_string())
    })
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
