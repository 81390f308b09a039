//! What the configuration means for the loops and their engines.

use pxe_dhcp::respond::{ProxyConfig, ProxyStyles};

use crate::config::{Config, DhcpMode};
use crate::content::UPLOADS_MAX;
use crate::engine::EngineConfig;

/// Without files to serve there is nothing to deal out.
pub(super) fn loops(config: &Config) -> usize {
    if config.tftp.enabled { config.tftp.loops } else { 1 }
}

/// `first`: the loop that has the DHCP ports.
pub(crate) fn engine_config(config: &Config, first: bool, loops: usize) -> EngineConfig {
    let answers = matches!(config.dhcp.mode, DhcpMode::Proxy | DhcpMode::Server);
    let proxy = (first && answers).then(|| {
        let mut proxy = ProxyConfig::default();
        proxy.ports.server = config.dhcp.port;
        proxy.ports.client = config.dhcp.client_port();
        proxy.ports.boot_server = config.dhcp.boot_port;
        proxy.styles = match config.dhcp.mode {
            // It sees no DISCOVER from which to tell whether its offers are taken.
            DhcpMode::Server => ProxyStyles::ByRequest,
            _ => config.dhcp.proxy_style,
        };
        proxy.server_identifiers = config.advertise.into_iter().collect();
        proxy
    });
    let mut tftp = pxe_tftp::ServerConfig::default();
    tftp.block_size_max = config.tftp.block_size_max;
    tftp.window_size_max = config.tftp.window_size_max;
    tftp.single_port = config.tftp.single_port;
    tftp.transfers_max = config.tftp.transfers_max.div_ceil(loops);
    // Whether there is a place for them is another question, and told in the client's story.
    tftp.uploads_max = UPLOADS_MAX;
    let (advertise, tftp_port) = (config.advertise, config.tftp.port);
    EngineConfig { proxy, server: None, tftp, advertise, tftp_port }
}
