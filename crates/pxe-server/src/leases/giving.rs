//! What `serve` needs to give addresses: the plan, the store, and the socket by which leases are asked for.

use std::time::Instant;

use pxe_dhcp::respond::ServerConfig;

use super::open;
use crate::config::{Config, Fault, StoreConfig};
use crate::driver::{Desk, Leasing, Store};
use crate::engine::{AddressPlan, ServerSettings};
use crate::state::unix_ms;

/// Opens the store for a server with this plan.
///
/// # Errors
/// The fault to mend.
pub fn prepare(config: &Config, plan: AddressPlan) -> Result<(ServerSettings, Leasing), Fault> {
    let known = &config.dhcp.addresses;
    let is_shared = known.store != StoreConfig::Embedded;
    let store = Store::new(open(config)?, is_shared);
    // What is in a database is asked there.
    let desk = (!is_shared).then(|| Desk::open(&config.state)).transpose().map_err(|error| {
        let problem = format!("no socket can be made in {}: {error}", config.state.display());
        Fault::new("state", problem, "name a folder this user may write to: state = \"…\"")
    })?;
    let mut responder = ServerConfig::default();
    responder.ports.server = config.dhcp.port;
    responder.ports.client = config.dhcp.client_port();
    responder.ports.boot_server = config.dhcp.boot_port;
    responder.trust_snooped_relay_information = known.trust_snooped_relay_information;
    let settings = ServerSettings { responder, plan, unix_ms: unix_ms(), now: Instant::now() };
    Ok((settings, Leasing { store, desk }))
}
