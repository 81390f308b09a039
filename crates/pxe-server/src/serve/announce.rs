//! What is said at the start: which loaders there are, and where the server is reached.

use log::{info, warn};

use crate::bound::Bound;
use crate::config::{Config, DhcpMode};
use crate::content::{Loaders, signed};
use crate::driver::interfaces::{self, Interfaces};
use crate::{addresses, check, folders};

/// Tells what people should know before machines come.
pub(super) fn doubts(config: &Config, served: &Interfaces) {
    let doubts = check::uploads(config).into_iter().chain(check::doubts(config));
    for doubt in doubts.chain(addresses::doubts::doubts(config, served)) {
        warn!("{doubt}");
    }
    if served.is_empty() {
        warn!(
            "nobody can be answered yet: {}; connect one, it is looked for every ten seconds",
            interfaces::NONE
        );
    }
}

/// Tells which loaders there are, and which folders cannot be served from.
pub(crate) fn announce(config: &Config, loaders: &Loaders) {
    // Whoever reads the log need not know where the server was started.
    let root = std::path::absolute(&config.root).unwrap_or_else(|_| config.root.clone());
    match folders::unreadable("root", &root) {
        Some(_) if folders::is_default_to_come(config) => info!(
            "there is no folder {} yet: what you put there is in the menu; until then it has what packages and images have",
            root.display()
        ),
        Some(fault) => {
            warn!("{fault}; until then only loaders of the system's packages are served");
        }
        None => {}
    }
    if let Some(fault) = check::unreadable_images(config) {
        warn!("{fault}");
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
