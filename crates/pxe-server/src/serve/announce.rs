//! What is said at the start: which loaders there are, and where the server is reached.

use log::{info, warn};

use crate::bound::Bound;
use crate::config::{Config, DhcpMode};
use crate::content::{Loaders, signed};
use crate::driver::interfaces::Interfaces;

/// Tells which loaders there are.
pub(crate) fn announce(config: &Config, loaders: &Loaders) {
    if !config.root.is_dir() {
        warn!(
            "the root folder {} is not there; loaders of the system's packages are served all the \
             same, and the folder is looked for again on every request",
            config.root.display()
        );
    }
    for found in loaders.found() {
        match signed::describe(found) {
            Some(signed) => info!("loader for {}: {found}; {signed}", found.firmware),
            None => info!("loader for {}: {found}", found.firmware),
        }
    }
    for missing in loaders.missing_common() {
        warn!("no loader for {}: {missing}", missing.firmware);
    }
}

/// The line that says that the server runs, and where.
pub(super) fn ready_line(config: &Config, served: &Interfaces, bound: &Bound) -> String {
    let mut parts = vec![format!("ready: {} mode on {}", config.dhcp.mode, served)];
    if matches!(config.dhcp.mode, DhcpMode::Proxy | DhcpMode::Server) {
        parts.push(format!("DHCP {} and {}", config.dhcp.port, config.dhcp.boot_port));
    }
    if config.dhcp.mode == DhcpMode::Observe {
        let (server, client) = (config.dhcp.port, config.dhcp.client_port());
        parts.push(format!("listening to DHCP {server} and {client}, sending none"));
    }
    if config.tftp.enabled {
        parts.push(format!("TFTP {} from {}", config.tftp.port, config.root.display()));
        if let Some(uploads) = &config.tftp.uploads {
            parts.push(format!("uploads to {}", uploads.value.display()));
        }
    }
    if config.http.enabled {
        let name = if config.http.is_tls() { "HTTPS" } else { "HTTP" };
        parts.push(format!("{name} {}", config.http.listen));
    }
    if bound.has_page() {
        let scheme = if config.admin.is_tls() { "https" } else { "http" };
        parts.push(format!("page {scheme}://{}/", config.admin.listen));
    }
    parts.join(", ")
}
