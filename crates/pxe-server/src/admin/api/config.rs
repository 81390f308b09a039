//! The configuration in use, with every default filled in.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::admin::Site;
use crate::admin::problem::Refused;
use crate::config::{Config, StoreConfig};

/// The configuration in use, with the defaults filled in and without secrets
#[utoipa::path(
    get, operation_id = "get_config", path = "/api/v1/config", tag = "about",
    responses((status = 200, description = "The keys of the configuration file", body = Value), Refused)
)]
pub(super) async fn show(State(site): State<Site>) -> Json<Value> {
    Json(effective(&site.parts.in_use.config()))
}

fn effective(config: &Config) -> Value {
    let path = |path: &std::path::Path| path.display().to_string();
    let loaders: serde_json::Map<_, _> = config
        .loaders
        .iter()
        .map(|(firmware, file)| (firmware.value.clone(), Value::from(file.value.clone())))
        .collect();
    let store = match config.dhcp.addresses.store {
        StoreConfig::Embedded => "embedded",
        StoreConfig::Postgres { .. } => "postgres",
    };
    let (tftp, http, admin) = (&config.tftp, &config.http, &config.admin);
    let subnets =
        config.dhcp.addresses.subnets.iter().map(|subnet| subnet.network.value.to_string());
    let baits = config.select.baits.iter().map(|bait| bait.value.clone());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "file": config.file.as_deref().map(path),
        "interfaces": config.interfaces.iter().map(|name| name.value.clone()).collect::<Vec<_>>(),
        "root": path(&config.root),
        "state": path(&config.state),
        "advertise": config.advertise,
        "dhcp": {
            "mode": config.dhcp.mode.to_string(),
            "port": config.dhcp.port,
            "boot_port": config.dhcp.boot_port,
            "store": store,
            "subnets": subnets.collect::<Vec<_>>(),
        },
        "tftp": {
            "enabled": tftp.enabled,
            "port": tftp.port,
            "single_port": tftp.single_port,
            "block_size_max": tftp.block_size_max,
            "window_size_max": tftp.window_size_max,
            "transfers_max": tftp.transfers_max,
            "loops": tftp.loops,
            "uploads": tftp.uploads.as_ref().map(|folder| path(&folder.value)),
        },
        "http": {
            "enabled": http.enabled,
            "listen": http.listen,
            "tls": http.is_tls(),
            "connections_max": http.connections_max,
            "connections_per_address_max": http.connections_per_address_max,
        },
        "admin": { "listen": admin.listen, "tls": admin.is_tls() },
        "select": {
            "bait": baits.collect::<Vec<_>>(),
            "unknown": config.select.unknown.as_ref().map_or("hold", |loader| &loader.value),
        },
        "loaders": loaders,
        "hosts": config.hosts.len(),
        "rules": config.rules.len(),
    })
}
